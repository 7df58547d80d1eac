"""Reads the tables of this directory and turns the access rules into functions.

The notation is described in README.md. A Machine is the facts together with the ID registers of one
machine: features and numbers become constants, so that what is left of a rule list depends on
control fields alone.
"""
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))

# Choices that the architecture leaves to the implementation: what the rules assume.
CHOICES = {'DC_IS_NOP': False, 'IC_IS_NOP': False, 'DC_CAN_TRAP': True, 'IC_CAN_TRAP': True,
           'IMPDEF_ACTLR_ELX': True, 'IMPDEF_TID3': True, 'IMPDEF_TDOSA': True,
           'IMPDEF_AMEVTYPER1_FIXED': True, 'GCS_ENABLED': False,
           'AMU_G1_OFFSET_PRESENT': False, 'SPMU_CTR_PRESENT': False}


def table(name):
    """Rows of a table as dicts."""
    with open(os.path.join(HERE, name), encoding='utf-8') as f:
        head = f.readline().rstrip('\n').split('\t')
        rows = []
        for n, line in enumerate(f, 2):
            cells = line.rstrip('\n').split('\t')
            if len(cells) != len(head):
                raise ValueError('%s:%d: %d cells instead of %d' % (name, n, len(cells), len(head)))
            rows.append(dict(zip(head, cells)))
    return rows


def split_rules(cell):
    """[(condition, outcome)] of an EL cell."""
    out = []
    for rule in cell.split('; '):
        cond, _, what = rule.rpartition(' -> ')
        out.append((cond or 'T', what))
    return out


class Parser:
    """Recursive descent over a condition; `atom` turns one atom into True, False or Python text."""

    def __init__(self, text, atom):
        self.parts = self.split(text)
        self.pos = 0
        self.atom = atom
        self.value = self.either()
        if self.pos != len(self.parts):
            raise ValueError('bad condition: ' + text)

    @staticmethod
    def split(text):
        """Operators and atoms; a parenthesis inside an atom (a predicate's, arithmetic) stays in it."""
        parts, i = [], 0
        while i < len(text):
            c = text[i]
            if c in ' ':
                i += 1
            elif c in '&|!' or c == ')':
                parts.append(c)
                i += 1
            elif c == '(' and not re.match(r'\(m[+]', text[i:]):
                parts.append(c)
                i += 1
            else:
                start, depth = i, 0
                while i < len(text):
                    c = text[i]
                    if depth == 0 and (c in '&|)' or c == ' '):
                        break
                    depth += (c in '({[') - (c in ')}]')
                    i += 1
                parts.append(text[start:i])
        return parts

    def peek(self):
        return self.parts[self.pos] if self.pos < len(self.parts) else None

    def either(self):
        terms = [self.both()]
        while self.peek() == '|':
            self.pos += 1
            terms.append(self.both())
        if True in terms:
            return True
        terms = [t for t in terms if t is not False]
        return '(%s)' % ' or '.join(terms) if len(terms) > 1 else terms[0] if terms else False

    def both(self):
        terms = [self.unary()]
        while self.peek() == '&':
            self.pos += 1
            terms.append(self.unary())
        if False in terms:
            return False
        terms = [t for t in terms if t is not True]
        return '(%s)' % ' and '.join(terms) if len(terms) > 1 else terms[0] if terms else True

    def unary(self):
        part = self.peek()
        self.pos += 1
        if part == '!':
            value = self.unary()
            return not value if isinstance(value, bool) else '(not %s)' % value
        if part == '(':
            value = self.either()
            if self.peek() != ')':
                raise ValueError('missing )')
            self.pos += 1
            return value
        return self.atom(part)


