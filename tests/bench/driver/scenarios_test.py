"""How scenarios are chosen."""

import unittest

from driver.scenarios import GROUPS, SCENARIOS, select


class ScenariosTest(unittest.TestCase):
    def test_a_group_and_a_member_give_the_member_once(self):
        names = [scenario.name for scenario in select(["cps", "core"])]
        self.assertEqual(sorted(names), sorted(GROUPS["core"]))
        self.assertEqual(names[0], "cps")

    def test_groups_name_scenarios_that_exist(self):
        for names in GROUPS.values():
            self.assertLessEqual(set(names), set(SCENARIOS))
        self.assertLessEqual(set(GROUPS["core"]), set(GROUPS["all"]))

    def test_tls_is_said_of_all_that_are_named_so(self):
        for name, scenario in SCENARIOS.items():
            self.assertEqual(scenario.tls is not None, name.startswith("tls-"), name)

    def test_an_unknown_name_is_an_error(self):
        with self.assertRaises(KeyError):
            select(["cps", "nothing"])


if __name__ == "__main__":
    unittest.main()
