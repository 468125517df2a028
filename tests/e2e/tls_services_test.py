"""PostgreSQL, Redis and HTTPS with TLS on both sides of the balancer, or through it untouched: every
answer as from the server itself, every certificate verified."""

import hashlib
import os
import random
import re
import socket
import threading

import harness
from harness import real_peers
from harness.certificates import Authority
from harness.process import run
from harness.real_peers import checked
from harness.scripted import ScriptedServer, connect, read_exactly

DIRECT, THROUGH = "127.0.0.2", "127.0.0.1"
BIG_BYTES = 32 << 20
# What a PostgreSQL client sends before TLS ("SSLRequest"), and the server's yes.
SSL_REQUEST, YES = bytes.fromhex("0000000804d2162f"), b"S"


class DirectTls:
    """Makes PostgreSQL 15 speak TLS from the first byte on, as version 17 can by itself.

    Before TLS begins, a client asks the server in the clear whether it may. Beside the client and
    beside the server one of these takes the question and the answer out; all else passes as it is,
    so that the handshakes are those of client and balancer, and of balancer and server.
    """

    def __init__(self, case, listen, to, beside_client):
        self._to, self._beside_client = to, beside_client
        ScriptedServer(case, self._serve, listen)

    def _serve(self, connection):
        if self._beside_client:
            if read_exactly(connection, len(SSL_REQUEST)) != SSL_REQUEST:
                return
            connection.sendall(YES)
        with connect("%s:%d" % self._to) as server:
            if not self._beside_client:
                server.sendall(SSL_REQUEST)
                if server.recv(1) != YES:
                    return
            back = threading.Thread(target=_copy, args=(server, connection))
            back.start()
            _copy(connection, server)
            back.join()


def _copy(source, destination):
    """Passes bytes on until the end, and the end too."""
    try:
        while data := source.recv(1 << 16):
            destination.sendall(data)
        destination.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # The other direction tells.


