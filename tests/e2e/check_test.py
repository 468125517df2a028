"""lbctl check against a real control plane and workers: one thing broken at a time."""

import base64
import concurrent.futures
import json
import os
import pty
import signal
import subprocess

import grpc
import harness
from harness import paths, wait_for
from harness.certificates import Authority, tls_flags
from harness.process import run

LISTEN = "127.0.0.1:8080"
# What the machine that runs the tests is like is not ours to judge.
OURS = "ports,configuration,versions,workers,backends,api"


def config(listen=LISTEN, **more):
    backends = [{"name": "web-1", "address": "127.0.0.1:9001"}]
    check = {"protocol": "tcp", "interval_ms": 200, "timeout_ms": 100, "rise": 1, "fall": 1}
    return {"rules": [{"name": "web", "listen": listen, "backends": backends,
                       "health_check": check, **more}]}


class CheckTest(harness.Case):
    def check(self, lb, *flags):
        """Exit code, and {code: (result, text)} of what is neither good nor left out."""
        done = lb.lbctl("check", *flags, "-o", "json")
        report = json.loads(done.stdout)
        self.assertEqual(report["success"], done.returncode == 0)
        found = {}
        for category in report["categories"]:
            for check in category["checks"]:
                if check["result"] in ("warning", "error"):
                    self.assertTrue(check["hint"], check)
                    found[check["id"]] = (check["result"], check["error"])
        return done.returncode, found

    def serve(self):
        self.backend, = self.servers("127.0.0.1:9001")
        lb = self.balancer().start(config(), workers=2)
        wait_for(lambda: lb.items("backends")["web-1"]["health"] == "HEALTH_STATE_HEALTHY", 20,
                 "the backend is up")
        return lb

    def test_nothing_is_found_where_nothing_is_wrong(self):
        lb = self.serve()
        self.assertEqual(self.check(lb, "--only", OURS, "--fail-on", "warning"), (0, {}))
        done = lb.lbctl("check", "--only", "ports")
        self.assertIn("ok   the addresses of all rules are listened on", done.stdout)
        self.assertEqual(done.stderr, "")

    def test_a_stopped_worker_is_silent_until_it_goes_on(self):
        lb = self.serve()
        worker = lb.workers["worker-2"].process
        worker.send(signal.SIGSTOP)
        wait_for(lambda: "LBC703" in self.check(lb, "--only", "workers")[1], 20, "LBC703")
        worker.send(signal.SIGCONT)
        done = lb.lbctl("check", "--only", "workers", "--wait", "20s")
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_a_taken_port_is_found_with_its_place_and_a_file_that_does_not_run(self):
        lb = self.serve()
        lb.write(config(listen="127.0.0.1:9001"))
        wait_for(lambda: "LBC301" in self.check(lb, "--only", OURS)[1], 20, "LBC301")
        code, found = self.check(lb, "--only", OURS)
        self.assertEqual(code, 1)
        self.assertIn("Address already in use", found["LBC301"][1])
        self.assertIn("BIND_FAILED", found["LBC702"][1])

    def test_a_bad_file_is_found_here_and_by_the_control_plane(self):
        lb = self.serve()
        lb.write(config(lisen="x"))
        wait_for(lambda: "LBC404" in self.check(lb, "--only", OURS)[1], 20, "LBC404")
        code, found = self.check(lb, "--only", OURS)
        self.assertEqual((code, set(found)), (1, {"LBC401", "LBC403", "LBC404"}))
        self.assertIn("unknown key 'lisen'", found["LBC401"][1])
        self.assertIn(lb.config_path + ":", found["LBC401"][1])

    def test_a_backend_that_is_down_is_found_and_its_rule(self):
        lb = self.serve()
        self.backend.kill()
        wait_for(lambda: "LBC802" in self.check(lb, "--only", OURS)[1], 20, "LBC802")
        code, found = self.check(lb, "--only", OURS)
        self.assertEqual((code, set(found)), (1, {"LBC801", "LBC802"}))

    def test_without_a_control_plane_what_can_be_checked_is(self):
        lb = self.balancer()
        lb.write(config(listen="127.0.0.1:9001"))
        code, found = self.check(lb, "--only", OURS, "--config", lb.config_path)
        self.assertEqual((code, set(found)), (1, {"LBC901"}))
        pre = ("--pre", "--only", "ports,configuration,api", "--config", lb.config_path)
        self.assertEqual(self.check(lb, *pre), (0, {}))
        self.servers("127.0.0.1:9001")
        code, found = self.check(lb, *pre)
        self.assertEqual((code, set(found)), (1, {"LBC303"}))
        self.assertIn("127.0.0.1:9001: Address already in use", found["LBC303"][1])

    def test_symbols_are_for_terminals_that_speak_utf8(self):
        for locale, mark in (("C.UTF-8", "√ SO_REUSEPORT works"), ("C", "ok   SO_REUSEPORT works")):
            master, slave = pty.openpty()
            done = subprocess.run([paths.lbctl(), "--no-color", "check", "--pre", "--only",
                                   "kernel"], stdout=slave, env={"LC_ALL": locale, "TERM": "xterm"},
                                  timeout=30 * harness.SLOW, check=False)
            os.close(slave)
            self.assertIn(done.returncode, (0, 1))
            self.assertIn(mark, os.read(master, 65536).decode())
            os.close(master)

    def test_usage(self):
        lb = self.balancer()
        for flags, text in ((["--only", "wokers"], "did you mean 'workers'"),
                            (["--fail-on", "info"], "not one of warning, error"),
                            (["-o", "name"], "table, json or yaml")):
            done = lb.lbctl("check", *flags)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn(text, done.stderr)

    def test_certificates_and_mutual_tls(self):
        ca = Authority(os.path.join(self.folder, "pki"))
        server, admin = ca.issue_server(), ca.issue_role("admin", "x")
        lb = self.balancer()
        lb.write(config())
        flags = ["--admin-api", "127.0.0.1:9901"] + tls_flags(ca.cert, server)
        lb.start_control(flags=flags)
        wait_for(lambda: lb.json("status"), 20, "the control plane answers")
        lb.admin_api = "127.0.0.1:9901"
        only = ["--only", "certificates,api", *tls_flags(ca.cert, admin)]
        code, found = self.check(lb, *only)
        self.assertNotIn("LBC903", found)
        self.assertNotIn("LBC601", found)
        done = lb.lbctl("check", *only)
        self.assertIn("ok   TCP is closed to those without a certificate", done.stdout)
        os.chmod(server[1], 0o644)
        code, found = self.check(lb, *only)
        self.assertEqual(code, 1)
        self.assertIn("of lb-controlplane (pid", found["LBC602"][1])


    def test_an_api_that_asks_for_no_certificate_is_found(self):
        ca = Authority(os.path.join(self.folder, "pki"))
        cert, key = ca.issue_server()
        with open(cert, "rb") as one, open(key, "rb") as other:
            no_client = grpc.ssl_server_credentials([(other.read(), one.read())])
        server = grpc.server(concurrent.futures.ThreadPoolExecutor(1))
        self.addCleanup(server.stop, None)
        server.add_secure_port("127.0.0.1:9901", no_client)
        server.add_insecure_port("127.0.0.1:9902")
        server.start()
        lb = self.balancer()
        for address in ("127.0.0.1:9901", "127.0.0.1:9902"):
            lb.admin_api = address
            code, found = self.check(lb, "--only", "api", *tls_flags(ca.cert, (cert, key)))
            self.assertEqual((code, set(found)), (1, {"LBC901", "LBC903"}))
            self.assertIn(address, found["LBC903"][1])


