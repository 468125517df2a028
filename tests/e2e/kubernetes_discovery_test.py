"""Backends that are the endpoints of a Service of Kubernetes, and follow them without an error."""

import os

import harness
from harness import Requests, Server, wait_for
from harness.kubernetes import TESTDATA, Kubernetes, backends, ending, pod

LISTEN = "127.0.0.1:8080"
PORT = 9001


def address(number):
    return "127.0.0.%d" % number


class DiscoveryTest(harness.Case):
    def start_with(self, endpoints, **rule):
        self.kubernetes = Kubernetes(self)
        self.api = self.kubernetes.api
        self.set(*endpoints)
        rule = {"name": "web", "listen": LISTEN, "backends": backends(), **rule}
        config = {"rules": [rule], "kubernetes": self.kubernetes.config()}
        self.lb = self.balancer().start(config)

    def set(self, *endpoints):
        self.api.set_endpoints("shop", "web", list(endpoints), port=PORT)

    def server(self, number):
        """Pod `number`: its own name, at an address of its own."""
        return Server(self, "pod-%d" % number, "%s:%d" % (address(number), PORT))

    def states(self):
        """{pod: administrative state} of all backends."""
        return {
            name.partition("@")[2]: backend["adminState"].rpartition("_")[2]
            for name, backend in self.lb.items("backends").items()
        }

    def wait_for_states(self, **states):
        wanted = {name.replace("_", "-"): state for name, state in states.items()}
        wait_for(lambda: self.states() == wanted, 20, "the backends are %s" % wanted)
        self.lb.wait_until_synced()

    def served_by(self):
        result = Requests(self, LISTEN, connections=40).result()
        self.assertEqual(result["errors"], {})
        return set(result["backends"])

    def test_endpoints_are_backends_named_after_their_pods(self):
        for number in (2, 3, 4):
            self.server(number)
        self.start_with([pod("pod-2", address(2)), pod("pod-3", address(3))])
        self.wait_for_states(pod_2="READY", pod_3="READY")
        self.assertEqual(self.served_by(), {"pod-2", "pod-3"})
        self.assertIn("shop_web:http@pod-2", self.lb.items("backends"))
        for verb, left in (("drain", {"pod-3"}), ("undrain", {"pod-2", "pod-3"})):
            done = self.lb.lbctl("backend", verb, "web/shop_web:http@pod-2")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.lb.wait_until_synced()
            self.assertEqual(self.served_by(), left)

        self.set(pod("pod-2", address(2)), ending("pod-3", address(3)), pod("pod-4", address(4)))
        self.wait_for_states(pod_2="READY", pod_3="DRAIN", pod_4="READY")
        self.assertEqual(self.served_by(), {"pod-2", "pod-4"})
        explained = self.lb.lbctl("explain", "--rule", "web", "--client", "127.0.0.1").stdout
        self.assertIn("its pod ends", explained)

        self.set(ending("pod-3", address(3)))  # None is ready: those that still serve do.
        self.wait_for_states(pod_3="READY")
        self.assertEqual(self.served_by(), {"pod-3"})

        metrics = self.lb.control_metrics()
        self.assertEqual(metrics.sum("lb_service_endpoints", service="shop/web:http"), 1)
        self.assertEqual(metrics.sum("lb_service_in_sync", service="shop/web:http"), 1)
        self.assertEqual(metrics.sum("lb_service_lists_total"), 1)
        self.assertEqual(metrics.sum("lb_service_failures_total"), 0)

        self.set()
        self.wait_for_states()
        wait_for(lambda: "service.empty" in str(self.lb.json("get", "events")), 10, "an event")

    def wait_for_alert(self, text):
        service = "! services/shop/web:http: "
        wait_for(lambda: service + text in self.lb.lbctl("status").stdout, 20, text)

    def test_what_gives_no_endpoint_is_named_with_the_reason(self):
        self.start_with([pod("pod-2", address(2))])
        self.wait_for_states(pod_2="READY")
        self.api.delete_slice("shop", "web", "web-0000")
        self.wait_for_alert("it has no endpoint: it has no EndpointSlice")
        self.assertIn("no Service of it has", self.lb.lbctl("describe", "rules/web").stdout)
        explained = self.lb.lbctl("explain", "--rule", "web", "--client", "127.0.0.1").stdout
        self.assertIn("no Service of it has an endpoint", explained)
        checked = self.lb.lbctl("check", "--only", "backends")
        self.assertEqual(checked.returncode, 1)
        for code in ("LBC802", "LBC806"):
            self.assertIn(code, checked.stdout)
        self.api.set_endpoints("shop", "web", [pod("pod-2", address(2))], PORT, port_name="grpc")
        self.wait_for_alert("it has no endpoint: its pods listen on other ports: grpc (9001)")
        self.set(pod("pod-2", address(2), ready=False))
        self.wait_for_alert("it has no endpoint: none of its pods is ready")
        self.set(pod("pod-2", address(2)))
        wait_for(lambda: "services/" not in self.lb.lbctl("status").stdout, 20, "all is well")
        self.api.kill()
        self.wait_for_alert("it cannot be watched, and what is known of it may be old (1 endpoint)")

    def test_a_recorded_stream_is_followed(self):
        for number in (2, 3, 4, 5):
            self.server(number)
        self.start_with([])
        self.api.kill()
        self.api.load(os.path.join(TESTDATA, "rolling.list.json"), "shop", "web")
        self.api.delete_slice("shop", "web", "web-0000")
        self.api.forget()
        self.api.start()
        wait_for(lambda: len(self.states()) == 2, 30, "the list is read")
        with open(os.path.join(TESTDATA, "rolling.watch.jsonl"), encoding="utf-8") as file:
            lines = file.readlines()
        old_1, old_2 = "web-5d8c7b9f6-k2x4q", "web-5d8c7b9f6-m9tzw"
        new_1, new_2 = "web-7f6d5c8b4-8hn2v", "web-7f6d5c8b4-pq6ld"
        after = {
            0: {old_1: "READY", old_2: "READY"},
            1: {old_1: "READY", old_2: "READY", new_1: "READY"},
            2: {old_1: "DRAIN", old_2: "READY", new_1: "READY"},
            3: {old_2: "READY", new_1: "READY"},
            6: {old_2: "READY", new_1: "READY", new_2: "READY"},
            7: {old_2: "DRAIN", new_1: "READY", new_2: "READY"},
            9: {new_1: "READY", new_2: "READY"},
        }
        self.assertEqual(len(lines), 10)
        for number, line in enumerate(lines):
            self.api.play([line], "shop", "web")
            if number in after:
                wait_for(
                    lambda wanted=after[number]: self.states() == wanted, 10, "line %d" % number
                )
        self.lb.wait_until_synced()
        self.assertEqual(self.served_by(), {"pod-4", "pod-5"})

    def test_a_rolling_update_under_traffic_is_noticed_by_nobody(self):
        old = {number: self.server(number) for number in (2, 3, 4, 5)}
        endpoints = {number: pod("pod-%d" % number, address(number)) for number in old}
        self.start_with(endpoints.values())
        self.wait_for_states(**{"pod_%d" % number: "READY" for number in old})
        clients = Requests(self, LISTEN, clients=16)
        for number, server in old.items():
            fresh = number + 10
            self.server(fresh)
            endpoints[fresh] = pod("pod-%d" % fresh, address(fresh))
            self.set(*endpoints.values())
            wait_for(lambda: "pod-%d" % fresh in clients.report()["backends"], 20, "it serves")
            endpoints[number] = ending("pod-%d" % number, address(number))
            self.set(*endpoints.values())
            name = "pod-%d" % number
            wait_for(lambda: self.states().get(name) == "DRAIN", 20, "it is drained")
            self.lb.wait_until_synced()
            backend = "shop_web:http@" + name
            wait_for(lambda: self.lb.items("backends")[backend].get("drained"), 20, "it is idle")
            server.kill()  # The pod is gone before its endpoint is.
            del endpoints[number]
            self.set(*endpoints.values())
            wait_for(lambda: name not in self.states(), 20, "it is gone")
        report = clients.finish()
        self.figure("%d requests, errors %s", sum(report["backends"].values()), report["errors"])
        self.assertEqual(report["errors"], {})
        self.assertEqual(set(report["backends"]), {"pod-%d" % n for m in old for n in (m, m + 10)})


if __name__ == "__main__":
    harness.main()
