"""The loads: what each does, in which unit its cost is given, and how the generator is told."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Unit:
    """A unit of work. `cost` is what one costs the balancer, `rate` how many went through."""

    cost: str
    rate: str


CONNECTION = Unit("us/connection", "connections/s")
ROUND_TRIP = Unit("us/round trip", "round trips/s")
GIGABYTE = Unit("ms/GB", "Gbit/s")
HELD = Unit("B/connection", "")  # Memory, not time.


@dataclasses.dataclass(frozen=True)
class Scenario:
    """`load` is the generator's mode and its options."""

    name: str
    what: str
    unit: Unit
    load: tuple


def _connections(name, what, *options):
    return Scenario(name, what, CONNECTION, ("connections", "--connections", "64", *options))


def _round_trips(name, connections, request_bytes, response_bytes):
    what = "%s: %s there, %s back, again and again" % (
        _count(connections, "connection"), _size(request_bytes), _size(response_bytes))
    options = ["--connections", connections]
    options += ["--request-bytes", request_bytes, "--response-bytes", response_bytes]
    return Scenario(name, what, ROUND_TRIP, ("requests", *map(str, options)))


def _bulk(connections, direction):
    option, what = {
        "b2c": ("to-clients", "from backends to clients"),
        "c2b": ("to-servers", "from clients to backends"),
        "both": ("both", "both ways at once"),
    }[direction]
    what = "%s %s" % (_count(connections, "endless stream"), what)
    load = ("streams", "--connections", str(connections), "--direction", option)
    return Scenario("bulk-%d-%s" % (connections, direction), what, GIGABYTE, load)


def _idle(name, connections):
    what = "%d connections that exchanged 1 KiB and are silent since" % connections
    options = ("--connections", str(connections), "--request-bytes", "1024", "--response-bytes", "1024")
    return Scenario(name, what, HELD, ("idle", *options))


def _count(count, noun):
    return "%d %s%s" % (count, noun, "" if count == 1 else "s")


def _size(count):
    return "%d KiB" % (count // 1024) if count >= 1024 else "%d B" % count


_ALL = (
    _connections("cps", "64 at a time: connect, 64 B each way, the client closes"),
    _connections("cps-sclose", "64 at a time: connect, 64 B, 1 B back, the server closes",
                 "--response-bytes", "1", "--server-closes"),
    _round_trips("rr-1x1k", 1, 1024, 1024),
    _round_trips("rr-64x1k", 64, 1024, 1024),
    _round_trips("rr-64x16k", 64, 16384, 16384),
    _round_trips("rr-64x64k", 64, 65536, 65536),
    _round_trips("rr-1000x1k", 1000, 1024, 1024),
    _round_trips("down-64x64k", 64, 64, 65536),
    _bulk(1, "b2c"),
    _bulk(8, "b2c"),
    _bulk(8, "c2b"),
    _bulk(8, "both"),
    _bulk(64, "b2c"),
    _idle("idle", 8000),
    _idle("idle-200", 200),
)

SCENARIOS = {scenario.name: scenario for scenario in _ALL}

GROUPS = {
    "core": [
        "cps", "cps-sclose", "rr-1x1k", "rr-64x1k", "rr-64x16k", "rr-1000x1k",
        "bulk-1-b2c", "bulk-8-b2c", "bulk-8-c2b", "bulk-8-both", "bulk-64-b2c", "idle",
    ],
    "all": [scenario.name for scenario in _ALL if scenario.name != "idle-200"],
    # One of each kind, small: shows that everything runs, measures nothing.
    "smoke": ["cps", "cps-sclose", "rr-64x1k", "bulk-8-both", "idle-200"],
}


def select(names):
    """The scenarios of these names and groups, each once; KeyError with a name that is neither."""
    expanded = [name for group in names for name in GROUPS.get(group, [group])]
    return [SCENARIOS[name] for name in dict.fromkeys(expanded)]
