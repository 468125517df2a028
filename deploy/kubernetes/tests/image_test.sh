#!/bin/bash
# The root of the image, made of the packages just built, runs the pods of the manifests.
# Wants root and a mirror.
set -euo pipefail

export PATH="$PATH:/usr/sbin"
readonly kNames=(lb-controlplane lb-worker lbctl)
work="$(mktemp -d /tmp/lb-image.XXXXXX)"
trap 'rm -rf "$work"' EXIT

fail() { echo "FAILED: $*" >&2; exit 1; }

debs=()
for name in lb-common "${kNames[@]}"; do debs+=(deploy/debian/packages/"$name"_*.deb); done

deploy/kubernetes/image/build-root "${debs[@]}" "$work/root"
chmod 755 "$work"
for gone in bin/sh usr/bin/sh usr/bin/bash usr/bin/apt usr/bin/dpkg usr/bin/perl; do
  [ ! -e "$work/root/$gone" ] || fail "the image has /$gone"
done
[ -z "$(find "$work/root" -perm /6000)" ] || fail "a program of the image changes its user"
grep -q "BEGIN CERTIFICATE" "$work/root/etc/ssl/certs/ca-certificates.crt" || fail "no authorities"
for name in "${kNames[@]}"; do
  # Programs find their own library by /proc.
  unshare --mount --propagation private sh -c "mount --rbind /proc $work/root/proc &&
    exec chroot $work/root /usr/bin/$name --version" || fail "$name does not start"
done
du -sh "$work/root"

LB_IMAGE_ROOT="$work/root" deploy/kubernetes/tests/run_test.sh deploy/kubernetes/tests/pods_test.py
