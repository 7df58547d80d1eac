"""The second expectation of the trap matrix: predicts every result from tests/facts/ and compares.

usage: expect.py [--ids FILE] [--only REGEX] RESULTS...

Written from the architecture, without the emulator's tables. Input: what the guest program printed, tab
separated: `id NAME 0xVALUE` lines, then `EL E2H TGE CONTROLS FORM:NAME RESULT`. For the base configuration
and for pairs every case has a line; for a single control only the cases that differ from the base, so a
line that is missing is compared too. A mismatch is printed once for each kind with its number of cases.
"""
import argparse
import collections
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, '..', 'facts')]
import facts                                                            # noqa: E402

UNKNOWN = 'el%d:EC00:ISS0000000'

# Where the architecture permits more than the rules say: FORM:NAME (regular expression), outcome that the
# rules give (regular expression), further results permitted, and the section that permits them.
# Results: UNDEF, OK, EL1, EL2 (with the access's own syndrome).
PERMITTED = [
    (r'.*', r'FUNC CONSTRAINED_UNPREDICTABLE', 'UNDEF OK EL2',
     'PMEVCNTR<n>_EL0, PMXEVCNTR_EL0: accesses to counters that are not there'),
    (r'.*', r'FUNC (ImpDef|EXLOCKException)', 'UNDEF OK',
     'D23.3 "Reserved encodings for IMPLEMENTATION DEFINED registers": may be undefined'),
    (r'(MRS|MSR|SYS|SYSL):S[13]_.*_C1[15]_', r'(FUNC ImpDef|EL[12]:18)', 'EL2 UNDEF EL0TIDCP',
     'HCR_EL2.TIDCP: at EL0 the trap to EL2 or UNDEFINED is IMPLEMENTATION DEFINED'),
    (r'M..:RMR_EL2', r'REG RMR_EL2', 'UNDEF',
     'RMR_EL2: IMPLEMENTATION DEFINED where the EL cannot use AArch32'),
    (r'INSN:SMC #0', r'FUNC FIRMWARE_CALL', 'UNDEF OK',
     'SMC: no EL3; UNDEFINED, or a call of the firmware that the machine stands for'),
    (r'M..:(ACTLR|HACR|AFSR|AMAIR).*', r'REG', 'OK',
     'IMPLEMENTATION DEFINED registers'),
    (r'M..:IC[CH]_AP[01]R[123]_EL[12]', r'UNDEF', 'EL1 EL2 OK',
     'ICC_AP<g>R<n>_EL1: UNDEFINED where not implemented; the priority of traps is not stated'),
    (r'INSN:WF[EI].*', r'EL[12]:01', 'OK',
     'WFE, WFI: trapped only if the PE would otherwise wait'),
]
# Registers whose value depends on time, on the EL or on the program itself.
VOLATILE = re.compile(r'(CNT\w*CT(SS)?_EL0|CNT\w*TVAL|CNT\w*_CTL|PMCCNTR|PMEVCNTR|PMXEV|RNDR|ICC_|ICV_|ISR_EL1|NZCV$|DAIF$|'
                      r'CurrentEL|SPSel|PAN$|UAO$|DIT$|SSBS$|TCO$|ALLINT|DBG|OSDTR|MDSCR|MDCCSR|(FAR|ESR|ELR|SPSR)_EL|'
                      r'HPFAR|PAR_EL1|SP_EL|FPSR|DISR|VDISR|ERX|PMOVS|SVCR|SPSR_)')


def parse_controls(text):
    """{(register, field): value} of a CONTROLS cell."""
    out = {}
    if text != '-':
        for part in text.split(','):
            name, _, value = part.partition('=')
            reg, _, field = name.partition('.')
            out[reg, field] = int(value, 0)
    return out


class Results:
    """What the program printed."""

    def __init__(self, names):
        self.ids = {}
        self.base, self.singles, self.pairs = {}, collections.defaultdict(dict), []
        for name in names:
            with open(name, encoding='ascii', errors='replace') as file:
                for line in file:
                    self.line(line.rstrip('\r\n').split('\t'))

    def line(self, cells):
        if len(cells) == 3 and cells[0] == 'id':
            self.ids[cells[1]] = int(cells[2], 16)
        elif len(cells) == 6 and cells[0] in ('0', '1', '2'):
            context = (int(cells[0]), int(cells[1]), int(cells[2]))
            if cells[3] == '-':
                self.base[context, cells[4]] = cells[5]
            elif ',' in cells[3]:
                self.pairs.append((context, cells[3], cells[4], cells[5]))
            else:
                self.singles[context, cells[3]][cells[4]] = cells[5]


