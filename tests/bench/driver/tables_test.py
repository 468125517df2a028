"""The report's tables say what was measured, and what was not."""

import unittest

from driver.sample_results import counted, held, results
from driver.summary import Summary
from driver.tables import number, report


def rows(text, heading):
    """The table below a heading: one dict a row, by column."""
    lines = text.split("## %s\n" % heading)[1].split("\n## ")[0].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line[:1] == "|"]
    assert len({len(row) for row in cells}) == 1, "rows of different lengths"
    return [dict(zip(cells[0], row)) for row in cells[2:]]


class TablesTest(unittest.TestCase):
    def setUp(self):
        self.text = report(Summary(results([
            ("cps", "lb", counted(cpu_us=30, beside_run_ns=1_000_000)),
            ("cps", "nginx", counted(cpu_us=40)),
            ("cps", "haproxy", "it ended"),
            ("cps", "direct", counted(balancer_run_ns=0)),
            ("bulk-8-b2c", "lb", counted(operations=0, gigabytes=2, balancer_run_ns=160_000_000)),
            ("idle", "lb", held(rss_per_connection=300)),
        ])))

    def test_the_overview_has_a_row_a_scenario_and_ratios(self):
        overview = rows(self.text, "Cost per unit of work")
        self.assertEqual([row["scenario"] for row in overview], ["cps", "bulk-8-b2c", "idle"])
        self.assertEqual(overview[0]["lb"], "30.00 (0.75)")
        self.assertEqual(overview[0]["haproxy"], "-")
        self.assertEqual(overview[0]["direct"], "7.00")
        self.assertEqual(overview[1]["lb"], "80.00")

    def test_a_scenario_shows_cost_rate_and_latency_side_by_side(self):
        by_name = {row["balancer"]: row for row in rows(self.text, "cps")}
        self.assertEqual(list(by_name), ["lb", "haproxy", "nginx", "direct"])
        lb = by_name["lb"]
        self.assertEqual((lb["us/connection"], lb["min..max"], lb["ratio"]), ("30.00", "30.00..30.00", "0.75"))
        self.assertEqual((lb["connections/s"], lb["p99 us"], lb["control plane"]), ("500.00", "200.0", "1.00"))
        self.assertEqual(by_name["nginx"]["control plane"], "-")

    def test_streams_have_no_latency(self):
        self.assertNotIn("p99 us", rows(self.text, "bulk-8-b2c")[0])

    def test_held_connections_show_memory(self):
        idle = rows(self.text, "idle")
        self.assertEqual([row["balancer"] for row in idle], ["lb", "haproxy", "nginx"])
        self.assertEqual((idle[0]["B/connection"], idle[0]["kernel B/connection"]), ("300.00", "10,000"))

    def test_a_run_that_failed_says_why(self):
        self.assertIn("haproxy measured nothing in 1 of 3 runs: it ended", self.text)

    def test_numbers_are_short(self):
        self.assertEqual([number(value) for value in (None, 0.123, 12, 1234567)], ["-", "0.12", "12.00", "1,234,567"])


if __name__ == "__main__":
    unittest.main()
