#!/bin/sh
# Runs one end-to-end test file with Debian's Python. Arguments: the file, then unittest's.
PYTHONPATH=tests/e2e PYTHONDONTWRITEBYTECODE=1 exec /usr/bin/python3 -u "$@"
