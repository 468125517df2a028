#!/bin/bash
# The quickstart, with the programs this build made: once to the end, once kept running and stopped.
set -euo pipefail
export TMPDIR="$TEST_TMPDIR" NO_COLOR=1

fail() { echo "FAILED: $*" >&2; exit 1; }
has() { grep -qF -- "$1" "$2" || fail "the output lacks: $1"; }
folder_of() { grep -o '/[^ ]*lb-quickstart\.[A-Za-z0-9]*' "$1" | head -n 1; }

if deploy/quickstart --foo 2>"$TEST_TMPDIR/usage"; then fail "an unknown flag is accepted"; fi
has "unknown flag '--foo'" "$TEST_TMPDIR/usage"

out="$TEST_TMPDIR/out"
deploy/quickstart --bin-dir "$PWD" | tee "$out"
has "1. 300 requests" "$out"
has "No request failed" "$out"
has "bravo is started again" "$out"
has "CONNECTIONS  0 open, " "$out"
has "Everything is stopped" "$out"
[ ! -e "$(folder_of "$out")" ] || fail "the folder is still there"

kept="$TEST_TMPDIR/kept"
deploy/quickstart --keep --bin-dir "$PWD" | tee "$kept"
folder="$(folder_of "$kept")"
address="$(sed -n 's|^  curl http://\(.*\)/$|\1|p' "$kept")"
deploy/examples/spread.py "$address" -n 30 || fail "it does not keep running"
"$folder/stop"
[ ! -e "$folder" ] || fail "stop left the folder"
if deploy/examples/spread.py "$address" -n 1 >/dev/null; then fail "it answers after stop"; fi
