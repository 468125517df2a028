"""The rate limit of a client, with real workers: how much of it a client gets, whichever of them it
meets, and what a reload changes."""

import collections
import select
import signal
import socket
import threading
import time

import harness
from harness import Server, wait_for

LISTEN = ("127.0.0.1", 8080)
BACKEND = "127.0.0.1:9001"
# Of rate * time + burst. Under a sanitizer, reports and budgets come late.
TOLERANCE = 0.03 if harness.SLOW == 1 else 0.08
MAX_LATE_S = 0.05  # Attempts later than this are left out.
IP_BIND_ADDRESS_NO_PORT = 24  # ip(7); not in Python's socket module.


def rule(**limit):
    return {
        "rules": [{"name": "web", "listen": "%s:%d" % LISTEN, "backends": [BACKEND]}],
        "rate_limit": limit,
    }


class Attempts:
    """Clients that connect at a steady rate, each from an address of its own, and say whether they
    were answered. An open loop: a refusal does not slow them down. After a pause of the machine they
    do not hurry to make up for it: who is below a limit stays below it."""

    def __init__(self, addresses, per_s):
        self.addresses = addresses
        self.interval_s = 1 / (per_s * len(addresses))
        self.begun = 0  # In the last run.
        self.admitted = collections.Counter()
        self.refused = collections.Counter()
        self._poll = select.epoll()
        self._open = {}

    def run(self, seconds):
        """Returns how long it really took."""
        start = due = time.monotonic()
        self.begun = 0
        while (now := time.monotonic()) < start + seconds:
            while due <= now:
                self._begin(self.addresses[self.begun % len(self.addresses)])
                self.begun += 1
                due = max(due + self.interval_s, now - MAX_LATE_S)
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

    def test_one_client_far_above_its_limit(self):
        for workers in (1, 2, 4):
            with self.subTest(workers=workers):
                lb = self.balancer_with(workers, requests_per_second=50, burst=25)
                attempts = Attempts(["127.0.2.1"], per_s=500)
                took = attempts.run(10)
                off = attempts.admitted.total() / (50 * took + 25) - 1
                self.figure("%d workers: %d of %d admitted, %+.2f %% off", workers,
                            attempts.admitted.total(), attempts.begun, 100 * off)
                self.assertLess(abs(off), TOLERANCE)
                self.assertEqual(
                    lb.sum("lb_rule_refused_total", reason="rate_limit"),
                    attempts.refused.total(),
                )
                lb.stop()

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

    def refusal(self):
        """How the first of some connections at once that is refused ends: its last byte, or a reset."""
        clients = []
        try:
            for _ in range(10):
                clients.append(socket.create_connection(LISTEN, 10))
            refused = select.select(clients, [], [], 10)[0][0]
            return refused.recv(1)
        except ConnectionResetError:  # Before connect() has looked at how it went, too.
            return "reset"
        finally:
            for client in clients:
                client.close()

    def test_close_is_an_end_and_reset_a_reset(self):
        for on_refuse, expected in (("close", b""), ("reset", "reset")):
            with self.subTest(on_refuse=on_refuse):
                lb = self.balancer_with(1, requests_per_second=1, burst=1, on_refuse=on_refuse)
                self.assertEqual(self.refusal(), expected)
                lb.stop()

    def test_a_reload_changes_the_limit_and_keeps_the_bucket(self):
        for workers in (1, 2):
            with self.subTest(workers=workers):
                lb = self.balancer_with(workers, requests_per_second=1, burst=6)
                attempts = Attempts(["127.0.2.1"], per_s=100)
                attempts.run(0.5)
                # A burst is lent to each of two workers, and paid back before anything else.
                self.assertIn(attempts.admitted.total(), range(6, 6 * workers + 2))
                lb.apply(rule(requests_per_second=1, burst=1000))
                # Empty as before, and as slow: a full one would admit all of them.
                attempts = Attempts(["127.0.2.1"], per_s=100)
                attempts.run(1)
                self.figure("%d workers: %d of %d admitted after the reload", workers,
                            attempts.admitted.total(), attempts.begun)
                self.assertLessEqual(attempts.admitted.total(), 12)
                # The new rate holds at once, too.
                lb.apply(rule(requests_per_second=50, burst=1000))
                attempts = Attempts(["127.0.2.1"], per_s=100)
                took = attempts.run(2)
                self.figure("%d workers: %d admitted in %.1f s at the new rate", workers,
                            attempts.admitted.total(), took)
                self.assertAlmostEqual(attempts.admitted.total(), 50 * took, delta=25)
                lb.stop()

    def restart_control_plane(self, lb):
        lb.control.kill()
        wait_for(lambda: lb.sum("lb_controlplane_connected") == 0, 10, "the streams have ended")
        lb.start_control()
        wait_for(lambda: lb.sum("lb_controlplane_connected") == 2, 20, "the streams are back")

    def test_a_new_control_plane_refuses_nobody_below_the_limit(self):
        lb = self.balancer_with(2, requests_per_second=50, burst=25)
        attempts = Attempts(["127.0.2.1"], per_s=40)
        client = threading.Thread(target=attempts.run, args=(20,))
        client.start()
        wait_for(lambda: attempts.admitted.total() >= 240, 20, "the client has a history")
        self.restart_control_plane(lb)
        client.join()
        self.figure("%d of %d refused", attempts.refused.total(), 20 * 40)
        self.assertLessEqual(attempts.refused.total(), 0.001 * 20 * 40 + 4)

    def test_a_new_control_plane_keeps_the_limit(self):
        lb = self.balancer_with(2, requests_per_second=100, burst=50)
        Attempts(["127.0.2.1"], per_s=500).run(5)
        self.restart_control_plane(lb)
        attempts = Attempts(["127.0.2.1"], per_s=500)
        took = attempts.run(10)
        off = attempts.admitted.total() / (100 * took + 50) - 1
        self.figure("%+.1f %% off", 100 * off)
        self.assertLess(abs(off), 0.05)

    def test_a_control_plane_that_hangs_frees_nobody(self):
        lb = self.balancer_with(2, requests_per_second=50, burst=25)
        Attempts(["127.0.2.1"], per_s=300).run(2)
        lb.control.send(signal.SIGSTOP)
        Attempts(["127.0.2.1"], per_s=300).run(3)  # Budgets end.
        attempts = Attempts(["127.0.2.1"], per_s=300)
        took = attempts.run(8)
        lb.control.send(signal.SIGCONT)
        self.figure("admitted %d in %.1f s", attempts.admitted.total(), took)
        self.assertLessEqual(attempts.admitted.total(), 1.05 * (50 * took + 25))
        self.assertEqual(lb.sum("lb_controlplane_connected"), 2)


if __name__ == "__main__":
    harness.main()
