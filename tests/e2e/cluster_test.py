"""Clusters of control planes: how they find each other. cluster_edit_test.py has what an edit of
the file changes."""

import base64
import signal
import time

import harness
from harness import Requests, wait_for
from harness.dns_server import DnsServer
from harness.member import KEY, MemberCase


class ClusterTest(MemberCase):
    def test_five_find_each_other(self):
        members = self.together(5, key=KEY)
        wanted = {one.name: one.address for one in members}
        for member in members:
            listed = member.members()
            self.assertEqual({name: one["address"] for name, one in listed.items()}, wanted)
            self.assertEqual([name for name, one in listed.items() if one["self"]], [member.name])
            self.assertEqual(sorted(member.events("joined")), sorted(set(wanted) - {member.name}))
            self.assertIn("5 alive", member.lbctl("status").stdout)
        self.assert_nobody_failed(members)

    def test_labels_keep_clusters_apart(self):
        members = self.together(2, key=KEY, label="east")
        other = self.member(3).run(peers=[members[0].address], key=KEY, label="west")
        wait_for(lambda: members[0].count("lb_cluster_bad_packets_total", reason="bad_label"), 20,
                 "what has another label is dropped")
        # Its calls come from 127.0.0.1, whatever it is bound to.
        text = "127.0.0.1 has another label, or none ("
        wait_for(lambda: text in members[0].lbctl("status").stdout, 20, "it is named")
        self.assertEqual(set(other.states()), {other.name})
        self.assertEqual(set(members[0].states()), {one.name for one in members})
        other.configure(label="east")
        for member in [*members, other]:
            member.wait_for_alive(3)

    def test_who_has_another_key_is_named(self):
        """By status, check, one event and the log, on both sides; a mended key ends it."""
        first, second = self.member(1).run(key=KEY), self.member(2)
        second.run(peers=[first.address], key=base64.b64encode(bytes(32)).decode())
        # Calls come from 127.0.0.1, whatever the caller is bound to.
        for member, address in ((first, "127.0.0.1"), (second, first.ip)):
            text = address + " seals with another key ("
            wait_for(lambda: text in member.lbctl("status").stdout, 20, "the address is named")
            found = member.lbctl("check", "--only", "configuration").stdout
            self.assertIn("LBC410", found)
            self.assertIn(text, found)
            wait_for(lambda: self._strangers(member), 20, "there is an event")
            self.assertEqual(len(self._strangers(member)), 1)
            self.assertIn(text, self._strangers(member)[0])
        second.configure(key=KEY)
        for member in (first, second):
            member.wait_for_alive(2)
        wait_for(lambda: "another key" not in second.lbctl("status").stdout, 5, "it is mended")

    @staticmethod
    def _strangers(member):
        return [event["message"] for event in member.json("get", "events")["items"]
                if event["kind"] == "cluster.stranger"]

    def test_a_name_that_leads_nowhere_yet(self):
        """A peer whose DNS name comes to be later is joined then, as is one that is added to it."""
        dns = DnsServer(self)
        dns.records = {}
        late, alone = self.member(1).run(), self.member(2)
        alone.rest = {"dns": {"servers": [dns.address], "min_ttl": "1s", "max_ttl": "1s"}}
        alone.run(peers=["peers.test:7946"])
        wait_for(lambda: dns.queries, 20, "the name is looked up")
        self.assertEqual(alone.json("status")["cluster"]["peersMissing"], ["peers.test:7946"])
        # A headless Service: this host among them.
        dns.records = {"peers.test": [alone.ip, late.ip]}
        for member in (late, alone):
            member.wait_for_alive(2)
        self.assertEqual(alone.json("status")["cluster"]["peersMissing"], [])
        third = self.member(3).run()
        dns.records = {"peers.test": [alone.ip, late.ip, third.ip]}
        for member in (late, alone, third):
            member.wait_for_alive(3)

    def test_one_that_is_alone_serves_and_joins_later(self):
        self.servers("127.0.0.1:9001")
        alone, peer = self.member(1), self.member(2)
        rule = {"name": "web", "listen": "127.0.0.1:8080", "backends": ["127.0.0.1:9001"]}
        alone.start({"rules": [rule], "cluster": {**alone.cluster, "peers": [peer.address]}})
        wait_for(lambda: alone.count("lb_cluster_exchange_failures_total") > 1, 20, "it calls again")
        result = Requests(self, "127.0.0.1:8080", connections=50).result()
        self.assertEqual((result["ok"], result["errors"]), (50, {}))
        self.assertIn("no members: " + peer.address, alone.lbctl("status").stdout)
        peer.run()
        begin = time.monotonic()
        for member in (alone, peer):
            member.wait_for_alive(2)
        self.figure("joined %.1f s after its peer came", time.monotonic() - begin)

    def test_plain_members(self):
        """Members that say nothing of Serf's."""
        first, second = self.together(2, key=KEY, delegate="plain")
        self.assertEqual(second.control.stop(signal.SIGTERM), 0)
        first.wait_for_state(second.name, "LEFT")
        self.assert_nobody_failed([first])

if __name__ == "__main__":
    harness.main()
