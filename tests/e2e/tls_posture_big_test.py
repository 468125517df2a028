"""What scanners of TLS servers find: testssl.sh and sslscan, against the defaults."""

import json
import os
import re

import harness
from harness import Server
from harness.certificates import Authority
from harness.process import run

LISTEN, BACKEND, NAME = "127.0.0.1:8443", "127.0.0.1:9001", "front.test"
FINE = {"OK", "INFO", "LOW", "DEBUG"}
# The authority is one of ours, which no store of the world knows; and no such authority has a place
# for revocations. HTTP passes through: that is the backend's business. And openssl(1) here knows no
# GOST.
NOT_OURS = re.compile(r"(cert_chain_of_trust|cert_revocation|cert_trust|HSTS|HTTP_|security_headers|"
                      r"cookie_|banner_|overall_grade|grade_cap_reason|DNS_CAA|engine_problem).*")
SCAN_S = 600


class TlsPostureBigTest(harness.Case):
    def setUp(self):
        self.ca = Authority(self.folder)
        names = ("DNS:" + NAME, "IP:127.0.0.1")
        pairs = [self.ca.issue(key, *names, days=90, key=key) for key in ("ec", "rsa")]
        certificates = [{"cert": cert, "key": key} for cert, key in pairs]
        certificates[0]["ocsp"] = self.ca.ocsp(pairs[0][0])
        Server(self, "a", BACKEND)
        rule = {"name": "web", "listen": LISTEN, "backends": [BACKEND],
                "tls": {"certificates": certificates, "alpn": ["http/1.1"]}}
        self.lb = self.balancer().start({"rules": [rule]})

    def test_testssl_finds_nothing_above_low(self):
        out = os.path.join(self.folder, "testssl.json")
        argv = ["testssl", "--quiet", "--color", "0", "--warnings", "batch", "--nodns", "none"]
        argv += ["--add-ca", self.ca.cert, "--ip", "127.0.0.1", "--jsonfile", out, NAME + ":8443"]
        done = run(argv, SCAN_S)
        print(done.stdout, flush=True)
        with open(out, encoding="utf-8") as file:
            findings = json.load(file)
        worse = ["%s %s: %s" % (found["severity"], found["id"], found["finding"]) for found in findings
                 if found["severity"] not in FINE and not NOT_OURS.fullmatch(found["id"])]
        self.figure("%d findings", len(findings))
        self.assertGreater(len(findings), 100)
        self.assertEqual(worse, [])
        by_id = {found["id"].split()[0]: found["finding"] for found in findings}
        self.assertIn("not offered", by_id["TLS1_1"])
        self.assertIn("offered", by_id["TLS1_3"])

    def test_sslscan(self):
        done = run(["sslscan", "--no-colour", "--show-certificate", "--sni-name=" + NAME, LISTEN], SCAN_S)
        print(done.stdout, flush=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        for name, state in (("SSLv2", "disabled"), ("SSLv3", "disabled"), ("TLSv1.0", "disabled"),
                            ("TLSv1.1", "disabled"), ("TLSv1.2", "enabled"), ("TLSv1.3", "enabled")):
            self.assertRegex(done.stdout, r"%s\s+%s" % (re.escape(name), state))
        self.assertRegex(done.stdout, "[Rr]enegotiation not supported")
        self.assertNotIn("vulnerable to heartbleed", done.stdout.replace("not vulnerable", ""))
        suites = re.findall(r"^(?:Preferred|Accepted)\s+TLSv1.2\s+\d+ bits\s+(\S+)", done.stdout, re.M)
        self.assertTrue(suites)
        for suite in suites:
            self.assertRegex(suite, "^ECDHE-(ECDSA|RSA)-(AES(128|256)-GCM|CHACHA20)")


if __name__ == "__main__":
    harness.main()
