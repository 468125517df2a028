#!/usr/bin/python3
"""Checks the source tree against the house rules (CONTRIBUTING.md) and prints what breaks them.

    lint.py [--root DIR] [--write-baseline]

Long functions and files that were there first are listed in baseline.txt. An entry may only
shrink: a longer one, and one that is no longer needed, are both findings.
"""

import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import rules  # pylint: disable=wrong-import-position
import source  # pylint: disable=wrong-import-position
import type_names  # pylint: disable=wrong-import-position

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 500
BASELINE = "tests/lint/baseline.txt"
CLANG_FORMAT = "clang-format-14"  # Other versions format otherwise.

_TEXT = (".cc", ".h", ".proto", ".py", ".sh", ".bazel", ".bzl", ".BUILD", ".md", ".yaml")


def walk(root):
    """Paths of the tree relative to root, sorted; without Bazel's links and hidden folders but .ci."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith("bazel-")
            and (not name.startswith(".") or name == ".ci")
            and name not in ("__pycache__", "node_modules")
        )
        for name in sorted(files):
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                yield os.path.relpath(path, root)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
        return file.read()


def is_script(root, path):
    if path.endswith(".sh"):
        return True
    if "." in os.path.basename(path):
        return False
    with open(os.path.join(root, path), "rb") as file:
        return re.match(rb"#!.*\b(ba)?sh\b", file.readline(80)) is not None


def check_header(path, text):
    """A header opens with what it is for, then #pragma once."""
    if not path.endswith(".h"):
        return
    if not text.startswith("//"):
        yield 1, "header-comment", "begin with 2-8 lines that say what this is, its units and threads"
    if "#pragma once" not in text:
        yield 1, "header-guard", "'#pragma once' after the opening comment"


def lengths(path, text):
    """(key, line, length) of what is over a limit; the key is how baseline.txt names it."""
    total = text.count("\n")
    if total > FILE_LINES_MAX:
        yield path, 1, total
    for name, line, count in source.functions(text):
        if count > FUNCTION_LINES_MAX:
            yield "%s:%s" % (path, name), line, count


def read_baseline(root):
    allowed = {}
    if os.path.exists(os.path.join(root, BASELINE)):
        for row in read(root, BASELINE).splitlines():
            if row and not row.startswith("#"):
                key, length = row.rsplit(" ", 1)
                allowed[key] = int(length)
    return allowed


def check_lengths(found, allowed):
    """Findings of `found` ((key, line, length) of all files) against the baseline."""
    seen = {}
    for key, line, length in found:
        path = key.split(":")[0]
        seen[key] = max(length, seen.get(key, 0))
        limit = FUNCTION_LINES_MAX if ":" in key else FILE_LINES_MAX
        if key not in allowed:
            yield path, line, "too-long", "%s has %d lines, over %d: split it by noun" % (key, length, limit)
        elif length > allowed[key]:
            yield path, line, "too-long", "%s grew from %d to %d lines: it may only shrink" % (
                key, allowed[key], length)
    for key, length in sorted(allowed.items()):
        if seen.get(key, 0) < length:
            yield BASELINE, 1, "baseline", "%s is now %s lines: lower or remove its entry" % (
                key, seen.get(key, "under the limit in"))


