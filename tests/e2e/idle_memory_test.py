"""Eight thousand silent connections cost the worker next to no memory, and give it back."""

import harness
from harness import Idle, Server, kernel, wait_for

CONNECTIONS = 8_000
LISTEN = "127.0.0.1:8080"
CONFIG = {"rules": [{"name": "web", "listen": LISTEN, "backends": ["127.0.0.1:9001"]}]}
MAX_BYTES_EACH = 512
ROUNDS = 5
# What a crowd leaves: lists that grew once, and pages here and there with something still in use.
MAX_KEPT_BYTES = 1 << 20


class IdleMemoryTest(harness.Case):
    def setUp(self):
        Server(self, "a", "127.0.0.1:9001")
        self.lb = self.balancer().start(CONFIG)
        self.worker = self.lb.workers["worker-1"].process

    def open_idle(self, connections):
        idle = Idle(self, LISTEN, connections)
        idle.wait_until_settled()
        return idle

    def close_idle(self, idle):
        idle.finish()
        wait_for(lambda: self.lb.sum("lb_worker_connections") == 0, 20, "nothing is open")

    def memory(self):
        return kernel.pss_bytes(self.worker), kernel.slab_bytes(), kernel.socket_bytes()

    def round(self, before):
        """Opens all, closes all, and returns how much memory they took at most."""
        idle = self.open_idle(CONNECTIONS)
        self.assertEqual(self.lb.sum("lb_worker_connections"), CONNECTIONS)
        grown = [now - then for now, then in zip(self.memory(), before)]
        alive = idle.ask_again()
        self.close_idle(idle)
        kept = self.kept(before)
        self.figure("a connection: %.0f bytes in the worker, %.0f in the kernel's objects (four "
                    "sockets), %.0f in socket buffers; kept after the last one: %d KiB of %d",
                    *(value / CONNECTIONS for value in grown), kept >> 10, grown[0] >> 10)
        self.assertEqual(alive, CONNECTIONS)
        wait_for(lambda: self.kept(before) <= MAX_KEPT_BYTES, 30, "the memory is given back")
        return grown[0]

    def kept(self, before):
        return kernel.pss_bytes(self.worker) - before[0]

    def test_a_silent_connection_costs_512_bytes_at_most(self):
        self.close_idle(self.open_idle(100))  # What is only paid once is paid.
        before, base = self.memory(), kernel.descriptors(self.worker)
        # All are measured against the time before the first, so that rounds must not add up.
        most = max(self.round(before) for _ in range(ROUNDS))
        wait_for(lambda: kernel.descriptors(self.worker) <= base, 20, "no descriptor is left")
        self.assertLessEqual(most / CONNECTIONS, MAX_BYTES_EACH)


if __name__ == "__main__":
    harness.main()
