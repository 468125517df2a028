"""The programs' own pages, and the ways to end a worker without cutting anybody off."""

import signal
import time

import harness
from harness import Requests, Streams, http_get, paths, wait_for
from harness.namespace import set_sysctl
from harness.process import run

CONFIG = {
    "rules": [
        {
            "name": "web",
            "listen": "127.0.0.1:8080",
            "backends": ["127.0.0.1:9001", "127.0.0.1:9002"],
            "backend_connection_limit": 1000,
        }
    ],
    "health_check": {"interval_ms": 200, "timeout_ms": 100},
}
CONTROL = harness.balancer.HTTP
STREAMS = 20


class HttpEndpointsTest(harness.Case):
    def setUp(self):
        self.servers("127.0.0.1:9001", "127.0.0.1:9002")

    def assert_page(self, address, path, status):
        self.assertEqual(http_get(address, path)[0], status, (address, path))

    def assert_promtool_agrees(self, address):
        status, text = http_get(address, "/metrics")
        self.assertEqual(status, 200)
        self.assertIn("lb_build_info", harness.parse_metrics(text).names())
        done = run(["promtool", "check", "metrics"], stdin=text)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_pages_of_both_programs(self):
        lb = self.balancer().start(CONFIG)
        self.assertEqual(Requests(self, "127.0.0.1:8080", connections=10).result()["ok"], 10)
        for address in (CONTROL, lb.workers["worker-1"].http):
            for path in ("/livez", "/readyz"):
                self.assert_page(address, path, 200)
            self.assert_page(address, "/nothing", 404)
            self.assert_promtool_agrees(address)

    def test_a_program_probes_its_own_pages(self):
        lb = self.balancer()
        lb.http = "unix:%s/controlplane.http" % lb.folder
        lb.start(CONFIG)
        worker = lb.workers["worker-1"]
        programs = [(paths.control_plane(), lb.http), (paths.worker(), worker.http)]
        for program, address in programs:
            for path in ("/livez", "/readyz"):
                done = run([program, "--probe", path, "--http", address])
                self.assertEqual((done.returncode, done.stderr), (0, ""), (program, path))
                self.assertEqual(done.stdout, http_get(address, path)[1])
            done = run([program, "--probe", "/metrics", "--http", address])
            self.assertIn("lb_build_info", done.stdout)
            self.assertEqual(run([program, "--probe", "/none", "--http", address]).returncode, 1)
        drained = lb.lbctl("worker", "drain", "worker-1", "--force", "--yes")
        self.assertEqual(drained.returncode, 0, drained.stderr)
        wait_for(lambda: not worker.ready(), 10, "it drains")
        self.assertEqual(run([programs[1][0], "--probe", "/readyz", "--http", worker.http]).returncode, 1)
        self.assertEqual(run([programs[1][0], "--probe", "/livez", "--http", worker.http]).returncode, 0)
        worker.process.kill()
        done = run([programs[1][0], "--probe", "/livez", "--http", worker.http])
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("connect: ", done.stderr)

    def test_a_worker_without_configuration_lives_but_is_not_ready(self):
        lb = self.balancer()
        worker = lb.start_worker()
        wait_for(lambda: http_get(worker.http, "/livez")[0] == 200, 10, "it lives")
        self.assert_page(worker.http, "/readyz", 503)
        lb.write(CONFIG)
        lb.start_control()
        worker.wait_until_ready()

    def test_a_control_plane_does_not_start_with_a_bad_file(self):
        lb = self.balancer()
        lb.write("rules: 7\n")
        process = lb.start_control()
        self.assertEqual(process.wait(20 * harness.SLOW), 1)
        self.assertIn("lb.yaml:1:8: error", process.log())


class DrainTest(harness.Case):
    def setUp(self):
        # A worker that drains accepts what waits, then closes. What comes in between the kernel
        # resets, unless it may give it to the other worker: as `lbctl check` (LBC110) asks for.
        set_sysctl("net/ipv4/tcp_migrate_req", "1")
        self.servers("127.0.0.1:9001", "127.0.0.1:9002")

    def open_connections(self, worker):
        return int(worker.metrics().sum("lb_rule_connections"))

    def total(self, worker):
        return int(worker.metrics().sum("lb_rule_connections_total"))

    def test_lbctl_drains_a_worker_and_takes_it_back(self):
        lb = self.balancer().start(CONFIG, workers=2)
        streams = Streams(self, "127.0.0.1:8080", STREAMS)
        first, second = lb.workers["worker-1"], lb.workers["worker-2"]
        own = self.open_connections(first)
        done = lb.lbctl("worker", "drain", "worker-1", "--timeout", "60s", "--yes")
        self.assertEqual(done.returncode, 0, done.stderr)
        wait_for(lambda: not first.ready(), 10, "it says that it is not ready")
        wait_for(lambda: lb.worker_state().get("draining"), 10, "lbctl shows it")
        before = self.total(first)
        result = Requests(self, "127.0.0.1:8080", connections=100).result()
        self.assertEqual(result["errors"], {})
        self.assertEqual(self.total(first), before)
        self.assertEqual(self.open_connections(first), own)
        streams.wait_for_bytes(100_000)
        self.assertEqual(streams.finish()["ended"], {"complete": STREAMS})
        self.assertTrue(first.process.running())

        done = lb.lbctl("worker", "undrain", "worker-1")
        self.assertEqual(done.returncode, 0, done.stderr)
        first.wait_until_ready()
        second.process.kill()
        result = Requests(self, "127.0.0.1:8080", connections=20).result()
        self.assertEqual(result["ok"], 20)

    def test_sigterm_lets_connections_finish_and_exits_with_0(self):
        lb = self.balancer().start(CONFIG, workers=2)
        streams = Streams(self, "127.0.0.1:8080", STREAMS)
        load = Requests(self, "127.0.0.1:8080", clients=4, pause_ms=5)
        wait_for(lambda: load.report().get("ok", 0) > 100, 20, "requests are served")
        first = lb.workers["worker-1"]
        first.process.expected_to_end = True
        first.process.send(signal.SIGTERM)
        wait_for(lambda: not first.ready(), 10, "it drains")
        streams.wait_for_bytes(100_000)
        self.assertTrue(first.process.running())
        wait_for(lambda: lb.worker_state().get("ending"), 10, "lbctl shows that it ends")
        refused = lb.lbctl("worker", "undrain", "worker-1")
        self.assertEqual(refused.returncode, 6, refused.stdout)
        self.assertEqual(streams.finish()["ended"], {"complete": STREAMS})
        self.assertEqual(first.process.wait(20 * harness.SLOW), 0)
        wait_for(lambda: "worker process is gone" in lb.control.log(), 10, "its end is noted")
        self.assertNotIn("without a goodbye", lb.control.log())
        result = load.finish()
        self.figure("requests meanwhile: %s", result)
        self.assertEqual(result["errors"], {})

    def test_sigterm_waits_no_longer_than_the_drain_timeout(self):
        lb = self.balancer()
        lb.write(CONFIG)
        lb.start_control()
        worker = lb.start_worker(drain_timeout="1s")
        worker.wait_until_ready()
        streams = Streams(self, "127.0.0.1:8080", STREAMS)
        started = time.monotonic()
        worker.process.send(signal.SIGTERM)
        self.assertEqual(worker.process.wait(20 * harness.SLOW), 0)
        took = time.monotonic() - started
        self.figure("ended %.2f s after SIGTERM with a drain timeout of 1 s", took)
        self.assertGreaterEqual(took, 0.9)
        self.assertNotIn("complete", streams.finish()["ended"])


if __name__ == "__main__":
    harness.main()
