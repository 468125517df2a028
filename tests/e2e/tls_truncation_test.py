"""Ends of TLS streams: a close_notify is passed on as the clean end that it is, a FIN without one never
is, from either side and to either side."""

import socket

import harness
from harness import wait_for
from harness.certificates import Authority
from harness.scripted import ScriptedServer, connect, read_all, reset
from harness.tls import TlsStream, Truncated, client_context, server_context, tls_connect

RULES = {  # TLS towards the client, towards the backend.
    "tls-plain": (True, False, "127.0.0.1:8441"),
    "tls-tls": (True, True, "127.0.0.1:8442"),
    "plain-tls": (False, True, "127.0.0.1:8443"),
}
PLAIN_BACKEND, TLS_BACKEND = ("127.0.0.1", 9001), ("127.0.0.1", 9002)
NAME = "both.test"
DATA = bytes(range(256)) * 1024


class PlainStream:
    """A plain socket with the words of a TlsStream; its clean end is a FIN."""

    def __init__(self, sock):
        self.sock = sock
        self.send = sock.sendall
        self.recv = sock.recv

    def read_all(self):
        return read_all(self.sock)

    def close_notify(self):
        self.sock.shutdown(socket.SHUT_WR)


class TlsTruncationTest(harness.Case):
    def setUp(self):
        self.ca = Authority(self.folder)
        self.pair = self.ca.issue("both", "DNS:" + NAME)
        self.script = None
        rules = []
        for name, (front, back, listen) in RULES.items():
            rule = {"name": name, "listen": listen}
            rule["backends"] = ["%s:%d" % (TLS_BACKEND if back else PLAIN_BACKEND)]
            if front:
                rule["tls"] = {"cert": self.pair[0], "key": self.pair[1]}
            if back:
                rule["backend_tls"] = {"ca": self.ca.cert, "server_name": NAME}
            rules.append(rule)
        context = server_context(self.pair)
        plain = ScriptedServer(self, lambda s: self.script(PlainStream(s)), PLAIN_BACKEND)
        tls = ScriptedServer(
            self, lambda s: self.script(TlsStream(s, context, True).handshake()), TLS_BACKEND)
        self.results = {False: plain.results, True: tls.results}
        self.lb = self.balancer().start({"rules": rules})

    def connect(self, name):
        front, _, listen = RULES[name]
        if front:
            return tls_connect(listen, client_context(self.ca.cert), NAME)
        return PlainStream(connect(listen))

    def wait_for_result(self, name):
        """What the backend's script returned, or the error it met."""
        results = self.results[RULES[name][1]]
        wait_for(lambda: results, 20, "the backend is done")
        return results.pop()

    def closed(self, reason, name):
        return self.lb.sum("lb_connections_closed_total", reason=reason, rule=name)

    def test_a_clean_end_of_the_client_is_one_for_the_backend(self):
        def script(stream):
            got = stream.read_all()
            stream.send(b"answer to %d" % len(got))
            stream.close_notify()
            return got

        self.script = script
        for name in RULES:
            with self.subTest(name):
                client = self.connect(name)
                client.send(DATA)
                client.close_notify()
                # The other direction goes on, and ends as cleanly.
                self.assertEqual(client.read_all(), b"answer to %d" % len(DATA))
                self.assertEqual(self.wait_for_result(name), DATA)
                wait_for(lambda: self.closed("normal", name) == 1, 10, "it ended normally")
                client.sock.close()

    def test_a_clean_end_of_the_backend_is_one_for_the_client(self):
        def script(stream):
            stream.send(DATA)
            stream.close_notify()
            return stream.read_all()

        self.script = script
        for name in RULES:
            with self.subTest(name):
                client = self.connect(name)
                self.assertEqual(client.read_all(), DATA)
                client.send(b"late")
                client.close_notify()
                self.assertEqual(self.wait_for_result(name), b"late")
                client.sock.close()

    def test_a_fin_of_the_client_without_close_notify(self):
        self.script = lambda stream: stream.read_all()
        for name in ("tls-plain", "tls-tls"):
            with self.subTest(name):
                client = self.connect(name)
                client.send(b"half of it")
                client.sock.shutdown(socket.SHUT_WR)
                error = self.wait_for_result(name)
                self.assertIsInstance(error, Truncated if RULES[name][1] else ConnectionResetError)
                wait_for(lambda: self.closed("tls_truncated", name) == 1, 10, "it is counted")
                client.sock.close()

    def test_a_fin_of_the_backend_without_close_notify(self):
        def script(stream):
            stream.send(DATA)
            stream.sock.shutdown(socket.SHUT_WR)
            return stream.recv()

        self.script = script
        for name in ("plain-tls", "tls-tls"):
            with self.subTest(name):
                client = self.connect(name)
                with self.assertRaises(Truncated if RULES[name][0] else ConnectionResetError):
                    client.read_all()
                client.sock.close()
                wait_for(lambda: self.closed("tls_truncated", name) == 1, 10, "it is counted")

    def test_a_fin_after_the_other_end_is_no_loss(self):
        """Many clients end without a close_notify once they have the whole answer."""

        def script(stream):
            stream.send(DATA)
            stream.close_notify()
            try:
                return stream.read_all()
            except ConnectionError as error:
                return error

        self.script = script
        client = self.connect("tls-plain")
        self.assertEqual(client.read_all(), DATA)
        client.sock.close()
        wait_for(lambda: self.closed("normal", "tls-plain") == 1, 10, "it ended normally")
        self.assertEqual(self.closed("tls_truncated", "tls-plain"), 0)

    def test_a_reset_is_a_reset(self):
        self.script = lambda stream: stream.read_all()
        for name in RULES:
            with self.subTest(name):
                client = self.connect(name)
                client.send(b"x")
                wait_for(lambda: self.lb.sum("lb_rule_received_bytes_total", rule=name) > 0, 10,
                         "it is passed on")
                reset(client.sock)
                self.assertIsInstance(self.wait_for_result(name), ConnectionResetError)


if __name__ == "__main__":
    harness.main()
