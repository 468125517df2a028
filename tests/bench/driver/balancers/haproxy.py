"""HAProxy 2.6 of Debian 12."""

import shutil

from driver.balancers.contract import (
    BACKENDS,
    BACKLOG,
    CONNECTIONS_MAX,
    LISTEN_PORT,
    PEER,
    TLS_CURVE,
    TLS_NAME,
    TLS_SUITE,
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
        self.tls = not splice  # Of encrypted bytes there is nothing to splice.

    def missing(self):
        return "" if shutil.which(_PROGRAM) else "haproxy (package haproxy)"

    def version(self, programs):
        del programs
        return first_line([_PROGRAM, "-v"])

    def start(self, room):
        config = room.write("haproxy.cfg", self._config(room))
        # In the foreground, one process.
        process = room.start("haproxy", [_PROGRAM, "-db", "-f", config])
        room.wait_until_listening(process, LISTEN_PORT)
        return Running(workers=(process.pid,))

    def _config(self, room):
        bind, server, settings = "", "", ""
        if room.tls is not None:
            settings = _TLS % {"suite": TLS_SUITE, "curve": TLS_CURVE}
            bind = "ssl crt " + room.tls.both
            if room.tls.re_encrypt:
                server = "ssl verify required ca-file %s verifyhost %s sni str(%s)" % (
                    room.tls.ca, TLS_NAME, TLS_NAME)
        return _CONFIG % {
            "connections": CONNECTIONS_MAX,
            "pipes": "tune.pipesize %d" % _PIPE_BYTES if self._splice else "",
            "pipes_max": _PIPES_MAX,
            "splice": "option splice-request\n  option splice-response" if self._splice else "",
            "port": LISTEN_PORT,
            "backlog": BACKLOG,
            "tls": settings,
            "bind": bind,
            "servers": "\n".join(
                "  server s%d %s %s" % (*item, server) for item in enumerate(BACKENDS)),
        }


_TLS = """\
  ssl-default-bind-options ssl-min-ver TLSv1.3
  ssl-default-bind-ciphersuites %(suite)s
  ssl-default-bind-curves %(curve)s
  ssl-default-server-options ssl-min-ver TLSv1.3
  ssl-default-server-ciphersuites %(suite)s
"""
_CONFIG = """\
global
  nbthread 1
  maxconn %(connections)d
  maxpipes %(pipes_max)d
  %(pipes)s
%(tls)s
defaults
  mode tcp
  timeout connect 5s
  timeout client 120s
  timeout server 120s
  balance roundrobin
  %(splice)s
listen bench
  bind 127.0.0.1:%(port)d backlog %(backlog)d %(bind)s
%(servers)s
"""
