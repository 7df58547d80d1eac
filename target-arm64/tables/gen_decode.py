#!/usr/bin/env python3
"""Turns the decode tables (see dectable.py) into C, a row list and the coverage page.

usage: gen_decode.py --out DIR [--sources FILE ...] [--strict] TABLE ...
Writes into DIR
  a64-decode.h      argument structs, operation enumerators, handler prototypes, a64_decode()
  a64-decode.c      a64_decode(): word -> feature test -> handler
  a64-rows.h/.c     a64_row(), a64_row_name(), a64_insn_name(): need no handler
  a64-rows.tsv      one line a row: for tests and the random-instruction generator
  a64-coverage.md   which encodings have a handler
A row whose handler no file of --sources defines counts as not there yet (--strict: an error).
"""
import argparse
import os
import re
import sys

import dectable
from table_lines import TableError, fail

OUTSIDE = 'A64_ROW_NONE'


def row_id(row):
    return f'A64_ROW_{row.name}'


def field_expr(row, name):
    parts, shift = [], row.width(name)
    for lsb, width in row.fields[name]:
        shift -= width
        moved = f'(w >> {lsb})' if lsb else 'w'
        term = f'({moved} & 0x{(1 << width) - 1:x}u)'
        parts.append(f'({term} << {shift})' if shift else term)
    return ' | '.join(parts) if len(parts) == 1 else '(' + ' | '.join(parts) + ')'


def value_expr(table, row, name):
    """The field as an int32_t when declared signed, else as a uint32_t."""
    text = field_expr(row, name)
    if name not in table.signed:
        return text
    top = 1 << (row.width(name) - 1)
    return f'((int32_t)({text} ^ 0x{top:x}u) - 0x{top:x})'


def atom_expr(row, atom):
    shift, parts = sum(row.width(f) for f in atom.fields), []
    for name in atom.fields:
        shift -= row.width(name)
        parts.append(f'({field_expr(row, name)} << {shift})' if shift else field_expr(row, name))
    left = '(' + ' | '.join(parts) + ')'
    if atom.other:
        return f'{left} {atom.op} ({field_expr(row, atom.other)})'
    glue = ' && ' if atom.op == '!=' else ' || '
    return '(' + glue.join(f'{left} {atom.op} 0x{n:x}u' for n in atom.numbers) + ')'


def constraint_expr(row, rule):
    then = atom_expr(row, rule.then)
    return f'(!({atom_expr(row, rule.cond)}) || ({then}))' if rule.cond else f'({then})'


def constraints_expr(row):
    return ' && '.join(constraint_expr(row, c) for c in row.constraints if not c.feature)


# ---- the decision tree: word -> row ----

def split_cost(rows, lsb, width):
    """How many rows a word meets on average after a switch on those bits; None when it does not help."""
    ones = (1 << width) - 1
    sizes = [0] * (1 << width)
    for row in rows:
        mask, value = row.mask >> lsb & ones, row.value >> lsb & ones
        free = ones & ~mask
        choice = free
        while True:
            sizes[value | choice] += 1
            if not choice:
                break
            choice = (choice - 1) & free
    if max(sizes) == len(rows):
        return None
    return (sum(s * s for s in sizes) / len(sizes) + 0.02 * len(rows) * len(sizes) ** 0.5, sum(sizes))


def best_split(rows, used):
    best = None
    for width in range(1, 7):
        for lsb in range(33 - width):
            bits = ((1 << width) - 1) << lsb
            if bits & used or not all(any(r.mask >> b & 1 for r in rows) for b in range(lsb, lsb + width)):
                continue
            cost = split_cost(rows, lsb, width)
            if cost and cost[1] <= 4 * len(rows) and (best is None or cost < best[0]):
                best = (cost, lsb, width)
    return best[1:] if best else None


