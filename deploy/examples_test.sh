#!/bin/bash
# Every example configuration is good, for the control plane and for lbctl alike; core.yaml with
# tls switched on is refused by name, since its files are not there; with cluster it is warned of.
set -euo pipefail

fail() { echo "FAILED: $*" >&2; exit 1; }
controlplane=controlplane/lb-controlplane
lbctl=cli/lbctl

# What tls.yaml names: an authority, and certificates that it signed.
export LB_TLS="$TEST_TMPDIR/tls"
mkdir "$LB_TLS"
new_key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
for name in internal-ca partners-ca www shop; do
  openssl req -x509 "${new_key[@]}" -keyout "$LB_TLS/$name.key" -out "$LB_TLS/$name.crt" -days 30 \
    -subj "/CN=$name" -addext "subjectAltName=DNS:$name.example.com" 2>/dev/null ||
    fail "no certificate for $name"
done

for file in deploy/examples/*.yaml; do
  "$controlplane" --check-config --config "$file" || fail "$file is refused by lb-controlplane"
  "$lbctl" config validate "$file" || fail "$file is refused by lbctl"
done

switch_on() {  # SECTION: core.yaml with it
  sed "/^$1:/,/enabled:/s/enabled: false/enabled: true/" deploy/examples/core.yaml >"$TEST_TMPDIR/on.yaml"
  code=0
  "$controlplane" --check-config --config "$TEST_TMPDIR/on.yaml" >"$TEST_TMPDIR/out" 2>&1 || code=$?
  grep -q "$1" "$TEST_TMPDIR/out" || fail "the findings do not name $1"
}

switch_on tls
[ "$code" = 1 ] || fail "tls switched on: code $code instead of 1"
switch_on cluster
[ "$code" = 0 ] || fail "cluster switched on: code $code instead of 0"
grep -q LB0206 "$TEST_TMPDIR/out" || fail "nobody is warned of a cluster without a key"

# What the documents show is what the programs take. Their certificates are those from above.
blocks_of() {  # DOCUMENT: each of its yaml blocks as a file of $TEST_TMPDIR/blocks
  rm -rf "$TEST_TMPDIR/blocks"
  mkdir "$TEST_TMPDIR/blocks"
  awk -v to="$TEST_TMPDIR/blocks" \
    '/^```yaml/ { on = 1; file = to "/line-" NR ".yaml"; next } /^```/ { on = 0 } on { print > file }' "$1"
  sed -i "s#/etc/lb/tls/#$LB_TLS/#g" "$TEST_TMPDIR"/blocks/*.yaml || fail "$1 shows no configuration"
}

for document in README.md docs/migration.md; do
  blocks_of "$document"
  for block in "$TEST_TMPDIR"/blocks/*.yaml; do
    "$controlplane" --check-config --config "$block" ||
      fail "$document, ${block##*/}: refused by lb-controlplane"
    "$lbctl" config validate "$block" || fail "$document, ${block##*/}: refused by lbctl"
  done
done
