"""Doubles of one release ago: a worker and a control plane that speak what the first protocol has,
and nothing that was added since."""

import hashlib
import os
import queue
import threading
import time
from concurrent import futures

import grpc

CONNECT = "/lb.worker.v1.WorkerControlService/Connect"
_STATS_S = 0.5


class OlderWorker:
    """A worker of this process that names no feature. It runs any snapshot that needs none, drains
    with nothing open, and notes what it should never have been sent."""

    def __init__(self, protos, worker_api, name):
        self._worker = protos.worker
        self._snapshot = protos.snapshot
        self.snapshots = []  # Those that were put in force.
        self.unknown = []  # Messages of a kind that it does not know.
        self.drains = 0
        self._parts = b""
        self._out = queue.Queue()
        self._over = threading.Event()
        self._channel = grpc.insecure_channel(
            worker_api, [("grpc.default_authority", "localhost")])
        call = self._channel.stream_stream(
            CONNECT,
            request_serializer=self._worker.ConnectRequest.SerializeToString,
            response_deserializer=self._worker.ConnectResponse.FromString,
        )
        hello = self._worker.ConnectRequest()
        hello.hello.worker.id, hello.hello.worker.incarnation = name, "older"
        hello.hello.worker.version, hello.hello.worker.pid = "0.0.9", os.getpid()
        hello.hello.protocol_min = hello.hello.protocol_max = hello.hello.threads = 1
        self._out.put(hello)
        self._answers = call(iter(self._out.get, None))
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._report, daemon=True).start()

    def close(self):
        self._over.set()
        self._answers.cancel()
        self._out.put(None)
        self._channel.close()

    def _report(self):
        while not self._over.wait(_STATS_S):
            message = self._worker.ConnectRequest()
            message.stats.SetInParent()
            self._out.put(message)

    def _read(self):
        try:
            for message in self._answers:
                self._take(message)
        except grpc.RpcError:
            pass  # The control plane ended, or close() was called.

    def _take(self, message):
        kind = message.WhichOneof("message")
        if kind == "snapshot":
            self._take_part(message.snapshot)
        elif kind == "version":
            self._ack(message.version.version)
        elif kind == "command" and message.command.WhichOneof("order") in ("drain", "undrain"):
            self.drains += message.command.HasField("drain")
            status = self._worker.ConnectRequest()
            status.drain.command_id, status.drain.done = message.command.id, True
            self._out.put(status)
        elif kind not in ("welcome", "health", "slots"):
            self.unknown.append(message)

    def _take_part(self, part):
        self._parts = (b"" if part.offset == 0 else self._parts) + part.data
        if len(self._parts) < part.total_bytes:
            return
        snapshot = self._snapshot.Snapshot.FromString(self._parts)
        if snapshot.required_features:
            message = self._worker.ConnectRequest()
            message.nack.rejected.CopyFrom(part.version)
            message.nack.reason = self._worker.Nack.REASON_MISSING_FEATURE
            problem = message.nack.problems.add()
            problem.message = "needs " + ", ".join(snapshot.required_features)
            self._out.put(message)
            return
        if hashlib.sha256(self._parts).digest() != part.version.digest:
            raise AssertionError("a snapshot whose digest is another")
        self.snapshots.append(snapshot)
        self._ack(part.version)

    def _ack(self, version):
        message = self._worker.ConnectRequest()
        message.ack.version.CopyFrom(version)
        self._out.put(message)


