"""Figures of a run: the units, and what is no measurement."""

import unittest

from driver.figures import figures
from driver.sample_results import counted, held
from driver.scenarios import SCENARIOS


class FiguresTest(unittest.TestCase):
    def test_operations_are_in_microseconds_and_per_second(self):
        found = figures(SCENARIOS["cps"], counted(operations=1000, cpu_us=30, beside_run_ns=2_000_000))
        self.assertAlmostEqual(found["cost"], 30)
        self.assertAlmostEqual(found["beside"], 2)
        self.assertAlmostEqual(found["load"], 7)
        self.assertAlmostEqual(found["rate"], 500)
        self.assertAlmostEqual(found["busy"], 0.015)
        self.assertAlmostEqual(found["waited"], 0.01)
        self.assertEqual((found["p50_us"], found["p99_us"], found["p999_us"]), (100, 200, 300))

    def test_streams_are_in_milliseconds_a_gigabyte_and_gigabits_a_second(self):
        outcome = counted(operations=0, gigabytes=1.5, bytes_to_servers=500_000_000,
                          balancer_run_ns=170_000_000, generator_run_ns=340_000_000)
        found = figures(SCENARIOS["bulk-8-both"], outcome)
        self.assertAlmostEqual(found["cost"], 85)
        self.assertAlmostEqual(found["load"], 170)
        self.assertAlmostEqual(found["rate"], 8)
        self.assertNotIn("p99_us", found)

    def test_without_a_balancer_the_cost_is_the_loads(self):
        found = figures(SCENARIOS["cps"], counted(balancer_run_ns=0))
        self.assertAlmostEqual(found["cost"], 7)

    def test_a_balancer_of_one_process_has_nothing_beside_it(self):
        self.assertNotIn("beside", figures(SCENARIOS["cps"], counted()))

    def test_nothing_that_went_through_is_no_measurement(self):
        for name in ("cps", "rr-64x1k", "bulk-1-b2c"):
            with self.assertRaisesRegex(ValueError, "nothing went through in 2.0 s"):
                figures(SCENARIOS[name], counted(operations=0))

    def test_held_connections_are_in_bytes_each(self):
        found = figures(SCENARIOS["idle"], held(connections=100, rss_per_connection=500))
        self.assertAlmostEqual(found["cost"], 500)
        self.assertAlmostEqual(found["kernel"], 10_000)
        self.assertAlmostEqual(found["idle_us_per_s"], 50)
        self.assertEqual(found["after"] - found["before"], 4096)


if __name__ == "__main__":
    unittest.main()
