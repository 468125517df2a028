"""Programs of the release before this one with those of today, both ways: traffic, a drain, a
reload, a weight. Run by tests/release/run, which builds the older ones into LB_PREVIOUS."""

import os

import harness
from harness import Requests, paths, wait_for

PREVIOUS = os.environ["LB_PREVIOUS"]
UNREACHABLE = 4


def config(weight=1, rules=1):
    backends = [{"name": "a", "address": "127.0.0.1:9001", "weight": weight},
                {"name": "b", "address": "127.0.0.1:9002", "weight": 1}]
    return {"rules": [{"name": "web-%d" % n, "listen": "127.0.0.1:%d" % (8080 + n),
                       "backends": backends} for n in range(rules)]}


class SkewReleaseTest(harness.Case):
    def setUp(self):
        self.servers("127.0.0.1:9001", "127.0.0.1:9002")

    def previous(self, program):
        """From here on the older one of these programs is started."""
        name = program.__name__
        path = os.path.join(PREVIOUS, os.path.relpath(program(), os.path.commonpath(
            [program(), paths.testpeer()])))
        self.assertTrue(os.access(path, os.X_OK), path)
        setattr(paths, name, lambda: path)
        self.addCleanup(setattr, paths, name, program)

    def serve(self):
        self.lb = self.balancer().start(config(), workers=2)
        self.load = Requests(self, "127.0.0.1:8080", clients=4, pause_ms=5)

    def ok(self, *arguments):
        done = self.lb.lbctl(*arguments)
        self.assertEqual(done.returncode, 0, (arguments, done.stdout, done.stderr))
        return done.stdout, done.stderr

    def shares(self, connections=200):
        return Requests(self, "127.0.0.1:8080", connections=connections).result()["backends"]

    def reload_and_drain(self):
        """What both releases can do."""
        self.lb.apply(config(weight=3, rules=2))
        self.assertAlmostEqual(self.shares()["a"], 150, delta=20)
        self.assertEqual(Requests(self, "127.0.0.1:8081", connections=20).result()["errors"], {})
        self.ok("worker", "drain", "worker-1", "--yes", "--wait")
        self.assertEqual(self.lb.worker_state("worker-1")["draining"], True)
        self.ok("worker", "undrain", "worker-1")
        wait_for(lambda: self.lb.workers["worker-1"].ready(), 20, "it takes connections again")
        for kind in ("rules", "backends", "workers"):
            self.ok("get", kind)
        self.ok("status")

    def finish(self):
        result = self.load.finish()
        self.figure("%d requests, errors %s", result["ok"], result["errors"])
        self.assertEqual(result["errors"], {})

    def test_older_workers_with_the_control_plane_of_today(self):
        self.previous(paths.worker)
        self.serve()
        self.reload_and_drain()
        said = self.ok("version")[1]
        self.figure("lbctl version: %s", said.strip())
        self.assertRegex(
            said, "worker-1 is older than the control plane and does not know .*connections")
        self.ok("backend", "weight", "web-0/a", "0")
        self.lb.wait_until_synced()
        self.assertEqual(self.shares(), {"b": 200})
        done = self.lb.lbctl("connections", "list")
        self.assertEqual(done.returncode, 6, done.stderr)
        self.assertIn("MISSING_FEATURE", done.stderr)
        self.finish()

    def test_workers_of_today_with_the_older_control_plane(self):
        self.previous(paths.control_plane)
        self.serve()
        self.reload_and_drain()
        said = self.ok("version")[1]
        self.figure("lbctl version: %s", said.strip())
        self.assertIn("the control plane is older than lbctl and does not know ConfigService", said)
        done = self.lb.lbctl("backend", "weight", "web-0/a", "0")
        self.assertEqual(done.returncode, UNREACHABLE, done.stderr)
        self.assertIn("an older control plane", done.stderr)
        self.finish()

    def test_the_older_lbctl_with_programs_of_today(self):
        self.previous(paths.lbctl)
        self.serve()
        self.reload_and_drain()
        self.ok("version")
        self.finish()


if __name__ == "__main__":
    harness.main()
