#!/usr/bin/env python3
"""Boot Debian's kernel and compare what userland programs compute in the guest with what the host computes.

usage: userland.py ARMILLARY [boot.py options]
In the guest: busybox's sums, gzip and bc; selfcheck (fork, threads, faults, new code, floating point); Debian's arm64 openssl hashing and
encrypting; 10 MB written to a virtio-blk ext4, remounted and compared. Every result is printed and compared on the host.
"""
import hashlib
import os
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import boot

HERE = Path(__file__).resolve().parent
KEY, IV = "00112233445566778899aabbccddeeff" * 2, "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
BC = "scale=60; 4*a(1); e(1); 2^200; sqrt(2)"

SCRIPT = r"""
cd /data
echo "result sha256 $(sha256sum <file | cut -d' ' -f1)"
echo "result md5 $(md5sum <file | cut -d' ' -f1)"
echo "result gzip $(gzip -9 <file | gunzip | sha256sum | cut -d' ' -f1)"
echo "result host-gzip $(gunzip <file.gz | md5sum | cut -d' ' -f1)"
echo "result bc $(echo '@BC@' | BC_LINE_LENGTH=0 bc -l | tr -d '\\\n')"
/bin/selfcheck | sed 's/^floats/result floats/' || exit 1
export LD_LIBRARY_PATH=/lib
for d in sha1 sha256 sha512 sha3-256 blake2b512; do echo "result openssl-$d $(openssl dgst -$d -r file | cut -d' ' -f1)"; done
for c in aes-256-cbc aes-128-ctr chacha20; do
    echo "result openssl-$c $(openssl enc -$c -K @KEY@ -iv @IV@ -in file 2>/dev/null | sha256sum | cut -d' ' -f1)"
done
mkdir -p /mnt/d
mount -t ext4 /dev/vda /mnt/d && cat file file file file file file file file file file >/mnt/d/big && sync && umount /mnt/d || exit 2
echo 3 >/proc/sys/vm/drop_caches
mount -t ext4 /dev/vda /mnt/d || exit 3
echo "result disk $(md5sum </mnt/d/big | cut -d' ' -f1)"
rm /mnt/d/big && umount /mnt/d || exit 4
"""


def expected_results(data, folder):
    host = {"sha256": hashlib.sha256(data).hexdigest(), "md5": hashlib.md5(data).hexdigest(), "gzip": hashlib.sha256(data).hexdigest(),
            "host-gzip": hashlib.md5(data).hexdigest(), "disk": hashlib.md5(data * 10).hexdigest()}
    for name in ("sha1", "sha256", "sha512", "sha3_256"):
        host["openssl-" + name.replace("_", "-")] = hashlib.new(name, data).hexdigest()
    host["openssl-blake2b512"] = hashlib.blake2b(data).hexdigest()
    for cipher in ("aes-256-cbc", "aes-128-ctr", "chacha20"):
        key = KEY[:32] if "128" in cipher else KEY
        out = subprocess.run(["openssl", "enc", "-" + cipher, "-K", key, "-iv", IV, "-in", folder / "file"], stdout=subprocess.PIPE, check=True).stdout
        host["openssl-" + cipher] = hashlib.sha256(out).hexdigest()
    subprocess.run(["gcc", "-O1", "-ffp-contract=off", "-fno-builtin", "-o", folder / "selfcheck-host", HERE / "selfcheck.c", "-lm", "-pthread"], check=True)
    host["floats"] = re.search(r"floats (\S+)", boot.output_of(folder / "selfcheck-host"))[1]
    host["bc"] = subprocess.run(["bc", "-l"], input=BC.replace("; ", "\n") + "\n", env={**os.environ, "BC_LINE_LENGTH": "0"}, text=True,
                                stdout=subprocess.PIPE, check=True).stdout.replace("\n", "")
    return host


def openssl_files(folder):
    """Debian's arm64 openssl and the libraries it needs, as --add arguments."""
    adds = []
    libraries = folder / "lib"
    libraries.mkdir()
    for package in ("openssl", "libssl3t64", "libc6", "zlib1g", "libzstd1"):
        root = Path(boot.output_of(boot.SCRIPTS / "guest-fetch", "package", package))
        for path in root.rglob("*"):
            if path.is_file() and re.match(r"(libssl|libcrypto|libc|libm|libdl|libpthread|libz|libzstd|ld-linux-aarch64)[-.].*so", path.name) \
                    and "gconv" not in str(path):
                soname = re.sub(r"(\.so\.\d+).*", r"\1", path.name) if "so." in path.name else path.name
                if not (libraries / soname).exists():
                    (libraries / soname).write_bytes(path.read_bytes())
                    (libraries / soname).chmod(0o755)
        program = root / "usr/bin/openssl"
        if package == "openssl":
            adds.append(f"{program}:bin/openssl")
    for path in libraries.iterdir():
        adds.append(f"{path}:lib/{path.name}")
    return adds


def main():
    armillary, rest = sys.argv[1], sys.argv[2:]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = random.Random(2026).randbytes(700000) + b"armillary " * 35000
        data = data[:1 << 20].ljust(1 << 20, b"x")
        (folder / "file").write_bytes(data)
        with open(folder / "file.gz", "wb") as packed:
            subprocess.run(["gzip", "-c", folder / "file"], stdout=packed, check=True)
        subprocess.run(["aarch64-linux-gnu-gcc", "-O1", "-ffp-contract=off", "-fno-builtin", "-static", "-o", folder / "selfcheck", HERE / "selfcheck.c",
                        "-lm", "-pthread"], check=True)
        disk = folder / "disk.img"
        with open(disk, "wb") as image:
            image.truncate(64 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", disk], check=True)
        script = folder / "script.sh"
        script.write_text(SCRIPT.replace("@KEY@", KEY).replace("@IV@", IV).replace("@BC@", BC.replace("; ", "\\n")).replace("echo 'scale", "printf 'scale"))
        expected = expected_results(data, folder)
        command = [sys.executable, HERE / "boot.py", armillary, "--script", script, "--show", "result .*|check .*"]
        for item in [f"{folder}/file:data/file", f"{folder}/file.gz:data/file.gz", f"{folder}/selfcheck:bin/selfcheck", *openssl_files(folder)]:
            command += ["--add", item]
        command += ["--modules", "virtio_mmio,virtio_blk", *rest, "--", "--drive", f"file={disk}"]
        run = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, text=True, check=False)
        found = dict(re.findall(r"result (\S+) (\S*)", run.stdout))
        problems = [f"{k}: guest {found.get(k)} host {v}" for k, v in expected.items() if found.get(k) != v]
        problems += re.findall(r"check \S+ FAILED", run.stdout)
        problems += [] if run.stdout.count("check ") == 4 else ["selfcheck did not finish"]
        checked = subprocess.run(["e2fsck", "-fn", disk], stdout=subprocess.PIPE, text=True, check=False)
        problems += [] if checked.returncode == 0 else [checked.stdout]
        if run.returncode or problems:
            print(run.stdout)
            print("\n".join(problems))
            sys.exit(1)
        print(f"{len(expected)} results equal to the host's")


if __name__ == "__main__":
    main()
