"""Access lists: who may connect, over reloads, and with fifty thousand networks."""

import random
import socket
import time

import harness
from harness import wait_for
from harness.scripted import connect, read_exactly

LISTEN, LISTEN6 = "127.0.0.1:8080", "[::1]:8080"
MANY = 50_000


def let_in(client_address, listen=LISTEN):
    """Whether a client of this address reaches the backend; False: it was reset."""
    host, port = listen.rsplit(":", 1)
    try:
        with socket.create_connection(
            (host.strip("[]"), int(port)), timeout=60, source_address=(client_address, 0)
        ) as client:
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return bool(client.recv(1))
    except ConnectionError:
        return False


class AccessListTest(harness.Case):
    def config(self, **lists):
        rules = [{"name": name, "listen": listen, "backends": ["127.0.0.1:9001"], **lists}
                 for name, listen in (("v4", LISTEN), ("v6", LISTEN6))]
        return {"rules": rules}

    def setUp(self):
        self.servers("127.0.0.1:9001")
        self.lb = self.balancer()

    def denied(self):
        return self.lb.sum("lb_rule_refused_total", reason="denied")

    def test_the_longest_network_decides_and_a_reload_is_for_new_connections(self):
        self.lb.start(self.config())
        self.assertTrue(let_in("127.0.0.1"))
        with connect(LISTEN) as staying:
            staying.sendall(b"x")
            self.lb.apply(self.config(allow=["127.0.0.0/8"], deny=["127.1.0.0/16", "127.0.0.9"]))
            for address, wanted in (("127.0.0.1", True), ("127.0.0.9", False), ("127.1.2.3", False),
                                    ("127.2.0.1", True)):
                self.assertEqual(let_in(address), wanted, address)
            self.assertFalse(let_in("::1", LISTEN6), "an allow list of IPv4 alone")
            wait_for(lambda: self.denied() == 3, 10, "each refusal is counted")
            self.lb.apply(self.config(deny=["127.0.0.0/8"]))
            self.assertFalse(let_in("127.0.0.1"))
            self.assertTrue(let_in("::1", LISTEN6))
            # It came before the list, and goes on.
            staying.sendall(b" / HTTP/1.0\r\n\r\n")
            self.assertEqual(len(read_exactly(staying, 1)), 1)

    def test_a_network_in_both_lists_changes_nothing(self):
        self.lb.start(self.config())
        self.lb.write(self.config(allow=["10.0.0.0/8"], deny=["10.0.0.0/8"]))
        done = self.lb.lbctl("config", "validate", self.lb.config_path)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("10.0.0.0/8 is also rules[0].allow[0]", done.stdout + done.stderr)
        self.assertTrue(let_in("127.0.0.1"))

    def test_fifty_thousand_networks(self):
        rng = random.Random(3)
        networks = {"%d.%d.%d.0/24" % (rng.randrange(128, 224), rng.randrange(256), rng.randrange(256))
                    for _ in range(2 * MANY)}
        deny = sorted(networks)[: MANY - 1] + ["127.0.0.9"]
        self.lb.start(self.config())
        started = time.monotonic()
        self.lb.apply(self.config(deny=deny))
        self.figure("%d networks for two rules in force after %.2f s", len(deny),
                    time.monotonic() - started)
        self.assertTrue(let_in("127.0.0.1"))
        self.assertFalse(let_in("127.0.0.9"))
        self.lb.apply(self.config())
        self.assertTrue(let_in("127.0.0.9"))


if __name__ == "__main__":
    harness.main()
