"""Certificates that are renewed on disk under load: new handshakes see the new one, open connections
live on, and what is broken is refused aloud while the old one stays."""

import os
import shutil

import harness
from harness import wait_for
from harness.certificates import serial
from harness.process import run
from harness.renewing import RenewedPair
from harness.tls import PlainServer, tls_connect
from harness.tls_load import TlsLoad, TlsPump

LISTEN, BACKEND, NAME = "127.0.0.1:8443", "127.0.0.1:9001", "front.test"
OTHER, MOVED = "127.0.0.1:8444", "127.0.0.1:8445"
STREAMS = 10


class CertificateRenewalTest(harness.Case):
    def setUp(self):
        self.pair = RenewedPair(self.folder, NAME)
        tls = {"cert": self.pair.cert, "key": self.pair.key}
        PlainServer(self, "a", BACKEND)
        self.rule = {"name": "web", "listen": LISTEN, "backends": [BACKEND], "tls": tls}
        self.lb = self.balancer().start({"rules": [self.rule]}, workers=2)
        self.pair.watch(self.lb)

    def test_under_load(self):
        streams = [tls_connect(LISTEN, self.pair.context, NAME) for _ in range(STREAMS)]
        for stream in streams:
            stream.read_exactly(1)
        pump = TlsPump(self, streams)
        load = TlsLoad(self, LISTEN, self.pair.context, NAME)
        serials = [self.pair.serial]
        for key in ("ec", "rsa", "ec"):
            self.pair.renew(key=key)
            self.pair.wait_until_shown(LISTEN)
            serials.append(self.pair.serial)
        load.stop()
        pump.stop()
        self.figure("%d handshakes over %d certificates, %d bytes on streams from before all",
                    load.served, len(load.serials), pump.bytes)
        self.assertEqual((load.errors, pump.errors), ([], []))
        self.assertLessEqual(set(load.serials), set(serials))
        self.assertGreaterEqual(len(load.serials), 3)
        for stream in streams:
            self.assertEqual(stream.ask(b"x"), b"x")
            stream.sock.close()

    def test_a_symlink_that_is_swapped(self):
        """As Kubernetes does: the folder of all files is another one from one moment to the next."""
        pairs, folder = [self.pair.issue(), self.pair.issue()], self.pair.folder
        for number, (cert, key) in enumerate(pairs):
            os.makedirs("%s/%d" % (folder, number))
            shutil.copyfile(cert, "%s/%d/cert.pem" % (folder, number))
            shutil.copyfile(key, "%s/%d/key.pem" % (folder, number))
        os.symlink("0", folder + "/data")
        for name in ("cert.pem", "key.pem"):
            os.symlink("data/" + name, folder + "/link")
            os.rename(folder + "/link", folder + "/" + name)
        self.pair.serial = serial(pairs[0][0])
        self.pair.wait_until_shown(LISTEN)
        os.symlink("1", folder + "/link")
        os.rename(folder + "/link", folder + "/data")
        self.pair.serial = serial(pairs[1][0])
        self.pair.wait_until_shown(LISTEN)

    def test_a_broken_pair_holds_up_no_other_one(self):
        other = RenewedPair(self.folder + "/other", NAME)
        rule = {"name": "other", "listen": OTHER, "backends": [BACKEND],
                "tls": {"cert": other.cert, "key": other.key}}
        self.lb.apply({"rules": [self.rule, rule]})
        other.watch(self.lb)
        self.write(self.pair.cert, "nonsense\n")
        wait_for(lambda: self.refused() > 0, 20, "it is refused")
        other.renew()
        other.wait_until_shown(OTHER)
        self.lb.wait_until_synced()
        self.lb.apply({"rules": [dict(self.rule, listen=MOVED), rule]})
        self.assertEqual(self.pair.shown(MOVED), self.pair.serial)
        self.assertGreater(self.refused(), 0)
        status = self.lb.lbctl("status").stdout
        self.assertIn("what was loaded stays", status)
        self.assertRegex(status, "FILE +good")

    def refused(self):
        return self.lb.control_metrics().sum("lb_certificate_refused")

    def check_refused(self, what, spoil):
        with self.subTest(what=what):
            self.assertEqual(self.refused(), 0)
            spoil()
            wait_for(lambda: self.refused() > 0, 20, "it is refused")
            self.assertEqual(self.pair.shown(LISTEN), self.pair.serial)
            self.assertRegex(self.lb.lbctl("cert", "list").stdout, "(?i)refused")
            self.assertNotEqual(self.lb.lbctl("cert", "check").returncode, 0)
            self.assertIn(self.pair.folder, self.lb.lbctl("status").stdout)
            self.pair.renew()
            self.pair.wait_until_shown(LISTEN)
            wait_for(lambda: self.refused() == 0, 20, "nothing is refused any more")
            self.assertNotRegex(self.lb.lbctl("cert", "list").stdout, "(?i)refused")
            self.assertEqual(self.lb.lbctl("cert", "check", "--within", "1h").returncode, 0)

    def write(self, path, text):
        with open(path + ".new", "w", encoding="ascii") as file:
            file.write(text)
        os.rename(path + ".new", path)

    def test_a_broken_pair_is_refused_and_the_old_one_stays(self):
        other, old, pair = self.pair.issue(), self.pair.issue(expired=True), self.pair
        locked = self.folder + "/locked.pem"
        done = run(["openssl", "pkcs8", "-topk8", "-in", other[1], "-out", locked, "-passout", "pass:x"])
        self.assertEqual(done.returncode, 0, done.stderr)
        for what, spoil in (
            ("the key of another", lambda: pair.put((None, other[1]))),
            ("no certificate", lambda: self.write(pair.cert, "nonsense\n")),
            ("an empty file", lambda: self.write(pair.cert, "")),
            ("no file", lambda: os.remove(pair.key)),
            ("one that ended", lambda: pair.put(old)),
            ("a key with a password", lambda: pair.put((other[0], locked))),
        ):
            self.check_refused(what, spoil)


if __name__ == "__main__":
    harness.main()
