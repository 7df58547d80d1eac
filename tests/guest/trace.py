#!/usr/bin/env python3
"""Events and exit counts of trace-guest.c.  usage: trace.py ARMILLARY GUEST.elf events|stats [OPTION...]

events: the lines of --trace for traps, stage 2 faults, VMID and ASID switches, TLBI and list registers are exactly these, in this
order; expected values are the manual's encodings. stats: the table of --stats says what a count of the exceptions and exception
returns of the trace says.
"""
import re
import subprocess
import sys
import tempfile
from pathlib import Path


def symbols(elf):
    """Name -> address, of a 64-bit little-endian ELF."""
    data = Path(elf).read_bytes()
    word = lambda at, size: int.from_bytes(data[at:at + size], "little")
    table, entry, count = word(0x28, 8), word(0x3a, 2), word(0x3c, 2)
    out = {}
    for i in range(count):
        at = table + i * entry
        if word(at + 4, 4) != 2:  # SHT_SYMTAB
            continue
        names = word(table + word(at + 0x28, 4) * entry + 0x18, 8)
        for s in range(word(at + 0x18, 8), word(at + 0x18, 8) + word(at + 0x20, 8), 24):
            name = names + word(s, 4)
            out[data[name:data.index(b"\0", name)].decode()] = word(s + 8, 8)
    return out


def esr(ec, iss):
    return f"{ec << 26 | 1 << 25 | iss:#x}"


def sys_iss(op0, op1, crn, crm, op2, read):
    return op0 << 20 | op2 << 17 | op1 << 14 | crn << 10 | crm << 1 | read


COND = 1 << 24 | 14 << 20
LOAD = 1 << 24 | 3 << 22 | 1 << 15 | 6  # ISV, 8 bytes, X0; translation fault, level 2
TCR = esr(0x18, sys_iss(3, 0, 2, 0, 2, 0))


def wanted(said):
    """(label of the PC, text) of each event; said: what the guest found to be there."""
    out = [("w_tcr", f"trap HCR_EL2.TVM: write TCR_EL1 to EL2 esr={TCR}"),
           ("do_wfi", f"trap HCR_EL2.TWI: WFI or WFE to EL2 esr={esr(1, COND)}"),
           ("do_smc", f"trap HCR_EL2.TSC: SMC to EL2 esr={esr(0x17, 7)}"),
           ("r_mdscr", f"trap MDCR_EL2.TDA: read MDSCR_EL1 to EL2 esr={esr(0x18, sys_iss(2, 0, 0, 2, 2, 1))}"),
           ("do_brk", f"trap MDCR_EL2.TDE: BRK to EL2 esr={esr(0x3c, 3)}")]
    if "RAS" in said:
        out.append(("nothing_there", f"trap HCR_EL2.TEA: data abort to EL2 esr={esr(0x24, 0x10)}"))
    out += [("use_fp", f"trap CPTR_EL2.TFP: FP or SIMD access to EL2 esr={esr(7, COND)}"),
            ("use_fp", f"trap CPACR_EL1.FPEN: FP or SIMD access to EL1 esr={esr(7, COND)}")]
    if "FGT" in said:
        out.append(("w_tcr", f"trap HFGWTR_EL2.TCR_EL1: write TCR_EL1 to EL2 esr={TCR}"))
    return out + [
        ("set_vttbr", "vmid_switch 0 -> 5 vttbr={s2:#x}"),
        ("do_load", f"stage2_fault read translation ipa=0x50001238 va=0x50001238 status={LOAD:#x} vmid=5"),
        ("do_store", f"stage2_fault write translation ipa=0x50002000 va=0x50002000 status={LOAD | 1 << 6:#x} vmid=5"),
        ("set_vttbr", "vmid_switch 5 -> 6 vttbr={s2:#x}"),
        ("set_ttbr0", "asid_switch EL1&0 0 -> 9 vmid=6"),
        ("tlbi_vae1is", "tlbi TLBI_VAE1IS: EL1&0 va=0x412345000 size=0x1000 asid=9 vmid=6 broadcast"),
        ("tlbi_aside1", "tlbi TLBI_ASIDE1: EL1&0 asid=9 vmid=6"),
        ("tlbi_vmalle1", "tlbi TLBI_VMALLE1: EL1&0 vmid=6"),
        ("tlbi_alle1is", "tlbi TLBI_ALLE1IS: EL1&0 broadcast"),
        ("tlbi_ipas2e1is", "tlbi TLBI_IPAS2E1IS: EL1&0 ipa=0x50001000 size=0x1000 vmid=6 broadcast"),
        ("set_lr0", "lr_write LR0 pending vintid=27 group=1 priority=0xa0 value=0x50a000000000001b vmid=6"),
        ("set_lr3", "lr_write LR3 pending vintid=35 group=1 priority=0x80 pintid=30 value=0x7080001e00000023 vmid=6"),
        ("set_lr3", "lr_write LR3 invalid vintid=0 group=0 priority=0 value=0 vmid=6")]


