"""Datagrams that members of a keyed cluster really sent come again: cut, damaged, late, from elsewhere,
sealed by another cluster. They are counted, and change nothing."""

import base64
import random
import re
import signal

import harness
from harness import Requests, wait_for
from harness.datagrams import Forger, Recorder
from harness.hosts import HostsCase
from harness.member import Member

COUNT = 3
GOSSIP, USAGE = 7946, 7947
STRANGER = ("127.0.9.9", 5353)
OTHER_KEY = base64.b64encode(bytes(range(1, 33))).decode()
LIMITS = {"rule": {"backend_connection_limit": {"limit": 100, "scope": "cluster"}},
          "rate_limit": {"requests_per_second": 30, "burst": 30}}
PART = re.compile(r"\(cluster, (-?\d+) here\)")
SAMPLE, BATCH = 100, 25
TIMES = 5  # Each is damaged so often.
# What is said of usage: two bytes, the sender's life, a count, its name after the length, the rest.
LIFE, NAME_AT = slice(2, 10), 19
LATE_COUNT = 1 << 40


class ClusterForgeryTest(HostsCase):
    def setUp(self):
        self.start_hosts(COUNT, **LIMITS)
        self.random, self.forger = random.Random(1), Forger(self)

    def record(self, seconds=3, during=None):
        """What members say while a client is busy, of those datagrams that arrive."""
        recorder = Recorder(self, (GOSSIP, USAGE))
        crowds = [Requests(self, host.ip + ":8080", clients=4, hold_ms_max=100, pause_ms=50)
                  for host in self.hosts]
        if during is not None:
            during()
        wait_for(lambda: min(len([one for one in recorder.seen() if one.to[1] == port])
                             for port in (GOSSIP, USAGE)) > 10 * seconds, 20, "they are heard")
        for crowd in crowds:
            crowd.finish()
        return recorder.stop()

    def sample(self, seen, port, to):
        """Some of those to a port of this host."""
        fitting = [one for one in seen if one.to == (to.ip, port)]
        self.assertGreater(len(fitting), 5)
        return self.random.sample(fitting, min(SAMPLE, len(fitting)))

    def refused(self, host, port):
        name = "lb_cluster_bad_packets_total" if port == GOSSIP else "lb_usage_refused_total"
        return host.count(name)

    def taken(self, host, port):
        """Datagrams that came, at least."""
        if port == GOSSIP:
            return host.count("lb_cluster_packets_total", direction="in")
        return host.count("lb_usage_received_total") + self.refused(host, port)

    def send(self, host, datagrams, counted):
        """Some at a time, so that none is lost; `counted`: each one must be refused."""
        for at in range(0, len(datagrams), BATCH):
            batch, count = datagrams[at : at + BATCH], self.refused if counted else self.taken
            port = batch[0].to[1]
            before = count(host, port)
            for datagram in batch:
                self.forger.send(datagram)
            wait_for(lambda: count(host, port) >= before + len(batch), 20, "%s counts them" % host.name)

    def state(self):
        """All that a datagram could change."""
        return {host.name: (host.states(), host.events("failed"), host.events("left"),
                            host.events("conflict"), host.count("lb_usage_hosts", state="heard"),
                            host.control_metrics().sum("lb_usage_side_ratio"),
                            int(PART.search(host.lbctl("get", "limits").stdout)[1]))
                for host in self.hosts}

    def settled(self):
        """That, once nobody is suspected or busy any more and the slots are whole."""
        def whole():
            state = self.state()
            return (all(set(of_one[0].values()) == {"ALIVE"} and of_one[4:6] == (COUNT - 1, 1)
                        for of_one in state.values())
                    and sum(of_one[6] for of_one in state.values()) == 100
                    and not any(host.count("lb_usage_clients") for host in self.hosts) and state)

        return wait_for(whole, 60, "all is calm")

    def check(self, host, kinds, counted=True):
        """Sends datagrams by kind; nothing may come of them."""
        before = self.settled()
        for kind, datagrams in kinds.items():
            self.send(host, datagrams, counted)
            self.figure("%d %s", len(datagrams), kind)
        probes = [one.count("lb_cluster_probes_total") for one in self.hosts]
        wait_for(lambda: all(one.count("lb_cluster_probes_total") >= seen + COUNT
                             for one, seen in zip(self.hosts, probes)), 30, "all were probed since")
        self.assertEqual(self.settled(), before)

    def cut(self, datagram):
        return datagram._replace(data=datagram.data[: self.random.randrange(1, len(datagram.data))])

    def flip(self, datagram):
        data = bytearray(datagram.data)
        data[self.random.randrange(len(data))] ^= 1 << self.random.randrange(8)
        return datagram._replace(data=bytes(data))

    def test_cut_and_damaged_ones(self):
        seen, victim = self.record(), self.hosts[1]
        kinds = {}
        for port, name in ((GOSSIP, "of gossip"), (USAGE, "about usage")):
            sample = self.sample(seen, port, victim) * TIMES
            kinds["cut " + name] = [self.cut(one) for one in sample]
            kinds["with a flipped bit " + name] = [self.flip(one) for one in sample]
        self.check(victim, kinds)

    def come_and_go(self):
        """A host dies, comes back, leaves, and comes back."""
        first, others = self.hosts[0], self.hosts[1:]
        self.kill_host(first)
        for other in others:
            other.wait_for_state(first.name, "FAILED", 40)
        self.start_again(first)
        self.wait_until_heard()
        self.assertEqual(first.control.stop(signal.SIGTERM, 20 * harness.SLOW), 0)
        for other in others:
            other.wait_for_state(first.name, "LEFT")
        first.run_again()
        self.wait_until_heard()

    def test_old_ones(self):
        """All that was said while a host died, returned, left and returned, from its lives before, too."""
        seen = self.record(during=self.come_and_go)
        for victim in self.hosts[:2]:
            gossip, usage = (self.sample(seen, port, victim) for port in (GOSSIP, USAGE))
            from_elsewhere = [one._replace(source=STRANGER) for one in usage]
            # What was sent to one that was away is merely late, for a while.
            self.check(victim, {"old ones about usage": usage, "from elsewhere": from_elsewhere},
                       counted=victim is not self.hosts[0])
            # Gossip may say a thing twice; what is out of date has no effect.
            everything = [one for one in seen if one.to == (victim.ip, GOSSIP)]
            from_elsewhere = [one._replace(source=STRANGER) for one in gossip]
            self.check(victim, {"old ones of gossip": everything, "from elsewhere": from_elsewhere},
                       counted=False)

    def strangers(self):
        """Two members of a cluster with another key."""
        made = [self.balancer(Member, name="lb-%d" % number, ip="127.0.3.%d" % number)
                for number in (8, 9)]
        for member in made:
            rule = {"name": "web", "listen": member.ip + ":8080", "backends": ["127.0.0.1:9001"],
                    **LIMITS["rule"]}
            member.rest = {"rules": [rule], "rate_limit": LIMITS["rate_limit"]}
            member.run(peers=[one.address for one in made], key=OTHER_KEY)
        for member in made:
            member.wait_for_alive(2)
        return made

    def in_the_name_of(self, name, life, count, data):
        rest = data[NAME_AT + data[NAME_AT - 1] :]
        return data[:2] + life + count.to_bytes(8, "big") + bytes([len(name)]) + name.encode() + rest

    def test_those_of_another_key(self):
        seen, victim, first = self.record(), self.hosts[1], self.hosts[0]
        recorder = Recorder(self, (GOSSIP, USAGE))
        strangers = self.strangers()
        wait_for(lambda: min(len([one for one in recorder.seen() if one.to == (strangers[0].ip, port)])
                             for port in (GOSSIP, USAGE)) > 5, 20, "they talk")
        foreign = recorder.stop()
        gossip, usage = (self.sample(foreign, port, strangers[0]) for port in (GOSSIP, USAGE))
        # In the name of a member, with its newest life and counts that are still to come.
        life = [one.data for one in seen
                if one.to[1] == USAGE and one.source[0] == first.ip][-1][LIFE]
        forged = [one._replace(source=(first.ip, USAGE), to=(victim.ip, USAGE),
                               data=self.in_the_name_of(first.name, life, LATE_COUNT + number, one.data))
                  for number, one in enumerate(usage)]
        self.check(victim, {
            "of gossip": [one._replace(source=(first.ip, GOSSIP), to=(victim.ip, GOSSIP))
                          for one in gossip],
            "about usage": [one._replace(to=(victim.ip, USAGE)) for one in usage],
            "about usage, in the name of a member": forged,
        })
        self.assertGreaterEqual(victim.count("lb_usage_refused_total", reason="bad_key"), len(forged))
        self.assertGreaterEqual(victim.count("lb_cluster_bad_packets_total", reason="bad_key"),
                                len(gossip))


if __name__ == "__main__":
    harness.main()
