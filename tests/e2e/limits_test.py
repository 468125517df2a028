"""A rule's own limit, its queue, and the addresses it connects from, through the real programs."""

import contextlib
import socket

import harness
from harness import Requests, Server, namespace, wait_for
from harness.scripted import read_exactly

LISTEN = "127.0.0.1:8080"
BACKEND = "127.0.0.1:9001"
LIMIT = 40
IP_BIND_ADDRESS_NO_PORT = 24  # ip(7); not in Python's socket module.
PORTS = 10  # For each source address.


def rule(**more):
    return {"rules": [{"name": "web", "listen": LISTEN, "backends": [BACKEND], **more}]}


def answers(client):
    try:
        client.sendall(b"x")
        return read_exactly(client, 1) == b"x"
    except (ConnectionError, AssertionError):
        return False


def open_clients(stack, count):
    """Opens clients one after the other, each from another address, so that none is short of ports;
    None for one that was reset before it was open."""
    for number in range(count):
        client = stack.enter_context(socket.socket())
        client.settimeout(30)
        # Only connect(2) takes a port: one that bind(2) took is taken for all addresses.
        client.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        client.bind(("127.0.1.%d" % (number + 1), 0))
        try:
            client.connect(("127.0.0.1", 8080))
            yield client
        except ConnectionResetError:
            yield None


def served_clients(stack, count):
    """How many of `count` clients are answered; all stay open."""
    return sum(client is not None and answers(client) for client in open_clients(stack, count))


class LimitsTest(harness.Case):
    def test_a_rules_limit_holds_over_two_workers(self):
        Server(self, "a", BACKEND)
        lb = self.balancer().start(rule(max_connections=LIMIT), workers=2)
        with contextlib.ExitStack() as stack:
            # Slots move to where they are asked for, so not every early refusal is for good.
            wait_for(lambda: served_clients(stack, 20) == 0 and
                     lb.sum("lb_rule_connections") == LIMIT, 30, "all slots are in use")
            self.assertEqual(lb.sum("lb_rule_connections"), LIMIT)
            # One may be on its way from one worker to the other just now.
            wait_for(lambda: lb.sum("lb_rule_slots_granted") == LIMIT, 10, "all slots are granted")
            self.assertEqual(lb.sum("lb_backend_connections"), LIMIT)
            self.assertGreater(lb.sum("lb_rule_refused_total", reason="rule_limit"), 0)
        wait_for(lambda: lb.sum("lb_rule_connections") == 0, 20, "all is closed")
        # Refused ones were refused before a backend was tried.
        self.assertEqual(lb.sum("lb_backend_connects_total"), LIMIT)

    def test_a_crowd_waits_for_a_small_backend_and_nobody_is_refused(self):
        self.servers(BACKEND)
        lb = self.balancer().start(
            rule(backend_connection_limit=4, queue={"max": 1000, "timeout": "60s"})
        )
        result = Requests(self, LISTEN, connections=3000, clients=100).result()
        waited = lb.sum("lb_rule_queued_total")
        self.figure("%s; %d waited", result, waited)
        self.assertEqual((result["errors"], result["ok"]), ({}, 3000))
        self.assertGreater(waited, 100)
        self.assertEqual(lb.sum("lb_rule_refused_total"), 0)
        self.assertEqual(lb.sum("lb_rule_queued"), 0)

    def test_those_who_cannot_wait_are_counted_by_reason(self):
        Server(self, "a", BACKEND)
        lb = self.balancer().start(
            rule(backend_connection_limit=1, queue={"max": 2, "timeout": "1s"})
        )
        with contextlib.ExitStack() as stack:
            self.assertEqual(served_clients(stack, 1), 1)
            waiting = [client for client in open_clients(stack, 5) if client is not None]
            self.assertEqual([client for client in waiting if answers(client)], [])
        self.assertEqual(lb.sum("lb_rule_refused_total", reason="queue_full"), 3)
        self.assertEqual(lb.sum("lb_rule_refused_total", reason="queue_timeout"), 2)

    def test_a_second_source_helps_when_the_first_has_no_port_left(self):
        namespace.set_sysctl("net/ipv4/ip_local_port_range", "40000 %d" % (40000 + PORTS - 1))
        Server(self, "a", BACKEND)
        lb = self.balancer().start(
            rule(source=["127.0.0.5", "127.0.0.6"], connect_attempts=1)
        )
        with contextlib.ExitStack() as stack:
            served = served_clients(stack, 2 * PORTS + 3)
            self.figure("%d served with %d ports each at two addresses; exhausted %d times",
                        served, PORTS, lb.sum("lb_backend_ports_exhausted_total"))
            self.assertEqual(served, 2 * PORTS)
        failures = lb.sum("lb_backend_connect_failures_total", reason="no_port")
        self.assertEqual(failures, 3)
        self.assertGreaterEqual(lb.sum("lb_backend_ports_exhausted_total"), 2 * failures)


if __name__ == "__main__":
    harness.main()
