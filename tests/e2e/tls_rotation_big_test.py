"""A thousand renewals of a certificate under load: no handshake fails, and no memory is kept."""

import harness
from harness import kernel
from harness.renewing import RenewedPair
from harness.tls import PlainServer
from harness.tls_load import TlsLoad

LISTEN, BACKEND, NAME = "127.0.0.1:8443", "127.0.0.1:9001", "front.test"
ROTATIONS = 1000
SETTLED = 200  # By then what is only paid once is paid.
# The control plane tells of each in its newest ten thousand events, which it keeps.
MAX_GROWTH_BYTES = 4 << 20


class TlsRotationBigTest(harness.Case):
    def memory(self):
        processes = [self.lb.control] + [worker.process for worker in self.lb.workers.values()]
        return [kernel.pss_bytes(process) for process in processes]

    def test_a_thousand_rotations(self):
        pair = RenewedPair(self.folder, NAME)
        PlainServer(self, "a", BACKEND)
        rule = {"name": "web", "listen": LISTEN, "backends": [BACKEND],
                "tls": {"cert": pair.cert, "key": pair.key}}
        self.lb = self.balancer().start({"rules": [rule]}, workers=2)
        pair.watch(self.lb)
        load = TlsLoad(self, LISTEN, pair.context, NAME, clients=2)
        before = None
        for number in range(ROTATIONS):
            pair.renew()
            pair.wait_until_shown(LISTEN)
            if number == SETTLED:
                before = self.memory()
        grown = [now - then for now, then in zip(self.memory(), before)]
        load.stop()
        self.figure("%d handshakes over %d certificates; grown since rotation %d: %s KiB",
                    load.served, len(load.serials), SETTLED, [value >> 10 for value in grown])
        self.assertEqual(load.errors, [])
        self.assertLess(max(grown), MAX_GROWTH_BYTES)


if __name__ == "__main__":
    harness.main()
