#!/bin/sh
# Runs one Python test of this folder with Debian's Python. Arguments: the file, then unittest's.
PYTHONDONTWRITEBYTECODE=1 exec /usr/bin/python3 -u "$@"
