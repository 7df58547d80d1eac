#!/usr/bin/env python3
"""Turns exceptions.tbl into a64-exceptions.h (classes, ISS field macros) and a64-exceptions-data.c (names, fields).

usage: gen_exceptions.py exceptions.tbl header.h data.c
"""
import re
import sys
from dataclasses import dataclass, field

import table_lines
from table_lines import TableError, fail


@dataclass
class Class:
    code: int
    name: str
    text: str
    where: str
    fields: list = field(default_factory=list)  # (name, msb, lsb)
    like: str = ''


def number(where, text, top):
    if not re.fullmatch(r'0x[0-9a-f]{2}', text) or int(text, 0) > top:
        fail(where, f"bad code '{text}'")
    return int(text, 0)


def parse_iss(where, cls, words):
    if words[0] == '=':
        cls.like = words[1]
        return
    if len(words) % 2:
        fail(where, "fields come in pairs 'msb:lsb NAME'")
    used = {b for _, m, l in cls.fields for b in range(l, m + 1)}
    for bits, name in zip(words[::2], words[1::2]):
        m = re.fullmatch(r'(\d+)(?::(\d+))?', bits)
        if not m:
            fail(where, f"bad bit range '{bits}'")
        msb, lsb = int(m.group(1)), int(m.group(2) or m.group(1))
        if not 24 >= msb >= lsb:
            fail(where, f"'{bits}' is not within the ISS")
        for b in range(lsb, msb + 1):
            if b in used:
                fail(where, f'{cls.name}: bit {b} has two fields')
            used.add(b)
        cls.fields.append((name, msb, lsb))


def parse(path):
    """({name: Class}, {code: fault status text})."""
    classes, status, cls = {}, {}, None
    for where, words, text in table_lines.lines(path):
        if text[0] == ' ':
            if cls is None:
                fail(where, 'no class above this line')
            parse_iss(where, cls, words)
        elif words[0] == 'ec' and len(words) > 3:
            cls = Class(number(where, words[1], 0x3f), words[2], ' '.join(words[3:]), where)
            if cls.name in classes or cls.code in {c.code for c in classes.values()}:
                fail(where, f'class {words[1]} {cls.name} described twice')
            classes[cls.name] = cls
        elif words[0] == 'fsc' and len(words) > 2:
            code = number(where, words[1], 0x3f)
            if code in status:
                fail(where, f'fault status {words[1]} described twice')
            status[code] = ' '.join(words[2:])
        else:
            fail(where, f"expected 'ec' or 'fsc', got '{words[0]}'")
    for c in classes.values():
        if c.like:
            if c.like not in classes:
                fail(c.where, f'{c.name} is like {c.like}, which is not in the table')
            c.fields = classes[c.like].fields
    return classes, status


def header(classes):
    out = ['/* Generated from exceptions.tbl; edit that table instead. */', '#pragma once', '', '#include <stdint.h>', '',
           '/* Exception classes (ESR_ELx.EC). */', 'typedef enum {']
    out += [f'    A64_EC_{c.name} = {c.code:#04x}, /* {c.text} */' for c in classes.values()]
    out += ['} A64Ec;', '', '/* ISS of a class: a value in its place. */']
    for c in classes.values():
        if not c.like:
            out += [f'#define A64_ISS_{c.name}_{name}(v) ((uint32_t)(v) << {lsb})' for name, _, lsb in c.fields]
    return '\n'.join(out) + '\n'


def data(classes, status):
    out = ['/* Generated from exceptions.tbl; edit that table instead. */', '#include "syndrome.h"', '']
    for c in classes.values():
        if c.fields and not c.like:
            out += [f'static const A64IssField iss_{c.name.lower()}[] = {{']
            out += [f'    {{ "{name}", {lsb}, {msb - lsb + 1} }},' for name, msb, lsb in c.fields] + ['    { 0 },', '};', '']
    out += ['const A64EcRow a64_ec_rows[64] = {']
    for c in classes.values():
        iss = f'iss_{(c.like or c.name).lower()}' if c.fields else 'NULL'
        out.append(f'    [{c.code:#04x}] = {{ "{c.name}", "{c.text}", {iss} }},')
    out += ['};', '', 'const char *const a64_fsc_text[64] = {']
    out += [f'    [{code:#04x}] = "{text}",' for code, text in status.items()]
    return '\n'.join(out + ['};', ''])


def main(table, out_h, out_c):
    try:
        classes, status = parse(table)
    except TableError as e:
        sys.exit(str(e))
    for path, text in ((out_h, header(classes)), (out_c, data(classes, status))):
        with open(path, 'w', encoding='utf-8') as f:
            f.write(text)


if __name__ == '__main__':
    main(*sys.argv[1:])
