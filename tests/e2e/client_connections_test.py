"""How many connections one client may have open, with real workers: who is admitted and who is
refused, over one worker and over several, and what happens when the control plane goes."""

import select
import socket
import time

import harness
from harness import Server, wait_for
from harness.scripted import read_exactly

LISTEN = ("127.0.0.1", 8080)
BACKEND = "127.0.0.1:9001"
IP_BIND_ADDRESS_NO_PORT = 24  # ip(7); not in Python's socket module.


def config(cap, **more):
    rule = {"name": "web", "listen": "%s:%d" % LISTEN, "backends": [BACKEND], **more}
    return {"rules": [{**rule, "max_connections_per_client": cap}]}


class Client:
    """Connections of one address that stay open."""

    def __init__(self, case, address, header=b""):
        self._address = address
        self._header = header
        self.open = []
        case.addCleanup(self.close)

    def connect(self):
        """False when it is refused, with a reset."""
        peer = socket.socket()
        peer.settimeout(20)
        peer.bind((self._address, 0))
        try:
            peer.connect(LISTEN)
            peer.sendall(self._header + b"x")
            read_exactly(peer, 1)
        except ConnectionResetError:
            peer.close()
            return False
        self.open.append(peer)
        return True

    def admitted(self, count):
        return sum(self.connect() for _ in range(count))

    def answered(self):
        for peer in self.open:
            peer.sendall(b"y")
            read_exactly(peer, 1)
        return len(self.open)

    def close(self, count=None):
        for _ in range(len(self.open) if count is None else count):
            self.open.pop().close()


class Greedy:
    """A client that wants far more connections than it may have, and keeps those that it gets."""

    AT_ONCE = 200

    def __init__(self, case, address):
        self._address = address
        self._poll = select.epoll()
        self._begun = {}
        self.open = []
        self.most = 0
        self.refused = 0
        case.addCleanup(self.close)

    def run(self, seconds, enough=None):
        """Goes on for so long, or until it has enough. Returns the seconds that it took."""
        start = time.monotonic()
        while time.monotonic() < start + seconds and (enough is None or len(self.open) < enough):
            while len(self._begun) < self.AT_ONCE:
                self._begin()
            self._serve()
        took = time.monotonic() - start
        deadline = time.monotonic() + 20
        while self._begun and time.monotonic() < deadline:
            self._serve()
        assert not self._begun, "%d without an answer" % len(self._begun)
        return took

    def let_go(self, count):
        for _ in range(count):
            self.open.pop().close()

    def close(self):
        for peer, _ in self._begun.values():
            peer.close()
        self.let_go(len(self.open))

    def _begin(self):
        peer = socket.socket()
        peer.setblocking(False)
        peer.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        # A refused one leaves no port behind.
        peer.bind((self._address, 0))
        peer.connect_ex(LISTEN)
        self._begun[peer.fileno()] = (peer, False)
        self._poll.register(peer, select.EPOLLOUT)

    def _serve(self):
        for fd, _ in self._poll.poll(0.05):
            peer, asked = self._begun[fd]
            try:
                if not asked:
                    peer.send(b"x")
                    self._begun[fd] = (peer, True)
                    self._poll.modify(fd, select.EPOLLIN)
                    continue
                answered = peer.recv(1) == b"x"
            except ConnectionError:
                answered = False
            self._poll.unregister(fd)
            del self._begun[fd]
            if answered:
                self.open.append(peer)
                self.most = max(self.most, len(self.open))
            else:
                self.refused += 1
                peer.close()


