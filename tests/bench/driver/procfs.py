"""What /proc says about processes and about the kernel's memory."""

import glob
import os

LISTEN = "0A"  # A state of /proc/net/tcp.


def _read(path):
    """The text of a file of /proc; "" when its process is gone."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def children(pid):
    found = []
    for path in glob.glob("/proc/%d/task/*/children" % pid):
        found += [int(child) for child in _read(path).split()]
    return found


def family(pid):
    """A process and all its descendants, parents first."""
    return [pid] + [member for child in children(pid) for member in family(child)]


def is_listening(port):
    """Whether a TCP socket of this network namespace listens on the port."""
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in _read(path).splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTEN and int(fields[1].rsplit(":", 1)[1], 16) == port:
                return True
    return False


def descriptors(pids):
    return sum(len(os.listdir("/proc/%d/fd" % pid)) for pid in pids)


def run_ns(pids):
    """CPU time of the processes' threads, user space and kernel."""
    paths = [path for pid in pids for path in glob.glob("/proc/%d/task/*/schedstat" % pid)]
    return sum(int((_read(path).split() or ["0"])[0]) for path in paths)


def memory_bytes(pids):
    """Resident memory: ("rss", "pss"). Of shared pages, PSS counts each process's share only."""
    total = {"rss": 0, "pss": 0}
    for pid in pids:
        for line in _read("/proc/%d/smaps_rollup" % pid).splitlines():
            key = line.split(":")[0].lower()
            if key in total:
                total[key] += int(line.split()[1]) * 1024
    return total


def kernel_bytes():
    """Memory of the whole machine's kernel objects (slab): sockets, files, epoll entries."""
    for line in _read("/proc/meminfo").splitlines():
        if line.startswith("Slab:"):
            return int(line.split()[1]) * 1024
    return 0


def cpu_model():
    for line in _read("/proc/cpuinfo").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown"
