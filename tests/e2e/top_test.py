"""lbctl top on a real terminal: tmux types the keys and shows what a person would see.

The shell around it tells that the terminal was given back as it was taken: `stty` before and after
is the same, and what stood there is there again.
"""

import json
import os
import signal
import subprocess

import harness
from harness import paths, wait_for

_CONFIG = {
    "rules": [
        {
            "name": "web",
            "listen": "127.0.0.1:8080",
            "backends": [
                {"name": "a", "address": "127.0.0.1:9001"},
                {"name": "b", "address": "127.0.0.1:9002"},
            ],
        },
        {
            "name": "api",
            "listen": "127.0.0.1:8081",
            "backends": [{"name": "c", "address": "127.0.0.1:9003"}],
        },
    ]
}


class Tmux:
    """One terminal of a tmux server of its own, with a plain shell in it."""

    def __init__(self, case, columns=110, rows=20):
        self._case = case
        self._socket = os.path.join(case.folder, "tmux.sock")
        environment = dict(os.environ, ENV="", TERM="xterm", LC_ALL="C.UTF-8")
        case.addCleanup(self._run, "kill-server")
        command = ["-f", "/dev/null", "new-session", "-d", "-x", columns, "-y", rows, "/bin/sh"]
        self._run(*command, env=environment)
        self.type("echo is''there")
        wait_for(lambda: "isthere" in self.screen(), 20, "a shell in tmux")

    def _run(self, *arguments, env=None):
        command = ["tmux", "-S", self._socket, *map(str, arguments)]
        done = subprocess.run(
            command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False
        )
        return done.stdout

    def keys(self, *keys):
        self._run("send-keys", *keys)

    def type(self, line):
        self._run("send-keys", "-l", line)
        self._run("send-keys", "Enter")

    def resize(self, columns, rows):
        self._run("resize-window", "-x", columns, "-y", rows)

    def screen(self):
        return self._run("capture-pane", "-p")

    def format(self, name):
        return self._run("display-message", "-p", "#{%s}" % name).strip()

    def expect(self, *texts, absent=()):
        """Waits until the screen shows all texts and none of those absent; returns it."""

        def seen():
            screen = self.screen()
            good = all(text in screen for text in texts)
            return screen if good and not any(text in screen for text in absent) else None

        try:
            return wait_for(seen, 20, "the screen shows %s" % (texts,))
        except AssertionError as error:
            raise AssertionError("%s\n%s" % (error, self.screen())) from None


