"""The second expectation of the trap matrix: predicts every result from tests/facts/ and compares.

usage: expect.py [--only REGEX] [--pairs N] RESULT

Written from the architecture, without the emulator's tables. Input: a result file of matrix.py. For the base
configuration every case has a line; for a control, a set or a pair of controls only those that differ, so a
line that is missing is compared too. A mismatch is printed once for each kind with its number of cases.
"""
import argparse
import collections
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, '..', 'facts')]
import cases                                                            # noqa: E402
import facts                                                            # noqa: E402

UNKNOWN = 'el%d:EC00:ISS0000000'

# Where the architecture permits more than the rules say: FORM:NAME (regular expression), outcome that the
# rules give (regular expression), further results permitted, and the section that permits them.
# Results: UNDEF, OK, EL1, EL2 (with the access's own syndrome), FPAC, ABORT.
PERMITTED = [
    (r'.*', r'FUNC CONSTRAINED_UNPREDICTABLE', 'UNDEF OK EL2',
     'PMEVCNTR<n>_EL0, PMXEVCNTR_EL0: accesses to counters that are not there'),
    (r'.*', r'FUNC ImpDef', 'UNDEF OK',
     'D23.3 "Reserved encodings for IMPLEMENTATION DEFINED registers": may be undefined'),
    (r'(MRS|MSR|SYS|SYSL):S[13]_.*_C1[15]_', r'(FUNC ImpDef|EL[12]:18)', 'EL2 UNDEF',
     'HCR_EL2.TIDCP: at EL0 the trap to EL2 or UNDEFINED is IMPLEMENTATION DEFINED'),
    (r'M..:RMR_EL2', r'(REG RMR_EL2|EL2:18)', 'UNDEF',
     'RMR_EL2: IMPLEMENTATION DEFINED where the EL cannot use AArch32'),
    (r'INSN:SMC #0', r'FUNC FIRMWARE_CALL', 'UNDEF OK',
     'SMC: no EL3; UNDEFINED, or a call of the firmware that the machine stands for'),
    (r'M..:ACTLR_EL12', r'REG', 'UNDEF',
     'ACTLR_EL1: IMPLEMENTATION DEFINED whether it follows E2H'),
    (r'M..:ER(X\w+|RSELR)_EL1', r'REG', 'UNDEF',
     'ERRSELR_EL1, ERX<reg>_EL1: undefined or RAZ/WI where ERRIDR_EL1.NUM is 0'),
    (r'SYS:DC (G|GZ|Z)VA', r'FUNC', 'ABORT',
     'DC ZVA: an Alignment fault on Device memory, which data accesses are without an MMU'),
    (r'INSN:AUT', r'FUNC PAC', 'FPAC',
     'FEAT_FPAC: a failed authentication is an exception'),
    (r'M..:IC[CH]_AP[01]R[123]_EL[12]', r'UNDEF', 'EL1 EL2 OK',
     'ICC_AP<g>R<n>_EL1: UNDEFINED where not implemented; the priority of traps is not stated'),
    (r'INSN:WF[EI].*', r'EL[12]:01', 'OK',
     'WFE, WFI: trapped only if the PE would otherwise wait'),
]
# Of ACTLR_EL1 it is IMPLEMENTATION DEFINED whether it follows E2H and NV.
EITHER = re.compile(r'ACTLR_EL')
# Registers where flipping every bit need not show.
READ_AS_WRITTEN = re.compile(r'(HCRX_EL2|(SCTLR2|TCR2)_EL|CNTH[PV]_CTL|AFSR|AMAIR|ACTLR|HACR|DISR|VDISR|CNTFRQ|ICC_|OSLAR|(ELR|ESR|SPSR)_EL)')
# Registers of FEAT_FGT2 that have no field unless one of these features is there as well.
FIELDS_OF = {'HFGITR2_EL2': ('FEAT_PoPS', 'FEAT_TRBE_EXC'), 'HFGRTR2_EL2': ('FEAT_PFAR', 'FEAT_RASv2', 'FEAT_SRMASK', 'FEAT_THE'),
             'HFGWTR2_EL2': ('FEAT_PFAR', 'FEAT_SRMASK', 'FEAT_THE')}


def parse_controls(text):
    """{(register, field): value} of a CONTROLS cell."""
    out = {}
    if text != '-':
        for part in text.split(','):
            name, _, value = part.partition('=')
            reg, _, field = name.partition('.')
            out[reg, field] = int(value, 0)
    return out


