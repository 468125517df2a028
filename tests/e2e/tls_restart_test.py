"""Programs come and go: sessions of before still resume, on whichever worker a client meets."""

import harness
from harness import http_get, wait_for
from harness.certificates import Authority
from harness.tls import PlainServer, client_context, tls_connect

LISTEN, BACKEND, NAME = "127.0.0.1:8443", "127.0.0.1:9001", "front.test"
TRIES = 40


class TlsRestartTest(harness.Case):
    def setUp(self):
        ca = Authority(self.folder)
        cert, key = ca.issue("front", "DNS:" + NAME)
        PlainServer(self, "a", BACKEND)
        self.context = client_context(ca.cert)
        rule = {"name": "web", "listen": LISTEN, "backends": [BACKEND],
                "tls": {"cert": cert, "key": key}}
        self.lb = self.balancer().start({"rules": [rule]}, workers=2)
        self.session = self.connect()[0]

    def connect(self, session=None):
        """(a session for next time, whether this one was resumed)."""
        with tls_connect(LISTEN, self.context, NAME, session) as stream:
            stream.recv(1)
            return stream.tls.session, stream.tls.session_reused

    def resumed(self):
        """How many of TRIES connections resume the session of the beginning."""
        return sum(self.connect(self.session)[1] for _ in range(TRIES))

    def restart_control(self):
        self.lb.control.kill()
        wait_for(lambda: self.lb.sum("lb_controlplane_connected") == 0, 10, "the streams have ended")
        self.assertEqual(self.resumed(), TRIES)
        self.lb.start_control()
        wait_for(lambda: http_get(harness.balancer.HTTP, "/readyz")[0] == 200, 20, "it is ready")
        self.lb.wait_until_synced()

    def test_the_control_plane(self):
        for _ in range(2):
            self.restart_control()
            self.assertEqual(self.resumed(), TRIES)
            # Who came back has a ticket of the new keys, which is good on both workers as well.
            self.session = self.connect(self.session)[0]
            self.assertEqual(self.resumed(), TRIES)

    def test_one_worker(self):
        self.lb.workers["worker-1"].process.kill()
        self.lb.start_worker("worker-1").wait_until_ready()
        self.lb.wait_until_synced()
        self.assertEqual(self.resumed(), TRIES)

    def test_every_worker_one_after_the_other(self):
        for name in ("worker-1", "worker-2"):
            self.lb.workers[name].process.kill()
            self.lb.start_worker(name).wait_until_ready()
            self.lb.wait_until_synced()
        self.assertEqual(self.resumed(), TRIES)

    def test_all_programs(self):
        """Keys are never on a disk: when nobody is left who knows them, clients begin anew."""
        self.lb.control.kill()
        for worker in self.lb.workers.values():
            worker.process.kill()
        self.lb.start_control()
        for name in ("worker-1", "worker-2"):
            self.lb.start_worker(name).wait_until_ready()
        self.assertEqual(self.resumed(), 0)


if __name__ == "__main__":
    harness.main()
