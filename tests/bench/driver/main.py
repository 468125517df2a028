"""The benchmark: runs every balancer under every load, in alternation, and reports."""

import json
import os
import signal
import sys
import tempfile
import time

from driver import options as command_line
from driver import procfs, programs, results
from driver.balancers.contract import BASELINE
from driver.figures import figures
from driver.scenarios import HELD
from driver.tables import number
from harness.process import Process

_WARM_UP_MS = 400
# Short sums of CPU time say little; see measurement.h of the generator.
_BALANCER_RUN_MS_MIN = 200
_SMOKE_WARM_UP_MS, _SMOKE_BALANCER_RUN_MS_MIN = 100, 10
_RUN_TIMEOUT_S = 300
_ORDERLY_END_S = 20
# Above this, other processes are likely to have been in the way.
_LOAD_AVERAGE_QUIET = 0.5


class Benchmark:
    """The runs of one command."""

    def __init__(self, options):
        self._options = options
        programs.check_installed(options.balancers)
        given = {name: getattr(options, name) for name in ("controlplane", "worker", "load")}
        self._programs = programs.find(given)
        self._folder = tempfile.TemporaryDirectory(prefix="lb-bench-driver-")
        self._began = time.monotonic()
        cpus = sorted(os.sched_getaffinity(0))
        self._cpus = {"balancer": str(cpus[0]), "generator": str(cpus[1 % len(cpus)])}
        self._machine = {
            "cpu": procfs.cpu_model(),
            "cpus": len(cpus),
            "kernel": os.uname().release,
            "warnings": _warnings(options, cpus),
        }

    def run(self):
        """Runs everything; the content of results.json."""
        refused = self._room(None, None).get("error")
        if refused:
            raise programs.NotReady(
                "cannot make a network namespace with this congestion control: %s\n"
                "run as root, or allow user namespaces; `sysctl net.ipv4.tcp_available_congestion_control`"
                % refused
            )
        balancers, runs = self._options.balancers, []
        for repetition in range(self._options.repetitions):
            for scenario in self._options.scenarios:
                # Who comes first changes, so that nobody always follows the same neighbour.
                first = repetition % len(balancers)
                for balancer in balancers[first:] + balancers[:first]:
                    if scenario.unit is HELD and balancer.role == BASELINE:
                        continue  # There are no processes whose memory could grow.
                    if scenario.tls and not balancer.tls:
                        continue
                    runs.append(self._one(repetition, scenario, balancer))
        return self._results(runs)

    def _one(self, repetition, scenario, balancer):
        counted = self._room(balancer.name, scenario.name)
        run = {"balancer": balancer.name, "scenario": scenario.name, "repetition": repetition}
        run["load_average"] = os.getloadavg()[0]
        logs = counted.pop("logs", "")
        if "error" not in counted:
            run["counted"] = counted
            try:
                run["figures"] = figures(scenario, counted)
            except ValueError as error:
                counted = {"error": str(error)}
        if "error" in counted:
            run["error"] = counted["error"]
        self._say(run, scenario, logs)
        return run

    def _say(self, run, scenario, logs):
        if "figures" in run:
            outcome = "%s %s" % (number(run["figures"]["cost"]), scenario.unit.cost)
        else:
            outcome = "ERROR: %s\n%s" % (run["error"], logs)
        progress = (time.monotonic() - self._began, run["repetition"] + 1, self._options.repetitions)
        names = (run["scenario"], run["balancer"], outcome)
        print("[%5.0f s] %d/%d %-12s %-16s %s" % (progress + names), file=sys.stderr, flush=True)

    def _room(self, balancer, scenario):
        """Runs room.py to its end: what it printed."""
        options = self._options
        job = {
            "balancer": balancer,
            "scenario": scenario,
            "programs": self._programs,
            "cpus": self._cpus,
            "congestion_control": options.congestion_control,
            "timing": {
                "warm_up_ms": _SMOKE_WARM_UP_MS if options.smoke else _WARM_UP_MS,
                "interval_ms": int(options.seconds * 1000),
                "balancer_run_ms_min": (
                    _SMOKE_BALANCER_RUN_MS_MIN if options.smoke else _BALANCER_RUN_MS_MIN
                ),
            },
        }
        argv = [sys.executable, "-m", "driver.room", json.dumps(job)]
        process = Process("room", argv, self._folder.name)
        try:
            process.wait(_RUN_TIMEOUT_S + options.seconds)
            return json.loads(process.out())
        except (AssertionError, ValueError) as error:
            return {"error": "%s\n%s" % (error, process.log())}
        finally:
            if process.running():
                process.stop(timeout=_ORDERLY_END_S)

    def _results(self, runs):
        options = self._options
        return {
            "machine": self._machine,
            "options": {
                "scenarios": [scenario.name for scenario in options.scenarios],
                "repetitions": options.repetitions,
                "seconds": options.seconds,
                "congestion_control": options.congestion_control,
            },
            "balancers": {
                balancer.name: {"role": balancer.role, "version": balancer.version(self._programs)}
                for balancer in options.balancers
            },
            "runs": runs,
        }


def _warnings(options, cpus):
    found = []
    if options.smoke:
        found.append("a smoke run: shows that everything runs, its figures mean nothing")
    if len(cpus) < 2:
        found.append("one processor for balancer and load: the figures mean nothing")
    load_average = os.getloadavg()[0]
    if load_average > _LOAD_AVERAGE_QUIET:
        found.append("the machine was not quiet at the start (load average %.1f)" % load_average)
    return found


def main():
    """Runs the command; its exit code."""
    options = command_line.parse()
    # Ending in order, also when told to: a run in progress ends what it started.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(1))
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if options.list:
        print(command_line.listing())
        return 0
    folder = options.out
    try:
        if options.report:
            found = results.read(options.report)
        else:
            found = Benchmark(options).run()
            folder = folder or tempfile.mkdtemp(prefix="lb-bench-results-")
    except (programs.NotReady, OSError, ValueError) as error:
        print("tests/bench/run: %s" % error, file=sys.stderr)
        return 1
    print(results.text_of(found))
    if folder:
        results.write(folder, found)
        print("written to %s: report.md, results.json, ratios.svg" % folder, file=sys.stderr)
    return 1 if any("error" in run for run in found["runs"]) else 0


if __name__ == "__main__":
    sys.exit(main())
