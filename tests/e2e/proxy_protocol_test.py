"""The PROXY protocol with HAProxy and nginx on both sides, and with clients that break it."""

import socket

import harness
from harness import real_proxies as real
from harness import wait_for
from harness.scripted import ScriptedServer, connect, read_all, read_exactly

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
V1 = b"PROXY TCP4 192.0.2.1 198.51.100.9 1111 443\r\n"
V1_6 = b"PROXY TCP6 2001:db8::1 2001:db8::9 1111 443\r\n"
PORTS = (1111).to_bytes(2, "big") + (443).to_bytes(2, "big")
V2 = SIGNATURE + b"\x21\x11\0\x0c" + bytes([192, 0, 2, 1, 198, 51, 100, 9]) + PORTS
V2_6 = (SIGNATURE + b"\x21\x21\0\x24" + socket.inet_pton(socket.AF_INET6, "2001:db8::1")
        + socket.inet_pton(socket.AF_INET6, "2001:db8::9") + PORTS)
ECHO = "127.0.0.1:9001"
HTTP = {"protocol": "http", "path": "/", "interval_ms": 200, "timeout_ms": 2000}


def echo(connection):
    """Sends back what comes, up to the FIN."""
    data = b""
    while more := connection.recv(1 << 16):
        connection.sendall(more)
        data += more
    return data


def own(connection):
    """The address of a client's end as text: HOST:PORT without brackets."""
    host, port = connection.getsockname()[:2]
    return "%s:%d" % (host, port)


def get(connection):
    """The body of what an HTTP server answers."""
    connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    answer = read_all(connection).decode()
    return answer.split("\r\n\r\n", 1)[-1]