class Machine:
    """Facts plus the ID registers of one machine (dict name -> value)."""

    def __init__(self, ids):
        self.ids = ids
        self.controls = {}
        for row in table('controls.tsv'):
            self.controls.setdefault((row['register'], row['field']), []).append(row)
        self.announce = {r['feature']: r['condition'] for r in table('features.tsv')}
        self.known = {}
        self.accesses = table('accesses.tsv')
        self.rules = {(r['name'], r['form']): r for r in table('rules.tsv')}
        self.index = {}          # 'REG.FIELD' -> position in a state vector
        self.compiled = {}
        self.numbers = self.count()

    # numbers and features

    def id_field(self, reg, msb, lsb):
        return self.ids.get(reg, 0) >> lsb & ((1 << (msb - lsb + 1)) - 1)

    def count(self):
        """The numbers that rules name."""
        dfr0 = self.ids.get('ID_AA64DFR0_EL1', 0)
        pri = self.id_field('ICC_CTLR_EL1', 10, 8)
        pre = self.id_field('ICH_VTR_EL2', 28, 26)
        aprs = {4: 0, 5: 1, 6: 3}
        return {'NUM_BREAKPOINTS': (dfr0 >> 12 & 15) + 1, 'NUM_WATCHPOINTS': (dfr0 >> 20 & 15) + 1,
                'NCTR_SELF': self.id_field('PMCR_EL0', 15, 11),
                'NUM_LRS': self.id_field('ICH_VTR_EL2', 4, 0) + 1,
                'GIC_APR': aprs.get(pri, 0), 'GICV_APR': aprs.get(pre, 0),
                'NUM_AMU_CG1_MONITORS': self.id_field('AMCGCR_EL0', 15, 8)}

    def feature(self, name):
        if name not in self.known:
            cond = self.announce.get(name)
            if cond is None:
                raise ValueError('features.tsv lacks ' + name)
            value = Parser(cond, self.id_atom).value
            if not isinstance(value, bool):
                raise ValueError('features.tsv: %s is not a constant' % name)
            self.known[name] = value
        return self.known[name]

    def id_atom(self, atom):
        m = re.match(r'(\w+)\.\w+\[(\d+):(\d+)\](>=|!=|=)(\d+)$', atom)
        if not m:
            raise ValueError('bad feature condition: ' + atom)
        have, want = self.id_field(m[1], int(m[2]), int(m[3])), int(m[5])
        return {'>=': have >= want, '=': have == want, '!=': have != want}[m[4]]

    # conditions

    def slot(self, name):
        return self.index.setdefault(name, len(self.index))

    def pattern(self, expr, pat):
        """Python text: the value `expr` matches a bit pattern or one of a set."""
        if pat.startswith('{'):
            return '(%s)' % ' or '.join(self.pattern(expr, p) for p in pat[1:-1].split(','))
        if 'x' not in pat:
            return '%s == %d' % (expr, int(pat, 2))
        mask = int(pat.replace('0', '1').replace('x', '0'), 2)
        return '%s & %d == %d' % (expr, mask, int(pat.replace('x', '0'), 2))

    def fields(self, reg, names):
        """Python text of the joined fields, first one on the left."""
        if len(names) == 1:
            return 'v[%d]' % self.slot('%s.%s' % (reg, names[0]))
        return '(%s)' % ' | '.join('v[%d] << %d' % (self.slot('%s.%s' % (reg, n)), len(names) - 1 - i)
                                   for i, n in enumerate(names))

    def number(self, text, m):
        """Value of a number in a comparison: a count, the family number, arithmetic with banks 0."""
        text = re.sub(r'EFF\((\w+\.\w+)\)', r'\1', text)
        text = re.sub(r'\b[A-Z]\w+\.\w+', '0', text)
        text = re.sub(r'\b(N[A-Z_0-9]+|GICV?_APR)\b',
                      lambda k: str(self.numbers.get(k[0], 0)), text)
        text = re.sub(r'\bm\b', str(m), text)
        if not re.match(r'[-+*() 0-9x]+$', text):
            raise ValueError('bad number: ' + text)
        return eval(text)                                  # digits and operators only

    def comparison(self, atom, m):
        """A comparison of numbers, or None."""
        k = re.match(r'(PMSELR_EL0\.SEL|m)(>=)NCTR_ACC$', atom)
        if k:
            left = 'v[%d]' % self.slot(k[1]) if k[1] != 'm' else str(m)
            return '%s >= v[%d]' % (left, self.slot('NCTR_ACC'))
        k = re.match(r'PMSELR_EL0\.SEL(>=|==|!=)(\w+)$', atom)
        if k:
            return 'v[%d] %s %d' % (self.slot('PMSELR_EL0.SEL'), k[1], self.number(k[2], m))
        k = re.match(r'm=\{([\d,]+)\}$', atom)
        if k:
            return str(m) in k[1].split(',')
        k = re.match(r'(.+?)(>=|==|>)(0x\w+|[\w()+*.]+)$', atom)
        if k and ('m' in re.findall(r'\w+', k[1]) or k[1] in ('GIC_APR', 'GICV_APR')):
            left, right = self.number(k[1], m), self.number(k[3], m)
            return {'>=': left >= right, '==': left == right, '>': left > right}[k[2]]
        if k and re.match(r'(TRCIDR\d|MPAMIDR_EL1)\.', k[1]):
            return False                                   # registers of features not there
        return None

    def atom(self, atom, m, imm):
        """True, False or Python text of one atom."""
        if atom in ('T', 'NEVER'):
            return atom == 'T'
        if atom.startswith('FEAT_'):
            return self.feature(atom)
        if atom == 'IMM0=1':
            return bool(imm & 1)
        k = re.match(r'E2H_HOST\(EL([02])\)$', atom)
        if k:
            if not self.feature('FEAT_VHE'):
                return False
            host = 'v[%d]' % self.slot('E2H')
            return host if k[1] == '2' else '(%s and v[%d])' % (host, self.slot('HCR_EL2.TGE'))
        k = re.match(r'NVx(!?=)([x01]+)$', atom)
        if k:
            text = self.pattern('v[%d]' % self.slot('NVx'), k[2])
            return '(not %s)' % text if k[1] == '!=' else '(%s)' % text
        k = re.match(r'([A-Z]\w*)\(([^()]*)\)(!?=0+)?$', atom)
        if k and k[1] in CHOICES:
            return CHOICES[k[1]]
        if atom in CHOICES:
            return CHOICES[atom]
        if k and k[1] == 'EXLOCKEN':
            return 'v[%d]' % self.slot('GCSCR_%s.EXLOCKEN' % k[2])
        if k and k[1] == 'ZERO':
            return self.ids.get(k[2], 0) == 0
        if k and k[1] == 'EFF':
            return k[3] == '=00'
        if k and k[1] == 'AMU_G1_PRESENT':
            return m < self.numbers['NUM_AMU_CG1_MONITORS']
        if atom.startswith('SPMU_CTR_PRESENT(') or re.match(r'(PMUACR_EL1|SPMACCESSR_EL[12])\[', atom):
            return False                                   # FEAT_SPMU, FEAT_PMUv3p9: see README.md
        value = self.comparison(atom, m)
        if value is not None:
            return value
        k = re.match(r'(\w+)\.(\{[\w,<>]+\}|[\w<>]+)(!?=)([x01]+|\{[x01,]+\})$', atom)
        if not k:
            raise ValueError('unknown atom: ' + atom)
        names = k[2].replace('<m>', str(m)).strip('{}').split(',')
        text = self.pattern(self.fields(k[1], names), k[4])
        return '(not %s)' % text if k[3] == '!=' else '(%s)' % text

    def condition(self, text, m=0, imm=0):
        return Parser(text, lambda a: self.atom(a, m, imm)).value

    # accesses

    def rule_row(self, access):
        name = access['name'] if access['family'] == '-' else access['family']
        return self.rules[name, access['form']]

    def present(self, access):
        row = self.rule_row(access)
        m = int(access['m']) if access['m'] != '-' else 0
        value = self.condition(row['presence'], m)
        return value if isinstance(value, bool) else True

    def function(self, access, el):
        """(function of a state vector -> outcome text, set of slots that it reads)."""
        row = self.rule_row(access)
        m = int(access['m']) if access['m'] != '-' else 0
        lines = []
        if not self.present(access):
            lines.append('return %r' % row['absent'])
        else:
            for cond, what in split_rules(row['EL%d' % el]):
                what = re.sub(r'0x(\w+)\+8\*m', lambda k, n=m: '0x%03X' % (int(k[1], 16) + 8 * n),
                              what.replace('<m>', str(m)))
                value = self.condition(cond, m, m)
                if value is True:
                    lines.append('return %r' % what)
                    break
                if value is not False:
                    lines.append('if %s: return %r' % (value, what))
        body = '\n '.join(lines)
        if body not in self.compiled:
            space = {}
            exec('def f(v):\n ' + body, space)              # text made above, from committed tables
            slots = {int(s) for s in re.findall(r'v\[(\d+)\]', body)}
            self.compiled[body] = (space['f'], slots)
        return self.compiled[body]
