#!/usr/bin/env python3
"""The decode tables against the list of A64 encodings (tests/facts/instructions.tsv).

Every encoding of the list that is not of a feature left out on purpose has words that belong to a row, and
those rows bear its mnemonic. Which features have no rows at all: docs/instructions.md says why.

usage: check_arch.py TABLES_DIR FACTS_DIR TABLE ...
"""
import random
import re
import sys

# Left out on purpose: features that have no row.
LATER = {'CMPBR', 'TEV', 'TME', 'S1POE2', 'LSUI', 'LSFE', 'D128', 'GCS', 'FP8', 'FP8FMA', 'FP8DOT2',
         'FP8DOT4', 'F8F16MM', 'F8F32MM', 'F16MM', 'F16F32MM', 'F16F32DOT', 'FPRCVT', 'MOPS_GO',
         'CMH', 'LSCP'}
SAMPLES = 64


def main():
    modules, path, tables = sys.argv[1], sys.argv[2], sys.argv[3:]
    sys.path[:0] = [modules, path]
    import dectable
    import facts
    rows = dectable.load(tables).rows
    generator = random.Random(64)
    renamed = {'RPRFM': 'PRFM_reg', 'STSHH': 'HINT'}  # the same row, which does nothing
    missing, wrong, compared = [], [], 0
    for entry in facts.table('instructions.tsv'):
        features = set(re.findall(r'FEAT_(\w+)', entry['feature']))
        if features & LATER:
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
            missing.append(f"{entry['encoding']} ({entry['feature']})")
        elif renamed.get(mnemonic) not in found and not any(mnemonic.startswith(re.sub(r'[1-4]?(_.*)?$', '', name)) for name in found):
            wrong.append(f"{entry['encoding']}: {' '.join(sorted(found))}")
    for line in ['missing ' + m for m in missing] + ['other ' + w for w in wrong]:
        print(line)
    print(f'{compared} encodings compared, {len(missing)} missing, {len(wrong)} under another name')
    return 1 if missing or wrong else 0


if __name__ == '__main__':
    sys.exit(main())
