#!/usr/bin/env python3
"""Mutation check of the register tables: wrong rows must make a test fail.

usage: mutate.py [--count 100] [--seed N] [--only REGEX] [--jobs 2] BUILD_ROOT SOURCE_ROOT

Changes one row of sysregs.tbl or sysinsns.tbl at a time: a key that traps or redirects (trap, aliastrap, fgt, e2h,
el12, el02, nv, nv1, nvreg, nonv) is removed or altered, or a rule is removed, inverted or sent to the other Exception
level. Of each such mutant the generated sources are compiled and linked with the objects of a finished build. The
comparison of the tables with the facts (tests/tables/check_access.py) judges it, and if that finds nothing the trap
matrix with its expectation (expect.py), then guest tests of what the matrix does not vary (PMSELR_EL0.SEL, GCSCR_ELx.PCRSEL). A mutant
that passes all survives: a hole. Exit status 1 if there is one.
Mutants that change nothing, and those whose headers change (none is known), are not counted.
"""
import argparse
import collections
import concurrent.futures
import filecmp
import itertools
import os
import random
import re
import shlex
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'tables'))
import check_access                                                     # noqa: E402

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


GENERATED = ('a64-sysregs.h', 'a64-sysregs-data.c', 'sysreg-hooks.c', 'sysreg-hooks.h')
HEADERS, SOURCES = (GENERATED[0], GENERATED[3]), GENERATED[1:3]
OBJECT = 'target-arm64/liba64.a.p/meson-generated_.._%s.o'
PROGRAMS = ('tests/tables/test-access', 'src/cli/armillary')


def run(command, **options):
    return subprocess.run(command, check=False, capture_output=True, text=True, **options)


class Build:
    """A finished build, of which everything but the generated table stays as it is."""

    def __init__(self, build, source):
        self.root, self.tables = build, os.path.join(source, 'target-arm64', 'tables')
        self.matrix_elf = os.path.join(build, 'tests/matrix/matrix.elf')
        self.guests = [os.path.join(build, f'tests/guest/test-{name}.elf') for name in ('pmu-select', 'gcs')]
        self.text = {}
        for table in TABLES:
            with open(os.path.join(self.tables, table), encoding='utf-8') as file:
                self.text[table] = file.read()
        self.compile = [self.command(OBJECT % name) for name in SOURCES]
        self.link = [self.command(target) for target in PROGRAMS]
        facts = os.path.join(source, 'tests', 'facts')
        self.questions = check_access.Questions(os.path.join(build, PROGRAMS[0]), os.path.join(self.tables, 'features.tbl'), facts)

    def command(self, target):
        """The last command ninja needs for a target, as words."""
        shown = run(['ninja', '-C', self.root, '-t', 'commands', target])
        words = shlex.split(shown.stdout.splitlines()[-1]) if shown.stdout else []
        if shown.returncode or target not in words:
            sys.exit('mutate.py: no command makes %s: %s' % (target, shown.stdout[-500:] + shown.stderr[-500:]))
        return words

    @staticmethod
    def output(words, target, to, more=()):
        """A command that writes its target elsewhere, with further inputs."""
        at = words.index('-o')
        assert words[at + 1] == target
        return words[:at + 1] + [to, *more] + words[at + 2:]


