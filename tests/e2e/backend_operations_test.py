"""What an operator does with backends and connections while traffic flows, with lbctl."""

import re

import harness
from harness import Idle, Requests, http_get, wait_for

BACKENDS = [
    {"name": "a", "address": "127.0.0.1:9001"},
    {"name": "b", "address": "127.0.0.1:9002"},
]
RULE = {"name": "web", "listen": "127.0.0.1:8080", "backends": BACKENDS}
CHECK = {"interval_ms": 200, "timeout_ms": 100}
CONFIG = {"rules": [RULE], "health_check": CHECK}


class BackendOperationsTest(harness.Case):
    def setUp(self):
        self.servers("127.0.0.1:9001", "127.0.0.1:9002")
        self.lb = self.balancer().start(CONFIG, workers=2)

    def ok(self, *arguments):
        done = self.lb.lbctl(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def shares(self, connections=100):
        """How many of so many new connections each backend gets."""
        return Requests(self, "127.0.0.1:8080", connections=connections).result()["backends"]

    def restart_control(self):
        self.lb.control.kill()
        self.lb.start_control()
        wait_for(lambda: http_get(harness.balancer.HTTP, "/readyz")[0] == 200, 20, "it is ready")
        self.lb.wait_until_synced()

    def test_a_drain_under_traffic_loses_no_connection_and_gives_no_new_one(self):
        requests = Requests(self, "127.0.0.1:8080", clients=8, pause_ms=2)
        self.ok("backend", "drain", "web/a", "--wait", "--timeout", "20s")
        before = self.lb.items("backends")["a"]
        self.assertEqual(before["adminState"], "ADMIN_STATE_DRAIN")
        self.assertEqual(before["connections"], "0")
        self.assertEqual(self.shares(), {"b": 100})
        self.assertEqual(requests.finish()["errors"], {})
        last = self.lb.lbctl("backend", "drain", "web/b")
        self.assertEqual(last.returncode, 6, last.stderr)
        self.assertIn("LAST_HEALTHY_BACKEND", last.stderr)
        self.ok("backend", "ready", "rules/web/backends/a")
        self.lb.wait_until_synced()
        self.assertEqual(sorted(self.shares()), ["a", "b"])

    def test_a_weight_survives_a_reload_and_a_killed_control_plane(self):
        self.ok("backend", "weight", "web/a", "0")
        self.lb.wait_until_synced()
        self.assertEqual(self.shares(), {"b": 100})
        self.restart_control()
        self.assertEqual(self.shares(), {"b": 100})
        other = dict(RULE, name="other", listen="127.0.0.1:8081")
        self.lb.apply({"rules": [RULE, other], "health_check": CHECK})
        self.assertEqual(self.shares(), {"b": 100})
        (backend,) = [
            item
            for item in self.lb.json("get", "backends", "--rule", "web")["items"]
            if item["name"] == "rules/web/backends/a"
        ]
        self.assertEqual(backend["weight"], 0)
        self.assertEqual(backend["configuredWeight"], 1)
        self.ok("backend", "reset", "web/a")
        self.lb.wait_until_synced()
        self.assertEqual(sorted(self.shares()), ["a", "b"])

    def test_a_weight_changes_the_shares(self):
        self.ok("backend", "weight", "web/a", "300%")
        self.lb.wait_until_synced()
        # Each I/O thread has its own round robin, and places in it do not start at a round's begin.
        self.assertAlmostEqual(self.shares(400)["a"], 300, delta=12)

    def test_several_names_one_of_them_wrong(self):
        done = self.lb.lbctl("backend", "weight", "web/a", "web/nobody", "2")
        self.assertEqual(done.returncode, 7, done.stderr)
        self.assertIn("BACKEND_NOT_FOUND", done.stderr)
        self.assertEqual(self.lb.items("backends")["a"]["weight"], 2)

    def test_connections_are_listed_and_killed_by_client(self):
        idle = Idle(self, "127.0.0.1:8080", 50)
        idle.wait_until_settled()
        listed = self.lb.json("connections", "list", "--rule", "web", "--limit", "10")
        self.assertEqual(len(listed["items"]), 10)
        self.assertEqual(listed["matching"], "50")
        dry = self.lb.lbctl("connections", "kill", "--client", "10.0.0.0/8", "--dry-run")
        self.assertIn("would close 0 connections", dry.stdout)
        asked = self.lb.lbctl("connections", "kill", "--client", "127.0.0.0/8")
        self.assertEqual(asked.returncode, 2, asked.stderr)
        self.assertIn("50 connections", asked.stderr)
        out = self.ok("connections", "kill", "--client", "127.0.0.0/8", "--rate", "100", "--yes")
        self.assertEqual(out, "50 connections killed\n")
        wait_for(lambda: sum(idle.report()["ended"].values()) == 50, 20, "all are gone")
        self.assertEqual(self.lb.sum("lb_connections_closed_total", reason="killed"), 50)

    def test_a_drain_closes_what_is_left_at_its_timeout(self):
        idle = Idle(self, "127.0.0.1:8080", 20)
        idle.wait_until_settled()
        out = self.ok("backend", "drain", "web/a", "--wait", "--timeout", "2s", "--close")
        # Each thread takes its own turns, so a backend has half of them, one more or less a thread.
        closed = int(re.search(r"(\d+) connections closed at the timeout", out).group(1))
        self.assertTrue(8 <= closed <= 12, out)
        wait_for(lambda: sum(idle.report()["ended"].values()) == closed, 20, "those are gone")

    def test_a_log_level_is_set_and_returns(self):
        self.ok("log-level", "set", "workers/-", "error", "--for", "1s")
        levels = self.lb.json("log-level", "get")["items"]
        self.assertEqual(
            [level["component"] for level in levels],
            [name + of for name in ("controlplane", "workers/worker-1", "workers/worker-2")
             for of in ("", "/grpc")],
        )
        self.ok("log-level", "set", "workers/-/grpc", "info", "--for", "1s")

        def returned():
            levels = self.lb.json("log-level", "get")["items"]
            return all(level["level"] == "LOG_LEVEL_UNSPECIFIED" for level in levels)

        wait_for(returned, 20, "the levels are as before")
        wait_for(
            lambda: all("log level is as before of=" + of in
                        self.lb.workers["worker-1"].process.log() for of in ("process", "grpc")),
            20,
            "the worker says so",
        )


if __name__ == "__main__":
    harness.main()
