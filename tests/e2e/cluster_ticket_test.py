"""Session tickets of one host are good at all hosts of a cluster that has a key."""

import os
import ssl
import subprocess

import harness
from harness import wait_for
from harness.certificates import Authority
from harness.member import KEY, Member
from harness.process import run
from harness.tls import PlainServer, client_context, tls_connect

BACKEND, NAME = "127.0.0.1:9001", "front.test"
COUNT = 3


class ClusterTicketTest(harness.Case):
    def setUp(self):
        self.ca = Authority(self.folder)
        self.pair = self.ca.issue("front", "DNS:" + NAME)
        PlainServer(self, "a", BACKEND)
        self.contexts = {version: client_context(self.ca.cert, version=version)
                         for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)}

    def rules(self, member):
        return [{"name": "web", "listen": member.ip + ":8443", "backends": [BACKEND],
                 "tls": {"cert": self.pair[0], "key": self.pair[1]}}]

    def start_all(self, **cluster):
        self.all = [self.balancer(Member, name="lb-%d" % number, ip="127.0.3.%d" % number)
                    for number in range(1, COUNT + 1)]
        for member in self.all:
            peers = [one.address for one in self.all if one is not member]
            member.cluster.update(peers=peers, **cluster)
            member.start({"rules": self.rules(member), "cluster": member.cluster})
        for member in self.all:
            member.wait_for_alive(COUNT)

    def wait_until_shared(self, hosts):
        for member in hosts:
            wait_for(lambda one=member: one.count("lb_ticket_keys_shared"), 30,
                     member.name + " shares its keys")

    def connect(self, member, version, session=None):
        """(a session for next time, whether this one was resumed)."""
        with tls_connect(member.ip + ":8443", self.contexts[version], NAME, session) as stream:
            stream.recv(1)
            return stream.tls.session, stream.tls.session_reused

    def sessions_of(self, member):
        return {version: self.connect(member, version)[0] for version in self.contexts}

    def resumed(self, sessions, hosts):
        """At which of these hosts both versions resume."""
        return [member.name for member in hosts
                if all(self.connect(member, *session)[1] for session in sessions.items())]

    def assert_resumed_at(self, sessions, hosts):
        self.assertEqual(self.resumed(sessions, hosts), [member.name for member in hosts])

    def keys(self):
        return [member.count("lb_ticket_keys") for member in self.all]

    def test_a_session_resumes_at_every_host_whoever_dies_and_returns(self):
        self.start_all(key=KEY)
        self.wait_until_shared(self.all)
        self.assertEqual(self.keys(), [1] * COUNT)
        first, *others = self.all
        for member in self.all:
            self.assert_resumed_at(self.sessions_of(member), self.all)
        old = self.sessions_of(first)
        first.control.kill()
        others[0].wait_for_state(first.name, "FAILED")
        self.wait_until_shared(others)
        of_orphan = self.sessions_of(first)
        self.assert_resumed_at(of_orphan, self.all)
        self.assert_resumed_at(old, self.all)
        first.run_again()
        first.wait_until_synced()
        self.wait_until_shared(self.all)
        for sessions in (old, of_orphan, self.sessions_of(first), self.sessions_of(others[0])):
            self.assert_resumed_at(sessions, self.all)
        self.assertEqual(self.keys(), [1] * COUNT)
        self.assertEqual(first.count("lb_usage_refused_total"), 0)

    def test_openssl_resumes_elsewhere(self):
        self.start_all(key=KEY)
        self.wait_until_shared(self.all)
        for flag in ("-tls1_2", "-tls1_3"):
            session = self.folder + "/session" + flag
            with subprocess.Popen(self.s_client(self.all[0], flag, "-sess_out", session),
                                  stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL) as first:
                wait_for(lambda: os.path.exists(session) and os.stat(session).st_size > 0, 20,
                         "a ticket came")
                first.communicate(timeout=20)  # The end of its input ends it.
            for member in self.all[1:]:
                with self.subTest(flag=flag, host=member.name):
                    done = run(self.s_client(member, flag, "-sess_in", session), stdin="")
                    self.assertIn("Reused, TLSv1", done.stdout)

    def s_client(self, member, *options):
        return ["openssl", "s_client", "-connect", member.ip + ":8443", "-servername", NAME,
                "-CAfile", self.ca.cert, *options]

    def test_without_a_key_of_the_cluster_each_host_has_its_own(self):
        self.start_all()
        self.assertEqual([member.count("lb_ticket_keys_shared") for member in self.all], [0] * COUNT)
        for member in self.all:
            self.assertEqual(self.resumed(self.sessions_of(member), self.all), [member.name])

    def test_a_cluster_that_is_switched_off_leaves_tickets_good(self):
        self.start_all(key=KEY)
        self.wait_until_shared(self.all)
        sessions = self.sessions_of(self.all[0])
        alone = self.all[1]
        alone.write({"rules": self.rules(alone)})
        wait_for(lambda: not alone.count("lb_ticket_keys_shared"), 20, "it is alone")
        self.assert_resumed_at(sessions, self.all)
        self.assert_resumed_at(self.sessions_of(alone), self.all)


if __name__ == "__main__":
    harness.main()
