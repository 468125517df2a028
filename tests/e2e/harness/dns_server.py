"""A DNS server that answers what the test says: RFC 1035, A, AAAA and SRV, over UDP."""

import socket
import struct
import threading

_A, _AAAA, _SRV = 1, 28, 33
_NXDOMAIN = 3
_TTL_S = 1


class DnsServer:
    """Serves `records`: {name: [address, …]}, or {name: [(port, target), …]} for SRV."""

    def __init__(self, case, address=("127.0.0.1", 5353)):
        self.address = "%s:%d" % address
        self.records = {}
        self.silent = False
        self.queries = 0
        self._ended = False
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.settimeout(0.1)
        case.addCleanup(self.close)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self):
        self._ended = True
        self._thread.join()
        self._socket.close()

    def _serve(self):
        while not self._ended:
            try:
                query, client = self._socket.recvfrom(4096)
            except TimeoutError:
                continue
            self.queries += 1
            if not self.silent:
                self._socket.sendto(self._answer(query), client)

    def _answer(self, query):
        name, end = _read_name(query, 12)
        kind = struct.unpack_from("!H", query, end)[0]
        question = query[12 : end + 4]
        known = self.records.get(name)
        data = [_record_data(value, kind) for value in known or []]
        answers = [
            b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, _TTL_S, len(item)) + item
            for item in data
            if item is not None
        ]
        flags = 0x8580 | (0 if known is not None else _NXDOMAIN)
        return (
            query[:2]
            + struct.pack("!HHHHH", flags, 1, len(answers), 0, 0)
            + question
            + b"".join(answers)
        )


def _read_name(message, offset):
    labels = []
    while length := message[offset]:
        labels.append(message[offset + 1 : offset + 1 + length].decode())
        offset += 1 + length
    return ".".join(labels).lower(), offset + 1


def _record_data(value, kind):
    if isinstance(value, tuple):
        return _service(*value) if kind == _SRV else None
    if kind == (_AAAA if ":" in value else _A):
        return socket.inet_pton(socket.AF_INET6 if ":" in value else socket.AF_INET, value)
    return None


def _service(port, target):
    labels = b"".join(bytes([len(part)]) + part.encode() for part in target.split("."))
    return struct.pack("!HHH", 1, 1, port) + labels + b"\0"
