"""One child process with its log, that never outlives the test."""

import ctypes
import os
import signal
import subprocess

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)
_TAIL_BYTES = 4000
_REPORTS_TAIL_BYTES = 600  # Of stdout, where the newest says it all.

# What a program of ours must never write, whatever the test does to it.
_BROKEN = (
    "ERROR: AddressSanitizer",
    "ERROR: LeakSanitizer",
    "WARNING: ThreadSanitizer",
    "runtime error:",
    "invariant broken:",
)


def _die_with_parent():
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """A started program. stdout and stderr go to files, stdin comes from `tell` or is empty."""

    def __init__(self, name, argv, folder, env=None, cwd=None, stdin=subprocess.DEVNULL):
        self.name = name
        self.argv = [str(part) for part in argv]
        self.out_path = _free_path(folder, name + ".out")
        self.err_path = _free_path(folder, name + ".log")
        self.expected_to_end = False
        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            self._child = subprocess.Popen(
                self.argv,
                stdin=stdin,
                stdout=out,
                stderr=err,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                preexec_fn=_die_with_parent,
            )
        self.pid = self._child.pid

    def tell(self, line):
        """Writes a line to its stdin, which was asked for as a subprocess.PIPE."""
        self._child.stdin.write(line.encode() + b"\n")
        self._child.stdin.flush()

    def running(self):
        return self._child.poll() is None

    def send(self, number):
        if self.running():
            self._child.send_signal(number)

    def kill(self):
        """kill -9, and wait for the end."""
        self.expected_to_end = True
        self.send(signal.SIGKILL)
        self._child.wait()
        if self._child.stdin is not None:
            self._child.stdin.close()

    def wait(self, timeout):
        """The exit code (negative: a signal); AssertionError when it does not end."""
        self.expected_to_end = True
        try:
            return self._child.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise AssertionError("%s did not end within %g s" % (self.name, timeout)) from error

    def stop(self, number=signal.SIGTERM, timeout=20):
        """Sends a signal and returns the exit code; kills what does not obey, and says so."""
        self.expected_to_end = True
        self.send(number)
        try:
            return self._child.wait(timeout)
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise AssertionError("%s ignored signal %d" % (self.name, number)) from error

    def out(self):
        return _read(self.out_path)

    def log(self):
        return _read(self.err_path)

    def complaints(self):
        """What shows that the program itself is broken."""
        found = []
        if not self.running() and not self.expected_to_end:
            found.append("%s ended by itself with %s" % (self.name, self._child.returncode))
        log = self.log() + self.out()
        found += ["%s wrote %r" % (self.name, text) for text in _BROKEN if text in log]
        return found

    def tail(self):
        end = "running" if self.running() else "ended with %s" % self._child.returncode
        parts = ["---- %s (pid %d, %s): %s" % (self.name, self.pid, end, " ".join(self.argv))]
        parts += [self.out()[-_REPORTS_TAIL_BYTES:], self.log()[-_TAIL_BYTES:]]
        return "\n".join(part for part in parts if part)


def run(argv, timeout=60, env=None, stdin=None):
    """Runs a command to its end: the CompletedProcess with text in stdout and stderr."""
    return subprocess.run(
        [str(part) for part in argv],
        input=stdin,
        stdin=None if stdin is not None else subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout,
        env={**os.environ, **(env or {})},
        preexec_fn=_die_with_parent,
        check=False,
    )



def _read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def _free_path(folder, name):
    """`name`, or `name.2` and so on: a restarted program does not overwrite its first log."""
    path, count = os.path.join(folder, name), 1
    while os.path.exists(path):
        count += 1
        path = os.path.join(folder, "%s.%d" % (name, count))
    return path
