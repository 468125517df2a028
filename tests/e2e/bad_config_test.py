"""Whatever is wrong with the file on disk, the running configuration stays, everybody is told, and
a good file heals it."""

import os
import socket

import harness
from harness import Requests, paths, wait_for
from harness.process import run

GOOD = """\
rules:
  - name: web
    listen: "127.0.0.1:8080"
    backends: ["127.0.0.1:9001"]
"""
HUGE_BYTES = 1 << 30

BAD = {
    "unknown key": GOOD.replace("listen:", "lisen:"),
    "duplicate key": GOOD + '    listen: "127.0.0.1:8081"\n',
    "wrong type": GOOD.replace('["127.0.0.1:9001"]', "7"),
    "out of range": GOOD.replace("9001", "90010"),
    "tab": GOOD.replace("    listen", "\tlisten"),
    "binary": bytes(range(256)) * 64,
    "empty": "",
    "half-written": GOOD[: len(GOOD) * 2 // 3],
    "not built yet": GOOD + "    timeouts: {max_duration: 1h}\n",
}


class BadConfigTest(harness.Case):
    def setUp(self):
        self.servers("127.0.0.1:9001", "127.0.0.1:9002")

    def last_reload(self):
        return self.lb.control_metrics().sum("lb_config_last_reload_successful")

    def file_status(self):
        return self.lb.json("status")["file"]

    def assert_serving(self):
        result = Requests(self, "127.0.0.1:8080", connections=20).result()
        self.assertEqual((result["errors"], result["backends"]), ({}, {"a": 20}))

    def assert_refused_offline(self, path):
        """--check-config and lbctl agree, with a finding for people."""
        for command in (
            [paths.control_plane(), "--config", path, "--check-config"],
            [paths.lbctl(), "config", "validate", path],
        ):
            done = run(command)
            self.assertEqual(done.returncode, 1, (command, done.stdout, done.stderr))
            self.assertIn("error", (done.stdout + done.stderr).lower())

    def assert_refused_but_serving(self):
        wait_for(lambda: self.last_reload() == 0, 10, "the bad file is noticed")
        status = self.file_status()
        self.assertFalse(status.get("good", False))
        self.assertTrue(status.get("badSinceTime"))
        self.assertGreater(len(status.get("problems", [])), 0)
        text = self.lb.lbctl("status").stdout
        self.assertIn("bad", text.lower(), text)
        self.assert_serving()

    def heal(self):
        self.lb.write(GOOD)
        wait_for(lambda: self.last_reload() == 1, 10, "the good file is accepted")
        self.assertTrue(self.file_status().get("good"))
        self.assertIsNone(self.file_status().get("badSinceTime"))

    def test_each_kind_is_refused_and_a_good_file_heals(self):
        self.lb = self.balancer().start(GOOD)
        version = self.lb.json("status")["running"]
        for kind, text in BAD.items():
            with self.subTest(kind=kind):
                self.lb.write(text)
                self.assert_refused_offline(self.lb.config_path)
                self.assert_refused_but_serving()
                self.heal()
        self.assertEqual(self.lb.json("status")["running"]["digest"], version["digest"])

    def test_a_gigabyte_is_refused_without_reading_it(self):
        self.lb = self.balancer().start(GOOD)
        with open(self.lb.config_path + ".new", "wb") as file:
            file.truncate(HUGE_BYTES)
        os.rename(self.lb.config_path + ".new", self.lb.config_path)
        self.assert_refused_offline(self.lb.config_path)
        self.assert_refused_but_serving()
        memory = self.lb.control_metrics().sum("process_resident_memory_bytes")
        self.figure("resident after a file of 1 GiB: %d bytes", memory)
        self.assertLess(memory, HUGE_BYTES / 2)
        self.heal()

    def test_a_file_that_cannot_be_read_is_refused(self):
        """Root reads everything, so the file becomes a folder, and then goes away."""
        self.lb = self.balancer().start(GOOD)
        os.unlink(self.lb.config_path)
        os.mkdir(self.lb.config_path)
        self.assert_refused_offline(self.lb.config_path)
        self.assert_refused_but_serving()
        os.rmdir(self.lb.config_path)
        self.assert_refused_offline(self.lb.config_path)
        self.assert_refused_but_serving()
        self.heal()

    def test_a_port_in_use_is_told_and_changes_nothing_else(self):
        self.lb = self.balancer().start(GOOD)
        acked = self.lb.worker_state()["acked"]
        with socket.create_server(("127.0.0.1", 8081)):
            more = GOOD.replace("9001", "9002")
            self.lb.write(more + GOOD.split("\n", 1)[1].replace("web", "busy").replace("8080", "8081"))
            wait_for(lambda: self.lb.worker_state()["sync"] == "SYNC_ERROR", 10, "a nack")
            state = self.lb.worker_state()
            self.assertEqual(state["nackReason"], "BIND_FAILED")
            told = str(state["problems"]) + self.lb.lbctl("get", "workers", "-o", "wide").stdout
            self.assertIn("127.0.0.1:8081", told)
            self.assertIn("Address already in use", told)
            self.assertEqual(state["acked"], acked)
            self.assert_serving()
        self.lb.wait_until_synced()
        for port in (8080, 8081):
            address = "127.0.0.1:%d" % port
            self.assertEqual(Requests(self, address, connections=2).result()["ok"], 2)

    def test_tcp_for_an_api_is_refused(self):
        self.lb = self.balancer()
        self.lb.write(GOOD)
        for flag in ("--worker-api", "--admin-api"):
            with self.subTest(flag=flag):
                argv = [paths.control_plane(), "--config", self.lb.config_path]
                argv += ["--state-dir", self.lb.state, "--http", harness.balancer.HTTP]
                apis = {"--worker-api": self.lb.worker_api, "--admin-api": self.lb.admin_api}
                for name, address in {**apis, flag: "127.0.0.1:9901"}.items():
                    argv += [name, address]
                done = run(argv, timeout=30)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn("127.0.0.1:9901", done.stderr + done.stdout)


if __name__ == "__main__":
    harness.main()
