"""Keys of a cluster that are changed by order, from a Serf agent and by lbctl."""

import base64
import signal

import harness
from harness import wait_for
from harness.member import MemberCase
from harness.serf import SerfAgent


def key_of(first, count):
    return base64.b64encode(bytes(range(first, first + count))).decode()


OLD, NEW, OTHER = key_of(0, 16), key_of(50, 32), key_of(100, 24)


class SerfKeyTest(MemberCase):
    def scene(self, count):
        """So many of ours and an agent, which see each other."""
        members = self.together(count, key=OLD)
        agent = SerfAgent(self, "s1", "127.0.4.1", OLD)
        agent.join(members[0].address)
        for member in members:
            member.wait_for_alive(count + 1)
            agent.wait_for_status(member.name, "alive")
        return members, agent

    def marks(self, member):
        """{member: its keys' fingerprints, that which seals with a *} as lbctl lists them."""
        listed = member.json("member", "key", "list")["items"]
        return {one["member"].split("/")[1]:
                [key["fingerprint"] + ("*" if key.get("primary") else "") for key in one["keys"]]
                for one in listed}

    def order(self, member, *words):
        done = member.lbctl("member", "key", *words)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def assert_probed(self, members):
        """All of them are probed with the keys that they have now, and nobody failed."""
        probes = [member.count("lb_cluster_probes_total") for member in members]
        wait_for(lambda: all(member.count("lb_cluster_probes_total") > before + 2
                             for member, before in zip(members, probes)), 30, "all are probed")
        self.assert_nobody_failed(members)
        for member in members:
            self.assertEqual(member.count("lb_cluster_bad_packets_total"), 0, member.name)

    def test_an_agent_changes_our_keys(self):
        members, agent = self.scene(2)
        agent.change_key("install", NEW)
        self.assertEqual({member.count("lb_cluster_keys") for member in members}, {2})
        agent.change_key("use", NEW)
        agent.change_key("remove", OLD)
        self.assertEqual({member.count("lb_cluster_keys") for member in members}, {1})
        self.assertEqual(agent.keys(), {NEW: 3})
        self.assert_probed(members)
        self.assertIn("bring cluster.key or key_file up to date",
                      members[0].lbctl("status").stdout)

    def test_what_ours_refuse_is_told_to_the_agent(self):
        members, agent = self.scene(1)
        self.assertIn("the key has 8 bytes", agent.refused_key("install", key_of(0, 8)))
        self.assertIn("is none of the ring", agent.refused_key("use", NEW))
        self.assertIn("the one that seals", agent.refused_key("remove", OLD))
        self.assertEqual(members[0].count("lb_cluster_keys"), 1)

    def test_a_rotation_by_lbctl_over_ours_and_an_agent(self):
        members, agent = self.scene(3)
        all_names = {member.name for member in members} | {"s1"}
        self.order(members[1], "add", NEW)
        marks = self.marks(members[2])
        self.assertEqual(set(marks), all_names)
        old, new = marks["lb-1"][0].rstrip("*"), marks["lb-1"][1]
        self.assertEqual({name: sorted(keys) for name, keys in marks.items()},
                         {name: sorted([old + "*", new]) for name in all_names})
        self.order(members[0], "use", new)
        self.assertEqual({name: sorted(keys) for name, keys in self.marks(members[1]).items()},
                         {name: sorted([new + "*", old]) for name in all_names})
        self.order(members[0], "remove", old)
        self.assertEqual(self.marks(members[1]), {name: [new + "*"] for name in all_names})
        self.assertEqual(agent.keys(), {NEW: 4})
        self.assert_probed(members)
        for name in all_names:
            agent.wait_for_status(name, "alive")
        for member in members:
            self.assertNotIn(NEW, member.control.log())
            self.assertNotIn(NEW, str(member.json("get", "events")))

        # A restart keeps them; the file that is brought up to date changes nothing.
        self.assertEqual(members[2].control.stop(signal.SIGTERM), 0)
        members[2].run_again()
        members[2].wait_for_alive(4)
        self.assertEqual(self.marks(members[2]), {name: [new + "*"] for name in all_names})
        members[2].configure(key=NEW)
        wait_for(lambda: members[2].count("lb_cluster_keys_ordered") == 0, 20, "the edit is taken")
        self.assert_probed(members)

    def test_an_edit_wins_over_an_order(self):
        first, second = self.together(2, key=OLD)
        self.order(first, "add", NEW)
        for member in (first, second):
            member.configure(key=OTHER)
            wait_for(lambda one=member: one.count("lb_cluster_keys_ordered") == 0, 20,
                     "the edit is taken")
            self.assertIn("cluster.keys_dropped", str(member.json("get", "events")))
        self.assertEqual(first.count("lb_cluster_keys"), 1)
        for member in (first, second):
            member.wait_for_alive(2)

    def test_whoever_does_not_answer_is_named(self):
        members, agent = self.scene(2)
        agent.pause()
        try:
            done = members[0].lbctl("member", "key", "add", NEW)
        finally:
            agent.resume()
        self.assertEqual(done.returncode, 7, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"s1 +NO ANSWER")
        self.assertRegex(done.stdout, r"lb-2 +OK")

    def test_a_plain_cluster_has_keys_by_file(self):
        first, _ = self.together(2, key=OLD, delegate="plain")
        self.assertEqual(list(self.marks(first)), [first.name])
        done = first.lbctl("member", "key", "add", NEW)
        self.assertEqual(done.returncode, 6)
        self.assertIn("key_file", done.stderr)

    def test_who_leaves_by_order_stays_away_until_it_joins(self):
        members, agent = self.scene(2)
        self.assertEqual(members[1].lbctl("member", "leave").returncode, 2)
        self.assertEqual(members[1].lbctl("member", "leave", "--yes").returncode, 0)
        agent.wait_for_status("lb-2", "left")
        members[0].wait_for_state("lb-2", "LEFT")
        wait_for(lambda: members[1].count("lb_cluster_working") == 0, 20, "it is no member")
        self.assertIn("left by order", members[1].lbctl("status").stdout)
        self.assertEqual(members[1].lbctl("member", "leave", "--yes").returncode, 6)
        self.assertEqual(members[1].lbctl("member", "join", members[0].address).returncode, 0)
        members[1].wait_for_alive(3)
        agent.wait_for_status("lb-2", "alive")
        self.assert_nobody_failed(members)


if __name__ == "__main__":
    harness.main()
