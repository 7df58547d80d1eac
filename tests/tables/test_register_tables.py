#!/usr/bin/env python3
"""The generators refuse register and feature tables that contradict themselves.

usage: test_register_tables.py directory-of-table-modules
"""
import os
import sys
import tempfile
import unittest

sys.path.insert(0, sys.argv.pop(1))
import feature_table  # noqa: E402
import gen_exceptions  # noqa: E402
import sysreg_rules  # noqa: E402
import sysreg_table  # noqa: E402
import table_cond  # noqa: E402
import table_lines  # noqa: E402

CONTROL = '''reg HCR_EL2 3 4 1 1 0 rw:2
  63:46 RES0 45 NV2 44 RES0 43 NV1 42 NV 41:35 RES0 34 E2H 33:28 RES0 27 TGE 26 TVM 25:0 RES0
'''


def load(text, features=('FGT', 'VHE')):
    with tempfile.NamedTemporaryFile('w', suffix='.tbl') as f:
        f.write(text)
        f.flush()
        return sysreg_table.load([f.name], features)


def load_features(text):
    with tempfile.NamedTemporaryFile('w', suffix='.tbl') as f:
        f.write(text)
        f.flush()
        return feature_table.parse(f.name)


class Registers(unittest.TestCase):
    def refused(self, text, message):
        with self.assertRaisesRegex(table_lines.TableError, message) as caught:
            load(CONTROL + text)
        self.assertRegex(str(caught.exception), r'^.*\.tbl:\d+: ')

    def test_a_good_table(self):
        table = load(CONTROL + 'trap TVM\n  1w HCR_EL2.TVM=1 -> EL2\nreg A_EL1 3 0 1 0 0 rw:1 trap=TVM nv1=0x110 el12\n')
        self.assertEqual(table.regs['A_EL12'].enc, (3, 5, 1, 0, 0))
        self.assertEqual(table.regs['A_EL12'].alias_of, 'A_EL1')

    def test_duplicate_encoding(self):
        self.refused('reg A 3 4 1 1 0 ro:1\n', 'shares its encoding with HCR_EL2')

    def test_read_and_write_only_may_share(self):
        load('reg A 3 0 1 0 0 ro:1\nreg B 3 0 1 0 0 wo:1\n')

    def test_duplicate_name(self):
        self.refused('reg HCR_EL2 3 4 1 1 1 rw:2\n', 'described twice')

    def test_alias_is_a_row(self):
        self.refused('reg A_EL1 3 0 1 0 0 rw:1 el12\nreg A_EL12 3 5 1 0 1 rw:2\n', 'alias and a row')

    def test_unexplained_bit(self):
        self.refused('reg A 3 0 1 0 0 rw:1\n  63:32 RES0 30:0 X\n', 'nothing explains bit 31')

    def test_bit_explained_twice(self):
        self.refused('reg A 3 0 1 0 0 rw:1\n  63:32 RES0 32:0 X\n', 'bit 32 is both')

    def test_unknown_trap_group(self):
        self.refused('reg A 3 0 1 0 0 rw:1 trap=NONE\n', "unknown trap 'NONE'")

    def test_unknown_trap_bit(self):
        self.refused('trap T\n  1rw HCR_EL2.NOBIT=1 -> EL2\n', 'HCR_EL2.NOBIT: no such field')

    def test_unknown_trap_register(self):
        self.refused('trap T\n  1rw NO_EL2.TVM=1 -> EL2\n', 'NO_EL2.TVM: no such register')

    def test_width_of_condition(self):
        self.refused('trap T\n  1rw HCR_EL2.TVM=01 -> EL2\n', 'has 1 bits, the condition 2')

    def test_unknown_fgt_bit(self):
        self.refused('reg A 3 0 1 0 0 rw:1 fgt=HFG.A\n', 'HFGRTR_EL2.A: no such trap bit')

    def test_missing_partner(self):
        self.refused('reg A_EL1 3 0 1 0 0 rw:1 e2h=A_EL2\n', 'e2h=A_EL2 is not in the table')

    def test_bad_nesting_offset(self):
        self.refused('reg A 3 0 1 0 0 rw:1 nv1=0x11\n', 'no doubleword')
        self.refused('reg A 3 0 1 0 0 rw:1 nv1=0x1000\n', 'no doubleword')

    def test_shared_nesting_offset(self):
        self.refused('reg A 3 0 1 0 0 rw:1 nv1=0x10\nreg B 3 0 1 0 1 rw:1 nv=0x10\n', 'is already A')

    def test_context_needs_tlb(self):
        self.refused('reg A 3 0 1 0 0 rw:1 effect=context\n', 'says tlb=')

    def test_unknown_words(self):
        self.refused('reg A 3 0 1 0 0 rw:1 colour=red\n', "unknown key 'colour'")
        self.refused('reg A 3 0 1 0 0 rw:1 effect=magic\n', "unknown effect 'magic'")
        self.refused('reg A 3 0 1 0 0 rx:1\n', "bad access 'rx:1'")
        self.refused('reg A 3 0 1 0 8 rw:1\n', 'out of range')
        self.refused('reg A 3 0 1 0 0 rw:1 feat=NOSUCH\n', 'no such feature NOSUCH')
        self.refused('reg A 3 0 1 0 0 rw:1\n  63:1 RES0 0 X?NOSUCH\n', 'no such feature NOSUCH')
        self.refused('trap T\n  1rw FEAT_NOSUCH -> EL2\n', 'no such feature NOSUCH')
        self.refused('trap T\n  1rw HCR_EL2.TVM=1 -> EL4\n', 'cannot read the rule')
        self.refused('row A\n', "expected 'reg'")
        self.refused('bake HCR_EL2 NOBIT\n', 'no such field')


