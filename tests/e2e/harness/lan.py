"""Hosts on one Ethernet: network namespaces whose eth0 are ports of a bridge in the test's own.

Each host also has mounts of its own, so that programs on it use the paths they are shipped with:
/run is empty, and so is every folder that the test names. All is gone with the test. Needs root.
"""

import os
import subprocess

from harness.process import Process, run
from harness.waiting import wait_for

_BRIDGE = "lan0"

_HOST = """
set -e
for folder in "$@"; do mount -t tmpfs -o mode=755 tmpfs "$folder"; done
ip link set lo up
echo ready
exec sleep infinity
"""


def make_bridge(case, address):
    """The Ethernet, with this process on it: "192.0.2.254/24"; until the end of the test."""
    for words in (
        ["link", "add", _BRIDGE, "type", "bridge"],
        ["address", "add", address, "dev", _BRIDGE],
        ["link", "set", _BRIDGE, "up"],
    ):
        subprocess.run(["ip", *words], check=True)
    case.addCleanup(subprocess.run, ["ip", "link", "delete", _BRIDGE], check=True)


class LanHost:
    """`address`: its own on eth0, "192.0.2.1"; `folders`: those that are empty on it, with /run."""

    def __init__(self, case, name, address, folders=()):
        self.name, self.address, self._case = name, address, case
        argv = ["unshare", "--net", "--mount", "sh", "-c", _HOST, "sh", "/run", *folders]
        self._holder = case.start(name, argv)
        wait_for(lambda: "ready" in self._holder.out(), 10, name + " is there")
        near = "to-" + name
        subprocess.run(["ip", "link", "add", near, "type", "veth", "peer", "name", "eth0", "netns",
                        str(self._holder.pid)], check=True)
        subprocess.run(["ip", "link", "set", near, "master", _BRIDGE, "up"], check=True)
        self.run("ip", "address", "add", address + "/24", "dev", "eth0")
        self.run("ip", "link", "set", "eth0", "up")

    def path(self, path):
        """Where the test finds a file of the host."""
        return "/proc/%d/root%s" % (self._holder.pid, path)

    def write(self, path, text, mode=0o644):
        with open(self.path(path), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.path(path), mode)

    def run(self, *argv):
        """Runs a command on the host: its output; AssertionError when it fails."""
        done = run(self._enter(argv))
        if done.returncode != 0:
            raise AssertionError("%s: %s: %s" % (self.name, " ".join(argv), done.stderr))
        return done.stdout

    def start(self, name, argv, **options) -> Process:
        """Starts a program on the host; its pid is that of the program."""
        return self._case.start("%s-%s" % (self.name, name), self._enter(argv), **options)

    def has(self, address):
        """Whether eth0 has the address."""
        return " %s/" % address in self.run("ip", "-4", "address", "show", "dev", "eth0")

    def _enter(self, argv):
        return ["nsenter", "--target", self._holder.pid, "--net", "--mount", *argv]