def base_values(path=os.path.join(HERE, 'base.tsv')):
    """{(register, layout or None): number} of the base configuration."""
    out = {}
    with open(path, encoding='utf-8') as file:
        next(file)
        for line in file:
            register, value = line.rstrip('\n').split('\t')[:2]
            m = re.match(r'(\w+)(?:\[E2H=([01])\])?$', register)
            out[m[1], int(m[2]) if m[2] else None] = int(value, 16) if value.startswith('0x') else 0
    return out


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
                    elif word in ('EL1', 'EL2'):
                        if el == 0 or word == 'EL2':
                            out.append(self.trap(access, int(word[2]), '18'))
        return out


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
        self.values = {}

    def mismatch(self, context, controls, key, want, got, why=''):
        access = self.e.access[key]
        family = access['name'] if access['family'] == '-' else access['family']
        kind = ('%s:%s' % (access['form'], family), context[0], want, got, why)
        entry = self.kinds.setdefault(kind, [0, context, controls, key])
        entry[0] += 1

    def outcome(self, context, key, v):
        return self.e.by_key[key, context[0]][0](v)

    def check(self, context, text, key, v, got):
        """Compares one case."""
        self.cases += 1
        el, _, tge = context
        outcome = self.outcome(context, key, v)
        want = self.e.result(self.e.access[key], el, tge, outcome)
        have = normal(got)
        if want == have:
            if want == 'ok' and key.startswith('MRS:') and '=' in got:
                self.check_value(context, text, key, outcome, got)
        elif have not in self.e.permitted(key, el, tge, outcome):
            self.mismatch(context, text, key, want if want != 'ok' else 'ok (%s)' % outcome, have)

    def check_value(self, context, text, key, outcome, got):
        """A read that is redirected shows the value of the register it is redirected to."""
        if not outcome.startswith('REG '):
            return
        name = outcome[4:]
        if VOLATILE.match(name) or name not in self.values:
            return
        value = int(got.partition('=')[2], 16)
        if value != self.values[name]:
            self.mismatch(context, text, key, 'value of ' + name, 'another value', 'e.g. %#x, not %#x' %
                          (value, self.values[name]))

    def learn(self, results):
        """Values of registers, as EL2 reads them directly in the base configuration."""
        v = self.e.base_state(0, 0)
        for (context, key), got in results.base.items():
            if context == (2, 0, 0) and key.startswith('MRS:') and got.startswith('ok='):
                outcome = self.outcome(context, key, v)
                if outcome == 'REG ' + key[4:]:
                    self.values[key[4:]] = int(got[3:], 16)

    def bases(self, results):
        for (context, key), got in results.base.items():
            if self.wanted(key):
                self.check(context, '-', key, self.e.base_state(*context[1:]), got)

    def wanted(self, key):
        return key in self.e.access and not (self.only and not self.only.search(key))

    def singles(self, results, tried):
        """Deltas: those printed, and those that the rules predict but the program does not show."""
        for context, text in tried:
            printed = results.singles.get((context, text), {})
            controls = parse_controls(text)
            v = self.e.state(*context[1:], controls)
            keys = set(printed)
            for slot in self.e.touched(controls):
                keys.update(self.e.readers[slot, context[0]])
            for key in keys:
                if self.wanted(key) and (context, key) in results.base:
                    self.check(context, text, key, v, printed.get(key, results.base[context, key]))

    def pairs(self, results):
        states, last = {}, None
        for context, text, key, got in results.pairs:
            if not self.wanted(key):
                continue
            if (context, text) != last:
                last = (context, text)
                states = self.e.state(*context[1:], parse_controls(text))
            self.check(context, text, key, states, got)

    def report(self):
        for (name, el, want, got, why), (count, context, text, key) in sorted(
                self.kinds.items(), key=lambda item: -item[1][0]):
            print('%s at EL%d: expected %s, got %s%s; %d cases, e.g. E2H=%d TGE=%d %s %s' % (
                name, el, want, got, ' (%s)' % why if why else '', count, context[1], context[2], text, key))


def tried_singles(results, expectation):
    """Every context with every value of every control, whether or not a line shows it."""
    try:
        import cases
    except ImportError:
        return list(results.singles)
    out = []
    contexts = [tuple(c) for c in cases.CONTEXTS]
    seen = {context for context, _ in results.base}
    for context in contexts:
        if context not in seen:
            continue
        for control in cases.controls():
            if cases.applies(control, cases.Context(*context)):
                out.append((context, cases.label(control)))
    known = set(out)
    return out + [k for k in results.singles if k not in known]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('--only', help='regular expression of FORM:NAME')
    parser.add_argument('results', nargs='+')
    options = parser.parse_args()
    results = Results(options.results)
    if not results.ids or not results.base:
        sys.exit('expect.py: no ID registers or no base results in the input')
    expectation = Expectation(results.ids, base_values())
    comparison = Comparison(expectation, options.only)
    comparison.learn(results)
    comparison.bases(results)
    comparison.singles(results, tried_singles(results, expectation))
    comparison.pairs(results)
    comparison.report()
    print('expect: %d cases, %d kinds of mismatch' % (comparison.cases, len(comparison.kinds)))
    return 1 if comparison.kinds else 0


if __name__ == '__main__':
    sys.exit(main())
