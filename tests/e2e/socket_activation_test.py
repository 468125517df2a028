"""The service manager opens the listening socket; the worker starts with the first client."""

import harness
from harness import Requests, paths, wait_for
from harness.process import run

CONFIG = {
    "rules": [
        {"name": "web", "listen": "127.0.0.1:8080", "backends": ["127.0.0.1:9001"]},
        {"name": "own", "listen": "127.0.0.1:8081", "backends": ["127.0.0.1:9001"]},
    ]
}


class SocketActivationTest(harness.Case):
    def test_the_first_client_starts_the_worker_and_is_served(self):
        self.servers("127.0.0.1:9001")
        lb = self.balancer()
        lb.write(CONFIG)
        lb.start_control()
        http = "unix:%s/worker-1.http" % lb.folder
        # Port 8082 is nobody's: it is closed, and said.
        manager = self.start(
            "worker-1",
            ["systemd-socket-activate", "-l", "127.0.0.1:8080", "-l", "127.0.0.1:8082",
             paths.worker(), "--control", lb.worker_api, "--id", "worker-1", "--http", http])
        wait_for(lambda: "Listening on 127.0.0.1:8082" in manager.log(), 10, "it listens")
        # Whatever came before the worker waits in the socket.
        first = Requests(self, "127.0.0.1:8080", clients=20, connections=200)
        self.assertEqual(first.result()["errors"], {})
        self.assertIn("listening sockets taken over", manager.log())
        second = Requests(self, "127.0.0.1:8081", clients=5, connections=50)
        self.assertEqual(second.result()["errors"], {})
        refused = run([paths.testpeer(), "request", "127.0.0.1:8082", "--connections", "1"])
        self.assertIn("ECONNREFUSED", refused.stdout)


if __name__ == "__main__":
    harness.main()
