"""The access log, with real workers: a line for each way a connection can end, files that are moved
away, and destinations that take nothing."""

import contextlib
import json
import os
import signal
import socket
import stat
import struct

import harness
from harness import Requests, Server, wait_for

LISTEN = ("127.0.0.1", 8080)
BACKEND = "127.0.0.1:9001"
DEAD = "127.0.0.1:9009"  # Nobody listens.
KEYS = (
    "ts id worker rule backend backend_address client client_port peer listen source received_bytes "
    "sent_bytes queue_ms connect_ms first_byte_ms duration_ms attempts close phase sni alpn tls_version "
    "tls_cipher client_identity tls_resumed backend_tls_version"
).split()


def rule(port=LISTEN[1], name="web", **more):
    return {"name": name, "listen": "127.0.0.1:%d" % port, "backends": [BACKEND], **more}


def connect(port=LISTEN[1], source="127.0.0.1"):
    return socket.create_connection(("127.0.0.1", port), 20, (source, 0))


def ask(client):
    client.sendall(b"x")
    return client.recv(1)


def reset(client):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def refused(port=LISTEN[1], source="127.0.0.1"):
    """Connects where it is refused, and waits for that."""
    with contextlib.suppress(ConnectionError), connect(port, source) as client:
        client.recv(1)


