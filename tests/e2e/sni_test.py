"""Routing by the name in the ClientHello, without ending TLS: whole or in pieces, small or large, and
what becomes of clients that no route takes."""

import socket
import struct

import harness
from harness import wait_for
from harness.certificates import Authority
from harness.scripted import connect, read_exactly
from harness.tls import PlainServer, TlsServer, TlsStream, client_context, server_context, tls_connect

WITH_DEFAULT, WITHOUT = "127.0.0.1:8443", "127.0.0.1:8444"
BACKENDS = {name: "127.0.0.1:%d" % port for name, port in (("a", 9001), ("w", 9002), ("d", 9003))}
NAMES = {"a": ["a.test"], "w": ["*.wild.test", "also.test"]}
HEADER_BYTES = 5  # Of a TLS record.
# An extension for private use (RFC 8446, section 11) that no client sends.
PRIVATE = 0xFF77


def rule(name, listen, routes="aw", default=True):
    sni = [{"names": NAMES[route], "backends": [BACKENDS[route]]} for route in routes]
    more = {"backends": [BACKENDS["d"]]} if default else {}
    return {"name": name, "listen": listen, "sni": sni, "timeouts": {"handshake": "2s"}, **more}


def records(message, size):
    """A handshake message in TLS records of at most so many bytes each."""
    pieces = [message[at : at + size] for at in range(0, len(message), size)]
    return b"".join(struct.pack(">BHH", 22, 0x0301, len(piece)) + piece for piece in pieces)


def padded(hello, count):
    """The message of a ClientHello that is one record, with an extension of `count` bytes in it, about
    as large as post-quantum key shares make one."""
    message = hello[HEADER_BYTES:]
    at = 4 + 2 + 32
    at += 1 + message[at]  # The session id.
    at += 2 + int.from_bytes(message[at : at + 2], "big")  # The cipher suites.
    at += 1 + message[at]  # The compression methods.
    extensions = message[at + 2 :] + struct.pack(">HH", PRIVATE, count) + bytes(count)
    body = message[4:at] + struct.pack(">H", len(extensions)) + extensions
    return b"\x01" + len(body).to_bytes(3, "big") + body


