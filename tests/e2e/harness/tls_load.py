"""TLS clients in threads of the test: a crowd that comes and goes, and streams at an even pace."""

import threading
import time

from harness.tls import tls_connect

_ECHO = b"x" * 64


class TlsLoad:
    """Clients of a backend that greets and echoes, one connection after the other, each one with a
    full handshake. Counts those that were served, and by serial number the certificates they saw.
    """

    def __init__(self, case, address, context, server_name, clients=4):
        self._to = (address, context, server_name)
        self._lock, self._stopped = threading.Lock(), threading.Event()
        self.served, self.errors, self.serials = 0, [], {}
        self._threads = [threading.Thread(target=self._run) for _ in range(clients)]
        for thread in self._threads:
            thread.start()
        case.addCleanup(self.stop)

    def stop(self):
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _run(self):
        while not self._stopped.is_set():
            error = serial = None
            try:
                with tls_connect(*self._to) as stream:
                    serial = stream.tls.getpeercert()["serialNumber"]
                    stream.recv()
                    stream.ask(_ECHO)
                    stream.close_notify()
                    stream.read_all()
            except (OSError, AssertionError) as failure:
                error = repr(failure)
            with self._lock:
                self.served += error is None
                if error is not None:
                    self.errors.append(error)
                else:
                    self.serials[serial] = self.serials.get(serial, 0) + 1


class TlsPump:
    """Streams that each send a chunk every `interval_s` and take it back.

    `bytes` counts what came back right; `max_gap_s` is the longest any of them waited for it.
    """

    def __init__(self, case, streams, chunk_bytes=4096, interval_s=0.05):
        self._chunk, self._interval_s = bytes(range(256)) * (chunk_bytes // 256), interval_s
        self._lock, self._stopped = threading.Lock(), threading.Event()
        self.bytes, self.max_gap_s, self.errors = 0, 0.0, []
        self._threads = [threading.Thread(target=self._run, args=(s,)) for s in streams]
        for thread in self._threads:
            thread.start()
        case.addCleanup(self.stop)

    def stop(self):
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def rate_per_s(self, seconds):
        """Bytes a second that came back in the next so many seconds."""
        begun, before = time.monotonic(), self.bytes
        self._stopped.wait(seconds)
        return (self.bytes - before) / (time.monotonic() - begun)

    def _run(self, stream):
        due = time.monotonic()
        while not self._stopped.is_set():
            sent = time.monotonic()
            try:
                answer = stream.ask(self._chunk)
            except (OSError, AssertionError) as failure:
                self.errors.append(repr(failure))
                return
            with self._lock:
                self.bytes += len(answer)
                self.max_gap_s = max(self.max_gap_s, time.monotonic() - sent)
                if answer != self._chunk:
                    self.errors.append("mismatch")
            due = max(due + self._interval_s, time.monotonic())
            self._stopped.wait(due - time.monotonic())
