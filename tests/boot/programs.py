#!/usr/bin/env python3
"""Debian's arm64 programs in the guest: their own checks, and what they compute against what the host computes.

usage: programs.py ARMILLARY NAME [boot.py options]
The programs are on an image that scripts/guest-disk makes from Debian's packages, which the guest mounts read-only and changes root to.
NAME.sh of tests/boot/programs (up to a dash) runs there, in /work on a second disk with its files. Lines `same NAME VALUE` must be those that the
same script prints on the host. Python's own tests are run on the host by the same packages for its CPU, and compared one by one (outcomes.py).
"""
import functools
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import boot
import outcomes

FOLDER = boot.HERE / "programs"
SOURCE = boot.HERE.parents[1]
PACKAGES = ["dash", "coreutils", "diffutils", "grep", "sed", "openssl", "openssl-provider-fips", "python3.13", "libpython3.13-testsuite", "perl", "stress-ng",
            "gcc-14", "libc6-dev", "sqlite3"]
# Big, and only needed for graphics, sanitizers or to install packages.
WITHOUT = "mesa-.*|libegl-mesa0|libllvm.*|libz3-.*|tzdata|debconf|libwayland.*|libx11-data|libhwasan0|liblsan0|libtsan2|libgprofng0"
SCRIPT = r"""
mount -t ext4 -o ro /dev/vda /mnt && mount -t ext4 /dev/vdb /mnt/work || exit 1
for d in dev proc sys tmp; do mount -o bind /$d /mnt/$d; done
mkdir -p /mnt/dev/shm && mount -t tmpfs shm /mnt/dev/shm
ip link set lo up
cd /mnt && chroot /mnt /bin/sh -c "cd /work && exec sh @SCRIPT@.sh guest @NAME@"
status=$?
umount /mnt/work || exit 1
exit $status
"""
NOTHING = "e3b0c44298fc1c14"  # how SHA-256 of nothing begins: a program that failed before it printed


@dataclass
class Program:
    files: list         # files of tests/boot/programs the script uses
    expect: list        # what the guest must print besides
    prepare: object = None  # makes further files in the folder it is given
    after: object = None    # problems with the files the guest left; also gets the folder of the host's run
    host: bool = True


