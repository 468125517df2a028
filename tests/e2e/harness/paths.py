"""Where the programs under test are: in the runfiles of a Bazel test, or in bazel-bin for a test
that is started by hand from the top of the repository."""

import os

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))


def _find(path):
    for folder in ("", "bazel-bin"):
        found = os.path.join(_ROOT, folder, path)
        if os.access(found, os.X_OK) and os.path.isfile(found):
            return found
    raise FileNotFoundError("%s is not built: bazel build //tests/e2e/..." % path)


def root():
    """The top of the repository, or of the runfiles."""
    return _ROOT


def control_plane():
    return _find("controlplane/lb-controlplane")


def worker():
    return _find("dataplane/lb-worker")


def lbctl():
    return _find("cli/lbctl")


def testpeer():
    return _find("tests/e2e/tools/lb-testpeer")


def bench_load():
    return _find("tests/bench/load/lb-bench-load")
