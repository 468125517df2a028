"""A worker that starts while the newest configuration cannot be bound serves the last one that workers
ran, also when the control plane was restarted meanwhile; and takes the newest when it can."""

import socket

import harness
from harness import Requests, http_get, wait_for

RULE = {"name": "web", "listen": "127.0.0.1:8080", "backends": ["127.0.0.1:9001"]}
TAKEN = {"name": "taken", "listen": "127.0.0.1:8081", "backends": ["127.0.0.1:9001"]}


class LastGoodTest(harness.Case):
    def served_by(self, name):
        """True when this worker alone answers for the rule that was there before."""
        for other, worker in self.lb.workers.items():
            if other != name and worker.process.running():
                self.assertEqual(worker.process.stop(), 0)
        result = Requests(self, "127.0.0.1:8080", connections=20).result()
        return result["errors"] == {} and result["backends"] == {"a": 20}

    def test_it_serves_what_workers_ran_before(self):
        self.servers("127.0.0.1:9001")
        self.lb = self.balancer().start({"rules": [RULE]})
        holder = socket.create_server(("127.0.0.1", 8081))
        self.addCleanup(holder.close)
        self.lb.write({"rules": [RULE, TAKEN]})
        refused = lambda name: self.lb.worker_state(name).get("sync") == "SYNC_ERROR"
        wait_for(lambda: refused("worker-1"), 20, "the worker refuses it")
        self.lb.start_worker("worker-2").wait_until_ready()
        wait_for(lambda: refused("worker-2"), 20, "so does the next one")
        self.assertTrue(self.served_by("worker-2"))
        said = self.lb.lbctl("status").stdout
        self.assertIn("keeps running", said)

        self.lb.control.kill()
        self.lb.start_control()
        wait_for(lambda: http_get(harness.balancer.HTTP, "/readyz")[0] == 200, 20, "it is ready")
        self.lb.start_worker("worker-3").wait_until_ready()
        self.assertTrue(self.served_by("worker-3"))

        holder.close()
        self.lb.wait_until_synced()
        self.assertEqual(Requests(self, "127.0.0.1:8081", connections=5).result()["errors"], {})


if __name__ == "__main__":
    harness.main()
