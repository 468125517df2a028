"""A backend's connection limit is never passed and is used up, counted by the kernel from connect
to close, with many threads and with two workers."""

import time

import harness
from harness import Requests, Server, sock_diag, wait_for

LIMIT = 50
PORT = 9001
SAMPLED_S = 8
CONFIG = {
    "rules": [
        {
            "name": "web",
            "listen": "127.0.0.1:8080",
            "backends": ["127.0.0.1:%d" % PORT],
            "backend_connection_limit": LIMIT,
        }
    ]
}


class BackendLimitTest(harness.Case):
    def hammer(self):
        """400 clients: most with short connections, some long, a third that end with a reset."""
        short = Requests(self, "127.0.0.1:8080", clients=300, hold_ms_max=5, reset_percent=33)
        long = Requests(self, "127.0.0.1:8080", clients=100, hold_ms_max=300, reset_percent=33,
                        seed=2)
        return short, long

    def sample(self, workers, diag):
        """(most open at once in two dumps in a row, most while the workers stand still, samples)."""
        processes = [worker.process for worker in workers]
        most_between = most_frozen = samples = 0
        before = set()
        end = time.monotonic() + SAMPLED_S
        while time.monotonic() < end:
            now = diag.dump()
            both = before & set(now)
            most_between = max(most_between, len(both))
            self.assertLessEqual(len(both), LIMIT, [now[cookie] for cookie in both])
            before = set(now)
            if samples % 5 == 0:
                still = sock_diag.frozen(processes, diag.dump)
                most_frozen = max(most_frozen, len(still))
                self.assertLessEqual(len(still), LIMIT, still)
                before = set(still)
            samples += 1
        return most_between, most_frozen, samples

    def check(self, workers, threads):
        backend = Server(self, "a", "127.0.0.1:%d" % PORT)
        lb = self.balancer().start(CONFIG, workers=workers, threads=threads)
        diag = sock_diag.SockDiag(PORT)
        self.addCleanup(diag.close)
        loads = self.hammer()
        wait_for(lambda: len(diag.dump()) >= LIMIT, 20, "the limit is reached")
        between, still, samples = self.sample(lb.workers.values(), diag)
        results = [load.finish() for load in loads]
        self.figure("most open: %d of %d between %d dumps, %d while stopped; accepted at once: %d",
                    between, LIMIT, samples, still, backend.report()["peak"])
        self.figure("clients: %s", results)
        self.assertEqual(max(between, still), LIMIT)
        self.assertGreater(sum(result["ok"] for result in results), 1000)
        refused = lb.sum("lb_rule_refused_total", rule="web", reason="backend_limit")
        self.assertGreater(refused, 0)
        # Every slot came back: the whole limit can be used again, and is not passed.
        wait_for(lambda: not diag.dump(), 20, "all connections end")
        self.assertEqual(lb.sum("lb_rule_connections", rule="web"), 0)
        again = Requests(self, "127.0.0.1:8080", clients=2 * LIMIT, hold_ms_max=500)
        wait_for(lambda: len(diag.dump()) == LIMIT, 20, "the limit is reached again")
        again.finish()

    def test_one_worker_of_eight_threads(self):
        self.check(workers=1, threads=8)

    def test_two_workers_share_it(self):
        self.check(workers=2, threads=4)


if __name__ == "__main__":
    harness.main()
