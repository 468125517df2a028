"""Limits of a few connections, shared by workers: who waits in line is served as long as there is a
free slot in any worker."""

import contextlib
import socket
import time

import harness
from harness import Server

BACKEND = "127.0.0.1:9001"
# Who waits in vain is reset after this. The report of who waits, the taking back and the giving take
# a fifth of a second each, a turn of the only slot a second.
WAIT_S = 15
ROUNDS = 8  # The kernel chooses the worker: it takes some until two clients meet the same one.
LIMITS = {"one": 1, "two": 2, "four": 4}
PORTS = {name: 8080 + number for number, name in enumerate(LIMITS)}


class SmallLimitsTest(harness.Case):
    def limited(self, workers):
        Server(self, "a", BACKEND)
        rules = [
            {
                "name": name,
                "listen": "127.0.0.1:%d" % PORTS[name],
                "backends": [{"name": "a", "address": BACKEND, "max_connections": limit}],
                "queue": {"max": 10, "timeout": "%ds" % WAIT_S},
            }
            for name, limit in LIMITS.items()
        ]
        return self.balancer().start({"rules": rules}, workers=workers)

    def serve(self, name, stack):
        """Seconds until one more client is answered, not reset; it stays connected."""
        begin = time.monotonic()
        client = socket.create_connection(("127.0.0.1", PORTS[name]), timeout=2 * WAIT_S)
        stack.enter_context(client)
        client.sendall(b"x")
        self.assertTrue(client.recv(1), name)
        return time.monotonic() - begin

    def check(self, workers):
        self.limited(workers)
        longest = 0
        for name, limit in LIMITS.items():
            for _ in range(ROUNDS):
                with contextlib.ExitStack() as stack:
                    for _ in range(limit):
                        longest = max(longest, self.serve(name, stack))
        self.figure("%d workers: the longest wait for a free slot is %.2f s", workers, longest)

    def test_two_workers(self):
        self.check(2)

    def test_four_workers(self):
        self.check(4)

    def test_that_it_would_wait_is_no_refusal(self):
        lb = self.limited(2)
        with contextlib.ExitStack() as stack:
            for _ in range(LIMITS["two"]):
                self.serve("two", stack)
            done = lb.lbctl("explain", "--rule", "two", "--client", "127.0.0.1")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        # The second one may have waited for its slot, and counts are a second old.
        self.assertRegex(done.stdout, r"queue +WAITS +would wait in the queue \([01] of 20 waiting")


if __name__ == "__main__":
    harness.main()
