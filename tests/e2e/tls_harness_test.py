"""The TLS tools of the end-to-end tests, tried without the balancer: they see what they should."""

import ssl

import harness
from harness import wait_for
from harness.certificates import Authority, serial
from harness.process import run
from harness.scripted import ScriptedServer
from harness.tls import (
    TlsServer,
    TlsStream,
    Truncated,
    client_context,
    greeting,
    server_context,
    tls_connect,
)
from harness.tls_load import TlsLoad, TlsPump

ADDRESS = "127.0.0.1:9001"
NAME = "b.test"


class TlsHarnessTest(harness.Case):
    def setUp(self):
        self.root = Authority(self.folder)
        self.below = Authority(self.folder, "below", self.root)
        self.pair = self.below.issue("b", "DNS:" + NAME, key="rsa", usage="serverAuth")
        self.context = client_context(self.root.cert)

    def verify(self, cert, *options):
        """What openssl(1) says of a certificate whose authority is trusted."""
        argv = ["openssl", "verify", "-CAfile", self.root.cert, "-untrusted", cert, *options, cert]
        done = run(argv)
        return "OK" if done.returncode == 0 else done.stdout + done.stderr

    def test_certificates_are_as_they_are_asked_for(self):
        self.assertEqual(self.verify(self.pair[0], "-verify_hostname", NAME), "OK")
        self.assertIn("hostname mismatch", self.verify(self.pair[0], "-verify_hostname", "c.test"))
        self.assertIn("unsuitable", self.verify(self.pair[0], "-purpose", "sslclient"))
        old = self.root.issue("old", "DNS:old.test", expired=True)
        self.assertIn("expired", self.verify(old[0]))
        stranger = Authority(self.folder + "/stranger").issue("x", "DNS:x.test")
        self.assertNotEqual(self.verify(stranger[0]), "OK")

    def test_revocations_and_ocsp(self):
        good, bad = (self.root.issue(name, "DNS:x.test") for name in ("good", "bad"))
        crl = self.root.crl(bad[0])
        self.assertEqual(self.verify(good[0], "-crl_check", "-CRLfile", crl), "OK")
        self.assertIn("revoked", self.verify(bad[0], "-crl_check", "-CRLfile", crl))
        for cert, state in ((good[0], "good"), (bad[0], "revoked")):
            shown = run(["openssl", "ocsp", "-respin", self.root.ocsp(cert), "-CAfile", self.root.cert,
                         "-resp_text"])
            self.assertIn("Cert Status: " + state, shown.stdout)
            self.assertIn("Response verify OK", shown.stderr)

    def test_a_server_tells_what_clients_showed(self):
        own = self.root.issue("own", usage="clientAuth")
        context = server_context(self.pair, ["h2", "x"], self.root.cert)
        server = TlsServer(self, "name", ADDRESS, context)
        client = client_context(self.root.cert, own, alpn=["x"])
        with tls_connect(ADDRESS, client, NAME) as stream:
            self.assertEqual(stream.read_exactly(4), b"name")
            self.assertEqual(stream.ask(b"x" * 100_000), b"x" * 100_000)
            session = stream.tls.session
        self.assertEqual(greeting(ADDRESS, client, NAME, 4, session), "name")
        seen = {"server_name": NAME, "alpn": "x", "resumed": False, "client": "own"}
        self.assertEqual(server.seen, [seen, {**seen, "resumed": True}])
        with self.assertRaises(ssl.SSLCertVerificationError):
            tls_connect(ADDRESS, client, "c.test")
        with self.assertRaises(OSError):
            greeting(ADDRESS, self.context, NAME)
        wait_for(lambda: len(server.failed) == 2, 10, "both failures are seen")

    def test_ends_are_told_apart(self):
        context = server_context(self.pair)

        def end_with(action):
            def script(connection):
                stream = TlsStream(connection, context, True).handshake()
                stream.send(b"abc")
                action(stream)

            return script

        for action, error in ((TlsStream.close_notify, None), (lambda stream: None, Truncated)):
            server = ScriptedServer(self, end_with(action))
            with tls_connect(ADDRESS, self.context, NAME) as stream:
                if error is None:
                    self.assertEqual(stream.read_all(), b"abc")
                else:
                    self.assertEqual(stream.read_exactly(3), b"abc")
                    with self.assertRaises(error):
                        stream.recv()
            server.close()

    def test_a_clean_end_leaves_the_other_direction_open(self):
        TlsServer(self, "a", ADDRESS, server_context(self.pair))
        with tls_connect(ADDRESS, self.context, NAME) as stream:
            stream.send(b"data")
            stream.close_notify()
            self.assertEqual(stream.read_all(), b"adata")

    def test_load_and_pump_count(self):
        TlsServer(self, "a", ADDRESS, server_context(self.pair))
        streams = [tls_connect(ADDRESS, self.context, NAME) for _ in range(2)]
        for stream in streams:
            stream.read_exactly(1)
        pump = TlsPump(self, streams, interval_s=0.01)
        load = TlsLoad(self, ADDRESS, self.context, NAME, clients=2)
        wait_for(lambda: load.served >= 10 and pump.bytes >= 100_000, 20, "both go on")
        load.stop()
        pump.stop()
        self.assertEqual((load.errors, pump.errors), ([], []))
        self.assertEqual(load.serials, {serial(self.pair[0]): load.served})
        for stream in streams:
            stream.sock.close()


if __name__ == "__main__":
    harness.main()
