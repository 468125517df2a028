"""One control plane, its workers, its configuration file, and lbctl, in one folder."""

import json
import os
import signal

from harness import paths
from harness.metrics import http_get, parse_metrics
from harness.process import run
from harness.waiting import SLOW, wait_for

_SYNCED = "SYNC_SYNCED"
HTTP = "127.0.0.1:9903"


def yaml(config):
    """A configuration as text. JSON is YAML; tests of the format itself write their own text."""
    return json.dumps(config, indent=2) + "\n"


class LbctlError(OSError):
    """lbctl did not succeed; an OSError, so that waiting for the control plane can go on."""


class Worker:
    """One worker process."""

    def __init__(self, case, balancer, name, threads, drain_timeout, control=None, flags=(), env=None):
        self.name = name
        self.http = "unix:%s/%s.http" % (balancer.folder, name)
        argv = [paths.worker(), "--control", control or balancer.worker_api, "--id", name]
        argv += ["--threads", threads, "--http", self.http, "--drain-timeout", drain_timeout, *flags]
        self.process = case.start(name, argv, env=env)

    def metrics(self):
        status, text = http_get(self.http, "/metrics")
        if status != 200:
            raise OSError("metrics of %s: %d" % (self.name, status))
        return parse_metrics(text)

    def ready(self):
        return http_get(self.http, "/readyz")[0] == 200

    def counts(self):
        """The product's own metrics that are not zero, as text."""
        lines = http_get(self.http, "/metrics")[1].splitlines()
        return "\n".join(
            line for line in lines if line.startswith("lb_") and not line.endswith(" 0")
        )

    def wait_until_ready(self):
        wait_for(self.ready, 20, self.name + " is ready")


class Balancer:
    """Starts nothing by itself: write(), then start().

    `name`: its node id, for tests with several of them; each then has a folder and a page of its own.
    """

    def __init__(self, case, name=None, http=HTTP):
        self._case = case
        self.name = name or "node-1"
        self.http = http
        self.folder = os.path.join(case.folder, name) if name else case.folder
        self._log_name = "controlplane-" + name if name else "controlplane"
        self.config_path = os.path.join(self.folder, "lb.yaml")
        self.state = os.path.join(self.folder, "state")
        self.worker_api = "unix:%s/worker.sock" % self.folder
        self.admin_api = "unix:%s/admin.sock" % self.folder
        self.control = None
        self.workers = {}
        self._seen = (0, 0)  # The version that was last waited for.
        os.makedirs(self.state, exist_ok=True)

    def write(self, text):
        """Replaces the configuration file as editors and Kubernetes do: whole, by a rename."""
        if not isinstance(text, (str, bytes)):
            text = yaml(text)
        data = text if isinstance(text, bytes) else text.encode()
        with open(self.config_path + ".new", "wb") as file:
            file.write(data)
        os.rename(self.config_path + ".new", self.config_path)

    def start_control(self, env=None, flags=()):
        argv = [paths.control_plane(), "--config", self.config_path, "--state-dir", self.state]
        argv += ["--worker-api", self.worker_api, "--admin-api", self.admin_api]
        argv += ["--http", self.http, "--node-id", self.name, *flags]
        self.control = self._case.start(self._log_name, argv, env=env)
        return self.control

    def start_worker(self, name="worker-1", threads=2, drain_timeout="30s", **tls):
        self.workers[name] = Worker(self._case, self, name, threads, drain_timeout, **tls)
        return self.workers[name]

    def start(self, config=None, workers=1, threads=2):
        """The usual scene: the file, the control plane, and workers that serve."""
        if config is not None:
            self.write(config)
        self.start_control()
        for number in range(1, workers + 1):
            self.start_worker("worker-%d" % number, threads)
        for worker in self.workers.values():
            worker.wait_until_ready()
        self.wait_until_synced()
        return self

    def stop(self):
        """Ends everything at once and checks that the ends are clean."""
        for worker in self.workers.values():
            if worker.process.running():
                self._case.last_words.append("---- %s\n%s" % (worker.name, worker.counts()))
                code = worker.process.stop(signal.SIGQUIT, 20 * SLOW)
                self._case.assertEqual(code, 0, worker.name + " after SIGQUIT")
        if self.control is not None and self.control.running():
            code = self.control.stop(signal.SIGTERM, 20 * SLOW)
            self._case.assertEqual(code, 0, "the control plane after SIGTERM")

    # lbctl

    def lbctl(self, *arguments, timeout=30):
        """Runs lbctl on the admin socket: the CompletedProcess."""
        return run([paths.lbctl(), "--endpoint", self.admin_api, *arguments], timeout * SLOW)

    def json(self, *arguments):
        """What lbctl prints as JSON; LbctlError when it fails."""
        done = self.lbctl(*arguments, "-o", "json")
        if done.returncode != 0:
            text = "lbctl %s: exit %d\n%s"
            raise LbctlError(text % (" ".join(arguments), done.returncode, done.stderr))
        return json.loads(done.stdout)

    def items(self, kind):
        """Items of `lbctl get KIND` by the last part of their names."""
        return {item["name"].split("/")[-1]: item for item in self.json("get", kind)["items"]}

    def worker_state(self, name="worker-1"):
        return self.items("workers").get(name, {})

    # Configuration changes

    def apply(self, config):
        """Writes a configuration that changes something and waits until every worker runs it."""
        self.write(config)
        self.wait_until_newer()

    def wait_until_newer(self):
        """Waits for a configuration newer than at the last wait, run by every worker."""

        def newer():
            return self._running() > self._seen

        wait_for(newer, 20, "a newer configuration than %s is in force" % (self._seen,))
        self.wait_until_synced()

    def wait_until_synced(self):
        def synced():
            running = self._running()
            states = self.items("workers")
            return all(
                states.get(name, {}).get("sync") == _SYNCED
                and _version(states[name]["acked"]) == running
                for name, worker in self.workers.items()
                if worker.process.running()
            ) and (running,)

        (self._seen,) = wait_for(synced, 20, "every worker runs the newest configuration")

    def _running(self):
        return _version(self.json("status").get("running", {}))

    # Numbers

    def control_metrics(self):
        status, text = http_get(self.http, "/metrics")
        if status != 200:
            raise OSError("metrics of the control plane: %d" % status)
        return parse_metrics(text)

    def sum(self, name, **labels):
        """Sum of a metric over the running workers."""
        workers = [w for w in self.workers.values() if w.process.running()]
        return sum(worker.metrics().sum(name, **labels) for worker in workers)


def _version(version):
    return int(version.get("epoch", 0)), int(version.get("revision", 0))