class Rules(unittest.TestCase):
    TABLE = CONTROL + '''reg HFGWTR_EL2 3 4 1 1 5 rw:2 feat=FGT
  63:30 RES0 29 A_EL1 28:0 RES0
reg HFGRTR_EL2 3 4 1 1 4 rw:2 feat=FGT
  63:30 RES0 29 A_EL1 28:0 RES0
reg A_EL2 3 4 1 0 0 rw:2
trap TVM
  1w HCR_EL2.TVM=1 -> EL2
reg A_EL1 3 0 1 0 0 rw:1 trap=TVM fgt=HFG.A_EL1 nv1=0x110 e2h=A_EL2 el12
'''

    def kinds(self, name, d, el):
        table = load(self.TABLE)
        return [(r.kind, r.arg) for r in sysreg_rules.compile_rules(table, table.regs[name], d, el)]

    def test_order_at_el1(self):
        self.assertEqual(self.kinds('A_EL1', 'w', 1), [('TRAP', 0), ('TRAP', 0), ('NVMEM', 0x110), ('SELF', 0)])

    def test_direction(self):
        self.assertEqual(self.kinds('A_EL1', 'r', 1), [('TRAP', 0), ('NVMEM', 0x110), ('SELF', 0)])

    def test_other_levels(self):
        self.assertEqual(self.kinds('A_EL1', 'w', 0), [('UNDEF', 0)])
        self.assertEqual(self.kinds('A_EL1', 'w', 2), [('REG', 'A_EL2'), ('SELF', 0)])

    def test_alias(self):
        self.assertEqual(self.kinds('A_EL12', 'r', 2), [('UNDEF', 0), ('REG', 'A_EL1'), ('UNDEF', 0)])
        self.assertEqual(self.kinds('A_EL12', 'r', 1), [('UNDEF', 0), ('NVMEM', 0x110), ('TRAP', 0), ('UNDEF', 0)])

    def test_el2_register_at_el1(self):
        self.assertEqual(self.kinds('A_EL2', 'r', 1), [('TRAP', 0), ('UNDEF', 0)])


class Conditions(unittest.TestCase):
    def test_negation_of_a_sum(self):
        self.assertEqual([[a.negated for a in c] for c in table_cond.parse('!(FEAT_A | FEAT_B)')], [[True, True]])

    def test_product_over_sum(self):
        self.assertEqual(len(table_cond.parse('(FEAT_A | FEAT_B) & (FEAT_C | FEAT_D)')), 4)

    def test_garbage(self):
        for text in ('FEAT_A &', '(FEAT_A', 'FEAT_A FEAT_B', '', 'R.F=2'):
            with self.assertRaises(ValueError):
                table_cond.parse(text)


