"""Private keys are seen nowhere: in no log, metric, list or answer, not in the state folder and not in
a debug bundle, neither as the file has them nor as bytes."""

import base64
import os
import tarfile

import harness
from harness import http_get, wait_for
from harness.certificates import Authority
from harness.process import run
from harness.tls import PlainServer, TlsServer, client_context, greeting, server_context

LISTEN, BACKEND, NAME = "127.0.0.1:8443", "127.0.0.1:9001", "front.test"
ASKED = (
    ("config", "get"), ("config", "list", "-o", "json"), ("config", "explain"), ("cert", "list"),
    ("cert", "list", "-o", "json"), ("cert", "check"), ("get", "events", "-o", "json"),
    ("get", "rules", "-o", "json"), ("get", "backends", "-o", "json"), ("status", "-o", "json"),
    ("describe", "rule", "web"), ("connections", "list", "-o", "json"), ("get", "workers", "-o", "json"),
)


class TlsSecretsTest(harness.Case):
    def setUp(self):
        self.ca = Authority(self.folder + "/ca")
        self.pairs = {
            "front": self.ca.issue("front", "DNS:" + NAME),
            "rsa": self.ca.issue("rsa", "DNS:rsa.test", key="rsa"),
            "own": self.ca.issue("own", "DNS:lb.test", usage="clientAuth"),
        }
        self.canaries = [canary for pair in self.pairs.values() for canary in canaries(pair[1])]

    def config(self, **more):
        front, rsa, own = (dict(zip(("cert", "key"), self.pairs[n])) for n in ("front", "rsa", "own"))
        rule = {"name": "web", "listen": LISTEN, "backends": [BACKEND],
                "tls": {"certificates": [front, rsa]},
                "backend_tls": {"ca": self.ca.cert, "server_name": "back.test", **own}, **more}
        return {"rules": [rule], "access_log": self.folder + "/access.log"}

    def see(self, what, data):
        if isinstance(data, str):
            data = data.encode()
        for canary in self.canaries:
            self.assertNotIn(canary, data, what)

    def see_folder(self, folder):
        for base, _, names in os.walk(folder):
            for name in names:
                with open(os.path.join(base, name), "rb") as file:
                    self.see(name, file.read())

    def test_a_key_that_others_may_read_is_told_before_it_is_used(self):
        lb = self.balancer()
        lb.write(self.config())
        key = self.pairs["rsa"][1]
        for mode, told in ((0o600, False), (0o644, True)):
            os.chmod(key, mode)
            checked = lb.lbctl("config", "validate", lb.config_path)
            self.assertEqual(checked.returncode, 0)
            self.assertEqual("LB0246" in checked.stdout + checked.stderr, told, checked)

    def test_nothing_shows_a_key(self):
        back = self.ca.issue("back", "DNS:back.test")
        TlsServer(self, "b", BACKEND, server_context(back, client_ca=self.ca.cert))
        lb = self.balancer()
        lb.write(self.config())
        lb.start_control(flags=["--log-level", "debug"])
        worker = lb.start_worker(flags=["--log-level", "debug"])
        worker.wait_until_ready()
        lb.wait_until_synced()
        self.assertEqual(greeting(LISTEN, client_context(self.ca.cert), NAME), "b")
        # Refused ones too: the key of another, and one that is no key.
        nonsense = os.path.join(self.folder, "nonsense.pem")
        with open(nonsense, "wb") as file, open(self.pairs["rsa"][1], "rb") as key:
            file.write(key.read().replace(b"PRIVATE KEY", b"SOMETHING"))
        for bad in (self.pairs["rsa"][1], nonsense):
            lb.write(self.config(tls={"cert": self.pairs["front"][0], "key": bad}))
            wait_for(lambda: not lb.json("status")["file"].get("good"), 20, "the file is refused")
            done = lb.lbctl("config", "validate", lb.config_path)
            self.assertNotEqual(done.returncode, 0)
            self.see("validate", done.stdout + done.stderr)
            lb.write(self.config())
            wait_for(lambda: lb.json("status")["file"].get("good"), 20, "the file is good")
        for arguments in ASKED:
            done = lb.lbctl(*arguments)
            self.see(arguments, done.stdout + done.stderr)
        for http in (harness.balancer.HTTP, worker.http):
            self.see("metrics", http_get(http, "/metrics")[1])
        out = os.path.join(self.folder, "b.tar.gz")
        done = lb.lbctl("debug", "bundle", "--out", out, "--duration", "1s")
        self.assertEqual(done.returncode, 0, done.stderr)
        with tarfile.open(out) as bundle:
            members = [member for member in bundle.getmembers() if member.isfile()]
            self.assertGreater(len(members), 5)
            for member in members:
                self.see(member.name, bundle.extractfile(member).read())
        self.see_folder(lb.state)
        with open(self.folder + "/access.log", "rb") as file:
            self.see("the access log", file.read())
        for process in (lb.control, worker.process):
            self.see("log", process.log())
            self.see("stdout", process.out())

    def test_the_canaries_are_in_the_files(self):
        """Else the other test would find nothing for the wrong reason."""
        for _, key in self.pairs.values():
            with open(key, "rb") as file:
                text = file.read()
            self.assertTrue(any(canary in text for canary in canaries(key)))


def canaries(path):
    """Parts of a private key as they could be seen: lines of the file, its bytes, and as text."""
    with open(path, "rb") as file:
        lines = file.read().split(b"\n")
    found = [line for line in lines[1:-2] if len(line) == 64]
    done = run(["sh", "-c", "openssl pkey -in %s -outform DER | base64 -w0" % path])
    data = base64.b64decode(done.stdout)
    # PKCS #8 of P-256 has the number from byte 36 on (RFC 5915), of RSA-2048 a prime here.
    secret = data[40:64] if len(data) < 300 else data[700:740]
    return [*found, secret, secret.hex().encode(), base64.b64encode(secret)]


if __name__ == "__main__":
    harness.main()
