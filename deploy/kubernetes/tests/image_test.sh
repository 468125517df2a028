#!/bin/bash
# The root of the image, made of packages of the programs just built, runs the pods of the manifests.
# LB_DEBS="CONTROLPLANE.deb WORKER.deb LBCTL.deb" takes these packages instead. Wants root and a mirror.
set -euo pipefail

export PATH="$PATH:/usr/sbin"
readonly kNames=(lb-controlplane lb-worker lbctl)
readonly kFiles=(controlplane/lb-controlplane dataplane/lb-worker cli/lbctl)
work="$(mktemp -d /tmp/lb-image.XXXXXX)"
trap 'rm -rf "$work"' EXIT

fail() { echo "FAILED: $*" >&2; exit 1; }

# The Debian packages of the libraries that a program loads.
libraries_of() {
  local library
  # Some packages say /usr/lib of a file, some say /lib: those that do not know it are silent.
  for library in $(ldd "$1" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p'); do
    echo "${library#/usr}" "/usr${library#/usr}"
  done | { xargs dpkg -S 2>/dev/null || true; } | cut -d: -f1 | sort -u | paste -sd,
}

# A package of one program, as little as a package can be: $1 its name, $2 the program.
package() {
  local name="$1" program root="$work/$1" own
  program="$(realpath "$2")"
  install -D -m 755 "$program" "$root/usr/bin/$name"
  strip "$root/usr/bin/$name"
  # Where it looks for our own library, from its own folder on: $ORIGIN/../FOLDER.
  own="$(readelf -d "$program" | sed -n 's|.*runpath: \[$ORIGIN/../\([^:]*\):.*|\1|p')"
  install -D "${program%/*/*}/$own/libgrpc_tls.so" "$root/usr/$own/libgrpc_tls.so"
  mkdir "$root/DEBIAN"
  printf '%s\n' "Package: $name" "Version: 0.1.0" "Architecture: $(dpkg --print-architecture)" \
    "Maintainer: lb <lb@example.org>" "Description: $name of this build" \
    "Depends: $(libraries_of "$program"),adduser" >"$root/DEBIAN/control"
  dpkg-deb --root-owner-group --build "$root" "$work/$name.deb" >/dev/null
}

if [ -n "${LB_DEBS:-}" ]; then
  read -ra debs <<<"$LB_DEBS"
else
  for i in 0 1 2; do package "${kNames[i]}" "${kFiles[i]}"; done
  debs=("$work/lb-controlplane.deb" "$work/lb-worker.deb" "$work/lbctl.deb")
fi

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
