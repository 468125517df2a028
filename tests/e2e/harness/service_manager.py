"""The service manager's end of sd_notify(3): a socket per program, and what it was told."""

import os
import socket

_MAX_BYTES = 4096


class ServiceManager:
    """What one program tells; `env` makes it do so. `watchdog`: its time in seconds."""

    def __init__(self, case, name, watchdog=None):
        self.path = os.path.join(case.folder, name + ".notify")
        self.env = {"NOTIFY_SOCKET": self.path}
        if watchdog is not None:
            self.env["WATCHDOG_USEC"] = "%d" % (watchdog * 1e6)
        self.words = []  # Lines, in order.
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        case.addCleanup(self._socket.close)

    def told(self, word):
        """How often this line was told so far."""
        self._receive()
        return self.words.count(word)

    def status(self):
        """The newest status line; "" when there was none."""
        self._receive()
        lines = [word for word in self.words if word.startswith("STATUS=")]
        return lines[-1].split("=", 1)[1] if lines else ""

    def _receive(self):
        while True:
            try:
                self.words += self._socket.recv(_MAX_BYTES, socket.MSG_DONTWAIT).decode().split("\n")
            except BlockingIOError:
                return
