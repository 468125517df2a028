"""Clusters that Serf's agents share with us: joins, leaves, keys, names. serf_failure_test.py has
what happens when somebody fails."""

import base64
import signal
import time

import harness
from harness import wait_for
from harness.member import Member
from harness.serf import SerfAgent

US = "lb-a"
KEY_16 = base64.b64encode(bytes(range(16))).decode()
KEY_24 = base64.b64encode(bytes(range(24))).decode()
KEY_32 = base64.b64encode(bytes(range(32))).decode()
LEAVE_S = 4  # Serf's own agents take about as long.


class SerfTest(harness.Case):
    def member(self, name=US, ip="127.0.1.9", **cluster):
        return self.balancer(Member, name=name, ip=ip).run(**cluster)

    def assert_see_each_other(self, lb, agents):
        """All of them list all of them, alive and where they are."""
        wanted = {one.name: one.address for one in [lb, *agents]}
        for agent in agents:
            wait_for(lambda one=agent: set(one.members()) == set(wanted), 20,
                     "%s lists %s" % (agent.name, sorted(wanted)))
            members = agent.members()
            self.assertEqual({name: one["addr"] for name, one in members.items()}, wanted)
            self.assertEqual({one["status"] for one in members.values()}, {"alive"})
            tags = members[lb.name]["tags"]
            self.assertEqual(tags["role"], "lb-controlplane")
            self.assertEqual(tags["lb"], lb.json("status")["controlPlane"]["version"])
        lb.wait_for_alive(len(wanted))
        listed = lb.members()
        self.assertEqual({name: one["address"] for name, one in listed.items()}, wanted)
        self.assertEqual(set(lb.states().values()), {"ALIVE"})

    def check_joins(self, key):
        """One agent is joined, the other joins; each once as the one that compresses."""
        scenes = []
        for net, compressed in enumerate(("joined", "joining")):
            ip = "127.0.%d." % (net + 1)
            joined, joining = [
                SerfAgent(self, "%s-%d" % (role, net), ip + str(last), key, role == compressed)
                for last, role in enumerate(("joined", "joining"), 1)]
            lb = self.member("lb-%d" % net, ip + "9", key=key, peers=[joined.address])
            joining.join(lb.address)
            scenes.append((lb, [joined, joining]))
        for lb, agents in scenes:
            self.assert_see_each_other(lb, agents)
            self.assertEqual(lb.count("lb_cluster_bad_packets_total"), 0)
            self.assertEqual(lb.count("lb_cluster_bad_messages_total"), 0)
            self.assertEqual(lb.events("failed") + lb.events("conflict"), [])

    def test_joins_in_the_clear(self):
        self.check_joins(None)

    def test_joins_with_a_key_of_16_bytes(self):
        self.check_joins(KEY_16)

    def test_joins_with_a_key_of_24_bytes(self):
        self.check_joins(KEY_24)

    def test_joins_with_a_key_of_32_bytes(self):
        self.check_joins(KEY_32)

    def test_lbctl_calls_an_agent(self):
        agent = SerfAgent(self, "s1", "127.0.1.1", KEY_16)
        lb = self.member(key=KEY_16)
        self.assertEqual(lb.lbctl("member", "join", agent.address).returncode, 0)
        self.assert_see_each_other(lb, [agent])

    def scene(self):
        """We and an agent that see each other."""
        agent = SerfAgent(self, "s1", "127.0.1.1", KEY_16)
        lb = self.member(key=KEY_16, peers=[agent.address])
        agent.wait_for_status(US, "alive")
        lb.wait_for_alive(2)
        return agent, lb

    def test_whoever_leaves_has_left(self):
        agent, lb = self.scene()
        other = SerfAgent(self, "s2", "127.0.1.2", KEY_16)
        other.join(lb.address)
        lb.wait_for_alive(3)
        other.leave()
        lb.wait_for_state("s2", "LEFT")
        self.assertEqual(lb.events("left"), ["s2"])
        self.assertEqual(lb.lbctl("member", "forget", "s2").returncode, 0)
        self.assertNotIn("s2", lb.states())

        begin = time.monotonic()
        self.assertEqual(lb.control.stop(signal.SIGTERM), 0)
        took = time.monotonic() - begin
        self.figure("SIGTERM to the end: %.1f s", took)
        self.assertLess(took, LEAVE_S * harness.SLOW)
        agent.wait_for_status(US, "left")
        self.assertNotIn("EventMemberFailed: " + US, agent.log())

    def test_back_at_once_under_the_same_name(self):
        agent, lb = self.scene()
        before = int(lb.members()[US]["incarnation"])
        lb.control.stop(signal.SIGTERM)
        agent.wait_for_status(US, "left")
        lb.run_again()
        agent.wait_for_status(US, "alive")
        lb.wait_for_alive(2)
        self.assertGreater(int(lb.members()[US]["incarnation"]), before)

        lb.control.kill()
        lb.run_again()
        lb.wait_for_alive(2)
        # A probe of the agent's that met nobody would have it suspected.
        wait_for(lambda: lb.count("lb_cluster_probes_total") > 3, 20, "it is probed")
        self.assertEqual(agent.status_of(US), "alive")
        self.assertNotIn("EventMemberFailed: " + US, agent.log())
        self.assertEqual(lb.events("failed"), [])

    def check_strangers(self, ours, theirs, reason):
        """With keys that differ, neither calls get through; ours are dropped for `reason`."""
        agent = SerfAgent(self, "s1", "127.0.1.1", theirs)
        lb = self.member(key=ours, peers=[agent.address])
        wait_for(lambda: lb.count("lb_cluster_exchange_failures_total") > 0, 20, "our call failed")
        self.assertFalse(agent.try_to_join(lb.address))
        wait_for(lambda: lb.count("lb_cluster_bad_packets_total", reason=reason) > 0, 20,
                 "what was dropped is counted")
        self.assertEqual(list(agent.members()), ["s1"])
        self.assertEqual(list(lb.states()), [US])
        self.assertEqual(lb.json("status")["cluster"]["peersMissing"], [agent.address])
        self.assertIn("no members: " + agent.address, lb.lbctl("status").stdout)

    def test_another_key(self):
        self.check_strangers(KEY_32, KEY_16, "bad_key")

    def test_an_agent_without_our_key(self):
        self.check_strangers(KEY_16, None, "plaintext")

    def test_an_agent_with_a_key_where_we_have_none(self):
        self.check_strangers(None, KEY_16, "sealed")

    def test_a_plain_member_is_none_of_serf(self):
        """Members need the same delegate; who has another one is refused, and told of."""
        agent = SerfAgent(self, "s1", "127.0.1.1", KEY_16)
        lb = self.member(key=KEY_16, delegate="plain", peers=[agent.address])
        wait_for(lambda: lb.count("lb_cluster_members_refused_total"), 20, "it is refused")
        self.assertFalse(agent.try_to_join(lb.address))
        self.assertEqual(list(agent.members()), ["s1"])
        self.assertEqual(list(lb.states()), [US])

    def test_the_first_of_a_name_stays(self):
        agent, lb = self.scene()
        twin = SerfAgent(self, "s1", "127.0.1.2", KEY_16)
        twin.try_to_join(lb.address)
        wait_for(lambda: lb.events("conflict"), 20, "the conflict is told of")
        self.assertEqual(lb.events("conflict"), ["s1"])
        self.assertEqual(lb.members()["s1"]["address"], agent.address)
        self.assertGreater(lb.count("lb_cluster_name_conflicts_total"), 0)

    def test_our_name_stays_ours(self):
        agent, lb = self.scene()
        twin = SerfAgent(self, US, "127.0.1.2", KEY_16)
        twin.try_to_join(lb.address)
        wait_for(lambda: lb.events("conflict"), 20, "the conflict is told of")
        self.assertEqual(lb.events("conflict"), [US])
        self.assertEqual(lb.members()[US]["address"], lb.address)
        self.assertEqual(agent.members()[US]["addr"], lb.address)


if __name__ == "__main__":
    harness.main()