# The same value as in the physical register; another view of it (MDCR_EL2.HPMN).
SEEN_ELSEWHERE = re.compile(r'ICV_CTLR_EL1|PMCR_EL0')
# Registers of the virtual CPU interface are fields of ICH_VMCR_EL2 (its base is 0xa0b40003).
VIRTUAL = {'ICV_PMR_EL1': '0xa0', 'ICV_BPR0_EL1': '0x5', 'ICV_BPR1_EL1': '0x5', 'ICV_IGRPEN0_EL1': '0x1', 'ICV_IGRPEN1_EL1': '0x1'}


DCZID = 'MRS:DCZID_EL0'


class Results:
    """A result file. `whole` holds the controls of lines that stand for themselves: everything that is not
    printed is as in the base configuration. For a pair, what is not printed is as with the first control of
    the two that has an effect alone."""

    def __init__(self, name):
        self.ids, self.absent = {}, set()
        self.base, self.writes, self.lines = {}, [], collections.defaultdict(dict)
        with open(name, encoding='ascii') as file:
            for line in file:
                self.line(line.rstrip('\n'))

    def line(self, line):
        if line.startswith(('id\t', '# id ')):
            name, value = line.split()[-2:]
            self.ids[name] = int(value, 16)
        elif line.startswith('# absent '):
            self.absent.add(line.split()[2])
        elif not line.startswith('#'):
            el, e2h, tge, controls, key, result = line.split('\t')
            context = (int(el), int(e2h), int(tge))
            if '>:' in key:
                self.writes.append((context, controls, key.replace('>:', ':'), result))
            elif controls == '-':
                self.base[context, key] = result
            else:
                self.lines[context, controls][key] = result


def base_texts():
    """(register, value as text) of the base configuration."""
    return [(register, value) for (register, _), value in cases.Bases().value.items()]


def base_values():
    """{(register, layout or None): number} of the base configuration."""
    bases = cases.Bases()
    return {key: bases.number(*key) for key in bases.value}


