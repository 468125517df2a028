"""Hosts of one cluster that share limits, each with one worker, a listener and the same backends."""

import threading
import time

from harness.case import Case
from harness.member import KEY, Member, split
from harness.waiting import wait_for

_LOOK_EVERY_S = 0.05


class HostsCase(Case):
    """`hosts`: lb-1, lb-2, …, at 127.0.3.1, 127.0.3.2, …; their rule "web" listens at :8080."""

    def start_hosts(self, count, backends=("127.0.0.1:9001",), rule=None, cluster=None, serve=True,
                    **rest):
        """Backends, and hosts that hear each other; `backend_servers` are the first, but with `serve`
        False, where the test has its own."""
        self.backend_servers = self.servers(*backends) if serve else []
        self.hosts = [self.balancer(Member, name="lb-%d" % number, ip="127.0.3.%d" % number)
                      for number in range(1, count + 1)]
        for host in self.hosts:
            peers = [one.address for one in self.hosts if one is not host]
            host.cluster.update(peers=peers, key=KEY, **(cluster or {}))
            own = {"name": "web", "listen": host.ip + ":8080", "backends": list(backends), **(rule or {})}
            host.start({"rules": [own], "cluster": host.cluster, **rest}, threads=1)
        self.wait_until_heard()

    def wait_until_heard(self, timeout=20):
        for host in self.hosts:
            wait_for(lambda one=host: one.count("lb_usage_hosts", state="heard") == len(self.hosts) - 1,
                     timeout, host.name + " hears the others")

    def split(self, left, right):
        split(self, left, right)

    def kill_host(self, host):
        """Its control plane and its workers, with kill -9."""
        host.control.kill()
        for worker in host.workers.values():
            worker.process.kill()

    def start_again(self, host):
        """After that, with what it stored."""
        host.run_again()
        host.start_worker(threads=1).wait_until_ready()
        host.wait_until_synced()


class Timeline:
    """Calls `look` again and again in a thread, and keeps what it said, with the time."""

    def __init__(self, case, look):
        self._look, self._stopped = look, threading.Event()
        self._seen = [(time.monotonic(), look())]
        self._error = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        case.addCleanup(self.stop)

    def stop(self):
        self._stopped.set()
        self._thread.join()

    def between(self, begin, end):
        """Those seen in this time, as (time, value)."""
        if self._error is not None:
            raise AssertionError("nothing is seen any more: %r" % self._error)
        return [(at, value) for at, value in list(self._seen) if begin <= at <= end]

    def run_for(self, seconds):
        """Waits; returns when it began and ended."""
        begin = time.monotonic()
        wait_for(lambda: self._seen[-1][0] - begin >= seconds or self._error, seconds + 20,
                 "%g s are over" % seconds)
        return begin, self._seen[-1][0]

    def rate(self, begin, end):
        """Of a count that grows: per second."""
        seen = self.between(begin, end)
        (first_at, first), (last_at, last) = seen[0], seen[-1]
        return (last - first) / (last_at - first_at)

    def rates(self, begin, end, window_s):
        """(least, most) per second over every window of this length."""
        seen = self.between(begin, end)
        rates, first = [], 0
        for at, value in seen:
            while seen[first + 1][0] <= at - window_s:
                first += 1
            if at - seen[first][0] >= window_s:
                rates.append((value - seen[first][1]) / (at - seen[first][0]))
        return min(rates), max(rates)

    def _run(self):
        while not self._stopped.wait(_LOOK_EVERY_S):
            try:
                value = self._look()
            except (OSError, ValueError) as error:
                self._error = error
                return
            self._seen.append((time.monotonic(), value))
