"""The DaemonSets as they are, run on this machine: who owns what, who reaches whom, probes, updates."""

import base64
import contextlib
import json
import os
import socket
import stat
import sys
import threading
import unittest
import urllib.request

import installs
from installs import named, things

sys.path.insert(0, os.path.join(os.path.dirname(installs.TOP), "..", "tests", "e2e"))
from harness import namespace  # pylint: disable=wrong-import-position
from harness.waiting import wait_for  # pylint: disable=wrong-import-position

import pods  # pylint: disable=wrong-import-position

ROOT = os.environ.get("LB_IMAGE_ROOT")
PROGRAMS = ("controlplane/lb-controlplane", "dataplane/lb-worker", "cli/lbctl")


def config(port):
    return {"lb.yaml": json.dumps({"rules": [{"name": "echo", "listen": "127.0.0.1:%d" % port,
                                              "backends": ["127.0.0.1:9001"]}]})}


def echo():
    """A server on port 9001 that sends back what it gets."""
    listener = socket.create_server(("127.0.0.1", 9001))

    def serve(client):
        with client, contextlib.suppress(ConnectionResetError):
            while data := client.recv(4096):
                client.sendall(data)

    def accept():
        while True:
            threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


@unittest.skipUnless(os.geteuid() == 0, "only root can give pods their users")
class PodsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        echo()
        cls.manifests = installs.Manifests()
        cls.addClassCleanup(cls.manifests.close)

    def node(self):
        node = pods.Node("node-1", ROOT, [installs.program(path) for path in PROGRAMS])
        self.addCleanup(node.close)
        return node

    def daemon_sets(self, folder):
        found = things(self.manifests.kustomize(folder))
        return named(found, "DaemonSet", "lb-controlplane"), named(found, "DaemonSet", "lb-worker")

    def started(self, node, daemon_set, files=None, secrets=None):
        pod = node.pod(daemon_set, files, secrets)
        self.begin(pod)
        for kind in ("startup", "liveness", "readiness"):
            self.await_probe(pod, kind)
        return pod

    def begin(self, pod):
        pod.init()
        pod.start()

    def await_probe(self, pod, kind, result=True):
        try:
            wait_for(lambda: pod.probe(kind) == result, 30, "%s of %s is %s" % (kind, pod.name, result))
        except AssertionError as error:
            raise AssertionError("%s\n%s" % (error, pod.log())) from error

    def say(self, connection, text):
        connection.sendall(text)
        self.assertEqual(connection.recv(100), text)

    def connect(self, port):
        connection = socket.create_connection(("127.0.0.1", port), 10)
        self.addCleanup(connection.close)
        self.say(connection, b"hello")
        return connection

    def life(self, folder, port, uid):
        """A node from its first pods over an update of each DaemonSet."""
        node = self.node()
        control_set, worker_set = self.daemon_sets(folder)
        control = self.started(node, control_set, config(port))
        first = self.started(node, worker_set)
        connection = self.connect(port)
        for path in ("/run/lb", "/run/lb/worker.sock", "/var/lib/lb"):
            self.assertEqual(os.stat(node.host_path("") + path).st_uid, uid, path)
        code, text = control.exec("lbctl", "status")
        self.assertEqual(code, 0, text)

        # The control plane: the old one ends, then the next one starts. The worker serves on.
        control.terminate()
        self.assertEqual(control.wait(), 0)
        self.connect(port).close()
        self.assertTrue(first.probe("liveness") and first.probe("readiness"))
        self.started(node, control_set, config(port))

        # The worker: both run, each with a socket for its own probes, then the old one ends.
        second = self.started(node, worker_set)
        self.assertTrue(first.probe("liveness"))
        first.terminate()
        self.await_probe(first, "readiness", False)
        self.assertTrue(second.probe("readiness"))
        self.say(connection, b"still there")
        self.connect(port).close()
        connection.close()
        self.assertEqual(first.wait(), 0, first.log())
        self.connect(port).close()
        return node

    def test_a_node_without_rights(self):
        self.life(self.manifests.base, 8080, 65532)

    def test_a_node_with_low_ports(self):
        self.life(self.manifests.overlay("lowports"), 80, 0)

    def test_no_low_port_without_rights(self):
        node = self.node()
        control_set, worker_set = self.daemon_sets(self.manifests.base)
        self.started(node, control_set, config(80))
        worker = node.pod(worker_set)
        self.begin(worker)
        wait_for(lambda: "bind" in worker.log(), 30, "the worker says that it cannot listen")
        self.assertTrue(worker.probe("liveness"))
        self.assertFalse(worker.probe("readiness"))

    def test_a_worker_before_its_control_plane_is_left_alone(self):
        node = self.node()
        control_set, worker_set = self.daemon_sets(self.manifests.base)
        worker = node.pod(worker_set)
        self.begin(worker)
        self.await_probe(worker, "startup")
        self.assertTrue(worker.probe("liveness"))
        self.assertFalse(worker.probe("readiness"))
        self.started(node, control_set, config(8080))
        self.await_probe(worker, "readiness")

    def test_profiles_may_be_changed(self):
        """What one profile wrote belongs to the other one after it."""
        node = self.node()
        for folder, uid in ((self.manifests.base, 65532), (self.manifests.overlay("lowports"), 0),
                            (self.manifests.base, 65532)):
            control_set, worker_set = self.daemon_sets(folder)
            control = self.started(node, control_set, config(8080))
            worker = self.started(node, worker_set)
            self.connect(8080).close()
            state = node.host_path("/var/lib/lb")
            for where, _, names in os.walk(state):
                for name in names:
                    found = os.stat(os.path.join(where, name))
                    self.assertEqual((found.st_uid, stat.S_IMODE(found.st_mode) & 0o077), (uid, 0), name)
            for pod in (worker, control):
                pod.terminate()
                self.assertEqual(pod.wait(), 0, pod.log())

    def test_a_member_of_a_cluster_reads_its_key(self):
        node = self.node()
        found = things(self.manifests.kustomize(self.manifests.overlay("cluster")))
        files = named(found, "ConfigMap")["data"]
        key = base64.b64encode(bytes(range(32))).decode() + "\n"
        control = self.started(node, named(found, "DaemonSet", "lb-controlplane"), files, {"cluster.keys": key})
        code, text = control.exec("lbctl", "member", "list", "-o", "json")
        self.assertEqual(code, 0, text)
        self.assertIn("127.0.0.1:7946", text)
        self.assertNotIn("LB0206", control.log())

    @unittest.skipIf(ROOT, "socat is in another image")
    def test_metrics_of_two_workers_come_by_one_port(self):
        node = self.node()
        control_set, worker_set = self.daemon_sets(self.manifests.overlay("monitoring"))
        control = self.started(node, control_set, config(8080))
        control.start_beside("metrics", ["socat"])
        wait_for(lambda: b"lb_config_revision" in self.metrics(9903), 30, "the control plane's metrics come")
        first = self.started(node, worker_set)
        first.start_beside("metrics", ["socat"])
        wait_for(lambda: b"lb_rule_connections_total" in self.metrics(9904), 30, "a worker's metrics come")
        second = self.started(node, worker_set)
        second.start_beside("metrics", ["socat"])
        self.assertTrue(second.probe("readiness"))
        # It stands aside until it is ended, so that kubelet does not start it again.
        self.await_probe(first, "readiness", False)
        self.assertTrue(first.probe("liveness"))
        first.kill()
        for _ in range(20):
            self.assertIn(b"lb_rule_connections_total", self.metrics(9904))

    def metrics(self, port):
        with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % port, timeout=10) as page:
            return page.read()


if __name__ == "__main__":
    if os.geteuid() == 0:
        namespace.enter()
    unittest.main()
