"""Backends and crowds of clients: lb-testpeer, which reports JSON lines that are read here."""

import json
import signal
import subprocess

from harness import namespace, paths
from harness.waiting import SLOW, wait_for


class _Peer:
    """A running lb-testpeer; `report()` is its newest line."""

    def __init__(self, process):
        self.process = process

    def started(self):
        """True once it reports; AssertionError when it ended instead."""
        if not self.process.running():
            raise AssertionError("%s did not start:\n%s" % (self.process.name, self.process.tail()))
        return bool(self.report())

    def report(self):
        lines = self.process.out().split("\n")
        return json.loads(lines[-2]) if len(lines) > 1 else {}

    def finish(self, timeout=60):
        """Asks it to end, waits, and returns its last report."""
        self.process.expected_to_end = True
        self.process.send(signal.SIGTERM)
        return self.result(timeout)

    def result(self, timeout=60):
        """Waits for its end and returns its last report."""
        code = self.process.wait(timeout * SLOW)
        if code != 0:
            raise AssertionError("%s failed:\n%s" % (self.process.name, self.process.tail()))
        return self.report()


class Server(_Peer):
    """A backend at `address` ("HOST:PORT" or "unix:/PATH") that answers with its name."""

    def __init__(self, case, name, address):
        self.name, self.address = name, address
        argv = [paths.testpeer(), "serve", address, "--name", name]
        super().__init__(case.start("backend-" + name, argv))
        wait_for(self.started, 10, "backend %s listens" % name)

    def kill(self):
        self.process.kill()


class HostServer(_Peer):
    """A backend on a host of its own: a network namespace with this address."""

    def __init__(self, case, name, address, port):
        argv = ["unshare", "--net", paths.testpeer(), "serve", "0.0.0.0:%d" % port, "--name", name]
        super().__init__(case.start("backend-" + name, argv))
        wait_for(self.started, 10, "backend %s listens" % name)
        near = namespace.attach(self.process.pid, address)
        case.addCleanup(namespace.detach, near)


class Requests(_Peer):
    """Clients with one request on each connection; see request_load.h for the options."""

    def __init__(self, case, address, **options):
        super().__init__(case.start("requests", _argv("request", address, options)))
        wait_for(self.report, 10, "the clients report")


class Streams(_Peer):
    """Connections that stream to an echo server and compare every byte; see stream_load.h."""

    def __init__(self, case, address, connections, **options):
        options["connections"] = connections
        super().__init__(case.start("streams", _argv("stream", address, options)))
        wait_for(
            lambda: self.report().get("established") == connections,
            20,
            "%d streams are established" % connections,
        )

    def wait_for_bytes(self, count):
        """Waits until so many more bytes came back, over all streams."""
        target = self.report()["bytes"] + count
        wait_for(lambda: self.report()["bytes"] >= target, 30, "%d bytes pass" % count)


class Idle(_Peer):
    """Connections that exchange one message and stay silent, until asked again; see idle_load.h."""

    def __init__(self, case, address, connections, **options):
        options["connections"] = self.connections = connections
        argv = _argv("idle", address, options)
        super().__init__(case.start("idle", argv, stdin=subprocess.PIPE))

    def settled(self):
        """True once every connection has its message back; AssertionError when one ended."""
        report = self.report()
        if report.get("ended"):
            raise AssertionError("silent connections ended: %s" % report)
        return report.get("echoed") == self.connections and report["rounds"]

    def wait_until_settled(self, timeout=60):
        wait_for(self.settled, timeout, "%d connections have their messages" % self.connections)

    def ask_again(self, timeout=60):
        """Another message over every connection; returns how many of them are alive."""
        rounds = self.report()["rounds"] + 1
        self.process.tell("again")
        wait_for(lambda: self.report()["rounds"] == rounds, 10, "the round begins")

        def over():
            report = self.report()
            return report["echoed"] + sum(report["ended"].values()) == self.connections

        wait_for(over, timeout, "every silent connection answers or ended")
        return self.report()["echoed"]


def _argv(command, address, options):
    argv = [paths.testpeer(), command, address]
    for key, value in options.items():
        argv += ["--" + key.replace("_", "-"), value]
    return argv
