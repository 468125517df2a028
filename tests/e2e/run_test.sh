#!/bin/sh
# Runs one end-to-end test file with Debian's Python. Arguments: the file, then unittest's.
# gRPC's handlers around fork() wait for ever for its own busy threads; our children exec at once.
export GRPC_ENABLE_FORK_SUPPORT=0
PYTHONPATH=tests/e2e PYTHONDONTWRITEBYTECODE=1 exec /usr/bin/python3 -u "$@"
