#!/usr/bin/env python3
"""The facts about accesses hang together: every row is read, encodings are unique, fields have places.

Instruction words are compared with LLVM's assembler where it knows the name.

usage: check.py
"""
import collections
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import facts                                                            # noqa: E402

# Names whose assembler spelling is another encoding or form than the row's.
NOT_LLVM = re.compile(r'S[123]_\d_C|.*#|TLBI.*nXS$')


def check_rows(problems):
    """Each access has a rule row, each rule row an access, and an encoding stands once."""
    accesses = facts.table('accesses.tsv')
    rules = {(r['name'], r['form']) for r in facts.table('rules.tsv')}
    used, seen = set(), set()
    for a in accesses:
        key = (a['name'] if a['family'] == '-' else a['family'], a['form'])
        used.add(key)
        if key not in rules:
            problems.append('accesses.tsv: %s has no rule' % (key,))
        code = (a['form'], a['word'])
        if code in seen:
            problems.append('accesses.tsv: %s %s twice' % code)
        seen.add(code)
    problems.extend('rules.tsv: %s has no access' % (key,) for key in sorted(rules - used))
    return accesses


def check_rules(problems):
    """Every condition is understood, every list ends with an outcome, every field tested has a place.

    With no feature and with every feature announced.
    """
    everything = {r['condition'].split('[')[0].split('.')[0]: 0 for r in facts.table('features.tsv')}
    for ids in ({}, {k: 0x1111111111111111 for k in everything}, {k: 0x3333333333333333 for k in everything}):
        machine = facts.Machine(ids)
        for access in machine.accesses:
            for el in (0, 1, 2):
                try:
                    function, _ = machine.function(access, el)
                    if function([0] * (len(machine.index) + 1)) is None:
                        problems.append('rules.tsv: %s at EL%d: no last rule' % (access['name'], el))
                except (ValueError, SyntaxError) as error:
                    problems.append('rules.tsv: %s at EL%d: %s' % (access['name'], el, error))
    for row in facts.table('rules.tsv'):
        for column in ('EL0', 'EL1', 'EL2'):
            rules = facts.split_rules(row[column])
            if [c for c, _ in rules].index('T') != len(rules) - 1:
                problems.append('rules.tsv: %s %s: the rule without a condition is not the last' % (row['name'], column))


def check_controls(problems):
    """Fields of one register and layout do not overlap."""
    bits = collections.defaultdict(dict)
    for row in facts.table('controls.tsv'):
        for layout in ('E2H0', 'E2H1') if row['layout'] == '-' else (row['layout'],):
            for bit in range(int(row['lsb']), int(row['msb']) + 1):
                other = bits[row['register'], layout].setdefault(bit, row['field'])
                if other != row['field']:
                    problems.append('controls.tsv: %s: %s and %s overlap' % (row['register'], other, row['field']))


def assemble(lines):
    """Instruction words of assembler lines; None where LLVM refuses one."""
    run = subprocess.run(['llvm-mc-19', '-triple=aarch64', '-mattr=+all', '-show-encoding'], text=True,
                         input=''.join(line + '\n' for line in lines), capture_output=True, check=False)
    bad = {int(n) for n in re.findall(r'<stdin>:(\d+):\d+: error', run.stderr)}
    words = iter(re.findall(r'encoding: \[(0x\w\w),(0x\w\w),(0x\w\w),(0x\w\w)\]', run.stdout))
    return [None if n in bad else int(''.join(b[2:] for b in reversed(next(words))), 16)
            for n in range(1, len(lines) + 1)]


def check_words(accesses, problems):
    """LLVM's encoding of each name."""
    if not shutil.which('llvm-mc-19'):
        return 0
    wanted, lines = [], []
    for a in accesses:
        name, form, word = a['name'], a['form'], int(a['word'], 16)
        if NOT_LLVM.match(name) or a['family'].startswith('('):
            continue
        text = {'MRS': 'mrs x0, %s', 'MSR': 'msr %s, x0', 'SYS': '%s, x0', 'INSN': '%s'}.get(form)
        if text is None:
            continue
        for line, rt in ((text % name, 0),) + (((name, 31),) if form == 'SYS' else ()):
            wanted.append((name, form, word | rt))
            lines.append(line)
    known = collections.Counter()
    for (name, form, word), have in zip(wanted, assemble(lines)):
        if have is not None:
            known[name] += 1
            if have != word:
                problems.append('accesses.tsv: %s %s is %08x, LLVM says %08x' % (form, name, word, have))
    return len(known)


def main():
    problems = []
    accesses = check_rows(problems)
    check_rules(problems)
    check_controls(problems)
    known = check_words(accesses, problems)
    print('%d accesses, %d of their names known to LLVM' % (len(accesses), known))
    if problems:
        sys.exit('\n'.join(problems))


if __name__ == '__main__':
    main()
