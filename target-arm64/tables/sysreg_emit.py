"""Emits a64-sysregs-data.c: rows, access rules, profile words, fixed bits, reset values."""
import sysreg_rules
import sysreg_table

EFFECT_FLAGS = {'context': 'A64_SRF_CONTEXT', 'irq': 'A64_SRF_IRQ', 'exit': 'A64_SRF_EXIT', 'mode': 'A64_SRF_EXIT',
                'timer': 'A64_SRF_TIME'}


class Rules:
    """All rule lists, shared where equal, and the atoms they test."""

    def __init__(self, table):
        self.table = table
        self.lists, self.rules, self.controls, self.atoms, self.words = {}, [], [], [], []
        self.masks = [{}, {}, {}]  # by EL: register -> bits that some rule tests

    def word(self, reg):
        if reg not in self.words:
            self.words.append(reg)
        return self.words.index(reg)

    def atom(self, a, el):
        if a.word == 'FEAT':
            return f'{{ A64_ATOM_FEATURE + A64_FEAT_{a.what[0]}, {str(a.negated).lower()}, 0, 0 }}'
        if a.word == 'PSTATE':
            return f'{{ A64_ATOM_{a.what[0]}, {str(a.negated).lower()}, 0, {a.bits} }}'
        mask = value = at = 0
        for name in a.what:
            f = self.table.regs[a.word].find(name)
            width = f.msb - f.lsb + 1
            bits = a.bits[at:at + width]
            at += width
            mask |= int(bits.replace('0', '1').replace('x', '0'), 2) << f.lsb
            value |= int(bits.replace('x', '0'), 2) << f.lsb
        self.masks[el][a.word] = self.masks[el].get(a.word, 0) | mask
        return f'{{ {self.word(a.word)}, {str(a.negated).lower()}, {mask:#x}, {value:#x} }}'

    def atoms_at(self, texts):
        """Where this run of atoms starts, appended when new."""
        n = len(texts)
        for i in range(len(self.atoms) - n + 1):
            if self.atoms[i:i + n] == texts:
                return i
        self.atoms += texts
        return len(self.atoms) - n

    def add(self, rules, el):
        """Index of the list's first rule."""
        key = (rules, el)
        if key not in self.lists:
            out = []
            for r in rules:
                texts = [self.atom(a, el) for a in r.atoms]
                if r.kind == 'TRAP' and r.el == 1 and el == 0:
                    self.masks[0]['HCR_EL2'] = self.masks[0].get('HCR_EL2', 0) | 1 << 27  # TGE
                arg = f'ROW_{r.arg}' if r.kind == 'REG' else f'{r.arg:#x}'
                out.append(f'{{ {self.atoms_at(texts)}, {len(texts)}, A64_ACC_{r.kind}, {r.el}, {r.ec:#x}, {arg} }}')
            self.lists[key] = len(self.rules)
            self.rules += out
            self.controls += [control(r) for r in rules]
        return self.lists[key]


def control(rule):
    """The bit that makes a rule trap, for traces: the last one that is about a trap and not about E2H or TGE, else those,
    else the feature."""
    bits = [a for a in rule.atoms if a.word not in ('FEAT', 'PSTATE')]
    for a in [a for a in bits if not {'E2H', 'TGE'} & set(a.what)][-1:] or bits[-1:]:
        return f'"{a.word}.{",".join(name.replace("_NVHE", "") for name in tested(a))}"'
    return f'"FEAT_{rule.atoms[-1].what[0]}"' if rule.atoms and rule.atoms[-1].word == 'FEAT' else '"-"'


def tested(atom):
    """The fields of an atom without those that may have any value, nor those of nesting that must be 0."""
    if len(atom.what) != len(atom.bits):
        return atom.what
    return [name for name, bit in zip(atom.what, atom.bits) if bit == '1' or bit == '0' and 'NV' not in atom.what]


def hook(reg, kind, prototypes, thunks):
    """Name of the C function for reads or writes, NULL without one."""
    if not reg.has(kind) or reg.alias_of:
        return 'NULL'
    base = (reg.keys[kind] or reg.family).lower()
    name = f'a64_sr_{kind}_{base}'
    n = ', unsigned n' if reg.has('n') else ''
    proto = f'uint64_t {name}(A64Cpu *cpu{n});' if kind == 'read' else f'void {name}(A64Cpu *cpu{n}, uint64_t value);'
    if proto not in prototypes:
        prototypes.append(proto)
    if not reg.has('n'):
        return name
    thunk = f'{kind}_{reg.name.lower()}'
    if kind == 'read':
        thunks.append(f'static uint64_t {thunk}(A64Cpu *cpu)\n{{\n    return {name}(cpu, {reg.number});\n}}\n')
    else:
        thunks.append(f'static void {thunk}(A64Cpu *cpu, uint64_t value)\n{{\n    {name}(cpu, {reg.number}, value);\n}}\n')
    return thunk


def flags(reg):
    out = [EFFECT_FLAGS[e] for e in filter(None, reg.keys.get('effect', '').split(','))]
    if reg.keys.get('tlb') in ('walk', 'lookup'):
        out.append('A64_SRF_WALK')
    if reg.has('pstate'):
        out.append('A64_SRF_PSTATE')
    if reg.has('raz'):
        out.append('A64_SRF_RAZ')
    for kind in ('read', 'write'):
        if reg.has(kind) and not reg.alias_of:
            out.append(f'A64_SRF_{kind.upper()}_HOOK')
    return ' | '.join(out) or '0'