class OlderControlPlane:
    """Serves one worker a snapshot and lbctl the calls of the first release; gRPC answers the rest
    with UNIMPLEMENTED, as a server does that does not know a method."""

    def __init__(self, case, protos, snapshot):
        self._worker, self._admin = protos.worker, protos.admin
        self._data = snapshot.SerializeToString()
        self._version = protos.type.ConfigVersion(
            epoch=1, revision=1, digest=hashlib.sha256(self._data).digest())
        self.running = None  # What the worker acked.
        self._hello = None
        self._orders = queue.Queue()
        self._operation = self._admin.Operation()
        self.worker_api = "unix:%s/older-worker.sock" % case.folder
        self.admin_api = "unix:%s/older-admin.sock" % case.folder
        self._server = grpc.server(futures.ThreadPoolExecutor(8))
        for service, methods in self._services().items():
            handlers = {name: self._handler(*what) for name, what in methods.items()}
            self._server.add_generic_rpc_handlers(
                (grpc.method_handlers_generic_handler("lb." + service, handlers),))
        for address in (self.worker_api, self.admin_api):
            self._server.add_insecure_port(address)
        self._server.start()
        case.addCleanup(lambda: self._server.stop(0).wait(10))

    def _services(self):
        admin = self._admin
        return {
            "admin.v1.StatusService": {"GetStatus": (admin.GetStatusRequest, self._status)},
            "admin.v1.RuleService": {
                "ListRules": (admin.ListRulesRequest, lambda _: admin.ListRulesResponse(
                    rules=[admin.Rule(name="rules/web", listen="127.0.0.1:8080")])),
                "ListBackends": (admin.ListBackendsRequest, lambda _: admin.ListBackendsResponse(
                    backends=[admin.Backend(name="rules/web/backends/a", weight=1)])),
            },
            "admin.v1.WorkerService": {
                "GetWorker": (admin.GetWorkerRequest, lambda _: self._one()),
                "ListWorkers": (admin.ListWorkersRequest,
                                lambda _: admin.ListWorkersResponse(workers=[self._one()])),
                "DrainWorker": (admin.DrainWorkerRequest, self._drain),
            },
            "admin.v1.OperationService": {
                "GetOperation": (admin.GetOperationRequest, lambda _: self._operation)},
            "worker.v1.WorkerControlService": {"Connect": (self._worker.ConnectRequest, None)},
        }

    def _handler(self, request, answer):
        if answer is None:
            return grpc.stream_stream_rpc_method_handler(
                self._connect, request.FromString,
                self._worker.ConnectResponse.SerializeToString)
        return grpc.unary_unary_rpc_method_handler(
            lambda call, _: answer(call), request.FromString,
            lambda message: message.SerializeToString())

    def _connect(self, messages, context):
        self._hello = next(messages).hello
        threading.Thread(target=self._take, args=(messages,), daemon=True).start()
        welcome = self._worker.ConnectResponse()
        welcome.welcome.session_id, welcome.welcome.protocol = "1", 1
        welcome.welcome.control_plane.version = "0.0.9"
        welcome.welcome.stats_interval.seconds = 1
        yield welcome
        part = self._worker.ConnectResponse()
        part.snapshot.version.CopyFrom(self._version)
        part.snapshot.total_bytes, part.snapshot.data = len(self._data), self._data
        yield part
        while context.is_active():
            try:
                yield self._orders.get(timeout=0.1)
            except queue.Empty:
                pass

    def _take(self, messages):
        try:
            for message in messages:
                if message.HasField("ack"):
                    self.running = message.ack.version
                elif message.HasField("drain"):
                    self._operation.done = message.drain.done
                    self._operation.connections_left = message.drain.connections_left
        except grpc.RpcError:
            pass  # The worker ended.

    def _one(self):
        worker = self._admin.Worker(name="workers/worker-1", sync=self._admin.Worker.SYNC_SYNCED)
        worker.last_seen_time.seconds = int(time.time())
        if self._hello is not None:
            worker.process.CopyFrom(self._hello.worker)
            worker.threads = self._hello.threads
        return worker

    def _status(self, _):
        status = self._admin.Status(rules=1, workers_synced=1, backends_up=1)
        status.control_plane.id, status.control_plane.version = "node-1", "0.0.9"
        status.running.CopyFrom(self._version)
        status.file.path, status.file.good = "/etc/lb/lb.yaml", True
        return status

    def _drain(self, call):
        order = self._worker.ConnectResponse()
        order.command.id = "older/1"
        order.command.drain.timeout.CopyFrom(call.timeout)
        self._operation = self._admin.Operation(
            name="operations/1", kind="DrainWorker", target=call.name, status="sent")
        self._orders.put(order)
        return self._operation
