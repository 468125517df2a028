"""An API server that is away, slow, forgetful or not who it should be: what is known stays."""

import signal
import socket

import harness
from harness import Requests, sample_while, wait_for
from harness.certificates import Authority
from harness.dns_server import DnsServer
from harness.kubernetes import Kubernetes, backends, pod

LISTEN = "127.0.0.1:8080"
PODS = [pod("pod-%d" % number, "127.0.0.%d" % number) for number in (2, 3, 4)]


class FaultsTest(harness.Case):
    def setUp(self):
        self.servers("127.0.0.2:9001", "127.0.0.3:9001", "127.0.0.4:9001")
        self.kubernetes = Kubernetes(self)
        self.api = self.kubernetes.api

    def set(self, *endpoints):
        self.api.set_endpoints("shop", "web", list(endpoints), port=9001, per_slice=1)

    def start_with(self, dns=None, **kubernetes):
        rule = {"name": "web", "listen": LISTEN, "backends": [backends()]}
        config = {"rules": [rule], "kubernetes": self.kubernetes.config(**kubernetes)}
        self.lb = self.balancer().start({**config, "dns": dns} if dns else config)

    def pods(self):
        return {
            name.partition("@")[2]
            for name, backend in self.lb.items("backends").items()
            if not backend.get("unresolved")
        }

    def wait_for_pods(self, *numbers, timeout=20):
        wanted = {"pod-%d" % number for number in numbers}
        wait_for(lambda: self.pods() == wanted, timeout, "the pods are %s" % wanted)
        self.lb.wait_until_synced()

    def served_by(self):
        result = Requests(self, LISTEN, connections=40).result()
        self.assertEqual(result["errors"], {})
        return set(result["backends"])

    def in_sync(self):
        return self.lb.control_metrics().sum("lb_service_in_sync") == 1

    def events(self, kind):
        return [event["kind"] for event in self.lb.json("get", "events")["items"]].count(kind)

    def test_an_api_server_that_is_killed_changes_nothing(self):
        self.set(*PODS[:2])
        self.start_with()
        self.wait_for_pods(2, 3)
        clients = Requests(self, LISTEN, clients=4)
        self.api.kill()
        wait_for(lambda: not self.in_sync(), 20, "it is missed")
        sample_while(1, lambda: self.assertEqual(self.pods(), {"pod-2", "pod-3"}), 0.2)
        self.assertEqual(self.events("service.lost"), 1)
        self.set(*PODS)
        self.api.start()
        self.wait_for_pods(2, 3, 4, timeout=60)
        wait_for(self.in_sync, 10, "it is watched again")
        wait_for(lambda: self.events("service.synced") == 1, 10, "and that is told")
        self.assertEqual(clients.finish()["errors"], {})
        # It went on from where it was.
        self.assertEqual(self.lb.control_metrics().sum("lb_service_lists_total"), 1)

    def test_a_control_plane_that_starts_without_it_serves_what_was_known(self):
        self.set(*PODS[:2])
        self.start_with()
        self.wait_for_pods(2, 3)
        clients = Requests(self, LISTEN, clients=4)
        self.api.kill()
        self.assertEqual(self.lb.control.stop(signal.SIGTERM, 20), 0)
        self.lb.start_control()
        wait_for(lambda: self.pods() == {"pod-2", "pod-3"}, 20, "they are known")
        self.lb.wait_until_synced()
        self.lb.start_worker("worker-2").wait_until_ready()
        self.lb.wait_until_synced()
        self.assertEqual(self.served_by(), {"a", "b"})
        self.assertEqual(clients.finish()["errors"], {})
        self.set(PODS[2])
        self.api.start()
        self.wait_for_pods(4, timeout=60)

    def test_a_version_that_is_forgotten_leads_to_a_new_list(self):
        self.set(*PODS[:1])
        self.start_with()
        self.wait_for_pods(2)
        self.api.forget()
        wait_for(lambda: self.api.count("&limit=") == 2, 20, "it lists again")
        self.set(*PODS)
        self.wait_for_pods(2, 3, 4)
        self.assertEqual(self.events("service.lost"), 0)

    def test_a_watch_that_is_cut_goes_on_without_a_list(self):
        self.set(*PODS[:1])
        self.start_with()
        self.wait_for_pods(2)
        self.api.bookmark("shop", "web")
        self.api.cut()
        wait_for(lambda: self.api.count("&watch=1") == 2, 20, "it watches again")
        self.set(*PODS[:2])
        self.wait_for_pods(2, 3)
        self.assertEqual(self.api.count("&limit="), 1)
        self.assertEqual(self.events("service.lost"), 0)

    def watches(self):
        """When each was asked for."""
        return [at for at, target in zip(self.api.times, self.api.requests) if "&watch=1" in target]

    def test_one_that_asks_for_time_gets_it_and_no_list(self):
        self.set(*PODS[:1])
        self.api.refusals = [(429, "3")]
        self.start_with()
        wait_for(lambda: len(self.watches()) == 2, 20, "it watches again")
        refused, taken = self.watches()
        self.assertGreaterEqual(taken - refused, 3)
        self.set(*PODS[:2])
        self.wait_for_pods(2, 3)
        self.assertEqual(self.api.count("&limit="), 1)

    def test_watches_that_end_early_leave_no_long_gaps(self):
        """As what stands between ends them, that ends whatever is silent."""
        self.set(*PODS[:1])
        self.api.max_watch_s = 1
        self.start_with()
        wait_for(lambda: len(self.watches()) >= 6, 60, "it watches again and again")
        watches = self.watches()
        gaps = [b - a - self.api.max_watch_s for a, b in zip(watches, watches[1:])]
        # Half a second each, where they would double; a busy machine gets more.
        self.assertLess(max(gaps), 3 * harness.SLOW, gaps)

    def test_a_server_with_an_address_that_does_not_answer_is_reached_by_another(self):
        """Its name is asked for where lb.yaml says, and nothing answers at the first address."""
        dns = DnsServer(self)
        dns.records["api.test"] = ["127.0.0.1", "127.0.0.2"]
        with socket.socket() as full, socket.socket() as waiting:
            full.bind(("127.0.0.1", 6444))
            full.listen(0)  # It takes one that waits; more are not answered.
            waiting.connect(("127.0.0.1", 6444))
            self.kubernetes = Kubernetes(self, ("127.0.0.2", 6444), ("DNS:api.test",))
            self.api = self.kubernetes.api
            self.set(*PODS[:1])
            self.start_with(dns={"servers": [dns.address]}, api_server="https://api.test:6444")
            self.wait_for_pods(2, timeout=9.5 * harness.SLOW)
            self.assertEqual(self.lb.control_metrics().sum("lb_service_failures_total"), 0)

    def test_slow_bytes_and_pages_that_expire_are_borne(self):
        self.api.slow, self.api.expire_pages = True, 1
        many = [pod("pod-%d" % n, "127.0.1.%d" % n) for n in range(1, 250)]
        for number in range(2, 252):  # More slices than one page has.
            self.api.put_slice("shop", "web", "more-%d" % number, [], [])
            self.api.put_slice("shop", "web", "less-%d" % number, [], [])
        self.api.set_endpoints("shop", "web", many, port=9001)
        self.start_with()
        wait_for(lambda: len(self.pods()) == len(many), 60, "the list is read")
        self.assertGreaterEqual(self.api.count("continue="), 2)
        self.set(PODS[0])
        self.wait_for_pods(2)

    def test_a_token_is_read_anew(self):
        self.set(*PODS)
        self.kubernetes.set_token("stale", known=False)
        self.start_with()
        wait_for(lambda: self.events("service.lost") == 1, 20, "it is refused")
        self.assertIn("HTTP 401", self.lb.lbctl("status").stdout)
        self.assertEqual(self.pods(), set())
        self.kubernetes.set_token("first")
        self.wait_for_pods(2, 3, 4, timeout=60)

    def test_a_server_that_others_certify_is_not_asked(self):
        self.set(*PODS)
        stranger = Authority(self.folder + "/stranger", name="stranger")
        self.start_with(ca_file=stranger.cert)
        wait_for(lambda: "not signed by an authority" in self.lb.lbctl("status").stdout, 20, "it is told")
        self.assertEqual(self.pods(), set())
        self.assertEqual(self.api.requests, [])

    def test_a_server_of_another_name_is_not_asked(self):
        self.set(*PODS)
        self.start_with(api_server="https://localhost:6443")
        wait_for(lambda: "not localhost" in self.lb.lbctl("status").stdout, 20, "it is told")
        self.assertEqual(self.api.requests, [])


if __name__ == "__main__":
    harness.main()
