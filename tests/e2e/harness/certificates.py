"""Certificates for tests, made with openssl(1): authorities, what they sign and what they take back."""

import os

from harness.process import run

CLUSTER = "e2e"

# What openssl-ca(1) needs to know. It keeps a list of what it signed, for revocations and for OCSP.
_CONFIG = """
[ca]
default_ca = own
[own]
database = {stem}.index
new_certs_dir = {folder}
certificate = {cert}
private_key = {key}
rand_serial = yes
unique_subject = no
default_md = sha256
default_crl_days = 2
policy = any
[any]
organizationName = optional
commonName = supplied
"""
_NEW_KEYS = {
    "ec": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "ec384": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "rsa": ["-newkey", "rsa:2048"],
}
_CA_EXTENSIONS = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
_LONG_AGO, _YEARS_AGO = "20200101000000Z", "20210101000000Z"


class Authority:
    """A certificate authority and what it signs, in a folder: a root, or below `issuer`.

    `key`: of its own, one of _NEW_KEYS.
    """

    def __init__(self, folder, name="ca", issuer=None, key="ec"):
        self._folder, self._name, self._issuer = folder, name, issuer
        os.makedirs(folder, exist_ok=True)
        if issuer is None:
            self.cert, self._key = self._path(name + ".crt"), self._path(name + ".key")
            _openssl("req", "-x509", *_new_key(key, self._key), "-out", self.cert, "-days", "2",
                     "-subj", "/CN=" + name)
        else:
            self.cert, self._key = issuer.sign(name, _CA_EXTENSIONS, key=key)
        self._config = self._path(name + ".cnf")
        stem = self._path(name)
        _write(stem + ".index", "")
        _write(self._config, _CONFIG.format(stem=stem, folder=folder, cert=self.cert, key=self._key))

    def issue(self, name, *sans, days=1, key="ec", usage=None, expired=False, subject=None):
        """A certificate for these subject alternative names: (certificate, key) as paths.

        The file has the chain up to, but without, the root. `key`: one of _NEW_KEYS; `usage`:
        "serverAuth", "clientAuth" or both; `expired`: it ended years ago.
        """
        extensions = "basicConstraints=CA:FALSE\n"
        if sans:
            extensions += "subjectAltName=%s\n" % ",".join(sans)
        if usage is not None:
            extensions += "extendedKeyUsage=%s\n" % usage
        dates = ["-days", str(days)]
        if expired:
            dates = ["-startdate", _LONG_AGO, "-enddate", _YEARS_AGO]
        cert, key_path = self.sign(name, extensions, dates, key, subject)
        if self._issuer is not None:
            _write(cert, _read(cert) + self.chain())
        return cert, key_path

    def sign(self, name, extensions, dates=("-days", "2"), key="ec", subject=None):
        """A certificate with these extensions and its new key, as paths."""
        cert, key_path = self._path(name + ".crt"), self._path(name + ".key")
        request, file = self._path(name + ".csr"), self._path(name + ".ext")
        _write(file, extensions + "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n")
        _openssl("req", *_new_key(key, key_path), "-out", request, "-subj", subject or "/CN=" + name)
        self._ca("-in", request, "-out", cert, "-notext", "-extfile", file, *dates)
        return cert, key_path

    def issue_role(self, role, name, days=1):
        """The certificate of a worker, viewer, operator or admin."""
        uri = "URI:spiffe://%s/%s/%s" % (CLUSTER, role, name)
        return self.issue(role + "-" + name, uri, days=days)

    def issue_server(self, name="server", **options):
        return self.issue(name, "DNS:localhost", "IP:127.0.0.1", **options)

    def chain(self):
        """Its own certificate and those above it, without the root's, as PEM."""
        return "" if self._issuer is None else _read(self.cert) + self._issuer.chain()

    def crl(self, *revoked):
        """Takes these certificates back: the path of a list with all that ever were."""
        for cert in revoked:
            self._ca("-revoke", cert)
        path = self._path(self._name + ".crl")
        self._ca("-gencrl", "-out", path)
        return path

    def ocsp(self, cert):
        """What its OCSP responder says of a certificate, for two days: a file in DER."""
        request, reply = self._path("ocsp.req"), cert + ".ocsp"
        _openssl("ocsp", "-issuer", self.cert, "-cert", cert, "-no_nonce", "-reqout", request)
        _openssl("ocsp", "-index", self._path(self._name + ".index"), "-CA", self.cert,
                 "-rsigner", self.cert, "-rkey", self._key, "-reqin", request, "-respout", reply,
                 "-ndays", "2")
        return reply

    def _ca(self, *arguments):
        _openssl("ca", "-batch", "-config", self._config, *arguments)

    def _path(self, name):
        return os.path.join(self._folder, name)


def tls_flags(ca, pair):
    """The flags that all programs take."""
    return ["--tls-ca", ca, "--tls-cert", pair[0], "--tls-key", pair[1]]


def serial(cert):
    """The serial number of the first certificate in a file, in hexadecimal digits."""
    return _openssl("x509", "-in", cert, "-noout", "-serial").strip().split("=")[1]


def _new_key(kind, path):
    return [*_NEW_KEYS[kind], "-nodes", "-keyout", path]


def _read(path):
    with open(path, encoding="ascii") as file:
        return file.read()


def _write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def _openssl(*arguments):
    done = run(["openssl", *arguments])
    if done.returncode != 0:
        raise AssertionError("openssl %s: %s" % (" ".join(arguments), done.stderr))
    return done.stdout
