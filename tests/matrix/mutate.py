#!/usr/bin/env python3
"""Mutation check of the register tables: wrong rows must make a test fail.

usage: mutate.py [--count 100] [--seed N] [--only REGEX] SOURCE_ROOT

Copies the source tree, builds it once, and then changes one row of sysregs.tbl or sysinsns.tbl at a time: a
key that traps or redirects (trap, aliastrap, fgt, e2h, el12, el02, nv, nv1, nvreg, nonv) is removed or altered,
or a rule is removed, inverted or sent to the other Exception level. For each such mutant the emulator is built
and the trap matrix runs, with its expectation (expect.py), and the comparison of the tables with the facts
(tests/tables/check_access.py). A mutant that passes both survives: a hole. Exit status 1 if there is one.
"""
import argparse
import collections
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

TABLES = ('sysregs.tbl', 'sysinsns.tbl')
KEYS = ('trap', 'aliastrap', 'fgt', 'e2h', 'nv', 'nv1', 'nvreg')
FLAGS = ('el12', 'el02', 'nonv')
RULE = re.compile(r'  ([012]+)([rw]+) (.+) -> (\S+.*)$')
PAIRS = '5000'  # in matrix.elf, by tests/matrix/meson.build
Mutant = collections.namedtuple('Mutant', 'table line text what')


def without(text, word):
    return re.sub(r'(?<=\s)%s(?=\s|$)' % re.escape(word), '', text).rstrip()


def key_mutants(text):
    """(changed line, what) for a `reg` line."""
    for word in text.split():
        key, eq, value = word.partition('=')
        if not eq and word in FLAGS:
            yield without(text, word), 'without ' + word
        if not eq or key not in KEYS:
            continue
        yield without(text, word), 'without ' + word
        parts = value.split(',')
        if len(parts) > 1:
            for part in parts:
                left = ','.join(p for p in parts if p != part)
                yield text.replace(word, '%s=%s' % (key, left)), '%s without %s' % (key, part)
        if key in ('nv', 'nv1'):
            yield text.replace(word, '%s=0x%03x' % (key, int(value, 16) ^ 8)), '%s ^ 8' % word
        if key == 'fgt' and ':' not in value:
            for direction in 'rw':
                yield text.replace(word, word.replace('.', ':%s.' % direction, 1)), '%s only %s' % (word, direction)


def rule_mutants(text):
    """(changed line, what) for a rule line; the empty line stands for its removal."""
    m = RULE.match(text)
    els, ways, condition, outcome = m.groups()
    yield '', 'no rule'
    for old, new in (('EL1', 'EL2'), ('EL2', 'EL1')):
        # With HCR_EL2.TGE=1 what is for EL1 goes to EL2.
        if outcome.startswith(old) and not re.search(r'(?<!!)HOST0', condition):
            yield text[:m.start(4)] + outcome.replace(old, new, 1), 'to ' + new
    for k in re.finditer(r'(!?)=([01]+)(?=[\s)]|$)', condition):
        value = ''.join('10'[int(c)] for c in k[2])
        changed = condition[:k.start(2)] + value + condition[k.end(2):]
        yield '  %s%s %s -> %s' % (els, ways, changed, outcome), 'condition ' + changed
    for el in els:
        if len(els) > 1:
            yield '  %s%s %s -> %s' % (els.replace(el, ''), ways, condition, outcome), 'not at EL' + el
    for way in ways:
        if len(ways) > 1:
            yield '  %s%s %s -> %s' % (els, ways.replace(way, ''), condition, outcome), 'not for ' + way


def built_rows(lines):
    """Indices of lines that belong to the build: not those of rows marked `later`."""
    later, out = False, []
    for n, line in enumerate(lines):
        if line and not line.startswith((' ', '#')):
            later = line.startswith('reg ') and ' later' in line
        if not later:
            out.append(n)
    return out


def all_mutants(root):
    """{(table, line number): [Mutant]}: a row is chosen first, then one of its mutants."""
    out = collections.OrderedDict()
    for table in TABLES:
        with open(os.path.join(root, 'target-arm64', 'tables', table), encoding='utf-8') as file:
            lines = file.read().split('\n')
        for n in built_rows(lines):
            made = key_mutants(lines[n]) if lines[n].startswith('reg ') else \
                rule_mutants(lines[n]) if RULE.match(lines[n]) else ()
            some = [Mutant(table, n, text, what) for text, what in made]
            if some:
                out[table, n] = some
    return out