def shell(folder, text):
    subprocess.run(["sh", "-ec", text], cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def openssl_files(folder):
    shell(folder, """
        openssl enc -aes-128-ctr -K 00112233445566778899aabbccddeeff -iv 0 -in /dev/zero 2>/dev/null | head -c 2000003 >data || true
        head -c 3000 data >small
        openssl enc -aes-256-cbc -pbkdf2 -pass pass:armillary -in data -out encrypted
        openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.pem
        for k in ed25519 ed448 x25519 x448 x25519-peer x448-peer; do openssl genpkey -algorithm ${k%-peer} -out $k.pem; done
        for k in ec ec-peer; do openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out $k.private; done
        for k in x25519 x448; do openssl pkey -in $k-peer.pem -pubout -out $k-peer.public && mv $k-peer.public $k-peer.pem; done
        mv ec.private ec.pem
        openssl dgst -sha256 -sign ec-peer.private -out ec-signature data
        openssl pkey -in ec-peer.private -pubout -out ec-peer.pem
        openssl pkey -in ec.pem -pubout -out ec-public.pem""")


def openssl_after(folder, _):
    command = ["openssl", "dgst", "-sha256", "-verify", "ec-public.pem", "-signature"]
    runs = {caps: subprocess.run([*command, f"ec-{caps}.signature", "data"], cwd=folder, stdout=subprocess.DEVNULL, check=False) for caps in ("all", "none")}
    return [f"the host does not accept the guest's signature ({caps})" for caps, run in runs.items() if run.returncode]


def gcc_files(folder):
    shutil.copytree(SOURCE / "include", folder / "include")
    shutil.copytree(SOURCE / "src/fp", folder / "fp")
    shutil.copy(SOURCE / "tests/fp/vectors.c", folder)
    with open(folder / "vectors.txt", "w", encoding="ascii") as out:
        subprocess.run([sys.executable, SOURCE / "tests/fp/generate.py", "--count", "100", "--seed", "3"], stdout=out, check=True)


def sqlite_after(folder, host_folder):
    with sqlite3.connect(folder / "made.db") as database:
        problems = [] if database.execute("PRAGMA integrity_check").fetchall() == [("ok",)] else ["integrity_check of the host"]
        problems += database.execute("PRAGMA foreign_key_check").fetchall()
        with sqlite3.connect(host_folder / "made.db") as host:
            for query in ("SELECT * FROM item ORDER BY id", "SELECT * FROM total ORDER BY kind", "SELECT type, name, sql FROM sqlite_master ORDER BY 2"):
                if database.execute(query).fetchall() != host.execute(query).fetchall():
                    problems.append("not the host's rows: " + query)
    return problems


def python_after(name, folder, work):
    """Every test of the group: the same outcome in the guest and on the host."""
    native = outcomes.native_folder(work, ["python.sh", "python-tests"])
    problems = outcomes.run_native("python", name, native, WITHOUT, PACKAGES)
    if problems:
        return problems
    guest, host = (outcomes.read(where / outcomes.FILE) for where in (folder, native))
    rows = [line.split() for line in (FOLDER / "python-tests").read_text().splitlines()]
    wanted = [module for group, module in rows if name == "python-" + group]
    print(f"{name}: guest {outcomes.summary(guest)}; host {outcomes.summary(host)}")
    return outcomes.problems(guest, host, wanted)


def stress_expectations():
    rows = [line.split() for line in (FOLDER / "stress-classes").read_text().splitlines() if line and not line.startswith("#")]
    for name, together, *_ in rows:
        yield rf"passed: {together}: {name} \({together}\)"


PROGRAMS = {
    "openssl": Program([], ["INSTALL PASSED", r"AES-128-GCM +\d+", r"ecdsa \(nistp256\) +[\d.]+s"], openssl_files, openssl_after),
    "python": Program(["compute.py"], []),
    **{f"python-{group}": Program(["python-tests"], ["Result: SUCCESS"], None, functools.partial(python_after, f"python-{group}"), False)
       for group in ("numeric", "math", "exact", "thread", "library", "decimal")},
    "perl": Program(["perl.pl"], []),
    "stress": Program(["stress-classes"], list(stress_expectations()), host=False),
    "gcc": Program(["sample.c"], ["vectors, 0 failed"], gcc_files),
    "sqlite": Program(["sqlite.sql"], [r"(?m)^ok$"], None, sqlite_after),
}


def same_lines(text):
    return re.findall(r"^same[ |](.*)$", text, re.M)


def compare(guest, host):
    """Problems; both are lists of lines in the order of the script."""
    problems = [f"guest: {line}\nhost:  {other}" for line, other in zip(guest, host) if line != other]
    problems += [f"{len(guest)} results, the host has {len(host)}"] if len(guest) != len(host) or not host else []
    return problems + [f"computed nothing: {line}" for line in guest if NOTHING in line]


def run(armillary, name, rest, folder):
    program, script, work = PROGRAMS[name], name.split("-")[0], folder / "work"
    work.mkdir()
    for file in (f"{script}.sh", *program.files):
        shutil.copy(FOLDER / file, work)
    if program.prepare:
        program.prepare(work)
    image = boot.output_of(boot.SCRIPTS / "guest-disk", "--without", WITHOUT, *PACKAGES)
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-d", work, folder / "work.img", "256M"], check=True)
    (folder / "script.sh").write_text(SCRIPT.replace("@NAME@", name).replace("@SCRIPT@", script))
    command = [sys.executable, boot.HERE / "boot.py", armillary, "--script", folder / "script.sh", "--modules", "virtio_mmio,virtio_blk", "--smp", "2",
               "--timeout", "1100", "--show", ".", *rest, "--", "--drive", f"file={image},readonly=on", "--drive", f"file={folder}/work.img"]
    for pattern in program.expect:
        command[3:3] = ["--expect", pattern]
    guest = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, text=True, check=False)
    problems = ["boot.py failed"] if guest.returncode else []
    if program.host:
        host = subprocess.run(["sh", f"{script}.sh", "host", name], cwd=work, stdout=subprocess.PIPE, text=True, check=False, env={**os.environ, "LC_ALL": "C"})
        problems += compare(same_lines(guest.stdout), same_lines(host.stdout))
    checked = subprocess.run(["e2fsck", "-fn", folder / "work.img"], stdout=subprocess.PIPE, text=True, check=False)
    problems += [] if checked.returncode == 0 else [checked.stdout]
    if program.after and not problems:
        (folder / "left").mkdir()
        subprocess.run(["debugfs", "-R", f"rdump / {folder}/left", folder / "work.img"], stderr=subprocess.DEVNULL, check=True)
        problems += program.after(folder / "left", work)
    return guest.stdout, problems


def main():
    armillary, name, rest = sys.argv[1], sys.argv[2], sys.argv[3:]
    with tempfile.TemporaryDirectory() as folder:
        text, problems = run(armillary, name, rest, Path(folder))
    if problems or os.environ.get("SHOW"):
        print(text)
    if problems:
        print("\n".join(map(str, problems)))
        sys.exit(1)
    if PROGRAMS[name].host:
        print(f"{name}: {len(same_lines(text))} results equal to the host's")


if __name__ == "__main__":
    main()
