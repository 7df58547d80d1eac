#!/usr/bin/env python3
"""The decode tables against a list of all A64 encodings, when one lies beside the checkout.

Every encoding of the list that is not of a feature left out on purpose has words that belong to a row, and
those rows bear its mnemonic.

usage: check_arch.py TABLES_DIR LIST TABLE ...      passes, saying so, without the list
"""
import os
import random
import re
import sys

# Left out on purpose: scalable vectors and matrices, and features after Armv9.4 nobody asks for yet.
LEFT_OUT = re.compile(r'^(sve|sme|reserved)')
LATER = {'PAuth_LR', 'CMPBR', 'TEV', 'TME', 'S1POE2', 'CPA', 'LSUI', 'LSFE', 'THE', 'D128', 'GCS', 'FP8', 'FP8FMA', 'FP8DOT2',
         'FP8DOT4', 'F8F16MM', 'F8F32MM', 'F16MM', 'F16F32MM', 'F16F32DOT', 'LUT', 'FAMINMAX', 'FPRCVT', 'MOPS_GO',
         'CMH', 'PCDPHINT', 'LSCP'}
SAMPLES = 64


def read_list(path):
    with open(path, encoding='utf-8') as lines:
        names = next(lines).rstrip('\n').split('\t')
        for line in lines:
            yield dict(zip(names, line.rstrip('\n').split('\t')))


def main():
    modules, path, tables = sys.argv[1], sys.argv[2], sys.argv[3:]
    if not os.path.exists(path):
        print(f'no list of encodings at {path}: nothing compared')
        return 0
    sys.path.insert(0, modules)
    import dectable
    rows = dectable.load(tables).rows
    generator = random.Random(64)
    renamed = {'RPRFM': 'PRFM_reg'}  # the same row: neither does anything
    missing, wrong, compared = [], [], 0
    for entry in read_list(path):
        features = set(re.findall(r'FEAT_(\w+)', entry['feat']))
        if LEFT_OUT.match(entry['iclass']) or features & LATER or not entry['mask']:
            continue
        mask, value = int(entry['mask'], 16), int(entry['value'], 16)
        near = [r for r in rows if not (r.value ^ value) & r.mask & mask]
        found = set()
        for _ in range(SAMPLES):
            word = value | generator.getrandbits(32) & ~mask
            held = [r for r in near if dectable.row_holds(word, r)]
            if held:
                found.add(max(held, key=lambda r: r.weight()).name)
        compared += 1
        mnemonic = entry['mnemonic'].upper()
        if not found:
            missing.append(f"{entry['encoding']} ({entry['feat']})")
        elif renamed.get(mnemonic) not in found and not any(mnemonic.startswith(re.sub(r'[1-4]?(_.*)?$', '', name)) for name in found):
            wrong.append(f"{entry['encoding']}: {' '.join(sorted(found))}")
    for line in ['missing ' + m for m in missing] + ['other ' + w for w in wrong]:
        print(line)
    print(f'{compared} encodings compared, {len(missing)} missing, {len(wrong)} under another name')
    return 1 if missing or wrong else 0


if __name__ == '__main__':
    sys.exit(main())