def key(reg):
    op0, op1, crn, crm, op2 = reg.enc
    return op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2


def fixed_bits(stored):
    out = []
    for r in stored:
        for f in r.fields:
            mask = (1 << (f.msb + 1)) - (1 << f.lsb)
            if f.name in ('RES0', 'RES1'):
                out.append(f'    {{ A64_SR_{r.name}, A64_FEAT_COUNT, {int(f.name == "RES1")}, {mask:#x} }},')
            for feat in filter(None, f.feat.split('+')):
                out.append(f'    {{ A64_SR_{r.name}, A64_FEAT_{feat}, {f.absent}, {mask:#x} }},')
    return out


def profile_words(table, rules):
    for reg, name, _ in table.bakes:
        f = table.regs[reg].find(name)
        rules.word(reg)
        for masks in rules.masks:
            masks[reg] = masks.get(reg, 0) | (1 << (f.msb + 1)) - (1 << f.lsb)


def compile_table(table):
    """(rows in order of encoding, Rules, row -> its six list starts, those of encodings without a row)."""
    rows = sorted((r for r in table.regs.values() if not r.has('later')), key=lambda r: (key(r), r.mode))
    rules = Rules(table)
    rules.word('HCR_EL2')
    starts = {r.name: [[rules.add(sysreg_rules.compile_rules(table, r, d, el), el) for el in range(3)] for d in 'rw']
              for r in rows}
    rest = {}
    for name in ('IMPDEF', 'IDSPACE'):
        none = sysreg_table.Reg(name, (3, 0, 11, 0, 0), 'rw', 3, {'trap': name}, '', '')
        rest[name] = [[rules.add(sysreg_rules.compile_rules(table, none, d, el), el) for el in range(3)] for d in 'rw']
    profile_words(table, rules)
    return rows, rules, starts, rest


def starts_text(s):
    return '{ ' + ', '.join('{ ' + ', '.join(map(str, d)) + ' }' for d in s) + ' }'


def row_text(r, rules, starts, stored):
    base = r.alias_of or r.name
    slot = f'A64_SR_{base}' if base in stored else 'A64_NO_SLOT'
    els = sum(1 << el for el in range(3) if base in rules.masks[el])
    access = ' | '.join({'r': 'A64_SR_READ', 'w': 'A64_SR_WRITE'}[d] for d in sysreg_rules.directions(r))
    return (f'    {{ "{r.name}", {key(r):#06x}, {access}, {flags(r)}, A64_CALL_{r.keys.get("call", "none").upper()}, {els}, {slot},\n'
            f'      {starts_text(starts)} }},')


def hooks_text(rows):
    """(hooks.c, hooks.h): functions by row, and the prototypes of those the rooms provide."""
    prototypes, thunks = [], []
    hooks = [[hook(r, k, prototypes, thunks) for k in ('read', 'write')] for r in rows]
    top = '/* Generated from sysregs.tbl: the hooks its rows name. */'
    out = [top, '#include "sysreg-hooks.h"', ''] + thunks
    out += ['const A64SysRegHooks a64_sysreg_hooks[] = {'] + [f'    {{ {read}, {write} }},' for read, write in hooks]
    head = [top, '#pragma once', '', '#include "sysreg.h"', ''] + prototypes
    return '\n'.join(out + ['};', '']), '\n'.join(head) + '\n'


def data(table, stored):
    """(data.c, hooks.c, hooks.h, registers by profile word)."""
    rows, rules, starts, rest = compile_table(table)
    names = {r.name for r in stored}
    out = ['/* Generated from sysregs.tbl and sysinsns.tbl; edit those tables instead. */', '#include "sysreg.h"', '', 'enum {']
    out += [f'    ROW_{r.name} = {i},' for i, r in enumerate(rows)] + ['};', '']
    out += ['const A64SysReg a64_sysregs[] = {'] + [row_text(r, rules, starts[r.name], names) for r in rows]
    out += ['};', f'const unsigned a64_n_sysregs = {len(rows)};', '', 'const A64AccessRule a64_access_rules[] = {']
    out += [f'    {r},' for r in rules.rules] + ['};', '', 'const char *const a64_rule_controls[] = {']
    out += [f'    {c},' for c in rules.controls] + ['};', '', 'const A64Atom a64_access_atoms[] = {']
    out += [f'    {a},' for a in rules.atoms] + ['};', '']
    out += [f'const uint16_t a64_{name.lower()}_rules[2][3] = {starts_text(s)};' for name, s in rest.items()]
    out += ['', 'const uint16_t a64_profile_slots[A64_PROFILE_WORDS] = {']
    out += [f'    A64_SR_{w},' for w in rules.words]
    out += ['};', '', 'const uint64_t a64_profile_masks[3][A64_PROFILE_WORDS] = {']
    for masks in rules.masks:
        out += ['    {'] + [f'        {masks.get(w, 0):#x},' for w in rules.words] + ['    },']
    fixed = fixed_bits(stored)
    resets = [f'    {{ A64_SR_{r.name}, {int(r.keys["reset"], 0):#x} }},' for r in stored if r.has('reset')]
    out += ['};', '', 'const A64FixedBits a64_fixed_bits[] = {'] + fixed
    out += ['};', f'const unsigned a64_n_fixed_bits = {len(fixed)};', '', 'const A64ResetRow a64_reset_rows[] = {']
    out += resets + ['};', f'const unsigned a64_n_reset_rows = {len(resets)};', '']
    return ('\n'.join(out), *hooks_text(rows), rules.words)
