"""Descriptors run out and come back, clients come and go in every way: nothing is lost or kept."""

import socket

import harness
from harness import Requests, Streams, wait_for
from harness.kernel import cpu_s, descriptors, pss_bytes, set_limit, soft_limit
from harness.scripted import connect, reset

CONFIG = {
    "rules": [{"name": "web", "listen": "127.0.0.1:8080", "backends": ["127.0.0.1:9001"]}],
}
ABORTED = 2_000
MANY = 100_000 // harness.SLOW


class ResourcesTest(harness.Case):
    def setUp(self):
        self.servers("127.0.0.1:9001")
        self.lb = self.balancer().start(CONFIG)
        self.worker = self.lb.workers["worker-1"]

    def test_a_worker_without_descriptors_keeps_what_it_has_and_recovers(self):
        process = self.worker.process
        usual = soft_limit(process)
        streams = Streams(self, "127.0.0.1:8080", 50)
        set_limit(process, descriptors(process) + 20)
        waiting = [connect("127.0.0.1:8080") for _ in range(200)]
        before, log = cpu_s(process), len(process.log())
        harness.sample_while(2, lambda: self.assertTrue(process.running()))
        spent, logged = cpu_s(process) - before, process.log()[log:].count("\n")
        for client in waiting:
            client.close()
        set_limit(process, usual)
        result = Requests(self, "127.0.0.1:8080", connections=100).result()
        shortages = self.lb.sum("lb_accept_errors_total", error="EMFILE")
        self.assertGreater(shortages, 0)
        self.figure("2 s without descriptors: %.2f s of CPU, %d log lines; then %s",
                    spent, logged, result)
        self.assertEqual(result["errors"], {})
        self.assertEqual(streams.finish()["ended"], {"complete": 50})
        # The streams alone cost some; a loop that spins would cost all of it.
        self.assertLess(spent, 1.5 * harness.SLOW)
        self.assertLess(logged, 200)

    def test_the_admin_api_survives_a_shortage_of_descriptors(self):
        """gRPC's own listener stays dead after one EMFILE (CVE-2023-4785)."""
        control = self.lb.control
        usual = soft_limit(control)
        set_limit(control, descriptors(control) + 2)
        clients = []
        for _ in range(50):
            client = socket.socket(socket.AF_UNIX)
            client.settimeout(1)
            client.connect(self.lb.admin_api[len("unix:"):])
            clients.append(client)
        harness.sample_while(1, lambda: self.assertTrue(control.running()))
        for client in clients:
            client.close()
        set_limit(control, usual)
        wait_for(lambda: self.lb.json("status"), 10, "lbctl is answered again")
        self.assertEqual(self.lb.worker_state()["sync"], "SYNC_SYNCED")

    def test_aborted_clients_leave_nothing_behind(self):
        Requests(self, "127.0.0.1:8080", connections=500, clients=50).result()
        wait_for(lambda: self.lb.sum("lb_worker_connections") == 0, 20, "all is closed")
        base = descriptors(self.worker.process)
        for number in range(ABORTED):
            client = connect("127.0.0.1:8080")
            if number % 3 == 0:
                client.close()
            elif number % 3 == 1:
                reset(client)
            else:
                client.sendall(b"GET / HT")
                reset(client)
        wait_for(lambda: self.lb.sum("lb_worker_connections") == 0, 20, "all is closed")
        wait_for(lambda: descriptors(self.worker.process) <= base, 10, "no descriptor is left")
        for name in ("lb_rule_connections", "lb_backend_connections"):
            self.assertEqual(self.lb.sum(name), 0, name)
        self.assertEqual(Requests(self, "127.0.0.1:8080", connections=10).result()["ok"], 10)

    def requests(self, connections):
        """So many, one in ten ended by a reset; then the worker's descriptors and memory."""
        result = Requests(self, "127.0.0.1:8080", connections=connections, clients=64,
                          reset_percent=10).result(timeout=200)
        self.assertEqual((result["errors"], result["ok"]), ({}, connections))
        wait_for(lambda: self.lb.sum("lb_worker_connections") == 0, 20, "all is closed")
        process = self.worker.process
        return descriptors(process), pss_bytes(process)

    def test_100_000_connections_leave_nothing_behind(self):
        # The first ones make the memory that all later ones use again.
        before = self.requests(MANY // 10)
        after = self.requests(MANY)
        self.figure("%d connections: descriptors %d and %d, memory %d and %d KiB", MANY,
                    before[0], after[0], before[1] >> 10, after[1] >> 10)
        wait_for(lambda: descriptors(self.worker.process) <= before[0], 10, "none is left")
        # Sanitizers hold back freed memory, and see what is lost themselves.
        if harness.SLOW == 1:
            self.assertLess(after[1] - before[1], 32 * MANY)


if __name__ == "__main__":
    harness.main()
