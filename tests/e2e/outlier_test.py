"""Outlier detection with real processes: a backend that accepts and resets at once under load."""

import socket
import struct
import threading
import time

import harness
from harness import wait_for

LISTEN = ("127.0.0.1", 8080)
GOOD = ("127.0.0.1", 9001)
BAD = ("127.0.0.1", 9002)
EJECTED_WITHIN_S = 2
CLIENTS = 8


class Greeter:
    """Greets who connects and ends; or resets at once, as long as it is told to."""

    def __init__(self, case, address):
        self.resets = False
        self.accepted = 0
        self._listener = socket.create_server(address, backlog=512)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        case.addCleanup(self._stop)

    def _stop(self):
        self._listener.shutdown(socket.SHUT_RDWR)  # Wakes accept, as close alone does not.
        self._thread.join()
        self._listener.close()

    def _serve(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            with client:
                if self.resets:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                else:
                    client.sendall(b"hello")


class Load:
    """Clients that wait for a greeting, one connection after the other."""

    def __init__(self):
        self.served = 0
        self.errors = []
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def _run(self):
        while not self._stopped.is_set():
            try:
                with socket.create_connection(LISTEN, timeout=20) as client:
                    data = client.recv(5, socket.MSG_WAITALL)
                error = None if data == b"hello" else "got %r" % data
            except OSError as failure:
                error = repr(failure)
            with self._lock:
                self.served += error is None
                if error is not None:
                    self.errors.append(error)

    def stop(self):
        self._stopped.set()
        for thread in self._threads:
            thread.join()


class OutlierTest(harness.Case):
    def setUp(self):
        super().setUp()
        self.good = Greeter(self, GOOD)
        self.bad = Greeter(self, BAD)
        config = {
            "rules": [
                {
                    "name": "web",
                    "listen": "%s:%d" % LISTEN,
                    "backends": [
                        {"name": "good", "address": "%s:%d" % GOOD},
                        {"name": "bad", "address": "%s:%d" % BAD},
                    ],
                    "outlier_detection": {"failures": 5, "ejection_time": "4s"},
                }
            ]
        }
        self.lb = self.balancer().start(config)

    def backend(self):
        return self.lb.items("backends")["bad"]

    def test_a_backend_that_resets_is_left_out_and_returns_by_itself(self):
        load = Load()
        self.addCleanup(load.stop)
        wait_for(lambda: self.bad.accepted > 20, 20, "both are used")
        self.bad.resets = True
        began = time.monotonic()
        wait_for(lambda: "ejection" in self.backend(), 20, "it is left out")
        took = time.monotonic() - began
        self.figure("left out, and seen by lbctl, after %.2f s", took)
        self.assertLess(took, EJECTED_WITHIN_S)
        ejection = self.backend()["ejection"]
        self.assertEqual((ejection["reason"], ejection["failures"]), ("reset", 5))
        table = self.lb.lbctl("get", "backends").stdout
        self.assertRegex(table, r"bad .*EJECTED.*outlier: 5 resets, back in [0-9]+s")
        self.assertEqual(self.lb.sum("lb_backend_ejected", backend="bad"), 1)
        status = self.lb.lbctl("status", "--check")
        self.assertEqual(status.returncode, 1)
        self.assertRegex(status.stdout, r"1 ejected[^!]*! .*bad: left out by 1 worker after 5 failures")
        explained = self.lb.lbctl("explain", "--rule", "web", "--client", "127.0.0.1").stdout
        self.assertRegex(explained, r"bad .*ejected until")
        self.assertIn("LBC805", self.lb.lbctl("check", "--only", "backends", "-o", "json").stdout)
        self.bad.resets = False
        before = self.bad.accepted
        wait_for(lambda: "ejection" not in self.backend(), 20, "it is back")
        wait_for(lambda: self.bad.accepted > before, 20, "it is used again")
        load.stop()
        self.figure("%d served, %d errors", load.served, len(load.errors))
        self.assertEqual(load.errors, [])
        self.assertGreater(self.lb.sum("lb_rule_retries_total"), 0)
        kinds = [event["kind"] for event in self.lb.json("get", "events")["items"]]
        self.assertIn("backend.ejected", kinds)
        self.assertIn("backend.returned", kinds)

    def test_it_stays_out_while_the_control_plane_is_away(self):
        self.lb.control.kill()
        self.bad.resets = True
        load = Load()
        self.addCleanup(load.stop)
        wait_for(lambda: self.lb.sum("lb_backend_ejections_total", backend="bad") > 0, 20,
                 "it is left out")
        load.stop()
        self.assertEqual(load.errors, [])


if __name__ == "__main__":
    harness.main()
