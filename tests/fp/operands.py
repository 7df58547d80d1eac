"""Operands for the vectors: mostly where rounding, flushing and special cases meet."""

from fractions import Fraction
from random import Random  # seeded by a string, so the same on every Python 3

from oracle import AH, AHP, D, DN, FIZ, FZ, FZ16, H, RMODE_SHIFT, S, Env, round_value

__all__ = ["Random"]


def control(rng):
    """FPCR: the default half of the time, so that fast paths are exercised too."""
    if rng.random() < 0.5:
        return 0
    fpcr = rng.randrange(4) << RMODE_SHIFT
    for bit in (FZ, FZ16, DN, AHP, AH, FIZ):
        fpcr |= bit if rng.random() < 0.4 else 0
    return fpcr


def fraction(fmt, rng):
    """A fraction field: sparse at either end, dense, or one step from those."""
    width, ones = fmt.frac_bits, (1 << fmt.frac_bits) - 1
    top = rng.getrandbits(rng.randrange(1, width + 1))
    pick = rng.randrange(7)
    if pick == 0:
        return 0
    if pick == 1:
        return ones
    if pick == 2:
        return 1 << rng.randrange(width)
    if pick == 3:
        return ones ^ 1 << rng.randrange(width)
    if pick == 4:
        return top << (width - max(top.bit_length(), 1))
    if pick == 5:
        return top
    return rng.getrandbits(width)


def exponent(fmt, rng):
    """An exponent field below the specials: around its ends and the middle, or anywhere."""
    pick = rng.randrange(5)
    if pick == 0:
        return rng.randrange(0, 4)
    if pick == 1:
        return fmt.exp_ones - 1 - rng.randrange(3)
    if pick == 2:
        return rng.randrange(fmt.exp_ones)
    spread = rng.randrange(1, fmt.frac_bits + 4)
    return min(max(fmt.bias + rng.randrange(-spread, spread + 1), 0), fmt.exp_ones - 1)


def finite(fmt, rng):
    return fmt.encode(rng.getrandbits(1), exponent(fmt, rng), fraction(fmt, rng))


def special(fmt, rng):
    sign = rng.getrandbits(1)
    payload = rng.choice((1, fmt.quiet_bit - 1, rng.getrandbits(fmt.frac_bits - 1) | 1))
    return rng.choice((
        fmt.zero(sign), fmt.inf(sign), fmt.default_nan,
        fmt.encode(sign, fmt.exp_ones, fmt.quiet_bit | payload),
        fmt.encode(sign, fmt.exp_ones, payload),
        fmt.encode(sign, 0, fraction(fmt, rng)),
        fmt.encode(sign, 1, rng.getrandbits(1)),
        fmt.encode(sign, fmt.bias, 0),
        fmt.max_normal(sign)))


def corners(fmt):
    """Values whose combinations have rules of their own."""
    positive = (fmt.zero(0), fmt.inf(0), fmt.encode(0, 0, 1), fmt.encode(0, fmt.bias, 0),
                fmt.default_nan | 1, fmt.encode(0, fmt.exp_ones, 1))
    return positive + tuple(bits | 1 << (fmt.width - 1) for bits in positive)


def any_value(fmt, rng):
    return special(fmt, rng) if rng.random() < 0.25 else finite(fmt, rng)


def clamp(fmt, sign, exp, frac):
    return fmt.encode(sign, min(max(exp, 0), fmt.exp_ones - 1), frac)


def nudge(fmt, bits, rng):
    """One of the neighbouring encodings."""
    mag = bits & ((1 << (fmt.width - 1)) - 1)
    mag = min(max(mag + rng.randrange(-2, 3), 0), fmt.max_normal(0))
    return bits >> (fmt.width - 1) << (fmt.width - 1) | mag


def encode(fmt, value, rng):
    """A value near a rational, in some rounding mode."""
    bits = round_value(fmt, value, Env(rng.randrange(4) << RMODE_SHIFT))
    return nudge(fmt, bits, rng) if rng.random() < 0.5 else bits


def value_of(fmt, bits):
    sign, exp, frac = fmt.fields(bits)
    value = Fraction(frac + (1 << fmt.frac_bits) * (exp > 0))
    value *= Fraction(2) ** (max(exp, 1) - fmt.bias - fmt.frac_bits)
    return -value if sign else value


def for_sum(fmt, rng):
    """Half of the pairs lie close enough for alignment, ties and cancellation to matter."""
    a = any_value(fmt, rng)
    if rng.random() < 0.4:
        return [a, any_value(fmt, rng)]
    a = finite(fmt, rng)
    sign, exp, frac = fmt.fields(a)
    if rng.random() < 0.3:
        pair = [a, nudge(fmt, a ^ rng.getrandbits(1) << (fmt.width - 1), rng)]
    else:
        other = exp - rng.randrange(-2, fmt.frac_bits + 4)
        pair = [a, clamp(fmt, rng.getrandbits(1), other, fraction(fmt, rng))]
    rng.shuffle(pair)
    return pair


