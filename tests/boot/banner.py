#!/usr/bin/env python3
"""Start another project's image from Debian's packages at EL2 and wait for its banner, or for its answers to what is typed.

usage: banner.py ARMILLARY u-boot|edk2
"""
import re
import subprocess
import sys
from pathlib import Path

import boot

IMAGES = {  # package, file pattern, lines to see in this order, what is typed
    "u-boot": ("u-boot-qemu", "usr/lib/u-boot/qemu_arm64/u-boot.bin",
               [r"U-Boot 20\d\d\.", r"DRAM:  1 GiB", r"=> .*version\r?\nU-Boot 20\d\d", r"reloc off   = 0x"], b"\n\nversion\nbdinfo\npoweroff\n"),
    # MISSING: EDK2 waits for the flash's command set after its banner (src/machine/build.c).
    "edk2": ("qemu-efi-aarch64", "usr/share/qemu-efi-aarch64/QEMU_EFI.fd", [r"UEFI firmware \(version 20\d\d"], b""),
}


def main():
    package, path, wanted, typed = IMAGES[sys.argv[2]]
    image = Path(boot.output_of(boot.SCRIPTS / "guest-fetch", "package", package)) / path
    run = subprocess.run([sys.argv[1], "run", "--firmware", str(image), "--timeout", "15"], input=typed, stdout=subprocess.PIPE, check=False)
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