class BundleTest(harness.Case):
    CANARY = "canary7c41f09b72"

    def unpack(self, path):
        """{path: content} of the bundle, unpacked by tar."""
        folder = os.path.join(self.folder, "unpacked")
        os.makedirs(folder)
        done = run(["tar", "-xzf", path, "-C", folder])
        self.assertEqual(done.returncode, 0, done.stderr)
        found = {}
        for base, _, names in os.walk(folder):
            for name in names:
                with open(os.path.join(base, name), "rb") as file:
                    key = os.path.relpath(os.path.join(base, name), folder)
                    found[key.partition("/")[2]] = file.read()
        return found

    def test_everything_is_in_it_and_no_secret(self):
        ca = Authority(os.path.join(self.folder, "pki"))
        server, admin = ca.issue_server(), ca.issue_role("admin", "x")
        canaries = [self.CANARY.encode()]
        for pair in (server, admin):
            with open(pair[1], "rb") as file:
                canaries.append(file.read().split(b"\n")[1])  # The first line of the key itself.
        lb = self.balancer()
        self.servers("127.0.0.1:9001")
        key = base64.b64encode(self.CANARY.encode()[:16]).decode()
        canaries.append(key.encode())
        lb.write({"cluster": {"enabled": False, "key": key}, **config()})
        tls = tls_flags(ca.cert, server)
        lb.start_control(flags=["--admin-api", "127.0.0.1:9901", "--log-level", "debug", *tls],
                         env={"LB_CANARY": self.CANARY})
        lb.start_worker("worker-1").wait_until_ready()
        lb.wait_until_synced()
        # A secret where none can be: refused, and what is said of it must not show it.
        secret = os.path.join(self.folder, "secret")
        with open(secret, "w", encoding="utf-8") as file:
            file.write(self.CANARY)
        lb.write({"cluster": {"key": self.CANARY},
                  **config(balance="${file:%s}" % secret, max_connections="${LB_CANARY}")})
        wait_for(lambda: not lb.json("status")["file"].get("good"), 20, "the file is refused")
        lb.admin_api = "127.0.0.1:9901"
        out = os.path.join(self.folder, "b.tar.gz")
        done = lb.lbctl("debug", "bundle", "--out", out, "--duration", "1s",
                        *tls_flags(ca.cert, admin))
        self.assertEqual((done.returncode, done.stdout), (0, out + "\n"), done.stderr)
        self.assertNotIn("not in it", done.stderr)
        self.assertEqual(os.stat(out).st_mode & 0o777, 0o600)
        found = self.unpack(out)
        manifest = json.loads(found["manifest.json"])
        self.assertEqual(manifest["missing"], [])
        parts = {"%s.json" % name for name in (
            "status", "workers", "rules", "backends", "events", "operations", "configs", "rollout",
            "version", "check", "log-levels", "channelz/servers", "channelz/top-channels",
            "begin/status")} | {"config.yaml", "check.txt"}
        self.assertEqual(parts - set(found), set())
        metrics = [name for name in found if name.endswith(".prom")]
        self.assertEqual(len(metrics), 4, metrics)  # Two programs, twice.
        for name in metrics:
            self.assertIn(b"lb_build_info", found[name])
        self.assertIn(b"web-1", found["config.yaml"])
        self.assertIn(b"hidden-secret", found["config.yaml"])
        self.assertIn(b"LBC404", found["check.txt"])
        self.assertTrue(json.loads(found["channelz/servers.json"]).get("server"))
        for name, content in found.items():
            for canary in canaries:
                self.assertNotIn(canary, content, name)
        self.figure("%d parts, %d bytes", len(found), os.stat(out).st_size)

    def test_it_never_overwrites_and_names_what_is_missing(self):
        lb = self.balancer()
        lb.write(config())
        out = os.path.join(self.folder, "b.tar.gz")
        done = lb.lbctl("debug", "bundle", "--out", out)
        self.assertEqual((done.returncode, done.stdout), (7, out + "\n"))
        self.assertIn("not in it: workers.json: cannot reach the control plane", done.stderr)
        found = self.unpack(out)
        missing = {one["part"] for one in json.loads(found["manifest.json"])["missing"]}
        self.assertIn("status.json", missing)
        self.assertIn(b"LBC901", found["check.txt"])
        with open(out, "rb") as file:
            before = file.read()
        done = lb.lbctl("debug", "bundle", "--out", out)
        self.assertEqual((done.returncode, done.stdout), (6, ""))
        self.assertIn("not overwritten", done.stderr)
        with open(out, "rb") as file:
            self.assertEqual(file.read(), before)

    def test_a_control_plane_that_hangs_is_waited_for_once(self):
        lb = self.balancer().start(config())
        lb.control.send(signal.SIGSTOP)
        out = os.path.join(self.folder, "b.tar.gz")
        done = lb.lbctl("--timeout", "2s", "debug", "bundle", "--out", out, timeout=20)
        lb.control.send(signal.SIGCONT)
        self.assertEqual(done.returncode, 7, done.stderr)
        found = self.unpack(out)
        self.assertIn(b"LBC901", found["check.txt"])
        workers = [name for name in found if name.startswith("metrics/worker-1-")]
        self.assertEqual(len(workers), 1, list(found))

    def test_a_viewer_gets_all_but_channelz(self):
        ca = Authority(os.path.join(self.folder, "pki"))
        lb = self.balancer()
        lb.write(config())
        flags = ["--admin-api", "127.0.0.1:9901", *tls_flags(ca.cert, ca.issue_server())]
        lb.start_control(flags=flags)
        wait_for(lambda: lb.json("status"), 20, "the control plane answers")
        lb.admin_api = "127.0.0.1:9901"
        out = os.path.join(self.folder, "b.tar.gz")
        done = lb.lbctl("debug", "bundle", "--out", out,
                        *tls_flags(ca.cert, ca.issue_role("viewer", "x")))
        self.assertEqual(done.returncode, 0, done.stderr)
        missing = json.loads(self.unpack(out)["manifest.json"])["missing"]
        self.assertEqual({one["part"] for one in missing},
                         {"channelz/servers.json", "channelz/top-channels.json"})


if __name__ == "__main__":
    harness.main()
