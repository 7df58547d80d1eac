"""Outcomes of python's own tests in the guest against those of the same tests, of the same packages, on the host's CPU.

The packages are Debian's for the host's architecture, unpacked into a folder (scripts/guest-disk --folder) and run there in a mount namespace.
Both runs leave a JUnit file; each test of the one must be in the other with the same outcome, and skipped for the same reason.
"""
import collections
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree

import boot

FILE = "outcomes.xml"
# $1: the folder with the programs; $2: the one to be /work; $3, $4: script and its name
NATIVE = r"""
mount -t tmpfs tmp "$1/tmp" && mount --rbind /dev "$1/dev" && mount -t proc proc "$1/proc" && mount --bind "$2" "$1/work" || exit 1
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/ TERM=linux chroot "$1" /bin/sh -c "cd /work && exec sh $3.sh native $4" """


def run_native(script, name, work, without, packages):
    """Problems; runs the script in a file system of the host's architecture, in which work is /work."""
    architecture = boot.output_of("dpkg", "--print-architecture")
    root = boot.output_of(boot.SCRIPTS / "guest-disk", "--folder", "--arch", architecture, "--without", without, *packages)
    run = subprocess.run(["unshare", "--map-root-user", "--mount", "--pid", "--fork", "sh", "-c", NATIVE, "sh", root, work, script, name],
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return [f"on the host: status {run.returncode}\n{run.stdout}"] if run.returncode else []


def native_folder(work, names):
    """A fresh folder with those files of work."""
    folder = work.parent / "native"
    folder.mkdir()
    for name in names:
        shutil.copy(work / name, folder)
    return folder


def outcome(case):
    """"passed", or what kept it from that and why: a skipped test must be skipped for the same reason on both sides."""
    for child in case:
        if child.tag in ("skipped", "failure", "error"):
            return f"{child.tag}: {(child.text or '').strip()}" if child.tag == "skipped" else child.tag
    return "passed"


def read(path):
    """Outcomes by the test's name; subtests that failed make their test fail."""
    found = {}
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name, result = case.get("name"), outcome(case)
        if found.get(name, "passed") == "passed":
            found[name] = result
    return found


def module(name):
    return re.match(r"test\.(\w+)", name)[1] if name.startswith("test.") else name.split(".")[0]


def problems(guest, host, wanted):
    """What differs, what failed on both, modules without a test that passed."""
    out = [f"{name}: {guest.get(name, 'absent')}, host {host.get(name, 'absent')}" for name in sorted(guest.keys() | host.keys())
           if guest.get(name) != host.get(name)]
    out += [f"failed on both: {name}" for name, result in guest.items() if result in ("failure", "error") and host.get(name) == result]
    passed = collections.Counter(module(name) for name, result in guest.items() if result == "passed")
    return out + [f"no test of {name} passed" for name in wanted if not passed[name]]


def summary(found):
    counts = collections.Counter(result.split(":")[0] for result in found.values())
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