class FeatureTable(unittest.TestCase):
    GOOD = 'feat A v8.0\nfeat B v8.1 mandatory=v8.1 needs=A\nfeat C v8.2\nfeat D v8.1 mandatory=v8.2:C+B,v9.0\nfeat E v9.0\n'

    def refused(self, text, message):
        with self.assertRaisesRegex(table_lines.TableError, message):
            load_features(text)

    def test_good(self):
        self.assertEqual(load_features(self.GOOD + 'cpu max v8.1\n  A B\n').models['max'].features, ['A', 'B'])
        load_features(self.GOOD + 'cpu a v8.2\n  A B\ncpu b v8.2\n  A B C D\ncpu c v9.0\n  A B C D E\n')

    def test_models_from_models(self):
        out = load_features(self.GOOD + 'cpu a v8.2\n  A B\ncpu b v8.2 from=a some words\n  C D\ncpu c v8.2 from=b\n  -C -D\n').models
        self.assertEqual((out['b'].features, out['b'].about), (['A', 'B', 'C', 'D'], 'some words'))
        self.assertEqual((out['c'].features, out['c'].about), (['A', 'B'], ''))

    def test_refusals(self):
        self.refused(self.GOOD + 'cpu a v8.1 from=z\n  A B\n', "no cpu 'z' above")
        self.refused(self.GOOD + 'cpu a v8.1\n  A B\ncpu a v8.1\n  A B\n', 'cpu a described twice')
        self.refused(self.GOOD + 'cpu a v8.1\n  A B -C\n', 'has no C to take away')
        self.refused(self.GOOD + 'cpu a\n', 'needs a name and a version')
        self.refused(self.GOOD + 'cpu max v8.1\n  B\n', 'B needs A')
        self.refused(self.GOOD + 'cpu max v8.1\n  A\n', 'v8.1 includes B')
        self.refused(self.GOOD + 'cpu max v8.1\n  A B C\n', 'C is only for v8.2 and later')
        self.refused(self.GOOD + 'cpu max v8.9\n  A B D E\n', 'E is only for v9.0 and later')
        self.refused(self.GOOD + 'cpu max v8.2\n  A B C\n', 'v8.2 with C and B includes D')
        self.refused(self.GOOD + 'cpu max v9.0\n  A B E\n', 'v9.0 includes D')
        self.refused(self.GOOD + 'cpu max v9.0\n  A D E\n', 'v9.0 includes B')
        self.refused(self.GOOD + 'cpu max v8.1\n  A B Y\n', 'no such feature Y')
        self.refused('feat A v8.0 mandatory=v8.1:Z\n', 'mandatory with Z')
        self.refused(self.GOOD + 'cpu max v8.1\n  A A B\n', 'listed twice')
        self.refused('feat A v8.0 needs=Z\n', 'needs Z')
        self.refused('feat A v8.0\nfeat A v8.0\n', 'described twice')
        self.refused('feat A 8.0\n', "bad version '8.0'")
        self.refused('feat A v8.0 id=X\n', "bad ID field 'X'")


class Exceptions(unittest.TestCase):
    def parse(self, text):
        with tempfile.NamedTemporaryFile('w', suffix='.tbl') as f:
            f.write(text)
            f.flush()
            return gen_exceptions.parse(f.name)

    def test_good(self):
        classes, status = self.parse('ec 0x24 LOW data abort\n  5:0 FSC\nec 0x25 SAME data abort\n  = LOW\nfsc 0x07 a fault\n')
        self.assertEqual(classes['SAME'].fields, [('FSC', 5, 0)])
        self.assertEqual(status, {7: 'a fault'})

    def test_refusals(self):
        for text, message in (('ec 0x24 A a\nec 0x24 B b\n', 'described twice'), ('ec 0x40 A a\n', 'bad code'),
                              ('ec 0x24 A a\n  25 X\n', 'not within the ISS'), ('ec 0x24 A a\n  3:0 X 2 Y\n', 'two fields'),
                              ('ec 0x24 A a\n  = B\n', 'not in the table'), ('fsc 0x01 a\nfsc 0x01 b\n', 'described twice'),
                              ('xx\n', "expected 'ec'")):
            with self.assertRaisesRegex(table_lines.TableError, message):
                self.parse(text)


if __name__ == '__main__':
    unittest.main()
