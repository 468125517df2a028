#!/usr/bin/python3
"""Counts the results of one `bazel test` from its build events.

    count_results.py EVENTS EXIT_STATUS

Prints "PASSED FAILED" on stdout and a line for each target that failed on stderr. A test target
that did not build, or was never reached, has failed; so has a run that ended badly without naming
any target, which counts as one.
"""

import json
import sys

PASSED = ("PASSED", "FLAKY")
# Bazel's exit code when every target built and ran but no test was selected.
NO_TESTS_FOUND = 4


def read_events(path):
    try:
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                try:
                    yield json.loads(line)
                except ValueError:
                    return  # The last line of a run that was cut off.
    except OSError:
        return


def outcomes(events):
    """Test label -> status, and label -> log path for those that ran."""
    status, log = {}, {}
    for event in events:
        ident = event.get("id", {})
        if "targetConfigured" in ident:
            kind = event.get("configured", {}).get("targetKind", "")
            if kind.endswith("_test rule"):
                status.setdefault(ident["targetConfigured"]["label"], "NOT RUN")
        elif "targetCompleted" in ident:
            label = ident["targetCompleted"]["label"]
            if label in status and not event.get("completed", {}).get("success"):
                status[label] = "DID NOT BUILD"
        elif "testSummary" in ident:
            label = ident["testSummary"]["label"]
            summary = event.get("testSummary", {})
            status[label] = summary.get("overallStatus", "NO STATUS")
            for entry in summary.get("failed", []):
                log[label] = entry.get("uri", "").replace("file://", "")
    return status, log


def count(status, exit_status):
    """(passed, failed) of the outcomes; a bad end that no target explains is one failure."""
    passed = sum(1 for s in status.values() if s in PASSED)
    failed = len(status) - passed
    if failed == 0 and exit_status not in (0, NO_TESTS_FOUND):
        failed = 1
    return passed, failed


def main():
    exit_status = int(sys.argv[2])
    status, log = outcomes(read_events(sys.argv[1]))
    passed, failed = count(status, exit_status)
    for label, outcome in sorted(status.items()):
        if outcome not in PASSED:
            print("  %s: %s %s" % (outcome, label, log.get(label, "")), file=sys.stderr)
    if failed and all(outcome in PASSED for outcome in status.values()):
        print("  bazel ended with code %d" % exit_status, file=sys.stderr)
    print(passed, failed)


if __name__ == "__main__":
    main()
