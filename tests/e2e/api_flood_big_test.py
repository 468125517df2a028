"""api_flood_test.py with 2,000 idle and 30,000 short connections, and what the data path notices.

That its p99 grows by 10 % at most is a measurement, printed on a quiet machine by

    bazel test --test_output=all --nocache_test_results //tests/e2e:api_flood_big_test

MAX_RATIO is the noise bound of this test, which any machine has to keep.
"""

import os
import statistics

import api_flood_test as flood
import harness
from harness import Requests, kernel
from harness.kernel import descriptors, set_limit, soft_limit

flood.IDLE, flood.SHORT = 2000, 30000

ROUNDS = 5  # Of a quiet time and a flood each, so that a busy machine disturbs both.
FLOODS = 2  # In one of those times: enough requests for a p99.
CLIENTS, PAUSE_MS = 4, 4
# Ten times the growth that is aimed for, and half a millisecond: other work on the machine weighs
# more than the flood does.
MAX_RATIO, SLACK_MS = 2.0, 0.5


class ApiFloodBigTest(flood.ApiFloodTest):
    def start_data_path(self):
        (backend,) = self.servers("127.0.0.1:9001")
        worker = self.lb.start_worker(threads=1)
        worker.wait_until_ready()
        return [backend.process.pid, worker.process.pid]

    def load(self, **options):
        load = Requests(self, "127.0.0.1:8080", clients=CLIENTS, pause_ms=PAUSE_MS, **options)
        kernel.pin(load.process.pid, self.data_cpus)
        return load

    def flooded(self, starved):
        """The load while the API is flooded; with `starved` it has no descriptor left meanwhile.
        Also how much processor time the control plane took, in seconds."""
        usual, spent = soft_limit(self.lb.control), kernel.cpu_s(self.lb.control)
        if starved:
            set_limit(self.lb.control, descriptors(self.lb.control) + 20)
        load = self.load()
        for _ in range(FLOODS):
            for client in self.flood():
                client.close()
        result = load.finish()
        spent = kernel.cpu_s(self.lb.control) - spent
        set_limit(self.lb.control, usual)
        self.assert_recovers()
        return result, spent

    def measure(self, what):
        """Alternates quiet times and floods; the medians of their p99 in milliseconds."""
        quiet, flooded = [], []
        connections = 1000
        for number in range(ROUNDS):
            before = self.load(connections=connections).result(120)
            during, spent = self.flooded(starved=number % 2 == 1)
            after = self.load(connections=connections).result(120)
            connections = max(during["ok"], 500)
            for result in (before, during, after):
                self.assertEqual(result["errors"], {})
            quiet += [before["p99_ms"], after["p99_ms"]]
            flooded.append(during["p99_ms"])
            self.figure("%s: p99 %.2f ms before, %.2f during (%d requests, the control plane took "
                        "%.1f s), %.2f after", what, before["p99_ms"], during["p99_ms"],
                        during["ok"], spent, after["p99_ms"])
        medians = statistics.median(quiet), statistics.median(flooded)
        self.figure("%s: median p99 %.2f ms quiet, %.2f ms flooded: %+.0f %%", what, *medians,
                    100 * (medians[1] / medians[0] - 1))
        return medians

    def test_the_data_path_does_not_notice(self):
        data = self.start_data_path()
        every = os.sched_getaffinity(0)
        self.data_cpus = every
        self.measure("all on the same processors")
        if len(every) < 2:
            return
        self.addCleanup(kernel.pin, os.getpid(), every)
        # Who floods needs a processor, which is no matter of the product.
        self.data_cpus = {min(every)}
        for pid in (*data, self.lb.control.pid):
            kernel.pin(pid, self.data_cpus)
        kernel.pin(os.getpid(), every - self.data_cpus)
        self.measure("flooded from another processor")
        # Where the data path has one of its own, only what cannot be shared is left: interrupts,
        # the kernel's locks, memory.
        kernel.pin(self.lb.control.pid, every - self.data_cpus)
        quiet, flooded = self.measure("a processor for the data path")
        self.assertLess(flooded, MAX_RATIO * quiet + SLACK_MS)


if __name__ == "__main__":
    harness.main()
