"""Where a backend or a listener can be: IPv6, unix sockets, and names that DNS moves about."""

import os

import harness
from harness import Requests, Server, sample_while, wait_for
from harness.dns_server import DnsServer

LISTEN = "127.0.0.1:8080"


class AddressesTest(harness.Case):
    def served_by(self, address=LISTEN, connections=20):
        result = Requests(self, address, connections=connections).result()
        self.assertEqual(result["errors"], {})
        return result["backends"]

    def test_ipv6_listener_and_backend(self):
        self.servers("[::1]:9001")
        config = {"rules": [{"name": "web", "listen": "[::1]:8080", "backends": ["[::1]:9001"]}]}
        self.balancer().start(config)
        self.assertEqual(self.served_by("[::1]:8080"), {"a": 20})

    def test_a_wildcard_ipv6_listener_is_for_ipv6_beside_an_ipv4_one(self):
        self.servers("127.0.0.1:9001", "[::1]:9001")
        rules = [
            {"name": "four", "listen": "0.0.0.0:8080", "backends": ["127.0.0.1:9001"]},
            {"name": "six", "listen": "[::]:8080", "backends": ["[::1]:9001"]},
        ]
        self.balancer().start({"rules": rules})
        self.assertEqual(self.served_by("127.0.0.1:8080"), {"a": 20})
        self.assertEqual(self.served_by("[::1]:8080"), {"b": 20})

    def test_a_unix_socket_backend(self):
        address = "unix:" + os.path.join(self.folder, "app.sock")
        Server(self, "a", address)
        rule = {"name": "web", "listen": LISTEN, "backends": [address]}
        check = {"interval_ms": 100, "timeout_ms": 100}
        lb = self.balancer().start({"rules": [rule], "health_check": check})
        self.assertEqual(self.served_by(), {"a": 20})
        wait_for(
            lambda: [b["health"] for b in lb.items("backends").values()]
            == ["HEALTH_STATE_HEALTHY"],
            20,
            "it is checked over its socket",
        )


class DnsTest(harness.Case):
    def start_with(self, name, records):
        self.dns = DnsServer(self)
        self.dns.records = records
        config = {
            "dns": {"servers": [self.dns.address], "min_ttl": "1s", "max_ttl": "1s"},
            "rules": [{"name": "web", "listen": LISTEN, "backends": [name]}],
        }
        self.lb = self.balancer().start(config)

    def served_by(self):
        result = Requests(self, LISTEN, connections=20).result()
        self.assertEqual(result["errors"], {})
        return set(result["backends"])

    def wait_until_served_by(self, names):
        wait_for(lambda: self._names_now() == names, 30, "the names lead to %s" % names)
        self.assertEqual(self.served_by(), names)

    def _names_now(self):
        return set(Requests(self, LISTEN, connections=8).result()["backends"])

    def test_a_changed_address_is_followed_and_the_last_answer_is_kept(self):
        self.servers("127.0.0.2:9001", "127.0.0.3:9001", "[::1]:9001")
        self.start_with("app.test:9001", {"app.test": ["127.0.0.2"]})
        self.wait_until_served_by({"a"})
        self.dns.records = {"app.test": ["127.0.0.2", "127.0.0.3"]}
        self.wait_until_served_by({"a", "b"})
        self.dns.records = {"app.test": ["127.0.0.3", "::1"]}
        self.wait_until_served_by({"b", "c"})

        asked = self.dns.queries
        self.dns.silent = True
        wait_for(lambda: self.dns.queries >= asked + 4, 30, "it asks again")
        self.assertEqual(self.served_by(), {"b", "c"})
        self.dns.silent, self.dns.records = False, {}
        asked = self.dns.queries
        wait_for(lambda: self.dns.queries >= asked + 4, 30, "it hears that the name is gone")
        sample_while(0.5, lambda: None)
        self.assertEqual(self.served_by(), {"b", "c"})

    def test_srv_records_give_the_ports(self):
        self.servers("127.0.0.2:9001", "127.0.0.2:9002")
        records = {"_http._tcp.app.test": [(9001, "one.test")], "one.test": ["127.0.0.2"]}
        self.start_with("_http._tcp.app.test", records)
        self.wait_until_served_by({"a"})
        self.dns.records = {**records, "_http._tcp.app.test": [(9002, "one.test")]}
        self.wait_until_served_by({"b"})


if __name__ == "__main__":
    harness.main()
