#!/usr/bin/python3
"""What is in the packages: paths, modes, owners, conffiles, scripts, run paths, manual pages."""

import glob
import gzip
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

FOLDER = "deploy/debian/packages"
LINTIAN_ERRORS = "error"

# Every file that is no documentation, with its mode.
FILES = {
    "lb-common": {
        "lib/systemd/system/lb.target": 0o644,
        "usr/lib/lb/libgrpc_tls.so": 0o644,
    },
    "lb-controlplane": {
        "etc/default/lb-controlplane": 0o644,
        "etc/lb/lb.yaml": 0o640,
        "lib/systemd/system/lb-controlplane.service": 0o644,
        "usr/bin/lb-controlplane": 0o755,
        "usr/lib/sysusers.d/lb-controlplane.conf": 0o644,
        "usr/lib/tmpfiles.d/lb-controlplane.conf": 0o644,
        "usr/share/man/man5/lb.yaml.5.gz": 0o644,
        "usr/share/man/man8/lb-controlplane.8.gz": 0o644,
    },
    "lb-worker": {
        "etc/default/lb-worker": 0o644,
        "etc/logrotate.d/lb-worker": 0o644,
        "lib/systemd/system/lb-worker@.service": 0o644,
        "usr/bin/lb-worker": 0o755,
        "usr/lib/lb/restart-workers": 0o755,
        "usr/lib/sysusers.d/lb-worker.conf": 0o644,
        "usr/lib/tmpfiles.d/lb-worker.conf": 0o644,
        "usr/share/man/man8/lb-worker.8.gz": 0o644,
    },
    "lbctl": {
        "usr/bin/lbctl": 0o755,
        "usr/share/bash-completion/completions/lbctl": 0o644,
        "usr/share/fish/vendor_completions.d/lbctl.fish": 0o644,
        "usr/share/lb/lb.schema.json": 0o644,
        "usr/share/man/man1/lbctl.1.gz": 0o644,
        "usr/share/zsh/vendor-completions/_lbctl": 0o644,
    },
    "lb-doc": {},
}
CONFFILES = {
    "lb-controlplane": ["/etc/lb/lb.yaml", "/etc/default/lb-controlplane"],
    "lb-worker": ["/etc/logrotate.d/lb-worker", "/etc/default/lb-worker"],
}
PROGRAMS = {"lb-controlplane": "lb-controlplane", "lb-worker": "lb-worker", "lbctl": "lbctl"}
SCRIPTS = {
    "lb-common": {"postinst", "prerm", "postrm"},
    "lb-controlplane": {"postinst", "prerm", "postrm"},
    "lb-worker": {"preinst", "postinst", "prerm", "postrm"},
}


def run(*argv, **options):
    return subprocess.run(argv, capture_output=True, text=True, check=True, **options).stdout


class PackagesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="lb-packages-")
        cls.debs = {os.path.basename(path).split("_")[0]: path for path in glob.glob(FOLDER + "/*.deb")}
        for name, path in cls.debs.items():
            run("dpkg-deb", "--raw-extract", path, os.path.join(cls.folder, name))

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def path(self, name, *parts):
        return os.path.join(self.folder, name, *parts)

    def test_they_are_all_there(self):
        self.assertEqual(set(self.debs), set(FILES))

    def test_files_have_their_places_modes_and_owner(self):
        for name, expected in FILES.items():
            found = {}
            for line in run("dpkg-deb", "--contents", self.debs[name]).splitlines():
                mode, owner, _, _, _, path = line.split(None, 5)
                self.assertEqual(owner, "root/root", line)
                self.assertNotIn("w", mode[4:], line)  # Nobody else writes.
                path = path[2:]
                if mode[0] == "-" and not path.startswith("usr/share/doc/"):
                    bits = "".join("0" if letter == "-" else "1" for letter in mode[1:])
                    found[path] = int(bits, 2)
            self.assertEqual(found, expected, name)

    def test_an_administrators_files_are_conffiles(self):
        for name in FILES:
            path, found = self.path(name, "DEBIAN/conffiles"), []
            if os.path.exists(path):
                with open(path, encoding="utf-8") as file:
                    found = file.read().split()
            self.assertEqual(found, CONFFILES.get(name, []), name)
            below_etc = [file for file in FILES[name] if file.startswith("etc/")]
            self.assertEqual(sorted(found), sorted("/" + file for file in below_etc), name)

    def test_scripts_are_executable_and_parse(self):
        for name in FILES:
            control = self.path(name, "DEBIAN")
            found = {part for part in os.listdir(control) if part.endswith(("inst", "rm"))}
            self.assertEqual(found, SCRIPTS.get(name, set()), name)
            for script in found:
                self.assertTrue(os.access(os.path.join(control, script), os.X_OK))
                run("sh", "-n", os.path.join(control, script))

    def test_an_upgrade_reads_defaults_as_systemd_does(self):
        """Values with spaces need no quotes there; as a shell script the file would fail."""
        with open(self.path("lb-worker", "DEBIAN/postinst"), encoding="utf-8") as file:
            script = file.read()
        defaults = os.path.join(self.folder, "defaults")
        self.assertIn("/etc/default/lb-worker", script)
        script = script.replace("/etc/default/lb-worker", defaults) + 'echo "$kRestart"\n'
        script = script.replace("\nexit 0\n", "\n")
        for line, restart in (("", "yes"), ("LB_RESTART_ON_UPGRADE=no", "no"), ("LB_RESTART_ON_UPGRADE='no' ", "no"),
                              ('LB_RESTART_ON_UPGRADE=no\nLB_RESTART_ON_UPGRADE="yes"', "yes"), ("#LB_RESTART_ON_UPGRADE=no", "yes")):
            with open(defaults, "w", encoding="utf-8") as file:
                file.write("LB_WORKER_FLAGS=--threads 2 --log-level debug\n%s\n" % line)
            self.assertEqual(run("sh", "-c", script, "postinst", "none").strip(), restart, line)

    def test_programs_are_stripped_and_find_libraries_by_their_own_place_only(self):
        for name, program in PROGRAMS.items():
            path = self.path(name, "usr/bin", program)
            runpaths = re.findall(r"\((?:RUNPATH|RPATH)\).*\[(.*)\]", run("readelf", "-d", path))
            self.assertEqual(runpaths, ["$ORIGIN/../lib/lb:$ORIGIN/../lib/x86_64-linux-gnu/android"], name)
            self.assertNotIn(".symtab", run("readelf", "-SW", path))
        library = self.path("lb-common", "usr/lib/lb/libgrpc_tls.so")
        self.assertNotRegex(run("readelf", "-d", library), "RUNPATH|RPATH")
        self.assertNotIn(".symtab", run("readelf", "-SW", library))

    def test_programs_run_from_where_they_are_installed(self):
        """All packages in one tree, with the machine's own libraries where they would be."""
        root = self.path("root")
        for name in FILES:
            run("dpkg-deb", "--extract", self.debs[name], root)
        os.makedirs(root + "/usr/lib/x86_64-linux-gnu", exist_ok=True)
        os.symlink("/usr/lib/x86_64-linux-gnu/android", root + "/usr/lib/x86_64-linux-gnu/android")
        for program in PROGRAMS.values():
            self.assertRegex(run("%s/usr/bin/%s" % (root, program), "--version", env={}), r"\b0\.\d+\.\d+\b")

    def test_the_first_configuration_is_good(self):
        done = subprocess.run(
            ["controlplane/lb-controlplane", "--check-config", "--config", self.path("lb-controlplane", "etc/lb/lb.yaml")],
            capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("0 errors", done.stdout)

    def test_dependencies_are_named(self):
        for name in PROGRAMS:
            depends = run("dpkg-deb", "-f", self.debs[name], "Depends")
            version = run("dpkg-deb", "-f", self.debs[name], "Version").strip()
            self.assertIn("lb-common (= %s)" % version, depends)
            for library in ("libc6 (>=", "android-libboringssl (>=", "libprotobuf32 (>="):
                self.assertIn(library, depends, name)
            self.assertNotIn("libgrpc", depends)
            self.assertNotIn("libssl3", depends)

    def test_manual_pages_have_every_flag_and_every_key(self):
        pages = {}
        for path in glob.glob(self.folder + "/*/usr/share/man/*/*.gz"):
            with gzip.open(path, "rt", encoding="utf-8") as file:
                pages[os.path.basename(path)[:-3]] = file.read()
        self.assertEqual(sorted(pages), ["lb-controlplane.8", "lb-worker.8", "lb.yaml.5", "lbctl.1"])
        plain = {name: text.replace("\\-", "-").replace("\\&", "") for name, text in pages.items()}
        for name, program in (("lb-controlplane.8", "controlplane/lb-controlplane"), ("lb-worker.8", "dataplane/lb-worker")):
            flags = set(re.findall(r"--[a-z-]+", run(program, "--help")))
            self.assertGreater(len(flags), 10)
            for flag in flags:
                self.assertIn(flag, plain[name])
        for words in ("backend drain", "worker undrain", "member key", "tls generate-ca"):
            self.assertIn("lbctl " + words, plain["lbctl.1"])
        with open("docs/configuration.md", encoding="utf-8") as file:
            keys = set(re.findall(r"^\| `([a-z_]+)` \|", file.read(), re.M))
        self.assertGreater(len(keys), 80)
        for key in keys:
            self.assertIn("\\fB%s\\fR" % key, pages["lb.yaml.5"])

    def test_manual_pages_are_formatted_without_a_warning(self):
        if shutil.which("man") is None:
            self.skipTest("man is not installed")
        for path in glob.glob(self.folder + "/*/usr/share/man/*/*.gz"):
            done = subprocess.run(
                ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", path], capture_output=True, text=True,
                check=False, env={"LC_ALL": "C.UTF-8", "MANWIDTH": "80", "PATH": "/usr/bin:/bin"})
            self.assertEqual((done.returncode, done.stderr), (0, ""), path)

    def test_the_completion_is_what_lbctl_prints(self):
        for shell, place in (("bash", "bash-completion/completions/lbctl"), ("zsh", "zsh/vendor-completions/_lbctl")):
            with open(self.path("lbctl", "usr/share", place), encoding="utf-8") as file:
                self.assertEqual(file.read(), run("cli/lbctl", "completion", shell))

    def test_lintian_finds_no_error(self):
        if shutil.which("lintian") is None:
            self.skipTest("lintian is not installed")
        done = subprocess.run(
            ["lintian", "--allow-root", "--fail-on", LINTIAN_ERRORS, *self.debs.values()], capture_output=True,
            text=True, check=False, env={"HOME": self.folder, "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        print(done.stdout)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    unittest.main(verbosity=2)
