"""From what one run counted to figures per unit of work. Pure."""

from driver.scenarios import GIGABYTE, HELD


def figures(scenario, counted):
    """A run's figures by name; ValueError when nothing went through, which measures nothing.

    cost       what a unit costs the balancer, in scenario.unit.cost
    beside     the same of its processes that carry no traffic, where it has any
    load       the same of clients and backend
    rate       units a second, in scenario.unit.rate
    p50_us, p99_us, p999_us
               latency of an operation; not of streams
    busy       share of the time that the balancer ran
    waited     share of the time that it was ready to run, but its processor was taken
    """
    return _held(counted) if scenario.unit is HELD else _worked(scenario.unit, counted)


def _worked(unit, counted):
    is_bulk = unit is GIGABYTE
    if is_bulk:
        units = (counted["bytes_to_clients"] + counted["bytes_to_servers"]) / 1e9
    else:
        units = counted["operations"]
    if not units:
        raise ValueError("nothing went through in %.1f s" % counted["seconds"])
    # Nanoseconds to ms a GB, or to us an operation.
    scale = 1e6 if is_bulk else 1e3
    elapsed_ns = counted["seconds"] * 1e9
    # Without a balancer only the load is there to have a cost.
    carrier_ns = counted["balancer_run_ns"] or counted["generator_run_ns"]
    found = {
        "cost": carrier_ns / units / scale,
        "load": counted["generator_run_ns"] / units / scale,
        "rate": units / counted["seconds"] * (8 if is_bulk else 1),
        "busy": carrier_ns / elapsed_ns,
        "waited": counted["balancer_wait_ns"] / elapsed_ns,
        "errors": counted["errors"],
    }
    if "beside_run_ns" in counted:
        found["beside"] = counted["beside_run_ns"] / units / scale
    if not is_bulk:
        found.update({name: counted[name] for name in ("p50_us", "p99_us", "p999_us")})
    return found


def _held(counted):
    """The figures of a run that holds connections: bytes a connection, and what is left after.

    cost       resident memory a connection, as "rss" grew; "pss" the same by proportional share
    kernel     kernel memory a connection: of the balancer's, the clients' and the backend's sockets
    before, after
               resident memory without connections, bytes
    idle_us_per_s
               CPU time the balancer takes while nothing happens
    """
    held = counted["held"]
    before, during = counted["before"], counted["during"]
    return {
        "cost": (during["rss"] - before["rss"]) / held,
        "pss": (during["pss"] - before["pss"]) / held,
        "kernel": counted["kernel_bytes"] / held,
        "before": before["rss"],
        "after": counted["after"]["rss"],
        "idle_us_per_s": counted["idle_run_ns_per_s"] / 1e3,
        "held": held,
        "errors": counted["errors"],
    }
