#!/usr/bin/env python3
"""The decode-table generator: what it refuses (file:line: message) and what it makes of small tables.

usage: test_decode_tables.py GENERATOR
"""
import os
import subprocess
import sys
import tempfile
import unittest

GENERATOR = sys.argv.pop(1)
HEAD = 'field d rd | field n rn | field z size | field j simm signed\nargs two size rn rd\n'
ROW = 'ADD  110100zz0000000000000000nnnddddd  add  base\n'


def generate(text, *options):
    with tempfile.TemporaryDirectory() as directory:
        table = os.path.join(directory, 't.dec')
        with open(table, 'w', encoding='utf-8') as out:
            out.write(text)
        run = subprocess.run([sys.executable, GENERATOR, '--out', directory, *options, table],
                             capture_output=True, text=True, check=False)
        made = {}
        for name in os.listdir(directory):
            with open(os.path.join(directory, name), encoding='utf-8') as file:
                made[name] = file.read()
        return run.returncode, run.stderr.strip().replace(directory + os.sep, ''), made


class Refusals(unittest.TestCase):
    """Each mistake stops the build with the place and the reason."""

    def refused(self, text, line, *words):
        status, message, made = generate(HEAD + text)
        self.assertNotEqual(status, 0, message)
        self.assertTrue(message.startswith(f't.dec:{line}: '), message)
        for word in words:
            self.assertIn(word, message)
        self.assertEqual(set(made), {'t.dec'}, 'nothing is written')

    def test_partial_overlap(self):
        self.refused(ROW + 'SUB  1101zz0000000000000000000nnddddd  sub  base\n', 4, 'SUB', 'partly overlaps', 'ADD')

    def test_same_pattern_twice(self):
        self.refused(ROW + ROW.replace('ADD', 'SUB'), 4, 'partly overlaps')

    def test_overlap_that_constraints_do_not_exclude(self):
        second = ROW.replace('ADD', 'SUB').replace('base', 'base size!=2')
        self.refused(ROW.replace('base', 'base size!=3') + second, 4, 'partly overlaps')

    def test_duplicate_name(self):
        self.refused(ROW + ROW.replace('110100', '110101'), 4, 'named twice', 't.dec:3')

    def test_width(self):
        self.refused(ROW.replace('ddddd', 'dddd'), 3, '31 bits, expected 32')
        self.refused(ROW.replace('ddddd', 'dddddd'), 3, '33 bits, expected 32')

    def test_unknown_letter(self):
        self.refused(ROW.replace('nnn', 'nnX'), 3, 'letter X', "no 'field' line")

    def test_columns(self):
        self.refused('ADD 11010000000000000000000000000000 add\n', 3, 'at least 4 columns')

    def test_letter_twice(self):
        self.refused('field d other\n', 3, 'letter d declared twice')

    def test_field_signed_here_and_not_there(self):
        self.refused('field k simm\n', 3, 'simm', 'signed')

    def test_field_line(self):
        self.refused('field dd rd\n', 3, "'dd' is not one letter")
        self.refused('field e\n', 3, 'expected')

    def test_args_twice(self):
        self.refused('args two size\n', 3, 'declared twice')

    def test_field_outside_the_args(self):
        self.refused('args none\n' + ROW, 4, 'not in args none')

    def test_assignment_outside_the_args(self):
        self.refused(ROW.replace('base', 'base op=1'), 3, 'op is not in args two')

    def test_one_handler_two_sets(self):
        other = 'args three size rn rd op\n' + ROW.replace('ADD', 'SUB').replace('110100', '110101')
        self.refused(ROW + other, 5, 'handler add takes args two')

    def test_constraint(self):
        self.refused(ROW.replace('base', 'base shift!=3'), 3, 'no field shift')
        self.refused(ROW.replace('base', 'base size!=4'), 3, 'only 2 bits')
        self.refused(ROW.replace('base', 'base size<1,2'), 3, 'a list needs')
        self.refused(ROW.replace('base', 'base size~3'), 3, 'cannot read')

    def test_expression(self):
        self.refused('args four imm\n' + ROW.replace('base', 'base imm=shift*2'), 4, 'no field shift')

    def test_feature(self):
        self.refused(ROW.replace('base', 'lse!'), 3, 'not a feature name')

    def test_handler_name(self):
        self.refused(ROW.replace(' add ', ' Add '), 3, 'not a handler name')

    def test_row_before_args(self):
        status, message, _ = generate('field d rd\nA 000000000000000000000000000ddddd a base\n')
        self.assertNotEqual(status, 0)
        self.assertIn("t.dec:2: A: no 'args' line", message)

    def test_strict_wants_every_handler(self):
        status, message, _ = generate(HEAD + ROW, '--strict')
        self.assertNotEqual(status, 0)
        self.assertIn('nothing defines a64_trans_add', message)


class Makes(unittest.TestCase):
    """What is accepted."""

    def test_disjoint_by_constraint(self):
        status, message, _ = generate(HEAD + ROW.replace('base', 'base size!=3') +
                                      'SUB 11010011----------------nnnddddd sub base\n')
        self.assertEqual(status, 0, message)

    def test_inside_is_accepted(self):
        status, message, _ = generate(HEAD + ROW + 'SUB 110100110000000000000000nnnddddd sub base\n')
        self.assertEqual(status, 0, message)

    def test_same_twice_gives_the_same(self):
        self.assertEqual(generate(HEAD + ROW)[2], generate(HEAD + ROW)[2])

    def test_row_list(self):
        _, _, made = generate(HEAD + ROW.replace('base', 'LSE+FP16 size!=3'))
        line = made['a64-rows.tsv'].splitlines()[1].split('\t')
        self.assertEqual(line[:9], ['ADD', 'fcffff00', 'd0000000', '00000000', '00000000', 'LSE+FP16', 'add', '0',
                                    'size:24.2 rn:5.3 rd:0.5'])

    def test_missing_handler_is_listed(self):
        _, _, made = generate(HEAD + ROW)
        self.assertIn('| base | 0 | 1 | ADD |', made['a64-coverage.md'])

    def test_signed_field(self):
        _, _, made = generate('field j simm signed\nargs b simm\nB 000101jjjjjjjjjjjjjjjjjjjjjjjjjj b base\n')
        self.assertIn('int32_t simm;', made['a64-decode.h'])

    def test_enumerators(self):
        _, _, made = generate('field d rd\nargs b op rd\nB 000101000000000000000000000ddddd b base op=SUM\n')
        self.assertIn('A64_B_SUM,', made['a64-decode.h'])


if __name__ == '__main__':
    unittest.main()
