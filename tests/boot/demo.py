#!/usr/bin/env python3
"""scripts/demo as a person sees it: the host's and the guest's console lines marked, then a shell that answers (or the batch's end).

usage: demo.py ARMILLARY batch|shell
"""
import os
import pty
import re
import select
import sys
import time

import boot

MARKED = [r"host  \| .*Booting Linux", r"host  \| .*CPU: All CPU\(s\) started at EL2", r"host  \| .*VHE mode initialized successfully",
          r"guest \| .*Booting Linux", r"guest \| .*CPU: All CPU\(s\) started at EL1", r"guest \| armillary: script ended with status 0",
          r"guest \| .*reboot: Power down", r"host  \| vmm: power off"]
TYPED = [("armillary: shell in the host", "echo answer $((6 * 7))\n", r"\nanswer 42"), ("answer 42", "exit\n", "reboot: Power down")]
BATCH = [r"host  \| CPUs online: 1", r"host  \| armillary: script ended with status 0", r"host  \| .*reboot: Power down"]


def converse(command, typed, seconds):
    """The terminal's text; types the answers when their line and a prompt have come."""
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(command[0], command)
    text, end, waiting = "", time.monotonic() + seconds, list(typed)
    while time.monotonic() < end:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            data = os.read(terminal, 4096)
        except OSError:
            break
        if not data:
            break
        text += data.decode(errors="replace").replace("\r", "")
        if waiting and re.search(re.escape(waiting[0][0]) + r"[^\n]*\n(.*\n)*.*# [^\n]*$", text):
            os.write(terminal, waiting.pop(0)[1].encode())
    else:
        os.kill(child, 15)
    return text, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main():
    os.environ["ARMILLARY"] = sys.argv[1]
    demo, shell = str(boot.SCRIPTS / "demo"), sys.argv[2] == "shell"
    text, status = converse([demo] + ([] if shell else ["--batch"]), TYPED if shell else [], 150)
    problems = boot.console_problems(text, MARKED + ([seen for _, _, seen in TYPED] if shell else BATCH))
    unmarked = [line for line in text[:text.find("armillary: shell" if shell else "Power down")].splitlines()
                if not re.match(r"(host  |guest )\| |demo: |host  \|$", line)]
    problems += [f"not marked: {line!r}" for line in unmarked[:5]] + ([f"exit status {status}"] if status else [])
    if problems:
        print(text)
        sys.exit("\n".join(problems))
    print(f"{len(re.findall('(?m)^host  [|]', text))} lines of the host, {len(re.findall('(?m)^guest [|]', text))} of the guest")


if __name__ == "__main__":
    main()
