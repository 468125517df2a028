"""The fake API server of Kubernetes, and what a balancer needs to find endpoints through it."""

import os
import sys

from harness import paths
from harness.certificates import Authority

sys.path.insert(0, os.path.join(paths.root(), "tests/fakes/kubernetes"))
from fake_api_server import FakeApiServer, ending, pod  # pylint: disable=wrong-import-position

__all__ = ["FakeApiServer", "Kubernetes", "ending", "pod"]

TESTDATA = os.path.join(paths.root(), "tests/fakes/kubernetes/testdata")


class Kubernetes:
    """An API server over TLS that wants a token, and the files for it in a test's folder."""

    def __init__(self, case, address=("127.0.0.1", 6443), names=("IP:127.0.0.1",)):
        authority = Authority(os.path.join(case.folder, "kubernetes"))
        certificate = authority.issue("apiserver", *names)
        self.token_file = os.path.join(case.folder, "token")
        self.ca_file = authority.cert
        self.api = FakeApiServer(address, certificate)
        self.set_token("first")
        self.api.start()
        case.addCleanup(self.api.kill)

    def set_token(self, token, known=True):
        """Writes the token that is shown; `known`: the API server takes it."""
        with open(self.token_file + ".new", "w", encoding="ascii") as file:
            file.write(token + "\n")
        os.rename(self.token_file + ".new", self.token_file)
        if known:
            self.api.token = token

    def config(self, **changes):
        """The top level's section."""
        files = {"token_file": self.token_file, "ca_file": self.ca_file}
        return dict({"api_server": self.api.url, **files}, **changes)


def backends(service="shop/web", port="http", **more):
    """What stands in a rule for a Service."""
    return dict({"kubernetes": {"service": service, "port": port}}, **more)
