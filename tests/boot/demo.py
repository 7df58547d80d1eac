#!/usr/bin/env python3
"""scripts/demo as a person sees it: each level's console lines marked, then a shell that answers (with one guest), or with a guest of
the guest the batch's end.

usage: demo.py ARMILLARY batch|shell
"""
import os
import re
import sys

import boot

MARKED = [r"host  \| .*Booting Linux", r"host  \| .*CPU: All CPU\(s\) started at EL2",
          r"guest \| .*Booting Linux", r"guest \| armillary: script ended with status 0",
          r"guest \| .*reboot: Power down", r"host  \| vmm: power off"]
ONE = [r"host  \| .*: VHE mode initialized successfully", r"guest \| .*CPU: All CPU\(s\) started at EL1"]
NESTED = [r"host  \| .*VHE\+NV2 mode initialized successfully", r"guest \| .*CPU: All CPU\(s\) started at EL2",
          r"guest \| .*VHE mode initialized successfully", r"guest \| inner \| .*CPU: All CPU\(s\) started at EL1",
          r"guest \| inner \| armillary: script ended with status 0", r"guest \| vmm: power off"]
PROMPT = r"[^\n]*\n(.*\n)*.*# [^\n]*$"
TYPED = [("armillary: shell in the host" + PROMPT, "echo answer $((6 * 7))\n"), ("\nanswer 42" + PROMPT, "exit\n")]
BATCH = [r"host  \| CPUs online: 1", r"host  \| armillary: script ended with status 0", r"host  \| .*reboot: Power down"]


def main():
    os.environ["ARMILLARY"] = os.path.abspath(sys.argv[1]) # the script goes elsewhere
    demo, shell = str(boot.SCRIPTS / "demo"), sys.argv[2] == "shell"
    options = ["--levels", "1"] if shell else ["--batch"]
    text, status = boot.converse([demo, *options], TYPED if shell else [], 240 if shell else 400)
    problems = boot.console_problems(text, MARKED + ([*ONE, r"\nanswer 42", "reboot: Power down"] if shell else NESTED + BATCH))
    unmarked = [line for line in text[:text.find("armillary: shell" if shell else "Power down")].splitlines()
                if not re.match(r"(host  |guest )\| |demo: |host  \|$", line)]
    problems += [f"not marked: {line!r}" for line in unmarked[:5]] + ([f"exit status {status}"] if status else [])
    if problems:
        print(text)
        sys.exit("\n".join(problems))
    marks = {"host": "host  [|]", "guest": "guest [|] (?!inner)", "its guest": "guest [|] inner [|]"}
    print(", ".join(f"{len(re.findall(f'(?m)^{mark}', text))} lines of the {who}" for who, mark in marks.items()))


if __name__ == "__main__":
    main()
