#!/usr/bin/env python3
"""Where gdb's breakpoints and those of `monitor` are: the real gdb on a guest that runs the same instructions by many ways (places.c).

usage: places.py ARMILLARY GUEST.elf [armillary options]
One machine and one gdb for each session. In gdb this file itself is the script, and the variable `session` names the session.
"""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

VA1, VA2, VA3, HERE = 0x8000_0000, 0x8000_1000, 0x8000_2000, 4  # HERE: offset of the instruction that counts
# Calls of places.c that run on page_a, on page_b.
AT_A = [1, 2, 3, 4, 6, 7, 9, 10, 11, 12]
AT_B = [5, 8, 13, 14]


# --- inside gdb -----------------------------------------------------------------------------------

def value(expression):
    return int(gdb.parse_and_eval(expression)) & (1 << 64) - 1


def say(command):
    return gdb.execute(command, to_string=True)


def want(what, got, expected):
    if got != expected:
        raise gdb.GdbError(f"{what}: got {got}, want {expected}")


def page(name):
    return value(f"(unsigned long)&{name}")


def go():
    """Continues; the number of the call that it stopped in, or None at the end of the machine."""
    say("continue")
    if gdb.selected_inferior().pid == 0:
        return None
    return value("$x0")


def stops():
    """The calls it stops in, to the end."""
    seen = []
    while len(seen) < 200:
        call = go()
        if call is None:
            return seen
        seen.append(call)
    raise gdb.GdbError("no end")


def until(call):
    while go() != call:
        pass


def before_mmu():
    """A physical address that is the virtual one as long as EL2 maps it flat."""
    say(f"break *{page('page_a') + HERE:#x}")
    want("flat at EL2", stops(), [1, 10, 11])


def pending():
    """Not mapped when it is set: placed at its first execution; page_b is another VM's at 5; it follows the page at 8 and 9."""
    say(f"break *{VA1 + HERE:#x}")
    want("the first page at VA1", stops(), [2, 4, 6, 7, 8, 9])


def inserted():
    """gdb told to leave its breakpoints in: they are listed."""
    say("set breakpoint always-inserted on")
    say(f"break *{VA2 + HERE:#x}")
    want("waiting", say("monitor list"), f"1: of gdb, {VA2 + HERE:#x} (not executed yet), 0 hits\n")
    want("VA2", go(), 3)
    want("placed", say("monitor list"), f"1: of gdb, {VA2 + HERE:#x} pa {page('page_a') + HERE:#x}, 1 hits\n")
    want("no more", stops(), [])


def alias():
    say(f"break *{VA2 + HERE:#x}")
    want("VA2 alone", stops(), [3])


def hardware():
    say(f"hbreak *{VA2 + HERE:#x}")
    want("VA2", go(), 3)
    want("gdb knows its breakpoint", [b.hit_count for b in gdb.breakpoints()], [1])
    want("the guest's own registers", (value("$DBGBCR0_EL1") & 1, value("$MDSCR_EL1") >> 13 & 5), (0, 0))


def physical():
    """Stops by whatever way; also behind a change of the code next to it, and on both vCPUs."""
    say(f"monitor break pa {page('page_a') + HERE:#x}")
    want("page_a", stops(), AT_A)


def physical_other():
    say(f"monitor break pa {page('page_b') + HERE:#x}")
    want("page_b", stops(), AT_B)


def machines():
    """The same address in three VMs, two of them on the same physical page."""
    for vmid, call in (5, 4), (7, 6):
        say(f"monitor break vmid {vmid} {VA1 + HERE:#x}")
    say(f"monitor break vmid 6 pa {page('page_b') + HERE:#x}")
    say(f"monitor break vmid 5 pa {page('page_b') + HERE:#x}")
    want("by VMID", stops(), [4, 5, 6])


def levels():
    say(f"monitor break el0 {VA1 + HERE:#x}")
    say(f"monitor break pa el2 {page('page_a') + HERE:#x}")
    want("EL0 at VA1, EL2 anywhere", stops(), [1, 7, 10, 11])


def spaces():
    """Another process at the same address is another page; its own page is followed."""
    say(f"break *{VA3 + HERE:#x}")
    want("ASID 1", stops(), [12, 14])


def asid():
    say(f"monitor break asid 2 {VA3 + HERE:#x}")
    want("ASID 2", stops(), [13])


