"""Our message types in Python, for doubles that speak the real protocols."""

import importlib
import os
import subprocess
import sys

import grpc

# gRPC 1.51 shuts itself down with its last object, and aborts when the next one is made meanwhile
# ("state_ == State::kRunning"): this one stays.
_STAYS = grpc.insecure_channel("unix:/nowhere")

_SOURCES = ("type/v1/type", "type/v1/snapshot", "worker/v1/worker", "admin/v1/admin")


class Protos:
    """Made by Debian's protoc into `folder`. A test that uses them has //proto:sources as data."""

    def __init__(self, folder):
        out = os.path.join(folder, "protos")
        os.makedirs(out)
        files = ["proto/lb/%s.proto" % name for name in _SOURCES]
        subprocess.run(["protoc", "-Iproto", "--python_out=" + out, *files], check=True)
        sys.path.insert(0, out)
        self.type, self.snapshot, self.worker, self.admin = (
            importlib.import_module("lb.%s_pb2" % name.replace("/", ".")) for name in _SOURCES
        )
