"""nginx 1.22 of Debian 12 with its stream module."""

import os
import shutil

from driver import procfs
from driver.balancers.contract import (
    BACKENDS,
    BACKLOG,
    CONNECTIONS_MAX,
    LISTEN_PORT,
    PEER,
    Running,
    first_line,
)

_PROGRAM = "nginx"
_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so"


class Nginx:
    """A master and one worker process; both count."""

    name = "nginx"
    role = PEER

    def missing(self):
        if not shutil.which(_PROGRAM):
            return "nginx (package nginx)"
        return "" if os.path.exists(_MODULE) else "nginx's stream module (package libnginx-mod-stream)"

    def version(self, programs):
        del programs
        return first_line([_PROGRAM, "-v"])

    def start(self, room):
        config = room.write("nginx.conf", self._config(room.folder))
        # The error log is named here too, since it is opened before the configuration is read.
        argv = [_PROGRAM, "-e", "stderr", "-p", room.folder, "-c", config]
        process = room.start("nginx", argv)
        room.wait_until_listening(process, LISTEN_PORT)
        # The master listens; its workers come after that.
        room.wait_until(lambda: procfs.children(process.pid), process, "has a worker process")
        return Running(workers=tuple(procfs.family(process.pid)))

    def _config(self, folder):
        return _CONFIG % {
            "module": _MODULE,
            "folder": folder,
            # A connection here is a socket; each client's needs two.
            "sockets": 2 * CONNECTIONS_MAX + 1000,
            "descriptors": 2 * CONNECTIONS_MAX + 2000,
            "port": LISTEN_PORT,
            "backlog": BACKLOG,
            "servers": "\n".join("    server %s;" % backend for backend in BACKENDS),
        }


# `user root`: no change of user, which a user namespace with one user would refuse.
_CONFIG = """\
load_module %(module)s;
user root root;
daemon off;
worker_processes 1;
worker_rlimit_nofile %(descriptors)d;
pid %(folder)s/nginx.pid;
error_log stderr crit;
events {
  worker_connections %(sockets)d;
  use epoll;
  multi_accept on;
  accept_mutex off;
}
stream {
  upstream backends {
%(servers)s
  }
  proxy_connect_timeout 5s;
  proxy_timeout 120s;
  server {
    listen 127.0.0.1:%(port)d backlog=%(backlog)d reuseport;
    proxy_pass backends;
  }
}
"""