class TlsServicesTest(harness.Case):
    def setUp(self):
        self.ca = Authority(self.folder)
        self.front = self.ca.issue("front", "DNS:front.test", "DNS:localhost")
        self.back = self.ca.issue("back", "DNS:back.test", "IP:" + DIRECT)
        self.data = random.Random(1).randbytes(BIG_BYTES)

    def balance(self, port, backend, re_encrypt=True, **more):
        """TLS on THROUGH:`port`, and towards the backend as well unless `re_encrypt` is false."""
        rule = {"name": "p", "listen": "%s:%d" % (THROUGH, port), "backends": [backend],
                "tls": {"cert": self.front[0], "key": self.front[1]}, **more}
        if re_encrypt:
            rule["backend_tls"] = {"ca": self.ca.cert, "server_name": "back.test"}
        return self.balancer().start({"rules": [rule]})

    def test_postgresql_verified_on_both_sides(self):
        settings = ["ssl=on", "ssl_cert_file=" + self.back[0], "ssl_key_file=" + self.back[1]]
        real_peers.postgres(self, DIRECT, 5432, settings)
        DirectTls(self, (DIRECT, 5433), (DIRECT, 5432), beside_client=False)
        self.balance(5434, DIRECT + ":5433")
        DirectTls(self, (THROUGH, 5432), (THROUGH, 5434), beside_client=True)
        env = {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": self.ca.cert}
        client = ["-h", "localhost", "-p", "5432", "-U", "postgres"]
        sql = "select ssl, version from pg_stat_ssl where pid = pg_backend_pid()"
        shown = checked(["psql", *client, "-Atc", sql, "postgres"], env=env)
        self.figure("the server's side: %s", shown.strip())
        self.assertIn("t|TLSv1.3", shown)
        checked(["pgbench", *client, "-i", "-q", "-s", "1", "postgres"], env=env)
        for mode in (["-C", "-S", "-c", "4", "-T", "3"], ["-c", "8", "-T", "3"]):
            out = checked(["pgbench", *client, "-j", "2", *mode, "postgres"], env=env)
            done = re.search(r"transactions actually processed: (\d+)", out)[1]
            self.figure("pgbench %s: %s transactions", " ".join(mode), done)
            self.assertEqual(re.search(r"failed transactions: (\d+)", out)[1], "0", out)
            self.assertGreater(int(done), 0)
        copy = "copy (select g, md5(g::text) from generate_series(1,300000) g) to stdout"
        sums = set()
        for host in (DIRECT, "localhost"):
            query = ["psql", "-h", host, "-p", "5432", "-U", "postgres", "-Atc", copy, "postgres"]
            sums.add(hashlib.md5(checked(query, env=env).encode()).hexdigest())
        self.assertEqual(len(sums), 1)

    def test_redis_over_tls(self):
        flags = ["--tls-port", "6380", "--tls-cert-file", self.back[0], "--tls-key-file", self.back[1]]
        flags += ["--tls-ca-cert-file", self.ca.cert, "--tls-auth-clients", "no"]
        real_peers.redis(self, DIRECT, 6379, flags)
        self.balance(6380, DIRECT + ":6380")
        client = ["-h", "localhost", "-p", "6380", "--tls", "--cacert", self.ca.cert]
        client += ["--sni", "front.test"]
        self.assertEqual(checked(["redis-cli", *client, "ping"]), "PONG\n")
        for options in (["-c", "50", "-n", "20000", "-P", "16", "-d", "1024", "-t", "set,get"],
                        ["-k", "0", "-c", "10", "-n", "1000", "-t", "ping"]):
            done = run(["redis-benchmark", *client, "-q", *options], 120 * harness.SLOW)
            rates = re.findall(r"(\w+): ([\d.]+) requests per second", done.stdout)
            self.figure("redis-benchmark %s: %s", " ".join(options), rates)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue(rates, done.stdout)
            self.assertNotIn("rror", done.stdout + done.stderr)
        big = os.path.join(self.folder, "big")
        with open(big, "wb") as file:
            file.write(self.data)
        cli = "redis-cli " + " ".join(client)
        script = "%s -x set big < %s && %s --raw get big | head -c %d | sha256sum"
        out = checked(["sh", "-c", script % (cli, big, cli, BIG_BYTES)])
        self.assertEqual(out.split("\n")[1].split()[0], hashlib.sha256(self.data).hexdigest())

    def check_https(self, port, version):
        wanted = hashlib.sha256(self.data).hexdigest()
        curl = "curl -sS --cacert %s --resolve front.test:%d:%s" % (self.ca.cert, port, THROUGH)
        url = "https://front.test:%d" % port
        out = checked(["sh", "-c", "%s %s/big | sha256sum" % (curl, url)])
        self.assertEqual(out.split()[0], wanted)
        out = checked([*curl.split(), "-o", "/dev/null", "-w", "%{http_version}", url + "/"])
        self.assertEqual(out, version)
        flags = ["--h1"] if version == "1.1" else ["-m", "16"]
        out = checked(["h2load", "-n", "5000", "-c", "16", "-t", "1", *flags,
                       "https://%s:%d/" % (THROUGH, port)])
        line = re.search(r"requests: .*", out)[0]
        self.figure("h2load %s: %s", " ".join(flags), line)
        self.assertIn("5000 succeeded, 0 failed, 0 errored, 0 timeout", line)

    def nginx(self):
        files = {"index.html": b"hello\n", "big": self.data}
        real_peers.nginx(self, DIRECT, 8080, 8443, files, self.front)

    def test_https_that_ends_here(self):
        self.nginx()
        self.balance(8443, DIRECT + ":8080", re_encrypt=False)
        self.check_https(8443, "1.1")

    def test_https_again_towards_nginx(self):
        self.nginx()
        tls = {"cert": self.front[0], "key": self.front[1], "alpn": ["h2"]}
        backend_tls = {"ca": self.ca.cert, "server_name": "front.test", "alpn": ["h2"]}
        self.balance(8443, DIRECT + ":8443", False, tls=tls, backend_tls=backend_tls)
        self.check_https(8443, "2")

    def test_https_that_passes_through_by_name(self):
        self.nginx()
        rule = {"name": "p", "listen": THROUGH + ":8443",
                "sni": [{"names": ["front.test"], "backends": [DIRECT + ":8443"]}]}
        # h2load asks for no name where the URL has an address.
        rule["backends"] = [{"name": "default", "address": DIRECT + ":8443"}]
        lb = self.balancer().start({"rules": [rule]})
        self.check_https(8443, "2")
        self.assertGreater(lb.sum("lb_rule_sni_connections_total", route="front.test"), 0)
        self.assertEqual(lb.sum("lb_tls_handshakes_total"), 0)


if __name__ == "__main__":
    harness.main()
