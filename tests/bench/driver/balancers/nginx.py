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
    TLS_CURVE,
    TLS_NAME,
    TLS_SUITE,
    Running,
    first_line,
)

_PROGRAM = "nginx"
_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so"


class Nginx:
    """A master and one worker process; both count."""

    name = "nginx"
    role = PEER
    tls = True

    def missing(self):
        if not shutil.which(_PROGRAM):
            return "nginx (package nginx)"
        return "" if os.path.exists(_MODULE) else "nginx's stream module (package libnginx-mod-stream)"

    def version(self, programs):
        del programs
        return first_line([_PROGRAM, "-v"])

    def start(self, room):
        config = room.write("nginx.conf", self._config(room))
        # The error log is named here too, since it is opened before the configuration is read.
        argv = [_PROGRAM, "-e", "stderr", "-p", room.folder, "-c", config]
        process = room.start("nginx", argv)
        room.wait_until_listening(process, LISTEN_PORT)
        # The master listens; its workers come after that.
        room.wait_until(lambda: procfs.children(process.pid), process, "has a worker process")
        return Running(workers=tuple(procfs.family(process.pid)))

    def _config(self, room):
        ssl, settings = "", ""
        if room.tls is not None:
            values = {"suite": TLS_SUITE, "curve": TLS_CURVE, "name": TLS_NAME, **vars(room.tls)}
            ssl, settings = "ssl", _TLS % values
            if room.tls.re_encrypt:
                settings += _BACKEND_TLS % values
        return _CONFIG % {
            "module": _MODULE,
            "folder": room.folder,
            "ssl": ssl,
            "tls": settings,
            # A connection here is a socket; each client's needs two.
            "sockets": 2 * CONNECTIONS_MAX + 1000,
            "descriptors": 2 * CONNECTIONS_MAX + 2000,
            "port": LISTEN_PORT,
            "backlog": BACKLOG,
            "servers": "\n".join("    server %s;" % backend for backend in BACKENDS),
        }


_TLS = """\
    ssl_certificate %(cert)s;
    ssl_certificate_key %(key)s;
    ssl_protocols TLSv1.3;
    ssl_conf_command Ciphersuites %(suite)s;
    ssl_ecdh_curve %(curve)s;
"""
_BACKEND_TLS = """\
    proxy_ssl on;
    proxy_ssl_protocols TLSv1.3;
    proxy_ssl_conf_command Ciphersuites %(suite)s;
    proxy_ssl_verify on;
    proxy_ssl_trusted_certificate %(ca)s;
    proxy_ssl_name %(name)s;
    proxy_ssl_server_name on;
"""
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
    listen 127.0.0.1:%(port)d backlog=%(backlog)d reuseport %(ssl)s;
    proxy_pass backends;
%(tls)s
  }
}
"""
