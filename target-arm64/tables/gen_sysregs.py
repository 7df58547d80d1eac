#!/usr/bin/env python3
"""Turns sysregs.tbl into a64-sysregs.h (slots and field macros) and a64-sysregs-data.c (rows, rules, fields).

usage: gen_sysregs.py features.tbl sysregs.tbl sysinsns.tbl header.h data.c hooks.c hooks.h
"""
import sys

import feature_table
import sysreg_emit
import sysreg_table
from table_lines import TableError


def stored(table):
    return [r for r in table.regs.values() if not r.alias_of and not r.has('nostore') and r.enc[0] >= 2]


def field_macros(reg):
    out = []
    for f in reg.fields + reg.layouts:
        if f.name in ('RES0', 'RES1'):
            continue
        mask = (1 << (f.msb + 1)) - (1 << f.lsb)
        for name in f.name.split('|'):
            macro = f'A64_{reg.family}_{name}'
            out += [f'#define {macro} UINT64_C({mask:#x})', f'#define {macro}_SHIFT {f.lsb}',
                    f'#define {macro}_WIDTH {f.msb - f.lsb + 1}']
    return out


def header(table, words):
    out = ['/* Generated from sysregs.tbl; edit that table instead. */', '#pragma once', '', '#include <stdint.h>', '',
           '/* Slots of A64State.sr. */', 'typedef enum A64SysRegSlot {']
    out += [f'    A64_SR_{r.name},' for r in stored(table)]
    out += ['    A64_SR_COUNT', '} A64SysRegSlot;', '', '/* Registers that decide traps, by profile word. */',
            f'#define A64_PROFILE_WORDS {len(words)}']
    out += [f'#define A64_PROFILE_{w} {i}' for i, w in enumerate(words)]
    out += ['', '/* Fields: mask in place, shift, width. */']
    seen = set()
    for r in table.regs.values():
        if r.family not in seen and not r.alias_of:
            seen.add(r.family)
            out += field_macros(r)
    return '\n'.join(out) + '\n'


def same(path, text):
    """The file is there and holds this text."""
    try:
        with open(path, encoding='utf-8') as f:
            return f.read() == text
    except FileNotFoundError:
        return False


def main(features_tbl, sysregs_tbl, sysinsns_tbl, *outputs):
    try:
        features = feature_table.parse(features_tbl)
        table = sysreg_table.load([sysregs_tbl, sysinsns_tbl], features.rows)
        data, hooks_c, hooks_h, words = sysreg_emit.data(table, stored(table))
    except TableError as e:
        sys.exit(str(e))
    for path, text in zip(outputs, (header(table, words), data, hooks_c, hooks_h)):
        if not same(path, text):  # what has not changed is not compiled again
            with open(path, 'w', encoding='utf-8') as f:
                f.write(text)


if __name__ == '__main__':
    main(*sys.argv[1:])
