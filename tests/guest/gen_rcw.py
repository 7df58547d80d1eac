#!/usr/bin/env python3
"""Vectors of the guest test rcw: what the 64-bit Read-Check-Write instructions do, computed from the Arm ARM alone ("RCWCheck",
"MemAtomicRCW", RCWMASK_EL1, RCWSMASK_EL1, "Read Check Write instructions").

usage: gen_rcw.py INSTRUCTIONS.tsv OUT.inc
Encodings come from tests/facts/instructions.tsv. Seeded: the same vectors every time.
"""
import random
import sys

OPERATIONS = ["CAS", "CLR", "SET", "SWP"]
ORDERS = ["", "A", "L", "AL"]
PROTECTED, VALID = 52, 0
ALL = (1 << 64) - 1
INTERESTING = [0, 1, 2, 6, 7, 10, 16, 17, 18, 19, 30, 48, 49, 50, 51, 52, 53, 54, 55, 58, 63]
MASKS = [0, ALL, 1 << 17, ALL & ~(1 << 17), ALL & ~(1 << 50), 1 << 52 | 1, 0x0070_0000_0000_0ffe]
CASES = 48  # of each instruction, mask pair and state of the Protected attribute


def effective(mask):
    """The mask as the checks of a 64-bit instruction see it: bits 49:18 follow bit 17, bit 0 is 0."""
    address = ((1 << 50) - 1) & ~((1 << 18) - 1)
    mask = mask | address if mask >> 17 & 1 else mask & ~address
    return mask & ~(1 << VALID)


def bit(value, n):
    return value >> n & 1


def check(old, new, soft, protection, mask, soft_mask):
    """(fails the RCW checks, fails the RCWS checks)"""
    hard_bits, soft_bits = effective(mask), effective(soft_mask)
    if protection:
        soft_bits &= ~(1 << PROTECTED)
    changed = old ^ new
    hard = False
    if protection:
        hard = bool(bit(changed, PROTECTED))
        if bit(old, PROTECTED):
            hard = hard or bool(bit(changed, VALID))
            if bit(old, VALID):
                hard = hard or bool(changed & ~hard_bits & ALL)
    failed = False
    if soft:
        if bit(old, VALID):
            failed = bool(bit(changed, VALID)) or bool(changed & ~soft_bits & ALL)
        elif not protection or not bit(old, PROTECTED):
            failed = bool(bit(changed, VALID))
    return hard, failed


def execute(operation, soft, protection, masks, old, operand, compare):
    """(memory afterwards, value read, NZCV)"""
    if operation == "CAS" and old != compare:
        return old, old, 0b1010
    new = {"CAS": operand, "SWP": operand, "CLR": old & ~operand & ALL, "SET": old | operand}[operation]
    hard, failed = check(old, new, soft, protection, *masks)
    nzcv = (0b0100 if hard else 0) | (0 if failed else 0b0010)
    return new if nzcv == 0b0010 else old, old, nzcv


def flips(rng):
    value = 0
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
        value |= 1 << (rng.choice(INTERESTING) if rng.random() < 0.8 else rng.randrange(64))
    return value


def case(rng, operation):
    old = rng.getrandbits(64) & ~(1 << PROTECTED | 1 << VALID)
    old |= rng.choice([0, 1]) << PROTECTED | rng.choice([0, 1, 1]) << VALID
    change = flips(rng)
    if operation == "CLR":
        operand = (old & change) | (~old & rng.getrandbits(64) & ALL)
    elif operation == "SET":
        operand = (~old & change & ALL) | (old & rng.getrandbits(64))
    else:
        operand = old ^ change if rng.random() < 0.9 else rng.getrandbits(64)
    compare = old if rng.random() < 0.85 else old ^ (1 << rng.randrange(64))
    return old, operand, compare


def words(path):
    """Of each instruction: the register forms (X0 base, X1 operand, X2 compared or read) and those whose X2 is XZR."""
    found = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            cells = line.rstrip("\n").split("\t")
            if cells[3] == "FEAT_THE" and cells[1].startswith("rcw"):
                found[cells[1].upper()] = int(cells[6], 16)
    out = []
    for kind in ("RCW", "RCWS"):
        for operation in OPERATIONS:
            for order in ORDERS:
                name = kind + operation + order
                if name not in found:
                    raise SystemExit(f"{path}:1: no encoding of {name}")
                for zr in (2, 31):
                    s, t = (zr, 1) if operation == "CAS" else (1, zr)
                    out.append((name, kind == "RCWS", operation, zr == 31, found[name] | s << 16 | t))
    return out


def main(table, out):
    rng, instructions, lines, vectors, groups = random.Random(0x524357), words(table), [], [], []
    pairs = [(m, n) for m in MASKS[:4] for n in MASKS[:4]] + [(rng.choice(MASKS), rng.choice(MASKS)) for _ in range(4)]
    pairs += [(rng.getrandbits(64), rng.getrandbits(64)) for _ in range(6)]
    for protection in (False, True):
        for masks in pairs:
            first = len(vectors)
            for operation in OPERATIONS:
                for soft in (False, True):
                    variants = [i for i, w in enumerate(instructions) if w[1] == soft and w[2] == operation]
                    for _ in range(CASES // 4):
                        old, operand, compare = case(rng, operation)
                        which = rng.choice(variants)
                        zr = instructions[which][3]
                        if zr and operation == "CAS":
                            if rng.random() < 0.6:
                                old = 0
                                operand = flips(rng)
                            memory, _, nzcv = execute(operation, soft, protection, masks, old, operand, 0)
                            read = compare
                        else:
                            memory, read, nzcv = execute(operation, soft, protection, masks, old, operand, compare)
                            read = compare if zr else read
                        vectors.append(f"{{{which}, {nzcv}, {old:#x}, {operand:#x}, {compare:#x}, {memory:#x}, {read:#x}}},")
            groups.append(f"{{{int(protection)}, {masks[0]:#x}, {masks[1]:#x}, {first}, {len(vectors) - first}}},")
    lines.append("/* Made by tests/guest/gen_rcw.py. */")
    lines.append("static const char *const names[] = {" + ", ".join(f'"{w[0]}{" (XZR)" if w[3] else ""}"' for w in instructions) + "};")
    lines.append("#define COUNT " + str(len(instructions)))
    lines.append('__asm__(".pushsection .text\\n.balign 16\\n.globl rcw_stubs\\nrcw_stubs:\\n"')
    lines += [f'        "msr nzcv, x3\\n.inst {w[4]:#x}\\nmrs x3, nzcv\\nret\\n"' for w in instructions]
    lines.append('        ".popsection");')
    lines += ["static const struct Vector vectors[] = {", *vectors, "};", "static const struct Group groups[] = {", *groups, "};"]
    with open(out, "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
