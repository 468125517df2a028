"""The connections of a backend that is drained or removed: closed within drain_timeout, spread."""

import bisect
import select
import socket
import time

import harness
from harness import Server, wait_for

LISTEN = ("127.0.0.1", 8080)
BACKENDS = [
    {"name": "a", "address": "127.0.0.1:9001"},
    {"name": "b", "address": "127.0.0.1:9002"},
]
TIMEOUT_S = 10
CONNECTIONS = 5_000
WINDOW_S = 0.5
MOST_IN_A_WINDOW = 0.08


def config(*backends):
    rule = {"name": "web", "listen": "%s:%d" % LISTEN, "backends": list(backends)}
    return {"rules": [dict(rule, drain_timeout="%ds" % TIMEOUT_S)]}


class Silent:
    """Open connections, and when each was closed."""

    def __init__(self, count):
        self.closed_at = []
        self._sockets = {}
        self._poll = select.epoll()
        for _ in range(count):
            client = socket.create_connection(LISTEN, timeout=20)
            self._sockets[client.fileno()] = client
            self._poll.register(client, select.EPOLLIN)

    def watch(self, until_left, seconds):
        """Waits until so few are open."""
        deadline = time.monotonic() + seconds
        while len(self._sockets) > until_left and time.monotonic() < deadline:
            for fd, _ in self._poll.poll(0.05):
                self.closed_at.append(time.monotonic())
                self._poll.unregister(fd)
                self._sockets.pop(fd).close()

    def most_in_a_window(self):
        times = self.closed_at
        return max(
            bisect.bisect_left(times, begin + WINDOW_S) - index for index, begin in enumerate(times)
        )


class PacedDrainTest(harness.Case):
    def setUp(self):
        super().setUp()
        for backend in BACKENDS:
            Server(self, backend["name"], backend["address"])
        self.lb = self.balancer().start(config(BACKENDS[0]))
        self.clients = Silent(CONNECTIONS)
        wait_for(
            lambda: self.lb.sum("lb_backend_connections", backend="a") == CONNECTIONS,
            20,
            "all are connected",
        )
        self.lb.apply(config(*BACKENDS))

    def check_paced(self, begin):
        self.clients.watch(0, 3 * TIMEOUT_S)
        closed_at = self.clients.closed_at
        self.assertEqual(len(closed_at), CONNECTIONS)
        most = self.clients.most_in_a_window() / CONNECTIONS
        self.figure(
            "%d closed from %.2f to %.2f s, at most %.1f %% in %d ms", CONNECTIONS,
            closed_at[0] - begin, closed_at[-1] - begin, 100 * most, 1000 * WINDOW_S,
        )
        self.assertLess(most, MOST_IN_A_WINDOW)
        self.assertLess(closed_at[-1] - begin, TIMEOUT_S + 2)
        self.assertEqual(
            self.lb.sum("lb_connections_closed_total", reason="drain"), CONNECTIONS
        )

    def test_a_drained_backend(self):
        begin = time.monotonic()
        started = self.lb.lbctl("backend", "drain", "web/a")
        self.assertEqual(started.returncode, 0, started.stderr)
        self.check_paced(begin)

        def done():
            (operation,) = self.lb.json("get", "operations")["items"]
            return operation.get("state") == "STATE_SUCCEEDED"

        wait_for(done, 20, "the drain is over")
        self.assertTrue(self.lb.items("backends")["a"]["drained"])
        (operation,) = self.lb.json("get", "operations")["items"]
        self.assertEqual(int(operation["connectionsClosed"]), CONNECTIONS)

    def test_a_removed_backend(self):
        begin = time.monotonic()
        self.lb.apply(config(BACKENDS[1]))
        self.check_paced(begin)


if __name__ == "__main__":
    harness.main()
