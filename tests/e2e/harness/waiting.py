"""Waiting for conditions, with bounds. Nothing else in the tests sleeps."""

import os
import time

# The sanitizers' programs are several times slower; bounds on time grow by this.
SLOW = 4 if "ASAN_OPTIONS" in os.environ or "TSAN_OPTIONS" in os.environ else 1

_POLL_S = 0.02


def wait_for(condition, timeout, what, poll=_POLL_S):
    """Calls `condition` until what it returns is true, and returns that.

    An OSError or a ValueError counts as "not yet": a peer that is not up, an answer cut short.
    """
    deadline = time.monotonic() + timeout * SLOW
    last = None
    while True:
        try:
            last = condition()
            if last:
                return last
        except (OSError, ValueError) as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError("not within %g s: %s; last seen: %r" % (timeout * SLOW, what, last))
        time.sleep(poll)


def sample_while(duration, sample, interval=_POLL_S):
    """Calls `sample` again and again for `duration` seconds: for what must not happen meanwhile."""
    end = time.monotonic() + duration
    count = 0
    while time.monotonic() < end:
        sample()
        count += 1
        time.sleep(interval)
    return count
