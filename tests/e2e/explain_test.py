"""What lbctl says of limits, of the clients that use them, and of a client's next connection."""

import contextlib
import json
import socket

import harness
from harness import Server, wait_for

BACKENDS = ["127.0.0.1:9001", "127.0.0.1:9002"]
NOBODY = "127.0.0.1:9009"
LIMITED = 8080
LISTED = 8081
HASHED = 8082
PANICKY = 8083


def rule(port, name, **more):
    return {"name": name, "listen": "127.0.0.1:%d" % port, "backends": BACKENDS, **more}


CONFIG = {
    "rules": [
        rule(
            LIMITED,
            "limited",
            rate_limit={"requests_per_second": 1, "burst": 3},
            max_connections=50,
            backend_connection_limit=20,
        ),
        rule(LISTED, "listed", allow=["127.0.0.0/8"], deny=["127.0.0.64/26"]),
        rule(HASHED, "hashed", balance="maglev"),
        {
            "name": "panicky",
            "listen": "127.0.0.1:%d" % PANICKY,
            "backends": [BACKENDS[0], NOBODY],
            "panic_threshold": "60%",
            "health_check": {"interval_ms": 50, "fall": 1},
        },
    ]
}


def connect(port, source):
    """True when it was answered."""
    with contextlib.suppress(ConnectionError):
        with socket.create_connection(("127.0.0.1", port), 20, (source, 0)) as client:
            client.sendall(b"x")
            return client.recv(1)
    return b""


