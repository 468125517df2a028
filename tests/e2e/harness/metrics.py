"""HTTP to the programs' own pages, over TCP or a unix socket, and the metrics in them."""

import http.client
import re
import socket

_LINE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def http_get(address, path, timeout=10):
    """(status, text) of a GET; `address` is "unix:/PATH" or "HOST:PORT"."""
    if address.startswith("unix:"):
        connection = _UnixConnection(address[len("unix:"):], timeout)
    else:
        connection = http.client.HTTPConnection(address, timeout=timeout)
    try:
        connection.request("GET", path)
        reply = connection.getresponse()
        return reply.status, reply.read().decode()
    except http.client.HTTPException as error:
        raise OSError("bad HTTP from %s: %r" % (address, error)) from error
    finally:
        connection.close()


class Metrics:
    """The samples of one scrape."""

    def __init__(self, samples):
        self._samples = samples

    def sum(self, name, **labels):
        """Sum over the samples of a family that have these labels; 0 when there is none."""
        return sum(
            value
            for sample, have, value in self._samples
            if sample == name and all(have.get(key) == want for key, want in labels.items())
        )

    def names(self):
        return {name for name, _, _ in self._samples}


def parse_metrics(text):
    """Metrics of Prometheus text (format 0.0.4); ValueError for a line that is none."""
    samples = []
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        match = _LINE.match(line)
        if match is None:
            raise ValueError("no metric: %r" % line)
        samples.append((match[1], dict(_LABEL.findall(match[2] or "")), float(match[3])))
    return Metrics(samples)