def context():
    """Set in a VM where the address leads to page_b: it is that page's, wherever gdb puts it in again."""
    say(f"monitor break vmid 6 {VA1 + HERE:#x}")
    want("the VM", go(), 5)
    want("page_b", f"{page('page_b') + HERE:#x}" in say(f"monitor translate {VA1 + HERE:#x}"), True)
    say(f"break *{VA1 + HERE:#x}")
    say("stepi")
    say("monitor delete all")
    say(f"monitor break pa el2 {page('page_a') + HERE:#x}")
    want("page_b at VA1 and the stops between", stops(), [8, 10, 11])


def stepping():
    """A step leaves a breakpoint of the monitor behind, and so does going on."""
    say(f"monitor break pa {page('page_a') + HERE:#x}")
    want("told by the monitor", "Breakpoint of the monitor, 1: pa" in say("continue"), True)
    want("first", value("$x0"), 1)
    say("stepi")
    want("one step", (value("$x0"), value("$pc")), (101, page("page_a") + 8))
    want("second", go(), 2)
    say("delete")
    say(f"break *{VA2 + HERE:#x}")
    want("both there", go(), 3)
    want("counts", (re.findall(r"(\d+) hits", say("monitor list")), gdb.breakpoints()[0].hit_count), (["3"], 1))
    say("monitor delete all")
    want("gdb's own stays", stops(), [])


def both():
    """Two vCPUs at once."""
    say(f"monitor break pa {page('page_c') + HERE:#x}")
    seen = stops()
    want("each twenty times", (seen.count(0), seen.count(1)), (20, 20))


def both_soft():
    say(f"break *{page('page_c') + HERE:#x}")
    seen = stops()
    want("each twenty times", (seen.count(0), seen.count(1)), (20, 20))


def commands():
    """What is typed wrong says so and changes nothing."""
    want("help", "translate" in say("monitor help"), True)
    for line in "break", "break el3 4", "break vmid 4", "break vmid x 4", "break 0x", "break 2", "break pa", "delete", "list x", "sing":
        text = say(f"monitor {line}")
        want(line, bool(text) and ": " not in text.splitlines()[0][:4], True)
    want("list", say("monitor list"), "There are no breakpoints.\n")
    for n in range(256):
        say(f"monitor break el0 {VA1 + 4 * n:#x}")
    want("one too many", "256" in say(f"monitor break {VA2:#x}"), True)
    want("more", "more: list" in say("monitor list"), True)
    want("all", say("monitor delete all"), "256 deleted.\n")


def cell():
    return int.from_bytes(gdb.selected_inferior().read_memory(page("cells") + 16, 8).tobytes(), "little")


def values():
    """cells[2] at each stop."""
    seen = []
    while len(seen) < 50:
        say("continue")
        if gdb.selected_inferior().pid == 0:
            return seen
        seen.append(cell())
    raise gdb.GdbError("no end")


WRITTEN = [1, 0x11, 0x2211, 0x44444444, 0x77, 0x78]


def watch():
    """Writes by whatever address and of whatever size; gdb runs the instruction and shows the new value."""
    say(f"watch *(unsigned long *){page('cells') + 16:#x}")
    want("a hardware watchpoint", gdb.breakpoints()[0].type, gdb.BP_HARDWARE_WATCHPOINT)
    want("values", values(), WRITTEN)


def watch_reads():
    say(f"rwatch *(unsigned long *){page('cells') + 16:#x}")
    want("three reads, one by what adds", values(), [0x78, 0x78, 0x78])


def watch_all():
    say(f"awatch *(unsigned long *){page('cells') + 16:#x}")
    want("writes and reads", values(), WRITTEN + [0x78, 0x78])


def watch_step():
    """A step onto a watched store is one instruction, and gdb is told."""
    say(f"break *{page('put_byte'):#x}")
    say("continue")
    say(f"watch *(unsigned long *){page('cells') + 16:#x}")
    say("stepi")
    want("not yet", (cell(), gdb.breakpoints()[1].hit_count), (0x11, 0))
    say("stepi")
    want("stored", (cell(), value("$pc"), gdb.breakpoints()[1].hit_count), (0x2211, page("put_byte") + 8, 1))
    say("delete")
    want("no more", values(), [])