class Bench:
    """A folder in which mutants are made, one at a time."""

    def __init__(self, build, folder):
        self.build, self.folder = build, folder
        os.makedirs(folder, exist_ok=True)
        self.access, self.program = self.path('test-access'), self.path('armillary')
        os.makedirs(self.path('sources'), exist_ok=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def generate(self, mutant):
        """Makes the tables of a mutant (None: the original); 'generator' if they are refused, 'equivalent', or None."""
        inputs = [os.path.join(self.build.tables, 'features.tbl')]
        for table, text in self.build.text.items():
            if mutant and mutant.table == table:
                lines = text.split('\n')
                lines[mutant.line:mutant.line + 1] = [mutant.text] if mutant.text else []
                text = '\n'.join(lines)
            inputs.append(self.path(table))
            with open(inputs[-1], 'w', encoding='utf-8') as file:
                file.write(text)
        outputs = [self.path(os.path.join('sources', name)) for name in GENERATED]
        if run([sys.executable, os.path.join(self.build.tables, 'gen_sysregs.py'), *inputs, *outputs]).returncode:
            return 'generator'
        if not all(map(self.is_original, HEADERS)):
            return 'headers'
        return 'equivalent' if all(map(self.is_original, SOURCES)) else None

    def is_original(self, name):
        return filecmp.cmp(os.path.join(self.build.root, 'target-arm64', name), self.path(os.path.join('sources', name)), False)

    def make(self):
        """Compiles and links; '' or the messages. The objects come before the library that has the original ones."""
        build, commands, objects = self.build, [], []
        for name, words in zip(SOURCES, build.compile):
            at = words.index('-MQ')
            objects.append(self.path(name + '.o'))
            words = build.output(words[:at] + words[at + 4:], OBJECT % name, objects[-1])
            commands.append([self.path(os.path.join('sources', name)) if word == 'target-arm64/' + name else word for word in words])
        for words, target, to in zip(build.link, PROGRAMS, (self.access, self.program)):
            commands.append(build.output(words, target, to, objects))
        for command in commands:
            made = run(command, cwd=build.root)
            if made.returncode:
                return ' '.join(command)[:300] + '\n' + made.stderr[-2000:]
        return ''

    def test(self):
        """Which test fails: 'facts', 'matrix', 'guest' or None."""
        try:
            if self.build.questions.differ(self.access):
                return 'facts'
        except subprocess.CalledProcessError:
            return 'facts'
        result = self.path('result.tsv')
        if run([sys.executable, os.path.join(HERE, 'matrix.py'), '--armillary', self.program, '--timeout', '240',
                self.build.matrix_elf, result]).returncode:
            return 'matrix'
        if run([sys.executable, os.path.join(HERE, 'expect.py'), '--pairs', PAIRS, result]).returncode:
            return 'matrix'
        return 'guest' if run([sys.executable, os.path.join(HERE, '..', 'guest', 'run.py'), '--armillary', self.program,
                               *self.build.guests]).returncode else None

    def judge(self, mutant):
        """'equivalent', 'generator', 'headers', 'build', 'facts', 'matrix', 'guest' or 'SURVIVED'."""
        return self.generate(mutant) or (self.make() and 'build') or self.test() or 'SURVIVED'


def original(bench):
    """The unchanged tables must pass what mutants must fail."""
    fate = bench.generate(None)
    problem = 'the build is not of these tables' if fate != 'equivalent' else bench.make() or bench.test()
    if problem:
        sys.exit('mutate.py: without a mutant: ' + problem)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('--count', type=int, default=100)
    parser.add_argument('--seed', type=int, default=int(os.environ.get('ARMILLARY_SEED') or time.time()))
    parser.add_argument('--only', default='', help='regular expression of rows')
    parser.add_argument('--jobs', type=int, default=min(os.cpu_count() or 1, 4))
    parser.add_argument('build')
    parser.add_argument('source')
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix='armillary-mutate-') as folder:
        return check(options, folder)


def some_mutants(options):
    """One mutant of each row, in random order; the same for the same seed."""
    rows = [some for some in all_mutants(options.source).values() if re.search(options.only, some[0].text or some[-1].text)]
    chooser = random.Random(options.seed)
    print('seed %d, %d rows with %d mutants' % (options.seed, len(rows), sum(map(len, rows))), flush=True)
    chooser.shuffle(rows)
    return iter([chooser.choice(some) for some in rows])


def check(options, folder):
    build = Build(options.build, options.source)
    free = [Bench(build, os.path.join(folder, str(n))) for n in range(options.jobs)]
    original(free[0])

    def judge(mutant):
        bench = free.pop()
        try:
            return mutant, bench.judge(mutant)
        finally:
            free.append(bench)

    mutants, counts = some_mutants(options), collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        while wanted := options.count - sum(counts.values()) + counts['equivalent'] + counts['headers']:
            batch = list(itertools.islice(mutants, wanted))
            if not batch:
                break
            for mutant, fate in pool.map(judge, batch):
                counts[fate] += 1
                was = build.text[mutant.table].split('\n')[mutant.line]
                print('%-10s %s:%d: %s: %s' % (fate, mutant.table, mutant.line + 1, mutant.what, ' '.join(was.split())[:90]), flush=True)
    print(', '.join('%s %d' % item for item in sorted(counts.items())))
    return 1 if counts['SURVIVED'] or counts['build'] else 0


if __name__ == '__main__':
    sys.exit(main())
