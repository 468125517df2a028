"""A backend dies under load: its clients are served by the others, and it is left alone until it
is back."""

import harness
from harness import Requests, Server, sample_while, wait_for

INTERVAL_S = 0.5
RISE, FALL = 2, 3
BACKENDS = {"a": "127.0.0.1:9001", "b": "127.0.0.1:9002", "c": "127.0.0.1:9003"}
CLIENTS = 16


def config(protocol):
    return {
        "rules": [
            {
                "name": "web",
                "listen": "127.0.0.1:8080",
                "backends": [{"name": n, "address": a} for n, a in BACKENDS.items()],
            }
        ],
        "health_check": {
            "protocol": protocol,
            "path": "/health",
            "interval_ms": int(INTERVAL_S * 1000),
            "timeout_ms": 200,
            "rise": RISE,
            "fall": FALL,
        },
    }


class BackendDownTest(harness.Case):
    def attempts(self, backend="c"):
        """Connections and failed connects of a backend, over all workers."""
        names = ("lb_backend_connects_total", "lb_backend_connect_failures_total")
        return sum(self.lb.sum(name, rule="web", backend=backend) for name in names)

    def health(self, backend="c"):
        return self.lb.items("backends")[backend]["health"]

    def load(self):
        return Requests(self, "127.0.0.1:8080", clients=CLIENTS, pause_ms=5)

    def start_all(self, protocol):
        self.backends = {n: Server(self, n, a) for n, a in BACKENDS.items()}
        self.lb = self.balancer().start(config(protocol), workers=2, threads=2)
        wait_for(lambda: self.health() == "HEALTH_STATE_HEALTHY", 20, "c is healthy")

    def assert_left_alone(self):
        """Nothing goes to c any more, while the others are busy."""
        before, served = self.attempts(), self.attempts("a")
        sample_while(2, lambda: self.assertEqual(self.attempts(), before), interval=0.2)
        self.assertGreater(self.attempts("a"), served)

    def test_connect_failures_before_the_fall_are_retried_without_an_error(self):
        self.start_all("tcp")
        before = self.attempts()
        self.backends["c"].kill()
        load = self.load()  # Begins while c still counts as healthy.
        wait_for(lambda: self.attempts() > before, 10, "a connect to the dead backend")
        wait_for(lambda: self.health() == "HEALTH_STATE_UNHEALTHY", 20, "c is unhealthy")
        self.assert_left_alone()
        result = load.finish()
        retries = self.lb.sum("lb_rule_retries_total", rule="web")
        self.figure("%d retries, %s", retries, result)
        self.assertEqual(result["errors"], {})
        self.assertGreater(retries, 0)

    def test_killed_under_load_it_gets_nothing_until_it_is_back(self):
        self.start_all("http")
        load = self.load()
        wait_for(lambda: load.report().get("backends", {}).get("c", 0) > 100, 20, "c serves")
        self.backends["c"].kill()
        wait_for(lambda: self.health() == "HEALTH_STATE_UNHEALTHY",
                 FALL * INTERVAL_S + 1, "c is out after `fall` checks")
        wait_for(lambda: self.lb.sum("lb_backend_up", backend="c") == 0, 10, "the worker knows")
        broken = load.report()["errors"]
        # Requests that were with the backend when it was killed; nobody can save those.
        self.assertLessEqual(sum(broken.values()), CLIENTS, broken)
        self.assert_left_alone()

        before = load.report()["backends"]["c"]
        Server(self, "c", BACKENDS["c"])
        wait_for(lambda: load.report()["backends"]["c"] > before,
                 RISE * INTERVAL_S * 10, "c serves again after `rise` checks")
        result = load.finish()
        self.figure("broken by the kill: %s; in all: %s", broken, result)
        self.assertEqual(result["errors"], broken)


if __name__ == "__main__":
    harness.main()
