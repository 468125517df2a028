"""Two hundred changes of the configuration under five hundred streams that notice none of them."""

import copy
import socket
import time

import harness
from harness import Streams, wait_for

STREAMS = 500
RELOADS = 200
WEB, EXTRA = ("127.0.0.1", 8080), ("127.0.0.1", 8081)
BASE = {
    "rules": [
        {
            "name": "web",
            "listen": "127.0.0.1:8080",
            "backends": [
                {"name": "a", "address": "127.0.0.1:9001"},
                {"name": "b", "address": "127.0.0.1:9002", "weight": 2},
                {"name": "c", "address": "127.0.0.1:9003"},
            ],
        },
        {"name": "other", "listen": "127.0.0.1:8082", "backends": ["127.0.0.1:9001"]},
    ]
}
BOUND_S = 10  # Ten times what is aimed at: a listener comes or goes within a second.


def variant(number):
    """The configuration of the reload `number`: each differs from the one before."""
    config = copy.deepcopy(BASE)
    web, other = config["rules"]
    web["backends"][0]["weight"] = 1 + number % 7
    kind = number % 5
    if kind == 0:
        config["rules"].append({**other, "name": "extra", "listen": "127.0.0.1:8081"})
    elif kind == 1:
        del web["backends"][2]
    elif kind == 2:
        web["timeouts"] = {"idle": "%ds" % (60 + number), "connect": "3s"}
    elif kind == 3:
        other["backends"].append("127.0.0.1:9002")
        other["timeouts"] = {"half_close": "%ds" % (5 + number)}
    else:
        web["backend_connection_limit"] = 1000 + number
    return config


def accepts(address):
    try:
        with socket.create_connection(address, timeout=5):
            return True
    except ConnectionRefusedError:
        return False


class ReloadsTest(harness.Case):
    def reload(self, number):
        """Applies a variant; returns how long the listener that it adds or removes took."""
        started = time.monotonic()
        self.lb.write(variant(number))
        took = None
        if number % 5 in (0, 1):
            wanted = number % 5 == 0
            wait_for(lambda: accepts(EXTRA) == wanted, BOUND_S, "the listener changes")
            took = time.monotonic() - started
        wait_for(lambda: min(self.applied()) > number + 1, 20, "every worker runs it")
        return took

    def applied(self):
        """How many configurations each worker has put in force; the first is BASE."""
        workers = self.lb.workers.values()
        return [worker.metrics().sum("lb_config_applies_total") for worker in workers]

    def test_200_reloads_touch_none_of_500_streams(self):
        self.servers("127.0.0.1:9001", "127.0.0.1:9002", "127.0.0.1:9003")
        self.lb = self.balancer().start(BASE, workers=2, threads=2)
        streams = Streams(self, "127.0.0.1:8080", STREAMS, chunk_bytes=4096, interval_ms=100)
        streams.wait_for_bytes(1 << 20)
        took = {0: [], 1: []}
        for number in range(RELOADS):
            seconds = self.reload(number)
            if seconds is not None:
                took[number % 5].append(seconds)
        applied = self.applied()
        streams.wait_for_bytes(1 << 20)
        result = streams.finish()
        self.figure("listener added within %.3f s, removed within %.3f s (slowest of %d)",
                    max(took[0]), max(took[1]), len(took[0]))
        self.figure("applied by the workers: %s; streams: %s", applied, result)
        self.assertEqual(result["ended"], {"complete": STREAMS})
        # A stall is a stream that waited for bytes as long as nothing but a stop explains.
        self.assertLess(result["max_gap_ms"], 5_000 * harness.SLOW)
        self.assertEqual(applied, [RELOADS + 1] * 2)


if __name__ == "__main__":
    harness.main()
