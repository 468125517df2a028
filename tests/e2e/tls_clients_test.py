"""TLS that workers end, as the clients of the world see it: OpenSSL, GnuTLS, curl and Python, old and
new versions, keys of each kind, names, ALPN, resumption, stapling."""

import json
import os
import socket
import ssl
import subprocess
import time

import harness
from harness import wait_for
from harness.certificates import Authority
from harness.process import run
from harness.tls import PlainServer, client_context, greeting, tls_connect

WEB, ALPN, STRICT, NEW = ("127.0.0.1:%d" % port for port in (8443, 8444, 8445, 8446))
BACKEND = "127.0.0.1:9001"
HTTP = "127.0.0.1:9002"
CURL = "127.0.0.1:8447"
RECONNECTS = 1000
V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
SIGNATURES = {"ec": "ecdsa_secp256r1_sha256", "rsa": "rsa_pss_rsae_sha256"}


class TlsClientsTest(harness.Case):
    def setUp(self):
        self.ca = Authority(self.folder)
        middle = Authority(self.folder, "middle", self.ca)
        # A client that knows RSA alone needs a chain of nothing else.
        rsa = Authority(self.folder, "rsa-ca", key="rsa")
        with open(self.ca.cert, "a", encoding="ascii") as file, open(rsa.cert, encoding="ascii") as more:
            file.write(more.read())
        issued = {
            "ec": middle.issue("ec", "DNS:one.test", "IP:127.0.0.1"),
            "rsa": rsa.issue("rsa", "DNS:one.test", key="rsa"),
            "two": self.ca.issue("two", "DNS:two.test"),
            "wild": self.ca.issue("wild", "DNS:*.wild.test"),
        }
        self.pairs = {name: {"cert": cert, "key": key} for name, (cert, key) in issued.items()}
        self.pairs["ec"]["ocsp"] = middle.ocsp(issued["ec"][0])
        self.backend = PlainServer(self, "a", BACKEND)

    def balance(self, workers=1, **top):
        more = [self.pairs[name] for name in ("rsa", "two", "wild")]
        rules = [
            self.rule("web", WEB),
            self.rule("alpn", ALPN, alpn=["h2", "http/1.1"]),
            self.rule("strict", STRICT, strict_sni=True),
            self.rule("new", NEW, min_version="1.3"),
            {**self.rule("http", CURL, alpn=["http/1.1"]), "backends": [HTTP]},
        ]
        tls = {"enabled": True, **self.pairs["ec"], "certificates": more}
        config = {"rules": rules, "tls": tls, **top}
        self.lb = self.balancer().start(config, workers=workers)

    def rule(self, name, listen, **tls):
        return {"name": name, "listen": listen, "backends": [BACKEND], "tls": tls,
                "timeouts": {"handshake": "2s"}}

    def failures(self, reason):
        return self.lb.sum("lb_tls_handshake_failures_total", reason=reason)

    def s_client(self, address, *options, name="one.test"):
        argv = ["openssl", "s_client", "-connect", address, "-servername", name]
        argv += ["-CAfile", self.ca.cert, "-verify_return_error", *options]
        return run(argv, stdin="")

    def test_openssl_with_each_version_and_each_key(self):
        self.balance()
        for version in ("1.2", "1.3"):
            for key, signature in SIGNATURES.items():
                with self.subTest(version=version, key=key):
                    flags = ["-tls" + version.replace(".", "_"), "-sigalgs", signature]
                    done = self.s_client(WEB, *flags)
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                    self.assertIn("Verification: OK", done.stdout)
                    self.assertRegex(done.stdout, "New, TLSv" + version)
                    self.assertIn("subject=CN = " + key, done.stdout)
        self.assertEqual(self.failures("protocol"), 0)

    def test_old_versions_are_refused(self):
        self.balance()
        weak = ["-cipher", "ALL:@SECLEVEL=0"]
        for address, flags in ((WEB, ["-tls1", *weak]), (WEB, ["-tls1_1", *weak]), (NEW, ["-tls1_2"])):
            done = self.s_client(address, *flags)
            self.assertNotEqual(done.returncode, 0, done.stdout)
            self.assertIn("alert protocol version", done.stderr)
        wait_for(lambda: self.failures("unsupported_version") == 3, 10, "each is counted")
        done = self.s_client(WEB, "-tls1_2", "-cipher", "AES128-SHA:AES256-SHA")
        self.assertIn("alert handshake failure", done.stderr)
        wait_for(lambda: self.failures("no_shared_cipher") == 1, 10, "it is counted")
        self.assertEqual(greeting(NEW, client_context(self.ca.cert), "one.test"), "a")

    def test_gnutls(self):
        self.balance()
        for version in ("1.2", "1.3"):
            argv = ["gnutls-cli", "--x509cafile", self.ca.cert, "--sni-hostname", "one.test"]
            argv += ["--verify-hostname", "one.test", "-p", "8443", "127.0.0.1"]
            argv += ["--priority", "NORMAL:-VERS-ALL:+VERS-TLS" + version]
            done = run(argv, stdin="")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn("Handshake was completed", done.stdout)
            self.assertIn("Description: (TLS%s" % version, done.stdout)
            self.assertIn("The certificate is trusted", done.stdout)

    def test_curl(self):
        harness.Server(self, "b", HTTP)
        self.balance()
        for flags in (["--tlsv1.3"], ["--tls-max", "1.2"]):
            argv = ["curl", "-sS", "--cacert", self.ca.cert, "--resolve", "two.test:8447:127.0.0.1"]
            done = run([*argv, *flags, "https://two.test:8447/"])
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual(done.stdout.strip(), "b")

    def names_shown(self, address, server_name):
        """The names in the certificate that a client gets which asks for this one."""
        context = client_context(self.ca.cert)
        context.check_hostname = False
        with tls_connect(address, context, server_name) as stream:
            return [name for _, name in stream.tls.getpeercert()["subjectAltName"]]

    def test_the_name_chooses_the_certificate(self):
        self.balance()
        for asked, shown in (("two.test", "two.test"), ("TWO.test", "two.test"),
                             ("any.wild.test", "*.wild.test"), ("a.b.wild.test", "one.test"),
                             ("wild.test", "one.test"), ("other.test", "one.test"), (None, "one.test")):
            with self.subTest(asked=asked):
                self.assertEqual(self.names_shown(WEB, asked)[0], shown)
        self.assertEqual(self.names_shown(STRICT, "any.wild.test"), ["*.wild.test"])
        for asked in ("other.test", None):
            with self.assertRaisesRegex(ssl.SSLError, "(?i)unrecognized.name"):
                self.names_shown(STRICT, asked)
        wait_for(lambda: self.failures("unknown_name") == 2, 10, "both are counted")

    def test_alpn(self):
        self.balance()
        for address, offered, chosen in (
            (ALPN, ["http/1.1", "h2"], "h2"), (ALPN, ["x", "http/1.1"], "http/1.1"), (ALPN, [], None),
            (WEB, ["h2"], None),
        ):
            with tls_connect(address, client_context(self.ca.cert, alpn=offered), "one.test") as stream:
                self.assertEqual(stream.tls.selected_alpn_protocol(), chosen)
        with self.assertRaisesRegex(ssl.SSLError, "(?i)no.application.protocol"):
            tls_connect(ALPN, client_context(self.ca.cert, alpn=["x"]), "one.test")

    def test_a_thousand_reconnects_resume_on_either_of_two_workers(self):
        self.balance(workers=2)
        for version in (V12, V13):
            context = client_context(self.ca.cert, version=version)
            session, resumed = None, 0
            for _ in range(RECONNECTS // 2 + 1):
                with tls_connect(WEB, context, "one.test", session) as stream:
                    stream.recv(1)
                    session, resumed = stream.tls.session, resumed + stream.tls.session_reused
            self.figure("%s: %d of %d resumed", version.name, resumed, RECONNECTS // 2)
            self.assertGreaterEqual(resumed, 0.99 * (RECONNECTS // 2))
        counts = [worker.metrics().sum("lb_tls_resumed_handshakes_total", rule="web")
                  for worker in self.lb.workers.values()]
        self.assertGreater(min(counts), 0.3 * RECONNECTS)

    def test_the_first_answer_waits_for_no_timer(self):
        """A client that leaves Nagle's algorithm on, as Python does, holds its first bytes back until
        the end of its handshake is acknowledged, which a kernel may put off for 40 ms."""
        harness.Server(self, "b", HTTP)
        self.balance()
        for version in (V12, V13):
            took = []
            for _ in range(9):
                with tls_connect(CURL, client_context(self.ca.cert, version=version), "one.test") as stream:
                    begun = time.monotonic()
                    stream.send(b"GET / HTTP/1.1\r\nHost: one.test\r\n\r\n")
                    self.assertTrue(stream.recv())
                    took.append(time.monotonic() - begun)
            self.figure("%s: %.1f ms", version.name, sorted(took)[4] * 1000)
            self.assertLess(sorted(took)[4], 0.03 * harness.SLOW)

    def test_a_session_is_worth_nothing_to_another_rule(self):
        self.balance()
        context = client_context(self.ca.cert)
        with tls_connect(WEB, context, "one.test") as stream:
            stream.recv(1)
            session = stream.tls.session
        with tls_connect(STRICT, context, "one.test", session) as stream:
            self.assertFalse(stream.tls.session_reused)
            self.assertEqual(stream.recv(1), b"a")

    def test_no_data_is_taken_before_the_handshake(self):
        self.balance()
        session, early = self.folder + "/session", self.folder + "/early"
        with open(early, "w", encoding="ascii") as file:
            file.write("early")
        argv = ["openssl", "s_client", "-connect", WEB, "-CAfile", self.ca.cert, "-sess_out", session]
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True) as first:
            wait_for(lambda: os.stat(session).st_size > 0, 20, "a ticket came")
            shown, _ = first.communicate(timeout=20)  # The end of its input ends it.
        self.assertIn("Max Early Data: 0", shown)
        second = self.s_client(WEB, "-sess_in", session, "-early_data", early)
        self.assertIn("Reused, TLSv1.3", second.stdout)
        self.assertNotIn("Early data was accepted", second.stdout)

    def test_the_answer_of_ocsp_is_stapled(self):
        self.balance()
        self.assertIn("Cert Status: good", self.s_client(WEB, "-status").stdout)
        self.assertIn("OCSP response: no response sent",
                      self.s_client(WEB, "-status", name="two.test").stdout)

    def test_what_is_no_handshake_reaches_no_backend(self):
        self.balance()
        for says, reason in ((b"GET / HTTP/1.1\r\n\r\n", "not_tls"), (b"", "timeout"),
                             (b"\x16\x03\x01\x00\x05", "timeout"), (b"\x80" * 600, "not_tls")):
            with self.subTest(says=says[:8]):
                before = self.failures(reason)
                with socket.create_connection(("127.0.0.1", 8443), 20 * harness.SLOW) as client:
                    client.sendall(says)
                    try:
                        while client.recv(100):
                            pass  # An alert, perhaps.
                    except ConnectionError:
                        pass
                wait_for(lambda: self.failures(reason) == before + 1, 10, "counted as " + reason)
        self.assertEqual(self.backend.accepted, 0)
        self.assertEqual(self.lb.sum("lb_rule_refused_total", reason="tls_timeout"), 2)
        self.assertEqual(self.lb.sum("lb_rule_refused_total", reason="tls_handshake"), 2)

    def test_lists_and_the_access_log_tell_of_it(self):
        log = self.folder + "/access.log"
        self.balance(access_log=log)
        with tls_connect(WEB, client_context(self.ca.cert, version=V13), "two.test") as stream:
            stream.recv(1)
            (seen,) = self.lb.json("connections", "list")["items"]
            stream.close_notify()
            stream.read_all()
        told = {key: str(value) for key, value in seen.items()}
        self.assertIn("two.test", told.values())
        self.assertIn("1.3", told.values())

        def line():
            with open(log, encoding="utf-8") as file:
                return json.loads(file.readline())

        line = wait_for(line, 10, "a line of the log")
        self.assertEqual((line["sni"], line["tls_version"]), ("two.test", "1.3"))


if __name__ == "__main__":
    harness.main()