class Expectation:
    """Predicts results for the machine with these ID registers."""

    def __init__(self, ids, base):
        self.machine = facts.Machine(ids)
        self.access = {}
        self.by_key = {}
        for access in self.machine.accesses:
            key = '%s:%s' % (access['form'], access['name'])
            self.access[key] = access
            for el in (0, 1, 2):
                self.by_key[key, el] = self.machine.function(access, el)
        self.base = base
        self.states = {}
        self.readers = self.readers_of_slots()

    def readers_of_slots(self):
        """{(slot, el): [key]}: the accesses whose rules read a slot."""
        out = collections.defaultdict(list)
        for (key, el), (_, slots) in self.by_key.items():
            for slot in slots:
                out[slot, el].append(key)
        return out

    # state vectors

    def field_rows(self, register, field, e2h):
        for row in self.machine.controls.get((register, field), ()):
            if row['layout'] in ('-', 'E2H%d' % e2h):
                return row
        return None

    def register(self, name, e2h):
        value = self.base.get((name, e2h))
        return self.base.get((name, None), 0) if value is None else value

    def base_state(self, e2h, tge):
        """State vector of the base configuration; fields of absent features are 0."""
        key = (e2h, tge)
        if key not in self.states:
            machine = self.machine
            v = [0] * (len(machine.index) + 8)
            for name, slot in machine.index.items():
                reg, _, field = name.partition('.')
                row = self.field_rows(reg, field, e2h)
                if row and self.live(row):
                    width = int(row['msb']) - int(row['lsb']) + 1
                    v[slot] = self.register(reg, e2h) >> int(row['lsb']) & ((1 << width) - 1)
                elif field:
                    v[slot] = self.other_field(reg, field)
            v[machine.slot('E2H')] = e2h
            v[machine.slot('HCR_EL2.TGE')] = tge
            v[machine.slot('NCTR_ACC')] = machine.numbers['NCTR_SELF']
            self.states[key] = v
        return self.states[key]

    def other_field(self, reg, field):
        """Fields that are no controls but occur in rules."""
        known = {'CNTP_CTL_EL0.ENABLE': 0, 'ICC_SRE_EL1.SRE': 1, 'ICC_SRE_EL2.SRE': 1, 'ICC_SRE_EL2.ENABLE': 1,
                 'OSLSR_EL1.OSLK': 1, 'PSTATE.SP': 1}
        return known.get('%s.%s' % (reg, field), 0)

    def live(self, row):
        cond = row['feature']
        if cond == '-':
            return True
        return self.machine.condition(cond) is True

    def empty(self, register):
        """None of its fields is there: what they control is of features that are absent."""
        return register in FIELDS_OF and not any(map(self.machine.feature, FIELDS_OF[register]))

    def state(self, e2h, tge, controls):
        """State vector of a case."""
        v = self.base_state(e2h, tge)
        if not controls:
            return v
        machine = self.machine
        v = list(v)
        for (reg, field), value in controls.items():
            row = self.field_rows(reg, field, e2h)
            if row is None or not self.live(row):
                continue
            if (reg, field) == ('MDCR_EL2', 'HPMN'):
                v[machine.slot('NCTR_ACC')] = min(value, machine.numbers['NCTR_SELF'])
            slot = machine.index.get('%s.%s' % (reg, field))
            if slot is not None:
                v[slot] = value
        if ('HCR_EL2', 'NV') in controls and machine.feature('FEAT_NV'):
            nv2 = controls.get(('HCR_EL2', 'NV2'), 0) if machine.feature('FEAT_NV2') else 0
            v[machine.slot('NVx')] = nv2 << 2 | controls.get(('HCR_EL2', 'NV1'), 0) << 1 | controls[('HCR_EL2', 'NV')]
            if not v[machine.slot('NVx')] & 1:
                v[machine.slot('NVx')] = 0
        return v

    def touched(self, controls):
        """Slots that a set of controls can change."""
        out = set()
        for reg, field in controls:
            name = '%s.%s' % (reg, field)
            if name in self.machine.index:
                out.add(self.machine.index[name])
            if field in ('NV', 'NV1', 'NV2'):
                out.add(self.machine.slot('NVx'))
            if field == 'HPMN':
                out.add(self.machine.slot('NCTR_ACC'))
        return out

    # results

    def iss(self, access):
        """Syndrome of a trapped access, EC 0x18 and 0x14."""
        op0, op1, crn, crm, op2 = (int(access[k]) for k in ('op0', 'op1', 'CRn', 'CRm', 'op2'))
        read = access['form'] in ('MRS', 'MRRS', 'SYSL')
        return (op0 << 20 | op2 << 17 | op1 << 14 | crn << 10 | self.rt(access) << 5 | crm << 1 | read)

    def rt(self, access):
        """The register operand: as in the word; 31 for what takes none."""
        word = int(access['word'], 16)
        if access['form'] == 'SYS' and re.match(r'(TLBI (VMALL|ALLE)|IC IALLU|BRB |GCSPUSHX|GCSPOPX|GCSPOPCX)',
                                                access['name']):
            word |= 31
        return word & 31

    def trap(self, access, level, ec):
        """Result line of EL1 or EL2 with an exception class (and ISS, after a colon)."""
        ec, _, iss = ec.partition(':')
        code = int(ec, 16)
        if iss:
            value = int(iss, 16)
        elif code in (0x18, 0x14):
            value = self.iss(access)
        elif code == 0x07:
            value = 0x1e00000
        else:
            value = 0
        return 'el%d:EC%02x:ISS%07x' % (level, code, value)

    def undef(self, el, tge):
        return UNKNOWN % (2 if el == 2 or (el == 0 and tge) else 1)

    def result(self, access, el, tge, outcome):
        """Result line of an outcome; `ok` stands for every result that is no exception."""
        if outcome == 'UNDEF':
            return self.undef(el, tge)
        if outcome == 'UNDEF_ID':
            if not self.machine.feature('FEAT_IDST'):
                return self.undef(el, tge)
            return self.trap(access, 2 if el == 2 or (el == 0 and tge) else 1, '18')
        if outcome == 'FUNC EXLOCKException':
            return self.trap(access, el, '2d:100000')
        m = re.match(r'EL([12]):(.*)', outcome)
        return self.trap(access, int(m[1]), m[2]) if m else 'ok'

    def permitted(self, key, el, tge, outcome):
        """Further results that the architecture permits."""
        out = []
        for names, outcomes, further, _ in PERMITTED:
            if re.match(names, key) and re.match(outcomes, outcome):
                access = self.access[key]
                for word in further.split():
                    if word == 'OK':
                        out.append('ok')
                    elif word == 'UNDEF':
                        out.append(self.undef(el, tge))
                    elif word == 'ABORT':
                        same = el if el == 2 else 2 if el == 0 and tge else 1
                        out.append('el%d:EC%02x' % (same, 0x24 if el == 0 else 0x25))
                    elif word == 'FPAC' and self.authentication_faults():
                        out.append('el%d:EC1c:ISS0000000' % (2 if el == 2 or (el == 0 and tge) else 1))
                    elif word in ('EL1', 'EL2'):
                        if el == 0 or word == 'EL2':
                            out.append(self.trap(access, int(word[2]), '18'))
        return out


    def authentication_faults(self):
        """FEAT_FPAC: APA, API or APA3 is 4 or more."""
        isar1, isar2 = 'ID_AA64ISAR1_EL1', 'ID_AA64ISAR2_EL1'
        return max(self.machine.id_field(isar1, 7, 4), self.machine.id_field(isar1, 11, 8), self.machine.id_field(isar2, 15, 12)) >= 4


