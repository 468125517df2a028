#!/usr/bin/python3
"""What a program does with the API of lb: applies a configuration, follows it, drains a worker,
retries safely, and reads errors. Needs Debian's python3-grpcio, python3-protobuf, protobuf-compiler,
protobuf-compiler-grpc and golang-github-gogo-googleapis-dev.

    automation.py --endpoint unix:/run/lb/admin.sock --config new.yaml --worker worker-1

It says each event as it happens ("event worker.drain workers/worker-1 ..."), what was applied,
two calls that fail on purpose with their reasons, and what became of the drain. Two workers at
least: the last one that accepts connections is not drained.

Each step is a function; copy what you need. Exit code 1 when a step did not do what it says, or the
API could not be reached.
"""

import argparse
import importlib
import pathlib
import subprocess
import sys
import tempfile
import threading
import uuid

import grpc
from google.protobuf import duration_pb2

PROTOS = pathlib.Path(__file__).resolve().parents[2] / "proto"
GOOGLE_RPC = "/usr/share/gocode/src/github.com/gogo/googleapis"
TIMEOUT_S = 30


def say(*words):
    """One line in one piece: two threads speak."""
    sys.stdout.write(" ".join(str(word) for word in words) + "\n")


class Api:
    """The generated modules of lb.admin.v1, made with Debian's protoc. A program of yours would do
    this once, when it is built."""

    def __init__(self, protos, folder):
        sources = sorted(str(path) for path in pathlib.Path(protos).glob("lb/[at]*/v1/*.proto"))
        outputs = ["--python_out=" + folder, "--grpc_python_out=" + folder]
        plugin = "--plugin=protoc-gen-grpc_python=/usr/bin/grpc_python_plugin"
        include = ["-I%s" % protos, "-I" + GOOGLE_RPC]
        errors = [GOOGLE_RPC + "/google/rpc/%s.proto" % name for name in ("status", "error_details")]
        subprocess.run(["protoc", plugin, *include, *outputs, *sources, *errors], check=True)
        sys.path.insert(0, folder)
        self.admin = importlib.import_module("lb.admin.v1.admin_pb2")
        self.config = importlib.import_module("lb.admin.v1.config_pb2")
        self.event = importlib.import_module("lb.admin.v1.event_pb2")
        self.admin_calls = importlib.import_module("lb.admin.v1.admin_pb2_grpc")
        self.config_calls = importlib.import_module("lb.admin.v1.config_pb2_grpc")
        self.event_calls = importlib.import_module("lb.admin.v1.event_pb2_grpc")
        self.status = importlib.import_module("google.rpc.status_pb2")
        self.details = importlib.import_module("google.rpc.error_details_pb2")


def why(api, error):
    """(reason, metadata, field violations) of a failed call: what programs decide by. The text of
    the status is for people, and may change."""
    reason, metadata, violations = "", {}, []
    for key, value in error.trailing_metadata() or ():
        if key != "grpc-status-details-bin":
            continue
        for detail in api.status.Status.FromString(value).details:
            info, bad = api.details.ErrorInfo(), api.details.BadRequest()
            if detail.Unpack(info):
                reason, metadata = info.reason, dict(info.metadata)
            elif detail.Unpack(bad):
                violations = [(v.field, v.description) for v in bad.field_violations]
    return reason, metadata, violations


class Stop(threading.Event):
    """Ends a watch, also one that waits for the next event."""

    call = None

    def set(self):
        super().set()
        if self.call is not None:
            self.call.cancel()


def watch(api, endpoint, seen, stop, first, token="", cut=lambda event: False):
    """Passes each event to `seen` exactly once, over cut connections and restarts of either side:
    the token of the last one seen says where to go on. `first` is set once the watch stands."""
    while not stop.is_set():
        with grpc.insecure_channel(endpoint) as channel:
            stub = api.event_calls.EventServiceStub(channel)
            request = api.event.WatchEventsRequest(resume_token=token)
            if not token:
                request.since.seconds = 3600
            try:
                call = stop.call = stub.WatchEvents(request, timeout=TIMEOUT_S)
                if stop.is_set():
                    call.cancel()
                for event in call:
                    token = event.resume_token
                    seen(event)
                    first.set()
                    if stop.is_set() or cut(event):
                        call.cancel()
                        break
            except grpc.RpcError as error:
                if error.code() == grpc.StatusCode.OUT_OF_RANGE:
                    token = ""  # The control plane was restarted: there may be a gap.
                    say("events may be missing:", why(api, error)[0])
                elif error.code() not in (
                    grpc.StatusCode.CANCELLED,
                    grpc.StatusCode.DEADLINE_EXCEEDED,
                    grpc.StatusCode.UNAVAILABLE,
                ):
                    raise
        stop.wait(0.01)


