"""What works for plain connections works for those with TLS: PROXY headers on both sides, bandwidth
limits, queues, retries, kills, drains, reloads."""

import time

import harness
from harness import real_proxies as real
from harness import wait_for
from harness.certificates import Authority
from harness.process import run
from harness.scripted import ScriptedServer, connect, read_exactly
from harness.tls import PlainServer, TlsServer, TlsStream, client_context, server_context, tls_connect

LISTEN, BACKEND, SECOND = "127.0.0.1:8443", "127.0.0.1:9001", "127.0.0.1:9002"
NAME = "front.test"
RATE, BURST_BYTES = 2_000_000, 200_000
PRECISION = 0.1


class TlsFeaturesTest(harness.Case):
    def setUp(self):
        self.ca = Authority(self.folder)
        self.pair = self.ca.issue("front", "DNS:" + NAME)
        self.context = client_context(self.ca.cert)

    def config(self, re_encrypt=False, **more):
        rule = {"name": "web", "listen": LISTEN, "backends": [{"name": "a", "address": BACKEND}],
                "tls": {"cert": self.pair[0], "key": self.pair[1]}}
        if re_encrypt:
            rule["backend_tls"] = {"ca": self.ca.cert, "server_name": NAME}
        return {"rules": [{**rule, **more}]}

    def balance(self, *arguments, **more):
        self.lb = self.balancer().start(self.config(*arguments, **more))

    def connect(self):
        return tls_connect(LISTEN, self.context, NAME)

    def test_a_proxy_header_comes_before_tls(self):
        """From HAProxy, which speaks TLS behind it, and from a client; the backend is nginx."""
        http = '  server { listen %s ssl proxy_protocol; ssl_certificate %s; ssl_certificate_key %s;' % (
            BACKEND, *self.pair)
        http += ' return 200 "$proxy_protocol_addr:$proxy_protocol_port"; }\n'
        real.nginx(self, "", http, 7999)
        options = "ssl verify required ca-file %s verifyhost %s sni str(%s)" % (self.ca.cert, NAME, NAME)
        sections = real.haproxy_sender("v1", "127.0.0.1:7001", LISTEN, "send-proxy " + options)
        sections += real.haproxy_sender("v2", "127.0.0.1:7002", LISTEN, "send-proxy-v2 " + options)
        real.haproxy(self, sections)
        self.balance(True, proxy_protocol={"accept": True, "send": "v2"})
        for port in (7001, 7002):
            with connect("127.0.0.1:%d" % port) as client:
                client.sendall(b"GET / HTTP/1.0\r\n\r\n")
                own = "%s:%d" % client.getsockname()
                self.assertTrue(client.recv(4096).endswith(own.encode()), port)
        with connect(LISTEN) as client:
            client.sendall(b"PROXY TCP4 192.0.2.7 192.0.2.8 1234 443\r\n")
            stream = TlsStream(client, self.context, False, NAME).handshake()
            stream.send(b"GET / HTTP/1.0\r\n\r\n")
            self.assertTrue(stream.recv().endswith(b"192.0.2.7:1234"))

    def test_bandwidth_is_that_of_plain_bytes(self):
        data, context = bytes(3 * RATE), server_context(self.pair)

        def serve(connection):
            stream = TlsStream(connection, context, True).handshake()
            if stream.read_exactly(1) == b"d":
                stream.send(data)
            else:
                stream.read_exactly(len(data))
                stream.send(b"k")
            stream.close_notify()

        ScriptedServer(self, serve, ("127.0.0.1", 9001))
        rates = {"upload_per_sec": RATE, "download_per_sec": RATE, "burst": "%dB" % BURST_BYTES}
        self.balance(True, bandwidth_limit={"client": rates})
        wanted = (len(data) - BURST_BYTES) / RATE
        for direction, says, answer in (("download", b"d", data), ("upload", b"u" + data, b"k")):
            took = time.monotonic()
            with self.connect() as stream:
                stream.send(says)
                self.assertEqual(stream.read_exactly(len(answer)), answer)
            took = time.monotonic() - took
            self.figure("%s: %d bytes in %.2f s, at %d bytes/s %.2f s", direction, len(data), took, RATE,
                        wanted)
            self.assertGreater(took, wanted * (1 - PRECISION))
            self.assertLess(took, wanted * (1 + PRECISION) + 1 * harness.SLOW)

    def test_who_waits_in_the_queue_is_served(self):
        PlainServer(self, "a", BACKEND)
        self.balance(backend_connection_limit=1, queue={"max": 5, "timeout": "20s"})
        with self.connect() as first:
            first.read_exactly(1)
            with self.connect() as second:
                second.send(b"early")
                wait_for(lambda: self.lb.sum("lb_rule_queued") == 1, 10, "the second one waits")
                first.close_notify()
                first.read_all()
                self.assertEqual(second.read_exactly(6), b"aearly")

    def test_what_was_said_goes_to_another_backend(self):
        """A backend that leaves within the handshake is one that failed; what clients said is kept."""
        context = server_context(self.pair)
        TlsServer(self, "b", SECOND, context)
        closed = ScriptedServer(self, lambda connection: None, ("127.0.0.1", 9001))
        backends = [{"name": "a", "address": BACKEND}, {"name": "b", "address": SECOND}]
        self.balance(True, backends=backends)
        for _ in range(6):
            with self.connect() as stream:
                stream.send(b"said at once")
                self.assertEqual(stream.read_exactly(13), b"bsaid at once")
        closed.close()

    def test_kills_and_drains(self):
        PlainServer(self, "a", BACKEND)
        PlainServer(self, "b", SECOND)
        backends = [{"name": "a", "address": BACKEND}, {"name": "b", "address": SECOND, "backup": True}]
        self.balance(backends=backends)
        with self.connect() as stream:
            stream.read_exactly(1)
            self.lb.json("connections", "kill", "--rule", "web", "--yes")
            with self.assertRaises(ConnectionError):
                stream.recv()
        with self.connect() as stream:
            stream.read_exactly(1)
            self.lb.json("backend", "drain", "web/a")
            self.assertEqual(stream.ask(b"goes on"), b"goes on")
            with self.connect() as new:
                self.assertEqual(new.read_exactly(1), b"b")

    def test_a_reload_touches_no_open_connection(self):
        PlainServer(self, "a", BACKEND)
        self.balance()
        with self.connect() as stream, self.connect() as half:
            for each in (stream, half):
                each.read_exactly(1)
            half.close_notify()
            for number in range(5):
                tls = {"cert": self.pair[0], "key": self.pair[1], "alpn": ["v%d" % number]}
                self.lb.apply(self.config(tls=tls))
                self.assertEqual(stream.ask(b"x" * 40_000), b"x" * 40_000)
            # Without TLS for those to come.
            plain = self.config()
            del plain["rules"][0]["tls"]
            self.lb.apply(plain)
            self.assertEqual(stream.ask(b"x"), b"x")
            with connect(LISTEN) as client:
                self.assertEqual(read_exactly(client, 1), b"a")
            self.assertEqual(half.read_all(), b"")

    def test_it_serves_on_without_the_control_plane(self):
        PlainServer(self, "a", BACKEND)
        self.balance()
        self.lb.control.kill()
        done = run(["openssl", "s_client", "-connect", LISTEN, "-servername", NAME, "-CAfile",
                    self.ca.cert, "-verify_return_error"], stdin="")
        self.assertEqual(done.returncode, 0, done.stderr)
        with self.connect() as stream:
            self.assertEqual(stream.read_exactly(1), b"a")


if __name__ == "__main__":
    harness.main()
