"""A key in the configuration's text is seen nowhere: not in the log, also of a bad file at the start,
not in metrics, errors, answers, or command lines."""

import base64
import os

import harness
from harness import http_get, paths
from harness.process import run

CANARY = base64.b64encode(b"canary7c41f09b72").decode()
RULES = 'rules: [{name: web, listen: "127.0.0.1:8080", backends: ["127.0.0.1:9001"]}]\n'
GOOD = RULES + 'cluster: {enabled: false, key: "%s"}\n'
VALUES = (CANARY, "${LB_NOT_SET:-%s}" % CANARY, "${LB_NOT_SET:-}%s" % CANARY)
BAD = (
    'cluster: {enabled: false, key: "%s", bogus: 1}\n',
    'cluster: {enabled: maybe, key: "%s"}\n',
    'cluster: {bind_addr: "127.0.0.1:7946", key: "x%s"}\n',
    'cluster: {bind_addr: "127.0.0.1:7946", key: "%s%s%s"}\n',
    'cluster: {enabled: false, key: "${LB_NOT_SET:+%s}"}\n',
    'cluster: {enabled: false, key: "${LB_NOT_SET:?%s}"}\n',
    'cluster:\n  key: |\n    %s\n  bogus: [\n',
    'cluster: {key: %s\n',
    'cluster: {key: %s, key: %s}\n',
    'cluster: {key: \x9b%s}\n',
)


class SecretsTest(harness.Case):
    def setUp(self):
        self.lb = self.balancer()
        self.key_file = os.path.join(self.folder, "key")
        with open(self.key_file, "w", encoding="ascii") as file:
            file.write(CANARY)

    def see(self, what, text):
        self.assertNotIn(CANARY, text, what)

    def test_of_a_bad_file_at_the_start(self):
        for bad in BAD:
            text = RULES + bad.replace("%s", CANARY)
            self.lb.write(text)
            done = run([paths.control_plane(), "--config", self.lb.config_path, "--state-dir",
                        self.lb.state, "--admin-api", self.lb.admin_api, "--worker-api",
                        self.lb.worker_api, "--log-level", "debug"])
            self.assertEqual(done.returncode, 1, done.stderr)
            self.see(bad, done.stdout + done.stderr)
            self.assertIn(" error LB", done.stderr, bad)
            checked = self.lb.lbctl("config", "validate", self.lb.config_path)
            self.see(bad, checked.stdout + checked.stderr)

    def test_of_a_good_one_while_it_runs(self):
        self.lb.write(GOOD % ("${file:%s}" % self.key_file))
        self.lb.start_control(flags=["--log-level", "debug"])
        worker = self.lb.start_worker(flags=["--log-level", "debug"])
        worker.wait_until_ready()
        new = os.path.join(self.folder, "new.yaml")
        for value in VALUES:
            with open(new, "w", encoding="utf-8") as file:
                file.write(GOOD % value)
            for arguments in (["plan", new], ["apply", new], ["apply", new, "--dry-run"]):
                done = self.lb.lbctl(*arguments)
                self.assertIn(done.returncode, (0, 1), done.stderr)
                self.see(arguments, done.stdout + done.stderr)
        with open(new, "w", encoding="utf-8") as file:
            file.write(RULES + BAD[0].replace("%s", CANARY))
        done = self.lb.lbctl("apply", new)
        self.assertNotEqual(done.returncode, 0)
        self.see("apply", done.stdout + done.stderr)
        for arguments in (["config", "get"], ["config", "get", "2"], ["config", "get", "3"],
                          ["config", "get", "4"], ["config", "list", "-o", "json"],
                          ["config", "diff", "2", "4"], ["get", "events"], ["status", "-o", "json"]):
            done = self.lb.lbctl(*arguments)
            self.assertIn(done.returncode, (0, 1), done.stderr)
            self.see(arguments, done.stdout + done.stderr)
        for http in (harness.balancer.HTTP, worker.http):
            self.see("metrics", http_get(http, "/metrics")[1])
        for process in (self.lb.control, worker.process):
            with open("/proc/%d/cmdline" % process.pid, encoding="utf-8") as file:
                self.see("cmdline", file.read())
            self.see("log", process.log())


if __name__ == "__main__":
    harness.main()
