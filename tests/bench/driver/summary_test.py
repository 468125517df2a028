"""Medians, spreads, and ratios to the best peer."""

import unittest

from driver.sample_results import counted, held, results
from driver.summary import Spread, Summary


def summary(*runs):
    return Summary(results(runs))


class SummaryTest(unittest.TestCase):
    def test_the_median_stands_between_the_lowest_and_the_highest(self):
        found = summary(*[("cps", "lb", counted(cpu_us=cpu_us)) for cpu_us in (33, 30, 40)])
        self.assertEqual(found.spread("cps", "lb", "cost"), Spread(33, 30, 40))

    def test_the_ratio_is_to_the_peer_that_costs_least(self):
        found = summary(
            ("cps", "lb", counted(cpu_us=30)),
            ("cps", "haproxy", counted(cpu_us=50)),
            ("cps", "nginx", counted(cpu_us=40)),
            ("cps", "direct", counted(cpu_us=10)),
        )
        self.assertAlmostEqual(found.best_peer("cps"), 40)
        self.assertAlmostEqual(found.ratio("cps", "lb"), 0.75)
        self.assertAlmostEqual(found.ratio("cps", "haproxy"), 1.25)
        self.assertAlmostEqual(found.ratio("cps", "nginx"), 1)
        self.assertIsNone(found.ratio("cps", "direct"))

    def test_each_scenario_has_a_best_peer_of_its_own(self):
        found = summary(
            ("cps", "haproxy", counted(cpu_us=50)),
            ("cps", "nginx", counted(cpu_us=40)),
            ("idle", "haproxy", held(rss_per_connection=3000)),
            ("idle", "nginx", held(rss_per_connection=12_000)),
            ("idle", "lb", held(rss_per_connection=300)),
        )
        self.assertAlmostEqual(found.ratio("cps", "haproxy"), 1.25)
        self.assertAlmostEqual(found.ratio("idle", "lb"), 0.1)

    def test_there_is_no_ratio_without_a_peer(self):
        found = summary(("cps", "lb", counted()))
        self.assertIsNone(found.best_peer("cps"))
        self.assertIsNone(found.ratio("cps", "lb"))

    def test_a_peer_whose_memory_did_not_grow_is_nothing_to_compare_with(self):
        found = summary(
            ("idle", "lb", held(rss_per_connection=300)),
            ("idle", "haproxy", held(rss_per_connection=0)),
        )
        self.assertIsNone(found.ratio("idle", "lb"))

    def test_runs_that_failed_count_in_no_median(self):
        found = summary(
            ("cps", "lb", counted(cpu_us=30)),
            ("cps", "lb", "it ended"),
            ("cps", "nginx", "it ended"),
        )
        self.assertEqual(found.spread("cps", "lb", "cost"), Spread(30, 30, 30))
        self.assertEqual(found.errors("cps", "lb"), ["it ended"])
        self.assertIsNone(found.spread("cps", "nginx", "cost"))


if __name__ == "__main__":
    unittest.main()
