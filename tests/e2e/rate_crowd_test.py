"""Two hundred clients at once under one rate limit: each gets its own, far above it or below it,
however many workers share the host."""

import harness
from harness import Server
from rate_limit_test import BACKEND, TOLERANCE, Attempts, rule

CLIENTS = ["127.0.3.%d" % n for n in range(1, 201)]
ABOVE = {"requests_per_second": 3, "burst": 15}
TIMES_ABOVE = 10
ABOVE_S = 10
BELOW = {"requests_per_second": 10, "burst": 5}  # Half a second of the rate.
TIMES_BELOW = 0.8
BELOW_S = 3
# Refused in vain, of all attempts, where workers share the limit. The promise is a third of this, for
# more attempts than these: rate_crowd_big_test.py.
MAX_FALSE_RATIO = 0.003


class RateCrowdTest(harness.Case):
    def setUp(self):
        Server(self, "a", BACKEND)

    def check_above(self, workers):
        lb = self.balancer().start(rule(**ABOVE), workers=workers)
        limit, burst = ABOVE["requests_per_second"], ABOVE["burst"]
        attempts = Attempts(CLIENTS, per_s=TIMES_ABOVE * limit)
        took = attempts.run(ABOVE_S)
        expected = limit * took + burst
        offs = [attempts.admitted[client] - expected for client in CLIENTS]
        worst, mean = max(offs, key=abs), sum(offs) / len(offs)
        self.figure(
            "%d workers, %d clients at %.1f times the limit for %.1f s: expected %.1f each; "
            "mean %+.2f %%, worst %+.2f %%",
            workers, len(CLIENTS), attempts.begun / (len(CLIENTS) * limit * took), took, expected,
            100 * mean / expected, 100 * worst / expected,
        )
        self.assertGreater(attempts.begun, 3 * limit * took * len(CLIENTS), "no flood")
        self.assertLess(abs(mean), TOLERANCE * expected)
        # A client is admitted in whole connections.
        self.assertLess(abs(worst), TOLERANCE * expected + 1)
        self.assertEqual(
            lb.sum("lb_rule_refused_total", reason="rate_limit"), attempts.refused.total()
        )

    def check_below(self, workers):
        self.balancer().start(rule(**BELOW), workers=workers)
        attempts = Attempts(CLIENTS, per_s=TIMES_BELOW * BELOW["requests_per_second"])
        attempts.run(BELOW_S)
        refused = attempts.refused.total()
        self.figure("%d workers: %d of %d refused below the limit", workers, refused, attempts.begun)
        allowed = MAX_FALSE_RATIO * attempts.begun if workers > 1 else 0
        self.assertLessEqual(refused, allowed)

    def test_above_with_one_worker(self):
        self.check_above(1)

    def test_above_with_two_workers(self):
        self.check_above(2)

    def test_above_with_four_workers(self):
        self.check_above(4)

    def test_below_with_one_worker(self):
        self.check_below(1)

    def test_below_with_two_workers(self):
        self.check_below(2)

    def test_below_with_four_workers(self):
        self.check_below(4)


if __name__ == "__main__":
    harness.main()
