"""What very many endpoints cost, and what is done with more than are used."""

import harness
from harness import wait_for
from harness.kubernetes import FakeApiServer, backends, pod

LISTEN = "127.0.0.1:8080"
SLICES, PER_SLICE = 1000, 100
USED = 10_000
# The time may be ten times as long here: the machine is shared by other tests.
LOAD_S, GROWTH_MB = 5, 200


def pods(count):
    names = "web-7f6d5c8b4d-%05d"
    return [pod(names % n, "10.%d.%d.%d" % (n >> 16, n >> 8 & 255, n & 255)) for n in range(count)]


class SizeTest(harness.Case):
    def start_with(self, count):
        """Starts with one endpoint, then has `count` behind an API server that was away."""
        api = FakeApiServer()
        self.addCleanup(api.kill)
        api.set_endpoints("shop", "web", pods(1), per_slice=PER_SLICE)
        api.start()
        rule = {"name": "web", "listen": LISTEN, "backends": backends()}
        config = {"rules": [rule], "kubernetes": {"api_server": api.url}}
        self.lb = self.balancer().start(config)
        self.pid = self.lb.control.pid
        before, cpu = self.status("VmRSS"), self.cpu_seconds()
        api.kill()
        api.set_endpoints("shop", "web", pods(count), per_slice=PER_SLICE)
        api.forget()
        self.clear_peak()
        api.start()
        wait_for(lambda: self.lists() == 2, 10 * LOAD_S + 30, "the second list is read")
        wait_for(lambda: "&watch=1" in api.requests[-1], 10, "it watches again")
        pages = -(-count // PER_SLICE // 500)
        took = api.times[-1] - api.times[-1 - pages]
        growth = self.status("VmHWM") - before
        self.figure(
            "%d endpoints in %.1f s with %.2f s of CPU, %d MB more at most",
            count, took, self.cpu_seconds() - cpu, growth
        )
        self.assertLess(took, 10 * LOAD_S)
        self.assertLess(growth, GROWTH_MB)

    def lists(self):
        return self.lb.control_metrics().sum("lb_service_lists_total")

    def status(self, name):
        with open("/proc/%d/status" % self.pid, encoding="ascii") as file:
            for line in file:
                if line.startswith(name + ":"):
                    return int(line.split()[1]) // 1024
        raise AssertionError("no " + name)

    def clear_peak(self):
        with open("/proc/%d/clear_refs" % self.pid, "w", encoding="ascii") as file:
            file.write("5")

    def cpu_seconds(self):
        return self.lb.control_metrics().sum("process_cpu_seconds_total")

    def test_a_hundred_thousand_are_read_and_refused_as_too_many(self):
        self.start_with(SLICES * PER_SLICE)
        wait_for(lambda: "service.refused" in str(self.lb.json("get", "events")), 20, "an event")
        metrics = self.lb.control_metrics()
        self.assertEqual(metrics.sum("lb_service_in_sync"), 0)
        self.assertEqual(metrics.sum("lb_service_endpoints"), 1)  # What was known stays.
        self.assertEqual(len(self.lb.items("backends")), 1)

    def test_as_many_as_are_used_reach_the_worker(self):
        self.start_with(USED)
        wait_for(
            lambda: self.lb.control_metrics().sum("lb_service_endpoints") == USED, 20, "all are used"
        )
        self.lb.wait_until_synced()
        self.assertEqual(self.lb.control_metrics().sum("lb_service_in_sync"), 1)


if __name__ == "__main__":
    harness.main()