def run(armillary, elf, kinds, *options):
    """(console, standard error, trace lines)."""
    with tempfile.NamedTemporaryFile() as trace:
        done = subprocess.run([armillary, "run", "--kernel", elf, "--timeout", "60", "--trace", f"{kinds}:{trace.name}", *options],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90)
        if done.returncode or not re.search(r"^PASS [1-9]", done.stdout, re.M):
            sys.exit(f"trace.py: the guest failed: {done.stdout}{done.stderr}")
        return done.stdout, done.stderr, Path(trace.name).read_text().splitlines()


def check_events(armillary, elf, options):
    console, _, lines = run(armillary, elf, "trap,stage2_fault,vmid_switch,asid_switch,tlbi,lr_write", *options)
    names = symbols(elf)
    # the runtime's own: TLBIs of whole regimes while it sets up translation
    probes = set(names[label] for label, _ in wanted(["FGT", "RAS"]))
    lines = [line for line in lines if int(re.search(r"pc=(\S+)", line)[1], 16) in probes]
    want = [f"pc={names[label]:#x} {text}" for label, text in wanted(console.split())]
    table = next((re.search(r"vttbr=(\S+)", line)[1] for line in lines if "vttbr=" in line), "0")
    root = int(table, 16) & (1 << 48) - 1
    want = [w.replace("{s2:#x}", f"{root | (5 if '> 5' in w else 6) << 48:#x}") for w in want]
    got = [re.sub(r"^cpu0 \d+ ", "", line) for line in lines]
    for i in range(max(len(want), len(got))):
        if i >= len(want) or i >= len(got) or want[i] != got[i]:
            sys.exit(f"trace.py: event {i}:\n got {(got + ['nothing'] * len(want))[i]}\nwant {(want + ['nothing'] * len(got))[i]}")
    counts = [int(line.split()[1]) for line in lines]
    if counts != sorted(counts) or not root or root & 0xfff:
        sys.exit(f"trace.py: instruction counts go back, or VTTBR {table} is no table")
    print(f"{len(got)} events as expected")


def count_exits(lines):
    """(count, VMID, EL, instructions below, instructions at EL2, reason), from trace lines."""
    rows, vmid, since, row = {}, 0, 0, None
    for line in lines:
        if match := re.search(r"vmid_switch \d+ -> (\d+)", line):
            vmid = int(match[1])
            continue
        match = re.fullmatch(r"cpu0 (\d+) pc=\S+ (exception|eret) EL(\d)->EL(\d) ?(.*?) ?(?:esr|spsr)=.*", line)
        now, kind, source, target, reason = int(match[1]), match[2], int(match[3]), int(match[4]), match[5]
        if kind == "exception" and source < 2 and target == 2:
            row = rows.setdefault((vmid, source, reason), [0, 0, 0])
            row[0] += 1
            row[1] += now - since
            since = now
        elif kind == "eret" and source == 2 and target < 2:
            if row:
                row[2] += now - since
            since, row = now, None
    return sorted((row[0], key[0], key[1], row[1], row[2], key[2]) for key, row in rows.items())


def check_stats(armillary, elf, options):
    _, stats, lines = run(armillary, elf, "exception,eret,vmid_switch", "--stats", *options)
    want = count_exits(lines)
    got = []
    for line in stats[stats.index("exits to EL2"):].splitlines()[1:]:
        match = re.fullmatch(r" +(\d+) +(\d+)  EL(\d) +(\d+) +(\d+) +(\d+) +(\d+)  (.+)", line)
        if not match:
            break
        count, vmid, level, below, each, above, each_above = map(int, match.groups()[:7])
        if each != below // count or each_above != above // count:
            sys.exit(f"trace.py: not the mean: {line}")
        got.append((count, vmid, level, below, above, match[8]))
    if sorted(got) != want or [row[0] for row in got] != sorted((row[0] for row in got), reverse=True):
        sys.exit(f"trace.py: --stats:\n{stats}\nthe trace says {want}")
    traps = [line for line in lines if " exception " in line and "esr=0x5a000001 " in line]
    entry = lines[lines.index(traps[0]) - 1] if traps else ""
    if len(traps) != 1 or int(traps[0].split()[1]) - int(entry.split()[1]) != 1 + 2 * 100 + 1 or len(want) < 8:
        sys.exit(f"trace.py: the loop: {entry} {traps}, {want}")
    print(f"{len(got)} rows as expected")


def main():
    armillary, elf, what, *options = sys.argv[1:]
    if what == "events":
        check_events(armillary, elf, options)
    else:
        check_stats(armillary, elf, options)


if __name__ == "__main__":
    main()
