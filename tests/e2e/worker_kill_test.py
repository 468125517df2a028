"""A worker is killed under load: its own connections end, no others, and its replacement serves."""

import signal
import time

import harness
from harness import Requests, Streams, wait_for

CONFIG = {
    "rules": [
        {
            "name": "web",
            "listen": "127.0.0.1:8080",
            "backends": ["127.0.0.1:9001", "127.0.0.1:9002"],
            "backend_connection_limit": 500,
        }
    ]
}
STREAMS = 200
CLIENTS = 8


class WorkerKillTest(harness.Case):
    def open_connections(self, worker):
        return int(worker.metrics().sum("lb_rule_connections", rule="web"))

    def served(self, worker):
        return int(worker.metrics().sum("lb_rule_connections_total", rule="web"))

    def test_only_its_own_connections_end_and_its_replacement_serves(self):
        self.servers("127.0.0.1:9001", "127.0.0.1:9002")
        lb = self.balancer().start(CONFIG, workers=2, threads=2)
        streams = Streams(self, "127.0.0.1:8080", STREAMS, interval_ms=50)
        first, second = lb.workers["worker-1"], lb.workers["worker-2"]
        # Connected means queued at a listener; a busy worker takes them a little later.
        wait_for(lambda: self.open_connections(first) + self.open_connections(second) == STREAMS,
                 20 * harness.SLOW, "the workers have all streams")
        own, others = self.open_connections(first), self.open_connections(second)
        self.assertEqual(own + others, STREAMS)
        self.assertGreater(own, 0)
        requests = Requests(self, "127.0.0.1:8080", clients=CLIENTS, pause_ms=5)
        wait_for(lambda: requests.report().get("ok", 0) > 200, 20, "requests are served")

        first.process.kill()
        killed = time.monotonic()
        wait_for(lambda: streams.report()["open"] == others, 20, "its streams end")
        replacement = lb.start_worker("worker-1", threads=2)
        wait_for(lambda: self.served(replacement) > 0, 20, "the replacement serves")
        took = time.monotonic() - killed
        lb.wait_until_synced()
        streams.wait_for_bytes(1 << 20)

        self.assertEqual(lb.workers["worker-2"], second)
        broken = requests.report()["errors"]
        streams_result, requests_result = streams.finish(), requests.finish()
        self.figure("replacement served %.2f s after the kill of %d of %d streams",
                    took, own, STREAMS)
        self.figure("streams %s; requests %s", streams_result, requests_result)
        self.assertEqual(streams_result["ended"].get("complete"), others)
        self.assertEqual(sum(streams_result["ended"].values()), STREAMS)
        # Those in its hands or in its accept queues; nothing fails later.
        self.assertLessEqual(sum(broken.values()), CLIENTS, broken)
        self.assertEqual(requests_result["errors"], broken)
        self.assertLess(took, 20 * harness.SLOW)

    def test_its_slots_come_back(self):
        """The dead worker's share of a connection limit is not lost."""
        self.servers("127.0.0.1:9001")
        config = {"rules": [{**CONFIG["rules"][0], "backends": ["127.0.0.1:9001"]}]}
        config["rules"][0]["backend_connection_limit"] = 40
        lb = self.balancer().start(config, workers=2, threads=2)
        streams = Streams(self, "127.0.0.1:8080", 20)
        lb.workers["worker-1"].process.kill()
        wait_for(lambda: streams.report()["open"] < 20, 20, "its streams end")
        left = streams.report()["open"]
        full = Requests(self, "127.0.0.1:8080", clients=100, hold_ms_max=200)
        wait_for(lambda: self.open_connections(lb.workers["worker-2"]) == 40, 20,
                 "the survivor uses all 40 slots")
        full.finish()
        self.assertEqual(streams.finish()["ended"].get("complete"), left)

    def test_a_stopped_worker_is_stale_until_it_goes_on(self):
        self.servers("127.0.0.1:9001", "127.0.0.1:9002")
        lb = self.balancer().start(CONFIG, workers=2, threads=2)
        stopped = lb.workers["worker-1"].process
        stopped.send(signal.SIGSTOP)
        try:
            wait_for(lambda: lb.worker_state()["sync"] == "SYNC_STALE", 20, "it is stale")
            self.assertEqual(lb.lbctl("status", "--check").returncode, 1)
            self.assertIn("worker is silent", lb.control.log())
        finally:
            stopped.send(signal.SIGCONT)
        wait_for(lambda: lb.worker_state()["sync"] == "SYNC_SYNCED", 20, "it is back")
        self.assertEqual(lb.lbctl("status", "--check").returncode, 0)


if __name__ == "__main__":
    harness.main()
