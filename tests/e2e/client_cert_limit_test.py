"""A rate limit for each certificate: who shows the same one shares its limit, from wherever."""

import socket
import time

import harness
from harness import wait_for
from harness.certificates import Authority
from harness.tls import PlainServer, TlsStream, client_context
from rate_limit_test import IP_BIND_ADDRESS_NO_PORT

LISTEN, BACKEND, NAME = ("127.0.0.1", 8443), "127.0.0.1:9001", "front.test"
RATE, BURST = 5, 10


class ClientCertLimitTest(harness.Case):
    def setUp(self):
        ca, clients = Authority(self.folder), Authority(self.folder, "clients")
        cert, key = ca.issue("front", "DNS:" + NAME)
        self.contexts = {
            name: client_context(ca.cert, clients.issue(name, "URI:spiffe://test/" + name))
            for name in ("alice", "bob")
        }
        PlainServer(self, "a", BACKEND)
        self.rule = {"name": "web", "listen": "%s:%d" % LISTEN, "backends": [BACKEND],
                     "tls": {"cert": cert, "key": key, "client_ca": clients.cert}}
        self.addresses = iter(range(1, 60_000))

    def balance(self, workers=1, **limit):
        limit = {"requests_per_second": RATE, "burst": BURST, "key": {"client_cert": True}, **limit}
        rules = {"rules": [{**self.rule, "rate_limit": limit}]}
        self.lb = self.balancer().start(rules, workers=workers)

    def served(self, who):
        """Whether a new client with this certificate, from an address of its own, is served."""
        number = next(self.addresses)
        with socket.socket() as client:
            client.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
            client.bind(("127.1.%d.%d" % (number // 250, 1 + number % 250), 0))
            client.settimeout(30)
            try:
                client.connect(LISTEN)
                with TlsStream(client, self.contexts[who], False, NAME) as stream:
                    return stream.handshake().recv(1) == b"a"
            except OSError:
                return False

    def refused(self):
        return self.lb.sum("lb_rule_refused_total", reason="client_cert_rate")

    def flood(self, who, seconds):
        """(served, taken seconds) of as many connections as go in that time."""
        begun, served = time.monotonic(), 0
        while time.monotonic() < begun + seconds:
            served += self.served(who)
        return served, time.monotonic() - begun

    def check(self, burst):
        """Of one that tries all the time, so many are served; `burst`: what it has left of that."""
        before = self.refused()
        served, took = self.flood("alice", 4)
        self.figure("%d served in %.1f s at %d/s, burst %d; %d refused", served, took, RATE, BURST,
                    self.refused())
        self.assertLessEqual(served, 1.1 * (RATE * took + burst) + 1)
        self.assertGreaterEqual(served, 0.8 * (RATE * took + burst) - 1)
        wait_for(lambda: self.refused() > before, 10, "the others are counted")

    def test_one_identity_does_not_use_up_what_another_has(self):
        self.balance()
        self.check(BURST)
        for _ in range(BURST - 1):
            self.assertTrue(self.served("bob"))

    def test_two_workers_share_it(self):
        self.balance(workers=2)
        self.flood("alice", 3)  # The burst is gone, and parts are where the client is.
        self.check(0)

    def test_a_limit_that_only_counts_refuses_nobody(self):
        self.balance(enforce="shadow")
        for _ in range(3 * BURST):
            self.assertTrue(self.served("alice"))
        self.assertEqual(self.refused(), 0)
        wait_for(lambda: self.lb.sum("lb_limit_would_refuse_total") > 0, 10, "it is counted")


if __name__ == "__main__":
    harness.main()
