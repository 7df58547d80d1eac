"""Reads the A64 decode tables (a64-*.dec) and checks them.

A table line is one of
  field L name [signed]        letter L in patterns is the field `name`; several on a line, split by '|'
  args SET [field ...]         opens an argument set (declares it when it lists fields); the rows
                               below hand that set to their handlers
  NAME PATTERN HANDLER FEATURE [extra ...]    one encoding

PATTERN has 32 columns in the manual's order: 0 and 1 are fixed, a letter is a field (its runs are
joined, leftmost highest), '.' is any bit of no interest, '-' is ignored and should be 0, '+' is
ignored and should be 1.
HANDLER is the x of a64_trans_x, or '-' where there is none yet. FEATURE is `base`, a FEAT_ name without
the prefix, or several joined by '+'. An extra is
  name=expr                    argument from a number, a SYMBOL (an enumerator of the handler) or an
                               expression over the row's fields
  a==b a!=b a<b a>b a>=b a<=b  constraint: a is a field or fields joined by ':', b a field, a number
                               or (after == and !=) a list of numbers
  cond=>cond                   constraint that holds only where the first part does
  cond=>FEATURE                where the first part holds the feature is needed as well
A word belongs to the row with the most fixed bits whose pattern and constraints hold.
"""
import re
import sys
from dataclasses import dataclass, field

import table_lines
from table_lines import TableError, fail

ATOM = re.compile(r'^([a-z][a-z0-9_:]*)(==|!=|<=|>=|<|>)([a-z0-9_,]+)$')
ASSIGN = re.compile(r'^([a-z][a-z0-9_]*)=([^=>].*)$')
SYMBOL = re.compile(r'^[A-Z][A-Z0-9_]*$')
FEATURE = re.compile(r'^[A-Z][A-Za-z0-9_]*$')
IDENT = re.compile(r'[a-z][a-z0-9_]*')
EXPR = re.compile(r'^[a-z0-9_+*|&()<>-]+$')


@dataclass
class Atom:
    """One comparison: fields joined, an operator, then numbers or one field name."""
    fields: tuple
    op: str
    numbers: tuple
    other: str = ''


@dataclass
class Constraint:
    """`then` must hold (or the feature be there) where `cond` holds; cond None means always."""
    cond: object
    then: object
    feature: str = ''


@dataclass
class ArgSet:
    name: str
    fields: list
    where: str


@dataclass
class Row:
    where: str
    name: str
    bits: str
    handler: str
    features: list
    args: object
    mask: int = 0
    value: int = 0
    sbz: int = 0
    sbo: int = 0
    fields: dict = field(default_factory=dict)       # name -> [(lsb, width)], high part first
    assigns: dict = field(default_factory=dict)      # argument -> number, SYMBOL or expression
    constraints: list = field(default_factory=list)
    extras: list = field(default_factory=list)
    outers: list = field(default_factory=list)       # wider rows around this one, narrowest first

    def width(self, name):
        return sum(w for _, w in self.fields[name])

    def weight(self):
        return bin(self.mask).count('1')


@dataclass
class Table:
    rows: list = field(default_factory=list)
    sets: dict = field(default_factory=dict)
    signed: set = field(default_factory=set)


