#!/usr/bin/env python3
"""An independent model of VMSAv8-64 translation.

Written from the Arm ARM's tables of lookup levels and descriptor formats ("Translation tables and the translation process"),
in another way than the product: fields by name, levels by table. walk_cases.py makes the cases.
"""
# Address bits resolved at each level, by granule (4K, 16K, 64K): level -> (top, bottom).
LEVELS = {
    12: {-1: (51, 48), 0: (47, 39), 1: (38, 30), 2: (29, 21), 3: (20, 12)},
    14: {0: (51, 47), 1: (46, 36), 2: (35, 25), 3: (24, 14)},
    16: {1: (51, 42), 2: (41, 29), 3: (28, 16)},
}
# Largest TnSZ for which stage 1 starts at a level.
START = {
    12: [(15, -1), (24, 0), (33, 1), (42, 2), (48, 3)],
    14: [(16, 0), (27, 1), (38, 2), (48, 3)],
    16: [(21, 1), (34, 2), (47, 3)],
}
PS = [32, 36, 40, 42, 44, 48, 52, 52]
EL10, EL2, EL20 = 0, 1, 2
(VF_S1, VF_WXN, VF_EE, VF_EPAN, VF_C, VF_NV1, VF_DC, VF_S2, VF_PTW, VF_FWB, VF_CD, VF_S2EE) = (1 << i for i in range(12))
NONE, SIZE, TRANSLATION, AF, PERMISSION = 0, 1, 2, 3, 4
WALK_ABORT = 7
READ, WRITE, FETCH = 0, 1, 2
CAPS = ['pa_bits', 'gran4', 'gran16', 'gran64', 'lva', 'lpa2_4', 'lpa2_16', 'ttst', 'haf', 'hd', 'hpds', 'e0pd', 'xnx', 'bti']


class Fault(Exception):
    def __init__(self, kind, level, stage2=False, s1ptw=False, ipa=0):
        super().__init__()
        self.kind, self.level, self.stage2, self.s1ptw, self.ipa = kind, level, stage2, s1ptw, ipa
        self.write = None


def bits(value, top, bottom):
    return value >> bottom & ((1 << (top - bottom + 1)) - 1)


def bit(value, n):
    return value >> n & 1


def swap(value):
    return int.from_bytes(value.to_bytes(8, 'little'), 'big')


