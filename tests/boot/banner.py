#!/usr/bin/env python3
"""Start another project's image from Debian's packages and wait for its banner.

usage: banner.py ARMILLARY xen|u-boot
"""
import re
import subprocess
import sys
from pathlib import Path

import boot

IMAGES = {  # package, file pattern, options of `armillary run`, lines to see in this order
    "xen": ("xen-hypervisor-4.20-arm64", "boot/xen-4.20-arm64", ["--append", "console=dtuart dtuart=/pl011@9000000"], "--kernel",
            [r"Xen version 4\.", r"GICv3 initialization", r"Brought up \d+ CPUs", r"LOADING DOMAIN 0"]),
    "u-boot": ("u-boot-qemu", "usr/lib/u-boot/qemu_arm64/u-boot.bin", [], "--firmware", [r"U-Boot 20\d\d\.", r"DRAM:  1 GiB"]),
}


def main():
    package, path, extra, option, wanted = IMAGES[sys.argv[2]]
    image = Path(boot.output_of(boot.SCRIPTS / "guest-fetch", "package", package)) / path
    run = subprocess.run([sys.argv[1], "run", option, str(image), "--timeout", "20", *extra], stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, check=False)
    text, at = run.stdout.decode(errors="replace"), 0
    for pattern in wanted:
        match = re.compile(pattern).search(text, at)
        if not match:
            print(text)
            sys.exit(f"missing: {pattern}")
        at = match.end()
    print("seen:", ", ".join(wanted))


if __name__ == "__main__":
    main()
