"""What lbctl and the metrics say of one rate limit over the hosts of a cluster."""

import json
import signal
import time

import harness
from harness import Requests, wait_for
from harness.hosts import HostsCase

COUNT, RATE = 5, 100
ASKED = 60  # Per second, of each host.
CLIENT = "127.0.0.1"


def seconds(duration):
    return float(duration.rstrip("s"))


class ClusterShareTest(HostsCase):
    def setUp(self):
        self.start_hosts(COUNT, rate_limit={"requests_per_second": RATE, "burst": RATE})

    def explain(self, member):
        return member.lbctl("explain", "--rule", "web", "--client", CLIENT)

    def shared(self, member):
        done = member.lbctl("explain", "--rule", "web", "--client", CLIENT, "-o", "json")
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return json.loads(done.stdout)["sharedRate"]

    def test_every_host_says_the_same(self):
        # The others say a moment after their workers are ready that they are.
        wait_for(lambda: abs(self.shared(self.hosts[0])["sharePerS"] - 2 * RATE / COUNT) < 0.01, 20,
                 "a quiet client's share is that of five hosts")
        self.assertEqual(self.shared(self.hosts[0])["basis"], "BASIS_QUIET")
        pause = int(1000 / (ASKED / 2))
        for member in self.hosts:
            Requests(self, member.ip + ":8080", clients=2, pause_ms=pause, pause_after_error_ms=pause)
        everything = None

        def settled():
            nonlocal everything
            everything = [self.shared(member) for member in self.hosts]
            return (all(one["basis"] == "BASIS_DEMAND" for one in everything)
                    and abs(sum(one["sharePerS"] for one in everything) - RATE) < 0.15 * RATE)

        wait_for(settled, 30, "the shares sum to about the limit")
        demands = [one["clusterDemandPerS"] for one in everything]
        self.figure("demand %s, shares %s", ["%.0f" % one for one in demands],
                    ["%.1f" % one["sharePerS"] for one in everything])
        self.assertLess(max(demands), 1.2 * min(demands))
        for one in everything:
            self.assertLess(seconds(one["age"]), 1)
            self.assertEqual((one["hostsHeard"], one["hostsExpected"], one["sideRatio"]), (COUNT, COUNT, 1))
            self.assertEqual(len(one["hosts"]), COUNT - 1)
        self.assertIn("5 of 5 hosts are heard", self.explain(self.hosts[0]).stdout)
        clients = self.hosts[0].json("get", "clients")["items"]
        self.assertIn("sharedRate", clients[0])
        self.check_one_that_stops()

    def check_one_that_stops(self):
        stopped, asked = self.hosts[-1], self.hosts[0]
        stopped.control.send(signal.SIGSTOP)
        begin = time.monotonic()
        wait_for(lambda: seconds(self.shared(asked)["age"]) > 2, 20, "the age of its word rises")
        self.figure("said so after %.1f s", time.monotonic() - begin)
        text = self.explain(asked).stdout
        self.assertIn("Only 4 of 5 hosts are heard", text)
        self.assertIn("they have the whole limit", text)
        self.assertIn("not heard for", text)
        metrics = asked.control_metrics()
        self.assertGreater(metrics.sum("lb_usage_host_age_seconds", host=stopped.name), 2)
        self.assertLess(metrics.sum("lb_usage_host_age_seconds", host="lb-2"), 1)
        self.assertEqual(metrics.sum("lb_usage_limit_ratio"), 1)
        self.assertEqual(metrics.sum("lb_usage_clients_left_out"), 0)
        stopped.control.send(signal.SIGCONT)
        wait_for(lambda: self.shared(asked)["hostsHeard"] == COUNT, 20, "it is heard again")


if __name__ == "__main__":
    harness.main()
