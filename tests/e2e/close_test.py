"""However a connection ends, both peers see through the balancer what they see without it."""

import hashlib
import itertools
import random
import socket
from concurrent.futures import ThreadPoolExecutor

import harness
from harness import wait_for
from harness.kernel import descriptors_but_pipes
from harness.scripted import connect, read_exactly, reset

LISTEN, BACKEND = "127.0.0.1:8080", "127.0.0.1:9001"
CONFIG = {"rules": [{"name": "web", "listen": LISTEN, "backends": [BACKEND]}]}
WHO = ("client", "backend")
HOW = ("fin", "reset", "half-close")
BEFORE, DURING, AFTER, UNREAD = "before data", "during data", "after data", "with unread data"
WHEN = (BEFORE, DURING, AFTER, UNREAD)
ROUNDS = 5
TIMEOUT_S = 20 * harness.SLOW
SMALL = random.Random(1).randbytes(300_000)
# Fits into the buffers of one connection, so that sending it needs no reader, but not into the
# reader's own.
LARGE = random.Random(2).randbytes(1_000_000)


def read_to_the_end(connection):
    """(the bytes, how they ended)."""
    data = b""
    try:
        while more := connection.recv(1 << 20):
            data += more
        return data, "FIN"
    except ConnectionError:
        return data, "reset"
    except TimeoutError:
        return data, "nothing"


def send_all(connection, data):
    """True unless a reset came between."""
    try:
        connection.sendall(data)
        return True
    except ConnectionError:
        return False


def refuses(connection):
    """Whether writing fails in the end; the first write may be what makes the peer refuse."""
    try:
        wait_for(lambda: not send_all(connection, b"x"), 5, "writing fails")
        return True
    except AssertionError:
        return False


class Script:
    """One case on one connection: `ender` ends it, `other` looks on; seen() is what they saw."""

    def __init__(self, ender, other, how, when, pool):
        self._ender, self._other, self._how, self._when = ender, other, how, when
        self._pool = pool
        self._sent = b""  # By the ender.
        self._head = b""  # What the other read of it before the end.
        self._reading = None
        self._answering = None

    def seen(self):
        self._talk()
        if self._how == "half-close":
            return self._half_close()
        if self._how == "fin":
            self._ender.close()
        else:
            reset(self._ender)
        seen = self._seen_by_other()
        return {**seen, "its writes are refused": refuses(self._other)}

    def _talk(self):
        """What happens before the end."""
        if self._when == DURING:
            self._reading = self._pool.submit(read_to_the_end, self._other)
            # What comes back and is not read would turn the FIN of close(2) into a reset.
            if self._how != "fin":
                self._answering = self._pool.submit(send_all, self._other, LARGE)
            self._send(LARGE)
        elif self._when != BEFORE:
            self._send(SMALL)
            self._head = read_exactly(self._other, len(SMALL))
            self._other.sendall(SMALL)
            read_exactly(self._ender, len(SMALL))
        if self._when == UNREAD:
            self._send(LARGE)

    def _send(self, data):
        self._ender.sendall(data)
        self._sent += data

    def _half_close(self):
        self._ender.shutdown(socket.SHUT_WR)
        if self._answering is None:
            self._answering = self._pool.submit(send_all, self._other, LARGE)
        if self._when == UNREAD:
            self._answering.result(TIMEOUT_S)  # Before anything is read at all.
        answer = self._pool.submit(read_to_the_end, self._ender)
        seen = self._seen_by_other()
        self._other.close()
        data, end = answer.result(TIMEOUT_S)
        return {**seen, "the ender reads": digest(data), "and then": end}

    def _seen_by_other(self):
        reading = self._reading or self._pool.submit(read_to_the_end, self._other)
        data, end = reading.result(TIMEOUT_S)
        # One call is told of a reset: when the writer was, the reader finds a mere end.
        if self._answering is not None and not self._answering.result(TIMEOUT_S):
            end = "reset"
        data = self._head + data
        # A reset flushes the queues (RFC 9293, 3.10.7.4): how much of what was sent before it
        # arrives is up to chance even without a balancer. What was read before is in `_head`.
        if self._how == "reset" and self._sent.startswith(data):
            return {"the other reads": "a beginning of what was sent", "then": end}
        return {"the other reads": digest(data), "then": end}


def digest(data):
    return "%d bytes, SHA-256 %s" % (len(data), hashlib.sha256(data).hexdigest()[:16])


class CloseTest(harness.Case):
    def setUp(self):
        host, port = BACKEND.split(":")
        self._listener = socket.create_server((host, int(port)))
        self._listener.settimeout(TIMEOUT_S)
        self.addCleanup(self._listener.close)
        self._pool = ThreadPoolExecutor()
        self.addCleanup(self._pool.shutdown)

    def seen(self, address, who, how, when):
        with connect(address, TIMEOUT_S) as client, self._listener.accept()[0] as backend:
            backend.settimeout(TIMEOUT_S)
            ends = (client, backend) if who == "client" else (backend, client)
            return Script(*ends, how, when, self._pool).seen()

    def test_every_end_is_seen_as_without_a_balancer(self):
        lb = self.balancer().start(CONFIG)
        worker = lb.workers["worker-1"].process
        base = descriptors_but_pipes(worker)
        cases = list(itertools.product(WHO, HOW, WHEN))
        for who, how, when in cases:
            for number in range(ROUNDS):
                with self.subTest(who=who, how=how, when=when, round=number):
                    direct = self.seen(BACKEND, who, how, when)
                    self.assertEqual(self.seen(LISTEN, who, how, when), direct, "not as directly")
            self.figure("%s, %s, %s: %s", who, how, when, direct)
        wait_for(lambda: lb.sum("lb_worker_connections") == 0, 20, "nothing is open")
        wait_for(lambda: descriptors_but_pipes(worker) <= base, 20, "no descriptor is left")
        self.figure("%d cases, %d times each", len(cases), ROUNDS)


if __name__ == "__main__":
    harness.main()