def watch_gone():
    """Data watched for a moment while the machine stands in a VM: it goes on in the same context."""
    say(f"monitor break vmid 6 {VA1 + HERE:#x}")
    want("the VM", go(), 5)
    for letter in "Zz":
        say(f"maint packet {letter}2,{VA1:x},8")
    say("monitor delete all")
    say(f"monitor break vmid 6 {VA1 + HERE + 4:#x}")
    say("continue")
    want("two instructions on, the same VM", value("$pc"), VA1 + HERE + 4)


def state():
    """What CPSR has no room for outlives a write of it: PSTATE.PACM, in the SPSR of the BRK behind PACM. No instruction is a register."""
    say(f"break *{page('page_a') + HERE:#x}")
    want("at EL2", go(), 1)
    kept = {name: value(name) for name in ("$pc", "$cpsr", "$SCTLR2_EL2", "$ELR_EL2", "$SPSR_EL2", "$ESR_EL2", f"*(unsigned long *){page('page_b')}")}
    say(f"set var *(unsigned long *){page('page_b')} = 0xd4200000d50324ff")  # pacm; brk #0
    say("set var $SCTLR2_EL2 = $SCTLR2_EL2 | 128")  # EnPACM
    say(f"set var $pc = {page('page_b')}")
    say("stepi")
    want("PACM", value("$pc"), page("page_b") + 4)
    say("set var $cpsr = $cpsr ^ 0x40000000")
    say("stepi")
    want("PACM, Z", (value("$SPSR_EL2") >> 35 & 1, (value("$SPSR_EL2") ^ kept["$cpsr"]) >> 30 & 1), (1, 1))
    for name, old in kept.items():
        say(f"set var {name} = {old:#x}")
    names = say("info registers system").split("\n")
    want("no instruction among the registers", [line for line in names if re.match(r"GCSPOPM|GCSSS2|AT_|DC_|TLBI_", line)], [])


def leave():
    """Detached, nothing stops it."""
    say(f"break *{page('page_a') + HERE:#x}")
    say(f"monitor break pa {page('page_a') + HERE:#x}")
    say(f"awatch *(unsigned long *){page('cells') + 16:#x}")
    want("first", go(), 1)
    say("detach")


SESSIONS = [before_mmu, pending, inserted, alias, hardware, physical, physical_other, machines, levels, spaces, asid, context, stepping, both,
            both_soft, commands, watch, watch_reads, watch_all, watch_step,
            watch_gone, state, leave]


def inside():
    name = gdb.convenience_variable("session").string()
    for line in ("pagination off", "confirm off"):
        say(f"set {line}")
    next(s for s in SESSIONS if s.__name__ == name)()
    print(f"gdb: {name} passed")
    if gdb.selected_inferior().pid and name != "leave":
        say("monitor delete all")
        say("delete")
        say("detach")


# --- outside ---------------------------------------------------------------------------------------

def run(armillary, elf, name, options):
    with tempfile.TemporaryDirectory() as folder:
        with subprocess.Popen([armillary, "run", "--kernel", elf, "--smp", "2", "--memory", "256M", "--timeout", "60", "--gdb",
                               f"unix:{folder}/gdb", "--wait", *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True) as machine:
            while not Path(f"{folder}/gdb").exists() and machine.poll() is None:
                pass
            gdb_run = subprocess.run(["gdb-multiarch", "-nx", "-batch", "-ex", f"set $session = \"{name}\"", "-ex", "set architecture aarch64",
                                      "-ex", f"file {elf}", "-ex", f"target remote {folder}/gdb", "-x", __file__], stdin=subprocess.DEVNULL,
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
            console = machine.communicate(timeout=60)[0]
    good = f"gdb: {name} passed" in gdb_run.stdout and "PASS " in console and "FAIL" not in console and machine.returncode == 0
    if not good:
        print(f"--- {name}: status {machine.returncode}\n{gdb_run.stdout}\n{console}")
    return good


def main():
    armillary, elf, *options = sys.argv[1:]
    only = [o[2:] for o in options if o.startswith("-:")]
    options = [o for o in options if not o.startswith("-:")]
    names = [s.__name__ for s in SESSIONS if not only or s.__name__ in only]
    bad = [name for name in names if not run(armillary, elf, name, options)]
    print(f"{len(names) - len(bad)} sessions passed; failed: {bad}")
    sys.exit(bool(bad))


if "gdb" in sys.modules or hasattr(sys, "gdb"):
    import gdb
    inside()
elif __name__ == "__main__":
    try:
        import gdb  # inside gdb this is __main__ as well
    except ImportError:
        main()
    else:
        inside()
