"""A connection limit of a backend over all hosts of a cluster is never passed, and is used up when all
is calm. The kernel counts, at the backend's port."""

import harness
from harness.slots import LIMIT, SlotsCase


class ClusterSlotsTest(SlotsCase):
    def test_it_is_used_up_by_all_and_by_one(self):
        self.start_all()
        crowds = self.ask(self.hosts)
        self.assert_used_up("alike")
        self.assert_parts_sum_up()
        for crowd in crowds:
            crowd.finish()
        crowds = self.ask(self.hosts[:1])
        self.assert_used_up("one host")
        self.assert_parts_sum_up()
        crowds += self.ask(self.hosts[1:])
        self.assert_used_up("from one host to all")
        self.assertLessEqual(self.backend_servers[0].report()["open"], LIMIT)

    def test_a_host_dies_and_comes_back(self):
        self.start_all()
        self.ask(self.hosts)
        self.assert_used_up("before")
        with self.open.lock:
            self.kill_host(self.hosts[1])
        self.seen.run_for(3)
        self.start_again(self.hosts[1])
        self.wait_until_heard()
        self.assert_used_up("after its return")
        self.assert_parts_sum_up()


if __name__ == "__main__":
    harness.main()