def _run(command, root):
    return subprocess.run(command, cwd=root, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


def check_format(root, paths):
    if shutil.which(CLANG_FORMAT) is None:
        yield ".clang-format", 1, "format", "%s is not installed: deploy/install-packages test" % CLANG_FORMAT
        return
    chunks = [paths[i : i + 20] for i in range(0, len(paths), 20)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        done = pool.map(lambda chunk: _run([CLANG_FORMAT, "--dry-run", "-Werror", *chunk], root), chunks)
        for result in done:
            bad = re.findall(r"^(.+?):(\d+):\d+: error:", result.stderr, re.M)
            for path in sorted({path for path, _ in bad}):
                line = min(int(number) for name, number in bad if name == path)
                yield path, line, "format", "not formatted: clang-format -i %s" % path
            if result.returncode and not bad:
                yield ".clang-format", 1, "format", result.stderr.strip()[:500]


def check_scripts(root, paths):
    for path in paths:
        result = _run(["/bin/bash", "-n", path], root)
        if result.returncode:
            yield path, 1, "shell", result.stderr.strip()
    if paths and shutil.which("shellcheck"):
        result = _run(["shellcheck", "-x", "-f", "gcc", "-S", "warning", *paths], root)
        for row in result.stdout.splitlines():
            path, line, _, message = row.split(":", 3)
            yield path, int(line), "shell", message.strip()


def check_protos(root, paths):
    if not paths or shutil.which("protoc") is None:
        return
    result = _run(["protoc", "-Iproto", "--descriptor_set_out=/dev/null", *paths], root)
    if result.returncode:
        yield "proto", 1, "proto", result.stderr.strip()


def check_links(root, path, text):
    """Links of a document to files of the repository."""
    if not path.endswith(".md"):
        return
    for match in re.finditer(r"\]\(([^)#:]+)(#[^)]*)?\)", text):
        if not os.path.exists(os.path.join(root, os.path.dirname(path), match.group(1))):
            yield text.count("\n", 0, match.start()) + 1, "link", "no such file: %s" % match.group(1)


METRICS_DOC = "docs/operations.md"


def check_metrics(root, path, code_text):
    """Metrics that a program prints and the documentation does not name."""
    if not path.startswith(("base/", "controlplane/", "dataplane/")) or path.endswith("_test.cc"):
        return
    names = [(m.start(), m.group(1)) for m in re.finditer(r'"(lb_[a-z0-9_]+)"', code_text)]
    documented = read(root, METRICS_DOC) if names else ""
    for start, name in names:
        if not re.search(r"\b%s\b" % name, documented):
            yield code_text.count("\n", 0, start) + 1, "metric", "not in %s: %s" % (METRICS_DOC, name)


KINDS_LIST = "controlplane/events/event_kinds.cc"
KINDS_DOC = "docs/api.md"


def check_kinds(root, path, code_text):
    """Kinds of events that are emitted and not in the list, or in the list and not documented."""
    if not path.startswith("controlplane/") or path.endswith("_test.cc"):
        return
    listed = path == KINDS_LIST
    where, quote = (KINDS_DOC, "`") if listed else (KINDS_LIST, '"')
    places = re.finditer(r'"[^"]*",\n' if listed else r"(?:Emit|set_kind)\([^,;]*[,;]", code_text)
    kinds = [(m.start(), kind) for m in places for kind in re.findall(r'"([a-z]+\.[a-z_]+)"', m.group())]
    known = read(root, where) if kinds else ""
    for start, kind in kinds:
        if quote + kind + quote not in known:
            yield code_text.count("\n", 0, start) + 1, "kind", "not in %s: %s" % (where, kind)


def lint(root):
    """(findings as (path, line, rule, message) sorted, lengths as check_lengths takes them)."""
    found, long = [], []
    sources, scripts, protos = [], [], []
    names = type_names.TypeNames()
    for path in walk(root):
        if is_script(root, path):
            scripts.append(path)
        if path.endswith(".proto"):
            protos.append(path)
        if not path.endswith(_TEXT) and path not in scripts:
            continue
        text = read(root, path)
        cc = path.endswith((".cc", ".h", ".proto"))
        code, comments = source.split(text) if cc else (text, text)
        found += [(path, *finding) for finding in rules.findings(path, text, code, comments)]
        found += [(path, *finding) for finding in check_links(root, path, text)]
        if path.endswith((".cc", ".h")):
            sources.append(path)
            found += [(path, *finding) for finding in check_header(path, text)]
            found += [(path, *finding) for finding in check_metrics(root, path, text)]
            found += [(path, *finding) for finding in check_kinds(root, path, text)]
            names.add(path, text)
            long += lengths(path, text)
    found += names.findings()
    found += check_lengths(long, read_baseline(root))
    found += check_format(root, sources)
    found += check_scripts(root, scripts)
    found += check_protos(root, protos)
    return sorted(found), long, len(sources)


def write_baseline(root, long):
    with open(os.path.join(root, BASELINE), "w", encoding="utf-8") as file:
        file.write("# Functions and files that were over the limit before the limit was. May only shrink.\n")
        for key, _, length in sorted(long):
            file.write("%s %d\n" % (key, length))


def main():
    parser = argparse.ArgumentParser(description="checks the source tree against the house rules")
    parser.add_argument("--root", default=os.path.join(os.path.dirname(os.path.realpath(__file__)), "../.."))
    parser.add_argument("--write-baseline", action="store_true", help="accept what is too long today")
    options = parser.parse_args()
    root = os.path.realpath(options.root)
    found, long, count = lint(root)
    if options.write_baseline:
        write_baseline(root, long)
        return 0
    for path, line, name, message in found:
        print("%s:%d: %s: %s" % (path, line, name, message))
    print("%d C++ files, %d findings" % (count, len(found)))
    return 1 if found or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
