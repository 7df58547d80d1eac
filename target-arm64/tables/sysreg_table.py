"""Reads sysregs.tbl and sysinsns.tbl into registers and refuses tables that contradict themselves."""
import re
from dataclasses import dataclass, field

import table_cond
import table_lines
from table_lines import fail

KEYS = {'n', 'feat', 'reset', 'trap', 'fgt', 'nv', 'nv1', 'nvreg', 'e2h', 'read', 'write', 'effect', 'tlb', 'call', 'aliastrap'}
FLAGS = {'id', 'el12', 'el02', 'later', 'nostore', 'read', 'write', 'raz', 'pstate', 'nonv'}
EFFECTS = {'context', 'irq', 'timer', 'mode', 'exit'}
TLB = {'walk', 'lookup', 'cached'}
CALLS = {'none', 'imm', 'at', 'dc', 'ic', 'tlbi', 'rctx', 'gcs'}
CELL = re.compile(r'^[0-9n+&>()]+$')
OUTCOME = re.compile(r'^(UNDEF|EL1|EL2|RAZ|NVMEM 0x[0-9a-f]+|REG \w+)( 0x[0-9a-f]{2})?$')


@dataclass
class Field:
    name: str       # 'RES0', 'RES1' or a name; layouts that share bits are joined with '|'
    msb: int
    lsb: int
    feat: str = ''  # RES0 where this feature is not announced ...
    absent: int = 0  # ... or RES1


@dataclass
class Rule:
    els: str
    dirs: str
    cond: list
    outcome: str
    ec: int
    where: str


@dataclass
class Reg:
    name: str
    enc: tuple
    mode: str
    min_el: int
    keys: dict
    where: str
    family: str
    fields: list = field(default_factory=list)
    layouts: list = field(default_factory=list)  # fields of further layouts of the same bits
    rules: list = field(default_factory=list)
    alias_of: str = ''  # EL12/EL02 name: the register it means
    number: int = 0

    def has(self, key):
        return key in self.keys

    def find(self, name):
        for f in self.fields + self.layouts:
            if name in f.name.split('|'):
                return f
        return None


@dataclass
class Table:
    regs: dict = field(default_factory=dict)
    traps: dict = field(default_factory=dict)
    bakes: list = field(default_factory=list)


def parse_item(where, keys, item):
    key, eq, value = item.partition('=')
    if not eq and key not in FLAGS or eq and key not in KEYS:
        fail(where, f"unknown key '{key}'")
    if key in keys:
        fail(where, f"key '{key}' given twice")
    keys[key] = value


def parse_reg(where, words):
    if len(words) < 8:
        fail(where, 'a register needs a name, five encoding cells and its access')
    name, cells, access = words[1], words[2:7], words[7]
    keys = {}
    for item in words[8:]:
        parse_item(where, keys, item)
    if not re.fullmatch(r'(ro|wo|rw):[0-2]', access):
        fail(where, f"bad access '{access}'")
    low, high = 0, 0
    if 'n' in keys:
        low, high = (int(v) for v in keys['n'].split('-'))
    out = []
    for n in range(low, high + 1):
        for c in cells:
            if not CELL.match(c):
                fail(where, f"bad encoding cell '{c}'")
        enc = tuple(eval(c, {'__builtins__': {}}, {'n': n}) for c in cells)
        if any(v < 0 or v > top for v, top in zip(enc, (3, 7, 15, 15, 7))):
            fail(where, f'{name}: encoding {enc} out of range')
        mode, el = access.split(':')
        own = name.replace('<n>', str(n))
        out.append(Reg(own, enc, mode, int(el), keys, where, name.replace('<n>', ''), number=n))
    return out


def parse_fields(where, words):
    out = []
    if len(words) % 2:
        fail(where, "fields come in pairs 'msb:lsb NAME'")
    for bits, name in zip(words[::2], words[1::2]):
        if not re.fullmatch(r'\d+(:\d+)?', bits):
            fail(where, f"bad bit range '{bits}'")
        msb, _, lsb = bits.partition(':')
        name, _, feat = name.partition('?')
        feat, _, absent = feat.partition(':')
        f = Field(name, int(msb), int(lsb or msb), feat, int(absent or 0))
        if not 63 >= f.msb >= f.lsb >= 0:
            fail(where, f"bad bit range '{bits}'")
        out.append(f)
    return out


