#!/usr/bin/env python3
"""The decode tables against the disassemblers of LLVM and GNU binutils, independent readings of the manual.

For every row some random words that belong to it: LLVM must give the mnemonic that the row's name
begins with. Words that fit a row's pattern but not its constraints (and fit no other row) must be invalid
for LLVM as well. GNU objdump (whose older versions do not know the newer rows) must not name another instruction.

usage: check_llvm.py TABLES_DIR [--words N] TABLE ...      exits 77 (skipped) without llvm-mc
"""
import argparse
import random
import re
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
# Rows whose name is not the beginning of LLVM's mnemonic: what LLVM prints instead.
ALSO = {
    'HINT': {'bti', 'chkfeat', 'pacm', 'stshh'}, 'MSR': {'smstart', 'smstop'},
    'PRFM': {'rprfm'}, 'SYS': {'at', 'dc', 'ic', 'tlbi', 'brb', 'cfp', 'cpp', 'dvp', 'cosp', 'gcs', 'trcit'},
    'SYSL': {'gcspopm', 'gcsss2'}, 'SYSP': {'tlbip'}, 'MOVZ': {'mov'}, 'MOVN': {'mov'}, 'ORR': {'mov'}, 'DUP': {'mov'}, 'BFM': {'bfi', 'bfxil', 'bfc'},
    'SBFM': {'sbfiz', 'sbfx', 'asr', 'sxt'}, 'UBFM': {'ubfiz', 'ubfx', 'lsl', 'lsr', 'uxt'},
    'LSLV': {'lsl'}, 'LSRV': {'lsr'}, 'ASRV': {'asr'}, 'RORV': {'ror'},
}
# Rows whose handler refuses more words than the constraints: LLVM may call those invalid.
HANDLER_JUDGES = {
    'AND_imm': 'imms all ones', 'ORR_imm': 'imms all ones', 'EOR_imm': 'imms all ones', 'ANDS_imm': 'imms all ones',
    'SYSP': 'pairs', 'SWPP': 'same register twice', 'LDSETP': 'same register twice', 'LDCLRP': 'same register twice',
    **{name: 'same register twice' for name in
       'CPYP CPYM CPYE CPYFP CPYFM CPYFE SETP SETM SETE SETGP SETGM SETGE'.split()},
}


def expected(row):
    base = row.name.split('_')[0]
    hint = {'hint'} if any(outer.name == 'HINT' for outer in row.outers) else set()
    return hint | {base.lower(), re.sub(r'[1-4]$', '', base).lower()} | ALSO.get(base, set())


def draw(dectable, row, generator, want):
    """A word of the row's pattern whose constraints hold or, want false, do not hold."""
    for _ in range(200):
        word = row.value | generator.getrandbits(32) & ~row.mask
        word = word & ~row.sbz | row.sbo
        if all(dectable.constraint_holds(word, row, c) for c in row.constraints) == want:
            return word
    return None


def disassemble(tool, words):
    """Mnemonic of each word, None where LLVM calls it invalid."""
    lines = ''.join(' '.join(f'0x{w >> s & 255:02x}' for s in (0, 8, 16, 24)) + '\n' for w in words)
    run = subprocess.run([tool, '--disassemble', '-triple=aarch64', '-mattr=+all', '-M', 'no-aliases'], input=lines, capture_output=True,
                         text=True, check=False)
    invalid = {int(n) for n in re.findall(r'<stdin>:(\d+):\d+: warning: invalid', run.stderr)}
    texts = iter([line.split()[0] for line in run.stdout.splitlines() if line.startswith('\t') and line.strip()[0] != '.'])
    return [None if n in invalid else next(texts) for n in range(1, len(words) + 1)]


def gnu_mnemonics(tool, words):
    """GNU objdump's mnemonic of each word, None where it knows none."""
    with tempfile.NamedTemporaryFile(suffix='.bin') as binary:
        binary.write(b''.join(word.to_bytes(4, 'little') for word in words))
        binary.flush()
        listing = subprocess.run([tool, '-D', '-b', 'binary', '-m', 'aarch64', '-M', 'no-aliases', '-z', binary.name],
                                 capture_output=True, text=True, check=True).stdout
    names = re.findall(r'^\s*[0-9a-f]+:\t[0-9a-f]{8} \t(\S+)', listing, re.M)
    return [None if name.startswith('.') else name for name in names]


def check_gnu(cases):
    """Lines for the words that GNU objdump reads as another instruction; prints how many rows it confirmed."""
    tool = shutil.which('aarch64-linux-gnu-objdump')
    if not tool:
        print('GNU: no aarch64-linux-gnu-objdump')
        return []
    valid = [(row, word) for row, want, word in cases if want]
    wrong, known = [], set()
    for (row, word), got in zip(valid, gnu_mnemonics(tool, [word for _, word in valid]), strict=True):
        if got is None:
            continue
        if any(got.startswith(name) for name in expected(row)):
            known.add(row.name)
        elif row.name not in HANDLER_JUDGES:
            wrong.append(f'{word:08x}: {row.name}, GNU: {got}')
    unchecked = sorted({row.name for row, _ in valid} - known)
    print(f'GNU: {len(known)} rows checked, {len(unchecked)} unchecked: {" ".join(unchecked)}')
    return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('modules')
    parser.add_argument('--words', type=int, default=12)
    parser.add_argument('tables', nargs='+')
    options = parser.parse_args()
    tool = shutil.which('llvm-mc-19') or shutil.which('llvm-mc')
    if not tool:
        print('skipped: no llvm-mc')
        return SKIPPED
    sys.path.insert(0, options.modules)
    import dectable
    table = dectable.load(options.tables)
    generator = random.Random(64)
    by_top = {}
    for row in table.rows:
        for top in range(256):
            if not (row.value >> 24 ^ top) & row.mask >> 24:
                by_top.setdefault(top, []).append(row)

    def owner(word):
        held = [r for r in by_top.get(word >> 24, ()) if dectable.row_holds(word, r)]
        return max(held, key=lambda r: r.weight()) if held else None

    cases = []
    for row in table.rows:
        for want in (True, False):
            for _ in range(options.words):
                word = draw(dectable, row, generator, want)
                if word is not None and owner(word) is (row if want else None):
                    cases.append((row, want, word))
    wrong, checked = [], set()
    for (row, want, word), got in zip(cases, disassemble(tool, [c[2] for c in cases])):
        if not want:
            if got is not None:
                wrong.append(f'{word:08x}: {row.name} is unallocated by its constraints, LLVM: {got}')
        elif got is None:
            if row.name not in HANDLER_JUDGES:
                wrong.append(f'{word:08x}: {row.name}, LLVM: invalid')
        elif not any(got.lower().startswith(name) for name in expected(row)):
            wrong.append(f'{word:08x}: {row.name}, LLVM: {got}')
        else:
            checked.add(row.name)
    wrong += check_gnu(cases)
    for line in wrong[:200]:
        print(line)
    missed = [row.name for row in table.rows if row.name not in checked]
    print(f'{len(cases)} words, {len(checked)} of {len(table.rows)} rows checked, {len(wrong)} wrong')
    if missed:
        print('unchecked:', ' '.join(missed))
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
