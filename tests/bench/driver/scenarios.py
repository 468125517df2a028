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
class Tls:
    """TLS that the balancer ends: the key of its certificate ("ec": P-256, "rsa": RSA-2048), whether
    clients resume a session, and whether it speaks TLS to the backends as well."""

    key: str = "ec"
    resumed: bool = False
    re_encrypt: bool = False


@dataclasses.dataclass(frozen=True)
class Scenario:
    """`load` is the generator's mode and its options; `tls` is None where all is plain."""

    name: str
    what: str
    unit: Unit
    load: tuple
    tls: Tls = None


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


def _over_tls(scenario, name=None, what=None, **tls):
    """A scenario with TLS between clients and balancer."""
    name, what = name or "tls-" + scenario.name, what or "TLS; " + scenario.what
    return dataclasses.replace(scenario, name=name, what=what, tls=Tls(**tls))


def _handshakes(name, what, **tls):
    what = "64 at a time: connect, %s, 64 B each way, the client closes" % what
    return _over_tls(_connections(name, ""), name, what, **tls)


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
    _handshakes("tls-full-p256", "a whole handshake with a P-256 key"),
    _handshakes("tls-full-rsa", "a whole handshake with an RSA-2048 key", key="rsa"),
    _handshakes("tls-resumed", "a handshake that resumes a session", resumed=True),
    _handshakes("tls-reencrypt", "a whole handshake with a P-256 key, and one with the backend that "
                "resumes a session", re_encrypt=True),
    _over_tls(_round_trips("rr-64x1k", 64, 1024, 1024)),
    _over_tls(_bulk(8, "b2c")),
    _over_tls(_bulk(8, "c2b")),
    _over_tls(_idle("idle", 8000)),
    _over_tls(_idle("idle-200", 200)),
)

SCENARIOS = {scenario.name: scenario for scenario in _ALL}

GROUPS = {
    "core": [
        "cps", "cps-sclose", "rr-1x1k", "rr-64x1k", "rr-64x16k", "rr-1000x1k",
        "bulk-1-b2c", "bulk-8-b2c", "bulk-8-c2b", "bulk-8-both", "bulk-64-b2c", "idle",
    ],
    "tls": [
        "tls-full-p256", "tls-full-rsa", "tls-resumed", "tls-reencrypt", "tls-rr-64x1k",
        "tls-bulk-8-b2c", "tls-bulk-8-c2b", "tls-idle",
    ],
    "all": [scenario.name for scenario in _ALL if not scenario.name.endswith("idle-200")],
    # One of each kind, small: shows that everything runs, measures nothing.
    "smoke": [
        "cps", "cps-sclose", "rr-64x1k", "bulk-8-both", "idle-200",
        "tls-resumed", "tls-reencrypt", "tls-bulk-8-c2b", "tls-idle-200",
    ],
}


def select(names):
    """The scenarios of these names and groups, each once; KeyError with a name that is neither."""
    expanded = [name for group in names for name in GROUPS.get(group, [group])]
    return [SCENARIOS[name] for name in dict.fromkeys(expanded)]
