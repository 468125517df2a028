"""The configuration changed by lbctl: applied, confirmed or rolled back, refused, over kill -9."""

import os
import socket
import threading
from datetime import datetime, timezone

import harness
from harness import Requests, wait_for, yaml

# What is done before the deadline is a few calls and a change of who serves.
CONFIRM_WITHIN = "%ds" % (5 * harness.SLOW)


def to(port, listen="127.0.0.1:8080"):
    """A configuration that leads to the backend on this port."""
    backends = ["127.0.0.1:%d" % port]
    return yaml({"rules": [{"name": "web", "listen": listen, "backends": backends}]})


class ConfigApplyTest(harness.Case):
    def setUp(self):
        self.servers("127.0.0.1:9001", "127.0.0.1:9002")

    def served_by(self):
        return set(Requests(self, "127.0.0.1:8080", connections=4).result()["backends"])

    def wait_until_served_by(self, name):
        wait_for(lambda: self.served_by() == {name}, 20, "served by " + name)

    def file(self, text, name="new.yaml"):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def content(self, lb):
        with open(lb.config_path, encoding="utf-8") as file:
            return file.read()

    def ok(self, lb, *arguments):
        done = lb.lbctl(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def revision(self, lb):
        return int(lb.json("status")["configRevision"])

    def test_apply_plan_history_and_rollback(self):
        lb = self.balancer().start(to(9001))
        new = self.file(to(9002))
        self.assertEqual(lb.lbctl("diff", new).returncode, 1)
        self.assertIn("rules/web/backends/127.0.0.1:9002", self.ok(lb, "plan", new))
        self.assertEqual(self.revision(lb), 1)
        out = self.ok(lb, "apply", new, "--if-revision", "1", "-m", "to b", "--wait", "20s")
        self.assertIn("revision 2 is accepted", out)
        self.assertEqual(self.content(lb), to(9002))
        self.assertEqual(self.served_by(), {"b"})
        self.assertIn("unchanged", self.ok(lb, "apply", new))
        self.assertEqual(lb.lbctl("diff", new).returncode, 0)
        self.assertEqual(self.ok(lb, "config", "get", "1"), to(9001))
        self.assertEqual(lb.lbctl("config", "diff", "1", "2").returncode, 1)
        self.assertIn("to b", self.ok(lb, "config", "list"))
        self.assertEqual(lb.lbctl("rollback").returncode, 2, "without consent")
        self.assertIn("revision 3", self.ok(lb, "rollback", "1", "--yes", "--wait", "20s"))
        self.assertEqual(self.content(lb), to(9001))
        self.assertEqual(self.served_by(), {"a"})
        self.assertEqual(lb.lbctl("rollback", "99", "--yes").returncode, 3)

    def test_what_is_not_confirmed_comes_back(self):
        lb = self.balancer().start(to(9001))
        new = self.file(to(9002))
        out = self.ok(lb, "apply", new, "--confirm", CONFIRM_WITHIN)
        self.assertIn("lbctl confirm", out)
        self.wait_until_served_by("b")
        self.assertIn("UNCONFIRMED", self.ok(lb, "status"))
        other = lb.lbctl("apply", self.file(to(9001), "other.yaml"))
        self.assertEqual(other.returncode, 6)
        self.assertIn("CONFIRMATION_PENDING", other.stderr)
        self.wait_until_served_by("a")
        self.assertEqual(self.content(lb), to(9001))
        self.assertEqual(self.revision(lb), 3)
        self.assertEqual(lb.lbctl("confirm").returncode, 6)
        self.ok(lb, "apply", new, "--confirm", "10m")
        self.ok(lb, "confirm")
        lb.control.kill()
        lb.start_control()
        wait_for(lambda: self.revision(lb) == 4, 20, "the confirmed revision is in force")
        self.assertNotIn("UNCONFIRMED", self.ok(lb, "status"))

    def test_it_comes_back_after_a_kill_too(self):
        lb = self.balancer().start(to(9001))
        for is_late in (False, True):  # Back before the deadline, and after it.
            self.ok(lb, "apply", self.file(to(9002)), "--confirm", CONFIRM_WITHIN)
            self.wait_until_served_by("b")
            deadline = datetime.fromisoformat(lb.json("status")["confirmDeadlineTime"])
            lb.control.kill()
            wait_for(lambda end=deadline, late=is_late: not late or datetime.now(timezone.utc) > end,
                     20, "the deadline has passed")
            lb.start_control()
            self.wait_until_served_by("a")
            self.assertEqual(self.content(lb), to(9001))

    def test_connects_that_fail_bring_it_back_before_the_deadline(self):
        """The backends of before are gone: what the new one counts is all there is to see."""
        lb = self.balancer().start(to(9001))
        self.wait_until_served_by("a")
        # Nobody listens there.
        self.ok(lb, "apply", self.file(to(9009)), "--confirm", "1h", "--max-connect-failures", "0.5")

        def connect_until_it_is_back():
            for _ in range(10):
                socket.create_connection(("127.0.0.1", 8080), 5).close()
            return self.content(lb) == to(9001)

        wait_for(connect_until_it_is_back, 20, "the configuration of before")
        self.wait_until_served_by("a")

    def test_two_writers(self):
        """Both go on from the same revision: one wins, the other learns which one to look at."""
        lb = self.balancer().start(to(9001))
        for number in range(10):
            base = str(self.revision(lb))
            results = [None, None]

            def write(who, number=number, base=base, results=results):
                text = "# %d of %d\n" % (who, number) + to(9001)
                path = self.file(text, "writer%d.yaml" % who)
                results[who] = lb.lbctl("apply", path, "--if-revision", base)

            threads = [threading.Thread(target=write, args=(who,)) for who in (0, 1)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            codes = [done.returncode for done in results]
            self.assertEqual(sorted(codes), [0, 6], [done.stderr for done in results])
            winner = codes.index(0)
            self.assertIn("REVISION_MISMATCH", results[1 - winner].stderr)
            self.assertTrue(self.content(lb).startswith("# %d of %d\n" % (winner, number)))
            self.assertEqual(self.revision(lb), int(base) + 1)

    def test_a_read_only_file_is_said_to_be(self):
        lb = self.balancer()
        volume = os.path.join(self.folder, "volume")
        os.makedirs(os.path.join(volume, "..1"))
        lb.config_path = os.path.join(volume, "lb.yaml")
        with open(os.path.join(volume, "..1", "lb.yaml"), "w", encoding="utf-8") as file:
            file.write(to(9001))
        os.symlink("..1", os.path.join(volume, "..data"))
        os.symlink("..data/lb.yaml", lb.config_path)
        lb.start()
        done = lb.lbctl("apply", self.file(to(9002)))
        self.assertEqual(done.returncode, 6)
        self.assertIn("CONFIG_READ_ONLY", done.stderr)
        self.assertIn(lb.config_path, done.stderr)
        self.assertEqual(self.content(lb), to(9001))

    def test_a_refusal_is_shown_at_its_place(self):
        lb = self.balancer().start(to(9001))
        # The backend's own port: somebody listens there without sharing it.
        self.ok(lb, "apply", self.file(to(9002, listen="127.0.0.1:9001")))
        done = wait_for(self.refused(lb), 20, "the worker refuses")
        self.assertEqual(done.returncode, 1)
        line = next(
            number
            for number, text in enumerate(self.content(lb).splitlines(), 1)
            if "listen" in text
        )
        self.assertIn("BIND_FAILED", done.stdout)
        self.assertIn("%s:%d:" % (lb.config_path, line), done.stdout)
        self.assertEqual(self.served_by(), {"a"}, "what ran before goes on")
        self.ok(lb, "rollback", "--yes", "--wait", "20s")

    @staticmethod
    def refused(lb):
        def look():
            done = lb.lbctl("rollout", "status")
            return done if "REFUSED" in done.stdout else None

        return look

    def test_a_bad_file_is_refused_with_its_place_and_changes_nothing(self):
        lb = self.balancer().start(to(9001))
        done = lb.lbctl("apply", self.file("rules:\n  - name: web\n    lisen: 1\n"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("CONFIG_INVALID", done.stderr)
        self.assertIn("%s:3:5: error LB0102: unknown key" % lb.config_path, done.stderr)
        self.assertEqual(self.content(lb), to(9001))
        hidden = "rules: []\ncluster: {enabled: false, key: hidden-secret}\n"
        self.assertIn("SECRET_HIDDEN", lb.lbctl("apply", self.file(hidden)).stderr)

    def test_the_last_good_revision_serves_when_the_file_is_bad(self):
        lb = self.balancer().start(to(9001))
        lb.control.kill()
        lb.write("rules: [")
        lb.start_control()
        lb.start_worker("worker-2")
        lb.workers["worker-2"].wait_until_ready()
        self.assertEqual(lb.lbctl("status", "--check").returncode, 1)
        refused = lb.lbctl("apply", self.file(to(9002)))
        self.assertEqual(refused.returncode, 6, refused.stderr)
        self.assertIn("CONFIG_FILE_BAD", refused.stderr)
        self.ok(lb, "apply", "--force", self.file(to(9002)))
        self.wait_until_served_by("b")
        with open(lb.config_path + ".refused", encoding="utf-8") as file:
            self.assertEqual(file.read(), "rules: [")

    def test_a_long_message_in_any_language_outlasts_a_restart(self):
        lb = self.balancer().start(to(9001))
        self.ok(lb, "apply", self.file(to(9002)), "-m", "a" + "\u00e9" * 600)
        self.assertEqual(lb.lbctl("backend", "drain", "web/a" + "\u00e9" * 600).returncode, 3)
        self.ok(lb, "describe", "worker/worker-1")  # With events, that of the refusal among them.
        lb.control.kill()
        lb.start_control()
        wait_for(lambda: self.revision(lb) == 2, 20, "the revision of before")
        self.assertIn("\u00e9" * 50, self.ok(lb, "config", "list", "-o", "wide"))


if __name__ == "__main__":
    harness.main()
