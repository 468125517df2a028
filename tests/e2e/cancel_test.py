"""Drains and kills taken back with lbctl while connections are open, and orders with an etag."""

import json

import harness
from harness import Idle, paths, wait_for

BACKENDS = [
    {"name": "a", "address": "127.0.0.1:9001"},
    {"name": "b", "address": "127.0.0.1:9002"},
]
CONFIG = {"rules": [{"name": "web", "listen": "127.0.0.1:8080", "backends": BACKENDS}]}


class CancelTest(harness.Case):
    def setUp(self):
        self.servers("127.0.0.1:9001", "127.0.0.1:9002")
        self.lb = self.balancer().start(CONFIG, workers=2)

    def ok(self, *arguments):
        done = self.lb.lbctl(*arguments)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def operation(self, *arguments):
        return self.ok(*arguments, "-o", "name").strip()

    def state(self, operation):
        return json.loads(self.ok("get", operation, "-o", "json"))["items"][0]

    def idle(self, count):
        idle = Idle(self, "127.0.0.1:8080", connections=count)
        wait_for(lambda: self.lb.sum("lb_rule_connections") == count, 30, "they are open")
        return idle

    def test_a_drained_backend_is_as_before(self):
        self.idle(20)
        self.ok("backend", "weight", "web/a", "3")
        before = self.lb.items("backends")["a"]
        drain = self.operation("backend", "drain", "web/a")
        self.assertEqual(self.lb.items("backends")["a"]["weight"], 0)
        self.ok("operation", "cancel", drain)
        after = self.lb.items("backends")["a"]
        self.assertEqual(after["etag"], before["etag"])
        self.assertEqual(after["weight"], 3)
        self.assertEqual(self.state(drain)["state"], "STATE_CANCELLED")
        again = self.lb.lbctl("operation", "cancel", drain)
        self.assertNotEqual(again.returncode, 0)
        self.assertIn("OPERATION_DONE", again.stderr)
        waited = self.lb.lbctl("wait", drain)
        self.assertEqual(waited.returncode, 1, waited.stderr)
        self.assertIn("operation.cancelled", self.ok("get", "events", "--since", "1m"))
        self.assertIn("method=lb.admin.v1.OperationService/CancelOperation", self.lb.control.log())

    def test_a_draining_worker_accepts_again(self):
        self.idle(20)
        drain = self.operation("worker", "drain", "worker-1", "--yes", "--timeout", "10m")
        self.ok("operation", "cancel", drain)
        wait_for(lambda: not self.lb.items("workers")["worker-1"]["draining"], 30, "undrained")
        self.assertEqual(self.lb.sum("lb_rule_connections"), 20)

    def test_a_kill_stops_where_it_is(self):
        self.idle(100)
        argv = ["connections", "kill", "--all", "--yes", "--rate", "10"]
        killing = self.start("kill", [paths.lbctl(), "--endpoint", self.lb.admin_api, *argv])
        killing.expected_to_end = True
        wait_for(lambda: self.lb.items("operations"), 30, "the kill is under way")
        kill = "operations/" + max(self.lb.items("operations"), key=int)
        wait_for(lambda: int(self.state(kill)["connectionsClosed"]) > 0, 30, "some are closed")
        self.ok("operation", "cancel", kill)
        self.assertNotEqual(killing.wait(30), 0)
        self.assertIn("what is closed stays closed", killing.log())
        closed = []

        def settled():
            closed.append(self.lb.sum("lb_rule_connections"))
            return len(closed) > 20 and len(set(closed[-20:])) == 1

        wait_for(settled, 30, "no more are closed")
        self.assertGreater(closed[-1], 0)
        wait_for(
            lambda: 100 - int(self.state(kill)["connectionsClosed"]) == closed[-1],
            30,
            "those closed are counted",
        )

    def test_an_order_with_an_old_etag_is_refused(self):
        seen = self.lb.items("backends")["a"]["etag"]
        self.ok("backend", "weight", "web/a", "3", "--etag", seen)
        late = self.lb.lbctl("backend", "drain", "web/a", "--etag", seen)
        self.assertNotEqual(late.returncode, 0)
        self.assertIn("ETAG_MISMATCH", late.stderr)
        self.assertEqual(self.lb.items("backends")["a"]["weight"], 3)
        picked = self.ok("get", "backends", "--filter", "weight = 3", "-o", "name")
        self.assertEqual(picked, "rules/web/backends/a\n")


if __name__ == "__main__":
    harness.main()
