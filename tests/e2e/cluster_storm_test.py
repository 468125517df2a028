"""A connection limit of a backend over all hosts of a cluster, in a storm: processes die, stand still and
come back, and hosts do not hear each other, at random, for a minute. LB_STORM_SEED is its seed."""

import os
import random
import signal
import time

import harness
from harness import namespace
from harness.slots import SlotsCase

STORM_S = 60
HEAL_S = 90  # Of all that a storm leaves behind.


class ClusterStormTest(SlotsCase):
    def revive(self):
        for host in self.hosts:
            if not host.control.running():
                host.run_again()
            if not host.workers["worker-1"].process.running():
                host.start_worker(threads=1)

    def go_on(self):
        """Nobody stands still any more."""
        for host in self.hosts:
            host.control.send(signal.SIGCONT)
        self.stopped.clear()

    def stop(self, host):
        host.control.send(signal.SIGSTOP)
        self.stopped.add(host.name)

    def kill_worker(self, host):
        with self.open.lock:
            host.workers["worker-1"].process.kill()

    def kill_all(self, host):
        with self.open.lock:
            self.kill_host(host)

    def split_at_random(self, _):
        namespace.unblock_all()
        hosts, count = list(self.hosts), self.random.randrange(1, len(self.hosts))
        self.random.shuffle(hosts)
        self.split(hosts[:count], hosts[count:])

    def deafen(self, host):
        """One other host is not heard by this one, but hears it."""
        namespace.unblock_all()
        other = self.random.choice([one for one in self.hosts if one is not host])
        namespace.block("from", other.ip, "to", host.ip)

    def move_load(self, host):
        at = self.random.randrange(len(self.crowds))
        self.crowds.pop(at).finish()
        self.crowds += self.ask([host], self.random.choice([50, 400]))

    def test_it_is_never_passed(self):
        seed = int(os.environ.get("LB_STORM_SEED", "1"))
        self.random, self.stopped, faults = random.Random(seed), set(), 0
        self.start_all()
        self.crowds = self.ask(self.hosts)
        self.assert_used_up("before")
        kinds = [self.stop, lambda host: self.go_on(), lambda host: host.control.kill(),
                 lambda host: host.control.stop(signal.SIGTERM), self.kill_worker, self.kill_all,
                 self.split_at_random, self.deafen, lambda host: namespace.unblock_all(), self.move_load]
        begin = time.monotonic()
        while time.monotonic() - begin < STORM_S:
            self.revive()
            self.seen.run_for(self.random.choice([0.2, 1, 3]))
            fault, host = self.random.choice(kinds), self.random.choice(self.hosts)
            if host.name in self.stopped:
                self.go_on()
            fault(host)
            faults += 1
            self.assert_not_passed()
        self.figure("%d faults of seed %d, never more than %d", faults, seed, self.open.most)
        self.go_on()
        namespace.unblock_all()
        self.revive()
        self.wait_until_heard(HEAL_S)
        self.ask(self.hosts)
        self.assert_used_up("after it")
        self.assert_parts_sum_up()


if __name__ == "__main__":
    harness.main()
