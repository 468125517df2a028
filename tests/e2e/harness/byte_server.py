"""A backend of its own process, for tests of bandwidth: it sends and takes as fast as it can."""

import sys

from harness.waiting import wait_for

# By a connection's first byte: "d" is sent to for ever, "e" gets an echo, "q" the bytes that came on
# all the others, by their first bytes.
_SERVER = """
import collections, json, selectors, socket, sys
block = bytes(1 << 18)
kinds, came = {}, collections.Counter()
poll = selectors.DefaultSelector()
listener = socket.create_server((sys.argv[1], int(sys.argv[2])), backlog=1024)
poll.register(listener, selectors.EVENT_READ)
print("ready", flush=True)
while True:
    for key, events in poll.select():
        peer = key.fileobj
        if peer is listener:
            peer = listener.accept()[0]
            peer.setblocking(False)
            poll.register(peer, selectors.EVENT_READ)
            continue
        try:
            if events & selectors.EVENT_WRITE:
                peer.send(block)
                continue
            data = peer.recv(1 << 18)
            if not data:
                raise ConnectionError
            kind = kinds.setdefault(peer, data[:1].decode())
            if kind == "d":
                poll.modify(peer, selectors.EVENT_WRITE)
            elif kind == "e":
                peer.send(data)
            elif kind == "q":
                peer.send(json.dumps(came).encode())
                raise ConnectionError
            else:
                came[kind] += len(data)
        except BlockingIOError:
            pass
        except OSError:
            poll.unregister(peer)
            peer.close()
            kinds.pop(peer, None)
"""


def start_byte_server(case, address):
    """Started, and listening at (ip, port)."""
    server = case.start("server", [sys.executable, "-c", _SERVER, address[0], str(address[1])])
    wait_for(lambda: "ready" in server.out(), 20, "the server listens")
    return server
