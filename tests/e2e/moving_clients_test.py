"""A limit of 100 connections over four workers of one host, and 1,000 clients that meet another
worker each time: it is never passed, and it is used up."""

import harness
from harness import Requests, Server, sample_while, sock_diag, wait_for

PORT = 9001
BACKEND = "127.0.0.1:%d" % PORT
LISTEN = "127.0.0.1:8080"
LIMIT, USED = 100, 95
WORKERS, CLIENTS = 4, 1000
# Of five crowds, so that those who were refused do not all come back at the same moment.
PAUSES_MS = (230, 290, 350, 410, 470)
SAMPLED_S, INTERVAL_S = 5, 0.02


class MovingClientsTest(harness.Case):
    def sample(self, diag):
        """(open in two dumps of the kernel in a row, so at once; in use in one dump) of each."""
        open_at_once, in_use = [], []
        before = diag.dump()

        def compare():
            nonlocal before
            now = diag.dump()
            open_at_once.append(len(before.keys() & now.keys()))
            in_use.append(sum(owned for _, owned in now.values()))
            before = now

        sample_while(SAMPLED_S, compare, INTERVAL_S)
        return open_at_once, in_use

    def check(self, **limit):
        Server(self, "a", BACKEND)
        rule = {"name": "web", "listen": LISTEN, **limit}
        lb = self.balancer().start({"rules": [rule]}, workers=WORKERS, threads=1)
        diag = sock_diag.SockDiag(PORT)
        self.addCleanup(diag.close)
        loads = [
            Requests(self, LISTEN, clients=CLIENTS // len(PAUSES_MS), hold_ms_max=1000,
                     pause_after_error_ms=pause, seed=pause)
            for pause in PAUSES_MS
        ]
        wait_for(lambda: len(diag.dump()) >= LIMIT, 20, "the limit is reached")
        workers = [worker.process for worker in lb.workers.values()]
        open_at_once, samples = self.sample(diag)
        # Exact as well while nobody moves.
        frozen = len(sock_diag.frozen(workers, diag.dump))
        in_use = sum(samples) / len(samples)
        served = sum(load.report()["ok"] for load in loads)
        self.figure("%d of %d clients: in use %.1f on average, at least %d in %d samples; "
                    "open at once %d, %d while all stand still; %d served",
                    LIMIT, CLIENTS, in_use, min(samples), len(samples), max(open_at_once), frozen,
                    served)
        self.assertLessEqual(max(open_at_once + [frozen]), LIMIT)
        self.assertGreater(in_use, USED)
        shares = [worker.metrics().sum("lb_rule_connections_total", rule="web")
                  for worker in lb.workers.values()]
        self.assertGreater(min(shares), 0.1 * sum(shares), shares)

    def test_a_limit_of_the_rule(self):
        self.check(backends=[BACKEND], max_connections=LIMIT)

    def test_a_limit_of_the_backend(self):
        self.check(backends=[{"name": "a", "address": BACKEND, "max_connections": LIMIT}])


if __name__ == "__main__":
    harness.main()
