"""deploy/examples/keepalived: the address of two hosts moves when the worker or keepalived dies.

The shipped files are used as they are; host B's has the three lines changed that it names. What
systemd does when keepalived dies is done here by hand, with the line of the shipped drop-in.
"""

import os
import re
import signal
import socket
import socketserver
import threading
import time
import unittest

import harness
from harness import SLOW, http_get, paths, sample_while, wait_for, yaml
from harness.lan import LanHost, make_bridge

_FILES = os.path.join(paths.root(), "deploy/examples/keepalived")
ADDRESS, CLIENT, A, B = "192.0.2.10", "192.0.2.254", "192.0.2.1", "192.0.2.2"
KILLS = 5  # Of each kind.
MOVE_S = 3
STAY_S = 2.5  # A host that wants the address back takes it in two seconds.
AFTER = 20  # New connections that must all be served once the first one was.
_TRY_S = 0.2  # A client's patience; a packet to a host without the address is never answered.
_RULE = {"name": "web", "listen": "0.0.0.0:8080", "backends": [CLIENT + ":9001"]}
_WORKER_HTTP = "/run/lb/worker-1.http"


def shipped(name):
    with open(os.path.join(_FILES, name), encoding="utf-8") as file:
        return file.read()


def of_host_b(text):
    """The configuration with what its comments say of host B."""
    changed, count = re.subn(r"^( *(?:\w+ )?)(\S+)( +# B: )([\w.]*\w)", r"\1\4\3\2", text, flags=re.M)
    if count != 3:
        raise AssertionError("%d lines say what they are on host B" % count)
    return changed


def who_serves():
    """The host through which a new connection to the address goes; OSError when there is none."""
    with socket.create_connection((ADDRESS, 8080), timeout=_TRY_S) as client:
        host = client.recv(100).decode()
    if not host:
        raise OSError("closed without an answer")
    return host


class _Backend(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(self.client_address[0].encode())


class Host(LanHost):
    """One of the two, with the product and keepalived."""

    def __init__(self, case, name, address, config):
        super().__init__(case, name, address, folders=["/etc/keepalived"])
        self.write("/etc/keepalived/keepalived.conf", config)
        self.write("/etc/keepalived/lb-ready", shipped("lb-ready"), mode=0o755)
        self.run("mkdir", "-p", "/run/lb/state")
        self.write("/run/lb/lb.yaml", yaml({"rules": [_RULE]}))
        self.control = self.start("controlplane", [
            paths.control_plane(), "--config", "/run/lb/lb.yaml", "--state-dir", "/run/lb/state"])
        self.start_worker()
        self.start_keepalived()

    def start_worker(self):
        self.worker = self.start("worker", [paths.worker(), "--id", "1", "--threads", "1"])

    def ready(self):
        return http_get("unix:" + self.path(_WORKER_HTTP), "/readyz")[0] == 200

    def start_keepalived(self):
        programs = os.path.dirname(paths.worker())
        self.keepalived = self.start(
            "keepalived", ["keepalived", "--dont-fork", "--log-console", "--no-syslog"],
            env={"PATH": programs + ":/usr/sbin:/usr/bin:/sbin:/bin"})

    def states(self):
        """Those that keepalived says it entered, oldest first."""
        return re.findall(r"Entering (\w+) STATE", self.keepalived.log() + self.keepalived.out())

    def wait_until_backup(self):
        wait_for(lambda: self.states()[-1:] == ["BACKUP"] and self.ready(), 10,
                 self.name + " may take the address")

    def kill_worker(self):
        self.worker.kill()

    def kill_keepalived(self):
        """All its processes, with kill -9, so that none can say good-bye; then what systemd does."""
        with open("/proc/%d/task/%d/children" % ((self.keepalived.pid,) * 2), encoding="ascii") as file:
            self.children = [int(pid) for pid in file.read().split()]
        self.keepalived.expected_to_end = True
        self.keepalived.send(signal.SIGSTOP)  # Else it would start another child.
        for pid in self.children:
            os.kill(pid, signal.SIGKILL)
        self.keepalived.kill()
        line = re.search(r"^ExecStopPost=-(.*)$", shipped("service.conf"), re.M).group(1)
        self.run("sh", "-c", line + " || true")

    def restart_keepalived(self):
        """It does not start while a process with its pid is there, be it one that nobody waited for."""
        wait_for(lambda: not any(os.path.exists("/proc/%d" % pid) for pid in self.children), 10,
                 "its processes are gone")
        self.start_keepalived()


@unittest.skipUnless(os.geteuid() == 0, "keepalived runs as root alone")
class KeepalivedTest(harness.Case):
    def setUp(self):
        make_bridge(self, CLIENT + "/24")
        backend = socketserver.ThreadingTCPServer((CLIENT, 9001), _Backend)
        threading.Thread(target=backend.serve_forever, daemon=True).start()
        self.addCleanup(backend.server_close)
        self.addCleanup(backend.shutdown)
        config = shipped("keepalived.conf")
        self.hosts = [Host(self, "a", A, config), Host(self, "b", B, of_host_b(config))]
        self.addCleanup(self._check_programs)
        self.addCleanup(self.stop_all)
        wait_for(who_serves, 20, "the address is served")
        # Of two that start together the one with the higher priority is the master in the end.
        wait_for(lambda: sorted(host.states()[-1] for host in self.hosts) == ["BACKUP", "MASTER"], 10,
                 "one is the master")

    def stop_all(self):
        for host in self.hosts:
            self.assertEqual(host.worker.stop(signal.SIGQUIT, 20 * SLOW), 0)
            self.assertEqual(host.control.stop(signal.SIGTERM, 20 * SLOW), 0)
            host.keepalived.stop()

    def master_and_backup(self):
        master = next(host for host in self.hosts if host.address == who_serves())
        return master, next(host for host in self.hosts if host is not master)

    def move(self, kill):
        """Kills something on the master; returns (that host, seconds until the other one serves)."""
        master, backup = self.master_and_backup()
        begin = time.monotonic()
        kill(master)
        wait_for(lambda: who_serves() == backup.address, 10, "the address moves", poll=0.01)
        taken_s = time.monotonic() - begin
        self.assertEqual([who_serves() for _ in range(AFTER)], [backup.address] * AFTER)
        self.assertEqual([host.has(ADDRESS) for host in (master, backup)], [False, True])
        return master, taken_s

    def check(self, kill, heal):
        times = []
        for _ in range(KILLS):
            host, taken_s = self.move(kill)
            times.append(taken_s)
            heal(host)
            host.wait_until_backup()
        self.figure("%s: moved after %s s", kill.__name__, " ".join("%.2f" % taken for taken in times))
        self.assertLess(max(times), MOVE_S * SLOW)

    def test_the_address_moves_and_is_served_right_after(self):
        self.check(Host.kill_worker, Host.start_worker)
        # An odd number of moves later the one with the higher priority is the backup, and stays it.
        master, _ = self.master_and_backup()
        sample_while(STAY_S, lambda: self.assertEqual(who_serves(), master.address))
        self.check(Host.kill_keepalived, Host.restart_keepalived)


if __name__ == "__main__":
    harness.main()
