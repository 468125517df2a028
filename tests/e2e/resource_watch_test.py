"""A watch of resources that is cut at random many times: no change is lost, none comes twice."""

import importlib
import importlib.util
import random
import sys
import tempfile
import threading

import harness
from harness import wait_for

sys.dont_write_bytecode = True
SCRIPT = "deploy/examples/automation.py"
CUTS = 100
BACKENDS = [{"name": name, "address": "127.0.0.1:9001"} for name in ("a", "b", "c")]


def config(backends):
    return {"rules": [{"name": "web", "listen": "127.0.0.1:8080", "backends": backends}]}


def script():
    spec = importlib.util.spec_from_file_location("automation", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Follower:
    """What a program knows that follows backends, cut after a change with a chance of 0.4."""

    def __init__(self, grpc, watch, calls, address):
        self.grpc, self.watch, self.calls, self.address = grpc, watch, calls, address
        self.known, self.numbers, self.cuts, self.errors = {}, [], 0, []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.chance = random.Random(4)

    def run(self):
        token = ""
        while not self.stop.is_set():
            with self.grpc.insecure_channel(self.address) as channel:
                request = self.watch.WatchResourcesRequest(
                    types=[self.watch.RESOURCE_TYPE_BACKEND], resume_token=token
                )
                stream = self.calls.WatchServiceStub(channel).WatchResources(request, timeout=5)
                try:
                    for change in stream:
                        token = change.resume_token
                        self.take(change)
                        if self.stop.is_set() or self.chance.random() < 0.4:
                            self.cuts += 1
                            break
                except self.grpc.RpcError as error:
                    if error.code() != self.grpc.StatusCode.DEADLINE_EXCEEDED:
                        self.errors.append(error)
                        return

    def take(self, change):
        if change.kind == self.watch.ResourceChange.KIND_SYNCED:
            return
        self.numbers.append(int(change.resume_token.rsplit(".", 1)[1]))
        if change.kind == self.watch.ResourceChange.KIND_DELETED:
            self.known.pop(change.name, None)
        else:
            self.known[change.name] = change.backend


class ResourceWatchTest(harness.Case):
    def test_a_follower_cut_a_hundred_times_knows_what_is_so(self):
        self.servers("127.0.0.1:9001")
        lb = self.balancer().start(config(BACKENDS), workers=1)
        automation = script()
        with tempfile.TemporaryDirectory() as folder:
            api = automation.Api("proto", folder)
            modules = ["watch_pb2", "watch_pb2_grpc", "backend_pb2", "backend_pb2_grpc"]
            watch, calls, backend, backend_calls = (
                importlib.import_module("lb.admin.v1." + name) for name in modules
            )
            follower = Follower(automation.grpc, watch, calls, lb.admin_api)
            follower.thread.start()
            try:
                with automation.grpc.insecure_channel(lb.admin_api) as channel:
                    self.change_until_cut(lb, backend, backend_calls, channel, follower)
                    rules = api.admin_calls.RuleServiceStub(channel)
                    now = rules.ListBackends(api.admin.ListBackendsRequest(), timeout=30).backends
            finally:
                follower.stop.set()
                follower.thread.join(30)
        self.assertEqual(follower.errors, [])
        self.assertEqual(
            {name: known.etag for name, known in follower.known.items()},
            {item.name: item.etag for item in now},
        )
        self.assertEqual(follower.numbers, sorted(set(follower.numbers)))
        self.figure("%d cuts, %d changes, each once", follower.cuts, len(follower.numbers))

    def change_until_cut(self, lb, backend, calls, channel, follower):
        """Weights, and now and then the configuration; each is waited for at the follower."""
        backends, chance = calls.BackendServiceStub(channel), random.Random(5)
        for turn in range(20 * CUTS):
            if follower.cuts >= CUTS:
                return
            self.assertEqual(follower.errors, [])
            if turn % 10 == 9:
                kept = BACKENDS[: 2 + turn // 10 % 2]
                lb.apply(config(kept))
                names = {"rules/web/backends/" + item["name"] for item in kept}
                wait_for(lambda: set(follower.known) == names, 30, "the backends of the file")
                continue
            name = "rules/web/backends/" + chance.choice("ab")
            request = backend.SetBackendWeightRequest(name=name, weight=1 + turn, force=True)
            etag = backends.SetBackendWeight(request, timeout=30).etag
            wait_for(
                lambda: name in follower.known and follower.known[name].etag == etag,
                30,
                "the new weight",
            )


if __name__ == "__main__":
    harness.main()
