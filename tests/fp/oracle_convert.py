"""Conversions and estimates, in the manner of oracle.py."""

from fractions import Fraction

from oracle import (AHP, D, DN, DZC, H, HALF, IOC, IXC, NEGINF, ODD, OFC, POSINF, S, TIEEVEN, UFC,
                    ZERO, Exact, SquareRoot, convert_nan, invalid, process_denormals, process_nan, round_up, round_value, unpack)


def convert(src, dst, env, a, rounding=None):
    op = unpack(src, a, env, conversion=True)
    alternative = dst is H and env.fpcr & AHP
    if op.is_nan:
        if op.kind == "snan" or alternative:
            env.flags |= IOC
        if alternative:
            return dst.zero(op.sign)
        return env.default_nan(dst) if env.fpcr & DN else convert_nan(src, dst, a)
    if op.kind == "inf":
        if alternative:
            env.flags |= IOC
            return dst.encode(op.sign, dst.exp_ones, (1 << dst.frac_bits) - 1)
        return dst.inf(op.sign)
    if op.kind == "zero":
        return dst.zero(op.sign)
    process_denormals(src, env, op)
    return round_value(dst, op.value, env, rounding, conversion=True)


def convert_odd(env, a):
    return convert(D, S, env, a, ODD)


def round_to_integer(value, rounding):
    """(integer, inexact) by the rules FPToFixed and FPRoundInt share, from the magnitude."""
    sign = int(value < 0)
    whole, inexact, versus_half = Exact(abs(value)).scaled(0)
    whole += round_up(rounding, sign, whole & 1, inexact, versus_half)
    return -whole if sign else whole, inexact


def to_fixed(fmt, env, a, bits, fbits, rounding, is_signed):
    op = unpack(fmt, a, env)
    if op.is_nan:
        env.flags |= IOC
        return 0
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if is_signed else (0, (1 << bits) - 1)
    if op.kind == "inf":
        env.flags |= IOC
        return (low if op.sign else high) % (1 << bits)
    whole, inexact = round_to_integer(op.value * (1 << fbits), rounding)
    saturated = min(max(whole, low), high)
    if saturated != whole:
        env.flags |= IOC
    elif inexact:
        env.flags |= IXC
    return saturated % (1 << bits)


def to_sint(fmt, env, a, bits, fbits, rounding):
    return to_fixed(fmt, env, a, bits, fbits, rounding, True)


def to_uint(fmt, env, a, bits, fbits, rounding):
    return to_fixed(fmt, env, a, bits, fbits, rounding, False)


def to_int32_js(env, a):
    """FPToFixedJS; the result carries Z in bit 32."""
    op = unpack(D, a, env)
    if op.is_nan or op.kind == "inf":
        env.flags |= IOC
        return 0
    whole, inexact = round_to_integer(op.value, ZERO)
    z = 0
    if not -(1 << 31) <= whole < 1 << 31:
        env.flags |= IOC
    elif inexact:
        env.flags |= IXC
    elif op.value != 0 or a == 0:
        z = 1
    return z << 32 | whole % (1 << 32)


def from_sint(fmt, env, a, fbits):
    return from_fixed(fmt, env, a - (1 << 64) if a >> 63 else a, fbits)


def from_uint(fmt, env, a, fbits):
    return from_fixed(fmt, env, a, fbits)


def from_fixed(fmt, env, value, fbits):
    if value == 0:
        return 0
    return round_value(fmt, Fraction(value, 1 << fbits), env)


def round_int(fmt, env, a, rounding, exact):
    op = unpack(fmt, a, env)
    if op.is_nan:
        return process_nan(fmt, op, env)
    if op.kind == "inf":
        return a
    whole, inexact = round_to_integer(op.value, rounding)
    if inexact and exact:
        env.flags |= IXC
    return round_value(fmt, Fraction(whole), env, ZERO) if whole else fmt.zero(op.sign)


def round_int_bits(fmt, env, a, bits, rounding):
    op = unpack(fmt, a, env)
    whole, inexact = round_to_integer(op.value, rounding)
    too_large = not -(1 << (bits - 1)) <= whole < 1 << (bits - 1)
    if op.is_nan or op.kind == "inf" or too_large:
        env.flags |= IOC
        return round_value(fmt, Fraction(-(1 << (bits - 1))), env, ZERO)
    if inexact:
        env.flags |= IXC
    return round_value(fmt, Fraction(whole), env, ZERO) if whole else fmt.zero(op.sign)


def recip_table(a):
    """RecipEstimate for 256 <= a < 512: 2^17 / (a + 1/2), to the nearest."""
    return int(Fraction(1 << 17) / (a + HALF) + HALF)