def boundary(fmt, rng):
    """The smallest normal, half the smallest denormal or the overflow bound, or just beside."""
    exact = rng.choice((
        Fraction(2) ** fmt.min_exp,
        Fraction(2) ** (fmt.min_exp - fmt.frac_bits - 1),
        Fraction(2) ** (fmt.bias + 1) * (1 - Fraction(1, 4 << fmt.frac_bits))))
    distance = Fraction(rng.randrange(-7, 8), 16 << rng.randrange(fmt.frac_bits + 2))
    distance = rng.choice((0, distance))
    return rng.choice((-1, 1)) * exact * (1 + distance)


def short_pair(fmt, rng):
    """Two numbers whose product has one bit more or less than the format, or just as many."""
    total = fmt.frac_bits + rng.randrange(1, 4)
    length = rng.randrange(max(total - fmt.frac_bits - 1, 1), min(total, fmt.frac_bits + 2))
    pair = []
    for bits in (length, total - length):
        odd = 1 << (bits - 1) | rng.getrandbits(bits) >> 1 | 1
        scale = Fraction(2) ** rng.randrange(-4 - bits, 5 - bits)
        pair.append(round_value(fmt, rng.choice((-1, 1)) * odd * scale, Env(0)))
    return pair


def for_product(fmt, rng):
    """Aims products at ties and at the format's boundaries."""
    pick = rng.random()
    if pick < 0.3:
        return [any_value(fmt, rng), any_value(fmt, rng)]
    if pick < 0.4:
        return short_pair(fmt, rng)
    a = finite(fmt, rng)
    if pick < 0.6 and value_of(fmt, a):
        return [a, encode(fmt, boundary(fmt, rng) / value_of(fmt, a), rng)]
    _, exp, _ = fmt.fields(a)
    target = rng.choice((fmt.bias, 1, 1 - fmt.frac_bits, fmt.exp_ones - 1))
    other = target + fmt.bias - exp + rng.randrange(-2, 3)
    return [a, clamp(fmt, rng.getrandbits(1), other, fraction(fmt, rng))]


def for_quotient(fmt, rng):
    """Besides, dividends that are products, so that quotients are exact or nearly so."""
    pick = rng.random()
    if pick < 0.4:
        return [any_value(fmt, rng), any_value(fmt, rng)]
    b = finite(fmt, rng)
    if pick < 0.7:
        q = clamp(fmt, rng.getrandbits(1), fmt.bias + rng.randrange(-4, 5), fraction(fmt, rng))
        target = rng.choice((value_of(fmt, q), boundary(fmt, rng)))
        return [encode(fmt, target * value_of(fmt, b), rng), b]
    if pick < 0.75:
        q, b = short_pair(fmt, rng)
        return [round_value(fmt, value_of(fmt, q) * value_of(fmt, b), Env(0)), b]
    _, exp, _ = fmt.fields(b)
    target = rng.choice((fmt.bias, 1, 1 - fmt.frac_bits, fmt.exp_ones - 1))
    other = target - fmt.bias + exp + rng.randrange(-2, 3)
    return [clamp(fmt, rng.getrandbits(1), other, fraction(fmt, rng)), b]


def for_root(fmt, rng):
    if rng.random() < 0.5:
        return [any_value(fmt, rng)]
    root = clamp(fmt, 0, fmt.bias + rng.randrange(-8, 9), fraction(fmt, rng))
    if rng.random() < 0.3:
        low = fmt.frac_bits // 2 + rng.randrange(-3, 1)
        root = (root >> low | 1) << low
    return [encode(fmt, value_of(fmt, root) ** 2, rng)]


# Factors below 2^53 of 2^99 + 1 and its like: products that are a power of two and a distant bit.
DISTANT_BIT = ((726299806937961, 872677225106649), (1081494349410401, 1172128731804577),
               (1178753707867385, 4301664009258313), (5634663596278459, 7199155462287987))


def tie_and_distant_bit(fmt, rng):
    """A product at half a unit of the addend, and a little more, only seen if no bit is lost."""
    a, b = (Fraction(factor) for factor in rng.choice(DISTANT_BIT))
    power = (a * b).numerator.bit_length() - 1
    unit = Fraction(2) ** (power + rng.choice((0, 1, 2)))
    addend = unit * (rng.getrandbits(fmt.frac_bits + 1) | 1 << fmt.frac_bits)
    values = (rng.choice((-1, 1)) * addend, rng.choice((-1, 1)) * a, b)
    return [round_value(fmt, value, Env(0)) for value in values]


