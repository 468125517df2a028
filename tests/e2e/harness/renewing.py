"""A certificate on disk that a rule uses and that is renewed."""

import os
import shutil

from harness.certificates import Authority, serial
from harness.tls import client_context, tls_connect
from harness.waiting import wait_for


class RenewedPair:
    """A pair of files in a folder of its own; `serial` is the number of the newest good one."""

    def __init__(self, folder, name):
        self._ca = Authority(folder + "/ca")
        self.folder, self.name = os.path.join(folder, "tls"), name
        os.makedirs(self.folder)
        self.cert, self.key = self.folder + "/cert.pem", self.folder + "/key.pem"
        self.context = client_context(self._ca.cert)
        self._count = 0
        self._lb, self._seen = None, None  # Who is asked for versions, and the one in force last.
        self.serial = None
        self.renew()

    def issue(self, **options):
        """A new pair that is not in place."""
        self._count += 1
        return self._ca.issue("v%d" % self._count, "DNS:" + self.name, **options)

    def put(self, pair):
        """Puts these files in place, first the certificate, then the key (None: not this one)."""
        for source, path in zip(pair, (self.cert, self.key)):
            if source is not None:
                shutil.copy(source, path + ".new")
                os.rename(path + ".new", path)

    def renew(self, **options):
        pair = self.issue(**options)
        self.put(pair)
        self.serial = serial(pair[0])

    def shown(self, listen):
        """The serial number that a client sees now."""
        with tls_connect(listen, self.context, self.name) as stream:
            return stream.tls.getpeercert()["serialNumber"]

    def watch(self, lb):
        """From now on a renewal is one that the workers of this balancer have not got yet."""
        self._lb = lb
        (self._seen,) = self._versions()

    def _versions(self):
        """The versions that workers run; one where they all run the same."""
        scrapes = [worker.metrics() for worker in self._lb.workers.values()]
        return {(scrape.sum("lb_config_epoch"), scrape.sum("lb_config_revision"))
                for scrape in scrapes}

    def wait_until_shown(self, listen):
        """Waits until every worker has what came after the last wait, and the newest is shown."""

        def newer():
            versions = self._versions()
            return len(versions) == 1 and max(versions) > self._seen and versions

        (self._seen,) = wait_for(newer, 20, "every worker has the renewed certificate", poll=0.005)
        wait_for(lambda: self.shown(listen) == self.serial, 20, "the newest certificate is shown")
