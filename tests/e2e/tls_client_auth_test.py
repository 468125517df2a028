"""Certificates of clients: asked for, needed, taken back, renewed; and who a client was is told."""

import json
import os

import harness
from harness import wait_for
from harness.certificates import Authority
from harness.tls import PlainServer, client_context, greeting, tls_connect

REQUIRE, REQUEST, NONE = "127.0.0.1:8443", "127.0.0.1:8444", "127.0.0.1:8445"
BACKEND = "127.0.0.1:9001"
NAME = "front.test"
ALICE = "spiffe://test/alice"


class TlsClientAuthTest(harness.Case):
    def setUp(self):
        self.ca, self.clients = Authority(self.folder), Authority(self.folder, "clients")
        self.front = self.ca.issue("front", "DNS:" + NAME)
        self.pairs = {
            "alice": self.clients.issue("alice", "URI:" + ALICE, usage="clientAuth"),
            "bob": self.clients.issue("bob", "DNS:bob.test"),
            "below": Authority(self.folder, "middle", self.clients).issue("below", "DNS:below.test"),
            "plain": self.clients.issue("plain", subject="/O=Example/CN=plain"),
            "old": self.clients.issue("old", "DNS:old.test", expired=True),
            "server": self.clients.issue("server", "DNS:server.test", usage="serverAuth"),
            "strange": self.ca.issue("strange", "URI:" + ALICE),
        }
        self.backend = PlainServer(self, "a", BACKEND)
        self.log = os.path.join(self.folder, "access.log")

    def balance(self, **tls):
        def rule(name, listen, **more):
            keys = {"cert": self.front[0], "key": self.front[1], **tls, **more}
            return {"name": name, "listen": listen, "backends": [BACKEND], "tls": keys}

        asks = {"client_ca": self.clients.cert}
        rules = [rule("require", REQUIRE, **asks), rule("none", NONE),
                 rule("request", REQUEST, **asks, client_auth="request")]
        self.lb = self.balancer().start({"rules": rules, "access_log": self.log})

    def served(self, listen, who=None, session=None):
        """Whether a client with this certificate reaches the backend."""
        context = client_context(self.ca.cert, self.pairs.get(who))
        try:
            return greeting(listen, context, NAME, session=session) == "a"
        except OSError:
            return False

    def failures(self, reason):
        return self.lb.sum("lb_tls_handshake_failures_total", reason=reason)

    def lines(self):
        with open(self.log, encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def test_one_that_is_needed(self):
        self.balance()
        for who in ("alice", "bob", "below", "plain"):
            self.assertTrue(self.served(REQUIRE, who), who)
        self.assertFalse(self.served(REQUIRE))
        wait_for(lambda: self.failures("no_client_cert") == 1, 10, "it is counted")
        bad = ("old", "server", "strange")
        for who in bad:
            self.assertFalse(self.served(REQUIRE, who), who)
        wait_for(lambda: self.failures("bad_client_cert") == len(bad), 10, "they are counted")
        self.assertEqual(self.backend.accepted, 4)

    def test_one_that_is_asked_for(self):
        self.balance()
        self.assertTrue(self.served(REQUEST, "alice"))
        self.assertTrue(self.served(REQUEST))
        self.assertFalse(self.served(REQUEST, "strange"))

    def test_none(self):
        self.balance()
        for who in (None, "alice", "strange"):
            self.assertTrue(self.served(NONE, who), who)

    def test_the_access_log_and_the_lists_say_who_it_was(self):
        self.balance()
        with tls_connect(REQUIRE, client_context(self.ca.cert, self.pairs["alice"]), NAME) as stream:
            stream.recv(1)
            (seen,) = self.lb.json("connections", "list")["items"]
            self.assertIn(ALICE, seen.values())
            stream.close_notify()
            stream.read_all()
        wanted = {ALICE}
        for who, identity in (("bob", "bob.test"), ("plain", "CN=plain,O=Example"), (None, None)):
            self.assertTrue(self.served(REQUEST, who))
            wanted.add(identity)
        wait_for(lambda: len(self.lines()) == 4, 10, "all lines")
        self.assertEqual({line["client_identity"] or None for line in self.lines()}, wanted)

    def test_the_access_log_names_nobody_whose_certificate_is_not_good(self):
        self.balance()
        self.assertFalse(self.served(REQUIRE, "strange"))  # It says that it is alice.
        self.assertFalse(self.served(REQUIRE))
        wait_for(lambda: len(self.lines()) == 2, 10, "both lines")
        # Each I/O thread writes its own, in whatever order.
        self.assertCountEqual([(line["client_identity"], line["tls_failure"]) for line in self.lines()],
                              [(None, "bad_client_cert"), (None, "no_client_cert")])

    def test_a_resumed_session_is_the_same_client(self):
        self.balance()
        context = client_context(self.ca.cert, self.pairs["alice"])
        session = None
        for _ in range(2):
            with tls_connect(REQUIRE, context, NAME, session) as stream:
                stream.recv(1)
                session, resumed = stream.tls.session, stream.tls.session_reused
                stream.close_notify()
                stream.read_all()
        self.assertTrue(resumed)
        wait_for(lambda: len(self.lines()) == 2, 10, "both lines")
        self.assertEqual([line["client_identity"] for line in self.lines()], [ALICE] * 2)

    def test_one_that_was_taken_back(self):
        path = os.path.join(self.folder, "in-use.crl")
        os.link(self.clients.crl(), path)
        self.balance()
        config = self.config_with_crl(path)
        self.lb.apply(config)
        context = client_context(self.ca.cert, self.pairs["bob"])
        with tls_connect(REQUIRE, context, NAME) as staying:
            self.assertEqual(staying.recv(1), b"a")
            session = staying.tls.session
            os.rename(self.clients.crl(self.pairs["bob"][0]), path + ".new")
            os.rename(path + ".new", path)
            wait_for(lambda: not self.served(REQUIRE, "bob"), 20, "bob is refused")
            self.assertTrue(self.served(REQUIRE, "alice"))
            # Neither does a session of before help, while what is open goes on.
            with self.assertRaises(OSError):
                greeting(REQUIRE, context, NAME, session=session)
            self.assertEqual(staying.ask(b"x"), b"x")
        self.assertGreater(self.failures("bad_client_cert"), 0)

    def config_with_crl(self, path):
        keys = {"cert": self.front[0], "key": self.front[1], "client_ca": self.clients.cert,
                "client_crl": path}
        return {"rules": [{"name": "require", "listen": REQUIRE, "backends": [BACKEND], "tls": keys}],
                "access_log": self.log}


if __name__ == "__main__":
    harness.main()
