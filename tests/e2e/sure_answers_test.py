"""What lbctl says is so: a backend is drained when nothing goes there any more, and a kill ends also
when a worker hangs."""

import signal
import time

import harness
from harness import Idle, wait_for

BACKENDS = [
    {"name": "a", "address": "127.0.0.1:9001"},
    {"name": "b", "address": "127.0.0.1:9002"},
]
CONFIG = {"rules": [{"name": "web", "listen": "127.0.0.1:8080", "backends": BACKENDS}]}


class SureAnswersTest(harness.Case):
    def setUp(self):
        self.servers("127.0.0.1:9001", "127.0.0.1:9002")
        self.lb = self.balancer().start(CONFIG, workers=2)

    def open_to_a(self):
        return self.lb.sum("lb_backend_connections", backend="a")

    def test_drained_is_said_when_the_workers_have_counted_nothing(self):
        wait = ("wait", "backends/web/a", "--for=drained", "--timeout")
        idle = Idle(self, "127.0.0.1:8080", connections=40)
        wait_for(lambda: self.lb.sum("lb_rule_connections") == 40, 30, "they are open")
        # At once: what the control plane counted last is from before they were open.
        done = self.lb.lbctl("backend", "weight", "web/a", "0")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreater(self.open_to_a(), 0)
        early = self.lb.lbctl(*wait, "1ms")
        self.assertEqual(early.returncode, 1, early.stdout)
        idle.finish()
        said = self.lb.lbctl(*wait, "20s")
        self.assertEqual((said.returncode, self.open_to_a()), (0, 0), said.stderr)

    def test_a_kill_ends_when_a_worker_is_stopped(self):
        Idle(self, "127.0.0.1:8080", connections=40)
        wait_for(lambda: self.lb.sum("lb_rule_connections") == 40, 30, "they are open")
        stopped = self.lb.workers["worker-2"].process
        stopped.send(signal.SIGSTOP)
        try:
            start = time.monotonic()
            for _ in range(2):
                done = self.lb.lbctl("connections", "kill", "--rule", "web", "--yes")
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn("workers/worker-2", done.stderr)
            self.figure("two kills beside a stopped worker: %.1f s", time.monotonic() - start)
        finally:
            stopped.send(signal.SIGCONT)


if __name__ == "__main__":
    harness.main()
