"""What an edit of the configuration changes in a cluster, while it runs."""

import base64
import os
import signal
import socket

import harness
from harness import wait_for
from harness.member import KEY, MemberCase

NEW_KEY = base64.b64encode(bytes(range(100, 116))).decode()
TAKEN = "other keys of the cluster are in force"


class ClusterEditTest(MemberCase):
    def write_keys(self, member, *keys):
        """Its file of keys, replaced by a rename."""
        path = os.path.join(member.folder, "keys")
        with open(path + ".new", "w", encoding="ascii") as file:
            file.write("".join(key + "\n" for key in keys))
        os.rename(path + ".new", path)
        return path

    def rotate(self, members, *keys):
        """Gives one after the other these keys, while all of them are probed."""
        for member in members:
            taken = member.control.log().count(TAKEN)
            self.write_keys(member, *keys)
            wait_for(lambda: member.control.log().count(TAKEN) > taken, 20, "keys are taken")
        probes = [member.count("lb_cluster_probes_total") for member in members]
        wait_for(lambda: all(member.count("lb_cluster_probes_total") > before + 1
                             for member, before in zip(members, probes)), 20, "all are probed")
        self.assertEqual({member.count("lb_cluster_keys") for member in members}, {len(keys)})

    def test_keys_change_without_a_gap(self):
        members = [self.member(number) for number in range(1, 6)]
        for member in members:
            path = self.write_keys(member, KEY)
            member.run(peers=[members[0].address], key_file=path)
        for member in members:
            member.wait_for_alive(5)
        for keys in ((KEY, NEW_KEY), (NEW_KEY, KEY), (NEW_KEY,)):
            self.rotate(members, *keys)
        late = self.member(6).run(peers=[members[3].address], key=NEW_KEY)
        for member in [*members, late]:
            member.wait_for_alive(6)
            self.assertEqual(member.count("lb_cluster_bad_packets_total"), 0, member.name)
        self.assert_nobody_failed([*members, late])

    def test_the_section_is_removed_and_added(self):
        first, second = self.together(2, key=KEY)
        first.write({})
        second.wait_for_state(first.name, "LEFT")
        wait_for(lambda: "cluster" not in first.json("status"), 20, "it is in no cluster")
        self.assertEqual(first.lbctl("member", "join", second.address).returncode, 6)
        first.configure(peers=[second.address])
        for member in (first, second):
            member.wait_for_alive(2)
        # Taken back before it is gone.
        first.write({})
        second.wait_for_state(first.name, "LEFT")
        first.configure()
        second.wait_for_alive(2)
        first.wait_for_alive(2)
        self.assert_nobody_failed([second])

    def test_a_peer_is_added(self):
        """One that neither member knew is called at once."""
        members = self.together(2, key=KEY)
        added = self.member(3).run(key=KEY)
        members[0].configure(peers=[added.address])
        for member in [*members, added]:
            member.wait_for_alive(3)

    def test_a_member_moves(self):
        """By an edit, and while it is away: its name is free, as it left."""
        first, second = self.together(2, key=KEY)
        for edit, address in ((True, "127.0.3.7:7946"), (False, "127.0.3.8:7946")):
            if not edit:
                second.control.stop(signal.SIGTERM)
            second.configure(bind_addr=address)
            if not edit:
                second.run_again()
            wait_for(lambda: first.members()[second.name]["address"] == address, 20, "it moves")
            for member in (first, second):
                member.wait_for_alive(2)
        self.assertEqual(first.events("left"), [second.name] * 2)
        self.assertEqual(first.events("conflict") + first.events("failed"), [])

    def test_a_member_gets_another_name(self):
        first, second = self.together(2, key=KEY)
        second.configure(name="renamed")
        wanted = {first.name: "ALIVE", second.name: "LEFT", "renamed": "ALIVE"}
        # Its own status is asked for while it is the old one still.
        wait_for(lambda: second.lbctl("status").returncode == 0 and first.states() == wanted, 20,
                 "it has the new name")
        self.assertEqual(second.json("status")["cluster"]["name"], "renamed")

    def check_address_in_use(self, kind):
        peer, lb = self.member(1).run(), self.member(2)
        with socket.socket(socket.AF_INET, kind) as holder:
            holder.bind((lb.ip, 7946))
            if kind == socket.SOCK_STREAM:
                holder.listen()
            lb.configure(peers=[peer.address])
            lb.start_control()
            wait_for(lambda: lb.json("status")["cluster"]["problem"], 20, "it says the problem")
            self.assertEqual(lb.count("lb_cluster_working"), 0)
            text = lb.lbctl("status").stdout
            self.assertIn("this host is no member: cluster.bind_addr %s: " % lb.address, text)
            self.assertIn("in use", text)
            self.assertIn("error this host is no member of the cluster", lb.control.log())
        lb.wait_for_alive(2)
        self.assertEqual(lb.count("lb_cluster_working"), 1)
        self.assertNotIn("no member", lb.lbctl("status").stdout)

    def test_an_address_in_use_by_tcp(self):
        self.check_address_in_use(socket.SOCK_STREAM)

    def test_an_address_in_use_by_udp(self):
        self.check_address_in_use(socket.SOCK_DGRAM)

    def test_a_cluster_that_is_open_to_all_is_warned_of(self):
        lb = self.member(1)
        for bind, key, warned in (("0.0.0.0:7946", None, True), ("10.0.0.1:7946", None, True),
                                  ("0.0.0.0:7946", KEY, False), ("127.0.3.1:7946", None, False)):
            lb.configure(bind_addr=bind, key=key)
            done = lb.lbctl("config", "validate", lb.config_path)
            self.assertEqual(done.returncode, 0)
            self.assertEqual("without a key, whoever reaches" in done.stdout, warned, done.stdout)
        lb.run(bind_addr="0.0.0.0:7946", key=None)
        self.assertEqual(lb.count("lb_cluster_open"), 1)
        self.assertIn("no key: whoever reaches", lb.lbctl("status").stdout)
        self.assertIn("warn the cluster has no key", lb.control.log())


if __name__ == "__main__":
    harness.main()
