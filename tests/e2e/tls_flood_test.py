"""Two thousand clients that send a byte of a ClientHello a second: who is served goes on at the same
rate, they are dropped at the handshake timeout, and no backend hears of them."""

import selectors
import socket
import threading
import time

import harness
from harness import wait_for
from harness.certificates import Authority
from harness.tls import PlainServer, TlsStream, client_context, greeting, tls_connect
from harness.tls_load import TlsPump
from rate_limit_test import IP_BIND_ADDRESS_NO_PORT

LISTENS = {"ended": "127.0.0.1:8443", "routed": "127.0.0.1:8444"}
BACKENDS = {"ended": "127.0.0.1:9001", "routed": "127.0.0.1:9002"}
NAME = "front.test"
CLIENTS = 2000
HANDSHAKE_TIMEOUT_S = 8
STREAMS = 20


class Dribblers:
    """Clients that say a byte a second and note when they are dropped."""

    def __init__(self, case, address, hello):
        self._hello, self._stopped = hello, threading.Event()
        self._selector, self._open = selectors.DefaultSelector(), {}
        self.lived_s = []
        for number in range(CLIENTS):
            client = socket.socket()
            client.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
            client.bind(("127.1.%d.%d" % (number // 250, 1 + number % 250), 0))
            host, port = address.rsplit(":", 1)
            client.connect((host, int(port)))
            self._open[client] = time.monotonic()
            self._selector.register(client, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        case.addCleanup(self.stop)

    def stop(self):
        self._stopped.set()
        self._thread.join()
        for client in self._open:
            client.close()

    def _run(self):
        said, due = 0, time.monotonic()
        while not self._stopped.is_set() and self._open:
            if time.monotonic() >= due:
                for client in list(self._open):
                    self._say(client, self._hello[said : said + 1])
                said, due = said + 1, due + 1
            for key, _ in self._selector.select(max(0, min(0.1, due - time.monotonic()))):
                self._drop(key.fileobj)

    def _say(self, client, data):
        try:
            client.send(data)
        except OSError:
            self._drop(client)

    def _drop(self, client):
        self.lived_s.append(time.monotonic() - self._open.pop(client))
        self._selector.unregister(client)
        client.close()


class TlsFloodTest(harness.Case):
    def setUp(self):
        ca = Authority(self.folder)
        cert, key = ca.issue("front", "DNS:" + NAME)
        self.context = client_context(ca.cert)
        self.backends = {name: PlainServer(self, "a", at) for name, at in BACKENDS.items()}
        rules = [
            {"name": "ended", "listen": LISTENS["ended"], "backends": [BACKENDS["ended"]],
             "tls": {"cert": cert, "key": key}},
            {"name": "routed", "listen": LISTENS["routed"],
             "sni": [{"names": [NAME], "backends": [BACKENDS["routed"]]}]},
        ]
        for rule in rules:
            rule["timeouts"] = {"handshake": "%ds" % HANDSHAKE_TIMEOUT_S}
        self.lb = self.balancer().start({"rules": rules})

    def hello(self):
        with socket.socket() as unused:
            return TlsStream(unused, client_context(), False, NAME).hello()

    def check(self, rule):
        streams = [tls_connect(LISTENS["ended"], self.context, NAME) for _ in range(STREAMS)]
        for stream in streams:
            stream.read_exactly(1)
        pump = TlsPump(self, streams)
        quiet = pump.rate_per_s(3)
        accepted = {name: backend.accepted for name, backend in self.backends.items()}
        flood = Dribblers(self, LISTENS[rule], self.hello())
        pump.max_gap_s = 0.0
        busy = pump.rate_per_s(4)
        waiting = CLIENTS - len(flood.lived_s)
        # A new client is served meanwhile.
        self.assertEqual(greeting(LISTENS["ended"], self.context, NAME), "a")
        accepted["ended"] += 1
        wait_for(lambda: len(flood.lived_s) == CLIENTS, 30, "all are dropped")
        pump.stop()
        self.figure("%s: %.0f bytes/s before, %.0f with %d that dribble; longest gap %.0f ms; they "
                    "lived %.2f to %.2f s", rule, quiet, busy, waiting, pump.max_gap_s * 1000,
                    min(flood.lived_s), max(flood.lived_s))
        self.assertEqual(pump.errors, [])
        self.assertGreater(busy, 0.5 * quiet)
        self.assertEqual(waiting, CLIENTS)
        self.assertGreater(min(flood.lived_s), HANDSHAKE_TIMEOUT_S - 0.5)
        self.assertLess(max(flood.lived_s), HANDSHAKE_TIMEOUT_S + 2 * harness.SLOW)
        self.assertEqual({n: backend.accepted for n, backend in self.backends.items()}, accepted)
        wait_for(lambda: self.lb.sum("lb_rule_refused_total", rule=rule, reason="tls_timeout")
                 == CLIENTS, 10, "they are counted")
        for stream in streams:
            stream.sock.close()

    def test_where_tls_ends(self):
        self.check("ended")

    def test_where_a_name_is_looked_for(self):
        self.check("routed")


if __name__ == "__main__":
    harness.main()
