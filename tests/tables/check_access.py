#!/usr/bin/env python3
"""Compares what the register tables decide with the facts about accesses, on random control settings.

usage: check_access.py test-access features.tbl tests/facts [settings]

The facts (rules.tsv) have ordered rules: condition, outcome. Their conditions are evaluated here, with field positions from
controls.tsv; nothing of the project's own generators takes part.
"""
import csv
import functools
import operator
import os
import random
import re
import subprocess
import sys

CHOICES = {'IMPDEF_TDOSA': True, 'IMPDEF_ACTLR_ELX': False}  # IMPLEMENTATION DEFINED choices this project has made
# What the tables do not model yet: their rules are left out by leaving the feature out.
NOT_MODELLED = {'SRMASK', 'PMUv3_ICNTR', 'SPMU', 'S1POE2', 'TLBID'}
# Registers that the tables need not have: trace, statistical profiling, branch records, activity monitors, MPAM, SME and other
# features that this project does not know. Every other one must be there.
MAY_LACK = re.compile(
    r'TRC|TRFCR|TRB|PMB|PMS(?!R)|BRB|AM(?!AIR_)|MPAM|SPM|S2P[IO]R|RNDR|HACDBS|HDBSS|PFAR|ACCDATA|RMR|FPMR|MDSTEPOP|MAIR2|'
    r'SMCR|SMPRI|SVCR|MSR_SVCR|TPIDR2|PM(IAR|CCNTSVR|EVCNTSVR)|PMEV(CNTR|TYPER)([89]|[1-3]\d)_|DBG[BW][VC]R([4-9]|1\d)_')
# Their fields, and those of features that this project does not know.
UNSETTABLE = {'HCRX_EL2': 1 << 26, 'HFGRTR2_EL2': 0x7ff8, 'HFGWTR2_EL2': 0x7ff8,
              'HDFGRTR2_EL2': 0x148002c, 'HDFGWTR2_EL2': 0x168002c, 'PMUSERENR_EL0': 0x20, 'HFGITR2_EL2': 2}
UNKNOWN = re.compile(r'SPM|AMU_G1|AMEVTYPER1_FIXED|m=|EFF\(|[>\[]|==')
# Numbers: a member of a family that is there is never too many (MDCR_EL2.HPMN is 31), and PMSELR_EL0.SEL is 0.
NUMBERS = [(r'\(m\+\([\w.()]+\*16\)\)>=NUM_\w+', '!T'), (r'\bm>=(N\w+|\(N\w+\*2\)|4)', '!T'), (r'PMSELR_EL0\.SEL>=NCTR_\w+', '!T'),
           (r'PMSELR_EL0\.SEL!=31', 'T'), (r'PMSELR_EL0\.SEL==31', '!T'), (r'PMUACR_EL1\[[\w.]+\]=0', '!T'),
           (r'EXLOCKEN\((\w+)\)', r'GCSCR_\1.EXLOCKEN=1'),
           (r'GCS_ENABLED\(EL0\)', '(GCSCRE0_EL1.PCRSEL=1 & (E2H_HOST(EL0) | HCRX_EL2.GCSEn=1 | !FEAT_EL2))'),
           (r'GCS_ENABLED\(EL1\)', '(GCSCR_EL1.PCRSEL=1 & (HCRX_EL2.GCSEn=1 | !FEAT_EL2))'),
           (r'GCS_ENABLED\(EL2\)', 'GCSCR_EL2.PCRSEL=1')]
LAYOUTS = {  # fields whose place depends on HCR_EL2.E2H: name -> (bit with E2H = 0, with E2H = 1)
    ('CNTHCTL_EL2', 'EL1PCTEN'): (0, 10), ('CNTHCTL_EL2', 'EL1PCEN'): (1, 1), ('CPTR_EL2', 'TTA'): (20, 28),
}


