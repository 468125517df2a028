#!/usr/bin/python3
"""The counting behind the last line of tests/run, on events as Bazel writes them."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import count_results  # pylint: disable=wrong-import-position


def configured(label, kind="cc_test rule"):
    return {"id": {"targetConfigured": {"label": label}}, "configured": {"targetKind": kind}}


def completed(label, success):
    return {"id": {"targetCompleted": {"label": label}}, "completed": {"success": True} if success else {}}


def summary(label, status):
    return {
        "id": {"testSummary": {"label": label}},
        "testSummary": {"overallStatus": status, "failed": [{"uri": "file:///log"}]},
    }


def tally(events, exit_status=0):
    return count_results.count(count_results.outcomes(events)[0], exit_status)


class CountResultsTest(unittest.TestCase):
    def test_counts_each_target_once(self):
        events = [configured("//a"), configured("//b"), summary("//a", "PASSED"), summary("//b", "FAILED")]
        self.assertEqual(tally(events, 3), (1, 1))

    def test_only_tests_count(self):
        events = [configured("//lib", "cc_library rule"), configured("//a"), summary("//a", "PASSED")]
        self.assertEqual(tally(events), (1, 0))

    def test_a_test_that_does_not_build_has_failed(self):
        events = [configured("//a"), completed("//a", False)]
        self.assertEqual(tally(events, 1), (0, 1))

    def test_a_test_that_was_never_run_has_failed(self):
        self.assertEqual(tally([configured("//a"), completed("//a", True)], 8), (0, 1))

    def test_timeouts_have_failed_and_flakes_have_passed(self):
        events = [configured("//a"), summary("//a", "TIMEOUT"), configured("//b"), summary("//b", "FLAKY")]
        self.assertEqual(tally(events, 3), (1, 1))

    def test_a_bad_end_without_targets_is_a_failure(self):
        self.assertEqual(tally([], 1), (0, 1))
        self.assertEqual(tally([configured("//a"), summary("//a", "PASSED")], 37), (1, 1))

    def test_no_tests_at_all_is_no_failure(self):
        self.assertEqual(tally([], 4), (0, 0))

    def test_a_missing_file_has_no_outcomes(self):
        self.assertEqual(count_results.outcomes(count_results.read_events("/nonexistent")), ({}, {}))


if __name__ == "__main__":
    unittest.main()
