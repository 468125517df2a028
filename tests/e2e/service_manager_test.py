"""What both programs tell a service manager, systemd's protocol: ready, status, alive, stopping."""

import signal
import socket

from harness.case import Case, main
from harness.service_manager import ServiceManager
from harness.waiting import sample_while, wait_for

LISTEN = ("127.0.0.1", 8080)
ALIVE = "WATCHDOG=1"


def config(backends=("127.0.0.1:9001",)):
    return {"rules": [{"name": "web", "listen": "%s:%d" % LISTEN, "backends": list(backends)}]}


def is_stopped(pid):
    with open("/proc/%d/stat" % pid, encoding="utf-8") as file:
        return file.read().rsplit(")", 1)[1].split()[0] == "T"


class ServiceManagerTest(Case):
    def setUp(self):
        self.servers("127.0.0.1:9001")
        self.lb = self.balancer()
        self.lb.write(config())
        self.control = ServiceManager(self, "control", watchdog=2)
        self.worker = ServiceManager(self, "worker", watchdog=2)

    def start_both(self):
        self.lb.start_control(env=self.control.env)
        self.lb.start_worker(env=self.worker.env)
        for manager in self.control, self.worker:
            wait_for(lambda manager=manager: manager.told("READY=1"), 20, "it says that it is ready")

    def test_a_worker_is_ready_when_its_listeners_are_and_not_before(self):
        """The worker is first: it waits for a control plane, and says so. Its word then is true at once."""
        self.lb.start_worker(env=self.worker.env)
        waits = "no configuration yet: the control plane is not reached"
        wait_for(lambda: self.worker.status() == waits, 20, "the worker says what it waits for")
        self.assertEqual(self.worker.told("READY=1"), 0)
        self.lb.start_control(env=self.control.env)
        wait_for(lambda: self.worker.told("READY=1"), 20, "the worker is ready")
        socket.create_connection(LISTEN, timeout=5).close()
        wait_for(lambda: self.control.told("READY=1"), 20, "the control plane is ready")
        wait_for(lambda: self.control.status() == "rev 1, 1 worker", 20, "its status")
        self.assertEqual(self.worker.told("READY=1"), 1)

    def test_the_status_counts_connections(self):
        self.start_both()
        wait_for(lambda: self.worker.status() == "version 1, 0 connections", 20, "the first status")
        with socket.create_connection(LISTEN, timeout=5):
            wait_for(lambda: self.worker.status() == "version 1, 1 connection", 20, "a connection")

    def test_a_reload_is_bracketed(self):
        """HUP: RELOADING with the time, then READY, also when the new file is refused."""
        self.start_both()
        for times, text in ((2, config(("127.0.0.1:9001", "127.0.0.1:9002"))), (3, "rules: 1\n")):
            self.lb.write(text)
            self.lb.control.send(signal.SIGHUP)
            wait_for(lambda times=times: self.control.told("READY=1") == times, 20, "the reload ends")
            self.assertEqual(self.control.told("RELOADING=1"), times - 1)
        self.assertEqual(len([w for w in self.control.words if w.startswith("MONOTONIC_USEC=")]), 2)
        wait_for(lambda: self.control.status() == "rev 2, 1 worker", 20, "the good one is in force")

    def test_the_watchdog_is_fed_until_the_program_hangs(self):
        self.start_both()
        for manager, process in (
            (self.control, self.lb.control),
            (self.worker, self.lb.workers["worker-1"].process),
        ):
            fed = manager.told(ALIVE)
            wait_for(lambda m=manager, n=fed: m.told(ALIVE) >= n + 2, 20, "it says that it is alive")
            process.send(signal.SIGSTOP)
            wait_for(lambda p=process: is_stopped(p.pid), 20, "it hangs")
            stopped = manager.told(ALIVE)
            sample_while(3, lambda m=manager, n=stopped: self.assertEqual(m.told(ALIVE), n), 0.1)
            process.send(signal.SIGCONT)
            wait_for(lambda m=manager, n=stopped: m.told(ALIVE) > n, 20, "it is alive again")

    def test_a_restart_leaves_the_listening_sockets_in_the_store_and_a_stop_does_not(self):
        self.start_both()
        stored, removed = 0, "FDSTOREREMOVE=1"
        # INT is what the unit says for a restart.
        for number, removes in ((signal.SIGTERM, True), (signal.SIGINT, False)):
            wait_for(lambda: self.worker.told("FDSTORE=1") > stored, 20, "its sockets are stored")
            before = self.worker.told(removed)
            process = self.lb.workers["worker-1"].process
            process.send(number)
            self.assertEqual(process.wait(20), 0)
            self.assertEqual(self.worker.told(removed) > before, removes, number)
            stored = self.worker.told("FDSTORE=1")
            ready = self.worker.told("READY=1")
            self.lb.start_worker(env=self.worker.env)
            wait_for(lambda ready=ready: self.worker.told("READY=1") > ready, 20, "the next one is ready")

    def test_a_drain_asks_for_time_until_its_last_connection_ends(self):
        self.start_both()
        process = self.lb.workers["worker-1"].process
        with socket.create_connection(LISTEN, timeout=5):
            wait_for(lambda: self.worker.status() == "version 1, 1 connection", 20, "a connection")
            process.send(signal.SIGTERM)
            wait_for(lambda: self.worker.status() == "draining: 1 connection", 20, "it drains")
            more = "EXTEND_TIMEOUT_USEC=10000000"
            wait_for(lambda: self.worker.told(more) >= 3, 20, "it asks for time again and again")
        self.assertEqual(process.wait(20), 0)
        self.assertEqual(self.worker.told("STOPPING=1"), 1)
        self.assertEqual(self.lb.control.stop(), 0)
        self.assertEqual(self.control.told("STOPPING=1"), 1)


if __name__ == "__main__":
    main()