class SniTest(harness.Case):
    def balance(self, *rules, **top):
        rules = rules or (rule("some", WITH_DEFAULT), rule("all", WITHOUT, default=False))
        config = {"rules": list(rules), **top}
        self.lb = self.balancer().start(config)

    def start_tls_backends(self):
        self.ca = Authority(self.folder)
        names = ["DNS:" + name for name in ("a.test", "one.wild.test", "also.test", "x.test")]
        pair = self.ca.issue("all", *names)
        self.servers_by_name = {
            name: TlsServer(self, name, address, server_context(pair))
            for name, address in BACKENDS.items()
        }
        self.context = client_context(self.ca.cert)
        self.context.check_hostname = False

    def start_plain_backends(self):
        self.plain = {name: PlainServer(self, name, address) for name, address in BACKENDS.items()}

    def greeted_by(self, server_name, listen=WITH_DEFAULT):
        with tls_connect(listen, self.context, server_name) as stream:
            name = stream.read_exactly(1).decode()
            self.assertEqual(stream.ask(b"x" * 5000), b"x" * 5000)
            return name

    def refused(self, reason):
        return self.lb.sum("lb_rule_refused_total", reason=reason)

    def test_names_choose_the_backends(self):
        self.start_tls_backends()
        self.balance()
        for asked, wanted in (("a.test", "a"), ("A.TEST", "a"), ("one.wild.test", "w"),
                              ("also.test", "w"), ("two.one.wild.test", "d"), ("wild.test", "d"),
                              ("x.test", "d"), (None, "d")):
            with self.subTest(asked=asked):
                self.assertEqual(self.greeted_by(asked), wanted)
        for asked, wanted in (("a.test", "a"), ("one.wild.test", "w")):
            self.assertEqual(self.greeted_by(asked, WITHOUT), wanted)
        # The backend ended TLS, and saw the name itself.
        self.assertEqual(self.servers_by_name["a"].seen[0]["server_name"], "a.test")
        routes = "lb_rule_sni_connections_total"
        wait_for(lambda: self.lb.sum(routes, rule="some", route="a.test") == 2, 10, "counted by route")
        self.assertEqual(self.lb.sum(routes, rule="some", route="*.wild.test"), 2)
        self.assertEqual(self.lb.sum(routes, rule="some", route=""), 4)

    def test_without_a_default_others_are_refused(self):
        self.start_tls_backends()
        self.balance()
        for asked in ("x.test", None):
            with self.assertRaises(OSError):
                self.greeted_by(asked, WITHOUT)
        wait_for(lambda: self.refused("sni_no_match") == 2, 10, "they are counted")
        self.assertEqual(self.servers_by_name["d"].seen, [])

    def hello(self, server_name="a.test"):
        with socket.socket() as unused:
            return TlsStream(unused, client_context(), False, server_name).hello()

    def ask_with(self, pieces, listen=WITH_DEFAULT):
        """Sends these bytes; checks that a backend gets just them, and returns its name."""
        sent = b"".join(pieces)
        with connect(listen) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for piece in pieces:
                client.sendall(piece)
            name = read_exactly(client, 1).decode()
            self.assertEqual(read_exactly(client, len(sent)), sent)
            return name

    def test_a_hello_in_pieces(self):
        self.start_plain_backends()
        self.balance()
        hello = self.hello()
        message = hello[HEADER_BYTES:]
        for what, data in (
            ("as it is", [hello]),
            ("byte by byte", [hello[at : at + 1] for at in range(len(hello))]),
            ("with more behind it", [hello + bytes(30_000)]),
            ("in records of 100 bytes", [records(message, 100)]),
            ("in records of a byte", [records(message, 1)]),
            ("with 3,000 bytes more", [records(padded(hello, 3000), 1 << 14)]),
            ("with 12,000, in pieces", list(cut(records(padded(hello, 12_000), 4000), 1000))),
        ):
            with self.subTest(what=what):
                self.assertEqual(self.ask_with(data), "a")
        self.assertEqual(self.refused("client_hello"), 0)

    def test_what_is_no_client_hello(self):
        self.start_plain_backends()
        self.balance()
        for says in (b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", b"\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00",
                     b"\x80" * 50, records(padded(self.hello(), 60_000), 1 << 14)):
            with self.subTest(says=says[:8]):
                before = self.refused("client_hello")
                self.assert_dropped(says)
                wait_for(lambda: self.refused("client_hello") == before + 1, 10, "it is counted")
        for says in (b"", self.hello()[:-1]):
            before = self.refused("tls_timeout")
            self.assert_dropped(says)
            wait_for(lambda: self.refused("tls_timeout") == before + 1, 10, "it is counted")
        self.assertEqual([server.accepted for server in self.plain.values()], [0, 0, 0])

    def assert_dropped(self, says):
        with connect(WITHOUT, 20 * harness.SLOW) as client:
            try:
                client.sendall(says)
                self.assertEqual(client.recv(1), b"")
            except ConnectionError:
                pass  # A reset is as good.

    def test_routes_change_under_open_connections(self):
        self.start_tls_backends()
        self.balance()
        with tls_connect(WITH_DEFAULT, self.context, "a.test") as stream:
            self.assertEqual(stream.read_exactly(1), b"a")
            moved = {"names": ["a.test"], "backends": [BACKENDS["w"]]}
            self.lb.apply({"rules": [{**rule("some", WITH_DEFAULT), "sni": [moved]}]})
            self.assertEqual(self.greeted_by("a.test"), "w")
            self.assertEqual(self.greeted_by("also.test"), "d")
            self.assertEqual(stream.ask(b"still here"), b"still here")


def cut(data, size):
    for at in range(0, len(data), size):
        yield data[at : at + size]


if __name__ == "__main__":
    harness.main()
