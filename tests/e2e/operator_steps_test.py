"""docs/operator-steps.md is true: each of its commands is run, and prints what stands there.

Weights, counts, revisions and addresses are compared; only what differs from run to run is masked:
ages, process and user ids, etags, and the version of the programs.
With LB_WRITE_TRANSCRIPT set to a path, what was printed is written there as the new block.
"""

import os
import re
import shlex

import harness
from harness import yaml

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_DOC = os.path.join(_ROOT, "docs", "operator-steps.md")


def masked(text):
    """Text without what differs from run to run."""
    text = re.sub(r'"[0-9a-f]{6,}"?', "ETAG", text)
    text = re.sub(r"\b(\d+(\.\d+)?(ms|s|m|h|d))+\b", "TIME", text)
    text = re.sub(r"(^PID +|\buid/)\d+", r"\1N", text, flags=re.M)
    text = re.sub(r"(?<![\d.])\d+\.\d+\.\d+(?![\d.])", "VERSION", text)
    return [re.sub(r" +", " ", line).rstrip() for line in text.splitlines()]


def steps(text):
    """The commands of the doc's console blocks, each with what it prints."""
    found = []
    for block in re.findall(r"```console\n(.*?)```", text, re.S):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return [(command, "\n".join(lines).rstrip()) for command, lines in found]


class OperatorStepsTest(harness.Case):
    def test_what_matters_is_not_masked(self):
        line = "web  b  127.0.0.1:9002  UNCHECKED  2 of 4  0  3  set by uid/0  12s"
        for before, after in (("2 of 4", "3 of 4"), ("  0  ", "  1  "), (":9002", ":9003"),
                              ("  3  ", "  4  ")):
            self.assertNotEqual(masked(line), masked(line.replace(before, after)))
        for before, after in (("12s", "1m5s"), ("uid/0", "uid/1000")):
            self.assertEqual(masked(line), masked(line.replace(before, after)))
        self.assertEqual(masked("PID  12"), masked("PID  25337"))

    def config(self, name, listen):
        backends = [
            {"name": "a", "address": "127.0.0.1:9001"},
            {"name": "b", "address": "127.0.0.1:9002", "weight": 4},
        ]
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(yaml({"rules": [{"name": "web", "listen": listen, "backends": backends}]}))
        return path

    def test_every_command_of_the_doc_prints_what_stands_there(self):
        self.servers("127.0.0.1:9001", "127.0.0.1:9002")
        files = {
            "lb.yaml": self.config("first.yaml", "127.0.0.1:8080"),
            "taken.yaml": self.config("taken.yaml", "127.0.0.1:9001"),
        }
        with open(files["lb.yaml"], encoding="utf-8") as file:
            lb = self.balancer().start(file.read())
        with open(_DOC, encoding="utf-8") as file:
            doc = steps(file.read())
        self.assertGreater(len(doc), 8)
        transcript = []
        for command, expected in doc:
            words = [files.get(word, word) for word in shlex.split(command)]
            self.assertEqual(words[0], "lbctl")
            done = lb.lbctl(*words[1:])
            printed = (done.stdout + done.stderr).replace(self.folder + "/", "").rstrip()
            if done.returncode != 0:
                printed += "\n(exit code %d)" % done.returncode
            transcript.append("$ %s\n%s" % (command, printed))
            if "LB_WRITE_TRANSCRIPT" not in os.environ:
                self.assertEqual(masked(printed), masked(expected), command)
        if "LB_WRITE_TRANSCRIPT" in os.environ:
            with open(os.environ["LB_WRITE_TRANSCRIPT"], "w", encoding="utf-8") as file:
                file.write("\n".join(transcript) + "\n")


if __name__ == "__main__":
    harness.main()
