"""PostgreSQL, Redis and HTTP through the balancer: every answer as from the server itself."""

import hashlib
import os
import random
import re

import harness
from harness import real_peers
from harness.process import run
from harness.real_peers import checked

DIRECT, THROUGH = "127.0.0.2", "127.0.0.1"
BIG_BYTES = 64 << 20


class ProtocolsTest(harness.Case):
    def balance(self, *ports):
        """The same ports on THROUGH, each with the server at DIRECT behind it."""
        rules = [
            {"name": "p%d" % p, "listen": "%s:%d" % (THROUGH, p), "backends": ["%s:%d" % (DIRECT, p)]}
            for p in ports
        ]
        check = {"interval_ms": 1000, "timeout_ms": 500}
        return self.balancer().start({"rules": rules, "health_check": check}, threads=2)

    def big(self):
        return random.Random(1).randbytes(BIG_BYTES)

    def test_postgresql(self):
        real_peers.postgres(self, DIRECT, 5432)
        self.balance(5432)
        client = ["-h", THROUGH, "-p", "5432", "-U", "postgres"]
        checked(["pgbench", *client, "-i", "-q", "-s", "2", "postgres"])
        for mode in (["-c", "16", "-T", "5", "-S"], ["-C", "-S", "-c", "8", "-T", "4"],
                     ["-c", "8", "-T", "4"]):
            out = checked(["pgbench", *client, "-j", "2", *mode, "postgres"])
            failed = re.search(r"failed transactions: (\d+)", out)
            done = re.search(r"transactions actually processed: (\d+)", out)
            self.figure("pgbench %s: %s transactions, tps %s", " ".join(mode), done[1],
                        re.search(r"tps = (\S+)", out)[1])
            self.assertEqual(failed[1], "0", out)
            self.assertGreater(int(done[1]), 0)
        copy = "copy (select g, md5(g::text) from generate_series(1,1000000) g) to stdout"
        sums = {}
        for host in (DIRECT, THROUGH):
            query = ["psql", "-h", host, "-p", "5432", "-U", "postgres", "-Atc", copy, "postgres"]
            text = checked(query)
            sums[host] = hashlib.md5(text.encode()).hexdigest()
            self.assertEqual(text.count("\n"), 1_000_000)
        self.figure("md5 of a copy of a million rows: %s", sums)
        self.assertEqual(sums[DIRECT], sums[THROUGH])

    def test_redis(self):
        real_peers.redis(self, DIRECT, 6379)
        self.balance(6379)
        for options in (["-c", "200", "-n", "100000", "-P", "16", "-d", "1024", "-t", "set,get"],
                        ["-k", "0", "-c", "50", "-n", "5000", "-t", "ping"]):
            done = run(["redis-benchmark", "-h", THROUGH, "-q", *options], 120 * harness.SLOW)
            rates = re.findall(r"(\w+): ([\d.]+) requests per second", done.stdout)
            self.figure("redis-benchmark %s: %s", " ".join(options), rates)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue(rates, done.stdout)
            self.assertNotIn("rror", done.stdout + done.stderr)
        big = os.path.join(self.folder, "big")
        with open(big, "wb") as file:
            file.write(self.big())
        script = "redis-cli -h %s -x set big < %s && redis-cli -h %s --raw get big | " \
            "head -c %d | sha256sum" % (THROUGH, big, THROUGH, BIG_BYTES)
        out = checked(["sh", "-c", script])
        self.assertEqual(out.split("\n")[1].split()[0], hashlib.sha256(self.big()).hexdigest())

    def test_http_1_and_http_2_over_tls(self):
        files = {"index.html": b"hello\n", "big": self.big()}
        real_peers.nginx(self, DIRECT, 8080, 8443, files)
        self.balance(8080, 8443)
        wanted = hashlib.sha256(files["big"]).hexdigest()
        for url, version in (("http://%s:8080" % THROUGH, "1.1"), ("https://%s:8443" % THROUGH, "2")):
            fetch = "curl -sk %s/big | sha256sum" % url
            self.assertEqual(checked(["sh", "-c", fetch]).split()[0], wanted)
            out = checked(["curl", "-sk", "-o", "/dev/null", "-w", "%{http_version}", url + "/"])
            self.assertEqual(out, version)
        alpn = run(["openssl", "s_client", "-connect", THROUGH + ":8443", "-alpn", "h2"])
        self.assertIn("ALPN protocol: h2", alpn.stdout)
        for options in (["--h1", "http://%s:8080/" % THROUGH],
                        ["-m", "32", "https://%s:8443/" % THROUGH]):
            out = checked(["h2load", "-n", "20000", "-c", "32", "-t", "1", *options])
            line = re.search(r"requests: .*", out)[0]
            self.figure("h2load %s: %s; %s", " ".join(options), line,
                        re.search(r"finished in .*", out)[0])
            self.assertIn("20000 succeeded, 0 failed, 0 errored, 0 timeout", line)


if __name__ == "__main__":
    harness.main()
