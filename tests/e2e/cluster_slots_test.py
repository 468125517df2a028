"""A connection limit of a backend over all hosts of a cluster is never passed, whatever dies or is cut
off, and is used up when all is calm. The kernel counts, at the backend's port."""

import os
import re
import shutil
import signal
import statistics
import threading
import time

import harness
from harness import Requests, namespace, sock_diag, wait_for
from harness.hosts import HostsCase, Timeline

LIMIT, PORT, COUNT, CLIENTS = 100, 9001, 5, 1000
ENOUGH = 95  # Of the slots in use, when all is calm.
CALM_S = 5
FROZEN_EVERY = 10  # Looks: twice a second.
RULE = {"backend_connection_limit": {"limit": LIMIT, "scope": "cluster"}}
# Those that failed are called again so often, and the news has to get round.
HEAL_S = 30 + 10


class OpenConnections:
    """`most` that were open at once; orphans of a dead process, which the kernel ends, do not count.

    Whoever kills a worker holds `lock`.
    """

    def __init__(self, case, hosts):
        self._diag, self._hosts, self.lock = sock_diag.SockDiag(PORT), list(hosts), threading.Lock()
        self._before, self._looks, self.most = set(), 0, 0
        case.addCleanup(self._diag.close)

    def look(self):
        """How many are open; those that the look before saw, too, were all open in between."""
        self._looks += 1
        if self._looks % FROZEN_EVERY == 0:
            now = self._look_while_they_stand_still()
            self.most = max(self.most, len(now))
        else:
            now = self._owned()
            self.most = max(self.most, len(self._before & now))
        self._before = now
        return len(now)

    def _owned(self):
        return {cookie for cookie, (_, owned) in self._diag.dump().items() if owned}

    def _look_while_they_stand_still(self):
        with self.lock:
            workers = [worker.process for host in self._hosts for worker in host.workers.values()]
            return sock_diag.frozen([one for one in workers if one.running()], self._owned)


class ClusterSlotsTest(HostsCase):
    def start_all(self, **cluster):
        self.start_hosts(COUNT, ["127.0.0.1:%d" % PORT], RULE, cluster)
        self.open = OpenConnections(self, self.hosts)
        self.seen = Timeline(self, self.open.look)

    def ask(self, hosts, clients=CLIENTS):
        """Clients that stay for a random time, go, and come again."""
        return [Requests(self, host.ip + ":8080", clients=clients // len(hosts), hold_ms_max=2000,
                         pause_after_error_ms=1000, spread_percent=100, seed=number)
                for number, host in enumerate(hosts)]

    def median(self, seconds):
        now = time.monotonic()
        values = [value for _, value in self.seen.between(now - seconds, now)]
        return statistics.median(values) if values else 0

    def assert_used_up(self, what):
        begin = time.monotonic()
        wait_for(lambda: self.median(1) > ENOUGH, 60, "the slots are used up " + what)
        took = time.monotonic() - begin
        self.seen.run_for(CALM_S)
        self.figure("%s: %g in use, after %.1f s; never more than %d", what, self.median(CALM_S), took,
                    self.open.most)
        self.assertGreater(self.median(CALM_S), ENOUGH)
        self.assert_not_passed()

    def assert_not_passed(self):
        self.assertLessEqual(self.open.most, LIMIT)

    def parts(self):
        """What `lbctl get limits` says each host may use of it."""
        found = []
        for host in self.hosts:
            text = host.lbctl("get", "limits").stdout
            part = re.search(r"\b%d \(cluster, (-?\d+) here\)" % LIMIT, text)
            self.assertIsNotNone(part, text)
            found.append(int(part[1]))
        return found

    def assert_parts_sum_up(self):
        """Between two moves of slots."""
        parts = []

        def whole():
            parts.append(self.parts())
            return sum(parts[-1]) == LIMIT

        wait_for(whole, 20, "the parts of all hosts are the limit")
        self.figure("parts %s", parts[-1])

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
        self.figure("cut off: %g in use, never more than %d", self.median(1), self.open.most)
        self.assertLessEqual(self.open.most, LIMIT + LIMIT * 2 // COUNT)
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
