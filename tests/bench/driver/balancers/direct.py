"""No balancer: the clients connect to a backend. What the load itself costs, and its speed."""

from driver.balancers.contract import BACKENDS, BASELINE, Running


class Direct:
    """Its CPU time is that of clients and backend together; where there is TLS, the backend ends it."""

    name = "direct"
    role = BASELINE
    tls = True

    def missing(self):
        return ""

    def version(self, programs):
        del programs
        return "no balancer; CPU time is that of clients and backend"

    def start(self, room):
        del room
        return Running(workers=(), target=BACKENDS[0], ends_tls=False)
