"""The control plane is killed and stays away: every limit that several workers share goes on being
kept, whatever workers come and go meanwhile, and all is as before when it is back."""

import contextlib
import socket
import time

import harness
from harness import http_get, wait_for
from harness.scripted import read_exactly
from harness.waiting import SLOW
from rate_limit_test import IP_BIND_ADDRESS_NO_PORT, Attempts

RATED = {"name": "rated", "listen": "127.0.0.1:8080", "backends": ["127.0.0.1:9001"],
         "rate_limit": {"requests_per_second": 50, "burst": 25}}
SLOTS = 40
SLOTTED = {"name": "slotted", "listen": "127.0.0.1:8081", "backends": ["127.0.0.1:9001"],
           "max_connections": SLOTS}
BACKEND_SLOTS = 30
SLOTTED_BACKEND = {"name": "to", "listen": "127.0.0.1:8082", "backends": [
    {"name": "small", "address": "127.0.0.1:9002", "max_connections": BACKEND_SLOTS}]}
BUDGET_TTL_S = 2
SETTLED = 0.8  # Of all slots, where both workers want all of them.
SETTLED_S = 1.5 * SLOW  # Above the second for which it is believed that a worker wants more.


class Held:
    """Clients that stay connected to a rule, once they are served."""

    def __init__(self, stack, port):
        self._stack, self._port = stack, port
        self.open = []

    def add(self, count):
        """Tries `count` more, each from an address of its own; returns how many are served."""
        served = 0
        for number in range(count):
            client = self._stack.enter_context(socket.socket())
            client.settimeout(30)
            client.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
            client.bind(("127.0.1.%d" % (1 + number), 0))
            try:
                client.connect(("127.0.0.1", self._port))
                client.sendall(b"x")
                read_exactly(client, 1)
            except (ConnectionError, AssertionError):
                client.close()
                continue
            self.open.append(client)
            served += 1
        return served

    def close(self, count):
        for client in self.open[:count]:
            client.close()
        del self.open[:count]


class ControlPlaneGoneTest(harness.Case):
    def setUp(self):
        self.servers("127.0.0.1:9001", "127.0.0.1:9002")
        config = {"rules": [RATED, SLOTTED, SLOTTED_BACKEND]}
        self.lb = self.balancer().start(config, workers=2)

    def kill_control(self):
        self.lb.control.kill()
        wait_for(lambda: self.lb.sum("lb_controlplane_connected") == 0, 10, "the streams have ended")

    def restart_control(self):
        self.lb.start_control()
        wait_for(lambda: http_get(harness.balancer.HTTP, "/readyz")[0] == 200, 20, "it is ready")
        self.lb.wait_until_synced()

    def flood(self, seconds, what):
        attempts = Attempts(["127.0.2.1"], per_s=300)
        took = attempts.run(seconds)
        admitted = attempts.admitted.total()
        self.figure("%s: %d admitted in %.1f s at 50/s, burst 25", what, admitted, took)
        return admitted, took

    def test_a_rate_limit_falls_back_to_even_parts(self):
        self.flood(2, "with the control plane")
        self.kill_control()
        # The budgets of now and the parts of later follow one another; the burst is used up.
        admitted, took = self.flood(BUDGET_TTL_S + 1, "while its budgets end")
        self.assertLessEqual(admitted, 1.03 * 50 * took + 25)
        self.assertGreater(self.lb.sum("lb_limit_budget_expired_total"), 0)
        self.assertEqual(self.lb.sum("lb_limit_hot_clients"), 2)
        admitted, took = self.flood(4, "without it")
        self.assertLessEqual(admitted, 1.03 * 50 * took + 25)
        self.assertGreaterEqual(admitted, 0.85 * 50 * took)
        # One that comes has no configuration; one that goes takes its part along.
        added = self.lb.start_worker("worker-3")
        wait_for(lambda: http_get(added.http, "/livez")[0] == 200, 20, "a third worker runs")
        self.lb.workers["worker-2"].process.kill()
        admitted, took = self.flood(3, "one killed, one added")
        self.assertFalse(added.ready())
        self.assertLessEqual(admitted, 1.03 * 50 * took + 25)
        self.restart_control()
        admitted, took = self.flood(5, "with the control plane again, two workers")
        self.assertLessEqual(admitted, 1.1 * (50 * took + 25))
        self.assertGreaterEqual(admitted, 0.97 * 50 * took)

    def used(self, **labels):
        return self.lb.sum("lb_backend_connections", **labels)

    def fill(self, held, limit, rule):
        wait_for(lambda: held.add(20) == 0 and len(held.open) == limit, 30, "all slots are in use")
        self.assertEqual(self.used(rule=rule), limit)

    def granted(self, metric, rule):
        return [int(worker.metrics().sum(metric, rule=rule)) for worker in self.lb.workers.values()]

    def settle(self, metric, rule, limit):
        """Slots go back and forth until the control plane knows what each worker wants."""
        seen = {"grants": None, "since": 0}

        def settled():
            grants, now = self.granted(metric, rule), time.monotonic()
            if grants != seen["grants"]:
                seen.update(grants=grants, since=now)
            return sum(grants) >= SETTLED * limit and now - seen["since"] > SETTLED_S

        wait_for(settled, 20, "slots move no more")

    def check_slots(self, port, limit, rule, granted_metric):
        with contextlib.ExitStack() as stack:
            held = Held(stack, port)
            self.fill(held, limit, rule)
            self.settle(granted_metric, rule, limit)
            self.kill_control()
            self.assertEqual(held.add(20), 0)
            # A slot that a worker has to give back, and still uses, stays unused until all are told.
            granted = sum(self.granted(granted_metric, rule))
            self.assertLessEqual(granted, limit)
            self.assertGreaterEqual(granted, SETTLED * limit)
            # Those that are given back can be taken again, by the same workers.
            held.close(limit // 2)
            wait_for(lambda: self.used(rule=rule) == limit - limit // 2, 20, "they are given back")
            self.fill(held, granted, rule)
            self.assertEqual(held.add(20), 0)
            # One that comes has none, and the part of one that goes is free only when it is told.
            added = self.lb.start_worker("worker-3")
            wait_for(lambda: http_get(added.http, "/livez")[0] == 200, 20, "a third worker runs")
            lost = int(self.lb.workers["worker-2"].metrics().sum("lb_rule_connections", rule=rule))
            self.assertGreater(lost, 0)
            self.lb.workers["worker-2"].process.kill()
            self.assertEqual(held.add(20), 0)
            left = granted - lost
            self.assertEqual(self.used(rule=rule), left)
            self.restart_control()
            # The third one gets the part of the one that is gone.
            begun = time.monotonic()

            def all_in_use():
                held.add(20)
                self.assertLessEqual(self.used(rule=rule), limit)
                return self.used(rule=rule) == limit

            wait_for(all_in_use, 30, "all slots are in use again")
            self.figure("%s: %d slots of a dead worker in use after %.1f s", rule, lost,
                        time.monotonic() - begun)

    def test_slots_of_a_rule_stay(self):
        self.check_slots(8081, SLOTS, "slotted", "lb_rule_slots_granted")

    def test_slots_of_a_backend_stay(self):
        self.check_slots(8082, BACKEND_SLOTS, "to", "lb_backend_slots_granted")


if __name__ == "__main__":
    harness.main()