class AccessLogTest(harness.Case):
    def setUp(self):
        self.path = os.path.join(self.folder, "access.log")

    def serve(self, *rules, log=None, **top):
        Server(self, "a", BACKEND)
        config = {"rules": list(rules or [rule()]), "access_log": log or self.path, **top}
        return self.balancer().start(config)

    def lines(self, path=None):
        with open(path or self.path, encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def wait_for_lines(self, count, path=None):
        wait_for(lambda: len(self.lines(path)) >= count, 10, "%d lines" % count)
        lines = self.lines(path)
        self.assertEqual(len(lines), count)
        for line in lines:
            self.assertEqual(list(line), KEYS)
        return lines

    def test_a_served_connection_tells_its_way(self):
        self.serve()
        with connect() as client:
            self.assertTrue(ask(client))
            port = client.getsockname()[1]
        (line,) = self.wait_for_lines(1)
        self.assertEqual(
            {key: line[key] for key in ("worker", "rule", "backend_address", "client", "peer", "listen")},
            {
                "worker": "worker-1",
                "rule": "web",
                "backend_address": BACKEND,
                "client": "127.0.0.1",
                "peer": "127.0.0.1:%d" % port,
                "listen": "127.0.0.1:8080",
            },
        )
        self.assertEqual(line["client_port"], port)
        self.assertEqual((line["received_bytes"], line["attempts"]), (1, 1))
        self.assertGreater(line["sent_bytes"], 0)
        self.assertEqual((line["close"], line["queue_ms"]), ("normal", None))
        for key in ("connect_ms", "first_byte_ms", "duration_ms"):
            self.assertGreaterEqual(line[key], 0)
        self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode) & 0o137, 0)

    def test_every_reason_that_can_be_made_here(self):
        self.serve(
            rule(name="web"),
            rule(8081, "idle", timeouts={"idle": "300ms"}),
            rule(8082, "denied", deny=["127.0.0.2"]),
            rule(8083, "limited", rate_limit={"requests_per_second": 1, "burst": 1}),
            rule(8084, "empty", backends=[]),
            rule(8085, "dead", backends=[DEAD]),
            rule(8086, "proxied", proxy_protocol={"accept": True}),
            rule(8087, "silent", access_log=False),
        )
        client = connect()
        self.assertTrue(ask(client))
        reset(client)
        with connect(8081) as client:
            self.assertTrue(ask(client))
            with contextlib.suppress(ConnectionError):
                client.recv(100)
        refused(8082, "127.0.0.2")
        with connect(8083) as client:
            self.assertTrue(ask(client))
        refused(8083)
        refused(8084)
        refused(8085)
        with connect(8086) as client, contextlib.suppress(ConnectionError):
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            client.recv(1)
        with connect(8087) as client:
            self.assertTrue(ask(client))
        with connect(8086) as client:
            client.sendall(b"PROXY TCP4 192.0.2.7 192.0.2.8 1234 80\r\nx")
            self.assertTrue(client.recv(1))

        lines = self.wait_for_lines(9)
        ends = {(line["rule"], line["close"]): line for line in lines}
        self.assertEqual(
            sorted((rule_name, close, line["phase"]) for (rule_name, close), line in ends.items()),
            [
                ("dead", "connect_failed", "connect"),
                ("denied", "denied", "accept"),
                ("empty", "no_backend", "connect"),
                ("idle", "idle", "data"),
                ("limited", "normal", "data"),
                ("limited", "rate_limit", "accept"),
                ("proxied", "normal", "data"),
                ("proxied", "proxy_header", "header"),
                ("web", "client_reset", "data"),
            ],
        )
        self.assertEqual(ends["denied", "denied"]["client"], "127.0.0.2")
        self.assertEqual(ends["web", "client_reset"]["client"], "127.0.0.1")
        self.assertEqual(ends["dead", "connect_failed"]["backend_address"], DEAD)
        told = ends["proxied", "normal"]
        self.assertEqual((told["client"], told["client_port"]), ("192.0.2.7", 1234))
        self.assertTrue(told["peer"].startswith("127.0.0.1:"))
        self.assertGreaterEqual(ends["idle", "idle"]["duration_ms"], 300)

    def test_a_wait_in_the_queue_is_told(self):
        lb = self.serve(rule(backend_connection_limit=1, queue={"max": 5, "timeout": "20s"}))
        with connect() as first:
            self.assertTrue(ask(first))
            with connect() as second:
                second.sendall(b"x")
                wait_for(lambda: lb.sum("lb_rule_queued") == 1, 10, "the second one waits")
                first.close()
                self.assertTrue(second.recv(1))
        lines = self.wait_for_lines(2)
        waited = [line for line in lines if line["queue_ms"] is not None]
        self.assertGreater(len(waited), 0)
        for line in waited:
            self.assertGreaterEqual(line["connect_ms"], line["queue_ms"])

    def test_a_reload_turns_it_on_and_off_and_closes_nothing(self):
        Server(self, "a", BACKEND)
        lb = self.balancer().start({"rules": [rule()]})
        with connect() as early:
            self.assertTrue(ask(early))
            lb.apply({"rules": [rule()], "access_log": self.path})
            self.assertTrue(ask(early))
        # It was open before there was a log.
        (line,) = self.wait_for_lines(1)
        self.assertEqual((line["close"], line["received_bytes"]), ("normal", 2))
        lb.apply({"rules": [rule()]})
        with connect() as late:
            self.assertTrue(ask(late))
        wait_for(lambda: lb.sum("lb_rule_connections") == 0, 10, "all is closed")
        self.assertEqual(len(self.lines()), 1)

    def test_a_file_that_was_moved_is_opened_anew_at_a_signal(self):
        lb = self.serve()
        with connect() as client:
            self.assertTrue(ask(client))
        self.wait_for_lines(1)
        os.rename(self.path, self.path + ".1")
        lb.workers["worker-1"].process.send(signal.SIGHUP)

        def another():
            with connect() as client:
                self.assertTrue(ask(client))
            return self.lines()

        wait_for(another, 10, "the new file has a line")

    def test_what_takes_nothing_holds_nobody_up(self):
        fifo = os.path.join(self.folder, "fifo")
        os.mkfifo(fifo)
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        lb = self.serve(log=fifo)
        for destination in (fifo, "/dev/full", "/no/such/folder/access.log"):
            with self.subTest(destination=destination):
                if destination != fifo:
                    lb.apply({"rules": [rule()], "access_log": destination})
                before = lb.sum("lb_access_log_dropped_total")
                result = Requests(self, "127.0.0.1:8080", connections=12000, clients=20).result()
                self.figure("%s: %s", destination, result)
                self.assertEqual((result["errors"], result["ok"]), ({}, 12000))
                wait_for(
                    lambda: lb.sum("lb_access_log_dropped_total") > before, 10, "dropped lines are counted"
                )

    def test_what_a_line_costs(self):
        count = 20000
        lb = self.serve()
        spent = {True: [], False: []}
        for turn in range(4):
            on = turn % 2 == 0
            if turn > 0:
                lb.apply({"rules": [rule()], **({"access_log": self.path} if on else {})})
            before = lb.sum("process_cpu_seconds_total")
            result = Requests(self, "127.0.0.1:8080", connections=count, clients=20).result()
            self.assertEqual(result["ok"], count)
            if on:
                lines = count * (turn // 2 + 1)
                wait_for(lambda: lb.sum("lb_access_log_lines_total") == lines, 10, "all lines")
            spent[on].append((lb.sum("process_cpu_seconds_total") - before) / count * 1e6)
        off, on = min(spent[False]), min(spent[True])
        self.figure("%.1f us of CPU per connection without the log, %.1f with it", off, on)
        self.assertEqual(lb.sum("lb_access_log_dropped_total"), 0)
        self.assertLess(on, 1.5 * off)


if __name__ == "__main__":
    harness.main()
