"""Inside gdb, attached to an nVHE host that is about to run a guest: see kernel.py."""
import gdb

CHECKS = [0]


def check(what, got, want):
    CHECKS[0] += 1
    if got != want:
        raise gdb.GdbError(f"{what}: got {got}, want {want}")


def value(expression):
    return int(gdb.parse_and_eval(expression)) & (1 << 64) - 1


def level():
    return value("$cpsr") >> 2 & 3


def say(command):
    return gdb.execute(command, to_string=True)


def threads():
    check("vCPUs", len(gdb.selected_inferior().threads()), 4)
    for number in range(1, 5):
        say(f"thread {number}")
        check(f"MPIDR_EL1 of thread {number}", value("$MPIDR_EL1") & 0xff, number - 1)
    say("thread 1")


def el2_vectors():
    """KVM's vectors, where an HVC of the host or anything of the guest arrives; its ERET leads back to EL1 or EL0."""
    vector = value("$VBAR_EL2") + 0x400
    for offset in (0, 0x80):
        say(f"break *{vector + offset:#x}")
    say("continue")
    check("stopped in EL2's vectors", value("$pc") - vector in (0, 0x80), True)
    check("at EL2", level(), 2)
    first = value("$pc")
    esr_class = value("$ESR_EL2") >> 26
    check("came from below", value("$SPSR_EL2") >> 2 & 3 < 2, True)
    say("delete")
    say("stepi")
    check("one step on", value("$pc") != first, True)
    eret = 0
    while "eret" not in say("x/i $pc") and eret < 30000:
        say("stepi")
        eret += 1
    back = value("$ELR_EL2")
    check("an ERET within 30000 steps", eret < 30000, True)
    say("stepi")
    check("the ERET leads to ELR_EL2", (value("$pc"), level() < 2), (back, True))
    print(f"gdb: exception class {esr_class:#x}, {eret} instructions at EL2, back at EL{level()}")


def registers():
    """What is written is read back; what cannot be written fails and stays."""
    for name, mask in {"VBAR_EL1": ~0x7ff, "VBAR_EL2": ~0x7ff, "TPIDR_EL0": ~0, "ELR_EL1": ~0, "FAR_EL2": ~0, "x7": ~0, "SP_EL0": ~0}.items():
        old, new = value(f"${name}"), 0x0000_1234_5678_9800 & mask
        say(f"set ${name} = {new:#x}")
        check(name, value(f"${name}"), new)
        say(f"set ${name} = {old:#x}")
        check(name, value(f"${name}"), old)
    hcr = value("$HCR_EL2")
    say(f"set $HCR_EL2 = {hcr | 1 << 13:#x}")
    check("HCR_EL2.TWI", value("$HCR_EL2"), hcr | 1 << 13)
    say(f"set $HCR_EL2 = {hcr:#x}")
    midr = value("$MIDR_EL1")
    try:
        say("set $MIDR_EL1 = 1")
        check("MIDR_EL1 refuses a write", False, True)
    except gdb.error:
        pass
    say("maintenance flush register-cache")
    check("MIDR_EL1", value("$MIDR_EL1"), midr)
    names = [r.name for r in gdb.selected_frame().architecture().registers("system")]
    check("there are system registers", len(names) > 200, True)
    kinds = {"writable": 0, "fixed": 0, "refused": 0}
    for name in names:
        moves = name.startswith(("CNT", "PM", "DBGCLAIM")) # time passes; set and clear
        old = value(f"${name}")
        try:
            say(f"set ${name} = {~old & (1 << 64) - 1:#x}")
            kinds["fixed" if value(f"${name}") == old else "writable"] += 1
            say(f"set ${name} = {old:#x}")
        except gdb.error:
            kinds["refused"] += 1
        say("maintenance flush register-cache")
        check(f"{name} as it was", moves or value(f"${name}") == old, True)
    check("most registers can be written", kinds["writable"] > 100 and kinds["refused"] > 30, True)
    print(f"gdb: {len(names)} system registers: {kinds}")


def memory():
    at = value("$VBAR_EL2") if level() == 2 else value("$sp") - 512
    old = gdb.selected_inferior().read_memory(at, 8).tobytes()
    if level() < 2:
        gdb.selected_inferior().write_memory(at, b"\x11" * 8)
        check("memory", gdb.selected_inferior().read_memory(at, 8).tobytes(), b"\x11" * 8)
        gdb.selected_inferior().write_memory(at, old)
    try:
        gdb.selected_inferior().read_memory(16, 8)  # the first page of no process is mapped
        check("nothing is there", False, True)
    except gdb.MemoryError:
        pass


def vmid():
    return value("$VTTBR_EL2") >> 48


def place(address):
    return int(say(f"monitor translate {address:#x}").split()[1], 16)


def same_address():
    """Host and guest run the same image at the same addresses: each is stopped without the other."""
    vector = value("$VBAR_EL1") + 0x280 # IRQ at EL1
    say(f"break *{vector:#x}")
    say("continue")
    check("the host", (value("$pc"), level(), vmid()), (vector, 1, 0))
    host = place(vector)
    say("delete")
    say(f"monitor break el1 vmid 1 {vector:#x}")
    say("continue")
    check("the guest at the same address", (value("$pc"), level(), vmid(), value("$HCR_EL2") & 1), (vector, 1, 1, 1))
    guest = place(vector)
    check("other memory", guest != host, True)
    say("monitor delete all")
    say(f"break *{vector:#x}")
    for _ in range(5):
        say("continue")
        check("gdb's breakpoint, set in the guest", (value("$pc"), vmid(), place(vector)), (vector, 1, guest))
    say("delete")
    say(f"monitor break pa {host:#x}")
    for _ in range(5):
        say("continue")
        check("the host's memory", (value("$pc"), vmid(), place(vector)), (vector, 0, host))
    say("monitor delete all")


for line in ("pagination off", "confirm off"):
    say(f"set {line}")
threads()
el2_vectors()
registers()
memory()
same_address()
say("detach")
print(f"gdb: all checks passed ({CHECKS[0]})")
