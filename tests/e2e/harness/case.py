"""The base of every end-to-end test: a folder, processes that end with the test, logs on failure."""

import os
import shutil
import sys
import tempfile
import time
import unittest

from harness import namespace
from harness.balancer import Balancer
from harness.peers import Server
from harness.process import Process


class Case(unittest.TestCase):
    """Starts processes that are stopped, checked and, when the test failed, shown."""

    folder_in = "/tmp"

    def run(self, result=None):
        self.processes = []
        self.last_words = []  # Shown when the test fails.
        # Short, since the path of a unix socket has to fit into 108 bytes.
        self.folder = tempfile.mkdtemp(prefix="lb-e2e-", dir=self.folder_in)
        problems = _count_problems(result)
        started = time.monotonic()
        try:
            super().run(result)
            if _count_problems(result) > problems:
                self._show_logs()
        finally:
            for process in self.processes:
                process.kill()
            shutil.rmtree(self.folder, ignore_errors=True)
        print("%s: %.1f s" % (self.id(), time.monotonic() - started), flush=True)
        return result

    def start(self, name, argv, **options):
        process = Process(name, argv, self.folder, **options)
        self.processes.append(process)
        return process

    def balancer(self, kind=Balancer, **options):
        """The product, not started; stopped in order at the end of the test."""
        balancer = kind(self, **options)
        self.addCleanup(self._check_programs)
        self.addCleanup(balancer.stop)
        return balancer

    def servers(self, *addresses, names="abcdefgh"):
        """Backends a, b, … at these addresses."""
        return [Server(self, name, address) for name, address in zip(names, addresses)]

    def figure(self, text, *values):
        """Prints what was measured, so that a log shows more than "passed"."""
        print("  %s: %s" % (self._testMethodName, text % values), flush=True)

    def _check_programs(self):
        complaints = [text for process in self.processes for text in process.complaints()]
        self.assertEqual(complaints, [])

    def _show_logs(self):
        for text in [process.tail() for process in self.processes] + self.last_words:
            print(text, file=sys.stderr, flush=True)


def _count_problems(result):
    return len(result.failures) + len(result.errors)


def main():
    """Runs the tests of the file that is the program, in a network namespace of their own."""
    namespace.enter()
    os.environ.setdefault("PATH", "/usr/bin:/bin")
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    unittest.main(verbosity=2)