class ExplainTest(harness.Case):
    def setUp(self):
        for name, address in zip("ab", BACKENDS):
            Server(self, name, address)
        self.lb = self.balancer().start(CONFIG, workers=2)

    def explain(self, rule_name, client, code=0):
        words = ("explain", "--rule", rule_name, "--client", client)
        done = self.lb.lbctl(*words)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertIn("CHECK", done.stdout)
        done = self.lb.lbctl(*words, "-o", "json")
        self.assertEqual(done.returncode, code, done.stderr)
        return json.loads(done.stdout)

    def connects(self):
        return {
            name: self.lb.sum("lb_backend_connects_total", rule="hashed", backend=name)
            for name in BACKENDS
        }

    def verdicts(self, explained):
        return {check["name"]: check["verdict"] for check in explained["checks"]}

    def test_who_connects_and_who_is_refused(self):
        for _ in range(20):
            connect(LIMITED, "127.0.0.5")
        connect(LIMITED, "127.0.0.6")
        clients = self.lb.json("get", "clients", "--top", "5", "--rule", "limited")["items"]
        self.assertEqual([client["client"] for client in clients], ["127.0.0.5", "127.0.0.6"])
        self.assertEqual(clients[0]["rule"], "rules/limited")
        self.assertGreater(clients[0]["refusedPerS"], clients[1].get("refusedPerS", 0))
        one = self.lb.json("get", "clients", "--top", "1")["items"]
        self.assertEqual([client["client"] for client in one], ["127.0.0.5"])
        self.assertIn("127.0.0.5", self.lb.lbctl("get", "clients").stdout)

        def refused():
            limits = self.lb.json("get", "limits")["items"]
            self.assertEqual(
                [limit["kind"] for limit in limits],
                ["KIND_RATE", "KIND_RULE_CONNECTIONS"] + 2 * ["KIND_BACKEND_CONNECTIONS"],
            )
            self.assertEqual((limits[0]["ratePerS"], limits[0]["burst"]), (1, 3))
            self.assertEqual(limits[1]["maxConnections"], "50")
            self.assertEqual(limits[2]["maxConnections"], "20")
            return int(limits[0].get("refusedTotal", 0)) >= 10

        wait_for(refused, 10, "the refusals are reported")
        self.assertEqual(self.lb.json("get", "limits", "--rule", "listed").get("items", []), [])

    def test_the_state_of_a_clients_bucket(self):
        fresh = self.explain("limited", "127.0.0.7")
        self.assertEqual(
            self.verdicts(fresh),
            {
                "rate_limit": "VERDICT_PASSED",
                "max_connections": "VERDICT_PASSED",
                "backends": "VERDICT_PASSED",
            },
        )
        self.assertEqual(len(fresh["buckets"]), 2)
        # Asking took nothing.
        self.assertEqual(self.explain("limited", "127.0.0.7")["buckets"], fresh["buckets"])
        while connect(LIMITED, "127.0.0.7"):
            pass

        def spent():
            for _ in range(10):
                connect(LIMITED, "127.0.0.7")
            done = self.lb.lbctl("explain", "--rule", "limited", "--client", "127.0.0.7")
            return done.returncode == 1 and "no token is left" in done.stdout

        wait_for(spent, 20, "no worker has a token")
        self.assertEqual([share["shareRatio"] for share in fresh["candidates"]], [0.5, 0.5])

    def test_the_network_that_decides(self):
        self.assertEqual(self.verdicts(self.explain("listed", "127.0.0.1"))["allow"], "VERDICT_PASSED")
        refused = self.explain("listed", "127.0.0.70", code=1)
        self.assertEqual(self.verdicts(refused)["deny"], "VERDICT_REFUSED")
        self.assertIn("127.0.0.64/26 decides", refused["checks"][0]["why"])
        self.assertEqual(
            self.verdicts(self.explain("listed", "10.0.0.1", code=1))["allow"], "VERDICT_REFUSED"
        )

    def test_the_backend_that_a_hash_names_is_the_one_that_is_met(self):
        seen = set()
        for number in range(1, 20):
            source = "127.0.1.%d" % number
            named = self.explain("hashed", source)["backend"]
            before = self.connects()
            self.assertTrue(connect(HASHED, source))
            met = [name for name, count in self.connects().items() if count > before[name]]
            self.assertEqual(["rules/hashed/backends/" + name for name in met], [named])
            seen.add(named)
        self.assertEqual(len(seen), 2)

    def test_a_backend_that_is_out_says_why(self):
        done = self.lb.lbctl("backend", "drain", "hashed/" + BACKENDS[0])
        self.assertEqual(done.returncode, 0, done.stderr)

        def drained():
            out = self.explain("hashed", "127.0.0.1")["candidates"][0]
            return out.get("whyOut") == "drained" and out.get("shareRatio", 0) == 0

        wait_for(drained, 10, "the drained backend has no share")

    def test_panic_is_seen_wherever_one_looks(self):
        said = "panic in 2 workers: fewer than panic_threshold (60%)"
        wait_for(lambda: said in self.lb.lbctl("status").stdout, 20, "the rule is in panic")
        self.assertIn(said, self.lb.lbctl("describe", "rules/panicky").stdout)
        self.assertIn("1/2 up, PANIC", self.lb.lbctl("get", "rules").stdout)
        explained = self.explain("panicky", "127.0.0.1")
        self.assertEqual(self.verdicts(explained)["panic_threshold"], "VERDICT_PASSED")
        notes = {
            backend["backend"].rsplit("/")[-1]: backend.get("whyIn", "")
            for backend in explained["candidates"]
        }
        self.assertEqual(notes, {BACKENDS[0]: "", NOBODY: "unhealthy; used in panic"})

    def test_limits_are_listed_though_no_worker_is_there(self):
        for worker in self.lb.workers.values():
            worker.process.kill()
        unreachable = "no worker is connected"
        wait_for(lambda: unreachable in self.lb.lbctl("get", "limits").stderr, 20, "both are gone")
        done = self.lb.lbctl("get", "limits")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, "rate_limit +limited .*1/s, burst 3")

    def test_bad_questions_are_refused(self):
        for words in (
            ("explain", "--rule", "limited"),
            ("explain", "--rule", "limited", "--client", "example.com"),
            ("explain", "--rule", "nobody", "--client", "127.0.0.1"),
            ("get", "clients", "--top", "1001"),
            ("get", "rules", "--top", "3"),
        ):
            done = self.lb.lbctl(*words)
            self.assertGreater(done.returncode, 1, words)
            self.assertTrue(done.stderr, words)


if __name__ == "__main__":
    harness.main()