class Tree:
    """A copy of the source tree with a build of its own."""

    def __init__(self, source, folder):
        self.root = os.path.join(folder, 'tree')
        self.build = os.path.join(folder, 'build')
        self.folder = folder
        shutil.copytree(source, self.root, ignore=lambda d, names: [
            n for n in names if n == '.git' or os.path.exists(os.path.join(d, n, 'build.ninja'))])
        self.tables = os.path.join(self.root, 'target-arm64', 'tables')
        self.text = {}
        for table in TABLES:
            with open(os.path.join(self.tables, table), encoding='utf-8') as file:
                self.text[table] = file.read()
        setup = self.run(['meson', 'setup', self.build, self.root, '--buildtype=debugoptimized'])
        problem = setup.stdout[-2000:] if setup.returncode else self.make()
        if problem:
            sys.exit('mutate.py: the tree does not build:\n' + problem)
        self.program = os.path.join(self.build, 'tests/matrix/matrix.elf')

    def run(self, command, **options):
        return subprocess.run(command, check=False, capture_output=True, text=True, **options)

    def make(self):
        """Builds; '' or the messages."""
        run = self.run(['ninja', '-C', self.build, 'src/cli/armillary', 'tests/tables/test-access', 'tests/matrix/matrix.elf'])
        return run.stdout[-2000:] if run.returncode else ''

    def matrix(self, name):
        return os.path.join(self.root, 'tests', 'matrix', name)

    def change(self, mutant):
        """Writes the mutant's table, or the original one for None."""
        for table in TABLES:
            text = self.text[table]
            if mutant and mutant.table == table:
                lines = text.split('\n')
                lines[mutant.line:mutant.line + 1] = [mutant.text] if mutant.text else []
                text = '\n'.join(lines)
            with open(os.path.join(self.tables, table), 'w', encoding='utf-8') as file:
                file.write(text)

    def generated(self):
        """What the generator makes of the tables; None if it refuses them."""
        out = [os.path.join(self.folder, 'out%d' % n) for n in range(4)]
        run = self.run([sys.executable, os.path.join(self.tables, 'gen_sysregs.py'), os.path.join(self.tables, 'features.tbl'),
                        *(os.path.join(self.tables, table) for table in TABLES), *out])
        if run.returncode:
            return None
        text = []
        for name in out:
            with open(name, encoding='utf-8') as file:
                text.append(file.read())
        return ''.join(text)

    def test(self):
        """Which test fails: 'matrix', 'facts' or None."""
        result = os.path.join(self.folder, 'result.tsv')
        run = self.run([sys.executable, self.matrix('matrix.py'), '--armillary', os.path.join(self.build, 'src/cli/armillary'),
                        '--timeout', '240', self.program, result])
        if run.returncode:
            return 'matrix'
        if self.run([sys.executable, self.matrix('expect.py'), '--pairs', PAIRS, result]).returncode:
            return 'matrix'
        tests = os.path.join(self.root, 'tests')
        run = self.run([sys.executable, os.path.join(tests, 'tables', 'check_access.py'),
                        os.path.join(self.build, 'tests/tables/test-access'), os.path.join(self.tables, 'features.tbl'),
                        os.path.join(tests, 'facts')])
        return 'facts' if run.returncode else None


def try_mutant(tree, mutant, original):
    """'equivalent', 'generator', 'build', 'matrix', 'facts' or 'SURVIVED'."""
    tree.change(mutant)
    text = tree.generated()
    if text is None:
        return 'generator'
    if text == original:
        return 'equivalent'
    return 'build' if tree.make() else tree.test() or 'SURVIVED'


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('--count', type=int, default=100)
    parser.add_argument('--seed', type=int, default=int(time.time()))
    parser.add_argument('--only', default='', help='regular expression of rows')
    parser.add_argument('--folder', help='where to work and what to leave there (default: a temporary directory)')
    parser.add_argument('source')
    options = parser.parse_args()
    folder = options.folder or tempfile.mkdtemp(prefix='mutate-')
    try:
        return check(options, folder)
    finally:
        if not options.folder:
            shutil.rmtree(folder)


def check(options, folder):
    tree = Tree(options.source, folder)
    before = tree.test()
    if before:
        sys.exit('mutate.py: %s fails without a mutant' % before)
    original = tree.generated()
    rows = [some for some in all_mutants(tree.root).values() if re.search(options.only, some[0].text or some[-1].text)]
    chooser = random.Random(options.seed)
    print('seed %d, %d rows with %d mutants' % (options.seed, len(rows), sum(map(len, rows))))
    counts = collections.Counter()
    chooser.shuffle(rows)
    for some in rows:
        if sum(counts.values()) - counts['equivalent'] >= options.count:
            break
        mutant = chooser.choice(some)
        fate = try_mutant(tree, mutant, original)
        counts[fate] += 1
        was = tree.text[mutant.table].split('\n')[mutant.line]
        print('%-10s %s:%d: %s: %s' % (fate, mutant.table, mutant.line + 1, mutant.what, ' '.join(was.split())[:90]), flush=True)
    tree.change(None)
    print(', '.join('%s %d' % item for item in sorted(counts.items())))
    return 1 if counts['SURVIVED'] else 0


if __name__ == '__main__':
    sys.exit(main())
