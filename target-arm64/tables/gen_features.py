#!/usr/bin/env python3
"""Turns features.tbl into a64-features.h (the enum) and a64-features-data.c (names, needs, ID fields, CPU models).

usage: gen_features.py features.tbl sysregs.tbl header.h data.c
"""
import sys

import feature_table
import sysreg_table
from table_lines import TableError


def header(features):
    out = ['/* Generated from features.tbl; edit that table instead. */', '#pragma once', '',
           '/* Architectural features, FEAT_x of the manual. */', 'typedef enum A64Feature {']
    out += [f'    A64_FEAT_{n},' for n in features.rows]
    out += ['    A64_FEAT_COUNT', '} A64Feature;', '']
    return '\n'.join(out)


def id_field(table, where, reg, name):
    if reg not in table.regs or not table.regs[reg].find(name):
        feature_table.fail(where, f'{reg}.{name} is not a field of sysregs.tbl')
    return table.regs[reg].find(name)


def id_rows(features, table):
    """C rows {feature, slot, lsb, width, value}, weakest first: a later one that applies wins."""
    out = []
    for reg, name, value, where in features.absent:
        f = id_field(table, where, reg, name)
        out.append(('A64_FEAT_COUNT', reg, f, value))
    for row in features.rows.values():
        for reg, name, value in row.ids:
            f = id_field(table, row.where, reg, name)
            if value >> (f.msb - f.lsb + 1):
                feature_table.fail(row.where, f'{reg}.{name}={value} does not fit')
            out.append((f'A64_FEAT_{row.name}', reg, f, value))
    first = [r for r in out if r[0] == 'A64_FEAT_COUNT']
    rest = sorted((r for r in out if r[0] != 'A64_FEAT_COUNT'), key=lambda r: r[3])
    return [f'    {{ {feat}, A64_SR_{reg}, {f.lsb}, {f.msb - f.lsb + 1}, {value:#x} }},'
            for feat, reg, f, value in first + rest]


def identifier(name):
    return 'cpu_' + ''.join(c if c.isalnum() else '_' for c in name)


def cpu_row(m):
    return f'    {{ "{m.name}", "v{m.base[0]}.{m.base[1]}", "{m.about}", {identifier(m.name)}, {len(m.features)} }},'


def data(features, table):
    out = ['/* Generated from features.tbl; edit that table instead. */', '#include "model.h"', '',
           'const char *const a64_feature_names[A64_FEAT_COUNT] = {']
    out += [f'    "{n}",' for n in features.rows]
    out += ['};', '', 'const A64FeatureNeed a64_feature_needs[] = {']
    needs = [f'    {{ A64_FEAT_{r.name}, A64_FEAT_{n} }},' for r in features.rows.values() for n in r.needs]
    out += needs + ['};', f'const unsigned a64_n_feature_needs = {len(needs)};', '',
                    'const A64FeatureId a64_feature_ids[] = {']
    ids = id_rows(features, table)
    out += ids + ['};', f'const unsigned a64_n_feature_ids = {len(ids)};', '']
    for m in features.models.values():
        out += [f'static const A64Feature {identifier(m.name)}[] = {{']
        out += [f'    A64_FEAT_{n},' for n in m.features] + ['};']
    out += ['', 'const A64CpuRow a64_cpu_rows[] = {']
    out += [cpu_row(m) for m in features.models.values()]
    out += ['};', f'const unsigned a64_n_cpu_rows = {len(features.models)};', '']
    return '\n'.join(out)


def main(features_tbl, sysregs_tbl, out_h, out_c):
    try:
        features = feature_table.parse(features_tbl)
        table = sysreg_table.load([sysregs_tbl], features.rows)
        text = data(features, table)
    except TableError as e:
        sys.exit(str(e))
    with open(out_h, 'w', encoding='utf-8') as f:
        f.write(header(features))
    with open(out_c, 'w', encoding='utf-8') as f:
        f.write(text)


if __name__ == '__main__':
    main(*sys.argv[1:])