def rsqrt_table(a):
    """RecipSqrtEstimate for 128 <= a < 512, by search as the manual defines it."""
    middle = 2 * a + 1 if a < 256 else (a // 2 * 2 + 1) * 2
    b = 512
    while middle * (b + 1) ** 2 < 1 << 28:
        b += 1
    return (b + 1) // 2


def recip_table12(a):
    """RecipEstimate with increased precision, for 2048 <= a < 4096: 2^24 / (a + 1/2), to the nearest, a half down."""
    whole, inexact, versus_half = Exact(Fraction(1 << 25) / (2 * a + 1)).scaled(0)
    return whole + (inexact and versus_half > 0)


def rsqrt_table12(a):
    """RecipSqrtEstimate with increased precision, for 1024 <= a < 4096: by a root of 53 bits, as the manual defines it."""
    middle = Fraction(2 * a + 1, 2) if a < 2048 else Fraction(a // 2 * 2 + 1)
    root, _, versus_half = SquareRoot(middle).scaled(47)
    whole, inexact, remainder = Exact(Fraction(1 << 65) / (root + (versus_half > 0))).scaled(0)
    return whole + round_up(TIEEVEN, 0, whole & 1, inexact, remainder)


def pack_estimate(fmt, sign, value, env):
    """An estimate is representable: encoding it must not raise a flag, and flushing is off."""
    flags, fpcr = env.flags, env.fpcr
    env.fpcr = 0
    bits = round_value(fmt, -value if sign else value, env)
    assert env.flags == flags
    env.fpcr = fpcr
    return bits


def recip_estimate(fmt, env, a, precise=False):
    precise = precise and env.alternative
    env = env.for_estimate()
    op = unpack(fmt, a, env)
    if op.is_nan:
        return process_nan(fmt, op, env)
    if op.kind == "inf":
        return fmt.zero(op.sign)
    if op.kind == "zero":
        env.flags |= DZC
        return fmt.inf(op.sign)
    size = abs(op.value)
    if size < Fraction(2) ** (-fmt.bias - 1):
        env.flags |= OFC | IXC
        to_inf = {TIEEVEN: True, POSINF: not op.sign, NEGINF: bool(op.sign)}
        return fmt.inf(op.sign) if to_inf.get(env.rounding) else fmt.max_normal(op.sign)
    if env.flushes(fmt) and size >= Fraction(2) ** (fmt.bias - 1):
        env.flags |= UFC
        return fmt.zero(op.sign)
    exponent = Exact(size).exponent()
    scaled = int(size * Fraction(2) ** ((11 if precise else 8) - exponent))
    # 1/x = 1/(scaled/256 * 2^exponent), and the table holds 2^17/scaled; or 1/(scaled/2048 * 2^exponent) and 2^24/scaled.
    table = Fraction(recip_table12(scaled), 1 << 13) if precise else Fraction(recip_table(scaled), 1 << 9)
    estimate = table * Fraction(2) ** -exponent
    return pack_estimate(fmt, op.sign, estimate, env)


def rsqrt_estimate(fmt, env, a, precise=False):
    precise = precise and env.alternative
    env = env.for_estimate(False)
    op = unpack(fmt, a, env)
    if op.is_nan:
        return process_nan(fmt, op, env)
    if op.kind == "zero":
        env.flags |= DZC
        return fmt.inf(op.sign)
    if op.sign:
        return invalid(fmt, env)
    if op.kind == "inf":
        return fmt.zero(0)
    # x = scaled/512 * 4^half with 0.25 <= scaled/512 < 1; the table holds 256/sqrt(scaled/512).
    half = (Exact(op.value).exponent() + 2) // 2
    scaled = int(op.value * Fraction(4) ** -half * (4096 if precise else 512))
    table = Fraction(rsqrt_table12(scaled), 4096) if precise else Fraction(rsqrt_table(scaled), 256)
    return pack_estimate(fmt, 0, table * Fraction(2) ** -half, env)


def recip_estimate12(fmt, env, a):
    """FEAT_RPRES: twelve bits where FPCR.AH is set."""
    return recip_estimate(fmt, env, a, True)


def rsqrt_estimate12(fmt, env, a):
    return rsqrt_estimate(fmt, env, a, True)


def recip_estimate_u32(env, a):
    return recip_table(a >> 23) << 23 if a >> 31 else 0xFFFFFFFF


def rsqrt_estimate_u32(env, a):
    return rsqrt_table(a >> 23) << 23 if a >> 30 else 0xFFFFFFFF


def recpx(fmt, env, a):
    env = env.for_estimate()
    op = unpack(fmt, a, env)
    if op.is_nan:
        return process_nan(fmt, op, env)
    sign, exp, _ = fmt.fields(a)
    return fmt.encode(sign, exp ^ fmt.exp_ones if exp else fmt.exp_ones - 1, 0)
