"""One bandwidth limit for a client over all hosts of a cluster: real control planes and workers."""

import re
import selectors
import socket
import time

import harness
from harness.byte_server import start_byte_server
from harness.hosts import HostsCase
from harness.waiting import wait_for

COUNT, RATE = 3, 3_000_000
CLIENT, BACKEND = "127.0.2.1", ("127.0.0.1", 9001)
PRECISION = 0.1


class Downloads:
    """One client's connections, which take all they get."""

    def __init__(self):
        self._poll = selectors.DefaultSelector()
        self._peers = {}  # By address of the host.

    def open(self, ip):
        peer = socket.create_connection((ip, 8080), 20, (CLIENT, 0))
        peer.sendall(b"d")
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


class ClusterBandwidthTest(HostsCase):
    def start_all(self, **limit):
        start_byte_server(self, BACKEND)
        self.start_hosts(COUNT, ["%s:%d" % BACKEND], serve=False, health_check={"enabled": False},
                         bandwidth_limit={"client": {"download_per_sec": RATE}, **limit})
        self.downloads = Downloads()
        self.addCleanup(self.downloads.close_all)

    def check(self, what):
        rates = self.downloads.run(5)
        self.figure("%s: %.2f MB/s of %s", what, sum(rates.values()) / 1e6,
                    ["%.2f" % (rate / 1e6) for rate in rates.values()])
        self.assertAlmostEqual(sum(rates.values()) / RATE, 1, delta=PRECISION)
        return rates

    def test_a_client_has_one_limit_over_all_hosts(self):
        self.start_all(scope="cluster", backend={"download_per_sec": 100_000_000})
        for member in self.hosts:
            self.downloads.open(member.ip)
        self.downloads.run(3)  # The burst, and what fits into sockets on the way.
        for rate in self.check("on all hosts").values():
            self.assertGreater(rate, 0.2 * RATE)
        self.look()
        for member in self.hosts[1:]:
            self.downloads.close(member.ip)
        self.downloads.run(4)  # What closed is forgotten.
        self.check("on one host")
        self.downloads.open(self.hosts[1].ip)
        self.downloads.run(2)
        self.check("on two hosts")
        self.check_host_that_dies(self.hosts[1])

    def look(self):
        """A host says that the limit is of all, and what the client and the backend do on the others."""
        host, others = self.hosts[0], COUNT - 1
        explain, limits = ("explain", "--rule", "web", "--client", CLIENT), ("get", "limits")

        def shared(*call):
            self.downloads.run(0.3)  # What stands still is forgotten.
            return host.json(*call)

        def of_client():
            told = shared(*explain)["sharedBandwidth"]
            return told["hosts"] == others and told["downloadBytesPerS"] > 0.3 * RATE and told

        def of_backend():
            per_client, backend = shared(*limits)["items"]
            self.assertEqual((per_client["kind"], backend["kind"]),
                             ("KIND_CLIENT_BANDWIDTH", "KIND_BACKEND_BANDWIDTH"))
            self.assertIn("sharedBandwidth", per_client)
            return backend["sharedBandwidth"]["hosts"] == others

        def prints(pattern, *call):
            self.downloads.run(0.3)
            return re.search(pattern, host.lbctl(*call).stdout)

        told = wait_for(of_client, 20, "what the client does on other hosts")
        self.assertEqual(int(told["connections"]), others)
        wait_for(of_backend, 20, "what they move to the backend")
        rate = r"[0-9.]+[kM]?B/s"
        wait_for(lambda: prints("1 connection; 2 other hosts: upload 0B/s, download " + rate + ", 2 connections", *explain),
                 20, "the client's line")
        wait_for(lambda: prints(r"down 100MB/s \(cluster\) .*\(other hosts up 0B/s, down " + rate, *limits),
                 20, "the backend's line")
        self.assertRegex(host.lbctl(*limits).stdout, r"client_bandwidth +\* +- +down 3MB/s \(cluster\)")

    def check_host_that_dies(self, gone):
        self.downloads.close(gone.ip)
        self.kill_host(gone)
        self.hosts.remove(gone)
        self.downloads.run(5)
        self.check("after a host died")

    def test_a_limit_of_each_host_is_whole_on_each(self):
        self.start_all()
        for member in self.hosts:
            self.downloads.open(member.ip)
        self.downloads.run(2)
        rates = self.downloads.run(3)
        self.figure("each for itself: %s MB/s", ["%.2f" % (rate / 1e6) for rate in rates.values()])
        for rate in rates.values():
            self.assertAlmostEqual(rate / RATE, 1, delta=PRECISION)


if __name__ == "__main__":
    harness.main()
