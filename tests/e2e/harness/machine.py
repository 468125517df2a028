"""A Debian 12 of its own: a root made from the archive, booted with its systemd in namespaces.

Mounts, processes, host name and control groups are its own; the network is that of the test, so
that the test's clients and servers meet it on loopback. Needs root.
"""

import os
import shutil
import signal
import subprocess

from harness.process import run
from harness.waiting import wait_for

_SUITE = "bookworm"
_ARCHIVE = "http://deb.debian.org/debian"
_DEVICES = "null zero full random urandom tty"
_BOOT_S = 60
_ENV = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}

# Inside the new namespaces: what a container manager prepares, then systemd as the first process.
_INIT = """
set -e
mount --make-rprivate /
mount --bind "$1" "$1"
cd "$1"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs dev
for device in %s; do touch dev/$device; mount --bind /dev/$device dev/$device; done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount -t tmpfs tmpfs dev/shm
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs tmpfs tmp
hostname lb-machine
pivot_root . mnt
umount -l /mnt
exec env -i container=lb-test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  /lib/systemd/systemd --system --unit=multi-user.target
""" % _DEVICES


def make_root(folder, packages):
    """Makes a root with these packages, from the archive: minutes, and the network is needed."""
    argv = ["mmdebstrap", "--quiet", "--variant=minbase", "--include=" + ",".join(packages)]
    done = run([*argv, _SUITE, folder, _ARCHIVE], timeout=900)
    if done.returncode != 0:
        raise OSError("mmdebstrap: %s" % done.stderr[-2000:])


def dependencies(debs):
    """Names of the packages that these need from the archive; of alternatives the first."""
    names, own = set(), set()
    for deb in debs:
        fields = run(["dpkg-deb", "-f", deb, "Package", "Depends"]).stdout
        own.add(fields.split("Package: ")[1].split("\n")[0])
        depends = fields.split("Depends: ")[1] if "Depends: " in fields else ""
        names |= {part.split()[0] for part in depends.replace("\n", "").split(",") if part.strip()}
    return sorted(names - own)


def _own_group():
    """The control group (version 2) that this process is in, as a folder."""
    with open("/proc/self/mounts", encoding="utf-8") as file:
        mounts = [line.split()[1] for line in file if line.split()[2] == "cgroup2"]
    with open("/proc/self/cgroup", encoding="utf-8") as file:
        own = [line.strip()[3:] for line in file if line.startswith("0::")]
    if not mounts or not own:
        raise OSError("no control groups of version 2 are mounted")
    return mounts[0] + own[0].rstrip("/")


class Machine:
    """A booted root. It ends with the test."""

    def __init__(self, case, root):
        self.root = root
        self._case = case
        self._group = "%s/lb-machine-%d" % (_own_group(), os.getpid())
        os.mkdir(self._group)
        case.addCleanup(self._remove_group)
        # The shell puts itself into the group, which then is the root of the machine's own groups.
        enter = 'echo $$ >"$0/cgroup.procs"; exec "$@"'
        argv = ["sh", "-c", enter, self._group, "unshare", "--kill-child", "--mount", "--pid", "--fork"]
        argv += ["--uts", "--ipc", "--cgroup", "sh", "-c", _INIT, "init", root]
        self._process = case.start("machine", argv)
        case.addCleanup(self.stop)
        self._init = wait_for(self._child, 10, "the machine's first process")
        wait_for(self._booted, _BOOT_S, "the machine is up")

    def run(self, *argv, timeout=120):
        """Runs a command in the machine: the CompletedProcess."""
        return run(self._inside(argv), timeout=timeout, env=_ENV)

    def begin(self, name, *argv):
        """Starts a command in the machine: the Process."""
        return self._case.start(name, self._inside(argv), env=_ENV)

    def check(self, *argv, timeout=120):
        """As run, but it must succeed: its output."""
        done = self.run(*argv, timeout=timeout)
        if done.returncode != 0:
            raise AssertionError("%s: %d\n%s%s" % (" ".join(argv), done.returncode, done.stdout, done.stderr))
        return done.stdout + done.stderr

    def property(self, unit, name):
        return self.check("systemctl", "show", "--value", "--property=" + name, unit).strip()

    def stop(self):
        self._process.expected_to_end = True
        if self._process.running():
            os.kill(int(self._init), signal.SIGKILL)  # With it, every process of the machine.
            self._process.wait(20)

    def _inside(self, argv):
        enter = ["nsenter", "--target", self._init, "--mount", "--uts", "--ipc", "--pid", "--cgroup"]
        return [*enter, "--", *argv]

    def _child(self):
        pid = self._process.pid
        with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as file:
            return file.read().strip()

    def _booted(self):
        state = self.run("systemctl", "is-system-running").stdout.strip()
        return state in ("running", "degraded") and state

    def _remove_group(self):
        def removed():
            for folder, _, _ in os.walk(self._group, topdown=False):
                os.rmdir(folder)
            return not os.path.exists(self._group)

        wait_for(removed, 20, "the machine's control groups are empty")


def files(root):
    """Every path in a root, with its kind, but for what is mounted in a running one."""
    listing = subprocess.run(
        ["find", root, "-xdev", "-printf", "/%P %y\n"], check=True, capture_output=True, text=True)
    return set(listing.stdout.splitlines())


def remove_root(folder):
    shutil.rmtree(folder, ignore_errors=True)
