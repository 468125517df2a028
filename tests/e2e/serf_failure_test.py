"""Clusters that Serf's agents share with us, where members die, are held up, or are reached by
others alone."""

import signal
import time

import harness
from harness import namespace, wait_for
from harness.member import Member
from harness.serf import SerfAgent

US = "lb-a"
# Four seconds of suspicion; before that a probe a second, of one after the other.
FIRST_S, LAST_S = 4, 12
PROBES = 9


class SerfFailureTest(harness.Case):
    def scene(self, agents=3, name=US, net=1):
        """We, and so many agents s1, s2, …, that all see each other."""
        ip = "127.0.%d." % net
        found = [SerfAgent(self, "s%d" % i, ip + str(i)) for i in range(1, agents + 1)]
        lb = self.balancer(Member, name=name, ip=ip + "9").run(peers=[found[0].address])
        for agent in found[1:]:
            agent.join(found[0].address)
        lb.wait_for_alive(agents + 1)
        for agent in found:
            wait_for(lambda one=agent: len(one.members()) == agents + 1, 20, agent.name + " sees all")
        return lb, found

    def assert_in_time(self, what, took):
        self.figure("%s after %.1f s", what, took)
        self.assertGreater(took, FIRST_S)
        self.assertLess(took, LAST_S * harness.SLOW)

    def test_the_death_of_either_side_is_noticed(self):
        lb, (agent,) = self.scene(agents=1)
        dying, (watcher,) = self.scene(agents=1, name="lb-b", net=2)
        agent.kill()
        dying.control.kill()
        begin, ends, scores = time.monotonic(), {}, set()

        def both():
            scores.add(watcher.health_score())
            if lb.count("lb_members", state="failed"):
                ends.setdefault("the agent is failed", time.monotonic() - begin)
            if watcher.status_of("lb-b") == "failed":
                ends.setdefault("we are failed", time.monotonic() - begin)
            return len(ends) == 2

        wait_for(both, LAST_S + 3, "both are noticed", poll=0.05)
        for what, took in ends.items():
            self.assert_in_time(what, took)
        # Nobody was there to tell the agent that it is not to blame.
        self.assertGreater(max(scores), 0)
        self.assertEqual(lb.states(), {US: "ALIVE", "s1": "FAILED"})
        self.assertEqual(lb.events("failed"), ["s1"])
        self.assertIn("members/s1: failed", lb.lbctl("status").stdout)

    def test_our_nacks_keep_an_agent_healthy(self):
        """An agent that gets no answer of the dead one, but our nack, knows that it is not to blame."""
        lb, (dying, agent) = self.scene(agents=2)
        dying.kill()
        begin, scores = time.monotonic(), set()

        def failed():
            scores.add(agent.health_score())
            return agent.status_of(dying.name) == "failed"

        wait_for(failed, LAST_S + 3, "it is failed", poll=0.05)
        self.assert_in_time("failed for the agent", time.monotonic() - begin)
        self.assertEqual(scores, {0})
        lb.wait_for_state(dying.name, "FAILED")
        # An agent's own nacks come as late as can be, but they come.
        wait_for(lambda: lb.count("lb_cluster_awareness") == 0, 20, "we are healthy as well")

    def test_who_is_held_up_is_suspected_and_refutes(self):
        """An agent for some seconds, and then we."""
        lb, agents = self.scene()
        before = {name: int(one["incarnation"]) for name, one in lb.members().items()}
        agents[0].pause()
        self.wait_and_resume(lambda: lb.count("lb_members", state="suspect"), agents[0].resume)
        lb.wait_for_alive(4)
        lb.control.send(signal.SIGSTOP)
        suspect = "Suspect %s has failed" % US
        self.wait_and_resume(lambda: any(suspect in one.log() for one in agents),
                             lambda: lb.control.send(signal.SIGCONT))
        wait_for(lambda: lb.count("lb_cluster_refutations_total"), 20, "we refute")
        resumed = time.monotonic()
        # Longer than a suspicion that was not taken back would last.
        wait_for(lambda: time.monotonic() > resumed + FIRST_S + 1, 20, "time passes", poll=0.1)
        self.assertEqual(lb.events("failed"), [])
        self.assertEqual(set(lb.states().values()), {"ALIVE"})
        for name in (US, "s1"):
            self.assertGreater(int(lb.members()[name]["incarnation"]), before[name])
        for agent in agents:
            self.assertNotIn("EventMemberFailed", agent.log())
            self.assertEqual({one["status"] for one in agent.members().values()}, {"alive"})

    def wait_and_resume(self, suspected, resume):
        begin = time.monotonic()
        try:
            wait_for(suspected, 20, "it is suspected")
            self.figure("suspected after %.1f s", time.monotonic() - begin)
        finally:
            resume()

    def test_others_ask_where_the_way_is_blocked(self):
        """We cannot send to one of them, which has no TCP with us: neither gives up the other."""
        lb, agents = self.scene()
        self.addCleanup(namespace.unblock_all)
        namespace.block("from", lb.ip, "to", agents[0].ip)
        for one in (lb, agents[0]):
            namespace.block("to", one.ip, "ipproto", "tcp", "dport", "7946")
        self.wait_for_probes(lb, PROBES)
        self.assertGreaterEqual(lb.count("lb_gossip_send_errors_total"), PROBES // 3)
        self.assert_nobody_suspected(lb, agents)

    def test_tcp_is_tried_where_nobody_can_be_asked(self):
        """We cannot send to it by UDP: probes of both sides go by TCP."""
        lb, agents = self.scene(agents=1)
        self.addCleanup(namespace.unblock_all)
        namespace.block("from", lb.ip, "to", agents[0].ip, "ipproto", "udp")
        self.wait_for_probes(lb, PROBES // 2)
        self.assert_nobody_suspected(lb, agents)
        self.assertIn("Was able to connect to %s but other probes failed" % US, agents[0].log())

    def wait_for_probes(self, lb, count):
        before = lb.count("lb_cluster_probes_total")
        wait_for(lambda: lb.count("lb_cluster_probes_total") >= before + count, 30,
                 "%d probes" % count)

    def assert_nobody_suspected(self, lb, agents):
        self.assertEqual(lb.count("lb_cluster_probe_failures_total"), 0)
        self.assertEqual(lb.count("lb_cluster_refutations_total"), 0)
        self.assertEqual(set(lb.states().values()), {"ALIVE"})
        for agent in agents:
            self.assertNotIn("Suspect " + US, agent.log())


if __name__ == "__main__":
    harness.main()
