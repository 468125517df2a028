"""Five hundred clients that ask for 100 MB each and never read cost little and slow nobody else."""

import socket
import statistics
import threading
import time

import harness
from harness import Server, kernel, wait_for
from harness.scripted import ScriptedServer, connect, read_exactly

SLOW_CLIENTS = 500
BLOCK, BLOCKS = bytes(1_000_000), 100
SLOW_LISTEN, LISTEN = "127.0.0.1:8080", "127.0.0.1:8081"
CONFIG = {
    "rules": [
        {"name": "slow", "listen": SLOW_LISTEN, "backends": ["127.0.0.1:9001"]},
        {"name": "other", "listen": LISTEN, "backends": ["127.0.0.1:9002"]},
    ]
}
ROUNDS = 3  # Each compares work beside the slow clients with work just before.
SAMPLES = 3  # Of a round, each way.
TRIPS = 1_000
BULK = bytes(30_000_000)
MAX_USER_BYTES = 64 * 1024  # For each slow client.
# Of the slow connections' far ends. With the usual ones the kernel would come to its limit for all
# of TCP (tcp_mem, tcp(7)), which slows every connection of the machine, balancer or not.
FAR_BUFFER_BYTES = 32 * 1024


def answer(connection):
    """The slow clients' server."""
    connection.settimeout(None)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, FAR_BUFFER_BYTES)
    read_exactly(connection, 1)
    for _ in range(BLOCKS):
        connection.sendall(BLOCK)


def round_trips():
    with connect(LISTEN) as client:
        for _ in range(TRIPS):
            client.sendall(b"x" * 64)
            read_exactly(client, 64)


def bulk():
    """There and back through an echo."""
    with connect(LISTEN) as client:
        sender = threading.Thread(target=client.sendall, args=(BULK,))
        sender.start()
        left = len(BULK)
        while left > 0 and (data := client.recv(1 << 20)):
            left -= len(data)
        sender.join()
    if left != 0:
        raise AssertionError("%d bytes are missing" % left)


class SlowReadersTest(harness.Case):
    def setUp(self):
        ScriptedServer(self, answer)
        Server(self, "a", "127.0.0.1:9002")
        self.lb = self.balancer().start(CONFIG)
        self.worker = self.lb.workers["worker-1"].process

    def costs(self, work):
        """Of each sample: the worker's CPU seconds, and seconds by the clock."""
        costs = []
        for _ in range(SAMPLES):
            cpu, clock = kernel.cpu_s(self.worker), time.monotonic()
            work()
            costs.append((kernel.cpu_s(self.worker) - cpu, time.monotonic() - clock))
        return costs

    def open_slow(self):
        clients = [connect(SLOW_LISTEN) for _ in range(SLOW_CLIENTS)]
        for client in clients:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, FAR_BUFFER_BYTES)
            client.sendall(b"x")
        seen = [0, time.monotonic()]

        def still():
            """The answers began and have not moved for a second."""
            now = self.lb.sum("lb_backend_received_bytes_total", rule="slow")
            if now != seen[0]:
                seen[:] = now, time.monotonic()
            return now > 0 and time.monotonic() - seen[1] > 1

        wait_for(still, 60, "every answer stands still")
        self.assertEqual(self.lb.sum("lb_rule_connections", rule="slow"), SLOW_CLIENTS)
        return clients

    def close_slow(self, clients, descriptors):
        for client in clients:
            client.close()
        wait_for(lambda: self.lb.sum("lb_worker_connections") == 0, 20, "nothing is open")
        wait_for(lambda: kernel.descriptors(self.worker) <= descriptors, 20, "none is left")

    def memory(self):
        pipes, in_pipes = kernel.pipe_bytes(self.worker)
        return {"user": kernel.pss_bytes(self.worker), "slab": kernel.slab_bytes(),
                "sockets": kernel.socket_bytes(), "in %d pipes" % pipes: in_pipes}

    def test_clients_that_never_read_harm_nobody(self):
        for work in (round_trips, bulk):
            work()  # What is only paid once is paid.
        wait_for(lambda: self.lb.sum("lb_worker_connections") == 0, 20, "nothing is open")
        descriptors = kernel.descriptors(self.worker)
        alone = {round_trips: [], bulk: []}
        beside = {round_trips: [], bulk: []}
        for number in range(ROUNDS):
            for work in alone:
                alone[work] += self.costs(work)
            before = self.memory()
            clients = self.open_slow()
            after = self.memory()
            self.check_memory(before, after)
            self.check_idle()
            for work in beside:
                beside[work] += self.costs(work)
            self.close_slow(clients, descriptors)
            self.figure("round %d, after they left: %s", number, self.memory())
        for work in alone:
            self.check_costs(work.__name__, alone[work], beside[work])

    def check_memory(self, before, after):
        grown = {key: after[key] - before.get(key, 0) for key in after}
        self.figure("grown by, a slow client: %s",
                    {key: round(value / SLOW_CLIENTS) for key, value in grown.items()})
        self.assertLess(grown["user"] / SLOW_CLIENTS, MAX_USER_BYTES)

    def check_idle(self):
        cpu = kernel.cpu_s(self.worker)
        harness.sample_while(1, lambda: None)
        spent = kernel.cpu_s(self.worker) - cpu
        self.figure("%.1f %% of a CPU while all stand still", spent * 100)
        self.assertLess(spent, 0.25)

    def check_costs(self, name, alone, beside):
        """Bounds are wide, since others use the machine too; the figures say more."""
        for place, (unit, most) in enumerate((("CPU of the worker", 2), ("clock", 4))):
            one = statistics.median(cost[place] for cost in alone)
            other = statistics.median(cost[place] for cost in beside)
            self.figure("%s, %s: %.1f ms alone, %.1f ms beside slow clients: %.2f times",
                        name, unit, one * 1e3, other * 1e3, other / one)
            self.assertLess(other / one, most)


if __name__ == "__main__":
    harness.main()
