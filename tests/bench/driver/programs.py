"""What has to be there before anything runs: our programs built, the others' installed."""

import os
import subprocess

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

# By the name of the option that gives a ready one.
_TARGETS = {
    "controlplane": "//controlplane:lb-controlplane",
    "worker": "//dataplane:lb-worker",
    "load": "//tests/bench/load:lb-bench-load",
}
_PACKAGES = "deploy/install-packages test"


class NotReady(Exception):
    """Something is missing; the text says what, and how to get it."""


def find(given):
    """{name: absolute path} of our programs: those that are `given`, the others built by Bazel."""
    found = {name: os.path.abspath(path) for name, path in given.items() if path}
    for path in found.values():
        if not (os.path.isfile(path) and os.access(path, os.X_OK)):
            raise NotReady("no such program: " + path)
    wanted = {name: target for name, target in _TARGETS.items() if name not in found}
    if wanted:
        _bazel("build", *wanted.values())
        bin_folder = _bazel("info", "bazel-bin", capture=True)
        for name, target in wanted.items():
            found[name] = os.path.join(bin_folder, target.lstrip("/").replace(":", "/"))
    return found


def check_installed(balancers):
    """Raises NotReady unless these balancers can be started."""
    missing = list(dict.fromkeys(text for text in (each.missing() for each in balancers) if text))
    if missing:
        raise NotReady("not installed: %s\n%s installs them" % (", ".join(missing), _PACKAGES))


def _bazel(*arguments, capture=False):
    """Runs Bazel as the other scripts of the repository do; what it prints, with `capture`."""
    script = '. deploy/lib/bazel.sh; run_bazel "$@"'
    try:
        done = subprocess.run(
            ["bash", "-euc", script, "bazel", *arguments],
            cwd=_ROOT,
            stdout=subprocess.PIPE if capture else None,
            text=True,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        raise NotReady("bazel %s failed" % " ".join(arguments)) from error
    return (done.stdout or "").strip()
