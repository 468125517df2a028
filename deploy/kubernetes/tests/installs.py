"""What the tests of this folder share: kustomize, the chart, and the lb.yaml of an installation."""

import os
import shutil
import subprocess
import sys
import tempfile

_HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(_HERE)
ROOT = os.path.dirname(os.path.dirname(TOP))
sys.path.insert(0, os.path.join(TOP, "check"))
import strict_yaml  # pylint: disable=wrong-import-position

OVERLAYS = ("cluster", "lowports", "monitoring", "networkpolicy", "tls")
EXAMPLES = ("cluster", "lowports", "web")


def program(path):
    """In the runfiles of a Bazel test, or in bazel-bin for one that is started by hand."""
    for folder in ("", "bazel-bin"):
        found = os.path.join(ROOT, folder, path)
        if os.access(found, os.X_OK) and os.path.isfile(found):
            return found
    raise FileNotFoundError("%s is not built" % path)


def run(argv, **more):
    return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, **more)


class Manifests:
    """A copy of the manifests to try things on: real files, since kustomize follows no links."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory()
        self.path = self._folder.name
        for name in ("kustomize", "helm"):
            shutil.copytree(os.path.join(TOP, name), os.path.join(self.path, name))
        self.base = os.path.join(self.path, "kustomize", "base")
        self.chart = os.path.join(self.path, "helm", "lb")

    def close(self):
        self._folder.cleanup()

    def overlay(self, name):
        return os.path.join(self.path, "kustomize", "overlays", name)

    def example(self, name):
        return os.path.join(self.path, "helm", "examples", name + ".yaml")

    def kustomize(self, folder):
        """The objects as text."""
        done = run(["kubectl", "kustomize", folder], env={**os.environ, "HOME": self.path})
        if done.returncode != 0:
            raise AssertionError("kubectl kustomize %s: %s" % (folder, done.stderr))
        return done.stdout

    def try_render(self, *arguments):
        return run([program("deploy/kubernetes/render/render"), *arguments, self.chart])

    def render(self, *arguments):
        """The objects as text."""
        done = self.try_render(*arguments)
        if done.returncode != 0:
            raise AssertionError("render %s: %s" % (arguments, done.stderr))
        return done.stdout

    def edit(self, path, old, new):
        """Replaces text in a file, relative to the copy."""
        path = os.path.join(self.path, path)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if old not in text:
            raise AssertionError("%s has no %r" % (path, old))
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace(old, new))


def things(text):
    return strict_yaml.load_all(text)


def named(all_things, kind, name=None):
    """The one object of a kind (and name)."""
    found = [t for t in all_things if t["kind"] == kind and name in (None, t["metadata"]["name"])]
    if len(found) != 1:
        raise AssertionError("%d of %s %s" % (len(found), kind, name))
    return found[0]


def check_config(text, folder):
    """What lb-controlplane says of an lb.yaml whose files are in `folder` and not in /etc/lb."""
    path = os.path.join(folder, "lb.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace("/etc/lb/", folder + "/"))
    argv = [program("controlplane/lb-controlplane"), "--check-config", "--config", path]
    return run(argv, env={**os.environ, "POD_IP": "10.0.0.1"})


def write_secrets(folder):
    """The files of the Secrets that our manifests name."""
    os.makedirs(os.path.join(folder, "gossip"))
    key = run(["openssl", "rand", "-base64", "32"]).stdout
    with open(os.path.join(folder, "gossip", "cluster.keys"), "w", encoding="ascii") as file:
        file.write(key)
    where = os.path.join(folder, "tls", "shop-tls")
    os.makedirs(where)
    done = run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", where + "/tls.key", "-out", where + "/tls.crt", "-days", "30",
                "-subj", "/CN=shop", "-addext", "subjectAltName=DNS:shop.example.com"])
    if done.returncode != 0:
        raise AssertionError(done.stderr)
