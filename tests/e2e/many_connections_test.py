"""A hundred thousand connections at once, through as many workers as descriptors ask for."""

import harness
from harness import Idle, Server, kernel, wait_for

CONNECTIONS = 100_000
# Two descriptors a connection of the 20,000 that a process may commonly have; SO_REUSEPORT spreads
# by a hash, so that some workers get a few percent more than their share.
WORKERS = 13
# A listening address has ports for some 58,000 clients of one address, a backend for as many.
RULES = 4
PEERS = 8  # Processes that hold clients, as many that hold the other ends.
LISTEN = ["127.0.0.%d:8080" % (10 + number) for number in range(RULES)]
BACKENDS = ["127.0.1.%d:9001" % (10 + number) for number in range(PEERS)]
CONFIG = {
    "rules": [
        {"name": "web-%d" % number, "listen": listen, "backends": BACKENDS[number::RULES],
         "timeouts": {"idle": "1h"}}
        for number, listen in enumerate(LISTEN)
    ]
}


class ManyConnectionsTest(harness.Case):
    def setUp(self):
        for number, address in enumerate(BACKENDS):
            Server(self, "b%d" % number, address)
        self.lb = self.balancer().start(CONFIG, workers=WORKERS, threads=1)

    def open_all(self):
        crowds = [
            Idle(self, LISTEN[number % RULES], CONNECTIONS // PEERS,
                 source="127.0.2.%d" % (10 + number), at_once=32)
            for number in range(PEERS)
        ]
        for crowd in crowds:
            crowd.wait_until_settled(timeout=300)
        return crowds

    def memory(self):
        workers = sum(kernel.pss_bytes(w.process) for w in self.lb.workers.values())
        return workers, kernel.slab_bytes(), kernel.socket_bytes()

    def test_100_000_connections_are_alive_at_once(self):
        before = self.memory()
        crowds = self.open_all()
        grown = [now - then for now, then in zip(self.memory(), before)]
        each = [w.metrics().sum("lb_worker_connections") for w in self.lb.workers.values()]
        self.figure("%d connections, %d to %d on each of %d workers",
                    sum(each), min(each), max(each), WORKERS)
        self.figure("a connection: %.0f bytes in its worker, %.0f in the kernel's objects (four "
                    "sockets), %.0f in socket buffers", *(value / CONNECTIONS for value in grown))
        self.assertEqual(sum(each), CONNECTIONS)
        self.assertEqual([crowd.ask_again(timeout=300) for crowd in crowds],
                         [crowd.connections for crowd in crowds])
        for crowd in crowds:
            crowd.finish()
        wait_for(lambda: self.lb.sum("lb_worker_connections") == 0, 120, "nothing is open")
        self.figure("after the last one: %d bytes more in the workers", self.memory()[0] - before[0])


if __name__ == "__main__":
    harness.main()
