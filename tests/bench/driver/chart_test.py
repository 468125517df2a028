"""The picture of the ratios: well-formed, a bar for each, as high as its ratio."""

import unittest
import xml.etree.ElementTree

from driver.chart import chart
from driver.sample_results import counted, results
from driver.summary import Summary

_SVG = "{http://www.w3.org/2000/svg}"


def bars(*runs):
    """(title, height) of every bar."""
    root = xml.etree.ElementTree.fromstring(chart(Summary(results(runs))))
    found = [rect for rect in root.iter(_SVG + "rect") if rect.get("class") == "bar"]
    return [(rect.find(_SVG + "title").text, float(rect.get("height"))) for rect in found]


class ChartTest(unittest.TestCase):
    def test_a_bar_for_each_ratio(self):
        found = bars(
            ("cps", "lb", counted(cpu_us=30)),
            ("cps", "nginx", counted(cpu_us=60)),
            ("cps", "direct", counted(cpu_us=10)),
            ("rr-64x1k", "nginx", counted(cpu_us=6)),
        )
        self.assertEqual(
            [title for title, _ in found], ["cps, lb: 0.50", "cps, nginx: 1.00", "rr-64x1k, nginx: 1.00"])
        self.assertAlmostEqual(found[0][1] * 2, found[1][1], delta=0.2)

    def test_a_bar_that_would_be_too_high_is_cut_and_says_its_ratio(self):
        (_, peer), (title, cut) = bars(
            ("cps", "haproxy", counted(cpu_us=10)),
            ("cps", "nginx", counted(cpu_us=90)),
        )
        self.assertEqual(title, "cps, nginx: 9.00")
        self.assertLess(peer, cut)
        self.assertLess(cut, 9 * peer)

    def test_nothing_measured_is_an_empty_picture(self):
        self.assertEqual(bars(("cps", "lb", "it ended")), [])


if __name__ == "__main__":
    unittest.main()
