"""Real servers, each in a folder of its own and, where it insists, not as root."""

import os
import signal

from harness.process import run
from harness.waiting import SLOW, wait_for

_POSTGRES = "/usr/lib/postgresql/15/bin/"
# uid 1000 of a further user namespace: for servers that refuse to be root.
AS_USER = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"]


def checked(argv, timeout=120, **options):
    """Runs a command that has to succeed; returns its stdout."""
    done = run(argv, timeout * SLOW, **options)
    if done.returncode != 0:
        command = " ".join(str(part) for part in argv)
        raise AssertionError(
            "%s: exit %d\n%s%s" % (command, done.returncode, done.stdout, done.stderr)
        )
    return done.stdout


def make_folder(case, name):
    path = os.path.join(case.folder, name)
    os.makedirs(path)
    return path


def start_server(case, name, argv, end_with=signal.SIGTERM, **options):
    """A server that is asked to end when the test does, so that its children end as well."""
    process = case.start(name, argv, **options)
    case.addCleanup(process.stop, end_with, 30)
    return process


def postgres(case, host, port, settings=()):
    """PostgreSQL with user "postgres" and no password; `settings`: more of its own, "NAME=VALUE"."""
    folder = make_folder(case, "postgres")
    data = os.path.join(folder, "data")
    initdb = [_POSTGRES + "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync"]
    checked(AS_USER + initdb + ["--locale=C.UTF-8"])
    argv = [_POSTGRES + "postgres", "-D", data, "-h", host, "-p", str(port), "-k", folder]
    for setting in ("fsync=off", *settings):
        argv += ["-c", setting]
    start_server(case, "postgres", AS_USER + argv, signal.SIGINT)
    ready = [_POSTGRES + "pg_isready", "-h", host, "-p", str(port), "-q"]
    wait_for(lambda: run(ready).returncode == 0, 30, "PostgreSQL answers")


def redis(case, host, port, flags=()):
    argv = ["redis-server", "--bind", host, "--port", str(port), "--save", "", "--appendonly", "no"]
    start_server(case, "redis", [*argv, "--dir", make_folder(case, "redis"), *flags])
    ping = ["redis-cli", "-h", host, "-p", port, "ping"]
    wait_for(lambda: run(ping).stdout == "PONG\n", 30, "Redis answers")


_NGINX_CONF = """
daemon off;
error_log stderr;
pid {folder}/pid;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  keepalive_requests 1000000;
  server {{
    listen {host}:{port};
    listen {host}:{tls_port} ssl http2;
    ssl_certificate {cert};
    ssl_certificate_key {key};
    root {folder}/www;
  }}
}}
"""


def nginx(case, host, port, tls_port, files, pair=None):
    """nginx with these files ({name: bytes}), plain on `port`, TLS with HTTP/2 on `tls_port`.

    `pair`: its certificate and key; None: one that it signs itself.
    """
    folder = make_folder(case, "nginx")
    www = make_folder(case, "nginx/www")
    for name, data in files.items():
        with open(os.path.join(www, name), "wb") as file:
            file.write(data)
    cert, key = pair or _own_certificate(folder)
    conf = os.path.join(folder, "nginx.conf")
    with open(conf, "w", encoding="utf-8") as file:
        file.write(_NGINX_CONF.format(folder=folder, host=host, port=port, tls_port=tls_port, cert=cert,
                                      key=key))
    argv = AS_USER + ["nginx", "-e", "stderr", "-p", folder, "-c", conf]
    process = start_server(case, "nginx", argv, signal.SIGQUIT)
    ready = ["curl", "-s", "-o", "/dev/null", "http://%s:%d/" % (host, port)]
    wait_for(lambda: run(ready).returncode == 0 and process.running(), 30, "nginx answers")


def _own_certificate(folder):
    cert, key = folder + "/cert.pem", folder + "/key.pem"
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-keyout", key]
    name = ["-subj", "/CN=test", "-days", "2", "-out", cert]
    checked(["openssl", "req", "-x509", "-nodes", *kind, *name])
    return cert, key