# Fields that rules test but that are no controls.
OTHER_FIELDS = {('HCR_EL2', 'TGE'): 27, ('HCR_EL2', 'E2H'): 34, ('HCR_EL2', 'DC'): 12, ('HCR_EL2', 'FB'): 9, ('HCR_EL2', 'VM'): 0,
                ('CNTP_CTL_EL0', 'ENABLE'): 0, ('CNTV_CTL_EL0', 'ENABLE'): 0, ('CNTHP_CTL_EL2', 'ENABLE'): 0,
                ('CNTHV_CTL_EL2', 'ENABLE'): 0, ('OSLSR_EL1', 'OSLK'): 1,
                ('ICC_SRE_EL1', 'SRE'): 0, ('ICC_SRE_EL2', 'SRE'): 0, ('ICC_SRE_EL2', 'ENABLE'): 3, ('AMCR_EL0', 'CG1RZ'): 17,
                ('GCSCRE0_EL1', 'PCRSEL'): 0, ('GCSCR_EL1', 'PCRSEL'): 0, ('GCSCR_EL2', 'PCRSEL'): 0, ('GCSCR_EL2', 'EXLOCKEN'): 6,
                ('HCRX_EL2', 'GCSEn'): 22, ('PMUACR_EL1', 'C'): 31, ('PMUACR_EL1', 'F0'): 32}


def table(folder, name):
    with open(os.path.join(folder, name), encoding='utf-8') as file:
        return list(csv.DictReader(file, delimiter='\t', quoting=csv.QUOTE_NONE))


class Fields:
    """Places of register fields."""

    def __init__(self, folder):
        self.at = {key: (bit, bit) for key, bit in OTHER_FIELDS.items()}
        for row in table(folder, 'controls.tsv'):
            self.at[row['register'], row['field']] = int(row['msb']), int(row['lsb'])

    def get(self, regs, reg, name):
        if name == 'SRE' or reg == 'PMUACR_EL1':
            return '1'  # SRE: this project's choice, RAO/WI. PMUACR_EL1: 0 makes RAZ/WI of it, no other answer
        msb, lsb = self.place(regs, reg, name)
        return format(regs.get(reg, 0) >> lsb & (1 << (msb - lsb + 1)) - 1, f'0{msb - lsb + 1}b')

    def place(self, regs, reg, name):
        if (reg, name) in LAYOUTS:
            bit = LAYOUTS[reg, name][regs['HCR_EL2'] >> 34 & 1]
            return bit, bit
        if reg == 'PSTATE':
            return (1, 1) if name == 'EXLOCK' else (0, 0)
        return self.at[reg, name]


def matches(bits, pattern):
    if pattern.startswith('{'):
        return any(matches(bits, p) for p in pattern.strip('{}').split(','))
    return all(p in ('x', b) for b, p in zip(bits, pattern))


class Setting:
    """Features and register values, and the truth of conditions under them."""

    def __init__(self, fields, features, regs):
        self.fields, self.features, self.regs = fields, features, regs
        self.known = {}

    def hcr(self, bit):
        return self.regs['HCR_EL2'] >> bit & 1

    def nv(self):
        if not self.hcr(42):
            return '000'
        return f"{1 if 'NV2_ONLY' in self.features else self.hcr(45)}{self.hcr(43)}1"

    def atom(self, text):
        if text.startswith('FEAT_'):
            return text[5:] in self.features or text == 'FEAT_GICv3'
        if text == 'E2H_HOST(EL2)':
            return bool(self.hcr(34))
        if text == 'E2H_HOST(EL0)':
            return bool(self.hcr(34) and self.hcr(27))
        if text in CHOICES:
            return CHOICES[text]
        if text.startswith('IMPDEF_TID3'):
            return True
        if '_IS_NOP(' in text or '_CAN_TRAP(' in text:
            return '_CAN_TRAP(' in text  # nothing is a NOP here
        if text.startswith('ZERO('):
            return self.regs.get(text[5:-1], 0) == 0
        m = re.fullmatch(r'(.+?)(!?=)([01x{},]+)', text)
        left, op, pattern = m.groups()
        if left == 'NVx':
            bits = self.nv()
        else:
            reg, names = re.fullmatch(r'(\w+)\.(\{.*\}|\w+)', left).groups()
            bits = ''.join(self.fields.get(self.regs, reg, n) for n in names.strip('{}').split(','))
        return matches(bits, pattern) == (op == '=')

    def holds(self, cond):
        if cond not in self.known:
            self.known[cond] = eval(python_of(cond), {'A': self.atom})
        return self.known[cond]