def for_muladd(fmt, rng):
    """addend, a, b: the addend cancels the product, sits at its edge, or is unrelated."""
    if fmt is D and rng.random() < 0.05:
        return tie_and_distant_bit(fmt, rng)
    a, b = for_product(fmt, rng)
    if rng.random() < 0.25 or fmt.exp_ones in (fmt.fields(a)[1], fmt.fields(b)[1]):
        return [any_value(fmt, rng), a, b]
    product = value_of(fmt, a) * value_of(fmt, b)
    target = rng.choice((0, 0, boundary(fmt, rng)))
    addend = encode(fmt, target - product, rng)
    if rng.random() < 0.5:
        return [addend, a, b]
    sign, exp, frac = fmt.fields(addend)
    distance = rng.randrange(-2 * fmt.frac_bits - 4, fmt.frac_bits + 4)
    return [clamp(fmt, rng.getrandbits(1), exp - distance, fraction(fmt, rng)), a, b]


def for_muladd_hs(fmt, rng):
    _, a, b = for_muladd(H, rng)
    if rng.random() < 0.5 or H.exp_ones in (H.fields(a)[1], H.fields(b)[1]):
        return [any_value(S, rng), a, b]
    product = value_of(H, a) * value_of(H, b)
    return [encode(S, -product * rng.choice((1, 1 + Fraction(1, 1 << 20), 1 << 24)), rng), a, b]


def for_comparison(fmt, rng):
    a = any_value(fmt, rng)
    if rng.random() < 0.6:
        return [a, any_value(fmt, rng)]
    if fmt.fields(a)[1] == fmt.exp_ones:
        return [a, a ^ rng.getrandbits(1) << (fmt.width - 1)]
    return [a, nudge(fmt, a ^ rng.getrandbits(1) << (fmt.width - 1), rng)]


def for_estimate(fmt, rng):
    """Every table entry in turn matters, so mostly plain random significands."""
    if rng.random() < 0.3:
        return [any_value(fmt, rng)]
    return [fmt.encode(rng.random() < 0.2, exponent(fmt, rng), rng.getrandbits(fmt.frac_bits))]


def for_integer_estimate(fmt, rng):
    return [rng.getrandbits(32) | rng.choice((0, 1 << 30, 1 << 31))]


def for_narrowing(src, dst, rng):
    """Values around the narrower format's ties, denormals and largest number."""
    if src.width <= dst.width or rng.random() < 0.3:
        return [any_value(src, rng)]
    target = rng.choice((
        rng.randrange(-dst.frac_bits - 3, 4), dst.exp_ones + rng.randrange(-2, 3),
        rng.randrange(dst.exp_ones)))
    near = value_of(dst, clamp(dst, 0, max(target, 1), fraction(dst, rng)))
    near *= 1 + Fraction(rng.choice((-1, 0, 1)), 1 << (dst.frac_bits + 1))
    bits = encode(src, near * Fraction(2) ** min(target - 1, 0), rng)
    return [bits | rng.getrandbits(1) << (src.width - 1)]


def for_to_int(fmt, rng):
    """value, integer width, fraction bits, rounding: near halves and near each integer's limits."""
    bits = rng.choice((16, 32, 64))
    fbits = rng.choice((0, 0, rng.randrange(bits + 1)))
    rounding = rng.randrange(5)
    pick = rng.random()
    if pick < 0.25:
        return [any_value(fmt, rng), bits, fbits, rounding]
    if pick < 0.6:
        limit = rng.choice((0, 1, 1 << (bits - 1), 1 << bits))
        near = limit + Fraction(rng.randrange(-6, 7), 4)
    else:
        near = Fraction(rng.getrandbits(rng.randrange(1, fmt.frac_bits + 3)), 4)
    value = rng.choice((-1, 1)) * near / (1 << fbits)
    return [encode(fmt, value, rng), bits, fbits, rounding]


def for_from_int(fmt, rng):
    """64-bit integers with the bits that decide the rounding, and fraction bits."""
    length = rng.randrange(65)
    value = rng.getrandbits(length) if length else 0
    if length > fmt.frac_bits + 1 and rng.random() < 0.7:
        low = length - fmt.frac_bits - 1
        value = value >> low << low | rng.choice((1 << (low - 1), 0, (1 << low) - 1))
        value += rng.choice((-1, 0, 1))
    if rng.random() < 0.5:
        value = -value
    return [value % (1 << 64), rng.choice((0, 0, rng.randrange(65)))]


def for_round_int(fmt, rng):
    """Quarters, and integers around 2^31, 2^63 and the precision of the format."""
    pick = rng.random()
    if pick < 0.25:
        return [any_value(fmt, rng)]
    if pick < 0.5:
        near = (1 << rng.choice((31, 63, fmt.frac_bits, fmt.frac_bits - 1))) + \
            Fraction(rng.randrange(-8, 9), 4)
    else:
        near = Fraction(rng.getrandbits(rng.randrange(1, fmt.frac_bits + 3)), 4)
    return [encode(fmt, rng.choice((-1, 1)) * near, rng)]