class Parser:
    """Collects the rows of one file into the table."""

    def __init__(self, table, path):
        self.table, self.path = table, path
        self.letters, self.current = {}, None

    def run(self):
        for where, words, _ in table_lines.lines(self.path):
            if words[0] == 'field':
                self.add_letters(where, ' '.join(words))
            elif words[0] == 'args':
                self.open_set(where, words[1:])
            else:
                self.add_row(where, words)

    def add_letters(self, where, text):
        for item in text.split('|'):
            words = item.split()
            if len(words) not in (3, 4) or words[0] != 'field' or words[3:] not in ([], ['signed']):
                fail(where, f"expected 'field LETTER name [signed]', got '{item.strip()}'")
            letter, name = words[1], words[2]
            if len(letter) != 1 or not letter.isalpha():
                fail(where, f"'{letter}' is not one letter")
            if letter in self.letters:
                fail(where, f'letter {letter} declared twice')
            is_signed = len(words) == 4
            known = name in {n for n, _ in self.letters.values()} | self.known_fields()
            if known and is_signed != (name in self.table.signed):
                fail(where, f'field {name} is signed in one place and not in another')
            self.letters[letter] = (name, is_signed)
            if is_signed:
                self.table.signed.add(name)

    def known_fields(self):
        return {f for row in self.table.rows for f in row.fields}

    def open_set(self, where, words):
        if not words:
            fail(where, "'args' needs the name of a set")
        name, fields = words[0], words[1:]
        if fields and name in self.table.sets:
            fail(where, f'args {name} declared twice (first at {self.table.sets[name].where})')
        if not fields and name not in self.table.sets:
            self.table.sets[name] = ArgSet(name, [], where)
        if fields:
            self.table.sets[name] = ArgSet(name, fields, where)
        self.current = self.table.sets[name]

    def add_row(self, where, words):
        if len(words) < 4:
            fail(where, f'expected at least 4 columns, got {len(words)}')
        name, bits, handler, feature = words[:4]
        if len(bits) != 32:
            fail(where, f'{name}: {len(bits)} bits, expected 32')
        if self.current is None:
            fail(where, f"{name}: no 'args' line before it")
        features = [] if feature == 'base' else feature.split('+')
        for one in features:
            if not FEATURE.match(one):
                fail(where, f"{name}: '{one}' is not a feature name")
        row = Row(where, name, bits, handler, features, self.current, extras=words[4:])
        self.split_bits(row)
        for extra in words[4:]:
            self.add_extra(row, extra)
        self.check_arguments(row)
        self.table.rows.append(row)

    def split_bits(self, row):
        position = 0
        while position < 32:
            ch, end = row.bits[position], position
            while end < 32 and row.bits[end] == ch:
                end += 1
            lsb, width = 32 - end, end - position
            ones = ((1 << width) - 1) << lsb
            if ch in '01':
                row.mask |= ones
                row.value |= ones if ch == '1' else 0
            elif ch == '-':
                row.sbz |= ones
            elif ch == '+':
                row.sbo |= ones
            elif ch == '.':
                pass
            elif ch not in self.letters:
                fail(row.where, f"{row.name}: letter {ch} has no 'field' line")
            else:
                row.fields.setdefault(self.letters[ch][0], []).append((lsb, width))
            position = end

    def add_extra(self, row, text):
        assign = ASSIGN.match(text)
        if assign and '=>' not in text:
            name, value = assign.groups()
            if name in row.assigns:
                fail(row.where, f'{row.name}: {name} given twice')
            if not SYMBOL.match(value):
                if not EXPR.match(value):
                    fail(row.where, f"{row.name}: cannot read '{text}'")
                for ident in IDENT.findall(re.sub(r'\b0x[0-9a-f]+', '0', value)):
                    self.need_field(row, ident)
            row.assigns[name] = value
            return
        left, arrow, right = text.partition('=>')
        cond = self.atom(row, left)
        if not arrow:
            row.constraints.append(Constraint(None, cond))
        elif FEATURE.match(right):
            row.constraints.append(Constraint(cond, None, right))
        else:
            row.constraints.append(Constraint(cond, self.atom(row, right)))

    def atom(self, row, text):
        match = ATOM.match(text)
        if not match:
            fail(row.where, f"{row.name}: cannot read '{text}'")
        left, op, right = match.groups()
        fields = tuple(left.split(':'))
        for name in fields:
            self.need_field(row, name)
        if right[0].isalpha():
            self.need_field(row, right)
            return Atom(fields, op, (), right)
        numbers = tuple(int(n, 0) for n in right.split(','))
        if len(numbers) > 1 and op not in ('==', '!='):
            fail(row.where, f"{row.name}: '{text}': a list needs == or !=")
        width = sum(row.width(f) for f in fields)
        if max(numbers) >> width:
            fail(row.where, f"{row.name}: '{text}': {left} has only {width} bits")
        return Atom(fields, op, numbers)

    def need_field(self, row, name):
        if name not in row.fields:
            fail(row.where, f'{row.name}: no field {name} in the pattern')

    def check_arguments(self, row):
        if row.handler == '-':
            return
        if not re.match(r'^[a-z][a-z0-9_]*$', row.handler):
            fail(row.where, f"{row.name}: '{row.handler}' is not a handler name")
        used = set(row.assigns)
        for name in row.assigns:
            if name not in row.args.fields:
                fail(row.where, f'{row.name}: {name} is not in args {row.args.name}')
        consumed = set(IDENT.findall(' '.join(row.assigns.values())))
        for constraint in row.constraints:
            for atom in (constraint.cond, constraint.then):
                if atom:
                    consumed |= set(atom.fields) | {atom.other}
        for name in row.fields:
            if name not in row.args.fields and name not in consumed:
                fail(row.where, f'{row.name}: field {name} is not in args {row.args.name}')
            if name in used and name not in consumed:
                fail(row.where, f'{row.name}: {name} is both a field and an argument')