def emit_leaf(rows, used, pad, out):
    for row in sorted(rows, key=lambda r: (-r.weight(), r.name)):
        rest, tests = row.mask & ~used, []
        if rest:
            tests.append(f'(w & 0x{rest:08x}u) == 0x{row.value & rest:08x}u')
        if constraints_expr(row):
            tests.append(constraints_expr(row))
        if not tests:
            out.append(f'{pad}return {row_id(row)};')
            return
        out.append(f'{pad}if ({" && ".join(tests)}) {{')
        out.append(f'{pad}    return {row_id(row)};')
        out.append(f'{pad}}}')
    out.append(f'{pad}return {OUTSIDE};')


def emit_tree(rows, used, depth, out):
    pad = '    ' * depth
    split = best_split(rows, used) if len(rows) > 3 else None
    if not split:
        emit_leaf(rows, used, pad, out)
        return
    lsb, width = split
    ones = (1 << width) - 1
    groups = {}
    for key in range(1 << width):
        inside = [i for i, r in enumerate(rows) if not ((r.value >> lsb ^ key) & (r.mask >> lsb) & ones)]
        if inside:
            # Fixed bits already decided must read the same for words that share the case.
            fixed = tuple(key & (rows[i].mask >> lsb) & ones for i in inside)
            groups.setdefault((tuple(inside), fixed), []).append(key)
    out.append(f'{pad}switch ((w >> {lsb}) & 0x{ones:x}u) {{')
    for (inside, _), keys in sorted(groups.items(), key=lambda item: item[1]):
        out.append(pad + ' '.join(f'case 0x{key:x}:' for key in keys))
        emit_tree([rows[i] for i in inside], used | ones << lsb, depth + 1, out)
    out.append(f'{pad}default:')
    out.append(f'{pad}    return {OUTSIDE};')
    out.append(f'{pad}}}')


def rows_header(table):
    out = ['/* Generated from the decode tables a64-*.dec. Which encoding a word is. */', '#pragma once', '',
           '#include <stdint.h>', '', 'typedef enum {', f'    {OUTSIDE},']
    out += [f'    {row_id(row)},' for row in table.rows]
    out += ['    A64_ROW_COUNT', '} A64Row;', '',
            '/* Row of the table that the word belongs to; A64_ROW_NONE when it is unallocated. */',
            'A64Row a64_row(uint32_t w);', '',
            '/* Name of the row in the table, "unallocated" for A64_ROW_NONE. Static. */',
            'const char *a64_row_name(A64Row row);', 'const char *a64_insn_name(uint32_t w);', '']
    return '\n'.join(out)


def rows_source(table):
    out = ['/* Generated from the decode tables a64-*.dec. */', '#include "a64-rows.h"', '',
           'A64Row a64_row(uint32_t w)', '{']
    emit_tree(table.rows, 0, 1, out)
    out += ['}', '', 'static const char *const row_names[A64_ROW_COUNT] = {', f'    [{OUTSIDE}] = "unallocated",']
    out += [f'    [{row_id(row)}] = "{row.name}",' for row in table.rows]
    out += ['};', '', 'const char *a64_row_name(A64Row row)', '{', '    return row_names[row];', '}', '',
            'const char *a64_insn_name(uint32_t w)', '{', '    return row_names[a64_row(w)];', '}', '']
    return '\n'.join(out)


# ---- rows -> handlers ----

def struct_name(argset):
    return f'A64Args_{argset.name}'


def symbol_name(row, symbol):
    return f'A64_{row.handler.upper()}_{symbol}'


def op_enums(table):
    """handler -> argument -> symbols in table order."""
    found = {}
    for row in table.rows:
        if row.handler == '-':
            continue
        for name, value in row.assigns.items():
            if dectable.SYMBOL.match(value):
                symbols = found.setdefault(row.handler, {}).setdefault(name, [])
                if value not in symbols:
                    symbols.append(value)
    for handler, names in found.items():
        everything = [s for symbols in names.values() for s in symbols]
        if len(set(everything)) != len(everything):
            row = next(r for r in table.rows if r.handler == handler)
            fail(row.where, f'handler {handler} uses one symbol for two arguments')
    return found


