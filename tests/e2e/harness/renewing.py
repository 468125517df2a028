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
                shutil.copyfile(source, path + ".new")
                os.rename(path + ".new", path)

    def renew(self, **options):
        pair = self.issue(**options)
        self.put(pair)
        self.serial = serial(pair[0])

    def shown(self, listen):
        """The serial number that a client sees now."""
        with tls_connect(listen, self.context, self.name) as stream:
            return stream.tls.getpeercert()["serialNumber"]

    def wait_until_shown(self, listen, looks=8):
        """Waits until the newest is shown in so many looks, which meet every worker."""
        wait_for(lambda: {self.shown(listen) for _ in range(looks)} == {self.serial}, 20,
                 "the newest certificate is shown", poll=0.005)
