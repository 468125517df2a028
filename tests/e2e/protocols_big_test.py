"""More real protocols through the balancer, from packages too large for every run."""

import hashlib
import os
import random
import re

import harness
from harness import big_peers
from harness.process import run
from harness.real_peers import checked

DIRECT, THROUGH = "127.0.0.2", "127.0.0.1"
MESSAGES = 2000

AMQP = """
import hashlib, pika, sys
parameters = pika.ConnectionParameters(sys.argv[1], int(sys.argv[2]), heartbeat=5)
connection = pika.BlockingConnection(parameters)
channel = connection.channel()
channel.confirm_delivery()
channel.queue_declare("q")
count = int(sys.argv[3])
bodies = [(b"%d " % n) * (n % 200) for n in range(count)]
for body in bodies:
    channel.basic_publish("", "q", body)
connection.sleep(12)  # Idle but for heartbeats.
got = []
for method, properties, body in channel.consume("q", auto_ack=True):
    got.append(body)
    if len(got) == count:
        break
connection.close()
assert got == bodies
print("identical", len(got), hashlib.sha256(b"".join(got)).hexdigest())
"""


class ProtocolsBigTest(harness.Case):
    def balance(self, port):
        rule = {"name": "p", "listen": "%s:%d" % (THROUGH, port)}
        rule["backends"] = ["%s:%d" % (DIRECT, port)]
        # A connect check would fill the servers' logs with broken handshakes.
        return self.balancer().start({"rules": [rule]}, threads=2)

    def shell(self, script, timeout=120, env=None):
        return checked(["bash", "-c", "set -o pipefail\n" + script], timeout, env=env)

    def test_mariadb_which_speaks_first(self):
        big_peers.mariadb(self, DIRECT, 3306)
        self.balance(3306)
        login = ["--mysql-host=" + THROUGH, "--mysql-port=3306", "--mysql-user=lb"]
        sysbench = ["sysbench", "oltp_read_write", *login, "--mysql-password=lb", "--tables=2"]
        sysbench += ["--table-size=5000", "--threads=16"]
        checked(sysbench + ["prepare"])
        out = checked(sysbench + ["--time=8", "run"])
        reconnects = re.search(r"reconnects:\s+(\d+)", out)[1]
        self.figure("sysbench: %s, reconnects: %s", re.search(r"transactions:.*", out)[0], reconnects)
        self.assertEqual(reconnects, "0")
        query = "select count(*), sum(crc32(c)) from sbtest1"
        sums = [
            checked(["mariadb", "--no-defaults", "-h", host, "-u", "lb", "-plb", "sbtest", "-e", query])
            for host in (DIRECT, THROUGH)
        ]
        self.assertEqual(sums[0], sums[1])
        self.assertIn("5000", sums[0])

    def test_rabbitmq(self):
        big_peers.rabbitmq(self, DIRECT, 5672)
        self.balance(5672)
        out = checked(["/usr/bin/python3", "-c", AMQP, THROUGH, "5672", str(MESSAGES)])
        self.figure("AMQP: %s", out.strip())
        self.assertIn("identical %d" % MESSAGES, out)

    def test_nats(self):
        big_peers.nats(self, DIRECT, 4222)
        self.balance(4222)
        script = r"printf 'SUB foo 1\r\nPUB foo 5\r\nhello\r\nPING\r\n' | socat -t2 - TCP:%s:4222"
        out = self.shell(script % THROUGH)
        for line in ("INFO ", "MSG foo 1 5", "hello", "PONG"):
            self.assertIn(line, out)

    def test_smtp(self):
        store = os.path.join(self.folder, "mail")
        big_peers.smtp(self, DIRECT, 2525, store)
        self.balance(2525)
        body = os.path.join(self.folder, "body")
        with open(body, "w", encoding="ascii") as file:
            for number in range(400_000):
                file.write("line %d %s\n" % (number, "x" * 50))
        for host in (DIRECT, THROUGH):
            argv = ["swaks", "--server", host + ":2525", "--from", "a@x", "--to", "b@x"]
            argv += ["--header", "Date: now", "--header", "Message-Id: <1@x>", "--body", "@" + body]
            checked(argv + ["--suppress-data"])
        with open(body, "rb") as file:
            wanted = hashlib.sha256(file.read().replace(b"\n", b"\r\n")).hexdigest()
        for name in ("1", "2"):
            with open(os.path.join(store, name), "rb") as file:
                mail = file.read().split(b"\r\n\r\n", 1)[1].rstrip(b"\r\n") + b"\r\n"
            self.figure("SMTP: a message of %d bytes", len(mail))
            self.assertEqual(hashlib.sha256(mail).hexdigest(), wanted)

    def test_ldap(self):
        big_peers.slapd(self, DIRECT, 3389)
        self.balance(3389)
        ldif = os.path.join(self.folder, "e.ldif")
        with open(ldif, "w", encoding="utf-8") as file:
            file.write("dn: dc=t\nobjectClass: domain\ndc: t\n\n")
            for n in range(500):
                file.write("dn: cn=u%d,dc=t\nobjectClass: person\ncn: u%d\nsn: s\n\n" % (n, n))
        url = "ldap://%s:3389" % THROUGH
        out = checked(["ldapadd", "-x", "-H", url, "-D", "cn=admin,dc=t", "-w", "x", "-f", ldif])
        self.assertEqual(out.count("adding new entry"), 501)
        search = ["ldapsearch", "-x", "-LLL", "-H", url, "-b", "dc=t", "-E", "pr=100/noprompt"]
        out = checked(search + ["(objectClass=person)", "cn"])
        self.assertEqual(len(re.findall(r"^dn: cn=u", out, re.M)), 500)

    def test_mqtt(self):
        big_peers.mosquitto(self, DIRECT, 1883)
        self.balance(1883)
        subscribe = ["mosquitto_sub", "-h", THROUGH, "-i", "s", "-c", "-q", "2", "-t", "t/#"]
        checked(subscribe + ["-E"])  # From here on the server keeps messages for "s".
        out = self.shell(
            "%s -C %d > %s/got & subscriber=$!\n"
            "seq 1 %d | mosquitto_pub -h %s -q 2 -t t/a -l\n"
            "wait $subscriber; seq 1 %d | cmp - %s/got && echo same"
            % (" ".join(subscribe), MESSAGES, self.folder, MESSAGES, THROUGH, MESSAGES, self.folder)
        )
        self.assertIn("same", out)
        big = os.path.join(self.folder, "big")
        with open(big, "wb") as file:
            file.write(random.Random(1).randbytes(64 << 20))
        # Retained, so that a later subscriber gets it.
        checked(["mosquitto_pub", "-h", THROUGH, "-q", "2", "-r", "-t", "big", "-f", big])
        out = self.shell(
            "mosquitto_sub -h %s -q 2 -t big -C 1 -N | cmp - %s && echo same" % (THROUGH, big)
        )
        self.assertIn("same", out)

    def test_grpc_of_etcd(self):
        big_peers.etcd(self, DIRECT, 2379)
        self.balance(2379)
        etcdctl = ["etcdctl", "--endpoints=http://%s:2379" % THROUGH]
        env = {"ETCDCTL_API": "3"}
        checked(etcdctl + ["put", "key", "value"], env=env)
        self.assertEqual(checked(etcdctl + ["get", "key"], env=env), "key\nvalue\n")
        done = run(etcdctl + ["check", "perf", "--load=s"], 180, env=env)
        lines = [line for line in done.stdout.replace("\r", "\n").split("\n") if "PASS" in line]
        self.figure("etcdctl check perf: %s", lines)
        self.assertIn("PASS: Throughput", done.stdout)
        self.assertNotIn("FAIL: Too many errors", done.stdout)


if __name__ == "__main__":
    harness.main()
