"""The report as Markdown: one table over all scenarios, then one for each. Pure."""

from driver.balancers.contract import BASELINE
from driver.scenarios import GIGABYTE, HELD, SCENARIOS

_HOW_TO_READ = """\
Cost is the CPU time of the balancer's processes, in user space and in the kernel, per unit of work: \
lower is better. In parentheses: the ratio to the best peer; below 1 is cheaper than every peer. \
Medians of %d repetitions; min..max over them. The row or column `direct` has no balancer: its CPU \
time is that of clients and backend."""


def report(summary):
    """The whole report."""
    parts = ["# Load balancers side by side", _about(summary), "## Cost per unit of work"]
    parts += [_HOW_TO_READ % summary.options["repetitions"], _overview(summary)]
    for name in summary.scenarios:
        scenario = SCENARIOS[name]
        parts += ["## " + name, scenario.what + ".", _details(summary, scenario)]
        parts += _failures(summary, name)
    return "\n\n".join(parts) + "\n"


def number(value, digits=2):
    """A figure for people; "-" for none."""
    if value is None:
        return "-"
    if abs(value) >= 1000:
        return "{:,.0f}".format(value)
    return "%.*f" % (digits, value)


def _table(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| %s |" % " | ".join(line) for line in lines)


def _about(summary):
    machine = summary.machine
    lines = ["- %s: %s" % (name, about["version"]) for name, about in summary.balancers.items()]
    lines.append("- machine: %(cpu)s, %(cpus)d processors, Linux %(kernel)s" % machine)
    lines.append("- congestion control: %(congestion_control)s" % summary.options)
    lines += ["- **%s**" % warning for warning in machine["warnings"]]
    return "\n".join(lines)


def _overview(summary):
    rows = []
    for name in summary.scenarios:
        row = [name, SCENARIOS[name].unit.cost]
        for balancer in summary.balancers:
            spread, ratio = summary.spread(name, balancer, "cost"), summary.ratio(name, balancer)
            cell = number(spread.median) if spread else "-"
            row.append(cell if ratio is None else "%s (%.2f)" % (cell, ratio))
        rows.append(row)
    return _table(["scenario", "unit", *summary.balancers], rows)


def _details(summary, scenario):
    unit = scenario.unit
    columns = [(unit.cost, _cost), ("min..max", _range), ("ratio", _ratio)]
    if unit is HELD:
        columns += [
            ("PSS " + unit.cost, _median("pss", 0)),
            ("kernel " + unit.cost, _median("kernel", 0)),
            ("RSS before, KiB", _kib("before")),
            ("RSS after close, KiB", _kib("after")),
            ("idle, us CPU/s", _median("idle_us_per_s", 0)),
        ]
    else:
        columns += [(unit.rate, _median("rate")), ("rate min..max", _rate_range)]
        if unit is not GIGABYTE:
            columns += [(name + " us", _median(name + "_us", 1)) for name in ("p50", "p99", "p999")]
        columns += [
            ("busy", _percent("busy")),
            ("waited", _percent("waited")),
            ("control plane", _median("beside")),
            ("clients and backend", _median("load")),
        ]
    columns += [("errors", _errors), ("runs", _runs)]
    rows = [
        [balancer] + [cell(summary, scenario.name, balancer) for _, cell in columns]
        for balancer in summary.balancers
        if not (unit is HELD and summary.balancers[balancer]["role"] == BASELINE)
    ]
    return _table(["balancer"] + [title for title, _ in columns], rows)


def _failures(summary, scenario):
    return [
        "%s measured nothing in %d of %d runs: %s"
        % (balancer, len(errors), summary.options["repetitions"], errors[0])
        for balancer in summary.balancers
        for errors in [summary.errors(scenario, balancer)]
        if errors
    ]


# Cells. Each takes the summary, a scenario's name and a balancer's.


def _median(figure, digits=2, scale=1.0, suffix=""):
    def cell(summary, scenario, balancer):
        spread = summary.spread(scenario, balancer, figure)
        return number(spread.median * scale, digits) + suffix if spread else "-"

    return cell


def _percent(figure):
    return _median(figure, 0, 100, " %")


def _kib(figure):
    return _median(figure, 0, 1 / 1024)


def _spread_of(figure):
    def cell(summary, scenario, balancer):
        spread = summary.spread(scenario, balancer, figure)
        return "%s..%s" % (number(spread.low), number(spread.high)) if spread else "-"

    return cell


_cost, _range, _rate_range = _median("cost"), _spread_of("cost"), _spread_of("rate")


def _ratio(summary, scenario, balancer):
    return number(summary.ratio(scenario, balancer))


def _errors(summary, scenario, balancer):
    return str(sum(run["errors"] for run in summary.figures(scenario, balancer)))


def _runs(summary, scenario, balancer):
    return str(len(summary.figures(scenario, balancer)))
