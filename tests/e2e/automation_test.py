"""deploy/examples/automation.py does what it says, against a control plane and two workers; and a
watch that is cut at random sees every event exactly once."""

import importlib.util
import os
import random
import sys
import tempfile
import threading

import harness
from harness import wait_for
from harness.process import run

sys.dont_write_bytecode = True
SCRIPT = "deploy/examples/automation.py"
CUTS = 100
CONFIG = """\
rules:
  - name: web
    listen: "127.0.0.1:8080"
    backends: [{address: "127.0.0.1:9001", weight: %d}]
"""


def script():
    spec = importlib.util.spec_from_file_location("automation", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class AutomationTest(harness.Case):
    def setUp(self):
        self.servers("127.0.0.1:9001")
        self.lb = self.balancer()
        self.lb.start(CONFIG % 1, workers=2)

    def test_the_example_does_what_it_says(self):
        path = os.path.join(self.folder, "new.yaml")
        with open(path, "w") as file:
            file.write(CONFIG % 2)
        argv = ["/usr/bin/python3", SCRIPT, "--endpoint", self.lb.admin_api, "--protos", "proto"]
        done = run([*argv, "--config", path, "--worker", "worker-1"], 60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for expected in (
            "applied: revision 2 after 1",
            "failed: ABORTED REVISION_MISMATCH",
            "failed: INVALID_ARGUMENT FILTER_INVALID",
            "event worker.drain workers/worker-1",
            "drained: operations/",
            "done",
        ):
            self.assertIn(expected, done.stdout, done.stderr)
        with open(self.lb.config_path) as file:
            self.assertEqual(file.read(), CONFIG % 2)

    def test_what_it_cannot_do_is_said_in_a_line(self):
        path = os.path.join(self.folder, "new.yaml")
        with open(path, "w") as file:
            file.write(CONFIG % 2)
        argv = ["/usr/bin/python3", SCRIPT, "--protos", "proto", "--config", path]
        nobody = run([*argv, "--endpoint", "unix:%s/none" % self.folder, "--worker", "worker-1"], 60)
        self.assertEqual((nobody.returncode, nobody.stderr), (1, ""))
        self.assertIn("failed: UNAVAILABLE", nobody.stdout)
        self.assertEqual(self.lb.lbctl("worker", "drain", "worker-2", "--yes").returncode, 0)
        alone = run([*argv, "--endpoint", self.lb.admin_api, "--worker", "worker-1"], 60)
        self.assertEqual((alone.returncode, alone.stderr), (1, ""))
        self.assertIn("failed: FAILED_PRECONDITION LAST_ACCEPTING_WORKER", alone.stdout)

    def test_a_watch_cut_a_hundred_times_sees_every_event_once(self):
        automation, chance = script(), random.Random(1)
        with tempfile.TemporaryDirectory() as folder:
            api = automation.Api("proto", folder)
            seen, stop, first, cuts = [], automation.Stop(), threading.Event(), []

            def cut(_):
                if len(cuts) >= CUTS or chance.random() < 0.3:
                    return False
                cuts.append(1)
                return True

            watcher = threading.Thread(
                target=automation.watch,
                args=(api, self.lb.admin_api, seen.append, stop, first),
                kwargs={"cut": cut},
            )
            watcher.start()
            try:
                self.assertTrue(first.wait(30))
                kept = self.make_events(automation, api, seen, cuts)
                wait_for(lambda: seen and seen[-1].resume_token == kept[-1], 30, "the last event")
            finally:
                stop.set()
                watcher.join(60)
            self.assertGreaterEqual(len(cuts), CUTS)
            self.assertEqual([event.resume_token for event in seen], kept)
            self.figure("%d cuts, %d events, each once", len(cuts), len(kept))

    def make_events(self, automation, api, seen, cuts):
        """Orders until the watch was cut often enough; the tokens of all events, in order."""
        with automation.grpc.insecure_channel(self.lb.admin_api) as channel:
            workers = api.admin_calls.WorkerServiceStub(channel)
            for _ in range(20 * CUTS):
                if len(cuts) >= CUTS:
                    break
                before = len(seen)
                for call, request in (
                    (workers.DrainWorker, api.admin.DrainWorkerRequest),
                    (workers.UndrainWorker, api.admin.UndrainWorkerRequest),
                ):
                    call(request(name="workers/worker-1"), timeout=30)
                wait_for(lambda: len(seen) > before, 30, "an event of these orders")
            tokens, request = [], api.event.ListEventsRequest(page_size=1000)
            events = api.event_calls.EventServiceStub(channel)
            while True:
                page = events.ListEvents(request, timeout=30)
                tokens += [event.resume_token for event in page.events]
                request.page_token = page.next_page_token
                if not page.next_page_token:
                    return tokens


if __name__ == "__main__":
    harness.main()
