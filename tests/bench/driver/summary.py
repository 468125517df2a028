"""From the figures of all runs to what the report says: medians, spreads, ratios. Pure."""

import dataclasses
import statistics

from driver.balancers.contract import BASELINE, PEER


@dataclasses.dataclass(frozen=True)
class Spread:
    """One figure over the repetitions."""

    median: float
    low: float
    high: float


class Summary:
    """The results of a benchmark, by scenario and balancer, in the order they were asked for.

    `results` is what main.py writes as results.json.
    """

    def __init__(self, results):
        self.machine = results["machine"]
        self.options = results["options"]
        self.scenarios = results["options"]["scenarios"]
        self.balancers = results["balancers"]  # {name: {"role", "version"}}
        self._runs = results["runs"]

    def _of(self, scenario, balancer):
        return [
            run
            for run in self._runs
            if run["scenario"] == scenario and run["balancer"] == balancer
        ]

    def figures(self, scenario, balancer):
        """The figures of the runs that measured something."""
        return [run["figures"] for run in self._of(scenario, balancer) if "figures" in run]

    def errors(self, scenario, balancer):
        """Why runs measured nothing."""
        return [run["error"] for run in self._of(scenario, balancer) if "error" in run]

    def spread(self, scenario, balancer, figure):
        """A figure over the repetitions; None where it does not exist."""
        values = [run[figure] for run in self.figures(scenario, balancer) if figure in run]
        if not values:
            return None
        return Spread(statistics.median(values), min(values), max(values))

    def best_peer(self, scenario):
        """The lowest median cost of a peer; None without one, or where none costs anything."""
        peers = [name for name, about in self.balancers.items() if about["role"] == PEER]
        spreads = [self.spread(scenario, peer, "cost") for peer in peers]
        medians = [spread.median for spread in spreads if spread and spread.median > 0]
        return min(medians, default=None)

    def ratio(self, scenario, balancer):
        """The median cost as a multiple of the best peer's; None where that means nothing."""
        best, spread = self.best_peer(scenario), self.spread(scenario, balancer, "cost")
        if best is None or spread is None or self.balancers[balancer]["role"] == BASELINE:
            return None
        return spread.median / best
