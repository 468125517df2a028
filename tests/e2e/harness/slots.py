"""A connection limit of a backend over all hosts of a cluster, with the clients that use it up. The
kernel counts, at the backend's port."""

import re
import statistics
import threading
import time

from harness import sock_diag
from harness.hosts import HostsCase, Timeline
from harness.peers import Requests
from harness.waiting import wait_for

LIMIT, COUNT, CLIENTS = 100, 5, 1000
_PORT = 9001
_ENOUGH = 95  # Of the slots in use, when all is calm.
_CALM_S = 5
_FROZEN_EVERY = 10  # Looks: twice a second.
_RULE = {"backend_connection_limit": {"limit": LIMIT, "scope": "cluster"}}
# Those that failed are called again so often, and the news has to get round.
HEAL_S = 30 + 10


class OpenConnections:
    """`most` that were open at once; orphans of a dead process, which the kernel ends, do not count.

    Whoever kills a worker holds `lock`.
    """

    def __init__(self, case, hosts):
        self._diag, self._hosts, self.lock = sock_diag.SockDiag(_PORT), list(hosts), threading.Lock()
        self._before, self._looks, self.most = set(), 0, 0
        case.addCleanup(self._diag.close)

    def look(self):
        """How many are open; those that the look before saw, too, were all open in between."""
        self._looks += 1
        if self._looks % _FROZEN_EVERY == 0:
            now = self._look_while_they_stand_still()
            self.most = max(self.most, len(now))
        else:
            now = self._owned()
            self.most = max(self.most, len(self._before & now))
        self._before = now
        return len(now)

    def _owned(self):
        return {cookie for cookie, (_, owned) in self._diag.dump().items() if owned}

    def _look_while_they_stand_still(self):
        with self.lock:
            workers = [worker.process for host in self._hosts for worker in host.workers.values()]
            return sock_diag.frozen([one for one in workers if one.running()], self._owned)


class SlotsCase(HostsCase):
    """`open` counts the connections to the backend, `seen` is its timeline."""

    def start_all(self, **cluster):
        self.start_hosts(COUNT, ["127.0.0.1:%d" % _PORT], _RULE, cluster)
        self.open = OpenConnections(self, self.hosts)
        self.seen = Timeline(self, self.open.look)

    def ask(self, hosts, clients=CLIENTS):
        """Clients that stay for a random time, go, and come again."""
        return [Requests(self, host.ip + ":8080", clients=clients // len(hosts), hold_ms_max=2000,
                         pause_after_error_ms=1000, spread_percent=100, seed=number)
                for number, host in enumerate(hosts)]

    def median(self, seconds):
        """Of those open in the last so many seconds."""
        now = time.monotonic()
        values = [value for _, value in self.seen.between(now - seconds, now)]
        return statistics.median(values) if values else 0

    def assert_used_up(self, what):
        """For some seconds, within a minute; and it was never passed."""
        begin = time.monotonic()
        wait_for(lambda: time.monotonic() - begin > _CALM_S and self.median(_CALM_S) > _ENOUGH, 60,
                 "the slots are used up " + what)
        took = time.monotonic() - begin - _CALM_S
        self.figure("%s: %g in use, after %.1f s; never more than %d", what, self.median(_CALM_S), took,
                    self.open.most)
        self.assert_not_passed()

    def assert_not_passed(self):
        self.assertLessEqual(self.open.most, LIMIT)

    def parts(self):
        """What `lbctl get limits` says each host may use of it."""
        found = []
        for host in self.hosts:
            text = host.lbctl("get", "limits").stdout
            part = re.search(r"\b%d \(cluster, (-?\d+) here\)" % LIMIT, text)
            self.assertIsNotNone(part, text)
            found.append(int(part[1]))
        return found

    def assert_parts_sum_up(self):
        """Between two moves of slots."""
        parts = []

        def whole():
            parts.append(self.parts())
            return sum(parts[-1]) == LIMIT

        wait_for(whole, 20, "the parts of all hosts are the limit")
        self.figure("parts %s", parts[-1])