class ClientConnectionsTest(harness.Case):
    servers_started = False

    def balancer_with(self, cap, workers=1, **more):
        if not self.servers_started:
            Server(self, "a", BACKEND)
            self.servers_started = True
        return self.balancer().start(config(cap, **more), workers=workers)

    def check_line(self, lb, address):
        done = lb.lbctl("explain", "--rule", "web", "--client", address)
        lines = [line for line in done.stdout.splitlines() if "max_connections_per" in line]
        self.assertEqual(len(lines), 1, done.stdout)
        return lines[0]

    def wait_for_open(self, lb, count):
        wait_for(lambda: lb.sum("lb_rule_connections") == count, 20, "%d are open" % count)

    def test_as_many_as_the_cap_and_the_next_when_one_ends(self):
        lb = self.balancer_with(5)
        one, other = Client(self, "127.0.2.1"), Client(self, "127.0.2.2")
        self.assertEqual(one.admitted(8), 5)
        self.assertEqual(other.admitted(2), 2)
        self.assertEqual(lb.sum("lb_rule_refused_total", reason="client_limit"), 3)
        self.assertRegex(self.check_line(lb, "127.0.2.1"), "REFUSED +5 of 5 open")
        self.assertRegex(self.check_line(lb, "127.0.2.2"), "passed +2 of 5 open")

        def listed():
            (limit,) = lb.json("get", "limits")["items"]
            self.assertEqual(limit["kind"], "KIND_CLIENT_CONNECTIONS")
            self.assertEqual(limit["maxConnections"], "5")
            return limit.get("refusedTotal") == "3"

        wait_for(listed, 20, "the refusals are reported")
        one.close(1)
        self.wait_for_open(lb, 6)
        self.assertEqual(one.admitted(3), 1)
        self.assertEqual((one.answered(), other.answered()), (5, 2))

    def test_a_client_is_who_its_proxy_header_names(self):
        lb = self.balancer_with(2, proxy_protocol={"accept": True})
        headers = [b"PROXY TCP4 10.0.0.%d 10.0.1.1 4000 80\r\n" % i for i in (1, 2)]
        clients = [Client(self, "127.0.2.1", header) for header in headers]
        self.assertEqual([client.admitted(4) for client in clients], [2, 2])
        self.assertEqual(lb.sum("lb_rule_refused_total", reason="client_limit"), 4)

    def test_a_reload_lowers_and_raises_the_cap_and_closes_nothing(self):
        lb = self.balancer_with(4)
        client = Client(self, "127.0.2.1")
        self.assertEqual(client.admitted(5), 4)
        lb.apply(config(2))
        self.assertEqual(client.answered(), 4)
        client.close(2)
        self.wait_for_open(lb, 2)
        self.assertEqual(client.admitted(1), 0)
        client.close(1)
        self.wait_for_open(lb, 1)
        self.assertEqual(client.admitted(3), 1)
        lb.apply(config(6))
        self.assertEqual(client.admitted(6), 4)
        self.assertEqual(client.answered(), 6)

    def test_several_workers_share_one_cap(self):
        for workers, cap in ((2, 100), (4, 100), (4, 20)):
            with self.subTest(workers=workers, cap=cap):
                lb = self.balancer_with(cap, workers)
                greedy = Greedy(self, "127.0.2.1")
                took = greedy.run(2 * harness.SLOW, enough=0.95 * cap)
                self.figure("%d workers: %d of %d after %.2f s, %d refused", workers,
                            len(greedy.open), cap, took, greedy.refused)
                self.assertGreaterEqual(len(greedy.open), 0.95 * cap)
                for _ in range(3):
                    greedy.let_go(len(greedy.open) // 2)
                    greedy.run(2 * harness.SLOW, enough=0.95 * cap)
                    self.assertGreaterEqual(len(greedy.open), 0.95 * cap)
                greedy.run(1)
                self.figure("at most %d of %d at once", greedy.most, cap)
                self.assertLessEqual(greedy.most, cap)
                self.assertIn("in %d workers" % workers, self.check_line(lb, "127.0.2.1"))
                # Another client has a cap of its own.
                self.assertTrue(Client(self, "127.0.2.2").connect())
                greedy.close()
                lb.stop()

    def test_the_cap_goes_where_the_client_goes(self):
        cap = 100
        lb = self.balancer_with(cap, workers=2)
        greedy = Greedy(self, "127.0.2.1")

        def meets_only(*names):
            for name in lb.workers:
                order = ("undrain", name) if name in names else ("drain", name, "--yes")
                if lb.items("workers")[name]["draining"] == (name in names):
                    self.assertEqual(lb.lbctl("worker", *order).returncode, 0)
            wait_for(lambda: all(worker["draining"] == (name not in names) for name, worker in
                                 lb.items("workers").items()), 20, "only %s accept" % (names,))

        def fill(what):
            took = greedy.run(2 * harness.SLOW, enough=0.95 * cap)
            self.figure("%s: %d of %d after %.2f s", what, len(greedy.open), cap, took)
            self.assertGreaterEqual(len(greedy.open), 0.95 * cap)

        meets_only("worker-1")
        fill("all through worker-1")
        meets_only("worker-1", "worker-2")
        greedy.let_go(50)
        fill("half of it anew through both")
        greedy.let_go(len(greedy.open))
        meets_only("worker-2")
        fill("all through worker-2")
        self.figure("at most %d of %d at once", greedy.most, cap)
        self.assertLessEqual(greedy.most, cap)

    def test_without_a_control_plane_the_cap_holds(self):
        lb = self.balancer_with(20, workers=2)
        known = Greedy(self, "127.0.2.1")
        known.run(2 * harness.SLOW, enough=19)
        lb.control.kill()
        wait_for(lambda: lb.sum("lb_controlplane_connected") == 0, 20, "the stream has ended")
        fresh = Greedy(self, "127.0.2.2")
        fresh.run(1)
        self.assertEqual(fresh.most, 20)
        # Who had more than its part in one worker may have its part in the other one beside it.
        known.run(4)
        self.figure("who was known before has %d of 20", known.most)
        self.assertLessEqual(known.most, 30)


if __name__ == "__main__":
    harness.main()
