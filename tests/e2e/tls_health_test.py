"""Health checks over TLS, with the settings that connections use; and gRPC's own checks."""

import concurrent.futures

import grpc

import harness
from harness import wait_for
from harness.certificates import Authority
from harness.scripted import ScriptedServer
from harness.tls import PlainServer, TlsServer, TlsStream, server_context

LISTEN, NAME = "127.0.0.1:8080", "backend.test"
GOOD, BAD = "127.0.0.1:9001", "127.0.0.1:9002"
HEALTHY, UNHEALTHY = "HEALTH_STATE_HEALTHY", "HEALTH_STATE_UNHEALTHY"
CHECK = {"interval_ms": 200, "timeout_ms": 500, "rise": 1, "fall": 1}
SERVING, NOT_SERVING = b"\x08\x01", b"\x08\x02"  # grpc.health.v1.HealthCheckResponse


class TlsHealthTest(harness.Case):
    def setUp(self):
        self.ca = Authority(self.folder)
        self.pair = self.ca.issue("good", "DNS:" + NAME)

    def balance(self, check, backends=(GOOD, BAD), **backend_tls):
        tls = {"ca": self.ca.cert, "server_name": NAME, **backend_tls}
        named = [{"name": name, "address": address} for name, address in zip("gb", backends)]
        rule = {"name": "to", "listen": LISTEN, "backends": named, "backend_tls": tls}
        self.lb = self.balancer().start({"rules": [rule], "health_check": {**CHECK, **check}})

    def wait_for_health(self, **wanted):
        """Waits until each backend stands as it is said; returns what the last checks met."""

        def met():
            items = self.lb.items("backends")
            if all(items[name]["health"] == health for name, health in wanted.items()):
                return {name: item["healthDetail"] for name, item in items.items()}
            return None

        return wait_for(met, 20, "backends stand at %s" % wanted)

    def check_bad(self, pair, wanted, **backend_tls):
        TlsServer(self, "g", GOOD, server_context(self.pair))
        TlsServer(self, "b", BAD, server_context(pair))
        self.balance({"protocol": "tcp"}, **backend_tls)
        detail = self.wait_for_health(g=HEALTHY, b=UNHEALTHY)["b"]
        self.figure("%s", detail)
        self.assertRegex(detail, wanted)

    def test_another_name(self):
        self.check_bad(self.ca.issue("other", "DNS:other.test"), "other.test.*" + NAME)

    def test_one_that_ended(self):
        self.check_bad(self.ca.issue("old", "DNS:" + NAME, expired=True), "expired")

    def test_one_of_an_unknown_authority(self):
        stranger = Authority(self.folder + "/stranger")
        self.check_bad(stranger.issue("strange", "DNS:" + NAME), self.ca.cert)

    def test_one_that_was_taken_back(self):
        pair = self.ca.issue("revoked", "DNS:" + NAME)
        self.check_bad(pair, "revoked", crl=self.ca.crl(pair[0]))

    def test_a_backend_that_knows_no_tls(self):
        TlsServer(self, "g", GOOD, server_context(self.pair))
        PlainServer(self, "b", BAD)
        self.balance({"protocol": "tcp"})
        self.assertIn("TLS", self.wait_for_health(g=HEALTHY, b=UNHEALTHY)["b"])

    def test_one_that_is_believed_unseen(self):
        stranger = Authority(self.folder + "/stranger")
        TlsServer(self, "b", BAD, server_context(stranger.issue("strange", "DNS:x.test")))
        rule = {"name": "to", "listen": LISTEN, "backends": [{"name": "b", "address": BAD}],
                "backend_tls": {"ignore_verify": True}}
        self.lb = self.balancer().start({"rules": [rule], "health_check": {**CHECK, "protocol": "tcp"}})
        self.wait_for_health(b=HEALTHY)

    def test_a_certificate_of_ours(self):
        own = self.ca.issue("balancer", "DNS:lb.test", usage="clientAuth")
        server = TlsServer(self, "g", GOOD, server_context(self.pair, client_ca=self.ca.cert))
        self.balance({"protocol": "tls"}, (GOOD,), cert=own[0], key=own[1])
        self.wait_for_health(g=HEALTHY)
        wait_for(lambda: server.seen, 10, "the check is seen")
        self.assertEqual(server.seen[0]["client"], "balancer")

    def test_a_name_for_checks_alone(self):
        server = TlsServer(self, "g", GOOD, server_context(self.ca.issue("check", "DNS:check.test")))
        self.balance({"protocol": "tls", "tls": {"server_name": "check.test"}}, (GOOD,))
        self.wait_for_health(g=HEALTHY)
        wait_for(lambda: server.seen, 10, "the check is seen")
        self.assertEqual(server.seen[0]["server_name"], "check.test")

    def test_an_authority_for_checks_of_what_is_passed_on(self):
        stranger = Authority(self.folder + "/stranger")
        TlsServer(self, "g", GOOD, server_context(self.pair))
        TlsServer(self, "b", BAD, server_context(stranger.issue("strange", "DNS:" + NAME)))
        named = [{"name": name, "address": address} for name, address in (("g", GOOD), ("b", BAD))]
        rule = {"name": "to", "listen": LISTEN, "sni": [{"names": [NAME], "backends": named}]}
        tls = {"ca": self.ca.cert, "server_name": NAME}
        check = {**CHECK, "protocol": "tls", "tls": tls}
        self.lb = self.balancer().start({"rules": [rule], "health_check": check})
        self.assertIn(self.ca.cert, self.wait_for_health(g=HEALTHY, b=UNHEALTHY)["b"])

    def test_http_over_tls(self):
        context = server_context(self.pair)

        def serve(status):
            def script(connection):
                stream = TlsStream(connection, context, True).handshake()
                self.assertIn(b"GET /health HTTP/1.1\r\n", stream.recv())
                stream.send(b"HTTP/1.1 %d x\r\nContent-Length: 0\r\n\r\n" % status)
                stream.close_notify()

            return script

        ScriptedServer(self, serve(200), ("127.0.0.1", 9001))
        ScriptedServer(self, serve(503), ("127.0.0.1", 9002))
        self.balance({"protocol": "http", "path": "/health"})
        self.assertIn("503", self.wait_for_health(g=HEALTHY, b=UNHEALTHY)["b"])

    def grpc_server(self, address, answers, pair=None):
        """A server that answers health checks: {service: message}."""

        def check(request, context):
            # HealthCheckRequest: field 1 is the service.
            answer = answers.get(request[2:].decode())
            if answer is None:
                context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
            return answer

        server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
        handlers = {"Check": grpc.unary_unary_rpc_method_handler(check)}
        server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler("grpc.health.v1.Health", handlers)])
        if pair is None:
            port = server.add_insecure_port(address)
        else:
            files = []
            for path in (pair[1], pair[0]):
                with open(path, "rb") as file:
                    files.append(file.read())
            port = server.add_secure_port(address, grpc.ssl_server_credentials([tuple(files)]))
        self.assertGreater(port, 0)
        server.start()
        self.addCleanup(lambda: server.stop(None).wait())

    def test_grpc_over_tls(self):
        self.grpc_server(GOOD, {"web": SERVING}, self.pair)
        self.grpc_server(BAD, {"web": NOT_SERVING}, self.pair)
        self.balance({"protocol": "grpc", "grpc": {"service": "web"}})
        self.assertIn("NOT_SERVING", self.wait_for_health(g=HEALTHY, b=UNHEALTHY)["b"])

    def test_grpc_in_the_clear(self):
        self.grpc_server(GOOD, {"": SERVING})
        self.grpc_server(BAD, {"web": SERVING})
        named = [{"name": name, "address": address} for name, address in (("g", GOOD), ("b", BAD))]
        rule = {"name": "to", "listen": LISTEN, "backends": named}
        check = {**CHECK, "protocol": "grpc"}
        self.lb = self.balancer().start({"rules": [rule], "health_check": check})
        self.assertIn("NOT_FOUND", self.wait_for_health(g=HEALTHY, b=UNHEALTHY)["b"])


if __name__ == "__main__":
    harness.main()