def parse_rule(where, text):
    m = re.fullmatch(r'([012]+)(rw?|w) (.+) -> (.+)', text)
    if not m or not OUTCOME.match(m.group(4)):
        fail(where, f"cannot read the rule '{text}'")
    try:
        cond = table_cond.parse(m.group(3))
    except ValueError as e:
        fail(where, str(e))
    outcome, ec = OUTCOME.match(m.group(4)).groups()
    return Rule(m.group(1), m.group(2), cond, outcome, int(ec or '0x18', 16), where)


def parse(path, table=None):
    """Adds the rows of the file at path to table (a new one by default) and returns it."""
    table = table or Table()
    target = None
    for where, words, text in table_lines.lines(path):
        if text[0] == ' ':
            if target is None:
                fail(where, 'no register or trap above this line')
            parse_detail(where, target, words, text.strip())
        elif words[0] == 'trap' and len(words) == 2:
            if words[1] in table.traps:
                fail(where, f'trap {words[1]} described twice')
            target = table.traps[words[1]] = []
        elif words[0] == 'bake' and len(words) == 3:
            table.bakes.append((words[1], words[2], where))
        elif words[0] == 'reg':
            target = parse_reg(where, words)
            for r in target:
                if r.name in table.regs:
                    fail(where, f'{r.name} described twice')
                table.regs[r.name] = r
        else:
            fail(where, f"expected 'reg', 'trap' or 'bake', got '{words[0]}'")
    return table


def parse_detail(where, target, words, text):
    is_rule = re.match(r'[012]+[rw]', words[0])
    if target and isinstance(target[0], Reg):
        if is_rule:
            for r in target:
                r.rules.append(parse_rule(where, text.replace('<n>', format(r.number, '05b'))))
        elif words[0] == '+':
            for r in target:
                r.layouts += parse_fields(where, words[1:])
        else:
            for r in target:
                r.fields += parse_fields(where, words)
    elif is_rule:
        target.append(parse_rule(where, text))
    else:
        fail(where, f"expected a rule, got '{text}'")


def add_aliases(table):
    """An EL12 or EL02 name is the same register at op1 = 5."""
    for r in list(table.regs.values()):
        if r.has('el12') or r.has('el02'):
            old, new = ('_EL1', '_EL12') if r.has('el12') else ('_EL0', '_EL02')
            name = r.name[:-len(old)] + new
            op0, _, *rest = r.enc
            if name in table.regs:
                fail(r.where, f'{name} is an alias and a row of its own')
            keys = {k: v for k, v in r.keys.items() if k in ('nv', 'nv1', 'feat', 'later')}
            if r.has('aliastrap'):
                keys['trap'] = r.keys['aliastrap']
            table.regs[name] = Reg(name, (op0, 5, *rest), r.mode, 2, keys, r.where, name, alias_of=r.name)


def check_fields(r):
    """Listed fields explain each of the 64 bits once."""
    seen = {}
    for f in r.fields:
        for bit in range(f.lsb, f.msb + 1):
            if bit in seen:
                fail(r.where, f'{r.name}: bit {bit} is both {seen[bit]} and {f.name}')
            seen[bit] = f.name
    missing = [b for b in range(64) if b not in seen]
    if r.fields and missing:
        fail(r.where, f'{r.name}: nothing explains bit {missing[0]}')


def check_features(r, features):
    for name in re.findall(r'\w+', r.keys.get('feat', '')):
        if name not in features:
            fail(r.where, f'{r.name}: no such feature {name}')
    for f in r.fields:
        for name in re.findall(r'\w+', f.feat):
            if name not in features:
                fail(r.where, f'{r.name}.{f.name}: no such feature {name}')


