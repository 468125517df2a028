"""What the kernel says of a process and of the machine: proc(5)."""

import fcntl
import os
import struct
import termios

from harness.process import run

_PAGE = os.sysconf("SC_PAGE_SIZE")


def descriptors(process):
    return len(os.listdir("/proc/%d/fd" % process.pid))


def descriptors_but_pipes(process):
    """How many are not pipes: a worker keeps those that it made for bulk transfers."""
    folder, count = "/proc/%d/fd" % process.pid, 0
    for name in os.listdir(folder):
        try:
            count += not os.readlink(os.path.join(folder, name)).startswith("pipe:")
        except FileNotFoundError:
            pass  # Closed meanwhile.
    return count


def soft_limit(process):
    """How many descriptors it may have."""
    with open("/proc/%d/limits" % process.pid, encoding="ascii") as file:
        line = next(line for line in file if line.startswith("Max open files"))
    return int(line.split()[3])


def set_limit(process, soft):
    """Changes how many descriptors a living process may have (prlimit(1))."""
    run(["prlimit", "--pid", str(process.pid), "--nofile=%d:" % soft]).check_returncode()


def cpu_s(process):
    """CPU time of all its living threads, to the nanosecond; stat(5) would count in hundredths."""
    tasks = "/proc/%d/task" % process.pid
    total_ns = 0
    for task in os.listdir(tasks):
        with open(os.path.join(tasks, task, "schedstat"), encoding="ascii") as file:
            total_ns += int(file.read().split()[0])
    return total_ns / 1e9


def pin(pid, cpus):
    """Keeps every thread that a process has now on these processors (sched_setaffinity(2))."""
    for task in os.listdir("/proc/%d/task" % pid):
        os.sched_setaffinity(int(task), cpus)


def pss_bytes(process):
    """Its own user-space memory. Without pages of files: its part of those grows whenever another
    process that runs the same program or library ends."""
    return _value_bytes("/proc/%d/smaps_rollup" % process.pid, "Pss_Anon:")


def slab_bytes():
    """The kernel's small objects, of the whole machine: sockets, files, epoll entries."""
    return _value_bytes("/proc/meminfo", "Slab:")


def socket_bytes():
    """Bytes in the buffers of TCP, of the whole machine."""
    with open("/proc/net/sockstat", encoding="ascii") as file:
        line = next(line for line in file if line.startswith("TCP:"))
    return int(line.split()[-1]) * _PAGE


def has_gap(process):
    """Whether a descriptor's number below the highest one is free."""
    numbers = [int(name) for name in os.listdir("/proc/%d/fd" % process.pid)]
    return max(numbers) >= len(numbers)


def pipe_bytes(process):
    """(pipes, bytes in them) of a process."""
    folder = "/proc/%d/fd" % process.pid
    filled = {}
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        try:
            target = os.readlink(path)
            if target.startswith("pipe:") and target not in filled:
                filled[target] = _unread_bytes(path)
        except FileNotFoundError:
            pass  # Closed meanwhile.
    return len(filled), sum(filled.values())


def _unread_bytes(path):
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        return struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, bytes(4)))[0]
    finally:
        os.close(fd)


def _value_bytes(path, name):
    with open(path, encoding="ascii") as file:
        line = next(line for line in file if line.startswith(name))
    return int(line.split()[1]) * 1024
