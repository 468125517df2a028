"""One rate limit for a client over all hosts of a cluster, while it is split, while a host dies, and
while the client moves from host to host. The backend counts what was admitted."""

import harness
from harness import Requests, namespace
from harness.hosts import HostsCase, Timeline

COUNT, RATE, BURST = 5, 100, 100
TIMES = 3  # So many times the limit is asked for.
WINDOW_S = 10
TOLERANCE = 0.1
SPLIT_S = 15
HEAL_S = 30 + 10  # Those that failed are called again so often, and the news has to get round.


class ClusterLimitFaultsTest(HostsCase):
    def start_all(self):
        self.start_hosts(COUNT, rate_limit={"requests_per_second": RATE, "burst": BURST})
        backend = self.backend_servers[0]
        self.seen = Timeline(self, lambda: backend.report()["accepted"])

    def ask(self, host, per_s):
        """Clients of one address with so many attempts per second at a host."""
        pause_ms = int(1000 * 2 / per_s)
        return Requests(self, host.ip + ":8080", clients=2, pause_ms=pause_ms,
                        pause_after_error_ms=pause_ms)

    def ask_all(self):
        for host in self.hosts:
            self.ask(host, TIMES * RATE / COUNT)
        # What the burst let through too early is made up for.
        self.seen.run_for(6)

    def assert_near_the_limit(self, begin, end, what):
        least, most = self.seen.rates(begin, end, WINDOW_S)
        self.figure("%s: windows of %d s with %.1f to %.1f/s", what, WINDOW_S, least, most)
        self.assertGreater(least, (1 - TOLERANCE) * RATE)
        self.assertLess(most, (1 + TOLERANCE) * RATE)

    def test_all_the_time(self):
        self.start_all()
        self.ask_all()
        self.assert_near_the_limit(*self.seen.run_for(30), "steady")

    def test_a_split_cluster_and_its_healing(self):
        self.start_all()
        self.ask_all()
        self.split(self.hosts[:3], self.hosts[3:])
        begin, end = self.seen.run_for(SPLIT_S)
        namespace.unblock_all()
        least, most = self.seen.rates(begin, end, WINDOW_S)
        self.figure("split: windows of %d s with %.1f to %.1f/s", WINDOW_S, least, most)
        # The larger side has all of it, the other one its share by hosts.
        self.assertLess(most, 1.5 * RATE * (1 + TOLERANCE))
        self.assertGreater(least, (1 - TOLERANCE) * RATE)
        self.wait_until_heard(HEAL_S)
        healed = self.seen.run_for(4)[1]
        self.figure("hosts heard each other %.1f s after the split", healed - 4 - end)
        self.assert_near_the_limit(*self.seen.run_for(WINDOW_S + 2), "healed")

    def test_a_host_dies(self):
        self.start_all()
        self.ask_all()
        self.kill_host(self.hosts.pop())
        self.seen.run_for(5)
        self.assert_near_the_limit(*self.seen.run_for(WINDOW_S + 5), "after 5 s")

    def test_a_client_that_moves(self):
        self.start_all()
        begin = None
        for turn in range(12):
            crowd = self.ask(self.hosts[turn % COUNT], TIMES * RATE)
            _, end = self.seen.run_for(3)
            crowd.process.kill()
            # The first two turns take the burst.
            begin = end if turn == 1 else begin
        self.assert_near_the_limit(begin, end, "moving")


if __name__ == "__main__":
    harness.main()
