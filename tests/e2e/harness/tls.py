"""TLS with every step in the test's hands: records go out when it says so, and each way a stream can
end is told from the others. Python's ssl module over memory, on sockets of ours."""

import ssl
import threading

from harness.scripted import ScriptedServer, connect

_READ_BYTES = 1 << 16
_EARLY_END = "UNEXPECTED_EOF_WHILE_READING"


class Truncated(ConnectionError):
    """A FIN that no close_notify announced."""


class TlsStream:
    """One TLS end over a connected socket, which it owns."""

    def __init__(self, sock, context, server_side=False, server_name=None, session=None):
        self.sock = sock
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_side, server_name, session)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def hello(self):
        """The bytes of the ClientHello, for the test to send."""
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            return self._outgoing.read()
        raise AssertionError("no ClientHello")

    def handshake(self):
        self._step(self.tls.do_handshake)
        return self

    def send(self, data):
        self.tls.write(data)
        self._flush()

    def recv(self, count=_READ_BYTES):
        """Some bytes, b"" after a close_notify; Truncated, or the socket's error."""
        try:
            return self._step(lambda: self.tls.read(count))
        except ssl.SSLZeroReturnError:
            return b""

    def read_exactly(self, count):
        data = b""
        while len(data) < count:
            more = self.recv(count - len(data))
            if not more:
                raise AssertionError("a close_notify after %d of %d bytes" % (len(data), count))
            data += more
        return data

    def read_all(self):
        """Everything up to the close_notify."""
        parts = []
        while data := self.recv():
            parts.append(data)
        return b"".join(parts)

    def ask(self, data):
        """Sends to an echo server and takes it back."""
        self.send(data)
        return self.read_exactly(len(data))

    def close_notify(self):
        """Ends our direction as TLS does; the other one goes on."""
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass  # The peer's own has not come yet.
        self._flush()

    def _step(self, action):
        while True:
            try:
                result = action()
                self._flush()
                return result
            except ssl.SSLWantReadError:
                self._flush()
                self._fill()
            except ssl.SSLError as error:
                if isinstance(error, ssl.SSLEOFError) or error.reason == _EARLY_END:
                    raise Truncated("a FIN without close_notify") from error
                self._flush()  # The alert.
                raise

    def _fill(self):
        data = self.sock.recv(_READ_BYTES)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def _flush(self):
        if data := self._outgoing.read():
            self.sock.sendall(data)


def _context(protocol):
    context = ssl.SSLContext(protocol)
    # Python would take a FIN for a close_notify.
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    return context


def client_context(ca=None, pair=None, alpn=(), version=None):
    """A client that trusts one authority (None: anybody) and speaks one version (None: any)."""
    context = _context(ssl.PROTOCOL_TLS_CLIENT)
    if ca is None:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    else:
        context.load_verify_locations(ca)
    if pair is not None:
        context.load_cert_chain(*pair)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    if version is not None:
        context.minimum_version = context.maximum_version = version
    return context


def server_context(pair, alpn=(), client_ca=None):
    """A server with one certificate, which needs one of `client_ca` where that is said."""
    context = _context(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    if client_ca is not None:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def tls_connect(address, context, server_name=None, session=None, timeout=60):
    """A client's connection to "HOST:PORT", with the handshake done."""
    stream = TlsStream(connect(address, timeout), context, False, server_name, session)
    try:
        return stream.handshake()
    except OSError:
        stream.sock.close()
        raise


class TlsServer:
    """A backend in threads of the test. Each connection is greeted with its name and then echoed.

    `seen` has, for each handshake that was done, what the client showed: server_name, alpn, resumed,
    and the subject of its certificate. `failed` has those that were not.
    """

    def __init__(self, case, name, address, context):
        self.name, self._context, self._lock = name, context, threading.Lock()
        self.seen, self.failed, self._names = [], [], {}
        context.sni_callback = self._on_name
        self._server = ScriptedServer(case, self._serve, _split(address))

    def close(self):
        self._server.close()

    def _on_name(self, tls, server_name, _context):
        with self._lock:
            self._names[id(tls)] = server_name

    def _serve(self, connection):
        stream = TlsStream(connection, self._context, server_side=True)
        try:
            stream.handshake()
        except OSError as error:
            self.failed.append(error)
            return
        tls = stream.tls
        certificate = tls.getpeercert() or {}
        subject = dict(part[0] for part in certificate.get("subject", ()))
        with self._lock:
            self.seen.append({
                "server_name": self._names.pop(id(tls), None),
                "alpn": tls.selected_alpn_protocol(),
                "resumed": tls.session_reused,
                "client": subject.get("commonName"),
            })
        stream.send(self.name.encode())
        while data := stream.recv():
            stream.send(data)
        stream.close_notify()


class PlainServer:
    """The same without TLS: greets with its name, then echoes; `accepted` counts."""

    def __init__(self, case, name, address):
        self.name, self.accepted = name, 0
        self._server = ScriptedServer(case, self._serve, _split(address))

    def close(self):
        self._server.close()

    def _serve(self, connection):
        self.accepted += 1
        connection.sendall(self.name.encode())
        while data := connection.recv(_READ_BYTES):
            connection.sendall(data)


def _split(address):
    host, port = address.rsplit(":", 1)
    return host, int(port)


def greeting(address, context, server_name=None, count=1, session=None):
    """The first bytes a backend says through a balancer; the error when the client is refused.

    A client of TLS 1.3 learns only after its handshake that its certificate is not taken.
    """
    with tls_connect(address, context, server_name, session) as stream:
        stream.send(b"?")
        return stream.read_exactly(count).decode()
