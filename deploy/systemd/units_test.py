#!/usr/bin/python3
"""The units as systemd reads them: no complaint, hardened, and what deploy and upgrade rely on."""

import glob
import os
import re
import shutil
import subprocess
import tempfile
import unittest

UNITS = "deploy/systemd"
SERVICES = ("lb-controlplane.service", "lb-worker@.service")
EXPOSURE_MAX = 20  # Tenths: "2.0 OK" of ten.

EXPECTED = {
    "lb-controlplane.service": {
        "Type": ["notify"],
        "NotifyAccess": ["main"],
        "Before": ["lb.target"],
        "User": ["lb"],
        "WatchdogSec": ["10s"],
        "Restart": ["on-failure"],
        "RestartSec": ["1s"],
        "StartLimitIntervalSec": ["0"],
        "LimitNOFILE": ["1048576"],
        "ExecReload": [
            "/usr/bin/lb-controlplane --check-config --config /etc/lb/lb.yaml",
            "/bin/sh -c 'kill -HUP $MAINPID'",
        ],
        "CapabilityBoundingSet": [""],
    },
    "lb-worker@.service": {
        "Type": ["notify"],
        "NotifyAccess": ["main"],
        "Before": ["lb.target"],
        "User": ["lb"],
        "KillMode": ["mixed"],
        "RestartKillSignal": ["SIGINT"],
        "TimeoutStartSec": ["infinity"],
        "TimeoutStopSec": ["40s"],
        "Environment": ["LB_DRAIN_TIMEOUT=30s"],
        "FileDescriptorStoreMax": ["512"],
        "Restart": ["on-failure"],
        "RestartSec": ["1s"],
        "StartLimitIntervalSec": ["0"],
        "LimitNOFILE": ["1048576"],
        "AmbientCapabilities": ["CAP_NET_BIND_SERVICE"],
    },
    # Both ends of a boot that does not wait for workers, and of a shutdown that does.
    "lb.target": {
        "DefaultDependencies": ["no"],
        "Conflicts": ["shutdown.target"],
        "Before": ["shutdown.target"],
    },
}


def settings(unit):
    """{key: [values]} of a unit file."""
    found = {}
    with open(os.path.join(UNITS, unit), encoding="utf-8") as file:
        for line in file:
            if "=" in line and not line.startswith("#"):
                key, value = line.rstrip("\n").split("=", 1)
                found.setdefault(key, []).append(value)
    return found


def analyze(*arguments):
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, check=False,
        env={**os.environ, "SYSTEMD_COLORS": "0", "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"})


class UnitsTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="lb-units-")
        self.addCleanup(shutil.rmtree, self.folder)

    def copy(self, unit, *changes):
        """A copy whose programs exist here, changed further by (old, new)."""
        with open(os.path.join(UNITS, unit), encoding="utf-8") as file:
            text = file.read()
        for old, new in (("/usr/bin/lb-controlplane", "/bin/true"), ("/usr/bin/lb-worker", "/bin/true"), *changes):
            self.assertIn(old, text) if (old, new) in changes else None
            text = text.replace(old, new)
        path = os.path.join(self.folder, unit)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def verify(self, paths):
        done = analyze("verify", "--man=no", *paths)
        return done.returncode, done.stderr

    def test_systemd_has_no_complaint(self):
        units = [os.path.basename(path) for suffix in ("service", "target") for path in glob.glob(UNITS + "/*." + suffix)]
        self.assertEqual(len(units), 3, units)
        self.assertEqual(self.verify([self.copy(unit) for unit in units]), (0, ""))

    def test_a_mistake_is_a_complaint(self):
        path = self.copy("lb-worker@.service", ("KillMode=mixed", "KillMod=mixed"))
        self.assertIn("KillMod", self.verify([path])[1])

    def test_little_is_exposed(self):
        for unit in SERVICES:
            done = analyze("security", "--offline=true", "--no-pager", "--threshold=%d" % EXPOSURE_MAX, self.copy(unit))
            print(done.stdout.strip().splitlines()[-1])
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_an_unprotected_unit_is_found(self):
        path = self.copy("lb-worker@.service", ("SystemCallFilter=@system-service", ""), ("ProtectSystem=strict", ""))
        done = analyze("security", "--offline=true", "--no-pager", "--threshold=%d" % EXPOSURE_MAX, path)
        self.assertNotEqual(done.returncode, 0)

    def test_what_others_rely_on_is_there(self):
        for unit, expected in EXPECTED.items():
            found = settings(unit)
            self.assertEqual({key: found.get(key) for key in expected}, expected, unit)

    def test_users_and_folders_are_made_as_the_tools_read_them(self):
        """In a root of their own: the user, its groups, and the folder of the sockets."""
        root = os.path.join(self.folder, "root")
        os.makedirs(root + "/etc")
        for kind in ("passwd", "group"):
            open(root + "/etc/" + kind, "w", encoding="utf-8").close()
        for name in ("lb-controlplane", "lb-worker"):
            source = os.path.realpath("%s/%s.sysusers" % (UNITS, name))
            done = subprocess.run(["systemd-sysusers", "--root=" + root, source], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
        with open(root + "/etc/passwd", encoding="utf-8") as file:
            self.assertRegex(file.read(), r"^lb:x:\d+:\d+:TCP load balancer:/var/lib/lb:\S*nologin\n$")
        with open(root + "/etc/group", encoding="utf-8") as file:
            groups = {line.split(":")[0]: line.strip().split(":")[3] for line in file}
        self.assertEqual(groups, {"lb": "", "lb-admin": "lb"})
        with open(UNITS + "/lb-worker.tmpfiles", "rb") as worker, open(UNITS + "/lb-controlplane.tmpfiles", "rb") as control:
            self.assertEqual(worker.read(), control.read())

    def test_logrotate_reads_its_file(self):
        logrotate = shutil.which("logrotate", path="/usr/sbin:/usr/bin")
        if logrotate is None:
            self.skipTest("logrotate is not installed")
        copy = os.path.join(self.folder, "logrotate")
        shutil.copy(UNITS + "/lb-worker.logrotate", copy)
        with open(copy, encoding="utf-8") as file:
            text = file.read().replace("su lb lb", "su root root").replace("0640 lb lb", "0640 root root")
        with open(copy, "w", encoding="utf-8") as file:
            file.write(text)
        done = subprocess.run([logrotate, "--debug", "--state", self.folder + "/state", copy], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("error", done.stderr)

    def test_the_store_takes_as_much_as_a_worker_puts_there(self):
        with open("dataplane/control/descriptor_store.h", encoding="utf-8") as file:
            stored = re.search(r"kMaxStored = (\d+);", file.read()).group(1)
        self.assertEqual(settings("lb-worker@.service")["FileDescriptorStoreMax"], [stored])


if __name__ == "__main__":
    unittest.main(verbosity=2)