class Case:
    """View, memory and access."""

    def __init__(self):
        self.mem = {}
        self.regime = self.flags = self.tcr = self.mair = self.vtcr = 0
        self.ttbr = [0, 0]
        self.vttbr = 0
        self.caps = {}
        self.va = self.access = self.el0 = self.pan = self.at = self.no_perm = 0

    def flag(self, f):
        return bool(self.flags & f)

    # ---- memory ----
    def load(self, pa, level, big, stage2, ctx):
        if pa not in self.mem:
            raise Fault(WALK_ABORT, level, stage2, **ctx)
        return swap(self.mem[pa]) if big else self.mem[pa]

    def store(self, pa, value, big):
        self.mem[pa] = swap(value) if big else value

    # ---- shared ----
    def granule(self, code):
        want = {'4': (12, 'gran4'), '16': (14, 'gran16'), '64': (16, 'gran64'), '-': (0, None)}[code]
        if want[0] and self.caps[want[1]]:
            return want[0]
        return 12 if self.caps['gran4'] else 16 if self.caps['gran64'] else 14

    def out_size(self, ps, g):
        large = g == 16 or self.caps['lpa2_4' if g == 12 else 'lpa2_16']
        most = min(self.caps['pa_bits'], 52 if large else 48)
        return min(PS[ps], most)

    def ds_of(self, g, b):
        return bool(b) and ((g == 12 and self.caps['lpa2_4']) or (g == 14 and self.caps['lpa2_16']))

    def address(self, desc, g, ds, low):
        """Output address field of a descriptor whose address starts at bit `low`."""
        a = bits(desc, 47, low) << low
        if g == 16 and self.caps['pa_bits'] == 52:
            a |= bits(desc, 15, 12) << 48
        elif ds:
            a |= bits(desc, 9, 8) << 50 | bits(desc, 49, 48) << 48
        return a

    def base(self, ttbr, g, ds, ps, entries_bits):
        """First table: aligned to its size; 52-bit forms at least to 64 bytes."""
        align = entries_bits + 3
        if ds or (g == 16 and self.caps['pa_bits'] == 52 and ps == 6):
            align = max(align, 6)
            a = bits(ttbr, 47, 6) << 6 | bits(ttbr, 5, 2) << 48
        else:
            a = bits(ttbr, 47, 1) << 1
        return a >> align << align

    def descend(self, ia, t, fetch, fault):
        """The level loop. t: g, start, ia_bits, oa, ds, base. Returns desc, address of the descriptor, level, tables passed."""
        g = t['g']
        table = t['base']
        level = t['start']
        top = t['ia_bits'] - 1
        passed = []
        first = True
        while True:
            low = LEVELS[g][level][1]
            at = table | bits(ia, top if first else LEVELS[g][level][0], low) << 3
            if at >= 1 << t['oa']:
                raise fault(SIZE, 0 if first else level - 1)
            desc = fetch(at, level)
            if not bit(desc, 0):
                raise fault(TRANSLATION, level)
            if level == 3:
                if not bit(desc, 1):
                    raise fault(TRANSLATION, level)
                leaf = True
            elif bit(desc, 1):
                leaf = False
            else:
                blocks = {12: [1, 2] + ([0] if t['ds'] else []), 14: [2] + ([1] if t['ds'] else []),
                          16: [2] + ([1] if self.caps['pa_bits'] == 52 else [])}[g]
                if level not in blocks:
                    raise fault(TRANSLATION, level)
                leaf = True
            if leaf:
                oa = self.address(desc, g, t['ds'], low) | bits(ia, low - 1, 0)
                if oa >= 1 << t['oa']:
                    raise fault(SIZE, level)
                return desc, at, level, passed, oa, low
            passed.append(desc)
            table = self.address(desc, g, t['ds'], g)
            level += 1
            first = False

    # ---- stage 2 ----
    def stage2_setup(self):
        v = self.vtcr
        g = self.granule({0: '4', 1: '64', 2: '16', 3: '-'}[bits(v, 15, 14)])
        ds = self.ds_of(g, bit(v, 32))
        txsz, sl0, sl2, ps = bits(v, 5, 0), bits(v, 7, 6), bit(v, 33), bits(v, 18, 16)
        pa = self.caps['pa_bits']
        limit = min(pa, 52 if g == 16 or ds else 48)
        longest = 39 if not self.caps['ttst'] else 47 if g == 16 else 48
        if txsz < 64 - limit or txsz > longest:
            return None
        if g == 12:
            if ds and sl2:
                start = {0: -1}.get(sl0)
            else:
                start = {0: 2, 1: 1, 2: 0 if pa >= 44 else None, 3: 3 if self.caps['ttst'] else None}[sl0]
        elif g == 14:
            start = {0: 3, 1: 2, 2: 1 if pa >= 42 else None, 3: 0 if ds else None}[sl0]
        else:
            start = {0: 3, 1: 2, 2: 1 if pa >= 44 else None, 3: None}[sl0]
        if start is None:
            return None
        ia = 64 - txsz
        low = LEVELS[g][start][1]
        # one entry would need no table; sixteen concatenated tables are the most
        if not low + 1 <= ia <= low + (g - 3) + 4:
            return None
        return {'g': g, 'ds': ds, 'start': start, 'ia_bits': ia, 'oa': self.out_size(ps, g),
                'base': self.base(self.vttbr, g, ds, ps, ia - low), 'ha': self.caps['haf'] and bit(v, 21),
                'hd': self.caps['hd'] and bit(v, 22), 'sh': bits(v, 13, 12)}

    def stage2(self, ipa, s1attr, use):
        """use: 'table', 'update' or 'access'."""
        ctx = {'s1ptw': use != 'access', 'ipa': ipa}
        big = self.flag(VF_S2EE)

        def fault(kind, level):
            return Fault(kind, level, True, **ctx)
        t = self.stage2_setup()
        if t is None or ipa >= 1 << t['ia_bits']:
            raise fault(TRANSLATION, 0)
        desc, at, level, _, oa, low = self.descend(ipa, t, lambda a, lv: self.load(a, lv, big, True, ctx), fault)
        if not bit(desc, 10) and not t['ha']:
            raise fault(AF, level)
        attr, device = self.combine(s1attr, bits(desc, 5, 2), t['sh'] if t['ds'] else bits(desc, 9, 8))
        dirty_managed = t['ha'] and t['hd'] and bit(desc, 51)
        r, w = bit(desc, 6), bit(desc, 7) or dirty_managed
        xn = bits(desc, 54, 53) if self.caps['xnx'] else bit(desc, 54) << 1
        px, ux = {0: (1, 1), 1: (0, 1), 2: (0, 0), 3: (1, 0)}[xn]
        write = None
        if use == 'access':
            ok = True
            if not self.no_perm:
                ok = {READ: r, WRITE: w, FETCH: ux if self.el0 else px}[self.access]
                write = self.access == WRITE
        else:
            ok = r and (w or use == 'table') and not (self.flag(VF_PTW) and device)
        if not ok:
            f = fault(PERMISSION, level)
            f.write = write
            raise f
        new = desc
        if t['ha']:
            new |= 1 << 10
            marks = use == 'update' or (use == 'access' and self.access == WRITE and not self.at and not self.no_perm)
            if t['hd'] and bit(desc, 51) and marks:
                new |= 1 << 7
        if new != desc:
            self.store(at, new, big)
        clean = bool(dirty_managed) and not bit(new, 7)
        return {'pa': oa, 'attr': attr, 'bits': low, 'level': level, 'r': bool(r), 'w': bool(w), 'px': px, 'ux': ux, 'clean': clean}

    # ---- attributes: ('device', 0..3) or ('normal', outer, inner), and shareability ----
    @staticmethod
    def half(n):
        """Half a MAIR attribute -> (policy, hints, transient); policy 0 NC, 1 WT, 2 WB."""
        if n == 4:
            return (0, 0, 0)
        return (2 if n & 4 else 1, n & 3, 0 if n & 8 else 1)

    @staticmethod
    def unhalf(h):
        policy, hints, transient = h
        if policy == 0:
            return 4
        return (0 if transient else 8) | (4 if policy == 2 else 0) | hints

    def mair_attr(self, index, sh):
        a = self.mair >> 8 * index & 0xff
        sh = 2 if sh == 1 else sh
        if a >> 4 == 0:
            return ('device', a >> 2 & 3), sh
        out, inn = a >> 4, a & 15
        if inn == 0:
            inn = out
        if not self.flag(VF_C):
            out = inn = 4
        return ('normal', self.half(out), self.half(inn)), sh

    def combine(self, s1, field, sh):
        """Returns (attribute, shareability), and whether stage 2 says Device."""
        a, s1sh = s1
        sh = 2 if sh == 1 else sh
        nc = (0, 0, 0)
        if self.flag(VF_FWB):
            device = not field & 4
            if device:
                a = ('device', min(field & 3, a[1]) if a[0] == 'device' else field & 3)
            elif field & 3 == 2:
                halves = [nc, nc] if a[0] == 'device' else [a[1], a[2]]
                halves = [(2, 3, 0) if h[0] == 0 else (2, h[1], h[2]) for h in halves]
                a = ('normal', *halves)
            elif field & 3 != 3 and a[0] == 'normal':
                a = ('normal', nc, nc)
            if self.flag(VF_CD) and a[0] == 'normal':
                a = ('normal', nc, nc)
        else:
            device = field >> 2 == 0
            if device:
                a = ('device', min(field & 3, a[1]) if a[0] == 'device' else field & 3)
            elif a[0] == 'normal':
                want = (1, 1) if self.flag(VF_CD) else (field >> 2, field & 3)
                out = []
                for h, w in zip(a[1:], want):
                    w = {0: 0, 1: 0, 2: 1, 3: 2}[w]
                    p = min(h[0], w)
                    out.append((p, h[1], h[2]) if p else nc)
                a = ('normal', *out)
        return (a, 2 if 2 in (s1sh, sh) else 3 if 3 in (s1sh, sh) else 0), device

    def encode(self, attr):
        a, sh = attr
        if a[0] == 'device':
            return a[1] << 2, 2, 1
        byte = self.unhalf(a[1]) << 4 | self.unhalf(a[2])
        return byte, 2 if byte == 0x44 else sh, 0

    # ---- stage 1 ----
    def table_pa(self, ipa, use):
        if not self.flag(VF_S2):
            return ipa
        return self.stage2(ipa, (('normal', (2, 3, 0), (2, 3, 0)), 3), use)['pa']

    def stage1(self):
        va, tcr = self.va, self.tcr
        two = self.regime != EL2
        up = two and bit(va, 55)

        def pick(lo, hi):
            return hi if up else lo
        tbi = bit(tcr, pick(37, 38))
        if self.access == FETCH and bit(tcr, pick(51, 52)):
            tbi = 0
        everyone, stacks = 7, 24  # accesses to guarded control stacks: direct permissions let none through
        if not self.flag(VF_S1):
            if (va & (1 << 56) - 1 if tbi else va) >> self.caps['pa_bits']:
                raise Fault(SIZE, 0)
            attr = (('normal', (2, 3, 0), (2, 3, 0)), 0) if self.flag(VF_DC) else (('device', 0), 2)
            return {'ipa': va & (1 << 56) - 1, 'attr': attr, 'bits': 12, 'level': 3, 'global': 1, 'guarded': 0,
                    'read': everyone | stacks, 'write': everyone | stacks, 'exec': everyone, 'clean': False}
        tg = {0: '4', 1: '64', 2: '16', 3: '-'}[bits(tcr, 15, 14)] if not up else {0: '-', 1: '16', 2: '4', 3: '64'}[bits(tcr, 31, 30)]
        g = self.granule(tg)
        txsz = bits(tcr, 21, 16) if up else bits(tcr, 5, 0)
        ds = self.ds_of(g, bit(tcr, 59))
        least = 12 if ds or (g == 16 and self.caps['lva']) else 16
        longest = 39 if not self.caps['ttst'] else 47 if g == 16 else 48
        if not least <= txsz <= longest:
            raise Fault(TRANSLATION, 0)
        size = 64 - txsz
        high = va >> size & ((1 << ((56 if tbi else 64) - size)) - 1)
        if high != (((1 << ((56 if tbi else 64) - size)) - 1) if up else 0):
            raise Fault(TRANSLATION, 0)
        if two and self.el0 and self.caps['e0pd'] and bit(tcr, pick(55, 56)):
            raise Fault(TRANSLATION, 0)
        if two and bit(tcr, pick(7, 23)):
            raise Fault(TRANSLATION, 0)
        start = next(lv for most, lv in START[g] if txsz <= most)
        ps = bits(tcr, 34, 32)
        t = {'g': g, 'ds': ds, 'start': start, 'ia_bits': size, 'oa': self.out_size(ps, g),
             'base': self.base(self.ttbr[1 if up else 0], g, ds, ps, size - LEVELS[g][start][1])}
        ha, hd = self.caps['haf'] and bit(tcr, 39), self.caps['hd'] and bit(tcr, 40)
        big = self.flag(VF_EE)

        def fetch(at, level):
            return self.load(self.table_pa(at, 'table'), level, big, False, {})
        desc, at, level, passed, oa, low = self.descend(va, t, fetch, Fault)
        if not bit(desc, 10) and not ha:
            raise Fault(AF, level)
        nv1 = self.flag(VF_NV1)
        managed = ha and hd and bit(desc, 51)
        hier = [] if self.caps['hpds'] and bit(tcr, pick(41, 42)) else passed
        p_ro = (bit(desc, 7) and not managed) or any(bit(d, 62) for d in hier)
        u_any = two and not nv1 and bit(desc, 6) and not any(bit(d, 61) for d in hier)
        pr, pw, ur, uw = 1, not p_ro, u_any, u_any and not p_ro
        xn = bit(desc, 54) or any(bit(d, 60) for d in hier)
        pxn = bit(desc, 53) or any(bit(d, 59) for d in hier)
        if not two:
            px, ux = not xn, False
        elif nv1:
            px, ux = not xn and not uw, True
        else:
            px, ux = not pxn and not uw, not xn
        hidden = two and not nv1 and (ur or (self.flag(VF_EPAN) and ux))
        read = (1 if ur else 0) | (2 if pr else 0) | (4 if pr and not hidden else 0)
        write = (1 if uw else 0) | (2 if pw else 0) | (4 if pw and not hidden else 0)
        if self.flag(VF_WXN):
            px, ux = px and not pw, ux and not uw
        execute = (1 if two and ux else 0) | (6 if px else 0)
        if two and self.caps['e0pd'] and bit(tcr, pick(55, 56)):
            read, write, execute = read & 6, write & 6, execute & 6
        me = 1 if self.el0 else 4 if self.pan else 2
        if not self.no_perm and not {READ: read, WRITE: write, FETCH: execute}[self.access] & me:
            raise Fault(PERMISSION, level)
        new = desc
        if ha:
            new |= 1 << 10
            if managed and self.access == WRITE and not self.at and not self.no_perm:
                new &= ~(1 << 7)
        if new != desc:
            self.store(self.table_pa(at, 'update'), new, big)
        return {'ipa': oa, 'attr': self.mair_attr(bits(desc, 4, 2), bits(tcr, *pick((13, 12), (29, 28))) if ds else bits(desc, 9, 8)),
                'bits': low, 'level': level, 'global': 1 if not two or not bit(desc, 11) else 0,
                'guarded': 1 if self.caps['bti'] and bit(desc, 50) else 0, 'read': read, 'write': write, 'exec': execute,
                'clean': bool(managed) and bool(bit(new, 7))}

    def expect(self):
        """The answer as the list of numbers that a line ends with."""
        before = dict(self.mem)
        try:
            s1 = self.stage1()
            if self.flag(VF_S2):
                s2 = self.stage2(s1['ipa'], s1['attr'], 'access')
                attr = self.encode(s2['attr'])
                out = [s2['pa'], s1['ipa'], *attr, s1['bits'], s1['level'], s2['bits'], s2['level'], s1['global'], s1['guarded'],
                       s1['read'] if s2['r'] else 0, s1['write'] if s2['w'] else 0,
                       s1['exec'] & ((1 if s2['ux'] else 0) | (6 if s2['px'] else 0)), int(s1['clean'] or s2['clean'])]
            else:
                attr = self.encode(s1['attr'])
                out = [s1['ipa'], s1['ipa'], *attr, s1['bits'], s1['level'], 0, 0, s1['global'], s1['guarded'], s1['read'],
                       s1['write'], s1['exec'], int(s1['clean'])]
            answer = [0, *out]
        except Fault as f:
            write = f.write if f.write is not None else self.access == WRITE
            answer = [f.kind, f.level, int(f.stage2), int(f.s1ptw), int(write), f.ipa if f.stage2 else 0]
        changed = {a: v for a, v in self.mem.items() if before[a] != v}
        self.mem = before
        return answer, changed