TOKEN = re.compile(r'\s*(&|\||!(?!=)|\(|\)|[DI]C_(?:IS_NOP|CAN_TRAP)\([\w,]+\)|FEAT_\w+|E2H_HOST\(EL\d\)|IMPDEF_TID3\(\w+\)|ZERO\(\w+\)|IMPDEF_\w+|T\b|'
                   r'(?:NVx|\w+\.(?:\w+|\{[\w,]+\}))!?=(?:\{[01x,]+\}|[01x]+))')
COMPILED = {}


def python_of(cond):
    if cond not in COMPILED:
        out, at = [], 0
        words = {'&': ' and ', '|': ' or ', '!': ' not ', '(': '(', ')': ')', 'T': 'True'}
        while at < len(cond):
            m = TOKEN.match(cond, at)
            if not m:
                raise ValueError(f"cannot read '{cond[at:]}' in '{cond}'")
            out.append(words.get(m.group(1)) or f'A({m.group(1)!r})')
            at = m.end()
        COMPILED[cond] = ''.join(out)
    return COMPILED[cond]


def without_numbers(text):
    for pattern, word in NUMBERS:
        text = re.sub(pattern, word, text)
    return text


def outcome_of(text):
    """An outcome of the facts in the words of test-access."""
    m = re.fullmatch(r'EL([12]):(\w\w)', text)
    return f'TRAP_EL{m[1]} 0x{m[2]}' if m else text.replace('REG ICV_', 'REG ICC_')


def read_accesses(folder):
    """{(name, form): rows}, one row for each rule; families stand for their members, which `members` lists as (name, key)."""
    members = {}
    for row in table(folder, 'accesses.tsv'):
        name, form = row['name'], row['form']
        if form not in ('MRS', 'MSR', 'SYS', 'SYSL', 'MSRimm') or name.endswith('#1') and name != 'ALLINT#1':
            continue
        op0, op1, crn, crm, op2 = (int(row[c]) for c in ('op0', 'op1', 'CRn', 'CRm', 'op2'))
        family = name if row['family'] == '-' or name == 'ALLINT#1' else row['family']
        name = 'MSR_' + name.replace('#0', '').replace('#1', '_SET') if form == 'MSRimm' else name.replace(' ', '_')
        members.setdefault((family, form), []).append((name, op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2))
    out = {}
    for row in table(folder, 'rules.tsv'):
        for family in [row['name']] + ['ALLINT#1'] * (row['name'] == 'ALLINT' and row['form'] == 'MSRimm'):
            key = family, row['form']
            for el in range(3) if key in members else ():
                for rule in row[f'EL{el}'].split('; '):
                    condition, _, outcome = rule.rpartition(' -> ')
                    condition = without_numbers(condition.replace('IMM0=1', 'T' if family == 'ALLINT#1' else '!T')) or 'T'
                    out.setdefault(key, []).append({
                        'name': row['name'], 'form': row['form'], 'presence': without_numbers(row['presence']),
                        'absent': row['absent'], 'EL': el, 'condition': condition, 'outcome': outcome_of(outcome),
                        'members': members[key]})
    return out


def field_names(text):
    """Every (register, field) a condition tests."""
    out = set()
    for reg, names in re.findall(r'(\w+)\.(\{[\w,]+\}|\w+)\s*(?:!?=|>|<)', text):
        out |= {(reg, n) for n in names.strip('{}').split(',') if reg != 'PSTATE'}
    return out


def usable(rows, fields):
    text = ' '.join([r['condition'] for r in rows] + [rows[0]['presence']])
    return not UNKNOWN.search(text) and all(f in fields.at or f in LAYOUTS for f in field_names(text))


def subject(outcome, name):
    """The register that a function of the list is about."""
    if 'UNKNOWN' in outcome:
        return '*'
    m = re.search(r'TVAL_(?:READ|WRITE)\((\w+)', outcome)
    if m:
        return m.group(1).replace('CVAL', 'TVAL')
    return 'CNTHCTL_EL2' if 'VHE_VIEW' in outcome else name


