#!/bin/sh
# Runs one test of the benchmark with Debian's Python. Arguments: the file, then unittest's.
PYTHONPATH=tests/bench:tests/e2e PYTHONDONTWRITEBYTECODE=1 exec /usr/bin/python3 -u "$@"
