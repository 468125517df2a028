"""Control planes that are members of a cluster, each with an address of its own."""

import base64
import signal
import time

from harness import namespace
from harness.balancer import Balancer
from harness.case import Case
from harness.waiting import SLOW, wait_for

KEY = base64.b64encode(bytes(range(32))).decode()
_PORT = 7946
_FIND_S = 5  # Five members find each other.


def split(case, left, right):
    """What these members say to each other is lost, and every exchange over TCP, until
    namespace.unblock_all() or the end of the test."""
    case.addCleanup(namespace.unblock_all)
    for one in left:
        for other in right:
            namespace.block("from", one.ip, "to", other.ip)
            namespace.block("from", other.ip, "to", one.ip)
    for member in left + right:
        namespace.block("to", member.ip, "ipproto", "tcp", "dport", str(_PORT))


class Member(Balancer):
    """A control plane on `ip`; its name in the cluster is that of its folder and of its node."""

    def __init__(self, case, name, ip):
        super().__init__(case, name, ip + ":9903")
        self.ip = ip
        self.address = "%s:%d" % (ip, _PORT)
        self.cluster = {"name": name, "bind_addr": self.address}
        self.rest = {}  # Of the configuration.
        self._asked_to_end = False

    def configure(self, **cluster):
        """Writes its configuration with these changes of its section; None takes a key away."""
        self.cluster.update(cluster)
        self.cluster = {key: value for key, value in self.cluster.items() if value is not None}
        self.write({**self.rest, "cluster": self.cluster})

    def run(self, **cluster):
        """Configured, started and listening; it has no workers."""
        self.configure(**cluster)
        return self.run_again()

    def start_control(self, env=None, flags=()):
        self._asked_to_end = False
        self._case.addCleanup(self.leave_soon)
        return super().start_control(env, flags)

    def run_again(self):
        """Started and listening, with the configuration that it has."""
        self.start_control()
        wait_for(lambda: self.count("lb_members", state="alive"), 20, self.name + " listens")
        return self

    def leave_soon(self):
        """Asked to end, so that those that end together say good-bye together."""
        if self.control.running() and not self._asked_to_end:
            self._asked_to_end = True
            self.control.expected_to_end = True
            self.control.send(signal.SIGTERM)

    def stop(self):
        """As Balancer's, but it may have been asked already: a second signal would end it hard."""
        if self._asked_to_end:
            self._case.assertEqual(self.control.wait(20 * SLOW), 0, self.name + " after SIGTERM")
        super().stop()

    # What it knows

    def members(self):
        """{name: {"address", "state", …}} as lbctl lists it."""
        return self.items("members")

    def states(self):
        """{name: "ALIVE", "SUSPECT", "FAILED" or "LEFT"}."""
        return {name: member["state"][len("STATE_"):] for name, member in self.members().items()}

    def wait_for_state(self, name, state, timeout=20):
        what = "%s sees %s %s" % (self.name, name, state)
        wait_for(lambda: self.states().get(name) == state, timeout, what, poll=0.05)

    def count(self, metric, **labels):
        return int(self.control_metrics().sum(metric, **labels))

    def wait_for_alive(self, count, timeout=20):
        what = "%s sees %d members" % (self.name, count)
        wait_for(lambda: self.count("lb_members", state="alive") == count, timeout, what)

    def events(self, kind):
        """The members that events of this kind ("failed") are about, oldest first."""
        return [event["resource"].split("/")[-1] for event in self.json("get", "events")["items"]
                if event["kind"] == "member." + kind]


class MemberCase(Case):
    """Clusters of lb-1, lb-2, …"""

    def member(self, number):
        return self.balancer(Member, name="lb-%d" % number, ip="127.0.3.%d" % number)

    def together(self, count, **cluster):
        """So many members, which call the first, and see each other."""
        members = [self.member(number) for number in range(1, count + 1)]
        begin = time.monotonic()
        for member in members:
            peers = [members[0].address] if member is not members[0] else None
            member.run(peers=peers, **cluster)
        for member in members:
            member.wait_for_alive(count)
        self.figure("%d see each other after %.2f s", count, time.monotonic() - begin)
        self.assertLess(time.monotonic() - begin, _FIND_S * SLOW)
        return members

    def assert_nobody_failed(self, members):
        """None of these has taken another one for dead."""
        self.assertEqual({member.name: member.events("failed") for member in members},
                         {member.name: [] for member in members})