def decode_header(table):
    out = ['/* Generated from the decode tables a64-*.dec: arguments and prototypes of the translators. */', '#pragma once', '',
           '#include <stdbool.h>', '#include <stdint.h>', '', '#include "trans.h"', '']
    for argset in table.sets.values():
        if not any(r.args is argset and r.handler != '-' for r in table.rows):
            continue
        fields = [f'    {"int32_t" if f in table.signed else "uint32_t"} {f};' for f in argset.fields]
        out += ['typedef struct {'] + (fields or ['    uint32_t unused;']) + [f'}} {struct_name(argset)};', '']
    for handler, names in op_enums(table).items():
        for name, symbols in names.items():
            row = next(r for r in table.rows if r.handler == handler)
            out.append(f'/* {name} of a64_trans_{handler} */')
            out += ['enum {'] + [f'    {symbol_name(row, s)},' for s in symbols]
            out += [f'    A64_{handler.upper()}_{name.upper()}_COUNT', '};', '']
    out.append('/* Each appends the IR of one instruction; false = unallocated. */')
    for row in {r.handler: r for r in table.rows if r.handler != '-'}.values():
        out.append(f'bool a64_trans_{row.handler}(A64Trans *t, const {struct_name(row.args)} *a);')
    out += ['', '/* Translates t->word; false = unallocated, or its feature is not announced. */',
            'bool a64_decode(A64Trans *t);', '']
    return '\n'.join(out)


def argument_expr(table, row, name):
    if name not in row.assigns:
        return value_expr(table, row, name) if name in row.fields else None
    text = row.assigns[name]
    if dectable.SYMBOL.match(text):
        return symbol_name(row, text)
    spaced = re.sub(r'(\+|-|\*|\||&|<<|>>)', r' \1 ', text)
    spaced = re.sub(r'\b(\d+|0x[0-9a-f]+)\b', r'\1' if name in table.signed else r'\1u', spaced)
    return re.sub(r'\b[a-z][a-z0-9_]*\b',
                  lambda m: f'({value_expr(table, row, m.group())})' if m.group() in row.fields else m.group(), spaced)


def feature_tests(row):
    tests = [f'a64_t_has(t, A64_FEAT_{f})' for f in row.features]
    for rule in row.constraints:
        if rule.feature:
            tests.append(f'(!({atom_expr(row, rule.cond)}) || a64_t_has(t, A64_FEAT_{rule.feature}))')
    return ' && '.join(tests)


def emit_call(table, row, out):
    values = [(f, argument_expr(table, row, f)) for f in row.args.fields]
    sets = ', '.join(f'.{f} = {e}' for f, e in values if e is not None)
    out.append(f'        args.{row.args.name} = (const {struct_name(row.args)}){{ {sets or 0} }};')
    out.append(f'        return a64_trans_{row.handler}(t, &args.{row.args.name});')


def emit_case(table, row, written, out):
    """The row itself where it can be translated, else the encoding around it (a hint is a NOP without its feature)."""
    tests = feature_tests(row)
    here = row.handler in written
    if here and not tests:
        emit_call(table, row, out)
        return
    if here:
        out.append(f'        if ({tests}) {{')
        inner = []
        emit_call(table, row, inner)
        out += ['    ' + line for line in inner]
        out.append('        }')
    for outer in row.outers:
        rule = constraints_expr(outer)
        if outer.handler == '-' and not outer.outers:
            continue
        if rule:
            out.append(f'        if ({rule}) {{')
            out.append(f'            return dispatch(t, {row_id(outer)});')
            out.append('        }')
        else:
            out.append(f'        return dispatch(t, {row_id(outer)});')
            return
    out.append('        return false;')


