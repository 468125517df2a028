"""The tools of the end-to-end tests, tried without the balancer: they see what they should."""

import signal

import harness
from harness import Idle, Requests, Server, Streams, sock_diag, wait_for
from harness.peers import HostServer
from harness.process import run
from harness.scripted import ScriptedServer, read_all, read_exactly, reset

ADDRESS = "127.0.0.1:9001"


class HarnessTest(harness.Case):
    def streams_against(self, script):
        """How two streams end that meet a server like this."""
        server = ScriptedServer(self, script)
        streams = Streams(self, ADDRESS, 2, interval_ms=5)
        wait_for(lambda: streams.report()["open"] == 0, 20, "the streams end")
        server.close()
        return streams.finish()["ended"]

    def test_requests_count_servers_and_errors(self):
        backend = Server(self, "a", ADDRESS)
        result = Requests(self, ADDRESS, connections=3000, clients=32).result()
        self.assertEqual((result["ok"], result["backends"]), (3000, {"a": 3000}))
        self.assertEqual(backend.finish()["requests"], 3000)
        result = Requests(self, ADDRESS, connections=3).result()
        self.assertEqual(result["errors"], {"ECONNREFUSED": 3})

    def test_requests_see_a_reset_a_fin_and_a_silence(self):
        for script, error in (
            (reset, "ECONNRESET"),
            (lambda connection: connection.recv(100), "closed"),
            (lambda connection: connection.recv(100) and connection.recv(1), "timeout"),
        ):
            server = ScriptedServer(self, script)
            result = Requests(self, ADDRESS, connections=2, timeout_ms=200).result()
            server.close()
            self.assertEqual(result["errors"], {error: 2})

    def test_streams_come_back_whole(self):
        Server(self, "a", ADDRESS)
        streams = Streams(self, ADDRESS, 50, interval_ms=10)
        streams.wait_for_bytes(1 << 20)
        result = streams.finish()
        self.assertEqual(result["ended"], {"complete": 50})

    def test_streams_see_a_wrong_byte(self):
        def script(connection):
            data = bytearray(read_exactly(connection, 5000))
            data[4321] ^= 1
            connection.sendall(data)
            read_all(connection)

        self.assertEqual(self.streams_against(script), {"mismatch": 2})

    def test_streams_see_a_lost_byte(self):
        def script(connection):
            data = read_exactly(connection, 5000)
            connection.sendall(data[:100] + data[101:])
            read_all(connection)

        self.assertEqual(self.streams_against(script), {"mismatch": 2})

    def test_streams_see_an_early_end_and_a_reset(self):
        scripts = (
            (lambda c: read_exactly(c, 4096), "short"),
            (lambda c: c.recv(1) and reset(c), "ECONNRESET"),
        )
        for script, end in scripts:
            with self.subTest(end=end):
                ended = self.streams_against(script)
                # A FIN with unread data in the server's queue turns into a reset.
                self.assertEqual(sum(ended.values()), 2)
                self.assertTrue(set(ended) <= {end, "ECONNRESET"}, ended)

    def test_silent_connections_answer_when_asked(self):
        backend = Server(self, "a", ADDRESS)
        idle = Idle(self, ADDRESS, 300, source="127.0.0.7", at_once=7)
        idle.wait_until_settled()
        self.assertEqual([idle.ask_again(), idle.ask_again()], [300, 300])
        backend.kill()
        wait_for(lambda: idle.report()["open"] == 0, 20, "the ends are seen")
        self.assertEqual(idle.ask_again(), 0)

    def test_a_silent_connection_sees_a_wrong_byte(self):
        server = ScriptedServer(self, lambda c: c.sendall(b"?" * len(read_exactly(c, 100))))
        idle = Idle(self, ADDRESS, 3, message_bytes=100)
        wait_for(lambda: idle.report().get("ended") == {"mismatch": 3}, 20, "it is seen")
        server.close()

    def test_a_backend_can_be_a_host_of_its_own(self):
        HostServer(self, "a", "10.0.0.1", 8080)
        HostServer(self, "b", "10.0.0.2", 8080)
        for name, address in (("a", "10.0.0.1:8080"), ("b", "10.0.0.2:8080")):
            result = Requests(self, address, connections=10).result()
            self.assertEqual(result["backends"], {name: 10})

    def test_sock_diag_counts_what_is_open(self):
        Server(self, "a", ADDRESS)
        diag = sock_diag.SockDiag(9001)
        self.addCleanup(diag.close)
        streams = Streams(self, ADDRESS, 70)
        self.assertEqual(len(diag.dump()), 70)
        still = sock_diag.frozen([streams.process], diag.dump)
        self.assertEqual(set(still.values()), {("ESTABLISHED", True)})
        streams.finish()
        wait_for(lambda: not diag.dump(), 10, "all are closed")

    def test_nothing_is_left_of_another_test(self):
        listening = run(["ss", "-Hltn"]).stdout
        self.assertEqual(listening, "")
        Server(self, "a", ADDRESS).process.stop(signal.SIGTERM)


if __name__ == "__main__":
    harness.main()
