"""Programs come and go: sessions of before still resume, on whichever worker a client meets."""

import shutil

import harness
from harness import http_get, wait_for
from harness.certificates import Authority
from harness.tls import PlainServer, client_context, tls_connect

LISTEN, BACKEND, NAME = "127.0.0.1:8443", "127.0.0.1:9001", "front.test"
SHOP = "127.0.0.1:8444"
TRIES = 40


class TlsRestartTest(harness.Case):
    def setUp(self):
        ca = Authority(self.folder)
        self.ca = ca
        cert, key = ca.issue("front", "DNS:" + NAME)
        PlainServer(self, "a", BACKEND)
        self.context = client_context(ca.cert)
        self.rule = {"name": "web", "listen": LISTEN, "backends": [BACKEND],
                     "tls": {"cert": cert, "key": key}}
        self.lb = self.balancer().start({"rules": [self.rule]}, workers=2)
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

    def test_a_rule_whose_files_are_bad_at_a_start_is_left_out_aloud(self):
        cert, key = self.ca.issue("shop", "DNS:" + NAME)
        shop = {"name": "shop", "listen": SHOP, "backends": [BACKEND], "tls": {"cert": cert, "key": key}}
        self.lb.apply({"rules": [self.rule, shop]})
        shutil.move(key, key + ".away")
        self.restart_control()
        self.assertEqual(self.resumed(), TRIES)
        status = self.lb.lbctl("status")
        self.assertRegex(status.stdout, "FILE +PARTLY .*applied without rule shop")
        self.assertIn("! rules/shop: left out", status.stdout)
        self.assertNotIn("keeps running", status.stdout)
        self.assertNotIn("what ran before goes on", status.stdout)
        self.assertRegex(self.lb.lbctl("cert", "list").stdout, cert + r" .*REFUSED .*shop")
        check = self.lb.lbctl("cert", "check")
        self.assertEqual(check.returncode, 1)
        self.assertIn("what needs it is left out until then", check.stdout)
        metrics = self.lb.control_metrics()
        self.assertEqual(metrics.sum("lb_rule_left_out", rule="shop"), 1)
        self.assertEqual(metrics.sum("lb_certificate_refused", file=cert), 1)
        self.assertEqual(metrics.sum("lb_certificates", state="refused"), 1)
        shutil.move(key + ".away", key)
        self.lb.wait_until_newer()
        with tls_connect(SHOP, self.context, NAME) as stream:
            stream.recv(1)
        self.assertRegex(self.lb.lbctl("status").stdout, "FILE +good")
        self.assertEqual(self.lb.control_metrics().sum("lb_rule_left_out"), 0)

    def test_a_rule_goes_on_without_one_of_its_certificates(self):
        cert, key = self.ca.issue("shop", "DNS:shop.test")
        self.rule["tls"]["certificates"] = [{"cert": cert, "key": key}]
        self.lb.apply({"rules": [self.rule]})
        shutil.move(key, key + ".away")
        self.restart_control()
        self.assertEqual(self.resumed(), TRIES)
        status = self.lb.lbctl("status")
        self.assertIn(cert, status.stdout)
        self.assertNotIn("PARTLY", status.stdout)
        self.assertRegex(self.lb.lbctl("cert", "list").stdout, cert + r" .*REFUSED .*web")
        self.assertEqual(self.lb.control_metrics().sum("lb_rule_left_out"), 0)
        shutil.move(key + ".away", key)
        self.lb.wait_until_newer()
        with tls_connect(LISTEN, self.context, "shop.test") as stream:
            stream.recv(1)
        self.assertEqual(self.lb.lbctl("cert", "check").returncode, 0)

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