def extract(word, row, name):
    value = 0
    for lsb, width in row.fields[name]:
        value = value << width | (word >> lsb & ((1 << width) - 1))
    return value


def atom_holds(word, row, atom):
    left = 0
    for name in atom.fields:
        left = left << row.width(name) | extract(word, row, name)
    right = (extract(word, row, atom.other),) if atom.other else atom.numbers
    return {'==': left in right, '!=': left not in right, '<': left < right[0], '>': left > right[0],
            '<=': left <= right[0], '>=': left >= right[0]}[atom.op]


def constraint_holds(word, row, constraint):
    """Whether the word satisfies it; a feature condition always does."""
    if constraint.feature:
        return True
    return (constraint.cond is not None and not atom_holds(word, row, constraint.cond)) or \
        atom_holds(word, row, constraint.then)


def row_holds(word, row):
    return word & row.mask == row.value and all(constraint_holds(word, row, c) for c in row.constraints)


def atom_bits(row, atom):
    bits = 0
    for name in atom.fields + ((atom.other,) if atom.other else ()):
        for lsb, width in row.fields[name]:
            bits |= ((1 << width) - 1) << lsb
    return bits


def rules_out(row, mask, value):
    """Whether the constraints of the row exclude every word with those fixed bits."""
    rules = [c for c in row.constraints if not c.feature]
    care = 0
    for rule in rules:
        care |= atom_bits(row, rule.then) | (atom_bits(row, rule.cond) if rule.cond else 0)
    free = [bit for bit in range(32) if care >> bit & 1 and not mask >> bit & 1]
    if not rules or len(free) > 12:
        return False
    for choice in range(1 << len(free)):
        word = value
        for index, bit in enumerate(free):
            word |= (choice >> index & 1) << bit
        if all(constraint_holds(word, row, rule) for rule in rules):
            return False
    return True


def check_pair(first, second):
    """Files an enclosing row under the enclosed one; refuses a partial overlap."""
    common = first.mask & second.mask
    if (first.value ^ second.value) & common:
        return
    mask, value = first.mask | second.mask, first.value | second.value
    if rules_out(first, mask, value) or rules_out(second, mask, value):
        return
    if first.mask != second.mask and common == first.mask:
        second.outers.append(first)
    elif first.mask != second.mask and common == second.mask:
        first.outers.append(second)
    else:
        fail(second.where, f'{second.name} partly overlaps {first.name} ({first.where}); narrow one')


def check(table):
    names, sets = {}, {}
    for row in table.rows:
        if row.name in names:
            fail(row.where, f'{row.name} named twice (first at {names[row.name]})')
        names[row.name] = row.where
        if row.handler != '-' and sets.setdefault(row.handler, row.args.name) != row.args.name:
            fail(row.where, f'{row.name}: handler {row.handler} takes args {sets[row.handler]}')
    for index, row in enumerate(table.rows):
        for other in table.rows[index + 1:]:
            check_pair(row, other)
    for row in table.rows:
        row.outers.sort(key=lambda outer: (-outer.weight(), outer.name))


def load(paths):
    """Reads and checks the tables; raises TableError."""
    table = Table()
    for path in paths:
        Parser(table, path).run()
    check(table)
    return table


if __name__ == '__main__':
    try:
        print(f'{len(load(sys.argv[1:]).rows)} rows')
    except TableError as error:
        sys.exit(str(error))
