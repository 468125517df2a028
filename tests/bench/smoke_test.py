"""A tiny benchmark with everything in it runs to its end and leaves a whole report.

It bounds no figure: how fast anything is depends on the machine, and on what else it does.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

from harness import paths

_BENCH = os.path.dirname(os.path.abspath(__file__))
_BALANCERS = ["lb", "haproxy", "haproxy-splice", "nginx", "direct"]
_SCENARIOS = {
    "cps": ("cost", "rate", "p50_us", "p99_us", "p999_us"),
    "cps-sclose": ("cost", "rate", "p50_us", "p99_us", "p999_us"),
    "rr-64x1k": ("cost", "rate", "p50_us", "p99_us", "p999_us"),
    "bulk-8-both": ("cost", "rate"),
    "idle-200": ("held", "before", "after"),
    "tls-resumed": ("cost", "rate", "p50_us", "p99_us", "p999_us"),
    "tls-reencrypt": ("cost", "rate", "p50_us", "p99_us", "p999_us"),
    "tls-bulk-8-c2b": ("cost", "rate"),
    "tls-idle-200": ("held", "before", "after"),
}


def takes_part(scenario, balancer):
    if "idle" in scenario and balancer == "direct":
        return False  # Nothing there holds memory.
    return not (scenario.startswith("tls") and balancer == "haproxy-splice")


def bench(*arguments):
    argv = [os.path.join(_BENCH, "run"), *arguments]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stdout


class SmokeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="lb-bench-smoke-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.code, cls.printed = bench(
            "--smoke", "--out", cls.folder,
            "--worker", paths.worker(),
            "--controlplane", paths.control_plane(),
            "--load", paths.bench_load(),
        )
        with open(os.path.join(cls.folder, "results.json"), encoding="utf-8") as file:
            cls.results = json.load(file)

    def read(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8") as file:
            return file.read()

    def test_every_balancer_has_figures_under_every_load(self):
        self.assertEqual(self.code, 0)
        figures = {(run["scenario"], run["balancer"]): run.get("figures") for run in self.results["runs"]}
        expected = [(scenario, balancer) for scenario in _SCENARIOS for balancer in _BALANCERS
                    if takes_part(scenario, balancer)]
        self.assertEqual(sorted(figures), sorted(expected))
        for (scenario, balancer), found in figures.items():
            for name in _SCENARIOS[scenario]:
                self.assertGreater(found[name], 0, "%s of %s under %s" % (name, balancer, scenario))
            self.assertEqual(found["errors"], 0, "%s under %s" % (balancer, scenario))

    def test_the_control_planes_share_is_reported(self):
        for run in self.results["runs"]:
            if run["scenario"] == "cps":
                self.assertEqual("beside" in run["figures"], run["balancer"] == "lb")

    def test_the_report_is_printed_and_written(self):
        report = self.read("report.md")
        self.assertEqual(self.printed.strip(), report.strip())
        for scenario in _SCENARIOS:
            self.assertIn("\n## %s\n" % scenario, report)
        for balancer in _BALANCERS:
            self.assertIn("\n| %s | " % balancer, report)

    def test_the_picture_has_a_bar_for_each_peer_and_load(self):
        root = xml.etree.ElementTree.fromstring(self.read("ratios.svg"))
        titles = {title.text.split(":")[0] for title in root.iter("{http://www.w3.org/2000/svg}title")}
        for scenario in ("cps", "cps-sclose", "rr-64x1k", "bulk-8-both"):
            for balancer in _BALANCERS[:-1]:
                self.assertIn("%s, %s" % (scenario, balancer), titles)

    def test_an_earlier_result_is_reported_again(self):
        code, printed = bench("--report", os.path.join(self.folder, "results.json"), "--out",
                              os.path.join(self.folder, "again"))
        self.assertEqual((code, printed), (0, self.printed))


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
