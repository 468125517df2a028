#!/usr/bin/python3
"""A backend to try the balancer with: answers every GET with its own name, /health with "ok".

    demo_backend.py --name alpha [--port 8001] [--port-file FILE]

Listens on 127.0.0.1; port 0, the default, lets the kernel choose and --port-file tells which.
One request per connection, so that every request is a decision of the balancer.
"""

import argparse
import http.server
import os
import socketserver


class Server(socketserver.ThreadingTCPServer):
    # Not HTTPServer: that one asks the resolver for its own name before it starts.
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """A check that only connects ends with a reset: nothing to report."""


def handler_of(name):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):  # pylint: disable=invalid-name
            body = ("ok" if self.path == "/health" else name).encode() + b"\n"
            self.send_response(200)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    return Handler


def main():
    parser = argparse.ArgumentParser(description="answers every request with its own name")
    parser.add_argument("--name", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--port-file", help="written, whole, once it listens")
    options = parser.parse_args()
    with Server(("127.0.0.1", options.port), handler_of(options.name)) as server:
        if options.port_file:
            with open(options.port_file + ".new", "w", encoding="ascii") as file:
                file.write("%d\n" % server.server_address[1])
            os.rename(options.port_file + ".new", options.port_file)
        server.serve_forever()


if __name__ == "__main__":
    main()