def expected(setting, rows, el, name):
    r = rows[0]
    if r['presence'] == 'NEVER' or not setting.holds(r['presence']):
        if r['absent'] == 'UNDEF_ID' and 'IDST' in setting.features:
            return f'TRAP_EL{2 if el == 2 or el == 0 and setting.hcr(27) else 1} 0x18'
        return 'UNDEF'
    for row in rows:
        if row['EL'] == el and setting.holds(row['condition']):
            o = row['outcome']
            if 'EXLOCKException' in o:
                return f'TRAP_EL{el} 0x2D'
            if 'ImpDef' in o:
                return 'UNDEF'  # this project's choice: there are none
            if row['form'] == 'MSRimm' and o.startswith(('REG ', 'FUNC')):
                return 'SELF ' + name
            if o.startswith('REG ') and '[' in o:
                return 'SELF ' + name
            if o.startswith('NVMEM') and '+8*m' in o:
                return f'NVMEM 0x{int(o[8:].split("+")[0], 16) + 8 * int(re.search("[0-9]+(?=_EL2)", name)[0]):x}'
            if o.startswith('REG '):
                return 'SELF ' + re.sub(r'<m>', re.sub(r'\D*(\d+)_EL\d$', r'\1', name), o[4:])
            if o.startswith('FUNC'):
                return 'SELF ' + subject(o, name)
            if o in ('NOP', 'WI', 'RAZ'):
                return 'RAZ'
            return o.replace('NVMEM 0x', 'NVMEM 0x').lower().replace('nvmem', 'NVMEM') if o.startswith('NVMEM') else o
    raise ValueError(f'{name}: no rule for EL{el}')


def same(want, got, name):
    if want == got or want == 'SELF *' and got.startswith('SELF'):
        return True
    if want.startswith('TRAP') and got.startswith('TRAP'):
        return want.lower() == got.lower()
    return want.startswith('SELF') and got == 'RAZ' or want == 'RAZ' and got.startswith('SELF')


def controls(accesses):
    """Registers (and their fields) that conditions test."""
    out = set()
    for rows in accesses.values():
        for r in rows:
            out |= field_names(r['condition'])
    out |= {('HCR_EL2', n) for n in ('E2H', 'TGE', 'NV', 'NV1', 'NV2')}
    return sorted(out)


def random_features(rng, table):
    """A set closed under what its members need; everything in every fourth one."""
    names = sorted(table)
    some = names if rng.random() < 0.25 else rng.sample(names, rng.randrange(len(names)))
    out = set()

    def add(n):
        if n not in out:
            out.add(n)
            for need in table[n]:
                add(need)
    for n in some:
        add(n)
    return (out | {'EL2'}) - NOT_MODELLED  # the list is of a machine with EL2


def read_features(path):
    out = {}
    for line in open(path, encoding='utf-8'):
        words = line.split('#')[0].split()
        if words and words[0] == 'feat':
            needs = [w[6:].split(',') for w in words if w.startswith('needs=')]
            out[words[1]] = needs[0] if needs else []
    return out


def random_value(rng, fields, places):
    density = rng.choice([0.03, 0.2, 0.5, 0.9])
    value = 0
    for msb, lsb in places:
        for bit in range(lsb, msb + 1):
            value |= (rng.random() < density) << bit
    return value


class Talk:
    """Commands to the program and its answers."""

    def __init__(self, program):
        self.program, self.commands, self.checks = program, [], []

    def ask(self, command, check):
        self.commands.append(command)
        if check:
            self.checks.append(check)

    def answers(self, program):
        out = subprocess.run([program], input='\n'.join(self.commands) + '\n', capture_output=True, text=True, check=True)
        answers = out.stdout.split('\n')[:-1]
        assert len(answers) == len(self.checks), (len(answers), len(self.checks))
        return answers

    def run(self):
        return list(zip(self.answers(self.program), self.checks))