class ProxyProtocolTest(harness.Case):
    def rule(self, name, listen, backends, **settings):
        return {"name": name, "listen": listen, "backends": backends, **settings}

    def refused(self, reason="proxy_header"):
        return self.lb.sum("lb_rule_refused_total", reason=reason)

    def expect_refused(self, sent, reason="proxy_header", fin=True, address="127.0.0.1:8080"):
        before = self.refused(reason)
        try:
            with connect(address) as client:
                client.sendall(sent)
                if fin:
                    client.shutdown(socket.SHUT_WR)
                client.recv(1)
                self.fail("a FIN or an answer instead of a reset: %r" % sent)
        except TimeoutError:
            raise
        except OSError:
            pass  # Reset: at once, or before all was sent.
        wait_for(lambda: self.refused(reason) == before + 1, 10, "%r is counted" % sent[:40])

    def test_they_send_and_we_accept(self):
        # What the balancer read shows in the header it sends on.
        ScriptedServer(self, echo, ("127.0.0.1", 9001))
        accept = {"accept": {"from": ["127.0.0.0/8", "::1"]}, "send": "v1"}
        rules = [self.rule("v4", "127.0.0.1:8080", [ECHO], proxy_protocol=accept),
                 self.rule("v6", "[::1]:8080", [ECHO], proxy_protocol=accept)]
        self.lb = self.balancer().start({"rules": rules})
        senders = {"h1": ("send-proxy", 7001), "h2": ("send-proxy-v2", 7002),
                   "h2x": ("send-proxy-v2 proxy-v2-options crc32c,unique-id", 7003)}
        sections, stream = "", ""
        for name, (options, port) in senders.items():
            for family, listen, server in (("4", "127.0.0.1", "127.0.0.1"), ("6", "::1", "[::1]")):
                sections += real.haproxy_sender(
                    name + family, "%s:%d" % (listen, port), "%s:8080" % server, options)
        stream += real.nginx_sender("127.0.0.1:7004", "127.0.0.1:8080")
        stream += real.nginx_sender("[::1]:7004", "[::1]:8080")
        real.haproxy(self, sections)
        real.nginx(self, stream, "", 7999)
        for port in (7001, 7002, 7003, 7004):
            for host, family in (("127.0.0.1", "TCP4"), ("::1", "TCP6")):
                with connect("%s:%d" % (host, port)) as client:
                    client.sendall(b"hello")
                    _, _, source = own(client).rpartition(":")
                    wanted = "PROXY %s %s %s %s %d\r\nhello" % (family, host, host, source, port)
                    got = read_exactly(client, len(wanted)).decode()
                    self.assertEqual(got, wanted, "port %d" % port)
                    listed = self.lb.json("connections", "list")["items"]
                    shown = "%s:%s" % ("[::1]" if ":" in host else host, source)
                    found = [one for one in listed if one["client"] == shown]
                    self.assertEqual(len(found), 1, listed)
                    extensions = [tlv["name"] for tlv in found[0].get("proxyTlvs", [])]
                    self.assertEqual("crc32c" in extensions, port == 7003, extensions)
                self.figure("port %d, %s: %s", port, family, got.split("\r")[0])
        self.assertEqual(self.refused(), 0)

    def test_we_send_and_they_accept(self):
        unix = self.folder + "/h.sock"
        sections, http = "", ""
        for number, listen in enumerate(("127.0.0.1:9001", "[::1]:9001", unix)):
            sections += real.haproxy_receiver("r%d" % number, listen)
        for listen in ("127.0.0.1:9002", "[::1]:9002"):
            http += real.nginx_receiver(listen)
        real.haproxy(self, sections)
        real.nginx(self, "", http, 7999)
        backends = {"h4": "127.0.0.1:9001", "h6": "[::1]:9001", "hu": "unix:" + unix,
                    "n4": "127.0.0.1:9002", "n6": "[::1]:9002"}
        rules, port = [], 8100
        for version in ("v1", "v2"):
            for name, backend in backends.items():
                for host in ("127.0.0.1", "[::1]"):
                    port += 1
                    rules.append(self.rule("%s-%s-%d" % (version, name, port), "%s:%d" % (host, port),
                                           [backend], proxy_protocol={"send": version},
                                           health_check=HTTP))
        self.lb = self.balancer().start({"rules": rules})

        def healthy():
            backends = self.lb.json("get", "backends")["items"]
            return all(backend["health"] == "HEALTH_STATE_HEALTHY" for backend in backends)

        # Each of them answers nobody who sends no header: the checks send one too.
        wait_for(healthy, 30, "every check passes")
        for rule in rules:
            with connect(rule["listen"]) as client:
                host, port = client.getpeername()[:2]
                self.assertEqual(get(client), "%s %s:%d" % (own(client), host, port), rule["name"])
        self.figure("%d rules, each seen with the client's address", len(rules))

    def test_what_is_no_header_is_refused(self):
        ScriptedServer(self, echo, ("127.0.0.1", 9001))
        accept = {"accept": {"from": ["127.0.0.1"]}}
        config = {"rules": [self.rule("web", "127.0.0.1:8080", [ECHO], proxy_protocol=accept,
                                      timeouts={"handshake": "300ms"}),
                            self.rule("web6", "[::1]:8080", [ECHO], proxy_protocol=accept)]}
        self.lb = self.balancer().start(config)
        self.expect_refused(V2_6, address="[::1]:8080")  # Not in the list.
        local = SIGNATURE + b"\x20\0\0\0"
        for whole in (V1, V1_6, V2, V2_6, b"PROXY UNKNOWN\r\n", local):
            # At once, and byte by byte.
            for size in (len(whole), 1):
                with connect("127.0.0.1:8080") as client:
                    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    for begin in range(0, len(whole), size):
                        client.sendall(whole[begin : begin + size])
                    client.sendall(b"hello")
                    client.shutdown(socket.SHUT_WR)
                    self.assertEqual(read_all(client), b"hello")
        garbage = [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\0\x01\0", b"PROXY TCP9 1 2 3 4\r\n",
                   b"PROXY TCP4 1.2.3.4 1.2.3.4 1 99999\r\n", SIGNATURE + b"\x31\x11\0\x0c",
                   SIGNATURE + b"\x21\x11\xff\xff", b"PROXY " + b"x" * 200]
        for bad in garbage:
            self.expect_refused(bad)
        for whole in (V1, V1_6, V2, V2_6):
            for size in (*range(0, len(whole), 7), len(whole) - 1):
                self.expect_refused(whole[:size])
        for size in (1, 12, 15):
            self.expect_refused(local[:size])
        # Slow: the FIN never comes.
        for slow in (V1[:20], V1_6[:-1], local[:14], V2[:-1], V2_6[:20]):
            self.expect_refused(slow, fin=False)
        # Untrusted: another address of loopback.
        config["rules"][0]["proxy_protocol"]["accept"]["from"] = ["127.0.0.2"]
        self.lb.apply(config)
        self.expect_refused(V1)
        config["rules"][0]["proxy_protocol"]["accept"]["required"] = False
        self.lb.apply(config)
        with connect("127.0.0.1:8080") as client:
            client.sendall(V1)
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(read_all(client), V1, "from others it is no header but data")

    def test_limits_and_orders_go_by_the_client_of_the_header(self):
        ScriptedServer(self, echo, ("127.0.0.1", 9001))
        rule = self.rule("web", "127.0.0.1:8080", [ECHO], proxy_protocol={"accept": True},
                         allow=["192.0.2.0/24"], deny=["192.0.2.66"])
        self.lb = self.balancer().start({"rules": [rule]})
        self.expect_refused(V1.replace(b"192.0.2.1", b"192.0.2.66"), "denied")
        self.expect_refused(V1.replace(b"192.0.2.1", b"203.0.113.1"), "denied")
        with connect("127.0.0.1:8080") as client:
            client.sendall(V1 + b"hello")
            self.assertEqual(read_exactly(client, 5), b"hello")
            self.lb.json("connections", "kill", "--client", "127.0.0.0/8", "--yes")
            client.sendall(b"again")
            self.assertEqual(read_exactly(client, 5), b"again")
            self.lb.json("connections", "kill", "--client", "192.0.2.0/24", "--yes")
            with self.assertRaises(ConnectionError):
                client.recv(1)


if __name__ == "__main__":
    harness.main()
