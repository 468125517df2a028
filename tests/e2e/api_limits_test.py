"""What a caller of the admin API cannot do to others, and what becomes of its connection when its
authority is trusted no more; what grpc.health.v1 says."""

import os
import socket

import grpc
import harness
from harness import http_get, wait_for
from harness.certificates import Authority, tls_flags

ADMIN = "127.0.0.1:9901"
CONFIG = {"rules": [{"name": "web", "listen": "127.0.0.1:8080", "backends": ["127.0.0.1:9001"]}]}
OPERATIONS = "/lb.admin.v1.OperationService/"
STATUS = "/lb.admin.v1.StatusService/GetStatus"
WATCH = "/lb.admin.v1.EventService/WatchEvents"
HEALTH = "/grpc.health.v1.Health/Check"
SERVICES = ("", "lb.admin.v1.StatusService", "lb.admin.v1.ConfigService")
MIB = 1 << 20


def field(number, data):
    size, length = len(data), b""
    while size > 127:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + data


def read(path):
    with open(path, "rb") as file:
        return file.read()


class ApiLimitsTest(harness.Case):
    def setUp(self):
        self.ca = Authority(os.path.join(self.folder, "pki"))
        self.server = self.ca.issue_server()
        self.lb = self.balancer()
        self.lb.write(CONFIG)
        flags = ["--admin-api", ADMIN] + tls_flags(self.ca.cert, self.server)
        self.lb.start_control(flags=flags)
        wait_for(lambda: self.lb.json("status"), 20, "the control plane answers")

    def channel(self, role, name="x"):
        cert, key = self.ca.issue_role(role, name)
        credentials = grpc.ssl_channel_credentials(read(self.ca.cert), read(key), read(cert))
        made = grpc.secure_channel(ADMIN, credentials, [("grpc.use_local_subchannel_pool", 1)])
        self.addCleanup(made.close)
        return made

    def local(self):
        made = grpc.insecure_channel(self.lb.admin_api, [("grpc.default_authority", "localhost")])
        self.addCleanup(made.close)
        return made

    def rss_mib(self):
        with open("/proc/%d/status" % self.lb.control.pid, encoding="ascii") as file:
            return int(file.read().split("VmRSS:")[1].split()[0]) >> 10

    def codes(self, futures, timeout=60):
        return [future.exception(timeout=timeout * harness.SLOW) and future.exception().code()
                for future in futures]

    def refused(self, calls):
        """How many of them ended since there were too many."""
        exhausted = grpc.StatusCode.RESOURCE_EXHAUSTED
        return sum(call.done() and call.code() == exhausted for call in calls)

    def test_a_viewer_that_waits_and_watches_locks_nobody_out(self):
        self.lb.start_worker().wait_until_ready()
        self.lb.wait_until_synced()
        self.servers("127.0.0.1:9001")
        self.idle = harness.Idle(self, "127.0.0.1:8080", connections=1)
        drain = self.lb.lbctl("worker", "drain", "worker-1", "--yes", "--force")
        self.assertEqual(drain.returncode, 0, drain.stderr)
        name = self.lb.json("get", "operations")["items"][0]["name"]
        viewers = [self.channel("viewer", name) for name in ("eve", "mal", "joe", "kim", "lee")]
        waits, watches = [], []
        for viewer in viewers:
            wait = viewer.unary_unary(OPERATIONS + "WaitOperation")
            waits += [wait.future(field(1, name.encode())) for _ in range(95)]
            # 12 of one caller may stand; which, is not said: calls need not be served in their order.
            own = [viewer.unary_stream(WATCH)(b"") for _ in range(30)]
            wait_for(lambda own=own: self.refused(own) >= 18, 30, "the others are refused")
            watches += own
        for _ in range(20):
            self.assertEqual(self.lb.lbctl("status").returncode, 0)
        admin = self.channel("admin")
        admin.unary_unary(STATUS)(b"", timeout=10 * harness.SLOW)
        watch = self.local().unary_stream(WATCH)(field(2, b"\x08\x3c"))
        self.assertEqual(self.lb.lbctl("backend", "weight", "web/127.0.0.1:9001", "3").returncode, 0)
        next(watch)
        for call in waits + watches + [watch]:
            call.cancel()

    def test_large_messages_of_those_who_may_send_none_take_no_memory(self):
        before = self.rss_mib()
        worker = self.channel("worker").unary_unary("/lb.admin.v1.ConfigService/ApplyConfig")
        big = field(1, b"#" * (15 * MIB))
        codes = self.codes([worker.future(big) for _ in range(60)])
        self.assertEqual(set(codes), {grpc.StatusCode.PERMISSION_DENIED})
        first = self.rss_mib()
        operator = self.channel("operator").unary_unary("/lb.admin.v1.BackendService/UndrainBackend")
        for number in range(30):
            request_id = field(3, b"%d" % number + b"x" * (15 * MIB))
            with self.assertRaises(grpc.RpcError) as refused:
                operator(field(1, b"rules/web/backends/127.0.0.1:9001") + request_id,
                         timeout=30 * harness.SLOW)
            self.assertEqual(refused.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
        self.figure("%d MiB before, %d after 60 x 15 MiB of a worker, %d after 30 of an operator",
                    before, first, self.rss_mib())
        self.assertLess(first - before, 150 * harness.SLOW)
        self.assertLess(self.rss_mib() - before, 250 * harness.SLOW)

    def test_connections_end_with_the_authority_that_let_them_in(self):
        admin = self.channel("admin").unary_unary(STATUS)
        local = self.local().unary_unary(STATUS)
        admin(b"", timeout=10 * harness.SLOW)
        other = Authority(os.path.join(self.folder, "other"), "other")
        os.replace(other.cert, self.ca.cert)

        def refused():
            try:
                admin(b"", timeout=2 * harness.SLOW)
                return False
            except grpc.RpcError as error:
                return error.code() == grpc.StatusCode.UNAVAILABLE

        wait_for(refused, 20, "the old certificate opens nothing")
        local(b"", timeout=10 * harness.SLOW)

    def health(self, channel, service):
        try:
            return channel.unary_unary(HEALTH)(field(1, service.encode()) if service else b"",
                                               timeout=10 * harness.SLOW)
        except grpc.RpcError as error:
            return error.code()

    def test_health_is_that_of_each_service_and_of_what_is_in_force(self):
        for service in SERVICES:
            self.assertEqual(self.health(self.local(), service), b"\x08\x01", service)
        self.assertEqual(self.health(self.local(), "lb.admin.v1.None"), grpc.StatusCode.NOT_FOUND)

    def test_health_before_a_configuration_is_in_force(self):
        """A name that nobody answers for keeps the first configuration waiting."""
        self.lb.control.stop()
        self.lb.write({"dns": {"servers": ["127.0.0.1:5399"]},
                       "rules": [{"name": "web", "listen": "127.0.0.1:8080",
                                  "backends": ["slow.test:9001"]}]})
        sink = socket.socket(type=socket.SOCK_DGRAM)
        sink.bind(("127.0.0.1", 5399))
        self.addCleanup(sink.close)
        self.lb.start_control()
        wait_for(lambda: self.lb.json("status"), 20, "the control plane answers")
        if http_get(harness.balancer.HTTP, "/readyz")[0] != 200:
            self.assertEqual(self.health(self.local(), SERVICES[1]), b"\x08\x02")
        wait_for(lambda: http_get(harness.balancer.HTTP, "/readyz")[0] == 200, 30, "it is ready")
        wait_for(lambda: self.health(self.local(), SERVICES[1]) == b"\x08\x01", 10, "it serves")


if __name__ == "__main__":
    harness.main()
