"""Certificates of a test cluster, made with openssl(1)."""

import os

from harness.process import run

CLUSTER = "e2e"


class Authority:
    """One certificate authority and what it signs, in a folder."""

    def __init__(self, folder, name="ca"):
        self._folder = folder
        os.makedirs(folder, exist_ok=True)
        self.cert, self._key = self._path(name + ".crt"), self._path(name + ".key")
        _openssl("req", "-x509", *_new_key(self._key), "-out", self.cert, "-days", "2",
                 "-subj", "/CN=" + name)

    def issue(self, name, *sans, days=1):
        """A certificate for these subject alternative names: (certificate, key) as paths."""
        cert, key = self._path(name + ".crt"), self._path(name + ".key")
        request, extensions = self._path(name + ".csr"), self._path(name + ".ext")
        with open(extensions, "w", encoding="ascii") as file:
            file.write("basicConstraints=CA:FALSE\n")
            if sans:
                file.write("subjectAltName=%s\n" % ",".join(sans))
        _openssl("req", *_new_key(key), "-out", request, "-subj", "/CN=" + name)
        _openssl("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self._key,
                 "-CAcreateserial", "-days", str(days), "-extfile", extensions, "-out", cert)
        return cert, key

    def issue_role(self, role, name, days=1):
        """The certificate of a worker, viewer, operator or admin."""
        uri = "URI:spiffe://%s/%s/%s" % (CLUSTER, role, name)
        return self.issue(role + "-" + name, uri, days=days)

    def issue_server(self, name="server", **options):
        return self.issue(name, "DNS:localhost", "IP:127.0.0.1", **options)

    def _path(self, name):
        return os.path.join(self._folder, name)


def tls_flags(ca, pair):
    """The flags that all programs take."""
    return ["--tls-ca", ca, "--tls-cert", pair[0], "--tls-key", pair[1]]


def _new_key(path):
    return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", path]


def _openssl(*arguments):
    done = run(["openssl", *arguments])
    if done.returncode != 0:
        raise AssertionError("openssl %s: %s" % (" ".join(arguments), done.stderr))
