"""The product's original configuration, as written, over two backends on other hosts."""

import harness
from harness import Requests, peers, wait_for

CORE = """\
rules:
  - name: "AppService"
    listen: "0.0.0.0:8080"
    backends:
      - "10.0.0.1:8080"
      - "10.0.0.2:8080"
    backend_connection_limit: 1000 # Max conns per backend
rate_limit:
  enabled: false
  requests_per_second: 100         # new connections per second from one client IP
  burst: 50
bandwidth_limit:
  enabled: false
  client:
    upload_per_sec: 10485760       # bytes per second
    download_per_sec: 20971520
tls:
  enabled: false
  cert: "/path/to/cert.pem"
  key: "/path/to/key.pem"
backend_tls:
  enabled: false
  ignore_verify: false             # true for self-signed backend certificates
cluster:
  enabled: false
  bind_addr: "0.0.0.0:9090"
  peers: ["10.0.0.2:9090"]
health_check:
  enabled: true
  interval_ms: 5000
  timeout_ms: 1000
  protocol: "http"                 # or "tcp"
  path: "/health"
"""

CONNECTIONS = 30_000


class CoreYamlTest(harness.Case):
    def backends(self):
        """Two hosts that both use port 8080: a at 10.0.0.1 and b at 10.0.0.2."""
        servers = []
        for name, address in (("a", "10.0.0.1"), ("b", "10.0.0.2")):
            servers.append(peers.HostServer(self, name, address, 8080))
        return servers

    def share_out(self, connections, clients=48):
        """One request on each of so many connections: {backend: connections}."""
        result = Requests(self, "127.0.0.1:8080", connections=connections, clients=clients).result()
        self.figure("%d connections: %s", connections, result)
        self.assertEqual(result["errors"], {})
        self.assertEqual(result["ok"], connections)
        return result["backends"]

    def assert_share(self, got, expected_ratio):
        self.assertAlmostEqual(got / CONNECTIONS, expected_ratio, delta=0.01)

    def test_core_yaml_serves_30000_connections_evenly(self):
        backends = self.backends()
        balancer = self.balancer().start(CORE, workers=1, threads=2)
        shares = self.share_out(CONNECTIONS)
        self.assert_share(shares["a"], 0.5)
        self.assert_share(shares["b"], 0.5)
        for backend in backends:
            wait_for(lambda b=backend: b.report()["checks"] > 0, 20, "a check of /health")
        self.assertEqual(balancer.sum("lb_rule_connections_total", rule="AppService"), CONNECTIONS)

    def test_connections_are_shared_by_weight(self):
        self.backends()
        balancer = self.balancer()
        config = CORE
        for address, weight in (("10.0.0.1", 1), ("10.0.0.2", 3)):
            config = config.replace(
                '- "%s:8080"\n' % address, '- {address: "%s:8080", weight: %d}\n' % (address, weight)
            )
        balancer.start(config, workers=2, threads=2)
        shares = self.share_out(CONNECTIONS)
        self.assert_share(shares["a"], 0.25)
        self.assert_share(shares["b"], 0.75)

        balancer.apply(config.replace("weight: 1", "weight: 0").replace("weight: 3", "weight: 1"))
        self.assertEqual(self.share_out(CONNECTIONS), {"b": CONNECTIONS})


if __name__ == "__main__":
    harness.main()
