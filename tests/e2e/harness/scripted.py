"""A backend whose behaviour a test writes as a function, for what no real server does on demand."""

import socket
import struct
import threading


class ScriptedServer:
    """Runs `script(connection)` in a thread for each connection; what it returns is in `results`."""

    def __init__(self, case, script, address=("127.0.0.1", 9001)):
        self._script = script
        self.results = []
        self._listener = socket.create_server(address, backlog=1024)
        self._connections = []
        case.addCleanup(self.close)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        if self._listener.fileno() < 0:
            return
        # close(2) alone leaves the socket to the thread that waits in accept(2).
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            connection.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # Closed at the end of the test.
            connection.settimeout(60)
            self._connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            try:
                self.results.append(self._script(connection))
            except OSError as error:
                self.results.append(error)


def connect(address, timeout=60):
    """A client's connection to "HOST:PORT"."""
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host.strip("[]"), int(port)), timeout=timeout)


def read_all(connection):
    """Everything up to the FIN."""
    parts = []
    while data := connection.recv(1 << 16):
        parts.append(data)
    return b"".join(parts)


def read_exactly(connection, count):
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise AssertionError("a FIN after %d of %d bytes" % (len(data), count))
        data += more
    return data


def reset(connection):
    """Closes with a RST (SO_LINGER of zero seconds, socket(7))."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
