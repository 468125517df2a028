"""The test of the tests: a deliberate mistake of each kind is found, and named."""

import json
import os
import tempfile
import unittest

import installs

import check  # From deploy/kubernetes/check.
import schema
import strict_yaml

WORKER = "kustomize/base/worker.yaml"
CONTROL = "kustomize/base/controlplane.yaml"
ACCESS = "kustomize/base/access.yaml"

# What is wrong, (file, text, text instead), what the finding has in it.
OBJECT_MISTAKES = (
    ("unknown field", (WORKER, "hostPID: true", "hostPid: true"), "hostPid"),
    ("unknown field, deep", (WORKER, "periodSeconds: 10", "periodSecond: 10"), "periodSecond"),
    ("wrong type", (WORKER, "minReadySeconds: 10", "minReadySeconds: ten"), "'ten' is not of type"),
    ("wrong type, text", (WORKER, "hostNetwork: true", 'hostNetwork: "true"'), "'true' is not of type"),
    ("wrong type, list", (WORKER, 'command: ["lb-worker"]', "command: lb-worker"), "is not of type 'array'"),
    ("missing", (WORKER, "        - name: worker\n          image", "        - image"), "'name' is a required"),
    ("missing, in a role", (ACCESS, '    verbs: ["get", "list", "watch"]\n', ""), "'verbs' is a required"),
    ("apiVersion", (WORKER, "apiVersion: apps/v1", "apiVersion: apps/v1beta1"), "apps/v1beta1/DaemonSet"),
    ("selector", (WORKER, "      labels:\n        app.kubernetes.io/name: lb\n",
                  "      labels:\n        app.kubernetes.io/name: else\n"), "does not match the labels"),
    ("subPath", (CONTROL, "mountPath: /etc/lb/config,", "mountPath: /etc/lb/config, subPath: lb.yaml,"),
     "mounted by subPath"),
    ("declared port", (WORKER, '          command: ["lb-worker"]\n',
                       '          command: ["lb-worker"]\n          ports: [{containerPort: 8080}]\n'),
     "declares ports"),
    ("pids of its own", (WORKER, "hostPID: true", "hostPID: false"), "not on hostPID"),
    ("no volume", (WORKER, "        - name: pod\n          emptyDir", "        - name: pods\n          emptyDir"),
     "no volume pod"),
    ("no ConfigMap", (CONTROL, "configMap: {name: lb-config}", "configMap: {name: config}"), "no ConfigMap config"),
    ("no account", (WORKER, "serviceAccountName: lb-worker", "serviceAccountName: lb"), "no ServiceAccount lb"),
    ("token for all", (CONTROL, "Token: false", "Token: true"), "each of its containers is given the token"),
    ("token for a stranger", ("kustomize/overlays/monitoring/proxies.yaml", "- {name: pod, mountPath: /run/lb-pod}",
                              "- {name: pod, mountPath: /run/lb-pod}\n            - {name: api, mountPath: /api}"),
     "metrics is given the token"),
    ("more rights", (ACCESS, 'verbs: ["get", "list", "watch"]', 'verbs: ["*"]'), "more than reading"),
    ("capabilities", (WORKER, '          securityContext:\n            readOnlyRootFilesystem: true\n',
                      "          securityContext:\n            readOnlyRootFilesystem: false\n"), "may write its image"),
    ("limit of cpu", (WORKER, "limits: {memory: 2Gi}", "limits: {memory: 2Gi, cpu: 500m}"), "limit of cpu"),
    ("probe by HTTP", (WORKER, '            exec:\n              command: ["lb-worker", "--probe", "/readyz", '
                       '"--http", "unix:/run/lb-pod/worker.http"]\n', "            httpGet: {port: 9904}\n"),
     "no readinessProbe by exec"),
    ("no time to drain", (WORKER, "drain-timeout=30s", "drain-timeout=5m"), "are 310 s, and it needs 5 s more"),
    ("field of a custom kind", ("kustomize/overlays/monitoring/monitors.yaml", "sourceLabels", "sourceLabel"),
     "sourceLabel"),
    ("type in a custom kind", ("kustomize/overlays/monitoring/rules.yaml", "labels: {severity: critical}", "labels: high"),
     "'high' is not of type"),
    ("Secret that many read", ("kustomize/overlays/cluster/controlplane.yaml", "0400", "0444"), "not 0400"),
    ("Service of nobody", ("kustomize/overlays/cluster/gossip.yaml",
                           "  selector:\n    app.kubernetes.io/name: lb", "  selector:\n    app.kubernetes.io/name: other"),
     "matches no pod"),
)

