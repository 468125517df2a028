"""Unauthenticated connections, many and with descriptors used up: the API answers again by itself,
within five seconds. And a key's content never shows."""

import collections
import glob
import os
import socket
import time

import harness
from harness import wait_for
from harness.balancer import HTTP
from harness.certificates import Authority, tls_flags
from harness.kernel import descriptors, set_limit, soft_limit

ADMIN = "127.0.0.1:9901"
WORKER = "127.0.0.1:9902"
CONFIG = {"rules": [{"name": "web", "listen": "127.0.0.1:8080", "backends": ["127.0.0.1:9001"]}]}
IDLE, SHORT = 300, 2000  # api_flood_big_test.py has more.
RECOVERS_WITHIN_S = 5


class ApiFloodTest(harness.Case):
    def setUp(self):
        self.ca = Authority(os.path.join(self.folder, "pki"))
        self.server = self.ca.issue_server()
        self.admin = tls_flags(self.ca.cert, self.ca.issue_role("admin", "x"))
        self.lb = self.balancer()
        self.lb.write(CONFIG)
        flags = ["--admin-api", ADMIN, "--worker-api", WORKER, "--log-level", "debug"]
        self.lb.start_control(flags=flags + tls_flags(self.ca.cert, self.server))
        self.lb.admin_api = ADMIN
        wait_for(self.answers, 20, "the control plane answers")

    def answers(self):
        done = self.lb.lbctl("--timeout", "2s", "status", *self.admin)
        return done.returncode == 0

    def connect(self, source):
        client = socket.socket()
        client.setblocking(False)
        client.bind((source, 0))
        client.connect_ex(("127.0.0.1", 9901))
        return client

    def speak(self, client):
        with client:
            try:
                client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            except OSError:
                pass  # Refused: what should happen to most.

    def flood(self):
        """Idle connections from many addresses, then short ones that send what is no TLS."""
        idle = [self.connect("127.0.%d.%d" % (1 + i // 200, 1 + i % 200)) for i in range(IDLE)]
        for client in idle:
            self.addCleanup(client.close)
        # Whether they are let in or not, they come at the pace of this process.
        under_way = collections.deque()
        for i in range(SHORT):
            under_way.append(self.connect("127.1.0.%d" % (1 + i % 200)))
            if len(under_way) > 100:
                self.speak(under_way.popleft())
        for client in under_way:
            self.speak(client)
        return idle

    def assert_recovers(self):
        started = time.monotonic()
        wait_for(self.answers, RECOVERS_WITHIN_S, "the API answers again")
        self.figure("%d idle, %d short connections; answers %.2f s later", IDLE, SHORT,
                    time.monotonic() - started)
        self.assertTrue(self.lb.control.running())

    def grpc_lines(self):
        """What gRPC itself has said in the log."""
        return [line for line in self.lb.control.log().splitlines() if " grpc text=" in line]

    def test_grpc_says_more_when_asked_and_its_lines_are_bounded(self):
        quiet = len(self.grpc_lines())
        for level in ("debug", "default"):
            done = self.lb.lbctl("log-level", "set", "controlplane/grpc", level, *self.admin)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("controlplane/grpc", done.stdout)
            if level == "debug":
                started = time.monotonic()
                self.flood()
                took = time.monotonic() - started
                self.assert_recovers()
                said = len(self.grpc_lines()) - quiet
        self.figure("%d lines of gRPC in %.1f s", said, took)
        self.assertGreater(said, 0)
        # The bound is of whole seconds, and the recovery takes a few.
        self.assertLess(said, 100 * (time.monotonic() - started + 2))

    def test_it_answers_again_after_unauthenticated_connections(self):
        self.flood()
        self.assert_recovers()
        refused = self.lb.control_metrics().sum("lb_api_refused_total", api="admin")
        self.assertGreater(refused, 0)
        wait_for(lambda: self.lb.control_metrics().sum("lb_api_connections", api="admin") < 2, 10,
                 "every connection of the flood is over")

    def test_it_answers_again_after_descriptors_ran_out(self):
        usual = soft_limit(self.lb.control)
        set_limit(self.lb.control, descriptors(self.lb.control) + 20)
        self.flood()
        set_limit(self.lb.control, usual)
        self.assert_recovers()

    def canary_of(self, key):
        with open(key, encoding="ascii") as file:
            return file.read().split("\n")[1]  # The first line of the key itself.

    def broken_key(self, name, canary):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="ascii") as file:
            file.write("-----BEGIN PRIVATE KEY-----\n%s\n" % canary)
        os.chmod(path, 0o600)
        return path

    def start_workers(self, pair, broken):
        """One that serves, and one whose key is broken, which it says; both tell all they do."""
        debug = ["--log-level", "debug"]
        self.lb.start_worker("worker-1", control=WORKER, flags=debug + tls_flags(
            self.ca.cert, pair)).wait_until_ready()
        bad = self.lb.start_worker("worker-2", control=WORKER, flags=debug + tls_flags(
            self.ca.cert, (pair[0], broken)))
        self.assertEqual(bad.process.wait(20 * harness.SLOW), 1)
        self.assertIn("--tls-key", bad.process.log())

    def test_a_key_never_shows(self):
        worker_pair = self.ca.issue_role("worker", "worker-1")
        canary, workers_canary = map(self.canary_of, (self.server[1], worker_pair[1]))
        self.assertTrue(self.answers())
        self.start_workers(worker_pair, self.broken_key("worker.key", workers_canary))
        # A key of another certificate, and one that is broken: both are talked about.
        broken = self.broken_key("broken.key", canary)
        says = self.lb.lbctl("status", *tls_flags(self.ca.cert, (worker_pair[0], broken)))
        self.assertIn("--tls-key", says.stderr)
        os.replace(broken, self.server[1])
        log = self.lb.control.log
        wait_for(lambda: "the new TLS files are refused" in log(), 10, "the broken key is refused")
        shown = says.stdout + says.stderr
        for http in (HTTP, self.lb.workers["worker-1"].http):
            shown += harness.http_get(http, "/metrics")[1]
        for process in self.processes:
            shown += process.log() + process.out()
            for name in ("cmdline", "environ") if process.running() else ():
                with open("/proc/%d/%s" % (process.pid, name), "rb") as file:
                    shown += file.read().decode(errors="replace")
        self.assertIn(worker_pair[1], shown, "the command lines name the files")
        for path in glob.glob(self.lb.state + "/**", recursive=True):
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    shown += file.read().decode(errors="replace")
        self.assertNotIn(canary, shown)
        self.assertNotIn(workers_canary, shown)


if __name__ == "__main__":
    harness.main()
