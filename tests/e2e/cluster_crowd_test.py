"""A crowd of clients that come once each, over three hosts that share a rate limit, and one that comes
too often: what hosts keep and tell each other is for the busy one alone."""

import time

import harness
from harness import Requests, kernel, wait_for
from harness.hosts import HostsCase

COUNT = 3
CLIENTS = 100_000
PER_MINUTE = 1_000_000  # Where the machine can.
AT_ONCE = 32  # At each host.
RATE, BURST = 10, 20
HOT = "127.0.0.1"
TIMES_HOT = 3
MAX_USAGE_BITS_PER_S = 1_000_000  # Of each host, as usage_exchange.h bounds it.
MAX_BUSY = 5  # Clients that hosts share, the hot one among them.
# 32 bytes of each of the million clients that a worker may keep, and some thousand connections.
MAX_WORKER_BYTES = 64 << 20
MAX_CONTROL_BYTES = 32 << 20


class ClusterCrowdTest(HostsCase):
    def counts(self):
        names = ("lb_usage_sent_bytes_total", "lb_usage_sent_total", "lb_usage_clients_sent_total")
        return [[host.count(name) for host in self.hosts] for name in names]

    def memory(self):
        return ([kernel.pss_bytes(host.workers["worker-1"].process) for host in self.hosts],
                [kernel.pss_bytes(host.control) for host in self.hosts])

    def start_crowds(self):
        each = CLIENTS // COUNT
        pause_ms = int(1000 * AT_ONCE * COUNT / (PER_MINUTE / 60))
        return [Requests(self, host.ip + ":8080", connections=each, clients=AT_ONCE, sources=each,
                         first_source=number * each, pause_ms=pause_ms, reset_percent=100)
                for number, host in enumerate(self.hosts)]

    def test_only_busy_clients_are_told_of(self):
        self.start_hosts(COUNT, rate_limit={"requests_per_second": RATE, "burst": BURST})
        pause_ms = int(1000 * COUNT / (TIMES_HOT * RATE))
        hot = [Requests(self, host.ip + ":8080", pause_ms=pause_ms, pause_after_error_ms=pause_ms)
               for host in self.hosts]
        wait_for(lambda: all(host.count("lb_usage_clients") for host in self.hosts), 20,
                 "the busy client is shared")
        before, memory, begin = self.counts(), self.memory(), time.monotonic()
        crowds, busy, most = self.start_crowds(), 0, [[0] * COUNT, [0] * COUNT]

        def over():
            nonlocal busy
            busy = max(busy, *(host.count("lb_usage_clients") for host in self.hosts))
            for of_kind, now in zip(most, self.memory()):
                of_kind[:] = map(max, of_kind, now)
            return not any(crowd.process.running() for crowd in crowds)

        wait_for(over, 60 + CLIENTS / 500, "all clients came", poll=1)
        took = time.monotonic() - begin
        size, sent, told = [[now - then for now, then in zip(*pair)]
                            for pair in zip(self.counts(), before)]
        results = [crowd.result() for crowd in crowds]
        refused = sum(one.finish()["errors"].get("ECONNRESET", 0) for one in hot)
        grown = [[now - then for now, then in zip(*pair)] for pair in zip(most, memory)]
        self.figure("%d clients in %.1f s, %.0f a minute", CLIENTS, took, 60 * CLIENTS / took)
        self.figure("kbit/s told by each host: %s; clients told of in a datagram: %s",
                    ["%.0f" % (8 * one / took / 1000) for one in size],
                    ["%.2f" % (one / all_sent) for one, all_sent in zip(told, sent)])
        self.figure("grown at most by %s MiB in workers, %s in control planes; at most %d busy",
                    *(["%.1f" % (one / 2**20) for one in kind] for kind in grown), busy)
        self.assertEqual([(one["ok"], one["errors"]) for one in results],
                         [(CLIENTS // COUNT, {})] * COUNT)
        self.assertGreater(refused, 0)
        self.assertLessEqual(busy, MAX_BUSY)
        for one, all_sent in zip(told, sent):
            self.assertLess(one, MAX_BUSY * all_sent)
        self.assertLess(max(size) * 8 / took, MAX_USAGE_BITS_PER_S)
        self.assertLess(max(grown[0]), MAX_WORKER_BYTES)
        self.assertLess(max(grown[1]), MAX_CONTROL_BYTES)


if __name__ == "__main__":
    harness.main()
