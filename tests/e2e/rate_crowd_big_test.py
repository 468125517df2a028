"""rate_crowd_test.py over a time in which a whole connection is a small part of what is admitted,
so that every client's figure is within 3 %, not only the mean, and few are refused in vain. It wants
the machine for itself."""

import harness
import rate_crowd_test as crowd

crowd.ABOVE_S = 60
crowd.BELOW_S = 30
crowd.MAX_FALSE_RATIO = 0.001

RateCrowdTest = crowd.RateCrowdTest

if __name__ == "__main__":
    harness.main()
