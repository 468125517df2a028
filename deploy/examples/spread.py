#!/usr/bin/python3
"""Sends HTTP requests, each on a connection of its own, and shows which backend answered how many.

    spread.py HOST:PORT [-n 300] [--expect alpha=3,bravo=1] [--quiet]

The backends answer with their name (demo_backend.py). Exit code 1 when a request failed, 3 when
the shares are further than 3 % from the weights of --expect (0: the backend must not be used).
"""

import argparse
import collections
import concurrent.futures
import http.client
import sys

AT_ONCE = 8
TIMEOUT_S = 10
BAR = 40
TOLERANCE = 0.03


def ask(host, port):
    """The name of the backend that answered, or (None, what went wrong)."""
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/", headers={"Connection": "close"})
        reply = connection.getresponse()
        body = reply.read(256).decode("utf-8", "replace").strip()
        return (body, None) if reply.status == 200 else (None, "HTTP %d" % reply.status)
    except (OSError, http.client.HTTPException) as error:
        return None, "%s: %s" % (type(error).__name__, error)
    finally:
        connection.close()


def send(host, port, count):
    names, errors = collections.Counter(), collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for name, error in pool.map(lambda _: ask(host, port), range(count)):
            if error is None:
                names[name] += 1
            else:
                errors[error] += 1
    return names, errors


def show(names, errors, weights):
    total = max(1, sum(names.values()) + sum(errors.values()))
    block = "█" if (sys.stdout.encoding or "").lower().replace("-", "") == "utf8" else "#"
    for name in sorted(set(names) | set(weights)):
        bar = block * round(BAR * names[name] / total)
        print("    %-10s %-*s %4d  %5.1f %%" % (name, BAR, bar, names[name], 100 * names[name] / total))
    for error, count in errors.most_common(5):
        print("    failed     %4d  %s" % (count, error))


def follows(names, weights):
    total, weight_sum = sum(names.values()), sum(weights.values())
    if not total or not weight_sum or set(names) - set(weights):
        return False
    return all(
        (names[name] == 0) if weight == 0 else abs(names[name] / total - weight / weight_sum) <= TOLERANCE
        for name, weight in weights.items()
    )


def weights_of(text):
    return {name: int(weight) for name, weight in (part.split("=") for part in text.split(","))} if text else {}


def main():
    parser = argparse.ArgumentParser(description="shows how requests are spread")
    parser.add_argument("address", help="HOST:PORT")
    parser.add_argument("-n", type=int, default=300, help="requests")
    parser.add_argument("--expect", type=weights_of, default={}, help="alpha=3,bravo=1")
    parser.add_argument("--quiet", action="store_true")
    options = parser.parse_args()
    host, port = options.address.rsplit(":", 1)
    names, errors = send(host.strip("[]"), int(port), options.n)
    if not options.quiet:
        show(names, errors, options.expect)
    if errors:
        return 1
    if options.expect and not follows(names, options.expect):
        if not options.quiet:
            print("    the shares are further than %d %% from the weights" % (100 * TOLERANCE))
        return 3
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
