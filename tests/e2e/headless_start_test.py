"""A worker that crashed starts while no control plane runs: it serves what it served before."""

import os
import time

import harness
from harness import Requests, http_get, wait_for

RESTORED = "lb_worker_configuration_restored"


def config(*backends):
    web = {"name": "web", "listen": "127.0.0.1:8080", "backends": list(backends)}
    few = {**web, "name": "few", "listen": "127.0.0.1:8081", "backend_connection_limit": 10}
    return {"rules": [web, few]}


class HeadlessStartTest(harness.Case):
    folder_in = "/dev/shm"  # As /run is: a file system in memory.

    def setUp(self):
        self.servers("127.0.0.1:9001", "127.0.0.1:9002")
        self.lb = self.balancer()

    def kept(self):
        return os.path.join(self.lb.folder, "worker-worker-1.snapshot")

    def limited_is_served(self):
        return Requests(self, "127.0.0.1:8081", clients=1, connections=1).result()["errors"] == {}

    def begin(self):
        self.lb.start(config("127.0.0.1:9001"))
        wait_for(lambda: os.path.exists(self.kept()), 20, "the file is there")
        self.lb.control.kill()
        self.lb.workers["worker-1"].process.kill()

    def test_it_serves_from_its_file_until_the_control_plane_is_back(self):
        self.begin()
        began = time.monotonic()
        worker = self.lb.start_worker()
        worker.wait_until_ready()
        self.figure("serves after %.1f s without a control plane", time.monotonic() - began)
        self.assertIn("the control plane is not reached", http_get(worker.http, "/readyz")[1])
        self.assertEqual(worker.metrics().sum(RESTORED), 1)
        served = Requests(self, "127.0.0.1:8080", clients=4, connections=200).result()
        self.assertEqual((served["errors"], served["backends"]), ({}, {"a": 200}))

        # Whose rights the crashed process had, nobody knows.
        self.assertFalse(self.limited_is_served())

        self.lb.start_control()
        self.lb.wait_until_synced()
        wait_for(lambda: worker.metrics().sum(RESTORED) == 0, 20, "it is confirmed")
        self.assertEqual(http_get(worker.http, "/readyz")[1], "ok\n")
        self.lb.apply(config("127.0.0.1:9002"))
        served = Requests(self, "127.0.0.1:8080", clients=4, connections=200).result()
        self.assertEqual((served["errors"], served["backends"]), ({}, {"b": 200}))

    def test_a_control_plane_that_starts_beside_it_has_the_word(self):
        self.begin()
        self.lb.write(config("127.0.0.1:9002"))
        worker = self.lb.start_worker()
        self.lb.start_control()
        worker.wait_until_ready()
        self.lb.wait_until_synced()
        served = Requests(self, "127.0.0.1:8080", clients=4, connections=200).result()
        self.assertEqual((served["errors"], served["backends"]), ({}, {"b": 200}))


if __name__ == "__main__":
    harness.main()
