"""Programs that are one release apart work together, both ways; what the older one does not know is
refused with words that say so. tests/release/skew_release_test.py does the same with
programs that were built from an older commit."""

import json

import harness
from harness import Requests, wait_for
from harness.older import OlderControlPlane, OlderWorker
from harness.protos import Protos

RULE = {"name": "web", "listen": "127.0.0.1:8080",
        "backends": [{"name": "a", "address": "127.0.0.1:9001"},
                     {"name": "b", "address": "127.0.0.1:9002"}]}
OLDER = "workers/older-1"
REFUSED, UNREACHABLE = 6, 4


class SkewTest(harness.Case):
    def setUp(self):
        self.protos = Protos(self.folder)
        self.servers("127.0.0.1:9001", "127.0.0.1:9002")
        self.lb = self.balancer()

    def run_lbctl(self, code, *arguments):
        """stdout and stderr of lbctl, which has to end with this code."""
        done = self.lb.lbctl(*arguments)
        self.assertEqual(done.returncode, code, (arguments, done.stdout, done.stderr))
        return done.stdout, done.stderr

    def start_with_older_worker(self):
        self.lb.start({"rules": [RULE]})
        worker = OlderWorker(self.protos, self.lb.worker_api, "older-1")
        self.addCleanup(worker.close)
        wait_for(lambda: self.lb.worker_state("older-1").get("sync") == "SYNC_SYNCED", 20,
                 "the older worker runs the configuration")
        return worker

    def test_an_older_worker_gets_what_it_knows(self):
        worker = self.start_with_older_worker()
        self.assertEqual(worker.snapshots[-1].rules[0].name, "web")
        self.run_lbctl(0, "backend", "weight", "web/a", "3")
        wait_for(lambda: worker.snapshots[-1].rules[0].backends[0].weight == 3, 20,
                 "the weight arrives")
        self.lb.write({"rules": [RULE, dict(RULE, name="new", listen="127.0.0.1:8081")]})
        wait_for(lambda: len(worker.snapshots[-1].rules) == 2, 20, "the reload arrives")
        self.run_lbctl(0, "worker", "drain", "older-1", "--yes", "--wait", "--force")
        self.assertEqual(worker.drains, 1)
        self.assertEqual(worker.unknown, [])

    def test_what_an_older_worker_does_not_know_is_refused_with_words(self):
        worker = self.start_with_older_worker()
        _, said = self.run_lbctl(0, "version")
        self.assertIn("worker older-1 is older than the control plane and does not know ", said)
        (shown,) = [item for item in json.loads(self.run_lbctl(0, "version", "-o", "json")[0])
                    ["workers"] if item["name"] == OLDER]
        self.assertIn("connections", shown["missingFeatures"])
        for component in (OLDER, OLDER + "/grpc"):
            said = self.run_lbctl(REFUSED, "log-level", "set", component, "debug")[1]
            self.assertIn("MISSING_FEATURE", said)
        # Of several workers those that can answer.
        self.assertIn("older-1", self.run_lbctl(0, "connections", "list")[1])
        self.lb.workers["worker-1"].process.stop()
        for what in (("list",), ("kill", "--all", "--yes")):
            self.assertIn("MISSING_FEATURE", self.run_lbctl(REFUSED, "connections", *what)[1])
        self.assertEqual(worker.unknown, [])

    def test_a_configuration_that_an_older_worker_does_not_know_stays_out_of_it(self):
        worker = self.start_with_older_worker()
        ran = len(worker.snapshots)
        self.lb.write({"rules": [dict(RULE, max_connections=100)]})
        wait_for(lambda: self.lb.worker_state("older-1").get("sync") == "SYNC_ERROR", 20,
                 "the older worker refuses it")
        self.assertEqual(self.lb.worker_state("older-1")["nackReason"], "MISSING_FEATURE")
        self.assertEqual(len(worker.snapshots), ran)
        self.assertIn("MISSING_FEATURE", self.run_lbctl(0, "describe", OLDER)[0])
        wait_for(lambda: self.lb.worker_state("worker-1").get("sync") == "SYNC_SYNCED", 20,
                 "the newer one runs it")

    def start_with_older_control_plane(self):
        snapshot = self.protos.snapshot.Snapshot()
        rule = snapshot.rules.add(name="web", listen="127.0.0.1:8080", connect_attempts=3)
        rule.timeouts.connect_ms, rule.timeouts.idle_ms = 1000, 60000
        rule.timeouts.half_close_ms, rule.balance = 10000, 1
        rule.backends.add(name="a", address="127.0.0.1:9001", weight=1)
        plane = OlderControlPlane(self, self.protos, snapshot)
        self.lb.admin_api, self.lb.worker_api = plane.admin_api, plane.worker_api
        self.lb.start_worker().wait_until_ready()
        wait_for(lambda: plane.running, 20, "the worker says what it runs")
        return plane

    def test_an_older_control_plane_steers_a_worker_and_answers_what_it_knows(self):
        self.start_with_older_control_plane()
        result = Requests(self, "127.0.0.1:8080", connections=20).result()
        self.assertEqual((result["backends"], result["errors"]), ({"a": 20}, {}))
        for what in (("status",), ("get", "rules"), ("get", "backends"), ("get", "workers"),
                     ("get", "workers", "-o", "wide"), ("describe", "workers/worker-1")):
            self.run_lbctl(0, *what)
        dry = self.run_lbctl(4, "worker", "drain", "worker-1", "--dry-run")
        self.assertIn("nothing was changed", dry[1])
        self.run_lbctl(4, "wait", "workers/worker-1", "--for=drained")
        self.assertTrue(self.lb.workers["worker-1"].ready())
        self.run_lbctl(0, "worker", "drain", "worker-1", "--yes", "--wait", "--force")
        self.assertFalse(self.lb.workers["worker-1"].ready())

    def test_what_an_older_control_plane_does_not_know_ends_with_words(self):
        self.start_with_older_control_plane()
        said = self.run_lbctl(0, "version")[1]
        self.assertIn("lbctl is 0.1.0, the control plane 0.0.9", said)
        self.assertIn("the control plane is older than lbctl and does not know ConfigService", said)
        self.lb.write({"rules": [RULE]})
        for what, method in (
            (("backend", "weight", "web/a", "3"), "SetBackendWeight"),
            (("apply", self.lb.config_path), "ApplyConfig"),
            (("diff", self.lb.config_path), "PlanConfig"),
            (("rollout", "status"), "GetRollout"),
            (("rollback", "--yes"), ""),
            (("connections", "list"), "ListConnections"),
            (("connections", "kill", "--all", "--yes"), "KillConnections"),
            (("get", "limits"), "ListLimits"),
            (("get", "clients"), "ListClients"),
            (("explain", "--rule", "web", "--client", "127.0.0.1"), "ExplainConnection"),
            (("cert", "list"), "ListCertificates"),
            (("cert", "check"), "ListCertificates"),
            (("get", "members"), "ListMembers"),
            (("member", "forget", "lb-2"), "ForgetMember"),
            (("log-level", "get"), "GetLogLevels"),
            (("watch", "events"), "WatchEvents"),
        ):
            said = self.run_lbctl(UNREACHABLE, *what)[1]
            self.assertIn("does not know this call (" + method, said)
            self.assertIn("an older control plane", said)
            self.assertIn("UNIMPLEMENTED", json.loads(
                self.run_lbctl(UNREACHABLE, *what, "-o", "json")[1].splitlines()[-1])["code"])


if __name__ == "__main__":
    harness.main()
