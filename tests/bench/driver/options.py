"""The command line."""

import argparse

from driver.balancers import BALANCERS, USUAL
from driver.scenarios import GROUPS, SCENARIOS, select

_ABOUT = """\
Measures load balancers side by side: what a connection, a round trip or a gigabyte costs each in
CPU time, how much goes through, and how long it takes. Every run has a network namespace of its own,
with loopback only, and one processor for the balancer and one for clients and backend.

Needs root, or user namespaces for everybody, and the packages of `deploy/install-packages test`.
The machine should do nothing else meanwhile. tests/bench/README.md explains method and figures.
"""

_SMOKE_REPETITIONS, _SMOKE_SECONDS = 1, 0.2


def _names(known):
    def parse(text):
        names = [name for name in text.split(",") if name]
        unknown = [name for name in names if name not in known]
        if unknown or not names:
            raise argparse.ArgumentTypeError("not one of %s: %s" % (", ".join(known), ", ".join(unknown)))
        return names

    return parse


def _positive(convert):
    def parse(text):
        value = convert(text)
        if value <= 0:
            raise argparse.ArgumentTypeError("must be above 0")
        return value

    return parse


def parse(arguments=None):
    """The options; `scenarios` are Scenario objects and `balancers` adapters."""
    parser = argparse.ArgumentParser(
        prog="tests/bench/run",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--scenarios", metavar="NAME,...", type=_names([*GROUPS, *SCENARIOS]),
        help="scenarios or groups (%s); default core" % ", ".join(GROUPS))
    add("--balancers", metavar="NAME,...", type=_names(list(BALANCERS)), default=USUAL,
        help="default: %s" % ",".join(USUAL))
    add("--repetitions", metavar="N", type=_positive(int), default=3, help="default 3")
    add("--seconds", metavar="S", type=_positive(float), default=1.2,
        help="measured interval of a run, after a warm-up; default 1.2")
    add("--congestion-control", metavar="NAME", default="reno",
        help="of all sockets; default reno, since the pacing of bbr swamps every difference")
    add("--out", metavar="DIR",
        help="where report.md, results.json and ratios.svg go; default a new temporary folder")
    add("--smoke", action="store_true",
        help="a tiny run of every kind: shows that it works, measures nothing")
    add("--report", metavar="FILE", help="measure nothing, print the report of an earlier results.json; with --out also write it")
    add("--list", action="store_true", help="show scenarios, groups and balancers")
    for name in ("controlplane", "worker", "load"):
        add("--" + name, metavar="PATH", help="a ready program instead of building it")
    options = parser.parse_args(arguments)
    if options.smoke:
        options.repetitions, options.seconds = _SMOKE_REPETITIONS, _SMOKE_SECONDS
    options.scenarios = select(options.scenarios or ["smoke" if options.smoke else "core"])
    options.balancers = [BALANCERS[name] for name in dict.fromkeys(options.balancers)]
    return options


def listing():
    """What --list shows."""
    lines = ["scenarios"]
    lines += ["  %-14s %s" % (name, scenario.what) for name, scenario in SCENARIOS.items()]
    lines += ["groups"] + ["  %-14s %s" % (name, ",".join(names)) for name, names in GROUPS.items()]
    lines += ["balancers"] + ["  " + name for name in BALANCERS]
    return "\n".join(lines)
