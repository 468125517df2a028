"""Who may call what over TLS: every method that the control plane serves, found by reflection, with
every kind of certificate, against the table in docs/security.md."""

import os
import re
import shutil

import grpc
import harness
from google.protobuf import descriptor_pb2
from harness import wait_for
from harness.certificates import Authority, tls_flags
from harness.process import run

ADMIN = "127.0.0.1:9901"
WORKER = "127.0.0.1:9902"
CONFIG = {"rules": [{"name": "web", "listen": "127.0.0.1:8080", "backends": ["127.0.0.1:9001"]}]}
ROLES = ("viewer", "operator", "admin")
REFLECTION = "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
CONNECT = "lb.worker.v1.WorkerControlService/Connect"
DENIED = grpc.StatusCode.PERMISSION_DENIED
NOBODY = grpc.StatusCode.UNAUTHENTICATED
NO_TLS = grpc.StatusCode.UNAVAILABLE
# What a method says of an empty message that it has looked at.
ALLOWED = (grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND,
           grpc.StatusCode.FAILED_PRECONDITION)
# What gRPC's own channelz says of a number that nobody has.
CHANNELZ = "grpc.channelz."
# Otherwise it waits for something to happen: since 1 h.
MESSAGES = {"lb.admin.v1.EventService/WatchEvents": b"\x12\x03\x08\x90\x1c"}
DEADLINE_S = 10 * harness.SLOW


def read(path):
    with open(path, "rb") as file:
        return file.read()


def channel_to(address, ca, pair=None):
    pair = (None, None) if pair is None else tuple(map(read, pair))
    credentials = grpc.ssl_channel_credentials(read(ca), pair[1], pair[0])
    return grpc.secure_channel(address, credentials, [("grpc.use_local_subchannel_pool", 1)])


def call(channel, method):
    """The status of a call with an empty message, or that of MESSAGES: (code, details). It may be any
    kind of call."""
    stub = channel.stream_stream("/" + method)
    answers = stub(iter([MESSAGES.get(method, b"")]), timeout=DEADLINE_S)
    try:
        # Of one that streams the first answer says that it was let in.
        next(answers, None)
        answers.cancel()
        return grpc.StatusCode.OK, ""
    except grpc.RpcError as error:
        return error.code(), error.details()


def field(number, data):
    size, length = len(data), b""
    while size > 127:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + data


def fields(data, number):
    """The length-delimited fields of this number in a message."""
    position, found = 0, []

    def varint():
        nonlocal position
        value, shift = 0, 0
        while True:
            byte = data[position]
            position += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while position < len(data):
        tag = varint()
        size = varint()
        if tag & 7 != 2:
            continue
        if tag >> 3 == number:
            found.append(data[position : position + size])
        position += size
    return found


def methods_by_reflection(channel):
    """Every "package.Service/Method" (grpc/reflection/v1alpha/reflection.proto)."""
    ask = lambda request: next(channel.stream_stream("/" + REFLECTION)(iter([request]),
                                                                       timeout=DEADLINE_S))
    services = [fields(service, 1)[0].decode()
                for answer in fields(ask(field(7, b"")), 6) for service in fields(answer, 1)]
    found = set()
    for name in services:
        for answer in fields(ask(field(4, name.encode())), 4):
            for text in fields(answer, 1):
                file = descriptor_pb2.FileDescriptorProto.FromString(text)
                for service in file.service:
                    if file.package + "." + service.name == name:
                        found |= {name + "/" + method.name for method in service.method}
    return found


def documented():
    """Least role by method, from the document."""
    with open("docs/security.md", encoding="utf-8") as file:
        return dict(re.findall(r"^\| `([\w.]+/[\w*]+)` \| (\w+) \|", file.read(), re.M))