def check_atoms(table, rule, features):
    for atoms in rule.cond:
        for a in atoms:
            if a.word == 'PSTATE':
                continue
            if a.word == 'FEAT':
                if a.what[0] not in features:
                    fail(rule.where, f'no such feature {a.what[0]}')
                continue
            reg = table.regs.get(a.word)
            if not reg:
                fail(rule.where, f'trap bit {a.word}.{a.what[0]}: no such register')
            width = 0
            for name in a.what:
                f = reg.find(name)
                if not f:
                    fail(rule.where, f'trap bit {a.word}.{name}: no such field')
                width += f.msb - f.lsb + 1
            if width != len(a.bits):
                fail(rule.where, f'{a.word}.{",".join(a.what)} has {width} bits, the condition {len(a.bits)}')


def fgt_registers(r):
    """(direction, register, field, value that traps, nXS form) of the row's fine-grained traps."""
    out = []
    for item in filter(None, r.keys.get('fgt', '').split(',')):
        group, _, name = item.partition('.')
        m = re.fullmatch(r'(HFG|HDFG|HAFG|HFGI|HFGX)(2?)(:[rw])?', group)
        if not m or not name:
            fail(r.where, f"bad fine-grained trap '{item}'")
        group, two, only = m.groups()
        trap_value = '0' if re.match(r'n[A-Z]', name) else '1'
        for d in (only[1] if only else 'rw'):
            if group in ('HFGI', 'HFGX'):
                reg = f'HFGITR{two}_EL2'
            elif group == 'HAFG':
                reg = 'HAFGRTR_EL2'
            else:
                reg = f'{group}{"R" if d == "r" else "W"}TR{two}_EL2'
            if d == 'r' and r.mode != 'wo' or d == 'w' and r.mode != 'ro':
                out.append((d, reg, name, trap_value, group == 'HFGX'))
    return out


def check_row(table, r):
    for t in filter(None, r.keys.get('trap', '').split(',')):
        if t not in table.traps:
            fail(r.where, f"{r.name}: unknown trap '{t}'")
    for _, reg, name, _, _ in fgt_registers(r):
        if reg not in table.regs or not table.regs[reg].find(name):
            fail(r.where, f'{r.name}: fgt {reg}.{name}: no such trap bit')
    for key in ('e2h', 'nvreg'):
        if r.has(key) and r.keys[key] not in table.regs:
            fail(r.where, f'{r.name}: {key}={r.keys[key]} is not in the table')
    for e in filter(None, r.keys.get('effect', '').split(',')):
        if e not in EFFECTS:
            fail(r.where, f"{r.name}: unknown effect '{e}'")
    if r.keys.get('tlb', 'walk') not in TLB:
        fail(r.where, f"{r.name}: unknown tlb={r.keys['tlb']}")
    if r.keys.get('call', 'none') not in CALLS:
        fail(r.where, f"{r.name}: unknown call={r.keys['call']}")
    if 'context' in r.keys.get('effect', '') and not r.has('tlb'):
        fail(r.where, f'{r.name}: a register that changes translation says tlb=')


def check_unique(table):
    enc, offsets = {}, {}
    for r in table.regs.values():
        for d in {'ro': 'r', 'wo': 'w', 'rw': 'rw'}[r.mode]:
            if (r.enc, d) in enc:
                fail(r.where, f'{r.name} shares its encoding with {enc[r.enc, d]}')
            enc[r.enc, d] = r.name
        for key in ('nv', 'nv1'):
            if r.has(key) and not r.alias_of:
                off = int(r.keys[key], 0) + (8 * r.number if r.has('n') else 0)
                if off % 8 or not 0 <= off < 4096:
                    fail(r.where, f'{r.name}: offset {off:#x} is no doubleword of the page')
                if off in offsets:
                    fail(r.where, f'{r.name}: offset {off:#x} is already {offsets[off]}')
                offsets[off] = r.name


def check(table, features):
    """Raises TableError for anything that cannot be right; features = the known feature names."""
    for r in table.regs.values():
        check_fields(r)
        check_features(r, features)
        for rule in r.rules:
            check_atoms(table, rule, features)
        check_row(table, r)
    for rules in table.traps.values():
        for rule in rules:
            check_atoms(table, rule, features)
    for reg, name, where in table.bakes:
        if reg not in table.regs or not table.regs[reg].find(name):
            fail(where, f'bake {reg}.{name}: no such field')
    check_unique(table)


def load(paths, features):
    table = Table()
    for p in paths:
        parse(p, table)
    add_aliases(table)
    check(table, features)
    return table
