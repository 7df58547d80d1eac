#!/usr/bin/env python3
"""Random cases of VMSAv8-64 translation with the answers that walk_model.py expects.

Prints cases, one a line (see line()), or gives them to a program that checks them. Usage: walk_cases.py SEED COUNT [test-walk-cases]
"""
import random
import subprocess
import sys

from walk_model import (CAPS, Case, EL10, EL2, EL20, FETCH, Fault, LEVELS, TRANSLATION, VF_C, VF_CD, VF_DC, VF_EE, VF_EPAN,
                        VF_FWB, VF_NV1, VF_PTW, VF_S1, VF_S2, VF_S2EE, VF_WXN, bits, swap)


class Maker:
    """Random cases that mostly get far: tables are laid along the way of the access."""

    def __init__(self, seed):
        self.r = random.Random(seed)

    def odds(self, n):
        return self.r.randrange(n) == 0

    def pa(self, align, oa):
        """Somewhere in physical memory, now and then beyond the output size."""
        top = oa if not self.odds(60) else 52
        return self.r.getrandbits(top) >> align << align

    def view(self):
        r = self.r
        c = Case()
        c.caps = {k: int(not self.odds(8)) for k in CAPS}
        c.caps['pa_bits'] = r.choice([36, 40, 44, 48, 48, 52, 52])
        if not (c.caps['gran4'] or c.caps['gran16'] or c.caps['gran64']):
            c.caps['gran4'] = 1
        if c.caps['pa_bits'] < 52:
            c.caps['lpa2_4'] = c.caps['lpa2_16'] = 0
        if not c.caps['haf']:
            c.caps['hd'] = 0
        c.regime = r.choice([EL10, EL10, EL10, EL2, EL20])
        c.flags = VF_S1 if not self.odds(12) else 0
        for f in (VF_WXN, VF_EE, VF_EPAN):
            c.flags |= f if self.odds(4) else 0
        c.flags |= VF_C if not self.odds(6) else 0
        if c.regime == EL10:
            c.flags |= VF_NV1 if self.odds(6) else 0
            if not self.odds(3):
                c.flags |= VF_S2
                for f, n in ((VF_PTW, 10), (VF_FWB, 3), (VF_CD, 6), (VF_S2EE, 4)):
                    c.flags |= f if self.odds(n) else 0
                if not c.flags & VF_S1:
                    c.flags |= VF_DC if self.odds(2) else 0
        c.tcr = self.tcr(c)
        c.mair = int.from_bytes(bytes(r.choice([0xff, 0xff, 0x44, 0, 4, 8, 12, 0xbb, 0x77, 0x4f, 0xf4, 0x33, 0xee, 0xaa]) for _ in range(8)),
                                'little')
        if c.flags & VF_S2:
            c.vtcr = self.vtcr(c)
        return c

    def tcr(self, c):
        r = self.r
        t = 0
        for low in (0, 16):
            t |= (r.choice([16, 16, 25, 28, 34, 39, 12, 43]) if not self.odds(20) else r.randrange(64)) << low
        t |= r.randrange(4) << 14 if self.odds(3) else r.randrange(3) << 14
        t |= r.randrange(4) << 30 if self.odds(10) else r.choice([1, 2, 3]) << 30
        t |= r.choice([5, 5, 6, 6, r.randrange(8)]) << 32
        for n in (37, 38, 39, 40, 41, 42, 51, 52, 59):
            t |= int(self.odds(2)) << n
        for n in (7, 23, 55, 56):
            t |= int(self.odds(40)) << n
        return t | r.randrange(4) << 12 | r.randrange(4) << 28

    def vtcr(self, c):
        r = self.r
        for _ in range(50):
            v = r.choice([16, 20, 24, 24, 25, 28, 32, 34, 12, r.randrange(64)]) | r.randrange(4) << 6 | r.randrange(4) << 12
            v |= r.randrange(3) << 14 | r.choice([5, 6, r.randrange(8)]) << 16
            for n in (21, 22, 32, 33):
                v |= int(self.odds(2)) << n
            c.vtcr = v
            if c.stage2_setup() or self.odds(30):
                break
        return c.vtcr

    def leaf_bits(self, stage2):
        r = self.r
        d = 1 << 10 if not self.odds(16) else 0
        if stage2 and not self.odds(16):
            d |= 1 << 6 | (15 << 2 if self.odds(2) else 0)
        d |= r.randrange(8) << 2 | r.randrange(4) << 8 | r.randrange(4) << 6 | r.randrange(2) << 11
        d |= int(self.odds(3)) << 51 | int(self.odds(3)) << 53 | int(self.odds(3)) << 54 | r.randrange(2) << 50
        return d | int(self.odds(6)) << 52 | r.randrange(16) << 55

    def with_address(self, case, desc, a, g, ds, low):
        field = a & ((1 << 48) - 1) & ~((1 << low) - 1)
        if g == 16 and case.caps['pa_bits'] == 52:
            desc &= ~(15 << 12)
            field |= bits(a, 51, 48) << 12
        elif ds:
            desc &= ~(3 << 8)
            field |= bits(a, 51, 50) << 8 | bits(a, 49, 48) << 48
        return desc | field

    def lay(self, case, t, ia, big, place, stage2=False):
        """Tables of one stage along ia. place(at, value): puts a descriptor. Returns the output address."""
        g, level, table, first = t['g'], t['start'], t['base'], True
        second = None if stage2 or not case.flag(VF_S2) else case.stage2_setup()
        reach = min(t['oa'], second['ia_bits']) if second else t['oa']
        while True:
            low = LEVELS[g][level][1]
            at = table | bits(ia, t['ia_bits'] - 1 if first else LEVELS[g][level][0], low) << 3
            leaf = level == 3 or self.odds(4)
            oa = self.pa(low if leaf else g, reach)
            if not place(at):
                return None
            if leaf:
                d = self.with_address(case, self.leaf_bits(stage2) | (3 if level == 3 else 1), oa, g, t['ds'], low)
            else:
                d = self.with_address(case, 3 | (self.r.getrandbits(5) << 59 if self.odds(3) else 0), oa, g, t['ds'], g)
            if self.odds(80):
                d ^= 1 << self.r.randrange(3)
            where = place(at)
            case.mem[where] = swap(d) if big else d
            if leaf:
                return oa | bits(ia, low - 1, 0)
            table, level, first = oa, level + 1, False

    def stage2_for(self, case, ipa):
        """Makes stage 2 map ipa; returns where it goes (None: nowhere)."""
        t = case.stage2_setup()
        if t is None or ipa >= 1 << t['ia_bits']:
            return None
        case.vttbr = case.vttbr or self.ttbr(case)
        t = case.stage2_setup()
        try:
            ctx = {'s1ptw': False, 'ipa': 0}
            return case.descend(ipa, t, lambda a, lv: case.load(a, lv, case.flag(VF_S2EE), True, ctx), Fault)[4]
        except Fault:
            pass
        return self.lay(case, t, ipa, case.flag(VF_S2EE), lambda at: at, True)

    def ttbr(self, case):
        oa = 32 if not self.odds(4) else case.caps['pa_bits']
        if case.flag(VF_S2) and case.stage2_setup():
            oa = min(oa, case.stage2_setup()['ia_bits'])
        return self.pa(12, oa) & ((1 << 48) - 1) | (self.r.getrandbits(4) << 2 if self.odds(8) else 0)

    def make(self):
        r = self.r
        c = self.view()
        c.ttbr = [self.ttbr(c), self.ttbr(c)]
        c.vttbr = self.ttbr(c)
        up = c.regime != EL2 and self.odds(2)
        txsz = bits(c.tcr, 21, 16) if up else bits(c.tcr, 5, 0)
        size = max(12, 64 - min(txsz, 52))
        c.va = r.getrandbits(size) | (((1 << 64) - 1) >> size << size if up else 0)
        if c.regime != EL2:
            c.va = c.va & ~(1 << 55) | (1 << 55 if up else 0)
        if self.odds(12):
            c.va ^= r.getrandbits(8) << 56
        if self.odds(30):
            c.va = r.getrandbits(64)
        c.access, c.el0 = r.randrange(3), int(c.regime != EL2 and self.odds(3))
        c.pan = int(not c.el0 and c.access != FETCH and self.odds(3))
        c.at, c.no_perm = int(self.odds(5)), int(self.odds(10))
        self.tables(c)
        return c

    def tables(self, c):
        # stage 1 along the VA, its tables through stage 2
        t = self.stage1_setup(c)
        out = c.va & (1 << 48) - 1 if not c.flag(VF_S1) else None
        if t:
            def place(at):
                return self.stage2_for(c, at) if c.flag(VF_S2) else at
            out = self.lay(c, t, c.va, c.flag(VF_EE), place)
        if out is not None and c.flag(VF_S2):
            self.stage2_for(c, out)

    @staticmethod
    def stage1_setup(c):
        """Where stage 1 starts, found by asking the model what it reads first."""
        if not c.flag(VF_S1):
            return None
        seen = {}

        def spy(ia, t, fetch, fault):
            seen.update(t)
            raise Fault(TRANSLATION, 0)
        c.descend = spy
        try:
            c.stage1()
        except Fault:
            pass
        del c.descend
        return seen or None