def apply_with_retry(api, endpoint, content, message):
    """Applies on top of the revision that is looked at first. The first call is cut; the second, with
    the same request id, gets its answer, and there is one effect."""
    with grpc.insecure_channel(endpoint) as channel:
        stub = api.config_calls.ConfigServiceStub(channel)
        base = stub.GetConfig(api.config.GetConfigRequest(name="configs/-"), timeout=TIMEOUT_S)
        request = api.config.ApplyConfigRequest(
            content=content, if_revision=base.revision, message=message, request_id=str(uuid.uuid4())
        )
        first = stub.ApplyConfig.future(request, timeout=TIMEOUT_S)
        # Any call that is answered after it shows that it has arrived.
        stub.GetRollout(api.config.GetRolloutRequest(), timeout=TIMEOUT_S)
        first.cancel()
    with grpc.insecure_channel(endpoint) as channel:
        stub = api.config_calls.ConfigServiceStub(channel)
        return base.revision, stub.ApplyConfig(request, timeout=TIMEOUT_S).config.revision, request


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--config", required=True, help="the configuration to apply")
    parser.add_argument("--worker", required=True, help="the worker to drain and undrain")
    parser.add_argument("--protos", default=PROTOS, help="the folder proto of the repository")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        api = Api(arguments.protos, folder)
        try:
            return run(api, arguments)
        except grpc.RpcError as error:
            say("failed:", error.code().name, *why(api, error)[:2], error.details())
            return 1


def run(api, arguments):
    events, stop, first, drained = [], Stop(), threading.Event(), threading.Event()

    def seen(event):
        events.append(event)
        say("event", event.kind, event.resource, event.message)
        if event.kind == "worker.drain":
            drained.set()

    watcher = threading.Thread(
        target=watch,
        args=(api, arguments.endpoint, seen, stop, first),
        kwargs={"cut": lambda event: len(events) % 3 == 0},  # On purpose, to show that none is lost.
    )
    watcher.start()
    try:
        steps(api, arguments)
        if not drained.wait(TIMEOUT_S):
            raise SystemExit("the drain was not seen in the events")
    finally:
        stop.set()
        watcher.join(2 * TIMEOUT_S)
    tokens = [event.resume_token for event in events]
    if len(set(tokens)) != len(tokens):
        raise SystemExit("an event was seen twice")
    say("done")
    return 0


def steps(api, arguments):
    content = pathlib.Path(arguments.config).read_text()
    before, after, request = apply_with_retry(api, arguments.endpoint, content, "by automation.py")
    say("applied: revision %d after %d" % (after, before))
    if after != before + 1:
        raise SystemExit("the retry had an effect of its own")
    with grpc.insecure_channel(arguments.endpoint) as channel:
        configs = api.config_calls.ConfigServiceStub(channel)
        workers = api.admin_calls.WorkerServiceStub(channel)
        operations = api.admin_calls.OperationServiceStub(channel)
        request.request_id = ""  # Another call: the revision has moved on.
        request.content += "# changed\n"
        show_failure(api, lambda: configs.ApplyConfig(request, timeout=TIMEOUT_S))
        rule = api.admin.ListWorkersRequest(filter="nmae = 1")
        show_failure(api, lambda: workers.ListWorkers(rule, timeout=TIMEOUT_S))
        name = "workers/" + arguments.worker
        drain = api.admin.DrainWorkerRequest(name=name, timeout=duration_pb2.Duration(seconds=5))
        operation = workers.DrainWorker(drain, timeout=TIMEOUT_S)
        wait = api.admin.WaitOperationRequest(
            name=operation.name, timeout=duration_pb2.Duration(seconds=TIMEOUT_S)
        )
        operation = operations.WaitOperation(wait, timeout=2 * TIMEOUT_S)
        say("drained:", operation.name, "done" if operation.done else operation.status)
        drained = api.admin.ListWorkersRequest(filter="draining = true")
        drained.read_mask.paths.append("name")
        names = [worker.name for worker in workers.ListWorkers(drained, timeout=TIMEOUT_S).workers]
        if not operation.done or operation.error_message or names != [name]:
            raise SystemExit("%s is not drained: %s" % (name, operation))
        workers.UndrainWorker(api.admin.UndrainWorkerRequest(name=name), timeout=TIMEOUT_S)
        say("undrained:", name)


def show_failure(api, call):
    try:
        call()
    except grpc.RpcError as error:
        reason, metadata, violations = why(api, error)
        say("failed:", error.code().name, reason, metadata, violations)
        if not reason:
            raise
        return
    raise SystemExit("a call succeeded that must fail")


if __name__ == "__main__":
    sys.exit(main())