class AccessTest(harness.Case):
    def setUp(self):
        self.ca = Authority(os.path.join(self.folder, "pki"))
        self.server = self.ca.issue_server()
        self.pairs = {role: self.ca.issue_role(role, "x") for role in ROLES}
        self.pairs["worker"] = self.ca.issue_role("worker", "worker-1")
        self.lb = self.balancer()
        self.lb.write(CONFIG)
        flags = ["--admin-api", ADMIN, "--worker-api", WORKER, "--log-level", "debug"]
        self.lb.start_control(flags=flags + tls_flags(self.ca.cert, self.server))
        wait_for(lambda: self.lb.json("status"), 20, "the control plane answers")

    def channel(self, who, address=ADMIN):
        made = channel_to(address, self.ca.cert, self.pairs.get(who))
        self.addCleanup(made.close)
        return made

    def expected(self, who, method, rules):
        least = rules.get(method) or rules[method.split("/")[0] + "/*"]
        if who in ("no certificate", "other authority", "expired"):
            return "no connection"
        if who in ("no name", "two names", "unknown role"):
            return "nobody"
        if least == "any":
            return "allowed"
        if who in ROLES and ROLES.index(who) >= ROLES.index(least):
            return "allowed"
        return "denied"

    def seen(self, channel, method):
        code, details = call(channel, method)
        if code == NO_TLS:
            return "no connection"
        if code == NOBODY and "CERT_REQUIRED" in details:
            return "nobody"
        if code == DENIED:
            return "denied"
        if code in ALLOWED or method.startswith(CHANNELZ) and code == grpc.StatusCode.INTERNAL:
            return "allowed"
        return code.name

    def add_strangers(self):
        other = Authority(os.path.join(self.folder, "other"), "other")
        self.pairs["other authority"] = other.issue_role("admin", "x")
        self.pairs["expired"] = self.ca.issue_role("admin", "old", expired=True)
        self.pairs["no name"] = self.ca.issue("no-name", "DNS:admin.internal")
        self.pairs["two names"] = self.ca.issue(
            "two", "URI:spiffe://e2e/admin/a", "URI:spiffe://e2e/viewer/a")
        self.pairs["unknown role"] = self.ca.issue("unknown", "URI:spiffe://e2e/root/a")

    def test_the_matrix_is_the_documented_one(self):
        self.add_strangers()
        methods = methods_by_reflection(self.channel("admin"))
        rules = documented()
        self.assertGreaterEqual(len(methods), 12, methods)
        wrong = []
        for who in ["no certificate", *self.pairs]:
            channel = self.channel(who)
            for method in sorted(methods):
                expected, seen = self.expected(who, method, rules), self.seen(channel, method)
                if expected != seen:
                    wrong.append("%s, %s: %s, not %s" % (who, method, seen, expected))
        self.figure("%d methods, %d kinds of caller", len(methods), len(self.pairs) + 1)
        self.assertEqual(wrong, [])

    def test_the_worker_api_is_for_workers_under_their_own_name(self):
        self.add_strangers()
        for who in ("viewer", "operator", "admin"):
            self.assertEqual(call(self.channel(who, WORKER), CONNECT)[0], DENIED, who)
        self.assertEqual(call(self.channel("no name", WORKER), CONNECT)[0], NOBODY)
        for who in ("no certificate", "other authority", "expired"):
            self.assertEqual(call(self.channel(who, WORKER), CONNECT)[0], NO_TLS, who)
        worker = self.channel("worker", WORKER)
        self.assertEqual(call(worker, "lb.admin.v1.StatusService/GetStatus")[0], DENIED)
        identity = field(1, b"worker-2") + field(2, b"x1")
        hello = field(1, field(1, identity) + b"\x10\x01\x18\x01")
        answers = worker.stream_stream("/" + CONNECT)(iter([hello]), timeout=DEADLINE_S)
        with self.assertRaises(grpc.RpcError) as refused:
            next(answers)
        self.assertEqual(refused.exception.code(), DENIED)
        self.assertIn("a worker may only be itself", refused.exception.details())

    def test_a_worker_and_lbctl_work_over_tls_and_calls_are_audited(self):
        self.servers("127.0.0.1:9001")
        flags = tls_flags(self.ca.cert, self.pairs["worker"])
        worker = self.lb.start_worker("worker-1", control=WORKER, flags=flags)
        worker.wait_until_ready()
        self.lb.wait_until_synced()
        self.lb.admin_api = ADMIN
        viewer = tls_flags(self.ca.cert, self.pairs["viewer"])
        operator = tls_flags(self.ca.cert, self.pairs["operator"])
        done = self.lb.lbctl("get", "workers", *viewer)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("worker-1", done.stdout)
        drain = ["worker", "drain", "worker-1", "--yes", "--force"]
        done = self.lb.lbctl(*drain, *viewer)
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn("ROLE_MISSING", done.stderr)
        self.assertEqual(self.lb.lbctl(*drain, *operator).returncode, 0)
        lines = [line for line in self.lb.control.log().splitlines() if "audit" in line]
        self.assertEqual(len(lines), 2, lines)
        self.assertIn("viewer/x", lines[0])
        self.assertIn("ROLE_MISSING", lines[0])
        self.assertIn("operator/x", lines[1])
        self.assertIn("DrainWorker", lines[1])

    def audit_lines(self):
        return [line for line in self.lb.control.log().splitlines() if " audit " in line]

    def test_calls_of_nobody_are_audited_up_to_a_bound(self):
        self.add_strangers()
        method, calls = "lb.admin.v1.WorkerService/DrainWorker", 100
        channel = self.channel("two names")
        for _ in range(calls):
            self.assertEqual(call(channel, method)[0], NOBODY)
        self.assertEqual(call(self.channel("no name", WORKER), CONNECT)[0], NOBODY)
        line = self.audit_lines()[0]
        for text in ("who=nobody", method, "spiffe://e2e/admin/a spiffe://e2e/viewer/a",
                     "UNAUTHENTICATED", "CERT_REQUIRED"):
            self.assertIn(text, line)
        wait_for(lambda: call(channel, method) and
                 "refusals_not_shown" in self.audit_lines()[-1] or
                 len(self.audit_lines()) > calls, 10, "the lines left out are counted")
        log = "\n".join(self.audit_lines())
        left_out = sum(map(int, re.findall(r"refusals_not_shown=(\d+)", log)))
        self.assertGreaterEqual(len(self.audit_lines()) + left_out, calls)

    def test_certificates_of_another_cluster_are_nobodys(self):
        self.lb.control.stop()
        flags = ["--admin-api", ADMIN, "--worker-api", WORKER, "--tls-cluster", "prod"]
        self.lb.start_control(flags=flags + tls_flags(self.ca.cert, self.server))
        wait_for(lambda: self.lb.json("status"), 20, "the control plane answers")
        method = "lb.admin.v1.StatusService/GetStatus"
        self.assertEqual(call(self.channel("admin"), method)[0], NOBODY)
        self.pairs["own"] = self.ca.issue("own", "URI:spiffe://prod/viewer/x")
        self.assertEqual(call(self.channel("own"), method)[0], grpc.StatusCode.OK)

    def test_lbctl_says_why_tls_failed(self):
        self.add_strangers()
        self.lb.admin_api = ADMIN
        good = tls_flags(self.ca.cert, self.pairs["admin"])
        other = tls_flags(os.path.join(self.folder, "other", "other.crt"), self.pairs["admin"])
        for flags, text in (
            ([], "needs mutual TLS"),
            (good + ["--tls-server-name", "elsewhere"], "not for 'elsewhere'"),
            (other, "not from an authority in --tls-ca"),
            (tls_flags(self.ca.cert, self.pairs["other authority"]), "does not know"),
            (tls_flags(self.ca.cert, self.pairs["expired"]), "has expired"),
        ):
            done = self.lb.lbctl("status", *flags)
            self.assertIn(text, done.stderr)
            self.assertEqual(done.returncode, 5 if flags else 2, done.stderr)
        self.assertEqual(self.lb.lbctl("status", *good).returncode, 0)
        open_key = os.path.join(self.folder, "open.key")
        shutil.copy(self.pairs["admin"][1], open_key)
        os.chmod(open_key, 0o644)
        done = self.lb.lbctl("status", *tls_flags(self.ca.cert, (self.pairs["admin"][0], open_key)))
        self.assertIn("--tls-key %s: others may use this private key (mode 0644)" % open_key,
                      done.stderr)

    def test_new_files_need_no_restart_and_a_bad_pair_keeps_the_old_one(self):
        def served():
            done = run(["openssl", "s_client", "-connect", ADMIN, "-CAfile", self.ca.cert,
                                "-cert", self.pairs["admin"][0], "-key", self.pairs["admin"][1]])
            return re.search(r"subject=(.*)", done.stdout)[1].strip()

        self.assertIn("server", served())
        fresh = self.ca.issue_server("fresh")
        os.replace(fresh[0], self.server[0])
        log = self.lb.control.log
        wait_for(lambda: "is not the key of the certificate" in log(), 10, "the mix is refused")
        self.assertNotIn("fresh", served())
        os.replace(fresh[1], self.server[1])
        wait_for(lambda: "fresh" in served(), 10, "the new certificate is served")
        self.assertEqual(self.lb.control.running(), True)


if __name__ == "__main__":
    harness.main()
