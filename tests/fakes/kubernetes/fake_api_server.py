"""An API server of Kubernetes that knows EndpointSlices alone: lists in pages, and watches.

    server = FakeApiServer()
    server.start()
    server.set_endpoints("shop", "web", [pod("web-1", "127.0.0.2")], port=9001)

Written from the API concepts of Kubernetes (lists in chunks, watches, bookmarks, 410). Everything
is changed from the test's thread and served from others.
"""

import base64
import http.server
import json
import socket
import socketserver
import ssl
import struct
import threading
import time
import urllib.parse

_LABEL = "kubernetes.io/service-name"
_PREFIX = "/apis/discovery.k8s.io/v1/namespaces/"
_SLOW_BYTES = 4096  # Of each answer, where they come one by one.
_PIECE_BYTES = 1 << 20
_EXPIRED = "Expired: too old resource version"


def pod(name, address, ready=True, serving=None, terminating=False):
    """One endpoint as a slice has it; `serving` is as `ready` unless it is said."""
    serving = ready if serving is None else serving
    return {
        "addresses": [address],
        "conditions": {"ready": ready, "serving": serving, "terminating": terminating},
        "targetRef": {"kind": "Pod", "name": name, "namespace": "shop"},
    }


def ending(name, address):
    """A pod that was deleted and still serves."""
    return pod(name, address, ready=False, serving=True, terminating=True)


