"""Compiles a register's keys and rules into one ordered rule list for each direction and EL.

Order: presence, traps (those that lead to EL1 or UNDEF before those to EL2), nesting, redirection, the register itself.
"""
import re
from dataclasses import dataclass

import sysreg_table
import table_cond

HOST = table_cond.parse('HOST')
NXS = table_cond.parse('FEAT_HCX & HCRX_EL2.FGTnXS=0')[0]
NOT_HOST0 = table_cond.parse('!HOST0')


@dataclass(frozen=True)
class Out:
    """One compiled rule: a conjunction of atoms and what it leads to."""
    atoms: tuple
    kind: str       # UNDEF TRAP SELF RAZ NVMEM REG
    el: int = 0
    ec: int = 0
    arg: object = 0  # NVMEM: offset; REG: name


def directions(reg):
    return {'ro': 'r', 'wo': 'w', 'rw': 'rw'}[reg.mode]


def absent(reg):
    """Conditions under which the register is not there: the negation of feat=A+B or feat=A|B."""
    text = reg.keys.get('feat', '')
    if not text:
        return []
    text = re.sub(r'\w+', lambda m: 'FEAT_' + m.group(0), text).replace('+', ' & ').replace('|', ' | ')
    return table_cond.parse(f'!({text})')


def in_id_space(reg):
    """Is the register in the feature ID space?"""
    op0, op1, crn, crm, _ = reg.enc
    return op0 == 3 and op1 in (0, 1, 3) and crn == 0 and crm < 8


def absent_rules(table, reg, d, el):
    """What is not there is UNDEFINED; reads of the ID space say so with a class of their own."""
    out = []
    for c in absent(reg):
        if d == 'r' and in_id_space(reg):
            for r in table.traps.get('IDSPACE', []):
                if str(el) in r.els and d in r.dirs:
                    out += [outcome(c + atoms, r.outcome, r.ec) for atoms in r.cond]
        out.append(Out(c, 'UNDEF'))
    return out


def outcome(atoms, text, ec):
    if text in ('EL1', 'EL2'):
        return Out(atoms, 'TRAP', int(text[2]), ec)
    if text in ('UNDEF', 'RAZ'):
        return Out(atoms, text)
    word, _, arg = text.partition(' ')
    return Out(atoms, word, arg=int(arg, 0) if word == 'NVMEM' else arg)


def written_rules(table, reg, d, el):
    rules = [r for t in filter(None, reg.keys.get('trap', '').split(',')) for r in table.traps[t]]
    out = []
    for r in rules + reg.rules:
        if str(el) in r.els and d in r.dirs:
            out += [outcome(atoms, r.outcome, r.ec) for cond in r.cond for atoms in apart(cond)]
    return out


def apart(atoms):
    """A conjunction with R.{A,B}!=00 is one with A=1 or one with B=1: so that a rule names the bit that traps."""
    for i, a in enumerate(atoms):
        if a.negated and len(a.what) == len(a.bits) > 1 and not a.bits.strip('0'):
            ones = [table_cond.Atom(a.word, (name,), '1') for name in a.what]
            return [atoms[:i] + (one,) + atoms[i + 1:] for one in ones]
    return [atoms]


def fgt_rules(reg, d, el):
    """Fine-grained traps: at EL1, and at EL0 unless the host owns EL0."""
    out = []
    if el == 2 or el < reg.min_el:
        return out
    for direction, control, name, value, nxs in sysreg_table.fgt_registers(reg):
        if direction != d:
            continue
        two = 'FGT2' if control.endswith('2_EL2') else 'FGT'
        atoms = (table_cond.Atom('FEAT', (two,), '1'), table_cond.Atom(control, (name,), value))
        if nxs:
            atoms = NXS + atoms
        guards = NOT_HOST0 if el == 0 else [()]
        out += [Out(g + atoms, 'TRAP', 2, 0x18) for g in guards]
    return out


def nv_offset(reg, key):
    return int(reg.keys[key], 0) + (8 * reg.number if reg.has('n') else 0)


def nested_rules(reg, el):
    """EL1 accesses while HCR_EL2.NV makes EL1 a guest hypervisor."""
    out = []
    if el != 1:
        return out
    if reg.alias_of:
        for key in ('nv', 'nv1'):
            if reg.has(key):
                out += [Out(c, 'NVMEM', arg=nv_offset(reg, key)) for c in table_cond.parse('NVx=101')]
    else:
        if reg.has('nv1'):
            out += [Out(c, 'NVMEM', arg=nv_offset(reg, 'nv1')) for c in table_cond.parse('NVx=111')]
        if reg.has('nv'):
            out += [Out(c, 'NVMEM', arg=nv_offset(reg, 'nv')) for c in table_cond.parse('NVx=1x1')]
        if reg.has('nvreg'):
            out += [Out(c, 'REG', arg=reg.keys['nvreg']) for c in table_cond.parse('NVx=1x1')]
    if reg.min_el == 2 and not reg.has('nonv'):
        out += [Out(c, 'TRAP', 2, 0x18) for c in table_cond.parse('NVx=xx1')]
    return out


def final_rules(reg, el):
    if el < reg.min_el:
        return [Out((), 'UNDEF')]
    if reg.alias_of:
        return [Out(c, 'REG', arg=reg.alias_of) for c in HOST] + [Out((), 'UNDEF')]
    out = []
    if el == 2 and reg.has('e2h'):
        out += [Out(c, 'REG', arg=reg.keys['e2h']) for c in HOST]
    return out + [Out((), 'RAZ' if reg.has('raz') else 'SELF')]


def rank(rule):
    """Same-EL outcomes first: an access that EL1 or nobody may make is not for EL2 to see."""
    if rule.kind == 'UNDEF' or rule.kind == 'TRAP' and rule.el == 1:
        return 0
    return 1 if rule.kind == 'TRAP' else 2


def compile_rules(table, reg, d, el):
    out = absent_rules(table, reg, d, el)
    if reg.alias_of:
        out += [Out(c, 'UNDEF') for c in table_cond.parse('!FEAT_VHE')]
    if d in directions(reg):
        own = written_rules(table, reg, d, el) + fgt_rules(reg, d, el)
        out += sorted(own, key=rank) + nested_rules(reg, el) + final_rules(reg, el)
    else:
        out.append(Out((), 'UNDEF'))
    for i, rule in enumerate(out):
        if not rule.atoms:
            return tuple(out[:i + 1])
    return tuple(out)
