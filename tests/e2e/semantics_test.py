"""What a connection means is kept: its ends, its order, its silences, whatever it runs over."""

import hashlib
import random
import socket
import threading
import time

import harness
from harness.scripted import ScriptedServer, connect, read_all, read_exactly, reset

LISTEN = "127.0.0.1:8080"
BACKEND = "127.0.0.1:9001"
ROUNDS = 50


def rule(**more):
    return {"rules": [{"name": "web", "listen": LISTEN, "backends": [BACKEND], **more}]}


class SemanticsTest(harness.Case):
    def start_with(self, script, **more):
        server = ScriptedServer(self, script)
        self.lb = self.balancer().start(rule(**more))
        return server

    def test_a_clients_half_close_leaves_the_answer_open(self):
        def script(connection):
            connection.sendall(hashlib.sha256(read_all(connection)).hexdigest().encode())

        self.start_with(script)
        for size in [0, 1, 65_537] + [random.Random(1).randrange(1 << 20)] * ROUNDS:
            data = random.Random(size).randbytes(size)
            with connect(LISTEN) as client:
                client.sendall(data)
                client.shutdown(socket.SHUT_WR)
                self.assertEqual(read_all(client).decode(), hashlib.sha256(data).hexdigest())

    def test_a_servers_half_close_leaves_the_request_open(self):
        def script(connection):
            connection.sendall(b"go ahead")
            connection.shutdown(socket.SHUT_WR)
            return hashlib.sha256(read_all(connection)).hexdigest()

        server = self.start_with(script)
        wanted = []
        for number in range(ROUNDS):
            data = random.Random(number).randbytes(200_000)
            wanted.append(hashlib.sha256(data).hexdigest())
            with connect(LISTEN) as client:
                self.assertEqual(read_all(client), b"go ahead")
                client.sendall(data)
        harness.wait_for(lambda: len(server.results) == ROUNDS, 20, "the server has everything")
        self.assertEqual(sorted(server.results), sorted(wanted))

    def test_a_clients_reset_reaches_the_server_as_a_reset(self):
        def script(connection):
            connection.sendall(b"hello")
            return read_all(connection)

        server = self.start_with(script)
        for _ in range(ROUNDS):
            client = connect(LISTEN)
            read_exactly(client, 5)
            reset(client)
        harness.wait_for(lambda: len(server.results) == ROUNDS, 20, "the server sees the ends")
        kinds = {type(result) for result in server.results}
        self.assertEqual(kinds, {ConnectionResetError}, server.results)

    def test_a_servers_reset_reaches_the_client_as_a_reset(self):
        def script(connection):
            read_exactly(connection, 5)
            reset(connection)

        self.start_with(script)
        for _ in range(ROUNDS):
            with connect(LISTEN) as client:
                client.sendall(b"hello")
                with self.assertRaises(ConnectionResetError):
                    read_all(client)

    def test_a_server_that_speaks_first_is_heard_at_once(self):
        def script(connection):
            connection.sendall(b"220 ready\r\n")
            read_all(connection)

        self.start_with(script)
        took = []
        for _ in range(ROUNDS):
            started = time.monotonic()
            with connect(LISTEN) as client:
                read_exactly(client, 11)
            took.append(time.monotonic() - started)
        took.sort()
        self.figure("greeting after %.2f ms (median), %.2f ms (slowest)",
                    took[ROUNDS // 2] * 1e3, took[-1] * 1e3)
        self.assertLess(took[ROUNDS // 2], 0.05 * harness.SLOW)

    def test_small_writes_are_not_held_back(self):
        def script(connection):
            while data := connection.recv(100):
                connection.sendall(data)

        self.start_with(script)
        rounds = 2000
        with connect(LISTEN) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            started = time.monotonic()
            for number in range(rounds):
                client.sendall(bytes([number % 256]))
                self.assertEqual(client.recv(100), bytes([number % 256]))
            mean = (time.monotonic() - started) / rounds
        self.figure("one byte there and back: %.3f ms", mean * 1e3)
        # A delayed acknowledgement would cost 40 ms.
        self.assertLess(mean, 0.02 * harness.SLOW)

    def test_a_silent_connection_ends_after_the_idle_timeout_and_no_other(self):
        def script(connection):
            while data := connection.recv(100):
                connection.sendall(data)

        self.start_with(script, timeouts={"idle": "1s"})
        ended = []

        def be_silent():
            with connect(LISTEN) as client:
                client.sendall(b"x")
                read_exactly(client, 1)
                started = time.monotonic()
                try:
                    read_all(client)
                except ConnectionResetError:
                    pass
                ended.append(time.monotonic() - started)

        silent = threading.Thread(target=be_silent)
        silent.start()
        with connect(LISTEN) as client:
            end = time.monotonic() + 4
            while time.monotonic() < end:
                client.sendall(b"y")
                read_exactly(client, 1)
                harness.sample_while(0.2, lambda: None)
        silent.join(30)
        self.figure("a silent connection ended after %.2f s of a timeout of 1 s", ended[0])
        self.assertGreaterEqual(ended[0], 0.9)
        self.assertLess(ended[0], 10)
        self.assertEqual(self.lb.sum("lb_connections_closed_total", reason="idle"), 1)

    def test_a_half_closed_connection_ends_after_its_timeout(self):
        def script(connection):
            read_all(connection)
            threading.Event().wait(60)

        self.start_with(script, timeouts={"half_close": "1s"})
        with connect(LISTEN) as client:
            client.shutdown(socket.SHUT_WR)
            started = time.monotonic()
            try:
                read_all(client)
            except ConnectionResetError:
                pass
            took = time.monotonic() - started
        self.figure("ended %.2f s after its FIN", took)
        self.assertGreaterEqual(took, 0.9)
        self.assertLess(took, 10)

    def test_a_connect_that_gets_no_answer_is_tried_elsewhere(self):
        # A listener whose queue is full drops every further SYN.
        full = socket.create_server(("127.0.0.1", 9002), backlog=0)
        self.addCleanup(full.close)
        for _ in range(2):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", 9002))
            self.addCleanup(filler.close)
        self.servers(BACKEND)
        lb = self.balancer().start(
            rule(backends=[BACKEND, "127.0.0.1:9002"], timeouts={"connect": "300ms"})
        )
        result = harness.Requests(self, LISTEN, connections=20, clients=10).result()
        self.figure("%s", result)
        self.assertEqual((result["errors"], result["backends"]), ({}, {"a": 20}))
        timeouts = lb.sum("lb_backend_connect_failures_total", reason="timeout")
        self.assertGreater(timeouts, 0)


if __name__ == "__main__":
    harness.main()
