#!/bin/bash
# No program may load OpenSSL beside BoringSSL: both define the same names, and one of the two would
# be bound to the other's functions. gRPC's OpenSSL must stay hidden inside libgrpc_tls.so.
set -euo pipefail

failures=0
fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

for program in "$@"; do
  libraries="$(ldd "$program")"
  grep -q 'libgrpc_tls.so => /' <<<"$libraries" || fail "$program does not load libgrpc_tls.so"
  if grep -E 'lib(ssl|crypto)\.so\.[1-9]|libgrpc(\+\+)?\.so' <<<"$libraries"; then
    fail "$program loads OpenSSL or Debian's gRPC"
  fi
  hidden="$(sed -n 's/.*libgrpc_tls.so => \(\/[^ ]*\).*/\1/p' <<<"$libraries")"
  if nm -D --defined-only "$hidden" | grep -E ' (SSL|EVP|CRYPTO|X509)_' | head -5 | grep .; then
    fail "$hidden shows OpenSSL's names"
  fi
done
[ "$failures" = 0 ]
