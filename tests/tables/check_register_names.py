#!/usr/bin/env python3
"""Compares the encodings of the register tables with two assemblers, by name.

usage: check_register_names.py directory-of-table-modules features.tbl table ...

llvm-mc-19 and aarch64-linux-gnu-as assemble one access to each register. A row that neither knows is printed and counted as
unchecked. Skipped when neither is there.
"""
import re
import shutil
import subprocess
import sys
import tempfile

LLVM = ['llvm-mc-19', '-triple=aarch64', '-mattr=+all', '--show-encoding']
GNU = ['aarch64-linux-gnu-as', '-march=armv8.8-a+crc+crypto+fp16+sve2+memtag+rng+sme+pauth+ls64+flagm+predres', '-al']
NO_OPERAND = re.compile(r'^(IC_IALLU\w*|TLBI_(VMALL|ALL)\w*)$')


def text_of(reg):
    """Assembly of one access to the row, or None when it has no name an assembler could know."""
    name = reg.name
    op0 = reg.enc[0]
    if name.startswith('S3_'):
        return None
    if op0 == 1:
        op, _, what = name.partition('_')
        return f'{op.lower()} {what.lower()}' + ('' if NO_OPERAND.match(name) else ', x0')
    if op0 == 0:
        return f'msr {name[4:]}, #0'
    return f'msr {name}, x0' if reg.mode == 'wo' else f'mrs x0, {name}'


def word_of(reg, text):
    op0, op1, crn, crm, op2 = reg.enc
    word = 0xd5000000 | op0 << 19 | op1 << 16 | crn << 12 | crm << 8 | op2 << 5
    if op0 == 0:
        return word | 0x1f
    if text.startswith('mrs'):
        word |= 1 << 21
    return word | (0 if 'x0' in text else 31)


def llvm_words(lines):
    out = subprocess.run(LLVM, input='\n'.join(lines) + '\n', capture_output=True, text=True)
    bad = {int(n) for n in re.findall(r'<stdin>:(\d+):\d+: error', out.stderr)}
    words = [int.from_bytes(bytes(int(b, 16) for b in e.split(',')), 'little')
             for e in re.findall(r'encoding: \[([^\]]*)\]', out.stdout)]
    good = [i for i in range(1, len(lines) + 1) if i not in bad]
    assert len(good) == len(words), (len(good), len(words))
    return dict(zip(good, words))


def gnu_words(lines):
    with tempfile.NamedTemporaryFile('w', suffix='.s') as f:
        kept = list(lines)
        for _ in range(2):  # the first run finds what it does not know, the second gives the words
            f.seek(0)
            f.truncate()
            f.write('\n'.join(kept) + '\n')
            f.flush()
            out = subprocess.run(GNU + ['-o', '/dev/null', f.name], capture_output=True, text=True)
            for n in re.findall(r':(\d+): Error', out.stderr):
                kept[int(n) - 1] = ''
    words = {}
    for n, word in re.findall(r'^\s*(\d+) [0-9a-f]{4} ([0-9A-F]{8})', out.stdout, re.M):
        words[int(n)] = int.from_bytes(bytes.fromhex(word), 'little')
    return words


def main(modules, features_tbl, *tables):
    sys.path.insert(0, modules)
    import feature_table
    import sysreg_table
    features = feature_table.parse(features_tbl)
    regs = [r for r in sysreg_table.load(tables, features.rows).regs.values()]
    named = [(r, text_of(r)) for r in regs]
    rows = [(r, t) for r, t in named if t]
    lines = [t for _, t in rows]
    tools = [(name, fn) for name, exe, fn in (('llvm', LLVM[0], llvm_words), ('gnu', GNU[0], gnu_words)) if shutil.which(exe)]
    if not tools:
        print('skipped: neither llvm-mc-19 nor aarch64-linux-gnu-as is there')
        return 77
    found = {name: fn(lines) for name, fn in tools}
    wrong, unchecked = [], [r.name for r, t in named if not t]
    for i, (reg, text) in enumerate(rows, 1):
        known = {name: words[i] for name, words in found.items() if i in words}
        if not known:
            unchecked.append(reg.name)
        for name, word in known.items():
            if word != word_of(reg, text):
                wrong.append(f'{reg.where}: {reg.name}: {name} assembles {word:#x}, the table says {word_of(reg, text):#x}')
    print('\n'.join(wrong))
    counts = ', '.join(f'{name} knows {len(words)}' for name, words in found.items())
    print(f'{len(regs)} encodings; {counts}; {len(unchecked)} unchecked: {" ".join(unchecked)}')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
