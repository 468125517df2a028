"""Kustomize and the chart: valid, the same, and with a configuration that lb takes."""

import copy
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import installs
from installs import EXAMPLES, OVERLAYS, named, things

import check  # From deploy/kubernetes/check.
import schema
import strict_yaml

# Values that make of the chart what an overlay makes of the base.
SAME = {
    "cluster": ["cluster.enabled=true", "cluster.secretName=lb-gossip"],
    "lowports": ["securityProfile=lowports"],
    "monitoring": ["metrics.proxy.enabled=true", "metrics.proxy.image=docker.io/alpine/socat:1.8.0.3",
                   "metrics.podMonitor.enabled=true", "metrics.prometheusRule.enabled=true"],
    "networkpolicy": ["cluster.enabled=true", "cluster.secretName=lb-gossip", "networkPolicy.enabled=true",
                      "networkPolicy.nodeCIDRs=[10.0.0.0/8]"],
    "tls": ["tlsSecrets=[lb-tls]"],
}
# Who made an object is all that may differ.
MAKERS = ("app.kubernetes.io/managed-by", "helm.sh/chart")
YAMLLINT = """
extends: default
rules:
  line-length: {max: 120, allow-non-breakable-inline-mappings: true}
  braces: {max-spaces-inside: 1}
  document-start: disable
  comments: {min-spaces-from-content: 1}
  octal-values: {forbid-implicit-octal: false}
  truthy: {check-keys: true}
  indentation: {indent-sequences: consistent}
"""


def without_makers(thing):
    """An object as both ways make it: no maker, lists that are sets sorted, lb.yaml as what it says."""
    thing = copy.deepcopy(thing)

    def walk(part):
        if isinstance(part, dict):
            if isinstance(part.get("labels"), dict):
                part["labels"] = {key: value for key, value in part["labels"].items() if key not in MAKERS}
            if part.get("annotations") == {}:  # Old kustomize writes that.
                del part["annotations"]
            for key in ("containers", "volumes", "volumeMounts"):
                if isinstance(part.get(key), list):
                    part[key].sort(key=lambda entry: (entry["name"], entry.get("mountPath", "")))
            for value in part.values():
                walk(value)
        elif isinstance(part, list):
            for value in part:
                walk(value)

    walk(thing)
    if thing["kind"] == "ConfigMap":
        thing["data"] = {name: strict_yaml.load(text) for name, text in thing["data"].items()}
    return thing


def by_name(all_things):
    """Both ways' objects; the namespace is made by whoever calls Helm."""
    return {(t["kind"], t["metadata"]["name"]): without_makers(t) for t in all_things if t["kind"] != "Namespace"}


class ManifestsTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.manifests = installs.Manifests()
        cls.addClassCleanup(cls.manifests.close)
        cls.installations = dict(cls.make_installations(cls.manifests))

    @staticmethod
    def make_installations(manifests):
        """(title, text) of everything that we ship, as a cluster would be given it."""
        yield "base", manifests.kustomize(manifests.base)
        for name in OVERLAYS:
            yield name, manifests.kustomize(manifests.overlay(name))
        yield "chart", manifests.render()
        for name in EXAMPLES:
            yield "chart with " + name, manifests.render("-f", manifests.example(name))
        for name, sets in SAME.items():
            yield "chart as " + name, manifests.render(*["--set=" + one for one in sets])

    def test_all_objects_are_good(self):
        for name, text in self.installations.items():
            with self.subTest(name):
                self.assertEqual(check.findings(text), [])

    def test_no_overlay_and_no_example_is_forgotten(self):
        self.assertEqual(sorted(os.listdir(self.manifests.overlay("."))), sorted(OVERLAYS))
        examples = os.listdir(os.path.dirname(self.manifests.example("web")))
        self.assertEqual(sorted(examples), [name + ".yaml" for name in sorted(EXAMPLES)])

    def test_the_chart_is_the_base(self):
        base = by_name(things(self.installations["base"]))
        self.assertEqual(by_name(things(self.installations["chart"])), base)

    def test_values_do_what_overlays_do(self):
        for name in OVERLAYS:
            with self.subTest(name):
                overlay = by_name(things(self.installations[name]))
                self.assertEqual(by_name(things(self.installations["chart as " + name])), overlay)

    def test_the_alerts_of_the_docs_are_there(self):
        with open(os.path.join(installs.ROOT, "docs", "operations.md"), encoding="utf-8") as file:
            shown = strict_yaml.load(re.search(r"```yaml\n(groups:.*?)```", file.read(), re.S).group(1))
        found = named(things(self.installations["monitoring"]), "PrometheusRule")
        ours = {rule["alert"]: " ".join(rule["expr"].split()) for rule in found["spec"]["groups"][0]["rules"]}
        self.assertEqual(len(set(ours.values())), len(ours), "two alerts of one thing")
        for rule in shown["groups"][0]["rules"]:
            self.assertEqual(ours.get(rule["alert"]), " ".join(rule["expr"].split()), rule["alert"])

    def test_labels_are_on_every_object_and_pod_and_in_no_selector(self):
        everything = [one for sets in SAME.values() for one in sets]
        text = self.manifests.render(*["--set=" + one for one in everything + ["commonLabels={team: edge}"]])
        self.assertEqual(check.findings(text), [])
        for thing in things(text):
            self.assertEqual(thing["metadata"]["labels"].get("team"), "edge", thing["kind"])
            if thing["kind"] == "DaemonSet":
                self.assertEqual(thing["spec"]["template"]["metadata"]["labels"]["team"], "edge")
                self.assertNotIn("team", thing["spec"]["selector"]["matchLabels"])

    def test_updates_cut_nobody_off(self):
        found = things(self.installations["chart with web"])
        control, worker = (named(found, "DaemonSet", "lb-" + name)["spec"] for name in ("controlplane", "worker"))
        self.assertEqual(control["updateStrategy"]["rollingUpdate"], {"maxUnavailable": 1})
        self.assertEqual(worker["updateStrategy"]["rollingUpdate"], {"maxSurge": 1, "maxUnavailable": 0})
        pod = worker["template"]["spec"]
        self.assertIn("--drain-timeout=120s", pod["containers"][0]["args"])
        self.assertEqual(pod["terminationGracePeriodSeconds"], 145)

    def test_an_existing_config_map_is_taken(self):
        text = self.manifests.render("--set", "existingConfigMap=mine")
        self.assertEqual(check.findings(text, ["mine"]), [])
        self.assertNotEqual(check.findings(text), [])

    def test_names_that_look_like_numbers_stay_texts(self):
        sets = ['existingConfigMap="1e3"', 'tlsSecrets=["123"]', 'worker.priorityClassName="0"',
                'controlplane.priorityClassName="true"', 'nameOverride="12"', 'fullnameOverride="123"',
                "metrics={proxy: {enabled: true, image: a}, podMonitor: {enabled: true}, prometheusRule: {enabled: true}}"]
        names = ["--release", "4711", "--namespace", "8"]
        text = self.manifests.render(*names, *["--set=" + one for one in sets])
        self.assertEqual(check.findings(text, ["1e3"]), [])
        sets = ["cluster.enabled=true", 'cluster.secretName="123"', 'fullnameOverride="null"']
        self.assertEqual(check.findings(self.manifests.render(*["--set=" + one for one in sets])), [])

    def test_rules_and_docs_know_the_metrics(self):
        """A misspelt metric makes an alert that never comes."""
        with open(os.path.join(installs.ROOT, "docs", "operations.md"), encoding="utf-8") as file:
            known = set(re.findall(r"`(lb_\w+)", file.read()))
        for group in named(things(self.installations["monitoring"]), "PrometheusRule")["spec"]["groups"]:
            for rule in group["rules"]:
                names = set(re.findall(r"\blb_\w+", rule["expr"]))
                self.assertTrue(names)
                self.assertEqual(names - known, set(), rule["alert"])

    def test_prometheus_may_ask_for_metrics_and_nothing_else(self):
        policy = named(things(self.installations["chart with cluster"]), "NetworkPolicy")
        ports = [[rule["port"] for rule in entry["ports"]] for entry in policy["spec"]["ingress"]
                 if {"ipBlock": {"cidr": "10.244.0.0/16"}} in entry["from"]]
        self.assertEqual(ports, [[9903]])

    def test_values_fit_their_schema(self):
        with open(os.path.join(self.manifests.chart, "values.schema.json"), encoding="utf-8") as file:
            rules = json.load(file)
        with open(os.path.join(self.manifests.chart, "values.yaml"), encoding="utf-8") as file:
            self.assertEqual(schema.value_findings(rules, strict_yaml.load(file.read())), [])
        for name in EXAMPLES:
            with open(self.manifests.example(name), encoding="utf-8") as file:
                self.assertEqual(schema.value_findings(rules, strict_yaml.load(file.read())), [], name)
            merged = self.manifests.render("--values", "-f", self.manifests.example(name))
            self.assertEqual(schema.value_findings(rules, strict_yaml.load(merged)), [], name)

    def test_lb_takes_every_configuration(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        installs.write_secrets(folder.name)
        for name, text in self.installations.items():
            config = named(things(text), "ConfigMap")["data"]["lb.yaml"]
            with self.subTest(name):
                done = installs.check_config(config, folder.name)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_programs_know_the_flags_that_they_are_given(self):
        paths = {"controlplane": "controlplane/lb-controlplane", "worker": "dataplane/lb-worker"}
        helps = {name: installs.run([installs.program(path), "--help"]).stdout for name, path in paths.items()}
        for name, text in self.installations.items():
            for component, known in helps.items():
                pod = named(things(text), "DaemonSet", "lb-" + component)["spec"]["template"]["spec"]
                container = named_container(pod, component)
                probes = [container[kind]["exec"]["command"] for kind in
                          ("startupProbe", "livenessProbe", "readinessProbe")]
                for word in container["args"] + [word for probe in probes for word in probe]:
                    if word.startswith("--"):
                        self.assertRegex(known, r"(?m)^\s+%s\b" % re.escape(word.split("=")[0]), name)

    def test_notes_say_what_comes_next(self):
        notes = self.manifests.render("--notes")
        for text in ("There is no rule yet", "set image.repository", "kubectl label namespace lb-system"):
            self.assertIn(text, notes)
        notes = self.manifests.render("--notes", "-f", self.manifests.example("cluster"),
                                      "--set", "image.repository=registry.example.com/lb")
        self.assertNotIn("set image.repository", notes)
        self.assertIn("create secret generic lb-gossip", notes)
        self.assertNotIn("There is no rule yet", notes)

    def test_the_overlay_of_the_docs_is_good(self):
        with open(os.path.join(installs.ROOT, "docs", "kubernetes.md"), encoding="utf-8") as file:
            shown = re.search(r"```yaml\n# kustomization.yaml\n(.*?)```", file.read(), re.S).group(1)
        mine = os.path.join(self.manifests.path, "kustomize", "mine")
        os.makedirs(mine)
        with open(os.path.join(mine, "kustomization.yaml"), "w", encoding="utf-8") as file:
            file.write(shown.replace(".../deploy/kubernetes/kustomize", ".."))
        with open(os.path.join(mine, "lb.yaml"), "w", encoding="utf-8") as file:
            file.write("rules: [{name: web, listen: 0.0.0.0:8080, backends: [10.0.0.1:80]}]\n")
        text = self.manifests.kustomize(mine)
        self.assertEqual(check.findings(text), [])
        self.assertIn("name: web", named(things(text), "ConfigMap", "lb-config")["data"]["lb.yaml"])
        for thing in things(text):
            pod = thing.get("spec", {}).get("template", {}).get("spec", {"initContainers": [], "containers": []})
            for container in pod["initContainers"] + pod["containers"]:
                self.assertEqual(container["image"], "registry.example.com/lb:0.1.0")
        shutil.rmtree(mine)

    def test_the_service_of_the_docs_finds_the_workers(self):
        with open(os.path.join(installs.ROOT, "docs", "kubernetes.md"), encoding="utf-8") as file:
            shown = re.search(r"```yaml\n(apiVersion: v1\nkind: Service\n.*?)```", file.read(), re.S).group(1)
        self.assertEqual(check.findings(self.installations["base"] + "\n---\n" + shown), [])

    def test_yamllint_finds_nothing(self):
        paths = [self.manifests.path + "/kustomize", self.manifests.path + "/helm/examples"]
        paths += [os.path.join(self.manifests.chart, name) for name in ("Chart.yaml", "values.yaml")]
        done = installs.run(["yamllint", "-s", "-d", YAMLLINT, *paths])
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))
        done = subprocess.run(["yamllint", "-s", "-d", YAMLLINT, "-"], input=self.manifests.render(),
                              capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))


def named_container(pod, name):
    (found,) = [container for container in pod["containers"] if container["name"] == name]
    return found


if __name__ == "__main__":
    unittest.main()
