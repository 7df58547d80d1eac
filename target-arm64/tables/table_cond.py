"""Conditions of the register tables: text such as `!HOST & CPTR_EL2.TFP=1 | FEAT_X` to a list of conjunctions.

  R.F=01       stored field F of register R, binary, x = either; R.F!=01 the opposite
  R.F<=01      the field as a number is at most this
  R.{A,B}=0x   fields joined, the first one highest
  FEAT_X       announced; HOST: HCR_EL2.E2H=1; HOST0: HCR_EL2.{E2H,TGE}=11
  NVx=abc      HCR_EL2.{NV2,NV1,NV}; PSTATE.SP=0, PSTATE.EXLOCK=0; & | ! ( ); T = always
"""
import re
from dataclasses import dataclass

TOKEN = re.compile(r'\s*(FEAT_\w+|HOST0|HOST|NVx!?=[01x]{3}|\w+\.\w+<=[01]+|\w+\.(?:\w+|\{[\w,]+\})!?=[01x]+|T\b|[&|!()])')


@dataclass(frozen=True)
class Atom:
    """word: a register, 'FEAT' or 'PSTATE'. what: its fields, or the feature. bits: binary with x, '1' for features."""
    word: str
    what: tuple
    bits: str
    negated: bool = False

    def inverse(self):
        return Atom(self.word, self.what, self.bits, not self.negated)


def atom(text):
    if text.startswith('FEAT_'):
        return Atom('FEAT', (text[5:],), '1')
    if text == 'HOST':
        return Atom('HCR_EL2', ('E2H',), '1')
    if text == 'HOST0':
        return Atom('HCR_EL2', ('E2H', 'TGE'), '11')
    left, bits = text.split('=')
    negated = left.endswith('!')
    left = left.rstrip('!')
    if left == 'NVx':
        return Atom('HCR_EL2', ('NV2', 'NV1', 'NV'), bits, negated)
    word, fields = left.split('.')
    return Atom(word, tuple(fields.strip('{}').split(',')), bits, negated)


def at_most(text):
    """Both dnfs of R.F<=bits: what is at most that shares its upper bits down to a 1 that is 0 there, or is equal."""
    left, limit = text.split('<=')
    word, name = left.split('.')
    less = [limit[:i] + '0' + 'x' * (len(limit) - i - 1) for i, b in enumerate(limit) if b == '1'] + [limit]
    more = [limit[:i] + '1' + 'x' * (len(limit) - i - 1) for i, b in enumerate(limit) if b == '0']
    return tuple([(Atom(word, (name,), bits),) for bits in side] for side in (less, more))


class Parser:
    """Recursive descent; every node is (dnf, dnf of its negation), a dnf being a list of tuples of atoms."""

    def __init__(self, text):
        self.tokens, pos = [], 0
        text = text.strip()
        while pos < len(text):
            m = TOKEN.match(text, pos)
            if not m:
                raise ValueError(f"condition: cannot read '{text[pos:]}'")
            self.tokens.append(m.group(1))
            pos = m.end()
        self.tokens.append('')
        self.at = 0

    def take(self):
        self.at += 1
        return self.tokens[self.at - 1]

    def either(self):
        node = self.both()
        while self.tokens[self.at] == '|':
            self.take()
            other = self.both()
            node = (node[0] + other[0], cross(node[1], other[1]))
        return node

    def both(self):
        node = self.unit()
        while self.tokens[self.at] == '&':
            self.take()
            other = self.unit()
            node = (cross(node[0], other[0]), node[1] + other[1])
        return node

    def unit(self):
        t = self.take()
        if t == '!':
            yes, no = self.unit()
            return no, yes
        if t == '(':
            node = self.either()
            if self.take() != ')':
                raise ValueError("condition: ')' missing")
            return node
        if t == 'T':
            return [()], []
        if t in ('', '&', '|', ')'):
            raise ValueError("condition: something is missing")
        if '<=' in t:
            return at_most(t)
        a = atom(t)
        return [(a,)], [(a.inverse(),)]


def cross(left, right):
    return [tuple(dict.fromkeys(a + b)) for a in left for b in right]


def parse(text):
    """The condition as a list of conjunctions (tuples of Atom). Raises ValueError."""
    p = Parser(text)
    yes, _ = p.either()
    if p.tokens[p.at]:
        raise ValueError(f"condition: '{p.tokens[p.at]}' not expected")
    return yes
