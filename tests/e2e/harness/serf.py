"""Serf agents: members of a cluster that somebody else wrote (HashiCorp's memberlist)."""

import json
import re
import signal

from harness.process import run
from harness.real_peers import checked
from harness.waiting import wait_for

_PORT, _RPC_PORT = 7946, 7373


class SerfAgent:
    """`serf agent` on an address of its own, running when the constructor returns.

    `key`: base64 of 16, 24 or 32 bytes; None: what it says is not sealed.
    """

    def __init__(self, case, name, ip, key=None, compression=True, flags=()):
        self.name = name
        self.ip = ip
        self.address = "%s:%d" % (ip, _PORT)
        self._rpc = "-rpc-addr=%s:%d" % (ip, _RPC_PORT)
        argv = ["serf", "agent", "-node=" + name, "-bind=" + self.address, self._rpc]
        argv += ["-log-level=debug", *flags]
        if key is not None:
            argv.append("-encrypt=" + key)
        if not compression:
            argv.append("-disable-compression")
        self.process = case.start("serf-" + name, argv)
        wait_for(self._answers, 20, "Serf agent %s answers" % name)

    def _answers(self):
        return self.process.running() and run(["serf", "members", self._rpc]).returncode == 0

    def members(self):
        """What it knows: {name: {"addr", "status", "tags", …}}."""
        done = run(["serf", "members", self._rpc, "-format=json"])
        return {member["name"]: member for member in json.loads(done.stdout)["members"]}

    def status_of(self, name):
        """"alive", "failed", "left" or "leaving"; None: not known."""
        return self.members().get(name, {}).get("status")

    def wait_for_status(self, name, status, timeout=20):
        what = "%s sees %s %s" % (self.name, name, status)
        wait_for(lambda: self.status_of(name) == status, timeout, what, poll=0.05)

    def health_score(self):
        """Lifeguard's: 0 means that nothing holds it up."""
        return int(re.search(r"health_score = (\d+)", checked(["serf", "info", self._rpc]))[1])

    def join(self, *addresses):
        checked(["serf", "join", self._rpc, *addresses])

    def try_to_join(self, address):
        """Whether it worked."""
        return run(["serf", "join", self._rpc, address]).returncode == 0

    def change_key(self, verb, key):
        """"install", "use" or "remove"; all members do it."""
        checked(["serf", "keys", self._rpc, "-" + verb, key])

    def refused_key(self, verb, key):
        """What is said of a change that not all members carry out."""
        done = run(["serf", "keys", self._rpc, "-" + verb, key])
        assert done.returncode != 0, done.stdout
        return done.stdout + done.stderr

    def keys(self):
        """{key: how many members have it}."""
        listed = re.findall(r"^(\S+=*) +\[(\d+)/\d+\]", checked(["serf", "keys", self._rpc, "-list"]),
                            re.MULTILINE)
        return {key: int(count) for key, count in listed}

    def leave(self):
        """It says good-bye and ends."""
        self.process.expected_to_end = True
        checked(["serf", "leave", self._rpc])

    def kill(self):
        self.process.kill()

    def pause(self):
        self.process.send(signal.SIGSTOP)

    def resume(self):
        self.process.send(signal.SIGCONT)

    def log(self):
        return self.process.out() + self.process.log()
