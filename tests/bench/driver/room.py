"""One run: one balancer under one load, in a process and a network namespace of its own.

A fresh namespace is what makes runs alike: its own loopback, ports, and connections in TIME_WAIT.
The process gets the job as JSON in its only argument and prints the result as JSON.
"""

import json
import os
import shutil
import signal
import sys
import tempfile

from driver import balancers, loads, procfs
from driver.scenarios import SCENARIOS
from driver.tls_files import TlsFiles
from harness import namespace, wait_for
from harness.process import Process

# Sixteen source addresses times all ports; those that somebody listens on are kept out.
_SYSCTLS = {
    "net/ipv4/ip_local_port_range": "1024 65535",
    "net/ipv4/ip_local_reserved_ports": "20000-20010,30000-30010",
}
_READY_S = 20


class Room:
    """Where the processes of one run live. `job` is what main.py made of the options."""

    def __init__(self, job):
        self.programs = job["programs"]
        self.cpus = job["cpus"]
        self.timing = job["timing"]
        self._processes = []
        # Short, since the path of a unix socket has to fit into 108 bytes.
        self.folder = tempfile.mkdtemp(prefix="lb-bench-", dir="/tmp")
        self.scenario = SCENARIOS[job["scenario"]]
        tls = self.scenario.tls
        self.tls = tls and TlsFiles(os.path.join(self.folder, "tls"), tls)

    def write(self, name, text):
        """Makes a file in the run's folder; its path."""
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def start(self, name, argv, cpu="balancer"):
        """Starts a program, pinned to the balancer's processor or the generator's."""
        pinned = ["taskset", "--cpu-list", self.cpus[cpu], *argv]
        process = Process(name, pinned, self.folder)
        self._processes.append(process)
        return process

    def wait_until(self, condition, process, what):
        """Waits for the condition; AssertionError as soon as the process has ended."""

        def ready():
            assert process.running(), "it ended"
            return condition()

        wait_for(ready, _READY_S, "%s %s" % (process.name, what))

    def wait_until_listening(self, process, port):
        self.wait_until(lambda: procfs.is_listening(port), process, "listens on %d" % port)

    def logs(self):
        return "\n".join(process.tail() for process in self._processes)

    def close(self):
        """Kills everything. Parents first, so that none starts a child again."""
        for process in reversed(self._processes):
            members = procfs.family(process.pid) if process.running() else []
            process.kill()
            for pid in members[1:]:
                _kill(pid)
        shutil.rmtree(self.folder, ignore_errors=True)


def _kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _run(job):
    room = Room(job)
    try:
        running = balancers.BALANCERS[job["balancer"]].start(room)
        return loads.run(room, running, room.scenario)
    except (AssertionError, OSError, ValueError) as error:
        return {"error": str(error), "logs": room.logs()}
    finally:
        room.close()


def main():
    # Ending in order, also when told to, so that nothing that was started stays.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    job = json.loads(sys.argv[1])
    try:
        namespace.enter({**_SYSCTLS, "net/ipv4/tcp_congestion_control": job["congestion_control"]})
    except OSError as error:
        print(json.dumps({"error": str(error)}))
        return
    # A job without a balancer only tries whether there can be a namespace like this.
    print(json.dumps(_run(job) if job["balancer"] else {}))


if __name__ == "__main__":
    main()
