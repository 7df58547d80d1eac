"""QARMA-64 as pointer authentication uses it, and the codes of one and two modifiers, from the Arm ARM alone ("ComputePACQARMA",
"ComputePAC2QARMA", "InsertPAC", "Authenticate") for a machine with FEAT_PAuth2 and FEAT_FPACCOMBINE."""
ALL = (1 << 64) - 1
ALPHA = 0xC0AC29B7C97C50DD
ROUND = [0, 0x13198A2E03707344, 0xA4093822299F31D0, 0x082EFA98EC4E6C89, 0x452821E638D01377]
SUB = [0xb, 0x6, 0x8, 0xf, 0xc, 0x0, 0x9, 0xe, 0x3, 0x7, 0x4, 0x5, 0xd, 0x2, 0x1, 0xa]  # of QARMA5
SUB1 = [0xa, 0xd, 0xe, 0x6, 0xf, 0x7, 0x3, 0x5, 0x9, 0x8, 0x0, 0xc, 0xb, 0x1, 0x2, 0x4]  # of QARMA3, its own inverse
# Of each cell, lowest first: the cell it comes from.
SHUFFLE = [13, 6, 11, 0, 7, 12, 1, 10, 8, 3, 14, 5, 2, 9, 4, 15]
TWEAK = [4, 5, 6, 7, 11, 2, 3, 8, 12, 13, 14, 15, 0, 1, 10, 9]
TWEAK_ROTATED = {2, 4, 7, 11, 12, 14, 15}


def cells(value):
    return [value >> (4 * i) & 15 for i in range(16)]


def join(parts):
    return sum(c << (4 * i) for i, c in enumerate(parts))


def inverse(table):
    out = [0] * 16
    for i, v in enumerate(table):
        out[v] = i
    return out


def rotate(cell, n):
    return (cell << n | cell >> (4 - n)) & 15


def shuffle(value, table=tuple(SHUFFLE)):
    c = cells(value)
    return join(c[table[i]] for i in range(16))


def unshuffle(value):
    return shuffle(value, inverse(SHUFFLE))


def substitute(value, table):
    return join(table[c] for c in cells(value))


def mix(value):
    """Each column of four cells times the circulant matrix of rotations 0, 1, 2, 1 (0: the cell itself does not count)."""
    s, out = cells(value), [0] * 16
    for column in range(4):
        for row in range(4):
            out[column + 4 * row] = (rotate(s[column + 4 * ((row + 1) % 4)], 1) ^ rotate(s[column + 4 * ((row + 2) % 4)], 2) ^
                                     rotate(s[column + 4 * ((row + 3) % 4)], 1))
    return join(out)


def step(cell):
    return (cell & 1 ^ cell >> 1 & 1) << 3 | cell >> 1


STEP_BACK = inverse([step(c) for c in range(16)])


def next_tweak(value):
    c = cells(value)
    return join(step(c[TWEAK[i]]) if i in TWEAK_ROTATED else c[TWEAK[i]] for i in range(16))


def last_tweak(value):
    c, out = cells(value), [0] * 16
    for i in range(16):
        out[TWEAK[i]] = STEP_BACK[c[i]] if i in TWEAK_ROTATED else c[i]
    return join(out)


def qarma(data, modifier, key0, key1, algorithm):
    """algorithm: 3 or 5"""
    rounds = algorithm - 1
    sub, sub_back = (SUB1, SUB1) if algorithm == 3 else (SUB, inverse(SUB))
    key_end = (key0 & 1) << 63 | key0 >> 2 << 1 & ALL | (key0 >> 63 ^ key0 >> 1 & 1)
    key_end &= ALL
    tweak, value = modifier, data ^ key0
    for i in range(rounds + 1):
        value ^= key1 ^ tweak ^ ROUND[i]
        if i:
            value = mix(shuffle(value))
        value = substitute(value, sub)
        tweak = next_tweak(tweak)
    value = substitute(mix(shuffle(value ^ key_end ^ tweak)), sub)
    value = mix(shuffle(value)) ^ key1
    value = substitute(unshuffle(value), sub_back)
    value = unshuffle(mix(value)) ^ key0 ^ tweak
    for i in range(rounds + 1):
        value = substitute(value, sub_back)
        if i < rounds:
            value = unshuffle(mix(value))
        tweak = last_tweak(tweak)
        value ^= ROUND[rounds - i] ^ key1 ^ tweak ^ ALPHA
    return value ^ key_end


def joined(modifier1, modifier2):
    return (modifier2 >> 5 & 0xffffffff) << 32 | (modifier1 >> 4 & 0xffffffff)


class Setting:
    """TCR_EL1 of a regime with two ranges: sizes and tags of instruction addresses."""

    def __init__(self, t0sz, t1sz, tbi0, tbi1, tbid0, tbid1):
        self.txsz, self.tbi, self.tbid = (t0sz, t1sz), (tbi0, tbi1), (tbid0, tbid1)

    def tcr(self):
        return (self.txsz[0] | self.txsz[1] << 16 | self.tbi[0] << 37 | self.tbi[1] << 38 | self.tbid[0] << 51 | self.tbid[1] << 52)

    def tagged(self, upper):
        return self.tbi[upper] and not self.tbid[upper]

    def field(self, pointer, upper):
        """(lowest bit of the code, bits of the code, bits that extend the address)"""
        bottom = 64 - self.txsz[upper]
        code = (1 << 55) - (1 << bottom)
        if not self.tagged(upper):
            code |= 0xff << 56
        return bottom, code, code | 1 << 55

    def canonical(self, pointer):
        upper = pointer >> 55 & 1
        extend = self.field(pointer, upper)[2]
        return pointer | extend if upper else pointer & ~extend

    def code(self, pointer, modifier, key, algorithm):
        return qarma(self.canonical(pointer), modifier, key[0], key[1], algorithm)

    def sign(self, pointer, modifier, key, algorithm):
        """Of a canonical pointer (tags aside)."""
        return pointer ^ (self.code(pointer, modifier, key, algorithm) & self.field(pointer, pointer >> 55 & 1)[1])

    def authenticate(self, pointer, modifier, key, algorithm):
        """The address, None for a failure."""
        result = pointer ^ (self.code(pointer, modifier, key, algorithm) & self.field(pointer, pointer >> 55 & 1)[1])
        return result if result == self.canonical(result) else None