def store_settings(program, rng, n, features_table, fields, control_list):
    """n random settings with the register values as the program holds them."""
    talk, settings = Talk(program), []
    by_reg = {}
    for reg, name in control_list:
        if (reg, name) in LAYOUTS:
            places = [(b, b) for b in LAYOUTS[reg, name]]
        else:
            places = [fields.at[reg, name]]
        by_reg.setdefault(reg, []).extend(places)
    for i in range(n):
        features = set(features_table) - NOT_MODELLED if i == 0 else random_features(rng, features_table)
        s = Setting(fields, features, {})
        settings.append(s)
        talk.ask('features ' + ' '.join(sorted(features)), None)
        for reg, places in by_reg.items():
            value = random_value(rng, fields, places)
            if i == 0:
                value = functools.reduce(operator.or_, (((1 << (m - l + 1)) - 1) << l for m, l in places))
            talk.ask(f'set {reg} {with_counters(reg, value):x}', (s, reg, value))
    lost = []
    for answer, (s, reg, value) in talk.run():
        s.regs[reg] = 0 if answer == 'none' else int(answer, 16)
        value &= ~UNSETTABLE.get(reg, 0)
        if s is settings[0] and answer != 'none' and s.regs[reg] & value != value:
            lost.append(f'{reg}: bits {value & ~s.regs[reg]:#x} cannot be set although every feature is there')
    return settings, lost


class Directed:
    """For every rule a setting in which it is the first that holds: only the fields that the rules of one access name are set."""

    def __init__(self, rng, fields, features_table, masks):
        self.rng, self.fields, self.table, self.masks = rng, fields, features_table, masks
        self.every = frozenset(features_table) - NOT_MODELLED
        self.need = {}

    def without(self, feature):
        """The features that do not need this one."""
        gone = {feature}
        while True:
            more = {n for n in self.every - gone if gone & set(self.table[n])}
            if not more:
                return frozenset(self.every - gone)
            gone |= more

    def feature_sets(self, rows):
        named = re.findall(r'FEAT_(\w+)', ' '.join([r['condition'] for r in rows] + [rows[0]['presence']]))
        return [self.every] + [self.without(n) for n in sorted(set(named)) if n in self.every]

    def draw(self, names):
        """Register values with random bits in these fields."""
        regs = {'HCR_EL2': 0, 'PSTATE': self.rng.randrange(4)}
        for reg, name in names:
            places = [(b, b) for b in LAYOUTS[reg, name]] if (reg, name) in LAYOUTS else [self.fields.at[reg, name]]
            for msb, lsb in places:
                bits = self.rng.getrandbits(msb - lsb + 1) << lsb & self.masks.get(reg, 0)
                regs[reg] = regs.get(reg, 0) | bits
        return regs

    def settings(self, rows, el):
        """A setting for each rule of this EL that some setting reaches."""
        rules = [r['condition'] for r in rows if r['EL'] == el]
        names = sorted(field_names(' '.join(rules)) | {('HCR_EL2', n) for n in ('E2H', 'TGE')})
        if 'NVx' in ' '.join(rules):
            names += [('HCR_EL2', n) for n in ('NV', 'NV1', 'NV2')]
        names = [n for n in names if n[1] != 'SRE' and n[0] != 'PMUACR_EL1']
        left = set(range(len(rules)))
        for features in self.feature_sets(rows):
            for _ in range(40 + 30 * len(left)):
                if not left:
                    return
                s = Setting(self.fields, features, self.draw(names))
                if el == 0:
                    s.regs['PSTATE'] = 0
                first = next(n for n, c in enumerate(rules) if s.holds(c))
                if first in left:
                    left.discard(first)
                    yield s


def directed_questions(program, rng, all_usable, fields, features_table, masks):
    """(setting, name, form, el, key) of every rule, with the register values as the program holds them."""
    maker, out = Directed(rng, fields, features_table, masks), []
    for (_, form), rows in all_usable.items():
        for el in range(3):
            for s in maker.settings(rows, el):
                name, key = rng.choice(rows[0]['members'])
                out.append((s, rows, name, form, el, key))
    out.sort(key=lambda q: sorted(q[0].features))
    talk = Talk(program)
    for question in out:
        set_all(talk, question[0], lambda reg, s: (s, reg))
    for answer, (s, reg) in talk.run():
        s.regs[reg] = 0 if answer == 'none' else int(answer, 16)
        s.known = {}
    return out


def with_counters(reg, value):
    """The value with all event counters for EL1 and EL0: members of that family are never too many for NUMBERS."""
    return value | 0x1f if reg == 'MDCR_EL2' else value


def set_all(talk, s, check):
    """Commands that bring about a setting, from nothing."""
    talk.ask('features ' + ' '.join(sorted(s.features)), None)
    for reg, value in {'MDCR_EL2': 0, **s.regs}.items():
        if reg != 'PSTATE' and value or reg == 'MDCR_EL2':
            talk.ask(f'set {reg} {with_counters(reg, value):x}', check(reg, s))


