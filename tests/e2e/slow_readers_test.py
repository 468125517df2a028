"""Five hundred clients that ask for 100 MB each and never read cost little and slow nobody else."""

import contextlib
import socket
import threading
import time

import harness
from harness import Server, kernel, namespace, wait_for
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
SAMPLES = 5  # Of a round, each way.
CONNECTIONS, TRIPS = 50, 40
BULK = bytes(30_000_000)
MAX_USER_BYTES = 64 * 1024  # For each slow client.
# What a connection's send buffer may grow to, as on most machines. If the worker filled it, a
# thousand connections would have all that the kernel has for TCP (tcp_mem, tcp(7)), and everything
# on the machine would wait.
SEND_BUFFER = "4096 16384 4194304"
MAX_SOCKET_BYTES = 2 << 20  # For each slow client, however large the worker's buffers may grow.
FAR_BUFFER_BYTES = 32 * 1024  # What the peers ask for, so that it is the worker's that is measured.


def answer(connection):
    """The slow clients' server."""
    connection.settimeout(None)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, FAR_BUFFER_BYTES)
    read_exactly(connection, 1)
    for _ in range(BLOCKS):
        connection.sendall(BLOCK)


def round_trips():
    """On many connections at once, or it would be the cost of waking a thread that is measured."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connect(LISTEN)) for _ in range(CONNECTIONS)]
        for _ in range(TRIPS):
            for client in clients:
                client.sendall(b"x" * 64)
            for client in clients:
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
        namespace.set_sysctl("net/ipv4/tcp_wmem", SEND_BUFFER)
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

    def open_slow(self, count=SLOW_CLIENTS):
        clients = [connect(SLOW_LISTEN) for _ in range(count)]
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
        self.assertEqual(self.lb.sum("lb_rule_connections", rule="slow"), count)
        return clients

    def close_slow(self, clients, descriptors):
        for client in clients:
            client.close()
        wait_for(lambda: self.lb.sum("lb_worker_connections") == 0, 20, "nothing is open")
        wait_for(lambda: self.descriptors() <= descriptors, 20, "none is left")

    def descriptors(self):
        return kernel.descriptors_but_pipes(self.worker)

    def memory(self):
        pipes, in_pipes = kernel.pipe_bytes(self.worker)
        return {"user": kernel.pss_bytes(self.worker), "slab": kernel.slab_bytes(),
                "sockets": kernel.socket_bytes(), "in %d pipes" % pipes: in_pipes}

    def test_the_kernel_keeps_little_for_a_client_that_never_reads(self):
        descriptors, before = self.descriptors(), kernel.socket_bytes()
        clients = self.open_slow(count=100)
        each = (kernel.socket_bytes() - before) / len(clients)
        self.close_slow(clients, descriptors)
        self.figure("%d KiB each in the buffers of its four sockets", each / 1024)
        self.assertLess(each, MAX_SOCKET_BYTES)

    def test_clients_that_never_read_harm_nobody(self):
        for work in (round_trips, bulk):
            work()  # What is only paid once is paid.
        wait_for(lambda: self.lb.sum("lb_worker_connections") == 0, 20, "nothing is open")
        descriptors = self.descriptors()
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
        """Compares the best samples: whatever else runs on the machine only adds. The bounds are
        wide all the same; the figures say more."""
        for place, (unit, most) in enumerate((("CPU of the worker", 4), ("clock", 4))):
            one, other = (min(cost[place] for cost in costs) for costs in (alone, beside))
            self.figure("%s, %s: %.1f ms alone, %.1f ms beside slow clients: %.2f times",
                        name, unit, one * 1e3, other * 1e3, other / one)
            self.assertLess(other / one, most)


if __name__ == "__main__":
    harness.main()
