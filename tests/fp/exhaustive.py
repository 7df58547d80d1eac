#!/usr/bin/env python3
"""The second oracle against the exact one, then src/fp against it: exhaustive.py DRIVER COUNT [DRIVER's options].

COUNT is the number of random vectors for each operation. `--seed today` takes another part of what is too long for one run every day.
"""
import subprocess
import sys
import time
from pathlib import Path

OPERATIONS = """add_h sub_h mul_h div_h max_h min_h maxnm_h minnm_h compare_h sqrt_h sqrt_s convert_hs convert_hd convert_sh
    to_sint_h to_uint_h to_sint_s to_uint_s from_sint_h from_uint_h round_int_h""".split()


def main():
    driver, count, *options = sys.argv[1:]
    generate = [sys.executable, str(Path(__file__).resolve().parent / "generate.py"), "--count", count, "--seed", "5"]
    for name in OPERATIONS:
        generate += ["--op", name]
    with subprocess.Popen(generate, stdout=subprocess.PIPE) as source:
        checked = subprocess.run([driver, "--vectors"], stdin=source.stdout, check=False).returncode
    if checked or source.returncode:
        sys.exit("the oracles do not agree")
    options = [str(int(time.time()) // 86400) if word == "today" else word for word in options]
    sys.exit(subprocess.run([driver, *options], check=False).returncode)


if __name__ == "__main__":
    main()
