"""How connections are spread, with real workers and backends: by load, by client, to backups, and to
one that has just come."""

import collections
import socket
import time

import harness
from harness import Server, wait_for

LISTEN = ("127.0.0.1", 8080)
BACKENDS = {name: "127.0.0.1:%d" % (9001 + i) for i, name in enumerate("abcde")}
FAST_CHECKS = {"interval_ms": 200, "timeout_ms": 100, "rise": 1, "fall": 1}


def config(names="abc", backup="", **keys):
    backends = [{"name": n, "address": BACKENDS[n]} for n in names]
    backends += [{"name": n, "address": BACKENDS[n], "backup": True} for n in backup]
    rule = {"name": "web", "listen": "%s:%d" % LISTEN, "backends": backends, **keys}
    return {"rules": [rule], "health_check": FAST_CHECKS}


def connect(client="127.0.0.1"):
    """(socket, name of the backend that answers)."""
    opened = socket.create_connection(LISTEN, 20, (client, 0))
    opened.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    answer = opened.recv(4096).decode()
    return opened, answer.split("\r\n\r\n")[-1].strip()


def ask(client="127.0.0.1"):
    opened, name = connect(client)
    opened.close()
    return name


def clients(count):
    return ["127.0.%d.%d" % (4 + i // 250, 1 + i % 250) for i in range(count)]


class BalanceTest(harness.Case):
    def start_with(self, workers=2, **keys):
        self.backends = {n: Server(self, n, a) for n, a in BACKENDS.items()}
        self.lb = self.balancer().start(config(**keys), workers=workers)
        self.wait_until_up()

    def wait_until_up(self):
        wait_for(
            lambda: all(
                item["health"] == "HEALTH_STATE_HEALTHY"
                for item in self.lb.items("backends").values()
            ),
            20,
            "every backend is healthy",
        )

    def wait_until_down(self, name):
        wait_for(
            lambda: self.lb.sum("lb_backend_up", backend=name) == 0, 20, "the workers know of " + name
        )

    def test_a_client_stays_with_its_backend_whatever_worker_it_meets(self):
        for balance in ("source_hash", "maglev"):
            with self.subTest(balance=balance):
                self.start_with(names="abcde", balance=balance)
                of = {client: ask(client) for client in clients(100)}
                self.assertEqual(set(of.values()), set("abcde"))
                for client, name in of.items():
                    self.assertEqual([ask(client) for _ in range(4)], [name] * 4, client)
                # One goes: its clients move, nearly nobody else does.
                self.backends["c"].kill()
                self.wait_until_down("c")
                moved = [c for c, name in of.items() if name != "c" and ask(c) != name]
                self.figure("%s: %d of %d others moved", balance, len(moved),
                            sum(name != "c" for name in of.values()))
                self.assertLessEqual(len(moved), 8)
                self.lb.stop()
                for backend in self.backends.values():
                    if backend.process.running():
                        backend.finish()

    def test_the_least_loaded_gets_the_next(self):
        for balance in ("least_connections", "random_two_choices"):
            with self.subTest(balance=balance):
                self.start_with(workers=1, names="ab", balance=balance)
                held = [connect() for _ in range(40)]
                # Whoever holds those of a goes: b has them all, and a is next until it has as many.
                for opened, name in held:
                    if name == "a":
                        opened.close()
                wait_for(lambda: self.lb.sum("lb_backend_connections", backend="a") == 0, 20, "a is idle")
                new = [connect() for _ in range(10)]
                names = collections.Counter(name for _, name in new)
                self.figure("%s: %s", balance, dict(names))
                self.assertGreaterEqual(names["a"], 9 if balance == "least_connections" else 6)
                for opened, _ in held + new:
                    opened.close()
                self.lb.stop()
                for backend in self.backends.values():
                    backend.finish()

    def test_backups_serve_only_while_no_other_does(self):
        self.start_with(names="ab", backup="c")
        self.assertEqual({ask() for _ in range(20)}, {"a", "b"})
        self.backends["a"].kill()
        self.wait_until_down("a")
        self.assertEqual({ask() for _ in range(20)}, {"b"})
        self.backends["b"].kill()
        self.wait_until_down("b")
        self.assertEqual({ask() for _ in range(20)}, {"c"})
        Server(self, "a", BACKENDS["a"])
        # Workers learn of it one after the other.
        wait_for(lambda: {ask() for _ in range(20)} == {"a"}, 20, "a serves again, and no other")

    def test_below_the_panic_threshold_all_are_tried(self):
        self.start_with(names="abcd", panic_threshold="60%")
        for name in "ab":
            self.backends[name].kill()
            self.wait_until_down(name)
        wait_for(lambda: self.lb.sum("lb_rule_panic") == 2, 20, "both workers are in panic")
        before = self.lb.sum("lb_rule_retries_total")
        self.assertEqual({ask() for _ in range(20)}, {"c", "d"})
        self.assertGreater(self.lb.sum("lb_rule_retries_total"), before)

    def test_one_that_comes_gets_its_share_slowly(self):
        slow_start_s = 6 * harness.SLOW
        self.start_with(names="ab", slow_start="%ds" % slow_start_s)
        self.lb.apply(config("abc", slow_start="%ds" % slow_start_s))
        begun = time.monotonic()
        early = collections.Counter(ask() for _ in range(60))
        self.assertLess(time.monotonic() - begun, slow_start_s / 2, "the machine is too slow for this")
        self.figure("at the start: %s", dict(early))
        self.assertLess(early["c"], 60 / 3 * 0.8)
        wait_for(
            lambda: collections.Counter(ask() for _ in range(60))["c"] >= 18, 40, "c has its share"
        )


if __name__ == "__main__":
    harness.main()
