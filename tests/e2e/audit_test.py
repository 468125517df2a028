"""The audit trail: complete whatever the log level and whoever leaves, with the state before and
after."""

import itertools
import random
import re
import time

import grpc
import harness
from harness import wait_for, yaml

BACKENDS = [{"name": "a", "address": "127.0.0.1:9001", "weight": 5},
            {"name": "b", "address": "127.0.0.1:9002"}]
APPLY = "/lb.admin.v1.ConfigService/ApplyConfig"


def config(number):
    backends = [dict(BACKENDS[0], weight=number), BACKENDS[1]]
    return yaml({"rules": [{"name": "web", "listen": "127.0.0.1:8080", "backends": backends}]})


def content(text):
    """An ApplyConfigRequest with nothing else."""
    data, size = text.encode(), b""
    length = len(data)
    while length > 127:
        size, length = size + bytes([length & 127 | 128]), length >> 7
    return b"\x0a" + size + bytes([length]) + data


class AuditTest(harness.Case):
    def setUp(self):
        self.lb = self.balancer()
        self.lb.write(config(5))
        self.lb.start_control(flags=["--log-level", "error"])
        wait_for(lambda: self.lb.json("status"), 20, "the control plane answers")

    def ok(self, *arguments):
        done = self.lb.lbctl(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)

    def lines(self, *words):
        lines = [line for line in self.lb.control.log().splitlines() if " audit " in line]
        return [line for line in lines if all(word in line for word in words)]

    def test_no_log_level_ends_it_and_each_line_has_before_and_after(self):
        self.ok("log-level", "set", "controlplane", "error", "--for", "5m")
        self.ok("backend", "weight", "web/a", "3")
        self.ok("backend", "drain", "web/a", "--timeout", "5s")
        for words in (("SetLogLevel", "controlplane", "level=LOG_LEVEL_ERROR", "seconds: 300",
                       'before="as started" after=ERROR'),
                      ("SetBackendWeight", "weight=3", 'before="state=READY weight=5"',
                       'after="state=READY weight=3"'),
                      ("DrainBackend", 'after="state=DRAIN weight=3"', "operation=operations/")):
            self.assertEqual(len(self.lines("who=uid/", "code=OK", *words)), 1,
                             (words, self.lines()))

    def test_a_caller_that_leaves_does_not_hide_what_it_did(self):
        """Goal: as many lines with code OK as revisions. Method: changes with deadlines of a part of
        what one takes here, until the callers of several have left while it was made."""
        channel = grpc.insecure_channel(self.lb.admin_api,
                                        [("grpc.default_authority", "localhost")])
        self.addCleanup(channel.close)
        apply = channel.unary_unary(APPLY)
        started = time.monotonic()
        for number in range(2, 5):
            apply(content(config(number)), timeout=30)
        took = (time.monotonic() - started) / 3
        weights = itertools.count(100)

        def left():
            try:
                apply(content(config(next(weights))), timeout=random.uniform(0.2, 1) * took)
            except grpc.RpcError:
                pass
            return len(self.lines("caller_gone=true", "code=OK")) >= 5

        wait_for(left, 60, "five changes were made whose callers had left")
        apply(content(config(99)), timeout=30)
        made = int(self.lb.json("status")["configRevision"]) - 1
        lines = self.lines("ApplyConfig", "code=OK")
        self.assertEqual(len(lines), made)
        steps = [(int(before), int(after)) for line in lines
                 for before, after in re.findall(r"before=configs/(\d+) after=configs/(\d+)", line)]
        self.assertEqual(steps, [(n, n + 1) for n in range(1, made + 1)])
        self.figure("%d changes, %d of them without their callers", made,
                    len(self.lines("caller_gone=true", "code=OK")))


if __name__ == "__main__":
    harness.main()
