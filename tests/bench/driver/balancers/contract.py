"""What a load balancer does to take part.

It listens on 127.0.0.1:LISTEN_PORT, carries traffic with one thread, spreads connections in turn
over BACKENDS, holds CONNECTIONS_MAX of them, and checks no health. Its adapter is an object with

    name      how it is chosen and shown
    role      SUBJECT, PEER (the others are compared with the best of these) or BASELINE
    tls       whether it takes part where there is TLS
    missing() "" or what has to be installed before it can run
    version(programs)
              a line for the report; `programs` are the paths of what was built
    start(room)
              writes a configuration, starts it, waits until it is ready: a Running

Where `room.tls` is not None, it ends TLS of clients, and speaks it to the backends where that says
so: TLS 1.3 with TLS_AES_128_GCM_SHA256 and X25519, session tickets, and backends that are verified.
"""

import dataclasses

from harness.process import run

LISTEN_PORT = 20000
BACKEND_PORT = 30000
BACKENDS = ["127.0.0.%d:%d" % (host, BACKEND_PORT) for host in range(11, 15)]
# The name in the certificates of balancer and backends.
TLS_NAME = "bench.test"
TLS_SUITE, TLS_CURVE = "TLS_AES_128_GCM_SHA256", "X25519"
SUBJECT, PEER, BASELINE = "subject", "peer", "baseline"
CONNECTIONS_MAX = 9000
# The longest queue of connections that nobody has accepted yet.
BACKLOG = 4096


@dataclasses.dataclass(frozen=True)
class Running:
    """A balancer that is ready."""

    workers: tuple  # Pids of the processes that carry the traffic: what the balancer costs.
    beside: tuple = ()  # Pids of others that belong to it; reported apart.
    target: str = "127.0.0.1:%d" % LISTEN_PORT
    ends_tls: bool = True  # False: clients meet the backend's TLS.


def first_line(argv):
    """The first line a program prints, on whichever of the two outputs."""
    done = run(argv)
    return (done.stdout + done.stderr).strip().split("\n")[0]