class FakeApiServer:
    """Serves at one address; `certificate`: the paths of its chain and key, else plain HTTP.

    Faults: `token` (another one in a request is answered 401), `slow` (the first bytes come one by one),
    `silent` (connections are taken and not answered), `expire_pages` (a list's next pages are
    gone), `refusals` (of the next watches, each a code and what Retry-After says), `max_watch_s` (a
    watch ends after it whatever was asked for), forget() (old versions are), cut() (open answers end in the middle), kill().
    """

    def __init__(self, address=("127.0.0.1", 6443), certificate=None):
        self.address = address
        self.url = "%s://%s:%d" % (("https" if certificate else "http",) + address)
        self.token = None
        self.slow = False
        self.silent = False
        self.expire_pages = 0
        self.refusals = []
        self.max_watch_s = 600
        self.requests = []  # Targets, in order,
        self.times = []  # and when each came.
        self._certificate = certificate
        self._changed = threading.Condition()
        self._slices = {}  # (namespace, name): text
        self._events = []  # (version, namespace, service, line)
        self._version = 100
        self._oldest = 0
        self._cuts = 0
        self._server = None

    # Its life

    def start(self):
        self._server = _Server(self.address, self._certificate, self)
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        return self

    def kill(self):
        """As a process that is killed: no listener, every connection reset."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.shutdown()
        server.server_close()
        server.reset_all()
        self.cut()

    def cut(self):
        """Ends every answer that is being sent, in the middle of it."""
        with self._changed:
            self._cuts += 1
            self._changed.notify_all()

    # What it has

    def set_endpoints(self, space, service, endpoints, port=80, port_name="http", per_slice=100):
        """Makes slices of these endpoints, as the controller of Kubernetes does."""
        names = []
        for start in range(0, max(len(endpoints), 1), per_slice):
            names.append("%s-%04d" % (service, len(names)))
            part = endpoints[start : start + per_slice]
            self.put_slice(space, service, names[-1], part, [{"name": port_name, "port": port}])
        with self._changed:
            old = [name for at, name in self._slices if at == space]
        for name in old:
            if name.rsplit("-", 1)[0] == service and name not in names:
                self.delete_slice(space, service, name)

    def put_slice(self, space, service, name, endpoints, ports):
        """Adds a slice or changes it."""
        family = "IPv6" if endpoints and ":" in endpoints[0]["addresses"][0] else "IPv4"
        slice_ = {
            "kind": "EndpointSlice",
            "apiVersion": "discovery.k8s.io/v1",
            "metadata": {"name": name, "namespace": space, "labels": {_LABEL: service}},
            "addressType": family,
            "endpoints": endpoints,
            "ports": [dict(port, protocol="TCP") for port in ports],
        }
        with self._changed:
            kind = "MODIFIED" if (space, name) in self._slices else "ADDED"
            slice_["metadata"]["resourceVersion"] = str(self._version + 1)
            self._slices[space, name] = (service, json.dumps(slice_))
            self._tell(space, service, kind, slice_)

    def delete_slice(self, space, service, name):
        with self._changed:
            slice_ = json.loads(self._slices.pop((space, name))[1])
            slice_["metadata"]["resourceVersion"] = str(self._version + 1)
            self._tell(space, service, "DELETED", slice_)

    def bookmark(self, space, service):
        with self._changed:
            metadata = {"resourceVersion": str(self._version + 1)}
            self._tell(space, service, "BOOKMARK", {"kind": "EndpointSlice", "metadata": metadata})

    def forget(self):
        """Versions up to now can no longer be watched from; open watches are told so."""
        with self._changed:
            self._version += 1
            self._oldest = self._version
            self._changed.notify_all()

    def load(self, path, space, service):
        """Takes a recorded list: what stood in the answer to one."""
        with open(path, encoding="utf-8") as file:
            recorded = json.load(file)
        with self._changed:
            for item in recorded["items"]:
                self._slices[space, item["metadata"]["name"]] = (service, json.dumps(item))
            self._version = int(recorded["metadata"]["resourceVersion"])
            self._changed.notify_all()

    def play(self, lines, space, service):
        """Says recorded lines of a watch, as they are, and keeps what they mean."""
        for line in lines:
            event = json.loads(line)
            name = event["object"]["metadata"].get("name")
            with self._changed:
                if event["type"] == "DELETED":
                    del self._slices[space, name]
                elif event["type"] in ("ADDED", "MODIFIED"):
                    self._slices[space, name] = (service, json.dumps(event["object"]))
                self._version = int(event["object"]["metadata"]["resourceVersion"])
                self._events.append((self._version, space, service, line.strip() + "\n"))
                self._changed.notify_all()

    def count(self, text):
        """How many requests had this in their target."""
        return sum(text in target for target in list(self.requests))

    def _tell(self, space, service, kind, slice_):
        self._version += 1
        line = json.dumps({"type": kind, "object": slice_}) + "\n"
        self._events.append((self._version, space, service, line))
        self._changed.notify_all()

    # What it answers; on the threads of its connections

    def answer(self, request):
        self.times.append(time.monotonic())
        self.requests.append(request.path)
        target = urllib.parse.urlsplit(request.path)
        query = dict(urllib.parse.parse_qsl(target.query))
        space, _, kind = target.path[len(_PREFIX) :].partition("/")
        label, _, service = query.get("labelSelector", "").partition("=")
        if self.silent:
            return self._wait_for_cut()
        if self.token is not None and request.headers["Authorization"] != "Bearer " + self.token:
            return _send_status(request, 401, "Unauthorized")
        if not target.path.startswith(_PREFIX) or kind != "endpointslices" or label != _LABEL:
            return _send_status(request, 404, "the server could not find the requested resource")
        if query.get("watch") in ("1", "true"):
            if self.refusals:
                code, later = self.refusals.pop(0)
                return _send_status(request, code, "come again", {"Retry-After": later})
            return self._watch(request, space, service, query)
        return self._list(request, space, service, query)

    def _list(self, request, space, service, query):
        with self._changed:
            version, start = str(self._version), 0
            if "continue" in query:
                page = json.loads(base64.urlsafe_b64decode(query["continue"]))
                version, start = page["version"], page["start"]
            if start and self.expire_pages:
                self.expire_pages -= 1
                return _send_status(request, 410, _EXPIRED)
            items = [
                text
                for (at, _), (of, text) in sorted(self._slices.items())
                if at == space and of == service
            ]
        end = start + int(query.get("limit", len(items) + 1))
        metadata = {"resourceVersion": version}
        if end < len(items):
            page = json.dumps({"version": version, "start": end}).encode()
            metadata["continue"] = base64.urlsafe_b64encode(page).decode()
        head = {"kind": "EndpointSliceList", "metadata": metadata}
        text = json.dumps(head)[:-1] + ', "items": [' + ", ".join(items[start:end]) + "]}"
        return self._send(request, text.encode())

    def _send(self, request, body):
        request.send_response(200)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        cuts = self._cuts
        slowly = min(len(body), _SLOW_BYTES) if self.slow else 0
        for at in range(slowly):
            request.wfile.write(body[at : at + 1])
        for at in range(slowly, len(body), _PIECE_BYTES):
            if self._cuts != cuts:
                return
            request.wfile.write(body[at : at + _PIECE_BYTES])

    def _watch(self, request, space, service, query):
        at = int(query["resourceVersion"])
        if at < self._oldest:
            return _send_status(request, 410, _EXPIRED)
        request.send_response(200)
        request.send_header("Content-Type", "application/json")
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        request.wfile.flush()
        cuts = self._cuts
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._cuts != cuts
                    or at < self._oldest
                    or self._after(at, space, service),
                    timeout=min(float(query.get("timeoutSeconds", 60)), self.max_watch_s),
                )
                events = self._after(at, space, service)
                gone = at < self._oldest
            if self._cuts != cuts:
                return None
            if gone:
                status = {"kind": "Status", "code": 410, "reason": "Expired", "message": _EXPIRED}
                events = [(0, json.dumps({"type": "ERROR", "object": status}) + "\n")]
            for version, line in events:
                self._chunk(request, line.encode())
                at = version
            if gone or not events:
                return request.wfile.write(b"0\r\n\r\n")

    def _after(self, version, space, service):
        return [
            (at, line)
            for at, *where, line in self._events
            if at > version and where == [space, service]
        ]

    def _chunk(self, request, data):
        step = 1 if self.slow else len(data)
        for at in range(0, len(data), step):
            part = data[at : at + step]
            request.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            request.wfile.flush()

    def _wait_for_cut(self):
        with self._changed:
            cuts = self._cuts
            self._changed.wait_for(lambda: self._cuts != cuts, timeout=600)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):  # The name is http.server's.
        self.close_connection = True
        try:
            self.server.api.answer(self)
        except OSError:
            pass  # The other end is gone, or kill() was called.

    def log_message(self, *_):
        pass


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address, certificate, api):
        super().__init__(address, _Handler)
        self.api = api
        self._connections = set()
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            # The handshake is for the connection's own thread.
            self.socket = context.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )

    def get_request(self):
        connection, peer = super().get_request()
        self._connections.add(connection)
        return connection, peer

    def shutdown_request(self, request):
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request, client_address):
        pass  # A client that does not like our certificate.

    def reset_all(self):
        for connection in list(self._connections):
            try:
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # It ended meanwhile.


def _send_status(request, code, message, headers=None):
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code}
    body = json.dumps(dict(status, message=message)).encode()
    request.send_response(code)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(len(body)))
    for name, value in (headers or {}).items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(body)