class TopTest(harness.Case):
    def setUp(self):
        self.servers("127.0.0.1:9001", "127.0.0.1:9002", "127.0.0.1:9003")
        self.lb = self.balancer().start(_CONFIG)

    def terminal(self, **size):
        tmux = Tmux(self, **size)
        # As typed it differs from what it prints: only the output tells that the screen is clear.
        tmux.type("stty -g >%s/before; clear; echo was' here'" % self.folder)
        tmux.expect("was here\n")
        return tmux

    def open_top(self, tmux, *arguments):
        command = [paths.lbctl(), "-e", self.lb.admin_api, "top", *arguments]
        # The shell says how it ended.
        tmux.type("%s; echo ended=$?" % " ".join(command))
        tmux.expect("lbctl top", "q quit")
        return self.pid()

    def pid(self):
        """Of the one lbctl that runs top on our socket."""

        def find():
            for name in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open("/proc/%s/cmdline" % name, "rb") as file:
                        words = file.read().split(b"\0")
                except OSError:
                    continue
                if self.lb.admin_api.encode() in words and b"top" in words:
                    return int(name)
            return None

        return wait_for(find, 10, "top runs")

    def expect_given_back(self, tmux, code):
        screen = tmux.expect("ended=%d" % code, "was here", absent=("q quit",))
        self.assertNotIn("\x1b", screen)
        self.assertEqual(tmux.format("alternate_on"), "0")
        self.assertEqual(tmux.format("cursor_flag"), "1")
        tmux.type("stty -g >%s/after; echo same=$?" % self.folder)
        tmux.expect("same=0")
        modes = []
        for name in ("before", "after"):
            with open(os.path.join(self.folder, name), encoding="utf-8") as file:
                modes.append(file.read())
        self.assertEqual(modes[0], modes[1])

    def test_keys_choose_sort_filter_describe_and_quit(self):
        tmux = self.terminal()
        self.open_top(tmux)
        tmux.expect("lbctl top rules", "1/1 up", "2/2 up", "workers 1/1 synced")
        tmux.keys("2")
        tmux.expect("lbctl top backends", "web/a", "web/b", "api/c")
        tmux.keys("Tab")
        tmux.expect("lbctl top workers", "worker-1", "SYNCED")
        tmux.keys("2")
        tmux.expect("> api/c")
        tmux.keys("Down")
        tmux.expect("> web/a")
        tmux.keys("Enter")
        tmux.expect("rules/web/backends/a\n", "127.0.0.1:9001", absent=("api/c",))
        tmux.keys("Escape")
        tmux.expect("> web/a")
        tmux.keys("/")
        tmux.keys("-l", "web")
        tmux.expect("filter: web", "web/b", absent=("api/c",))
        tmux.keys("Escape")
        tmux.expect("api/c")
        tmux.keys("s")
        tmux.expect("by CONNECTS/S, largest first")
        tmux.keys("?")
        tmux.expect("drain the chosen backend or worker")
        tmux.keys("q")
        tmux.expect("api/c")
        tmux.keys("q")
        self.expect_given_back(tmux, 0)

    def test_shows_the_rate_of_traffic(self):
        tmux = self.terminal()
        self.open_top(tmux, "rules", "-i", "200ms")
        crowd = self.crowd()

        def rate_of_web():
            for line in tmux.screen().splitlines():
                # A row that is being drawn has not all its columns yet.
                words = line.split()
                if words[:2] == [">", "web"] and len(words) > 5 and words[5][0] in "123456789":
                    return words[5]
            return None

        try:
            wait_for(
                rate_of_web, 20, "connections a second of web, which has the most and is chosen"
            )
        finally:
            crowd.kill()
        tmux.keys("q")
        self.expect_given_back(tmux, 0)

    def crowd(self):
        """Opens connections to web and closes them, until it is ended."""
        loop = (
            "import socket\n"
            "kept = [socket.create_connection(('127.0.0.1', 8080)) for _ in range(3)]\n"
            "while True:\n"
            "    socket.create_connection(('127.0.0.1', 8080)).close()\n"
        )
        return self.start("crowd", ["/usr/bin/python3", "-c", loop])

    def test_drains_what_is_chosen_after_a_yes(self):
        tmux = self.terminal()
        self.open_top(tmux, "backends")
        tmux.keys("/")
        tmux.keys("-l", "web/b")
        tmux.keys("Enter")
        tmux.expect("> web/b", absent=("web/a",))
        tmux.keys("d")
        tmux.expect("Drain rules/web/backends/b (0 connections)? [y/N]")
        tmux.keys("n")
        tmux.expect("nothing was changed")
        tmux.keys("d")
        tmux.keys("y")
        tmux.expect("backend web/b drains: 0 connections left", "lbctl backend undrain web/b")
        tmux.expect("DRAIN")
        state = self.lb.json("get", "backends/web/b")["items"][0]["adminState"]
        self.assertEqual(state, "ADMIN_STATE_DRAIN")
        # The last one that serves is not taken out of service from here.
        tmux.keys("Escape")
        # A key right behind an Escape would be read as one sequence with it.
        tmux.expect("web/a", "web/b")
        tmux.keys("/")
        tmux.keys("-l", "web/a")
        tmux.keys("Enter")
        tmux.expect("> web/a", absent=("web/b",))
        tmux.keys("d")
        tmux.keys("y")
        tmux.expect("lbctl: ", absent=("draining...",))
        tmux.keys("q")
        self.expect_given_back(tmux, 0)

    def test_follows_the_size_of_the_terminal(self):
        tmux = self.terminal()
        self.open_top(tmux)
        tmux.expect("RETRIES/S")
        tmux.resize(40, 8)
        screen = tmux.expect("lbctl top rules", absent=("RETRIES/S",))
        self.assertTrue(all(len(line) <= 40 for line in screen.splitlines()))
        tmux.resize(140, 24)
        tmux.expect("RETRIES/S", "q quit")
        tmux.keys("q")
        self.expect_given_back(tmux, 0)

    def test_every_end_gives_the_terminal_back(self):
        tmux = self.terminal()
        for end, code in (("C-c", 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)):
            pid = self.open_top(tmux)
            if isinstance(end, str):
                tmux.keys(end)
            else:
                os.kill(pid, end)
            self.expect_given_back(tmux, code)
            tmux.type("clear; echo was' here'")
            tmux.expect("was here\n", absent=("ended",))

    def test_is_suspended_and_goes_on(self):
        tmux = self.terminal()
        self.open_top(tmux)
        tmux.keys("C-z")
        # The shell is back, on its own screen.
        tmux.expect("was here", absent=("q quit",))
        tmux.type("echo between=$((1+1))")
        tmux.expect("between=2")
        tmux.type("fg")
        tmux.expect("lbctl top rules", "q quit", absent=("between",))
        tmux.keys("2")
        tmux.expect("lbctl top backends")
        tmux.keys("q")
        tmux.expect("was here", absent=("q quit",))
        self.assertEqual(tmux.format("alternate_on"), "0")

    def test_keeps_the_last_frame_while_the_control_plane_is_gone(self):
        tmux = self.terminal()
        self.open_top(tmux, "backends", "-i", "200ms")
        tmux.expect("web/a")
        self.lb.control.stop(signal.SIGTERM, 20)
        tmux.expect("trying again; data is old", "web/a", "api/c")
        tmux.keys("Down")
        tmux.expect("> web/a")
        self.lb.start_control()
        tmux.expect("web/a", absent=("data is old",))
        tmux.keys("q")
        self.expect_given_back(tmux, 0)

    def test_keys_work_while_the_control_plane_hangs(self):
        tmux = self.terminal()
        self.open_top(tmux, "-i", "200ms")
        os.kill(self.lb.control.pid, signal.SIGSTOP)
        try:
            tmux.expect("data is old")
            tmux.keys("q")
            self.expect_given_back(tmux, 0)
        finally:
            os.kill(self.lb.control.pid, signal.SIGCONT)

    def test_without_a_terminal_it_gives_tables_or_json(self):
        none = self.lb.lbctl("top")
        self.assertEqual((none.returncode, none.stdout), (2, ""))
        self.assertIn("--once", none.stderr)
        once = self.lb.lbctl("top", "backends", "--once", "-i", "100ms", "-n", "2")
        self.assertEqual((once.returncode, once.stderr), (0, ""))
        lines = once.stdout.splitlines()
        self.assertEqual(lines[0].split()[:2], ["BACKEND", "STATE"])
        self.assertEqual([line.split()[0] for line in lines[1:]], ["api/c", "web/a"])
        done = self.lb.lbctl("top", "rules", "--once", "-i", "100ms", "-o", "json")
        sample = json.loads(done.stdout)
        self.assertEqual(sample["total"], 2)
        self.assertEqual(sample["items"][0]["connectionsPerSecond"], 0)
        self.assertEqual(self.lb.lbctl("top", "rulez").returncode, 2)
        self.assertEqual(self.lb.lbctl("top", "-i", "1ms", "--once").returncode, 2)


if __name__ == "__main__":
    harness.main()
