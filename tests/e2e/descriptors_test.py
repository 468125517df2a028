"""A worker whose descriptors are used up: what runs goes on, waiting costs nothing, and the clients
that wait are served as soon as there are descriptors."""

import hashlib
import random
import select
import threading
import time

import harness
from harness import wait_for
from harness.kernel import cpu_s, descriptors, has_gap, set_limit, soft_limit
from harness.scripted import connect, read_exactly

LISTEN = "127.0.0.1:8080"
CONFIG = {"rules": [{"name": "web", "listen": LISTEN, "backends": ["127.0.0.1:9001"]}]}
HELD, WAITING = 100, 80
PART = random.Random(1).randbytes(1 << 20)
PARTS = 64


class Transfer:
    """Bytes through an echo over a connection that is open already, hashed as they come."""

    def __init__(self):
        self._client = connect(LISTEN)
        self._hash = hashlib.sha256()

    def run(self, parts):
        for _ in range(parts):
            sender = threading.Thread(target=self._client.sendall, args=(PART,))
            sender.start()
            self._hash.update(read_exactly(self._client, len(PART)))
            sender.join()

    def end(self):
        """The hash of everything that came back."""
        self._client.close()
        return self._hash.hexdigest()


def ready(clients):
    return select.select(clients, [], [], 0)[0]


class DescriptorsTest(harness.Case):
    def setUp(self):
        self.servers("127.0.0.1:9001")
        self.lb = self.balancer().start(CONFIG)
        self.worker = self.lb.workers["worker-1"].process
        self.usual = soft_limit(self.worker)

    def connect_all(self, count):
        """Clients that have said something."""
        clients = [connect(LISTEN, 60 * harness.SLOW) for _ in range(count)]
        for client in clients:
            self.addCleanup(client.close)
            client.sendall(b"x")
        return clients

    def hold(self):
        """Clients that are served."""
        clients = []
        # A limit is one of numbers: it leaves those free that are below the highest in use.
        while len(clients) < HELD or has_gap(self.worker):
            clients += self.connect_all(1)
            read_exactly(clients[-1], 1)
        return clients

    def use_up(self, left=0):
        """Leaves so many descriptors. The worker's pages cannot be read without one."""
        set_limit(self.worker, descriptors(self.worker) + left)

    def wait_in_queue(self, clients):
        """Nobody is refused; some may be served when the worker gives up what it does not need."""
        self.assertLess(len(ready(clients)), WAITING / 2)

    def shortages(self):
        return self.lb.sum("lb_accept_errors_total", error="EMFILE")

    def served(self, clients):
        """Seconds until the first was answered and until all were; each leaves at once."""
        started, first, left = time.monotonic(), None, list(clients)
        while left:
            done = select.select(left, [], [], 20 * harness.SLOW)[0]
            self.assertTrue(done, "%d clients are still waiting" % len(left))
            first = first or time.monotonic() - started
            for client in done:
                read_exactly(client, 1)
                client.close()
                left.remove(client)
        return first, time.monotonic() - started

    def test_a_transfer_goes_on_while_others_wait(self):
        transfers = [Transfer() for _ in range(4)]
        for transfer in transfers:
            transfer.run(1)
        held = self.hold()
        self.use_up()
        waiting = self.connect_all(WAITING)
        for transfer in transfers:
            transfer.run(PARTS)
        self.wait_in_queue(waiting)
        wanted = hashlib.sha256(PART * (PARTS + 1)).hexdigest()
        self.assertEqual([transfer.end() for transfer in transfers], [wanted] * len(transfers))
        for client in held:
            client.close()
        self.served(waiting)
        set_limit(self.worker, self.usual)
        self.figure("%d MiB each way meanwhile; EMFILE: %d times", 4 * PARTS, self.shortages())
        self.assertGreater(self.shortages(), 0)

    def test_waiting_costs_nothing_and_ends_with_the_shortage(self):
        held = self.hold()
        self.use_up()
        waiting = self.connect_all(WAITING)
        spent, log = cpu_s(self.worker), len(self.worker.log())
        harness.sample_while(4, lambda: self.wait_in_queue(waiting), interval=0.5)
        spent = (cpu_s(self.worker) - spent) / 4
        logged = self.worker.log()[log:].count("\n")
        for client in held:
            client.close()
        first, last = self.served(waiting)
        set_limit(self.worker, self.usual)
        self.figure("%.2f %% of a CPU while %d clients wait, %d log lines; then the first is "
                    "answered after %.3f s, the last after %.3f s",
                    100 * spent, WAITING, logged, first, last)
        self.assertLess(spent, 0.25)
        self.assertLess(logged, 100)
        self.assertLess(first, 10 * harness.SLOW)

    def test_clients_wait_while_there_is_only_one_of_the_two_descriptors_they_need(self):
        """They must not be accepted to be refused for want of a second one."""
        held = self.hold()
        self.use_up(left=1)
        waiting = self.connect_all(WAITING)
        harness.sample_while(1, lambda: self.wait_in_queue(waiting), interval=0.1)
        for client in held:
            client.close()
        self.served(waiting)
        set_limit(self.worker, self.usual)
        self.assertEqual(self.lb.sum("lb_rule_refused_total"), 0)


if __name__ == "__main__":
    harness.main()
