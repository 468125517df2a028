"""The certificates of one run."""

from driver.balancers.contract import TLS_NAME
from harness.certificates import Authority


class TlsFiles:
    """Paths: the authority, a certificate and its key, and `both` in one file. The backend has the
    same pair as the balancer, but with a P-256 key always, so that only the balancer's differs."""

    def __init__(self, folder, tls):
        authority = Authority(folder)
        self.ca, self.re_encrypt = authority.cert, tls.re_encrypt
        self.cert, self.key = authority.issue("balancer", "DNS:" + TLS_NAME, key=tls.key)
        self.backend_cert, self.backend_key = authority.issue("backend", "DNS:" + TLS_NAME)
        self.both = self.cert + ".both"
        with open(self.both, "w", encoding="ascii") as file:
            for path in (self.cert, self.key):
                with open(path, encoding="ascii") as part:
                    file.write(part.read())
