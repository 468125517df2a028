"""One bandwidth limit for a client over all hosts of a cluster: real control planes and workers."""

import selectors
import socket
import sys
import time

import harness
from harness import wait_for
from harness.member import KEY, Member

COUNT, RATE = 3, 3_000_000
CLIENT, BACKEND = "127.0.2.1", ("127.0.0.1", 9001)
PRECISION = 0.1

# Sends to whoever connects, for ever.
_SERVER = """
import selectors, socket
block = bytes(1 << 18)
poll = selectors.DefaultSelector()
listener = socket.create_server(("127.0.0.1", %d), backlog=64)
poll.register(listener, selectors.EVENT_READ)
print("ready", flush=True)
while True:
    for key, _ in poll.select():
        peer = key.fileobj
        if peer is listener:
            peer = listener.accept()[0]
            peer.setblocking(False)
            poll.register(peer, selectors.EVENT_WRITE)
            continue
        try:
            peer.send(block)
        except BlockingIOError:
            pass
        except OSError:
            poll.unregister(peer)
            peer.close()
""" % BACKEND[1]


class Downloads:
    """One client's connections, which take all they get."""

    def __init__(self):
        self._poll = selectors.DefaultSelector()
        self._peers = {}  # By address of the host.

    def open(self, ip):
        peer = socket.create_connection((ip, 8080), 20, (CLIENT, 0))
        # What waits in the client's own buffer has passed the limit.
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        peer.setblocking(False)
        self._poll.register(peer, selectors.EVENT_READ, ip)
        self._peers[ip] = peer

    def close(self, ip):
        peer = self._peers.pop(ip)
        self._poll.unregister(peer)
        peer.close()

    def close_all(self):
        for ip in list(self._peers):
            self.close(ip)

    def run(self, seconds):
        """Bytes per second over so long, by host."""
        got, begin = dict.fromkeys(self._peers, 0), time.monotonic()
        while (left := begin + seconds - time.monotonic()) > 0:
            for key, _ in self._poll.select(left):
                got[key.data] += len(key.fileobj.recv(1 << 16))
        took = time.monotonic() - begin
        return {ip: size / took for ip, size in got.items()}


class ClusterBandwidthTest(harness.Case):
    def setUp(self):
        server = self.start("server", [sys.executable, "-c", _SERVER])
        wait_for(lambda: "ready" in server.out(), 20, "the server listens")
        self.all = [self.balancer(Member, name="lb-%d" % number, ip="127.0.3.%d" % number)
                    for number in range(1, COUNT + 1)]
        self.downloads = Downloads()
        self.addCleanup(self.downloads.close_all)

    def start_all(self, **limit):
        for member in self.all:
            rule = {"name": "web", "listen": member.ip + ":8080", "backends": ["%s:%d" % BACKEND]}
            peers = [one.address for one in self.all if one is not member]
            member.cluster.update(peers=peers, key=KEY)
            member.start({"rules": [rule], "cluster": member.cluster,
                          "health_check": {"enabled": False},
                          "bandwidth_limit": {"client": {"download_per_sec": RATE}, **limit}}, threads=1)
        for member in self.all:
            what = member.name + " hears the others"
            wait_for(lambda one=member: one.count("lb_usage_hosts", state="heard") == COUNT - 1, 20, what)

    def check(self, what):
        rates = self.downloads.run(5)
        self.figure("%s: %.2f MB/s of %s", what, sum(rates.values()) / 1e6,
                    ["%.2f" % (rate / 1e6) for rate in rates.values()])
        self.assertAlmostEqual(sum(rates.values()) / RATE, 1, delta=PRECISION)
        return rates

    def test_a_client_has_one_limit_over_all_hosts(self):
        self.start_all(scope="cluster")
        for member in self.all:
            self.downloads.open(member.ip)
        self.downloads.run(3)  # The burst, and what fits into sockets on the way.
        for rate in self.check("on all hosts").values():
            self.assertGreater(rate, 0.2 * RATE)
        for member in self.all[1:]:
            self.downloads.close(member.ip)
        self.downloads.run(4)  # What closed is forgotten.
        self.check("on one host")
        self.downloads.open(self.all[1].ip)
        self.downloads.run(2)
        self.check("on two hosts")
        self.check_host_that_dies(self.all[1])

    def check_host_that_dies(self, gone):
        self.downloads.close(gone.ip)
        gone.control.kill()
        for worker in gone.workers.values():
            worker.process.kill()
        self.all.remove(gone)
        self.downloads.run(5)
        self.check("after a host died")

    def test_a_limit_of_each_host_is_whole_on_each(self):
        self.start_all()
        for member in self.all:
            self.downloads.open(member.ip)
        self.downloads.run(2)
        rates = self.downloads.run(3)
        self.figure("each for itself: %s MB/s", ["%.2f" % (rate / 1e6) for rate in rates.values()])
        for rate in rates.values():
            self.assertAlmostEqual(rate / RATE, 1, delta=PRECISION)


if __name__ == "__main__":
    harness.main()