def ask_directed(talk, questions):
    for s, rows, name, form, el, key in questions:
        set_all(talk, s, lambda reg, s: ('set',))
        talk.ask(f'mode {el} {s.regs["PSTATE"]}', None)
        direction = 'r' if form in ('MRS', 'SYSL') else 'w'
        talk.ask(f'ask {key} {direction}', (name, form, el, expected(s, rows, el, name), s))


class Questions:
    """What is asked, made once: the expected answers depend on the facts and on how registers store, not on the rules of the tables."""

    def __init__(self, program, features_tbl, lists, settings='40', seed='1'):
        rng = random.Random(int(seed))
        self.accesses = read_accesses(lists)
        fields = Fields(lists)
        self.usable = {k: rows for k, rows in self.accesses.items() if usable(rows, fields)}
        controls_used = [c for c in controls(self.usable) if (c in fields.at or c in LAYOUTS) and c[1] != 'SRE' and c[0] != 'PMUACR_EL1']
        features_table = read_features(features_tbl)
        self.made, self.problems = store_settings(program, rng, int(settings), features_table, fields, controls_used)
        self.directed = directed_questions(program, rng, self.usable, fields, features_table, dict(self.made[0].regs))
        self.talk = Talk(program)
        ask_directed(self.talk, self.directed)
        for s in self.made:
            self.ask_all(rng, s)
        self.answers = self.talk.answers(program)

    def ask_all(self, rng, s):
        """Every access at every EL under one setting."""
        talk = self.talk
        talk.ask('features ' + ' '.join(sorted(s.features)), None)
        for reg, value in s.regs.items():
            talk.ask(f'set {reg} {with_counters(reg, value):x}', ('set',))
        for el in range(3):
            sp = rng.randrange(4) if el else 0
            s.regs['PSTATE'] = sp
            s.known = {}
            talk.ask(f'mode {el} {sp}', None)
            for (_, form), rows in self.usable.items():
                for name, key in rows[0]['members']:
                    d = 'r' if form in ('MRS', 'SYSL') else 'w'
                    talk.ask(f'ask {key} {d}', (name, form, el, expected(s, rows, el, name), s))

    def judge(self):
        """Accesses asked about, wrong answers, and names that are not in the tables."""
        seen, wrong, undefined_only = set(), {}, {}
        for answer, check in zip(self.answers, self.talk.checks):
            if check[0] == 'set':
                continue
            name, form, el, want, _ = check
            seen.add((name, form))
            undefined_only[name, form] = undefined_only.get((name, form), True) and answer == 'UNDEF'
            if not same(want, answer, name):
                wrong.setdefault((name, form, el), (want, answer))
        absent = {k for k in seen if undefined_only[k]}
        bad = {k: v for k, v in wrong.items() if (k[0], k[1]) not in absent}
        return seen, bad, sorted({k[0] for k in wrong if (k[0], k[1]) in absent})

    def differ(self, program):
        """Does another program answer otherwise, and wrongly?"""
        return any(new != old and check[0] != 'set' and not same(check[3], new, check[0])
                   for new, old, check in zip(self.talk.answers(program), self.answers, self.talk.checks))


def main(program, *options):
    questions = Questions(program, *options)
    seen, bad, missing = questions.judge()
    problems = [f'{form} {name} at EL{el}: the list says {want}, the table {got}' for (name, form, el), (want, got) in sorted(bad.items())] + \
        questions.problems + [f'{name}: not in the tables' for name in missing if not MAY_LACK.match(name)]
    for p in problems[:40]:
        print(p)
    rules = sum(len(r) for r in questions.accesses.values())
    covered = sum(len(r) for k, r in questions.usable.items() if any((n, k[1]) in seen and n not in missing for n, _ in r[0]['members']))
    print(f'{len(questions.made)} settings, {len(questions.directed)} for one rule; {len(seen)} accesses compared, '
          f'{len([k for k in seen if k[0] not in missing])} of them in the tables; {covered} of {rules} rules; '
          f'{len(questions.accesses) - len(questions.usable)} families need what is not modelled')
    print('not in the tables: ' + ' '.join(missing))
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
