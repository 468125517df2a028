"""UDP over loopback: recorded as it arrives, and sent in the name of somebody else."""

import socket
import struct
import threading
from typing import NamedTuple

_ETH_P_IP = 0x0800
_MAX_RECORDED = 50_000
_BUFFER_BYTES = 8 << 20


class Datagram(NamedTuple):
    """`source` and `to` are (IP, port)."""

    source: tuple
    to: tuple
    data: bytes


class Recorder:
    """Every datagram to one of these ports, until it is stopped: packet(7)."""

    def __init__(self, case, ports):
        self._ports, self._seen, self._stopped = ports, [], threading.Event()
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_IP))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        self._socket.bind(("lo", _ETH_P_IP))
        self._socket.settimeout(0.1)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        case.addCleanup(self.stop)

    def stop(self):
        """Returns what was recorded, oldest first."""
        self._stopped.set()
        self._thread.join()
        self._socket.close()
        return self._seen

    def seen(self):
        return list(self._seen)

    def _run(self):
        while not self._stopped.is_set() and len(self._seen) < _MAX_RECORDED:
            try:
                packet, address = self._socket.recvfrom(1 << 16)
            except TimeoutError:
                continue
            # Loopback shows each of them twice, going and coming.
            if address[2] != socket.PACKET_OUTGOING and packet[9] == socket.IPPROTO_UDP:
                self._take(packet)

    def _take(self, packet):
        at = (packet[0] & 15) * 4
        source_port, port = struct.unpack_from("!HH", packet, at)
        if port in self._ports:
            source, to = (socket.inet_ntoa(packet[start : start + 4]) for start in (12, 16))
            self._seen.append(Datagram((source, source_port), (to, port), packet[at + 8 :]))


class Forger:
    """Sends datagrams from any address and port: raw(7)."""

    def __init__(self, case):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        case.addCleanup(self._socket.close)

    def send(self, datagram):
        # The kernel fills in the lengths and the checksum of IPv4; UDP may go without one.
        udp = struct.pack("!HHHH", datagram.source[1], datagram.to[1], 8 + len(datagram.data), 0)
        source, to = socket.inet_aton(datagram.source[0]), socket.inet_aton(datagram.to[0])
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 0, 0, 0, 64, socket.IPPROTO_UDP, 0, source, to)
        self._socket.sendto(ip + udp + datagram.data, (datagram.to[0], 0))
