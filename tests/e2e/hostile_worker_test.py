"""Whoever connects to the worker's socket and does not speak as a worker should is thrown out with
a status, and the real workers do not notice."""

import os
import re
import socket
import struct
import subprocess

import harness
from harness import Requests, wait_for

RULE = {"name": "web", "listen": "127.0.0.1:8080"}
METHOD = "http://localhost/lb.worker.v1.WorkerControlService/Connect"
FAILED_PRECONDITION = 9
INVALID_ARGUMENT = 3
PERMISSION_DENIED = 7


def field(number, value):
    """One field of a protobuf message: a number, or bytes."""
    if isinstance(value, int):
        return bytes([number << 3]) + varint(value)
    return bytes([number << 3 | 2]) + varint(len(value)) + value


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def hello(name=b"worker-9", protocol=1, more=b"", incarnation=b"x1"):
    """A function that makes a hello of the process that will send it."""
    def of(pid):
        identity = field(1, name) + field(2, incarnation) + field(4, pid)
        return field(1, field(1, identity) + field(2, protocol) + field(3, protocol) + more)
    return of


class HostileWorkerTest(harness.Case):
    def setUp(self):
        self.servers("127.0.0.1:9001", "127.0.0.1:9002")
        self.lb = self.balancer().start(self.config(9001))
        self.path = self.lb.worker_api[len("unix:"):]
        self.load = Requests(self, "127.0.0.1:8080", clients=2, pause_ms=5)

    def config(self, port):
        return {"rules": [{**RULE, "backends": ["127.0.0.1:%d" % port]}]}

    def stream(self, *messages):
        """Sends messages on a stream of its own; returns gRPC's status of its end."""
        argv = ["curl", "-sv", "--max-time", "20", "--http2-prior-knowledge", "--unix-socket"]
        argv += [self.path, "-H", "content-type: application/grpc", "-H", "te: trailers"]
        # curl connects when it has read all it is to send, so its pid can be part of that.
        curl = subprocess.Popen(argv + ["--data-binary", "@-", "-o", "/dev/null", METHOD],
                                stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        body = b""
        for message in messages:
            message = message(curl.pid) if callable(message) else message
            body += struct.pack("!BI", 0, len(message)) + message
        said = curl.communicate(body, timeout=30)[1].decode(errors="replace")
        status = re.search(r"grpc-status: (\d+)", said)
        self.assertIsNotNone(status, said)
        text = re.search(r"grpc-message: (.*)", said)
        self.figure("status %s: %s", status[1], text[1].strip() if text else "")
        return int(status[1])

    def assert_nobody_noticed(self):
        self.assertEqual(self.lb.worker_state()["sync"], "SYNC_SYNCED")
        self.lb.apply(self.config(9002))
        self.assertEqual(self.load.finish()["errors"], {})
        self.assertTrue(self.lb.control.running())

    def test_bytes_that_are_no_http_2(self):
        for garbage in (b"\0" * 4096, b"GET / HTTP/1.1\r\n\r\n", os.urandom(65536)):
            for _ in range(20):
                with socket.socket(socket.AF_UNIX) as client:
                    client.settimeout(10)
                    client.connect(self.path)
                    try:
                        client.sendall(garbage)
                        client.shutdown(socket.SHUT_WR)
                        while client.recv(4096):
                            pass
                    except OSError:
                        pass  # Thrown out before everything was said: what should happen.
        self.assert_nobody_noticed()

    def test_an_unknown_protocol_version(self):
        self.assertEqual(self.stream(hello(protocol=99)), FAILED_PRECONDITION)
        self.assert_nobody_noticed()

    def test_a_hello_in_the_name_of_another_process(self):
        self.assertEqual(self.stream(hello()(os.getpid())), PERMISSION_DENIED)
        self.assert_nobody_noticed()

    def test_a_hello_in_the_name_of_a_worker_that_is_connected(self):
        """Its pid is that of a process at the other end of this socket, but not of this stream."""
        worker = self.lb.worker_state()
        pid = self.lb.workers["worker-1"].process.pid
        self.assertEqual(worker["process"]["pid"], pid)
        incarnation = worker["process"]["incarnation"].encode()
        posing = hello(b"worker-1", incarnation=incarnation)(pid)
        self.assertEqual(self.stream(posing), PERMISSION_DENIED)
        ended = lambda: self.lb.control_metrics().sum("lb_worker_streams_ended_total")
        wait_for(lambda: ended() > 0, 10, "the stream of who poses is counted")
        self.assertEqual(ended(), 1, "the stream of the real worker stays")
        self.assert_nobody_noticed()

    def test_messages_that_make_no_sense(self):
        ack = field(2, b"")
        nameless = hello(name=b"../\x1b[31m")
        wrong = field(1, b"\xff" * 10)
        digest = hello(more=field(5, field(1, 1) + field(3, b"short")))
        for messages in ((ack,), (nameless,), (digest,), (hello(), hello()), (hello(), ack)):
            self.assertIn(self.stream(*messages), (INVALID_ARGUMENT, FAILED_PRECONDITION))
        self.assertNotEqual(self.stream(wrong), 0)
        self.assertNotIn("\x1b", self.lb.control.log())
        self.assert_nobody_noticed()


if __name__ == "__main__":
    harness.main()
