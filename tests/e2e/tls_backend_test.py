"""TLS towards backends: who is believed, what happens to clients when one is not, and what backends
see of the balancer and of its clients."""

import ssl

import harness
from harness import wait_for
from harness.certificates import Authority
from harness.scripted import ScriptedServer, connect, read_exactly
from harness.tls import PlainServer, TlsServer, client_context, greeting, server_context, tls_connect

LISTEN, TLS_LISTEN = "127.0.0.1:8080", "127.0.0.1:8443"
GOOD, BAD = "127.0.0.1:9001", "127.0.0.1:9002"
NAME = "backend.test"
CONNECTIONS = 10


class TlsBackendTest(harness.Case):
    def setUp(self):
        self.ca = Authority(self.folder)
        self.pair = self.ca.issue("good", "DNS:" + NAME, usage="serverAuth")

    def balance(self, *backends, rule=None, **backend_tls):
        """A rule of plain clients towards TLS backends."""
        backend_tls = {"enabled": True, "ca": self.ca.cert, "server_name": NAME, **backend_tls}
        backend_tls = {key: value for key, value in backend_tls.items() if value is not None}
        config = {"name": "to", "listen": LISTEN, "backends": list(backends),
                  "backend_tls": backend_tls, "timeouts": {"handshake": "1s"}, **(rule or {})}
        self.lb = self.balancer().start({"rules": [config]})

    def good(self, **options):
        return TlsServer(self, "g", GOOD, server_context(self.pair, **options))

    def plain_greeting(self):
        with connect(LISTEN) as client:
            return read_exactly(client, 1).decode()

    def failures(self, reason):
        return self.lb.sum("lb_backend_connect_failures_total", reason=reason)

    def assert_avoided(self, reason):
        """The bad one is tried and counted, and every client is served by the good one."""
        for _ in range(CONNECTIONS):
            self.assertEqual(self.plain_greeting(), "g")
        self.figure("%s: %d failed attempts", reason, self.failures(reason))
        self.assertGreater(self.failures(reason), 0)
        all_failures = self.lb.sum("lb_backend_connect_failures_total")
        self.assertEqual(self.failures(reason), all_failures)

    def check_bad_certificate(self, pair, reason, **backend_tls):
        self.good()
        bad = TlsServer(self, "b", BAD, server_context(pair))
        self.balance(BAD, GOOD, **backend_tls)
        self.assert_avoided(reason)
        self.assertTrue(bad.failed)
        self.assertEqual(bad.seen, [])
        # Believed on purpose, it serves.
        self.lb.write(self.config_ignoring())
        self.lb.wait_until_newer()
        wait_for(lambda: self.plain_greeting() == "b", 10, "it is used")

    def config_ignoring(self):
        return {"rules": [{"name": "to", "listen": LISTEN, "backends": [BAD, GOOD],
                           "backend_tls": {"enabled": True, "ignore_verify": True}}]}

    def test_a_certificate_for_another_name(self):
        self.check_bad_certificate(self.ca.issue("other", "DNS:other.test"), "tls_name")

    def test_a_certificate_that_ended(self):
        self.check_bad_certificate(self.ca.issue("old", "DNS:" + NAME, expired=True), "tls_expired")

    def test_a_certificate_of_an_unknown_authority(self):
        stranger = Authority(self.folder + "/stranger")
        self.check_bad_certificate(stranger.issue("strange", "DNS:" + NAME), "tls_untrusted")

    def test_a_certificate_that_was_taken_back(self):
        pair = self.ca.issue("revoked", "DNS:" + NAME)
        self.check_bad_certificate(pair, "tls_revoked", crl=self.ca.crl(pair[0]))

    def test_a_name_that_stands_only_in_the_subject(self):
        pair = self.ca.issue("cn", subject="/CN=" + NAME)
        self.check_bad_certificate(pair, "tls_name")

    def test_a_backend_without_tls(self):
        self.good()
        PlainServer(self, "b", BAD)
        self.balance(BAD, GOOD)
        self.assert_avoided("tls_handshake")

    def test_a_backend_that_says_nothing(self):
        self.good()
        silent = ScriptedServer(self, read_until_closed, ("127.0.0.1", 9003))
        self.balance("127.0.0.1:9003", GOOD)
        for _ in range(4):
            self.assertEqual(self.plain_greeting(), "g")
        self.assertGreater(self.failures("tls_timeout"), 0)
        silent.close()

    def test_an_old_version(self):
        self.good()
        context = server_context(self.pair)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        TlsServer(self, "b", BAD, context)
        self.balance(BAD, GOOD, min_version="1.3")
        self.assert_avoided("tls_handshake")

    def test_without_a_good_one_clients_are_refused(self):
        TlsServer(self, "b", BAD, server_context(self.ca.issue("other", "DNS:other.test")))
        self.balance(BAD)
        # The reset may come before connect() returns.
        with self.assertRaises(ConnectionError), connect(LISTEN) as client:
            client.recv(1)
        self.assertEqual(self.lb.sum("lb_rule_refused_total", reason="connect_failed"), 1)

    def test_names_by_default_are_the_addresses(self):
        pair = self.ca.issue("local", "DNS:localhost", "IP:127.0.0.1")
        server = TlsServer(self, "g", GOOD, server_context(pair))
        self.balance("localhost:9001", server_name=None)
        self.assertEqual(self.plain_greeting(), "g")
        self.lb.apply({"rules": [{"name": "to", "listen": LISTEN, "backends": [GOOD],
                                  "backend_tls": {"enabled": True, "ca": self.ca.cert}}]})
        self.assertEqual(self.plain_greeting(), "g")
        wait_for(lambda: len(server.seen) == 2, 10, "both are seen")
        # RFC 6066: an address is no name that a client may ask for.
        self.assertEqual([seen["server_name"] for seen in server.seen], ["localhost", None])

    def test_sessions_are_resumed(self):
        server = self.good()
        self.balance(GOOD)
        for _ in range(50):
            self.assertEqual(self.plain_greeting(), "g")
        wait_for(lambda: len(server.seen) == 50, 10, "all are seen")
        resumed = sum(seen["resumed"] for seen in server.seen)
        self.figure("%d of 50 connections to the backend resumed a session", resumed)
        self.assertGreaterEqual(resumed, 40)

    def test_a_certificate_of_ours_and_alpn(self):
        own = self.ca.issue("balancer", "DNS:lb.test", usage="clientAuth")
        server = self.good(client_ca=self.ca.cert, alpn=["postgresql"])
        self.balance(GOOD, cert=own[0], key=own[1], alpn=["x", "postgresql"])
        self.assertEqual(self.plain_greeting(), "g")
        (seen,) = server.seen
        self.assertEqual((seen["client"], seen["alpn"]), ("balancer", "postgresql"))

    def test_the_name_that_the_client_asked_for(self):
        pairs = [self.ca.issue(name, "DNS:%s.test" % name) for name in ("one", "two")]
        both = self.ca.issue("both", "DNS:one.test", "DNS:two.test")
        server = TlsServer(self, "g", GOOD, server_context(both))
        certificates = [{"cert": cert, "key": key} for cert, key in pairs]
        self.balance(GOOD, server_name=None, pass_sni=True,
                   rule={"listen": TLS_LISTEN, "tls": {"certificates": certificates}})
        context = client_context(self.ca.cert)
        for name in ("one.test", "two.test"):
            self.assertEqual(greeting(TLS_LISTEN, context, name), "g")
        wait_for(lambda: len(server.seen) == 2, 10, "both are seen")
        self.assertEqual([seen["server_name"] for seen in server.seen], ["one.test", "two.test"])

    def test_both_sides_carry_every_byte(self):
        self.good()
        front = self.ca.issue("front", "DNS:front.test")
        tls = {"cert": front[0], "key": front[1]}
        self.balance(GOOD, rule={"listen": TLS_LISTEN, "tls": tls})
        data = bytes(range(256)) * 64
        with tls_connect(TLS_LISTEN, client_context(self.ca.cert), "front.test") as stream:
            self.assertEqual(stream.read_exactly(1), b"g")
            for count in (1, 100, len(data)):
                self.assertEqual(stream.ask(data[:count]), data[:count])
            stream.close_notify()
            self.assertEqual(stream.read_all(), b"")


def read_until_closed(connection):
    while connection.recv(1 << 16):
        pass


if __name__ == "__main__":
    harness.main()
