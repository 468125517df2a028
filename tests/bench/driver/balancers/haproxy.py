"""HAProxy 2.6 of Debian 12."""

import shutil

from driver.balancers.contract import (
    BACKENDS,
    BACKLOG,
    CONNECTIONS_MAX,
    LISTEN_PORT,
    PEER,
    Running,
    first_line,
)

_PROGRAM = "haproxy"
# As lb-worker's pipes; four times the default, and the cheapest HAProxy can do.
_PIPE_BYTES = 256 * 1024
_PIPES_MAX = 500


class Haproxy:
    """As it comes, or made to forward every byte by splice(2), which it leaves off by default."""

    role = PEER

    def __init__(self, name, splice=False):
        self.name = name
        self._splice = splice

    def missing(self):
        return "" if shutil.which(_PROGRAM) else "haproxy (package haproxy)"

    def version(self, programs):
        del programs
        return first_line([_PROGRAM, "-v"])

    def start(self, room):
        config = room.write("haproxy.cfg", self._config())
        # In the foreground, one process.
        process = room.start("haproxy", [_PROGRAM, "-db", "-f", config])
        room.wait_until_listening(process, LISTEN_PORT)
        return Running(workers=(process.pid,))

    def _config(self):
        return _CONFIG % {
            "connections": CONNECTIONS_MAX,
            "pipes": "tune.pipesize %d" % _PIPE_BYTES if self._splice else "",
            "pipes_max": _PIPES_MAX,
            "splice": "option splice-request\n  option splice-response" if self._splice else "",
            "port": LISTEN_PORT,
            "backlog": BACKLOG,
            "servers": "\n".join("  server s%d %s" % item for item in enumerate(BACKENDS)),
        }


_CONFIG = """\
global
  nbthread 1
  maxconn %(connections)d
  maxpipes %(pipes_max)d
  %(pipes)s
defaults
  mode tcp
  timeout connect 5s
  timeout client 120s
  timeout server 120s
  balance roundrobin
  %(splice)s
listen bench
  bind 127.0.0.1:%(port)d backlog %(backlog)d
%(servers)s
"""
