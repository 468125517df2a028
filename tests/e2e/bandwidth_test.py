"""Bandwidth limits with real workers: what passes for a client and to a backend, shared by any
number of connections, by one worker or two, and after a change."""

import selectors
import socket
import sys
import time

import harness
from harness import wait_for

LISTEN = ("127.0.0.1", 8080)
BACKEND = ("127.0.0.1", 9001)
RATE = 4_000_000
BURST = 400_000

# Sends for ever to whoever says "d"; takes everything from the others.
_SERVER = """
import selectors, socket, sys
block = bytes(1 << 18)
poll = selectors.DefaultSelector()
listener = socket.create_server(("127.0.0.1", %d), backlog=1024)
poll.register(listener, selectors.EVENT_READ)
print("ready", flush=True)
while True:
    for key, events in poll.select():
        peer = key.fileobj
        if peer is listener:
            peer = listener.accept()[0]
            peer.setblocking(False)
            poll.register(peer, selectors.EVENT_READ)
            continue
        try:
            if events & selectors.EVENT_WRITE:
                peer.send(block)
            elif data := peer.recv(1 << 18):
                if data[:1] == b"d":
                    poll.modify(peer, selectors.EVENT_WRITE)
            else:
                raise ConnectionError
        except BlockingIOError:
            pass
        except OSError:
            poll.unregister(peer)
            peer.close()
""" % BACKEND[1]


def config(**limit):
    backend = "%s:%d" % BACKEND
    rule = {"name": "web", "listen": "%s:%d" % LISTEN, "backends": [backend]}
    return {"rules": [rule], "bandwidth_limit": limit, "health_check": {"enabled": False}}


class Transfers:
    """Connections that move all they can in one direction, each from an address of a list."""

    def __init__(self, case, clients, upload=False):
        self._upload = upload
        self._poll = selectors.DefaultSelector()
        self.bytes = {}
        for client in clients:
            peer = socket.create_connection(LISTEN, 20, (client, 0))
            case.addCleanup(peer.close)
            if not upload:
                # What waits in the client's own buffer has passed the limit.
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
            peer.sendall(b"u" if upload else b"d")
            peer.setblocking(False)
            event = selectors.EVENT_WRITE if upload else selectors.EVENT_READ
            self._poll.register(peer, event)
            self.bytes[peer] = 0
        self._block = bytes(1 << 16)

    def run(self, seconds):
        """Moves for so long; returns (bytes of each connection in this time, the time it took)."""
        before = dict(self.bytes)
        start = time.monotonic()
        while (left := start + seconds - time.monotonic()) > 0:
            for key, _ in self._poll.select(left):
                peer = key.fileobj
                if self._upload:
                    self.bytes[peer] += peer.send(self._block)
                else:
                    self.bytes[peer] += len(peer.recv(1 << 16))
        return [self.bytes[p] - before[p] for p in before], time.monotonic() - start


def jain(values):
    return sum(values) ** 2 / (len(values) * sum(v * v for v in values))


class BandwidthTest(harness.Case):
    def start_with(self, workers=1, **limit):
        server = self.start("server", [sys.executable, "-c", _SERVER])
        wait_for(lambda: "ready" in server.out(), 20, "the server listens")
        self.server = server
        return self.balancer().start(config(**limit), workers=workers)

    def check(self, what, moved, took, rate=RATE):
        off = sum(moved) / (rate * took) - 1
        fair = jain(moved)
        self.figure("%s: %+.1f %% off, fairness %.3f", what, 100 * off, fair)
        self.assertLess(abs(off), 0.1)
        return fair

    def measure(self, what, clients, upload=False, seconds=4):
        transfers = Transfers(self, clients, upload)
        transfers.run(1)  # The burst, and what fits into sockets on the way.
        moved, took = transfers.run(seconds)
        return self.check(what, moved, took)

    def test_one_client_has_one_limit_however_many_connections(self):
        self.start_with(client={"download_per_sec": RATE, "upload_per_sec": RATE, "burst": "400KB"})
        self.measure("1 connection down", ["127.0.2.1"])
        self.measure("1 connection up", ["127.0.2.2"], upload=True)
        fair = self.measure("50 connections down", ["127.0.2.3"] * 50)
        self.assertGreater(fair, 0.95)

    def test_two_workers_share_one_limit(self):
        self.start_with(2, client={"download_per_sec": RATE, "burst": "400KB"})
        self.measure("1 connection over two workers", ["127.0.2.1"])
        self.measure("10 connections over two workers", ["127.0.2.2"] * 10)

    def test_all_clients_of_a_backend_share_its_limit(self):
        self.start_with(backend={"download_per_sec": RATE, "burst": "400KB"})
        fair = self.measure("10 clients of a backend", ["127.0.2.%d" % i for i in range(1, 11)])
        self.assertGreater(fair, 0.95)

    def test_who_stays_below_the_limit_is_not_slowed_down(self):
        self.start_with(client={"download_per_sec": RATE, "upload_per_sec": RATE, "burst": "400KB"})
        peer = socket.create_connection(LISTEN, 20, ("127.0.2.1", 0))
        peer.sendall(b"u")
        start = time.monotonic()
        peer.sendall(bytes(200_000))
        peer.shutdown(socket.SHUT_WR)
        peer.settimeout(20)
        self.assertEqual(peer.recv(1), b"")
        self.assertLess(time.monotonic() - start, 1 * harness.SLOW)
        peer.close()

    def test_says_who_moves_how_much(self):
        lb = self.start_with(client={"download_per_sec": RATE}, backend={"download_per_sec": 2 * RATE})
        transfers = Transfers(self, ["127.0.2.1"] * 2 + ["127.0.2.2"])

        def told():
            transfers.run(0.5)
            clients = lb.json("get", "clients", "--sort-by", "bytes")["items"]
            moved = [client.get("downloadBytesPerS", 0) for client in clients]
            return clients if min(moved) > 0.5 * RATE else None

        clients = wait_for(told, 20, "the rates of two clients")
        self.assertEqual(
            {client["client"]: client["connections"] for client in clients},
            {"127.0.2.1": "2", "127.0.2.2": "1"},
        )
        one = lb.json("get", "clients", "--sort-by", "bytes", "--top", "1")["items"]
        self.assertEqual(len(one), 1)
        of_clients, of_backend = lb.json("get", "limits")["items"]
        self.assertEqual(of_clients["kind"], "KIND_CLIENT_BANDWIDTH")
        self.assertEqual((of_clients["maxDownloadBytesPerS"], of_clients["clients"]), (str(RATE), "2"))
        self.assertEqual(of_clients["throttledClients"], "2")
        self.assertEqual(of_backend["kind"], "KIND_BACKEND_BANDWIDTH")
        self.assertEqual(of_backend["connections"], "3")
        self.assertGreater(of_backend["downloadBytesPerS"], RATE)
        why = lb.lbctl("explain", "--rule", "web", "--client", "127.0.2.1").stdout
        self.assertRegex(why, r"bandwidth_limit +passed +upload .* of 4000000 bytes/s, 2 connections")

    def test_a_reload_changes_the_rate_of_open_connections(self):
        lb = self.start_with(client={"download_per_sec": RATE, "burst": "400KB"})
        transfers = Transfers(self, ["127.0.2.1"] * 4)
        transfers.run(1)
        self.check("before", *transfers.run(2))
        lb.apply(config(client={"download_per_sec": 2 * RATE, "burst": "400KB"}))
        transfers.run(0.5)
        self.check("after", *transfers.run(2), rate=2 * RATE)


if __name__ == "__main__":
    harness.main()
