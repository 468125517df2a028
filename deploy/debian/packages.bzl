"""The Debian packages as one target."""

_PACKAGES = {
    "lb-common": "amd64",
    "lb-controlplane": "amd64",
    "lb-doc": "all",
    "lb-worker": "amd64",
    "lbctl": "amd64",
}
_PROGRAMS = {
    "lb-controlplane": "//controlplane:lb-controlplane",
    "lb-worker": "//dataplane:lb-worker",
    "lbctl": "//cli:lbctl",
}
_LIBRARY = "//deploy/bazel:libgrpc_tls.so"

def debian_packages(name, version, **options):
    """Builds all packages with build_packages.py.

    Args:
      name: of the target, and of the folder that the packages are in.
      version: Debian's, "0.1.0-1"; what is before the first "-" or "~" is that of the programs.
      **options: of the genrule.
    """
    native.genrule(
        name = name,
        srcs = [
            ":sources",
            "//deploy/examples:keepalived",
            "//deploy/examples:yaml",
            "//deploy/systemd:units",
            "//docs",
            _LIBRARY,
        ] + _PROGRAMS.values(),
        outs = [
            "%s/%s_%s_%s.deb" % (name, package, version, architecture)
            for package, architecture in _PACKAGES.items()
        ],
        cmd = " ".join([
            "/usr/bin/python3 deploy/debian/build_packages.py --version " + version,
            "--out-dir $(RULEDIR)/" + name,
            "--library $(location %s)" % _LIBRARY,
        ] + [
            "--program %s=$(location %s)" % (program, label)
            for program, label in _PROGRAMS.items()
        ]),
        **options
    )