def normal(result):
    """A result without its value, exception classes and ISS in lower case."""
    if result.startswith('ok'):
        return 'ok'
    m = re.match(r'el([12]):EC([0-9a-fA-F]+):ISS([0-9a-fA-F]+)$', result)
    return 'el%s:EC%02x:ISS%07x' % (m[1], int(m[2], 16), int(m[3], 16)) if m else result


class Comparison:
    """Counts cases and gathers mismatches by kind."""

    def __init__(self, expectation, only=None):
        self.e = expectation
        self.only = re.compile(only) if only else None
        self.cases = 0
        self.kinds = collections.OrderedDict()
        self.named = {name for name, _ in base_texts()}

    def mismatch(self, context, controls, key, want, got, why=''):
        access = self.e.access[key]
        family = access['name'] if access['family'] == '-' else access['family']
        short = [re.sub(r'ISS\w+', 'ISS', re.sub(r'\d+\)?$', '', text)) for text in (want, got)]
        if short[0] != short[1]:
            want, got = short
        kind = ('%s:%s' % (access['form'], family), context[0], want, got, why)
        entry = self.kinds.setdefault(kind, [0, context, controls, key])
        entry[0] += 1

    def outcome(self, context, key, v):
        return self.e.by_key[key, context[0]][0](v)

    def check(self, context, text, key, v, got, values=True):
        """Compares one case."""
        self.cases += 1
        el, _, tge = context
        outcome = self.outcome(context, key, v)
        want = self.e.result(self.e.access[key], el, tge, outcome)
        have = normal(got)
        if want == have:
            if values and want == 'ok' and key.startswith('MRS:') and '=' in got:
                self.check_value(context, text, key, outcome, got)
        elif not have.startswith(tuple(self.e.permitted(key, el, tge, outcome))):
            self.mismatch(context, text, key, want if want != 'ok' else 'ok (%s)' % outcome, have)

    def check_value(self, context, text, key, outcome, got):
        """A read shows the value of the register that the rules name."""
        have = got[3:]
        m = re.match(r'REG (\w+)$|NVMEM 0x(\w+)', outcome)
        if not m:
            return
        want = m[1] or 'VNCR+%#x' % int(m[2], 16)
        if EITHER.match(want) or SEEN_ELSEWHERE.match(want) or have == '?':
            return
        if want in VIRTUAL:
            want = VIRTUAL[want]
        elif want not in self.named and have not in self.named and 'VNCR' not in want + have:
            return
        if want != have:
            self.mismatch(context, text, key, 'value of ' + want, 'of ' + have)

    def bases(self, results):
        for (context, key), got in results.base.items():
            if self.wanted(key):
                self.check(context, '-', key, self.e.base_state(*context[1:]), got)

    def wanted(self, key):
        return key in self.e.access and not (self.only and not self.only.search(key))

    def singles(self, results, tried):
        """Single controls and sets: what is printed, and what the rules predict but the result does not show."""
        for context, text in tried:
            printed = results.lines.get((context, text), {})
            controls = parse_controls(text)
            v = self.e.state(*context[1:], controls)
            keys = set(printed)
            for slot in self.e.touched(controls):
                keys.update(self.e.readers[slot, context[0]])
            for key in keys:
                if self.wanted(key) and (context, key) in results.base:
                    self.check(context, text, key, v, printed.get(key, results.base[context, key]))
            self.zeroing(context, text, controls, printed.get(DCZID, results.base.get((context, DCZID), '')))

    def zeroing(self, context, text, controls, got):
        """DCZID_EL0.DZP says whether DC ZVA is trapped by HCR_EL2.TDZ or SCTLR_ELx.DZE (not: by HFGITR_EL2.DCZVA)."""
        el, e2h, tge = context
        host = el == 0 and e2h and tge
        own = controls.get(('SCTLR_EL2' if host else 'SCTLR_EL1', 'DZE'), 1)
        prohibited = el == 0 and not own or el < 2 and not host and controls.get(('HCR_EL2', 'TDZ'), 0) == 1
        if self.wanted(DCZID) and got.startswith('ok') and prohibited != ('=' in got and int(got[3:], 16) >> 4 & 1 == 1):
            self.mismatch(context, text, DCZID, 'DZP %s' % ('set' if prohibited else 'clear'), got)

    def pairs(self, results, count):
        """Random pairs: the accesses that one of the two has an effect on, and some more."""
        controls, accesses = cases.controls(), cases.accesses()
        sets = {cases.label(*some) for some in cases.sets(controls)}
        keys = ['%s:%s' % (a.form, a.name) for a in accesses]
        for pair in cases.pairs(count, controls):
            context = tuple(cases.CONTEXTS[pair.context])
            first, second = controls[pair.first], controls[pair.second]
            text = cases.label(first, second)
            ran = (context, keys[0]) in results.base
            if not ran or text in sets or not usable(results, first) or not usable(results, second):
                continue
            of_first = results.lines.get((context, cases.label(first)), {})
            of_second = results.lines.get((context, cases.label(second)), {})
            printed = results.lines.get((context, text), {})
            v = self.e.state(*context[1:], parse_controls(text))
            some = {keys[n] for n in cases.random_accesses(pair.number, len(keys))} | set(of_first) | set(of_second)
            for key in some:
                alone = of_first.get(key) or of_second.get(key) or results.base[context, key]
                if self.wanted(key):
                    self.check(context, text, key, v, printed.get(key, alone), values=False)

    def written(self, results):
        """What a write changes is the register that the rules name."""
        named = cases.Bases().names()
        for context, text, key, got in results.writes:
            if not self.wanted(key):
                continue
            self.cases += 1
            controls = parse_controls(text)
            outcome = self.outcome(context, key, self.e.state(*context[1:], controls))
            m = re.match(r'REG (\w+)|NVMEM 0x(\w+)|FUNC (?:MASKED_WRITE|WRITE)\((\w+)', outcome)
            want = (m[1] or m[3] or 'VNCR+%#x' % int(m[2], 16)) if m else outcome
            changed = got[3:].split(',')
            if m and not want.startswith('VNCR') and want not in named:
                continue
            if EITHER.match(want):
                continue
            if changed == ['-'] and (READ_AS_WRITTEN.match(want) or self.e.empty(want)):
                continue
            if want not in changed:
                self.mismatch(context, text, key, 'a write of ' + want, 'changes ' + got[3:])

    def report(self):
        for (name, el, want, got, why), (count, context, text, key) in sorted(
                self.kinds.items(), key=lambda item: -item[1][0]):
            print('%s at EL%d: expected %s, got %s%s; %d cases, e.g. E2H=%d TGE=%d %s %s' % (
                name, el, want, got, ' (%s)' % why if why else '', count, context[1], context[2], text, key))


def usable(results, control):
    return '%s.%s' % (control.register, control.field) not in results.absent


def tried_singles(results):
    """Every context with every value of every control, and with every set."""
    controls = cases.controls()
    for context in cases.CONTEXTS:
        for control in controls:
            if usable(results, control) and cases.applies(control, context):
                yield tuple(context), cases.label(control)
        for some in cases.sets(controls):
            if all(usable(results, control) for control in some):
                yield tuple(context), cases.label(*some)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('--only', help='regular expression of FORM:NAME')
    parser.add_argument('--pairs', type=int, default=0, help='number of random pairs in the result')
    parser.add_argument('result')
    options = parser.parse_args()
    results = Results(options.result)
    if not results.ids or not results.base:
        sys.exit('expect.py: no ID registers or no base results in the input')
    comparison = Comparison(Expectation(results.ids, base_values()), options.only)
    comparison.bases(results)
    comparison.singles(results, tried_singles(results))
    comparison.pairs(results, options.pairs)
    comparison.written(results)
    comparison.report()
    print('expect: %d cases, %d kinds of mismatch' % (comparison.cases, len(comparison.kinds)))
    return 1 if comparison.kinds else 0


if __name__ == '__main__':
    sys.exit(main())
