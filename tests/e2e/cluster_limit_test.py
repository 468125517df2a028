"""One rate limit for a client over all hosts of a cluster: real control planes and workers."""

import time

import harness
from harness import Requests, wait_for
from harness.hosts import HostsCase

COUNT, RATE, BURST = 5, 100, 100
LIMIT = {"requests_per_second": RATE, "burst": BURST}


class ClusterLimitTest(HostsCase):
    def start_all(self, count=COUNT):
        self.start_hosts(count, rate_limit=LIMIT)

    def ask(self, times):
        """Clients of one address that ask so often of the limit, by host."""
        for member, of_limit in zip(self.hosts, times):
            if of_limit:
                pause = 1000 / (of_limit * RATE / 2)
                Requests(self, member.ip + ":8080", clients=2, pause_ms=int(pause),
                         pause_after_error_ms=int(pause))

    def admitted(self):
        return sum(member.sum("lb_rule_connections_total", rule="web") for member in self.hosts)

    def rate_over(self, seconds):
        before, begin = self.admitted(), time.monotonic()
        wait_for(lambda: time.monotonic() - begin >= seconds, seconds + 20, "a window is over")
        return (self.admitted() - before) / (time.monotonic() - begin)

    def check(self, times):
        self.ask(times)
        # What the burst let through too early is made up for.
        self.rate_over(6)
        rate = self.rate_over(10)
        self.figure("%s of the limit: %.1f/s over 10 s", times, rate)
        self.assertGreater(rate, 0.9 * RATE)
        self.assertLess(rate, 1.05 * RATE)

    def test_on_all_hosts_alike(self):
        self.start_all()
        self.check([0.6] * COUNT)

    def test_mostly_on_one_host(self):
        self.start_all()
        self.check([2.1, 0.6, 0.2, 0.1, 0])

    def test_on_a_single_host(self):
        self.start_all()
        self.check([3, 0, 0, 0, 0])

    def test_a_host_that_dies_leaves_its_part_to_the_others(self):
        self.start_all(3)
        self.ask([1, 1, 1])
        self.rate_over(4)
        self.kill_host(self.hosts.pop())
        self.rate_over(4)
        rate = self.rate_over(8)
        self.figure("%.1f/s after a host died", rate)
        self.assertGreater(rate, 0.9 * RATE)
        self.assertLess(rate, 1.05 * RATE)


if __name__ == "__main__":
    harness.main()