def decode_source(table, written):
    used = {r.args.name: r.args for r in table.rows if r.handler in written}
    out = ['/* Generated from the decode tables a64-*.dec. */', '#include "a64-decode.h"', '', '#include "a64-rows.h"', '']
    out += ['typedef union {'] + [f'    {struct_name(s)} {n};' for n, s in used.items()] + ['    uint32_t empty;', '} AnyArgs;', '']
    out += ['static bool dispatch(A64Trans *t, A64Row row)', '{', '    const uint32_t w = t->word;', '    AnyArgs args;', '',
            '    (void)w;', '    (void)args;', '    switch (row) {']
    bodies = {}
    for row in table.rows:
        body = []
        emit_case(table, row, written, body)
        bodies.setdefault('\n'.join(body), []).append(row)
    for body, rows in bodies.items():
        out += [f'    case {row_id(row)}:' for row in rows] + [body]
    out += [f'    case {OUTSIDE}:', '    case A64_ROW_COUNT:', '    default:', '        return false;', '    }', '}', '',
            'bool a64_decode(A64Trans *t)', '{', '    return dispatch(t, a64_row(t->word));', '}', '']
    return '\n'.join(out)


# ---- lists ----

def rows_tsv(table, written):
    out = ['name\tmask\tvalue\tsbz\tsbo\tfeature\thandler\twritten\tfields\tconstraints\twhere']
    for row in table.rows:
        fields = ' '.join(f"{n}:{'+'.join(f'{lsb}.{w}' for lsb, w in parts)}" for n, parts in row.fields.items())
        rules = ' '.join(e for e in row.extras if not dectable.ASSIGN.match(e) or '=>' in e)
        out.append('\t'.join([row.name, f'{row.mask:08x}', f'{row.value:08x}', f'{row.sbz:08x}', f'{row.sbo:08x}',
                              '+'.join(row.features) or 'base', row.handler, str(int(row.handler in written)), fields, rules,
                              re.sub(r'^.*/', '', row.where)]))
    return '\n'.join(out) + '\n'


def coverage_page(table, written):
    done = sum(r.handler in written for r in table.rows)
    out = ['# Instruction coverage', '', 'Generated from the decode tables.', '',
           f'{done} of {len(table.rows)} encodings are translated; the others are UNDEFINED (hints: NOP).', '',
           '| feature | translated | encodings | missing |', '|---|---|---|---|']
    groups = {}
    for row in table.rows:
        groups.setdefault('+'.join(row.features) or 'base', []).append(row)
    for feature in sorted(groups, key=lambda f: (f != 'base', f)):
        rows = groups[feature]
        missing = [r.name for r in rows if r.handler not in written]
        out.append(f"| {feature} | {len(rows) - len(missing)} | {len(rows)} | {' '.join(missing)} |")
    return '\n'.join(out) + '\n'


def handlers_in(paths):
    found = set()
    for path in paths:
        with open(path, encoding='utf-8') as source:
            found |= set(re.findall(r'^bool a64_trans_(\w+)\(', source.read(), re.M))
    return found


def write(directory, name, text):
    with open(os.path.join(directory, name), 'w', encoding='utf-8') as out:
        out.write(text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--out', required=True)
    parser.add_argument('--sources', nargs='*', default=[])
    parser.add_argument('--strict', action='store_true')
    parser.add_argument('tables', nargs='+')
    options = parser.parse_args()
    try:
        table = dectable.load(options.tables)
        op_enums(table)
        written = handlers_in(options.sources)
        for row in table.rows:
            if options.strict and row.handler not in written | {'-'}:
                fail(row.where, f'{row.name}: nothing defines a64_trans_{row.handler}')
    except (TableError, OSError) as error:
        sys.exit(str(error))
    write(options.out, 'a64-decode.h', decode_header(table))
    write(options.out, 'a64-decode.c', decode_source(table, written))
    write(options.out, 'a64-rows.h', rows_header(table))
    write(options.out, 'a64-rows.c', rows_source(table))
    write(options.out, 'a64-rows.tsv', rows_tsv(table, written))
    write(options.out, 'a64-coverage.md', coverage_page(table, written))


if __name__ == '__main__':
    main()
