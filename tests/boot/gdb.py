#!/usr/bin/env python3
"""Debian's own gdb in the guest: hardware breakpoints, watchpoints and single steps on a program.

usage: gdb.py ARMILLARY [boot.py options]
"""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import boot

# What gdb's libraries, and theirs, are in.
PACKAGES = """gdb libatomic1 libbabeltrace1 libbrotli1 libbz2-1.0 libc6 libcom-err2 libcurl3t64-gnutls libdebuginfod1t64 libdw1t64
libelf1t64 libexpat1 libffi8 libgcc-s1 libglib2.0-0t64 libgmp10 libgnutls30t64 libgssapi-krb5-2 libhogweed6t64 libidn2-0 libjson-c5 libk5crypto3
libkeyutils1 libkrb5-3 libkrb5support0 libldap2 liblzma5 libmpfr6 libncursesw6 libnettle8t64 libnghttp2-14 libnghttp3-9 libngtcp2-16
libngtcp2-crypto-gnutls8 libp11-kit0 libpcre2-8-0 libpsl5t64 libpython3.13 libpython3.13-minimal libreadline8t64 librtmp1 libsasl2-2 libsource-highlight4t64 libssh2-1t64 libssl3t64 libstdc++6 libtasn1-6 libtinfo6 libunistring5 libuuid1 libxxhash0 libzstd1 zlib1g""".split()

# The program: three calls of `leaf`, ten writes of `cell`, a loop.
PROGRAM = """
volatile long cell, other;
__attribute__((noinline)) long leaf(long x)
{
    other = x;
    return x + 1;
}

int main(void)
{
    long v = 0;
    for (int i = 0; i < 3; i++)
        v = leaf(v);
    for (int i = 0; i < 10; i++)
        cell = v * 10 + i;
    return (int)(cell & 1) + (int)leaf(40);
}
"""
SCRIPT = """set pagination off
set confirm off
set debuginfod enabled off
set can-use-hw-watchpoints 1
break main
run
hbreak leaf
continue
printf "hit 1 leaf x=%d\\n", x
continue
printf "hit 2 leaf x=%d\\n", x
stepi
printf "stepi moved %d\\n", $pc != (long)leaf
delete
watch cell
continue
continue
printf "watch cell=%d\\n", cell
continue 7
printf "watch cell=%d\\n", cell
delete
rwatch cell
continue
printf "read cell=%d\\n", cell
delete
hbreak leaf if x == 40
continue
printf "conditional leaf x=%d\\n", x
info breakpoints
finish
delete
continue
quit
"""
EXPECTED = ["Hardware assisted breakpoint 2", "hit 1 leaf x=0\n", "hit 2 leaf x=1\n", "stepi moved 1\n", "Hardware watchpoint", "watch cell=31\n",
            "watch cell=38\n", "Hardware read watchpoint", "read cell=39\n", "conditional leaf x=40\n", "Value returned is .* = 41\n",
            "exited with code 052"]


def libraries(roots, program, folder):
    """Copies what the program needs, by soname, from the unpacked packages into the folder."""
    index = {path.name: path for root in roots for path in root.rglob("*.so*")}
    wanted, done = [program], set()
    while wanted:
        text = boot.output_of("aarch64-linux-gnu-readelf", "-d", wanted.pop())
        for name in re.findall(r"NEEDED.*\[(.*)\]", text):
            if name in done:
                continue
            done.add(name)
            if name not in index:
                sys.exit(f"gdb.py: no package has {name}")
            (folder / name).write_bytes(index[name].resolve().read_bytes())
            (folder / name).chmod(0o755)
            wanted.append(index[name])


def main():
    armillary, rest = sys.argv[1], sys.argv[2:]
    roots = [Path(boot.output_of(boot.SCRIPTS / "guest-fetch", "package", p)) for p in PACKAGES]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "program.c").write_text(PROGRAM)
        subprocess.run(["aarch64-linux-gnu-gcc", "-O1", "-g", "-static", "-o", folder / "program", folder / "program.c"], check=True)
        (folder / "lib").mkdir()
        program = roots[0] / "usr/bin/gdb"
        libraries(roots, program, folder / "lib")
        (folder / "gdb.script").write_text(SCRIPT)
        (folder / "script.sh").write_text("export LD_LIBRARY_PATH=/lib; gdb -nx -batch -x /gdb.script /bin/program 2>&1\n")
        adds = [f"{program}:usr/bin/gdb", f"{folder}/gdb.script:gdb.script", f"{folder}/program:bin/program", f"{roots[0]}/usr/share/gdb:usr/share/gdb"]
        adds += [f"{path}:lib/{path.name}" for path in (folder / "lib").iterdir()]
        adds += [f"{root}/usr/lib/python3.13:usr/lib/python3.13" for root in roots if "minimal" in root.name]
        command = [sys.executable, boot.HERE / "boot.py", armillary, "--script", folder / "script.sh", "--show", "hit|watch|leaf|exited"]
        for item in adds:
            command += ["--add", item]
        for pattern in EXPECTED:
            command += ["--expect", pattern]
        sys.exit(subprocess.run([str(c) for c in [*command, *rest]], check=False).returncode)


if __name__ == "__main__":
    main()