# Values, and what is said of them by the schema or (RENDER) by the chart.
VALUE_MISTAKES = (
    ("securityProfile=root", "'root' is not one of"),
    ("securtyProfile=lowports", "securtyProfile"),
    ("worker.threads=many", "is not of type 'integer'"),
    ("worker.threads=300", "greater than the maximum of 256"),
    ("worker.drainTimeout=30", "drainTimeout"),
    ("cluster.port=0", "less than the minimum"),
    ("image.digest=abc", "does not match"),
    ("tlsSecrets=shop", "is not of type 'array'"),
    ('nameOverride="a: b"', "does not match"),
    ("worker.podLabels={app.kubernetes.io/name: x}", "podLabels"),
    ("commonLabels={helm.sh/chart: x}", "commonLabels"),
    ("metrics={podMonitor: {labels: {app.kubernetes.io/name: x}}}", "labels"),
    ("controlplane.podAnnotations={checksum/config: x}", "podAnnotations"),
)
CONTRADICTIONS = (
    (["cluster.enabled=true"], "needs cluster.secretName"),
    (["cluster.enabled=true", "cluster.secretName=s", "config.cluster={peers: []}"], "config.cluster.peers"),
    (["cluster.enabled=true", "cluster.secretName=s", "existingConfigMap=mine"], "existingConfigMap"),
    (["cluster.enabled=true", "cluster.secretName=s", 'fullnameOverride="1st"'], "cannot begin the name of a Service"),
    (["cluster.usagePort=7946"], "cluster.usagePort is cluster.port"),
    (["existingConfigMap=mine", "config.rules=[{name: a}]"], "exclude each other"),
    (["existingConfigMap=mine", "rollOnConfigChange=true"], "rollOnConfigChange"),
    (["worker.maxSurge=0"], "worker.maxSurge and worker.maxUnavailable"),
    (["worker.maxUnavailable=1"], "worker.maxSurge and worker.maxUnavailable"),
    (['config.rules=[{name: web, listen: "0.0.0.0:443"}]'], "below 1024"),
    (["metrics.proxy.enabled=true"], "needs metrics.proxy.image"),
    (["metrics.proxy={enabled: true, image: a, workerPort: 9903}"], "one port of the node"),
    (["metrics.podMonitor.enabled=true"], "needs metrics.proxy.enabled"),
    (["networkPolicy.enabled=true"], "networkPolicy.nodeCIDRs"),
    (['worker.extraArgs=["--drain-timeout=10m"]'], "--drain-timeout: set worker.drainTimeoutSeconds"),
    (['worker.extraArgs=["--http=127.0.0.1:9904"]'], "--http: the chart sets it"),
    (['controlplane.extraArgs=["--log-level=debug"]'], "--log-level: set controlplane.logLevel"),
    (["commonLabels={team: a}", "controlplane.podLabels={team: b}"], "which is in commonLabels"),
    (["networkPolicy={enabled: true, nodeCIDRs: [10.0.0.0/8]}"], "no port to guard"),
)


class MistakesTest(unittest.TestCase):
    def setUp(self):
        self.manifests = installs.Manifests()
        self.addCleanup(self.manifests.close)

    def assert_named(self, found, text):
        self.assertTrue(any(text in finding for finding in found), "%r is not in %r" % (text, found))

    def test_objects(self):
        for name, (path, old, new), text in OBJECT_MISTAKES:
            with self.subTest(name):
                manifests = installs.Manifests()
                self.addCleanup(manifests.close)
                manifests.edit(path, old, new)
                folder = os.path.dirname(os.path.join(manifests.path, path))
                self.assert_named(check.findings(manifests.kustomize(folder)), text)

    def test_a_key_twice(self):
        with self.assertRaisesRegex(strict_yaml.Error, "line 3: the key 'b' is there twice"):
            strict_yaml.load("a:\n  b: 1\n  b: 2\n")
        text = self.manifests.kustomize(self.manifests.base)
        twice = text.replace("hostPID: true", "hostPID: true\n      hostPID: true")
        self.assert_named(check.findings(twice), "'hostPID' is there twice")

    def test_an_object_twice(self):
        text = self.manifests.kustomize(self.manifests.base)
        self.assert_named(check.findings(text + "\n---\n" + text), "there twice")

    def test_values(self):
        with open(os.path.join(self.manifests.chart, "values.schema.json"), encoding="utf-8") as file:
            rules = json.load(file)
        for value, text in VALUE_MISTAKES:
            with self.subTest(value):
                values = strict_yaml.load(self.manifests.render("--values", "--set", value))
                self.assert_named(schema.value_findings(rules, values), text)

    def test_values_that_contradict_each_other(self):
        for sets, text in CONTRADICTIONS:
            with self.subTest(sets):
                done = self.manifests.try_render(*["--set=" + one for one in sets])
                self.assertEqual(done.returncode, 1, done.stdout[:200])
                self.assertIn(text, done.stderr)
        for allowed in (['config.rules=[{name: web, listen: "0.0.0.0:443"}]', "nodesAllowLowPorts=true"],
                        ['controlplane.extraArgs=["--admin-api=0.0.0.0:9902", "--tls-ca=/etc/lb/tls/admin/ca.crt"]',
                         "commonLabels={team: a}", "worker.podLabels={app: b}"]):
            self.manifests.render(*["--set=" + one for one in allowed])

    def test_templates(self):
        for mistake, text in (("{{ fail \"no\" }}", "no"), ("{{ .Values.worker.threads", "unclosed action"),
                              ("{{ required \"is wanted\" .Values.nothing }}", "is wanted"),
                              ("{{ include \"lb.nothing\" . }}", "lb.nothing"),
                              ("{{ lookup \"v1\" \"Pod\" \"\" \"\" }}", "\"lookup\" not defined")):
            with self.subTest(mistake):
                path = os.path.join(self.manifests.chart, "templates", "mistake.yaml")
                with open(path, "w", encoding="utf-8") as file:
                    file.write(mistake)
                done = self.manifests.try_render()
                self.assertEqual(done.returncode, 1)
                self.assertIn(text, done.stderr)

    def test_kustomizations(self):
        self.manifests.edit("kustomize/base/kustomization.yaml", "worker.yaml", "workers.yaml")
        with self.assertRaisesRegex(AssertionError, "workers.yaml"):
            self.manifests.kustomize(self.manifests.base)

    def test_configurations(self):
        for text, finding in (("rules:\n  - name: web\n    lisen: 0.0.0.0:80\n", "lisen"), ("rules: 7\n", "rules"),
                              ("rules: []\nrules: []\n", "LB0103")):
            with self.subTest(text), tempfile.TemporaryDirectory() as folder:
                done = installs.check_config(text, folder)
                self.assertEqual(done.returncode, 1)
                self.assertIn(finding, done.stdout)


if __name__ == "__main__":
    unittest.main()
