"""Puts a load on a running balancer and returns what was counted, before any arithmetic."""

import json

from driver import procfs
from driver.balancers.contract import BACKEND_PORT
from driver.scenarios import HELD
from harness import sample_while, wait_for

_GENERATOR_TIMEOUT_S = 60  # Beyond the interval: warm-up, extension, start and end.
_HELD_TIMEOUT_S = 90
_SETTLED_TIMEOUT_S = 20
_SETTLED_READINGS = 5
_SETTLED_POLL_S = 0.1
# What a balancer may keep open after the load, such as pipes for the next connections.
_DESCRIPTORS_KEPT_MAX = 64
_WATCH_IDLE_S = 1
# Whole handshakes where sessions are resumed: those that begin before there is one to resume.
_WHOLE_SHARE_MAX = 0.1
_WHOLE_MAX = 64


def run(room, running, scenario):
    """Runs the load; a dict of counts, times in ns and memory in bytes."""
    argv = [room.programs["load"], *scenario.load]
    argv += ["--target", running.target, "--backend", "0.0.0.0:%d" % BACKEND_PORT]
    if room.tls is not None:
        argv += ["--client-tls", "resumed" if scenario.tls.resumed else "full"]
        if room.tls.re_encrypt or not running.ends_tls:
            argv += ["--backend-cert", room.tls.backend_cert, "--backend-key", room.tls.backend_key]
    return (_hold if scenario.unit is HELD else _measure)(room, running, argv)


def _measure(room, running, argv):
    timing = room.timing
    argv += ["--warm-up-ms", timing["warm_up_ms"], "--interval-ms", timing["interval_ms"]]
    argv += ["--balancer-run-ms-min", timing["balancer_run_ms_min"]]
    for pid in running.workers:
        argv += ["--balancer-pid", pid]
    for pid in running.beside:
        argv += ["--beside-pid", pid]
    generator = room.start("load", argv, cpu="generator")
    code = generator.wait(_GENERATOR_TIMEOUT_S + timing["interval_ms"] / 1e3)
    if code != 0:
        raise ValueError("no measurement: " + (generator.log().strip() or "code %d" % code))
    counted = json.loads(generator.out())
    if not running.beside:
        del counted["beside_run_ns"]
    if room.tls is not None:
        _check_resumption(room.scenario.tls, running, counted)
    return counted


def _check_resumption(tls, running, counted):
    """ValueError when handshakes were not of the kind that is measured."""
    wanted = [("", tls.resumed)]
    if tls.re_encrypt and running.ends_tls:
        wanted.append(("backend_", True))
    for side, resumed in wanted:
        done, of = counted["resumed_%shandshakes" % side], counted[side + "handshakes"]
        if (of - done > of * _WHOLE_SHARE_MAX + _WHOLE_MAX) if resumed else done:
            raise ValueError("%d of %d %shandshakes resumed a session" % (done, of, side))


def _hold(room, running, argv):
    """Memory before, during and after many silent connections, each read when it has settled."""
    pids = running.workers
    descriptors = procfs.descriptors(pids)
    before, kernel_before = _settled_memory(pids), procfs.kernel_bytes()
    generator = room.start("load", argv, cpu="generator")

    def report():
        if not generator.running():
            raise AssertionError("no measurement: " + generator.log().strip())
        return generator.out().endswith("\n") and json.loads(generator.out())

    held = wait_for(report, _HELD_TIMEOUT_S, "the connections are open")
    during, kernel_during = _settled_memory(pids), procfs.kernel_bytes()
    began_ns = procfs.run_ns(pids)
    sample_while(_WATCH_IDLE_S, lambda: None)
    idle_run_ns = procfs.run_ns(pids) - began_ns
    generator.stop()
    wait_for(
        lambda: procfs.descriptors(pids) <= descriptors + _DESCRIPTORS_KEPT_MAX,
        _SETTLED_TIMEOUT_S,
        "the balancer has closed its connections",
    )
    return {
        **held,
        "before": before,
        "during": during,
        "after": _settled_memory(pids),
        "kernel_bytes": kernel_during - kernel_before,
        "idle_run_ns_per_s": idle_run_ns / _WATCH_IDLE_S,
    }


def _settled_memory(pids):
    """The processes' memory once several readings in a row agree."""
    readings = []

    def agree():
        readings.append(procfs.memory_bytes(pids))
        last = readings[-_SETTLED_READINGS:]
        return len(last) == _SETTLED_READINGS and all(reading == last[0] for reading in last)

    wait_for(agree, _SETTLED_TIMEOUT_S, "the balancer's memory stays as it is", _SETTLED_POLL_S)
    return readings[-1]
