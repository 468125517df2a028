"""A worker's threads carry equal loads."""

import harness
from harness import Idle, Server

CONNECTIONS = 1_000
LISTEN = "127.0.0.1:8080"
CONFIG = {"rules": [{"name": "web", "listen": LISTEN, "backends": ["127.0.0.1:9001"]}]}


class EvenLoadTest(harness.Case):
    def check(self, threads):
        Server(self, "a", "127.0.0.1:9001")
        lb = self.balancer().start(CONFIG, threads=threads)
        idle = Idle(self, LISTEN, CONNECTIONS)
        idle.wait_until_settled()
        metrics = lb.workers["worker-1"].metrics()
        loads = [metrics.sum("lb_thread_connections", thread=str(i)) for i in range(threads)]
        self.figure("%d connections on %d threads: %s", CONNECTIONS, threads, loads)
        self.assertEqual(sum(loads), CONNECTIONS)
        mean = CONNECTIONS / threads
        self.assertGreaterEqual(min(loads), 0.9 * mean)
        self.assertLessEqual(max(loads), 1.1 * mean)
        idle.finish()

    def test_four_threads(self):
        self.check(4)

    def test_eight_threads(self):
        self.check(8)


if __name__ == "__main__":
    harness.main()
