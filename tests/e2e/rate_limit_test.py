"""The rate limit of a client, with real workers: how much of it a client gets, whichever of them it
meets, and what happens when the control plane goes."""

import collections
import select
import socket
import time

import harness
from harness import Server, wait_for

LISTEN = ("127.0.0.1", 8080)
BACKEND = "127.0.0.1:9001"
IP_BIND_ADDRESS_NO_PORT = 24  # ip(7); not in Python's socket module.


def rule(**limit):
    return {
        "rules": [{"name": "web", "listen": "%s:%d" % LISTEN, "backends": [BACKEND]}],
        "rate_limit": limit,
    }


class Attempts:
    """Clients that connect at a steady rate, each from an address of its own, and say whether they
    were answered. An open loop: a refusal does not slow them down."""

    def __init__(self, addresses, per_s):
        self.addresses = addresses
        self.interval_s = 1 / (per_s * len(addresses))
        self.admitted = collections.Counter()
        self.refused = collections.Counter()
        self._poll = select.epoll()
        self._open = {}

    def run(self, seconds):
        """Returns how long it really took."""
        start = time.monotonic()
        begun = 0
        while (now := time.monotonic()) < start + seconds:
            while start + begun * self.interval_s <= now:
                self._begin(self.addresses[begun % len(self.addresses)])
                begun += 1
            self._serve(min(self.interval_s, 0.01))
        took = time.monotonic() - start
        deadline = time.monotonic() + 20
        while self._open and time.monotonic() < deadline:
            self._serve(0.1)
        assert not self._open, "%d without an answer" % len(self._open)
        return took

    def _begin(self, address):
        client = socket.socket()
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        client.bind((address, 0))
        client.connect_ex(LISTEN)
        self._open[client.fileno()] = (client, address)
        self._poll.register(client, select.EPOLLOUT)

    def _serve(self, timeout_s):
        for fd, _ in self._poll.poll(timeout_s):
            client, address = self._open[fd]
            try:
                if client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0:
                    raise ConnectionResetError
                data = self._step(fd, client)
            except ConnectionError:
                data = b""
            if data is None:
                continue
            (self.admitted if data else self.refused)[address] += 1
            self._poll.unregister(client)
            client.close()
            del self._open[fd]

    def _step(self, fd, client):
        """None: not over yet."""
        try:
            return client.recv(1)
        except BlockingIOError:
            client.send(b"x")
            self._poll.modify(fd, select.EPOLLIN)
            return None


class RateLimitTest(harness.Case):
    servers_started = False

    def balancer_with(self, workers=1, **limit):
        if not self.servers_started:
            Server(self, "a", BACKEND)
            self.servers_started = True
        return self.balancer().start(rule(**limit), workers=workers)

    def check(self, attempts, took, rate, burst, tolerance):
        expected = rate * took + burst
        worst = max(abs(attempts.admitted[a] / expected - 1) for a in attempts.addresses)
        self.figure(
            "%d clients, %.1f s: expected %.0f each, worst %.1f %% off; %d refused",
            len(attempts.addresses), took, expected, 100 * worst, attempts.refused.total(),
        )
        self.assertLess(worst, tolerance)
        return expected

    def test_one_client_far_above_its_limit(self):
        for workers in (1, 2, 4):
            with self.subTest(workers=workers):
                lb = self.balancer_with(workers, requests_per_second=50, burst=25)
                attempts = Attempts(["127.0.2.1"], per_s=500)
                self.check(attempts, attempts.run(10), 50, 25, tolerance=0.1)
                self.assertEqual(
                    lb.sum("lb_rule_refused_total", reason="rate_limit"),
                    attempts.refused.total(),
                )
                lb.stop()

    def test_many_clients_above_their_limit(self):
        self.balancer_with(2, requests_per_second=2, burst=5)
        clients = ["127.0.3.%d" % n for n in range(1, 201)]
        attempts = Attempts(clients, per_s=6)
        took = attempts.run(10)
        # Two a second from each, in whole connections.
        self.check(attempts, took, 2, 5, tolerance=0.25)
        mean = attempts.admitted.total() / len(clients) / (2 * took + 5)
        self.figure("on average %.1f %% of the limit", 100 * mean)
        self.assertAlmostEqual(mean, 1, delta=0.05)

    def test_a_client_below_its_limit_is_never_refused(self):
        self.balancer_with(1, requests_per_second=50, burst=25)
        attempts = Attempts(["127.0.2.1", "127.0.2.2"], per_s=40)
        attempts.run(5)
        self.assertEqual(attempts.refused.total(), 0)

    def test_shadow_counts_and_refuses_nothing(self):
        lb = self.balancer_with(1, requests_per_second=10, burst=10, enforce="shadow")
        attempts = Attempts(["127.0.2.1"], per_s=100)
        attempts.run(2)
        self.assertEqual(attempts.refused.total(), 0)
        self.assertAlmostEqual(
            lb.sum("lb_limit_would_refuse_total"), attempts.admitted.total() - 30, delta=3
        )

    def first_byte(self):
        # The reset may come before connect() has looked at how it went.
        with socket.create_connection(LISTEN, 10) as client:
            return client.recv(1)

    def test_close_is_an_end_and_reset_a_reset(self):
        for on_refuse, expected in (("close", b""), ("reset", ConnectionResetError)):
            with self.subTest(on_refuse=on_refuse):
                lb = self.balancer_with(1, requests_per_second=1, burst=1, on_refuse=on_refuse)
                socket.create_connection(LISTEN, 10).close()
                if expected == b"":
                    self.assertEqual(self.first_byte(), b"")
                else:
                    self.assertRaises(expected, self.first_byte)
                lb.stop()

    def test_a_reload_changes_the_limit_and_keeps_the_bucket(self):
        lb = self.balancer_with(1, requests_per_second=1, burst=5)
        attempts = Attempts(["127.0.2.1"], per_s=100)
        attempts.run(0.3)
        self.assertEqual(attempts.admitted.total(), 5)
        lb.apply(rule(requests_per_second=1, burst=1000))
        attempts = Attempts(["127.0.2.1"], per_s=100)
        attempts.run(0.5)
        self.assertLessEqual(attempts.admitted.total(), 30)

    def test_without_a_control_plane_the_limit_holds(self):
        lb = self.balancer_with(2, requests_per_second=50, burst=25)
        attempts = Attempts(["127.0.2.1"], per_s=300)
        attempts.run(2)
        lb.control.stop()
        wait_for(lambda: lb.sum("lb_controlplane_connected") == 0, 10, "the stream has ended")
        attempts = Attempts(["127.0.2.1"], per_s=300)
        took = attempts.run(10)
        self.figure("admitted %d in %.1f s", attempts.admitted.total(), took)
        self.assertLessEqual(attempts.admitted.total(), 1.05 * (50 * took + 25))
        self.assertGreaterEqual(attempts.admitted.total(), 0.85 * 50 * took)


if __name__ == "__main__":
    harness.main()
