#!/usr/bin/python3
"""Builds the Debian packages out of programs that are built, the same bytes for the same input.

    build_packages.py --version 0.1.0-1 --out-dir DIR --library libgrpc_tls.so \\
        --program lb-controlplane=PATH --program lb-worker=PATH --program lbctl=PATH

Runs from the top of the sources. What the packages hold is in contents.py, their descriptions are
in control, their scripts in the folders of their names.
"""

import argparse
import calendar
import email.utils
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import contents  # pylint: disable=wrong-import-position
import man_pages  # pylint: disable=wrong-import-position

HERE = "deploy/debian"
SCRIPTS = ("preinst", "postinst", "prerm", "postrm")
ANDROID = "/usr/lib/x86_64-linux-gnu/android"
# dpkg-gencontrol counts files in whole KiB and everything else as one.
_KIB = 1024


def run(argv, **options):
    """A command's stdout; it must succeed."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        sys.exit("%s: exit %d\n%s" % (" ".join(argv), done.returncode, done.stderr))
    return done.stdout


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def paragraphs(text):
    """Paragraphs of a control file as dicts; lines that go on keep their line breaks."""
    for block in text.strip().split("\n\n"):
        yield dict(re.findall(r"^([A-Z][\w-]*): ?(.*(?:\n[ ].*)*)", block, re.M))


def changelog(version):
    """The text with an entry of this version first, and the time of that entry."""
    text = read(HERE + "/changelog")
    newest = re.match(r"lb \((.+?)\)", text).group(1)
    when = re.search(r"^ -- .*>  (.*)$", text, re.M).group(1)
    if newest != version:
        trailer = re.search(r"^ -- .*$", text, re.M).group(0)
        text = "lb (%s) unstable; urgency=medium\n\n  * Built from the same sources.\n\n%s\n\n%s" % (
            version, trailer, text)
    return text, calendar.timegm(email.utils.parsedate(when))


def helps(lbctl, env, words=()):
    """(words, help) of lbctl and of every command below."""
    text = run([lbctl, *words, "--help"], env=env)
    yield " ".join(words), text
    for name in man_pages.command_names(text):
        yield from helps(lbctl, env, (*words, name))


def make_pages(programs, env, date):
    notes = {
        "lb-controlplane": [
            ("SIGNALS", [("TERM, INT", "End with code 0; workers serve on. A second one: at once."),
                         ("QUIT", "End at once."), ("HUP", "Read the configuration again.")]),
            ("FILES", [("/etc/lb/lb.yaml", "The configuration, lb.yaml(5)."),
                       ("/etc/default/lb-controlplane", "Flags of the unit (LB_CONTROLPLANE_FLAGS)."),
                       ("/var/lib/lb", "State and kept revisions."), ("/run/lb", "Sockets.")]),
            ("SEE ALSO", ["lb-worker(8), lbctl(1), lb.yaml(5)"]),
        ],
        "lb-worker": [
            ("SIGNALS", [("TERM, INT", "Drain, then end with code 0. A second one: at once. After INT the "
                                       "service manager keeps the listening sockets for the next process."),
                         ("QUIT", "End at once."), ("HUP", "Open the access log anew.")]),
            ("FILES", [("/etc/default/lb-worker, /etc/default/lb-worker-ID",
                        "Flags of all workers' units, and of one (LB_WORKER_FLAGS, LB_DRAIN_TIMEOUT)."),
                       ("/run/lb", "Sockets.")]),
            ("SEE ALSO", ["lb-controlplane(8), lbctl(1), lb.yaml(5)"]),
        ],
    }
    pages = {
        name + ".8": man_pages.daemon(name, run([programs[name], "--help"], env=env), date, after)
        for name, after in notes.items()
    }
    lbctl = programs["lbctl"]
    codes = run([lbctl, "help", "exit-codes"], env=env)
    pages["lbctl.1"] = man_pages.lbctl(list(helps(lbctl, env)), codes, date)
    pages["lb.yaml.5"] = man_pages.configuration(read("docs/configuration.md"), date)
    return pages


def place(root, file):
    """Writes one file of a package into its tree."""
    path = os.path.join(root, file.place)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as out:
        out.write(file.data)
    if isinstance(file, contents.Program):
        os.chmod(path, 0o755)
        run(["strip", "--strip-unneeded", "--remove-section=.comment", "--remove-section=.note", path])
        run(["patchelf", "--set-rpath", file.runpath, path] if file.runpath
            else ["patchelf", "--remove-rpath", path])
    os.chmod(path, file.mode)


def zipped(data):
    return gzip.compress(data, mtime=0)


def fill(root, name, files, log):
    """The tree of a package: its files, manual pages zipped, changelog and copyright."""
    for file in files:
        if file.place.startswith("usr/share/man/"):
            file = contents.File(file.place + ".gz", data=zipped(file.data))
        place(root, file)
    for folder in contents.FOLDERS.get(name, []):
        os.makedirs(os.path.join(root, folder))
    documents = "usr/share/doc/%s/" % name
    place(root, contents.File(documents + "copyright", HERE + "/copyright"))
    place(root, contents.File(documents + "changelog.Debian.gz", data=zipped(log.encode())))


def library_packages(work, root, files, common):
    """What ${shlibs:Depends} stands for."""
    programs = [os.path.join(root, f.place) for f in files if isinstance(f, contents.Program)]
    if not programs:
        return ""
    os.makedirs(os.path.join(work, "debian"), exist_ok=True)
    shutil.copy(HERE + "/control", os.path.join(work, "debian/control"))
    # Ours has no version in its name: packages depend on lb-common themselves.
    output = run(
        ["dpkg-shlibdeps", "-O", "--ignore-missing-info", "-l" + os.path.join(common, "usr/lib/lb"),
         "-l" + ANDROID, "-xlb-common", *programs], cwd=work)
    return output.strip().split("=", 1)[1]


def tree_files(root):
    for folder, folders, names in sorted(os.walk(root)):
        folders.sort()
        if folder.startswith(os.path.join(root, "DEBIAN")):
            continue
        for name in sorted(names):
            yield os.path.relpath(os.path.join(folder, name), root)


def installed_size(root):
    """In KiB, as dpkg-gencontrol counts: whole KiB of each file, and one for each folder."""
    files = sum(-(-os.path.getsize(os.path.join(root, path)) // _KIB) for path in tree_files(root))
    return files + sum(1 for _ in os.walk(root))


def write_control(root, name, fields, files):
    """DEBIAN/: control, conffiles, md5sums and the maintainer scripts."""
    size = installed_size(root)
    control = os.path.join(root, "DEBIAN")
    os.makedirs(control)
    sums = []
    for path in tree_files(root):
        with open(os.path.join(root, path), "rb") as file:
            sums.append("%s  %s\n" % (hashlib.md5(file.read()).hexdigest(), path))
    texts = {
        "control": "".join("%s: %s\n" % field for field in [*fields.items(), ("Installed-Size", size)]),
        "md5sums": "".join(sums),
        "conffiles": "".join("/%s\n" % file.place for file in files if file.conffile),
    }
    for script in SCRIPTS:
        path = os.path.join(HERE, name, script)
        if os.path.exists(path):
            texts[script] = read(path)
    for part, text in texts.items():
        if not text:
            continue
        with open(os.path.join(control, part), "w", encoding="utf-8") as out:
            out.write(text)
        os.chmod(os.path.join(control, part), 0o755 if part in SCRIPTS else 0o644)


def set_times(root, when):
    for folder, _, names in os.walk(root, topdown=False):
        os.chmod(folder, 0o755)
        for path in [os.path.join(folder, name) for name in names] + [folder]:
            os.utime(path, (when, when))


def fields_of(source, package, version, libraries):
    depends = package.get("Depends", "").replace("${binary:Version}", version)
    depends = depends.replace("${shlibs:Depends}", libraries)
    fields = {"Package": package["Package"], "Source": source["Source"], "Version": version}
    fields.update(Architecture=package["Architecture"], Maintainer=source["Maintainer"])
    if depends:
        fields["Depends"] = depends
    for relation in ("Recommends", "Suggests"):
        if relation in package:
            fields[relation] = package[relation].replace("${binary:Version}", version)
    fields.update(Section=package.get("Section", source["Section"]), Priority=source["Priority"])
    fields["Description"] = package["Description"]
    return fields


def build(work, out_dir, version, packages, log, when):
    """Every package of `packages` ({name: [File]}) into out_dir."""
    source, *binaries = paragraphs(read(HERE + "/control"))
    roots = {name: os.path.join(work, name) for name in packages}
    for name, files in packages.items():
        fill(roots[name], name, files, log)
    for package in binaries:
        name = package["Package"]
        root, files = roots[name], packages[name]
        libraries = library_packages(work, root, files, roots["lb-common"])
        write_control(root, name, fields_of(source, package, version, libraries), files)
        set_times(root, when)
        target = "%s_%s_%s.deb" % (name, version, package["Architecture"])
        run(["dpkg-deb", "--root-owner-group", "--threads-max=1", "-Zxz", "--build", root,
             os.path.join(out_dir, target)], env={**os.environ, "SOURCE_DATE_EPOCH": str(when)})


def main():
    parser = argparse.ArgumentParser(description="builds the Debian packages")
    parser.add_argument("--version", required=True)
    parser.add_argument("--out-dir", required=True)
    parser.add_argument("--library", required=True)
    parser.add_argument("--program", action="append", required=True, metavar="NAME=PATH")
    options = parser.parse_args()
    os.umask(0o022)
    programs = {name: os.path.abspath(path) for name, path in (p.split("=", 1) for p in options.program)}
    # Of the build tree's copies; HOME has no file of lbctl's.
    env = {"LD_LIBRARY_PATH": os.path.dirname(os.path.abspath(options.library)), "HOME": "/nonexistent"}
    if run([programs["lb-worker"], "--version"], env=env).split()[1] != re.split("[-~]", options.version)[0]:
        sys.exit("deploy/debian: %s is not the version of base/version.h" % options.version)
    log, when = changelog(options.version)
    date = "%d-%02d-%02d" % email.utils.parsedate(email.utils.formatdate(when))[:3]
    packages = contents.contents(
        programs,
        options.library,
        make_pages(programs, env, date),
        {shell: run([programs["lbctl"], "completion", shell], env=env) for shell in ("bash", "zsh", "fish")},
        run([programs["lbctl"], "config", "schema"], env=env),
    )
    with tempfile.TemporaryDirectory() as work:
        build(work, os.path.abspath(options.out_dir), options.version, packages, log, when)


if __name__ == "__main__":
    main()
