"""Results as main.py makes them, of a benchmark that never ran: for tests of the report."""

from driver.balancers.contract import BASELINE, PEER, SUBJECT
from driver.figures import figures
from driver.scenarios import SCENARIOS

ROLES = {"lb": SUBJECT, "haproxy": PEER, "nginx": PEER, "direct": BASELINE}


def counted(operations=1000, cpu_us=30.0, gigabytes=0.0, **others):
    """What the generator reports after two seconds in which an operation took `cpu_us` of CPU."""
    return {
        "seconds": 2.0,
        "operations": operations,
        "bytes_to_clients": int(gigabytes * 1e9),
        "bytes_to_servers": 0,
        "errors": 0,
        "balancer_run_ns": int(operations * cpu_us * 1e3),
        "balancer_wait_ns": 20_000_000,
        "generator_run_ns": operations * 7_000,
        "p50_us": 100.0,
        "p99_us": 200.0,
        "p999_us": 300.0,
        **others,
    }


def held(connections=100, rss_before=10_000_000, rss_per_connection=500):
    """What loads.py reports of connections that were held."""
    during = rss_before + connections * rss_per_connection
    return {
        "held": connections,
        "errors": 0,
        "before": {"rss": rss_before, "pss": rss_before},
        "during": {"rss": during, "pss": during},
        "after": {"rss": rss_before + 4096, "pss": rss_before},
        "kernel_bytes": connections * 10_000,
        "idle_run_ns_per_s": 50_000,
    }


def results(runs):
    """`runs`: (scenario, balancer, what was counted or the text of an error)."""
    made = []
    for scenario, balancer, outcome in runs:
        run = {"scenario": scenario, "balancer": balancer, "repetition": 0}
        if isinstance(outcome, str):
            run["error"] = outcome
        else:
            run["figures"] = figures(SCENARIOS[scenario], outcome)
        made.append(run)
    scenarios = list(dict.fromkeys(scenario for scenario, _, _ in runs))
    return {
        "machine": {"cpu": "a processor", "cpus": 2, "kernel": "6.1", "warnings": []},
        "options": {
            "scenarios": scenarios,
            "repetitions": 3,
            "seconds": 2.0,
            "congestion_control": "reno",
        },
        "balancers": {name: {"role": role, "version": name + " 1"} for name, role in ROLES.items()},
        "runs": made,
    }
