"""A connection limit of a backend over all hosts of a cluster is not passed while hosts are cut off, or
gone, or begin anew. The kernel counts, at the backend's port."""

import os
import shutil
import signal
import time

import harness
from harness import namespace, wait_for
from harness.slots import HEAL_S, LIMIT, SlotsCase


class ClusterSlotsFaultsTest(SlotsCase):
    def test_a_split_cluster_does_not_pass_it(self):
        self.start_all()
        crowds = self.ask(self.hosts)
        self.assert_used_up("before")
        self.split(self.hosts[:3], self.hosts[3:])
        self.seen.run_for(5)
        # All load moves to the smaller side, then to the larger one.
        for crowd in crowds[:3]:
            crowd.finish()
        self.seen.run_for(5)
        crowds = crowds[3:] + self.ask(self.hosts[:3])
        begin, end = self.seen.run_for(10)
        self.figure("split: %d to %d in use, never more than %d",
                    min(value for _, value in self.seen.between(begin, end)),
                    max(value for _, value in self.seen.between(begin, end)), self.open.most)
        self.assert_not_passed()
        namespace.unblock_all()
        self.wait_until_heard(HEAL_S)
        self.assert_used_up("healed")
        self.assert_parts_sum_up()

    def test_the_slots_of_a_host_that_is_gone_are_taken(self):
        self.start_all(forget_after="2s")
        self.ask(self.hosts)
        gone = self.hosts.pop(1)
        with self.open.lock:
            self.kill_host(gone)
        self.assert_used_up("without it")
        self.hosts.append(gone)
        self.start_again(gone)
        self.wait_until_heard()
        self.assert_used_up("after its return")
        self.assert_parts_sum_up()

    def test_control_planes_are_killed_and_lose_their_state(self):
        """One after the other, every other one; their workers serve on meanwhile."""
        self.start_all()
        self.ask(self.hosts)
        self.assert_used_up("before")
        for number, host in enumerate(self.hosts):
            host.control.kill()
            if number % 2 == 1:
                shutil.rmtree(host.state)
                os.makedirs(host.state)
            host.run_again()
            host.wait_until_synced()
        self.wait_until_heard()
        self.assert_used_up("after it")
        self.assert_parts_sum_up()

    def test_hosts_that_are_cut_off_for_long(self):
        """What they hold comes on top once the others have taken their slots, and no longer than that."""
        self.start_all(forget_after="2s")
        self.ask(self.hosts)
        self.assert_used_up("before")
        self.split(self.hosts[:3], self.hosts[3:])
        wait_for(lambda: self.median(1) > LIMIT + 10, 60, "the larger side takes the slots")
        self.seen.run_for(3)
        on_top = sum(self.parts()[3:])
        self.figure("cut off: %g in use, never more than %d, %d of them on top", self.median(1),
                    self.open.most, on_top)
        self.assertLessEqual(self.open.most, LIMIT + on_top)
        self.assertLess(on_top, LIMIT // 2)
        namespace.unblock_all()
        self.wait_until_heard(HEAL_S)
        wait_for(lambda: self.median(1) <= LIMIT, 20, "what is on top ends")
        self.open.most = 0
        self.assert_used_up("healed")
        self.assert_parts_sum_up()

    def test_control_planes_restart_one_after_the_other(self):
        self.start_all()
        self.ask(self.hosts)
        self.assert_used_up("before")
        begin = time.monotonic()
        for host in self.hosts:
            self.assertEqual(host.control.stop(signal.SIGTERM, 20 * harness.SLOW), 0)
            host.run_again()
            host.wait_until_synced()
        self.wait_until_heard()
        values = [value for _, value in self.seen.between(begin, time.monotonic())]
        self.figure("meanwhile %d to %d in use", min(values), max(values))
        self.assert_used_up("after it")
        self.assert_parts_sum_up()


if __name__ == "__main__":
    harness.main()
