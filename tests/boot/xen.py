#!/usr/bin/env python3
"""Xen with Debian's kernel as dom0 to its shell, where commands are typed; with `domu`, the same kernel as a second domain to its end.

usage: xen.py ARMILLARY dom0|domu [options of scripts/xen-boot]
"""
import os
import sys

import boot

DOM0 = [r"Xen version 4\.20", r"LOADING DOMAIN 0", r"Xen 4\.20 support found", r"armillary: init", r"\nanswer 42", r"dom0 cpus \d",
        r"Hardware Dom0 (halted|shutdown)"]
DOMU = [r"LOADING DOMU", r"DOM1: .*Booting Linux", r"DOM1: CPUs online: 1",
        r"DOM1: armillary: script ended with status 0", r"DOM1: .*reboot: Power down"]
SHELL = r"built-in shell(.*\n)*.*# "


def main():
    os.environ["ARMILLARY"] = sys.argv[1]
    second = sys.argv[2] == "domu"
    typed = [(SHELL, "echo answer $((6 * 7)); echo dom0 cpus $(nproc)\n"),
             (r"\nanswer 42(.*\n)*" + (r".*DOM1: .*reboot: Power down" if second else r".*dom0 cpus \d"), "poweroff -f\n")]
    command = [str(boot.SCRIPTS / "xen-boot"), *(["--domu", "--smp", "2"] if second else []), *sys.argv[3:]]
    text, status = boot.converse(command, typed, 280)
    problems = boot.console_problems(text, DOM0 + (DOMU if second else [])) + ([f"exit status {status}"] if status else [])
    if problems:
        print(text)
        sys.exit("\n".join(problems))
    print("seen:", ", ".join(DOM0 + (DOMU if second else [])))


if __name__ == "__main__":
    main()
