"""One rate limit for a client over all hosts of a cluster: real control planes and workers."""

import time

import harness
from harness import Requests, wait_for
from harness.member import KEY, Member

COUNT, RATE, BURST = 5, 100, 100
LIMIT = {"requests_per_second": RATE, "burst": BURST}


class ClusterLimitTest(harness.Case):
    def start_all(self, count=COUNT):
        self.servers("127.0.0.1:9001")
        self.all = [self.balancer(Member, name="lb-%d" % number, ip="127.0.3.%d" % number)
                    for number in range(1, count + 1)]
        for member in self.all:
            rule = {"name": "web", "listen": member.ip + ":8080", "backends": ["127.0.0.1:9001"]}
            peers = [one.address for one in self.all if one is not member]
            member.cluster.update(peers=peers, key=KEY)
            member.start({"rules": [rule], "rate_limit": LIMIT, "cluster": member.cluster}, threads=1)
        for member in self.all:
            what = member.name + " hears the others"
            wait_for(lambda one=member: one.count("lb_usage_hosts", state="heard") == count - 1, 20, what)

    def ask(self, times):
        """Clients of one address that ask so often of the limit, by host."""
        for member, of_limit in zip(self.all, times):
            if of_limit:
                pause = 1000 / (of_limit * RATE / 2)
                Requests(self, member.ip + ":8080", clients=2, pause_ms=int(pause),
                         pause_after_error_ms=int(pause))

    def admitted(self):
        return sum(member.sum("lb_rule_connections_total", rule="web") for member in self.all)

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
        gone = self.all.pop()
        gone.control.kill()
        for worker in gone.workers.values():
            worker.process.kill()
        self.rate_over(4)
        rate = self.rate_over(8)
        self.figure("%.1f/s after a host died", rate)
        self.assertGreater(rate, 0.9 * RATE)
        self.assertLess(rate, 1.05 * RATE)


if __name__ == "__main__":
    harness.main()
