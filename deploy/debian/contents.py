"""What is in which package: a table of files, their places and modes."""

import glob
import os

UNITS = "lib/systemd/system/"
_DOCS = "usr/share/doc/lb-doc/"


class File:
    """One file of a package: its `place`, and its bytes from a `source` file or given as `data`."""

    def __init__(self, place, source=None, data=None, mode=0o644, conffile=False):
        self.place = place
        self.mode = mode
        self.conffile = conffile
        if data is None:
            with open(source, "rb") as file:
                data = file.read()
        self.data = data.encode() if isinstance(data, str) else data


class Program(File):
    """An executable or library, stripped when it is packed; `runpath`: where it finds ours."""

    def __init__(self, place, source, runpath="", mode=0o755):
        super().__init__(place, source, mode=mode)
        self.runpath = runpath


RUNPATH = "$ORIGIN/../lib/lb:$ORIGIN/../lib/x86_64-linux-gnu/android"


def _service(name, unit):
    """What both services have."""
    return [
        File(UNITS + unit, "deploy/systemd/" + unit),
        File("usr/lib/sysusers.d/%s.conf" % name, "deploy/systemd/%s.sysusers" % name),
        File("usr/lib/tmpfiles.d/%s.conf" % name, "deploy/systemd/%s.tmpfiles" % name),
        File("etc/default/" + name, "deploy/debian/%s/default" % name, conffile=True),
    ]


def contents(programs, library, pages, completions, schema):
    """{package: [File]}. `programs`: {name: path}; `pages`: {"lbctl.1": text}; the rest are texts."""

    def program(name):
        return Program("usr/bin/" + name, programs[name], RUNPATH)

    def man(name):
        return File("usr/share/man/man%s/%s" % (name[-1], name), data=pages[name])

    return {
        "lb-common": [
            Program("usr/lib/lb/libgrpc_tls.so", library, mode=0o644),
            File(UNITS + "lb.target", "deploy/systemd/lb.target"),
        ],
        "lb-controlplane": [
            program("lb-controlplane"),
            man("lb-controlplane.8"),
            man("lb.yaml.5"),
            File("etc/lb/lb.yaml", "deploy/debian/lb-controlplane/lb.yaml", mode=0o640, conffile=True),
            *_service("lb-controlplane", "lb-controlplane.service"),
        ],
        "lb-worker": [
            program("lb-worker"),
            man("lb-worker.8"),
            File("usr/lib/lb/restart-workers", "deploy/debian/lb-worker/restart-workers", mode=0o755),
            File("etc/logrotate.d/lb-worker", "deploy/systemd/lb-worker.logrotate", conffile=True),
            *_service("lb-worker", "lb-worker@.service"),
        ],
        "lbctl": [
            program("lbctl"),
            man("lbctl.1"),
            File("usr/share/bash-completion/completions/lbctl", data=completions["bash"]),
            File("usr/share/zsh/vendor-completions/_lbctl", data=completions["zsh"]),
            File("usr/share/fish/vendor_completions.d/lbctl.fish", data=completions["fish"]),
            File("usr/share/lb/lb.schema.json", data=schema),
        ],
        "lb-doc": [File(_DOCS + os.path.basename(path), path) for path in sorted(glob.glob("docs/*.md"))]
        + [
            File(_DOCS + "examples/" + os.path.basename(path), path)
            for path in sorted(glob.glob("deploy/examples/*.yaml"))
        ]
        + [
            File(_DOCS + "examples/keepalived/" + os.path.basename(path), path)
            for path in sorted(glob.glob("deploy/examples/keepalived/*"))
        ],
    }


# Folders that are empty as shipped.
FOLDERS = {"lb-controlplane": ["etc/lb/tls"]}