# A line: view, caps, access, n (address value)*, answer, m (address value)*; all numbers hexadecimal, negative ones with a sign.
def line(c, answer, changed):
    head = [c.regime, c.flags, c.tcr, c.mair, c.vtcr, c.ttbr[0], c.ttbr[1], c.vttbr] + [c.caps[k] for k in CAPS]
    head += [c.va, c.access, c.el0, c.pan, c.at, c.no_perm, len(c.mem)]
    for a, v in c.mem.items():
        head += [a, v]
    head += [len(answer)] + answer + [len(changed)]
    for a, v in changed.items():
        head += [a, v]
    return ' '.join('%x' % n for n in head)


def cases(seed, count):
    """Faults are easily had: at most as many of a kind as there are successes, more or less."""
    maker = Maker(seed)
    seen, made = {}, 0
    while made < count:
        c = maker.make()
        answer, changed = c.expect()
        kind = (c.flag(VF_S2), answer[0], *(answer[2:4] if answer[0] else ()))
        if seen.get(kind, 0) <= made // 8:
            seen[kind] = seen.get(kind, 0) + 1
            made += 1
            yield line(c, answer, changed)


def main():
    text = '\n'.join(cases(int(sys.argv[1]), int(sys.argv[2]))) + '\n'
    if len(sys.argv) > 3:
        return subprocess.run(sys.argv[3:], input=text, text=True, check=False).returncode
    sys.stdout.write(text)
    return 0


sys.exit(main())
