"""This project's balancer: a control plane and one worker with one thread."""

import os

from driver.balancers.contract import (
    BACKENDS,
    LISTEN_PORT,
    SUBJECT,
    TLS_NAME,
    Running,
    first_line,
)
from harness import http_get, yaml


class Lb:
    """What carries traffic is lb-worker; the control plane's CPU time is reported apart."""

    role = SUBJECT
    tls = True

    def __init__(self, name="lb", **settings):
        """`settings`: what its configuration has besides the rule."""
        self.name = name
        self._config = {**_CONFIG, **settings}

    def missing(self):
        return ""

    def version(self, programs):
        return first_line([programs["worker"], "--version"])

    def start(self, room):
        state = os.path.join(room.folder, "state")
        os.makedirs(state)
        config = room.write("lb.yaml", yaml({**self._config, **_tls(room.tls)}))
        socket, admin, http = (
            "unix:%s/%s" % (room.folder, name) for name in ("worker.sock", "admin.sock", "control.http")
        )
        argv = [room.programs["controlplane"], "--config", config, "--state-dir", state]
        argv += ["--worker-api", socket, "--admin-api", admin, "--http", http]
        control = room.start("lb-controlplane", argv)

        worker_http = "unix:%s/worker.http" % room.folder
        argv = [room.programs["worker"], "--control", socket, "--id", "worker-1", "--threads", "1"]
        worker = room.start("lb-worker", [*argv, "--http", worker_http])
        room.wait_until(lambda: http_get(worker_http, "/readyz")[0] == 200, worker, "is ready")
        return Running(workers=(worker.pid,), beside=(control.pid,))


def _tls(files):
    """The sections for TLS. BoringSSL chooses the suite and the curve by itself."""
    if files is None:
        return {}
    found = {"tls": {"cert": files.cert, "key": files.key, "min_version": "1.3"}}
    if files.re_encrypt:
        found["backend_tls"] = {"ca": files.ca, "server_name": TLS_NAME, "min_version": "1.3"}
    return found


_CONFIG = {
    "rules": [{"name": "bench", "listen": "127.0.0.1:%d" % LISTEN_PORT, "backends": BACKENDS}],
    "health_check": {"enabled": False},
}
