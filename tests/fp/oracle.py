"""Arm floating point in exact rational arithmetic: what the C code is checked against.

Written from the Arm ARM, Shared Pseudocode, functions/float. Numbers are Fractions throughout and
rounding is decided on the exact value, so nothing here resembles the integer code under test, and
none of it uses the host's floating point.
"""

from fractions import Fraction
from math import isqrt

IOC, DZC, OFC, UFC, IXC, IDC = 1, 2, 4, 8, 16, 128
FIZ, AH = 1, 2  # FEAT_AFP
FZ16, FZ, DN, AHP = 1 << 19, 1 << 24, 1 << 25, 1 << 26
RMODE_SHIFT = 22
TIEEVEN, POSINF, NEGINF, ZERO, TIEAWAY, ODD = range(6)
HALF = Fraction(1, 2)


class Format:
    """A binary interchange format: width, exponent bits, fraction bits."""

    def __init__(self, letter, width, exp_bits):
        self.letter, self.width, self.exp_bits = letter, width, exp_bits
        self.frac_bits = width - 1 - exp_bits
        self.bias = (1 << (exp_bits - 1)) - 1
        self.min_exp = 1 - self.bias
        self.exp_ones = (1 << exp_bits) - 1

    def encode(self, sign, exp, frac):
        return sign << (self.width - 1) | exp << self.frac_bits | frac

    def fields(self, bits):
        frac = bits & ((1 << self.frac_bits) - 1)
        return bits >> (self.width - 1), (bits >> self.frac_bits) & self.exp_ones, frac

    def zero(self, sign):
        return self.encode(sign, 0, 0)

    def inf(self, sign):
        return self.encode(sign, self.exp_ones, 0)

    def max_normal(self, sign):
        return self.encode(sign, self.exp_ones - 1, (1 << self.frac_bits) - 1)

    @property
    def quiet_bit(self):
        return 1 << (self.frac_bits - 1)

    @property
    def default_nan(self):
        return self.encode(0, self.exp_ones, self.quiet_bit)


H = Format("h", 16, 5)
S = Format("s", 32, 8)
D = Format("d", 64, 11)
FORMATS = {"h": H, "s": S, "d": D}


class Env:
    def __init__(self, fpcr):
        self.fpcr, self.flags = fpcr, 0

    @property
    def rounding(self):
        return (self.fpcr >> RMODE_SHIFT) & 3

    @property
    def alternative(self):
        return bool(self.fpcr & AH)

    def flushes(self, fmt):
        """Results; operands too, but for FPCR.AH."""
        return bool(self.fpcr & (FZ16 if fmt is H else FZ))

    def default_nan(self, fmt):
        return fmt.encode(int(self.alternative), fmt.exp_ones, fmt.quiet_bit)

    def for_estimate(self, round_to_nearest=True):
        """FPCR as estimates and steps see it: with AH denormals are flushed, flags lost and rounding is to nearest."""
        if not self.alternative:
            return self
        return Env((self.fpcr | FIZ | FZ) & ~((3 << RMODE_SHIFT) if round_to_nearest else 0))


class Operand:
    """kind is one of zero, finite, inf, qnan, snan; value is the Fraction when it is a number."""

    def __init__(self, kind, sign, bits, value=Fraction(0), denormal=False):
        self.kind, self.sign, self.bits, self.value, self.denormal = kind, sign, bits, value, denormal

    half = False  # of FMLAL, which counts denormals of the addend only

    @property
    def is_nan(self):
        return self.kind in ("qnan", "snan")


def unpack(fmt, bits, env, conversion=False):
    """FPUnpack, or FPUnpackCV: there FZ16 is ignored and AHP counts."""
    sign, exp, frac = fmt.fields(bits)
    alternative = conversion and fmt is H and env.fpcr & AHP
    if exp == 0:
        if frac == 0:
            return Operand("zero", sign, bits)
        if fmt is H:
            flush = env.flushes(fmt) and not conversion
        else:
            loud = env.flushes(fmt) and not env.alternative
            flush = loud or env.fpcr & FIZ
            env.flags |= IDC if loud else 0
        if flush:
            return Operand("zero", sign, bits)
        value = Fraction(frac, 1 << fmt.frac_bits) * Fraction(2) ** fmt.min_exp
    elif exp == fmt.exp_ones and not alternative:
        if frac == 0:
            return Operand("inf", sign, bits)
        return Operand("qnan" if frac & fmt.quiet_bit else "snan", sign, bits)
    else:
        value = (1 + Fraction(frac, 1 << fmt.frac_bits)) * Fraction(2) ** (exp - fmt.bias)
    return Operand("finite", sign, bits, -value if sign else value, denormal=exp == 0)


def process_denormals(fmt, env, *ops):
    """FPProcessDenorms: with AH, an operand that is a denormal and was used as one raises IDC."""
    if env.alternative and fmt is not H and any(op.denormal for op in ops):
        env.flags |= IDC


class Exact:
    """A positive rational, seen through floor and remainder at any binary scale."""

    def __init__(self, value):
        self.value = value

    def exponent(self):
        exp = self.value.numerator.bit_length() - self.value.denominator.bit_length()
        return exp if self.value >= Fraction(2) ** exp else exp - 1

    def scaled(self, power):
        """floor(x * 2^power), and how the remainder compares: (above zero, versus one half)."""
        value = self.value * Fraction(2) ** power
        floor = value.numerator // value.denominator
        error = value - floor
        return floor, error != 0, (error > HALF) - (error < HALF)


class SquareRoot(Exact):
    """The square root of a positive rational, likewise."""

    def exponent(self):
        return super().exponent() // 2

    def scaled(self, power):
        square = self.value * Fraction(4) ** power
        floor = isqrt(square.numerator // square.denominator)
        middle = (floor + HALF) ** 2
        return floor, floor * floor != square, (square > middle) - (square < middle)


def round_up(rounding, sign, odd, inexact, versus_half):
    """Whether a magnitude moves away from zero."""
    if rounding == TIEEVEN:
        return versus_half > 0 or (versus_half == 0 and odd)
    if rounding == TIEAWAY:
        return versus_half >= 0
    if rounding == POSINF:
        return inexact and not sign
    if rounding == NEGINF:
        return inexact and bool(sign)
    return False


def round_magnitude(fmt, sign, magnitude, env, rounding, conversion=False):
    """FPRound of a non-zero value, or FPRoundCV."""
    exponent = magnitude.exponent()
    tiny = exponent < fmt.min_exp
    if env.alternative:
        # Tininess after rounding: to the precision of the format, as if the exponent had no limit.
        whole, inexact, versus_half = magnitude.scaled(fmt.frac_bits - exponent)
        whole += round_up(rounding, sign, whole & 1, inexact, versus_half)
        tiny = Exact(whole * Fraction(2) ** (exponent - fmt.frac_bits)).exponent() < fmt.min_exp
    if tiny and env.flushes(fmt) and not (conversion and fmt is H):
        env.flags |= UFC | (IXC if env.alternative else 0)
        return fmt.zero(sign)
    biased = max(exponent - fmt.min_exp + 1, 0)
    scale = fmt.frac_bits - (exponent if biased else fmt.min_exp)
    mantissa, inexact, versus_half = magnitude.scaled(scale)
    if tiny and inexact:
        env.flags |= UFC
    if round_up(rounding, sign, mantissa & 1, inexact, versus_half):
        mantissa += 1
        if mantissa == 1 << fmt.frac_bits:
            biased = 1
        if mantissa == 2 << fmt.frac_bits:
            biased, mantissa = biased + 1, mantissa // 2
    if rounding == ODD and inexact:
        mantissa |= 1
    if conversion and fmt is H and env.fpcr & AHP:
        if biased > fmt.exp_ones:
            env.flags |= IOC
            return fmt.encode(sign, fmt.exp_ones, (1 << fmt.frac_bits) - 1)
    elif biased >= fmt.exp_ones:
        env.flags |= OFC | IXC
        to_inf = {TIEEVEN: True, POSINF: not sign, NEGINF: bool(sign)}.get(rounding, False)
        return fmt.inf(sign) if to_inf else fmt.max_normal(sign)
    if inexact:
        env.flags |= IXC
    return fmt.encode(sign, biased, mantissa & ((1 << fmt.frac_bits) - 1))


def round_value(fmt, value, env, rounding=None, conversion=False):
    """Rounds any rational; an exact zero takes the sign of the rounding mode."""
    rounding = env.rounding if rounding is None else rounding
    if value == 0:
        return fmt.zero(int(rounding == NEGINF))
    return round_magnitude(fmt, int(value < 0), Exact(abs(value)), env, rounding, conversion)


def process_nan(fmt, op, env):
    if op.kind == "snan":
        env.flags |= IOC
    return env.default_nan(fmt) if env.fpcr & DN else op.bits | fmt.quiet_bit


def selected_nan(ops, env):
    """FPProcessNaNs, FPProcessNaNs3: the first signaling, else the first quiet NaN, else None. With AH the first operand's (after
    an addend: a factor's, which comes first), and it is signaling when any is."""
    nans = [op for op in ops if op.is_nan]
    if not nans:
        return None
    if env.alternative and len(nans) > 1:
        chosen = nans[1] if len(ops) == 3 and nans[0] is ops[0] else nans[0]
        kind = "snan" if any(op.kind == "snan" for op in nans) else "qnan"
        return Operand(kind, chosen.sign, chosen.bits), ops.index(chosen)
    chosen = min(nans, key=lambda op: op.kind != "snan")
    return chosen, ops.index(chosen)


def process_nans(fmt, ops, env):
    found = selected_nan(list(ops), env)
    return found and process_nan(fmt, found[0], env)


def convert_nan(src, dst, bits):
    """FPConvertNaN: the payload keeps its most significant bits; the result is quiet."""
    sign, _, frac = src.fields(bits)
    payload = frac & (src.quiet_bit - 1)
    shift = dst.frac_bits - src.frac_bits
    payload = payload << shift if shift >= 0 else payload >> -shift
    return dst.encode(sign, dst.exp_ones, dst.quiet_bit | payload)


def invalid(fmt, env):
    env.flags |= IOC
    return env.default_nan(fmt)


def is_nan(fmt, bits):
    _, exp, frac = fmt.fields(bits)
    return exp == fmt.exp_ones and frac != 0


def neg(fmt, env, bits):
    """FPNeg: with AH, a NaN keeps its sign."""
    return bits if env.alternative and is_nan(fmt, bits) else bits ^ 1 << (fmt.width - 1)


def add(fmt, env, a, b, subtract=False):
    x, y = unpack(fmt, a, env), unpack(fmt, b, env)
    nan = process_nans(fmt, (x, y), env)
    if nan is not None:
        return nan
    process_denormals(fmt, env, x, y)
    y_sign, y_value = (1 - y.sign, -y.value) if subtract else (y.sign, y.value)
    if x.kind == y.kind == "inf":
        return fmt.inf(x.sign) if x.sign == y_sign else invalid(fmt, env)
    if x.kind == "inf":
        return fmt.inf(x.sign)
    if y.kind == "inf":
        return fmt.inf(y_sign)
    if x.kind == y.kind == "zero" and x.sign == y_sign:
        return fmt.zero(x.sign)
    return round_value(fmt, x.value + y_value, env)


def sub(fmt, env, a, b):
    return add(fmt, env, a, b, subtract=True)


def abd(fmt, env, a, b):
    result = sub(fmt, env, a, b)
    return result if env.alternative and is_nan(fmt, result) else result & ~(1 << (fmt.width - 1))


def product(fmt, env, a, b, inf_by_zero):
    x, y = unpack(fmt, a, env), unpack(fmt, b, env)
    nan = process_nans(fmt, (x, y), env)
    if nan is not None:
        return nan
    process_denormals(fmt, env, x, y)
    sign = x.sign ^ y.sign
    if {x.kind, y.kind} == {"inf", "zero"}:
        return inf_by_zero(sign)
    if "inf" in (x.kind, y.kind):
        return fmt.inf(sign)
    if "zero" in (x.kind, y.kind):
        return fmt.zero(sign)
    return round_value(fmt, x.value * y.value, env)


def mul(fmt, env, a, b):
    return product(fmt, env, a, b, lambda sign: invalid(fmt, env))


def mulx(fmt, env, a, b):
    return product(fmt, env, a, b, lambda sign: fmt.encode(sign, fmt.bias + 1, 0))


def div(fmt, env, a, b):
    x, y = unpack(fmt, a, env), unpack(fmt, b, env)
    nan = process_nans(fmt, (x, y), env)
    if nan is not None:
        return nan
    if y.kind != "zero":
        process_denormals(fmt, env, x, y)
    sign = x.sign ^ y.sign
    if x.kind == y.kind and x.kind in ("inf", "zero"):
        return invalid(fmt, env)
    if x.kind == "inf":
        return fmt.inf(sign)
    if y.kind == "zero":
        env.flags |= DZC
        return fmt.inf(sign)
    if x.kind == "zero" or y.kind == "inf":
        return fmt.zero(sign)
    return round_value(fmt, x.value / y.value, env)


def sqrt(fmt, env, a):
    x = unpack(fmt, a, env)
    if x.is_nan:
        return process_nan(fmt, x, env)
    if x.kind == "zero":
        return fmt.zero(x.sign)
    if x.sign:
        return invalid(fmt, env)
    if x.kind == "inf":
        return fmt.inf(0)
    process_denormals(fmt, env, x)
    return round_magnitude(fmt, 0, SquareRoot(x.value), env, env.rounding)


def muladd_operands(fmt, env, addend, x, y, nan):
    """FPMulAdd after unpacking; `nan` is what FPProcessNaNs3 found."""
    bad_product = {x.kind, y.kind} == {"inf", "zero"}
    if addend.kind == "qnan" and bad_product and not env.alternative:
        return invalid(fmt, env)
    if nan is not None:
        return nan
    sign = x.sign ^ y.sign
    inf_product = "inf" in (x.kind, y.kind)
    if bad_product or (addend.kind == "inf" and inf_product and addend.sign != sign):
        return invalid(fmt, env)
    process_denormals(fmt, env, addend, *(() if x.half else (x, y)))
    if addend.kind == "inf":
        return fmt.inf(addend.sign)
    if inf_product:
        return fmt.inf(sign)
    if addend.kind == "zero" and "zero" in (x.kind, y.kind) and addend.sign == sign:
        return fmt.zero(sign)
    return round_value(fmt, addend.value + x.value * y.value, env)


def muladd(fmt, env, addend, a, b):
    ops = [unpack(fmt, bits, env) for bits in (addend, a, b)]
    return muladd_operands(fmt, env, *ops, process_nans(fmt, ops, env))


def muladd_hs(env, addend, a, b):
    """FPMulAddH: half precision factors, single precision sum."""
    ops = [unpack(S, addend, env), unpack(H, a, env), unpack(H, b, env)]
    ops[1].half = ops[2].half = True
    nan, found = None, selected_nan(ops, env)
    if found:
        fmt = (S, H, H)[found[1]]
        nan = process_nan(fmt, found[0], env)
        nan = convert_nan(H, S, nan) if fmt is H else nan
    return muladd_operands(S, env, *ops, nan)


def step(fmt, env, a, b, constant, scale):
    a, env = neg(fmt, env, a), env.for_estimate()
    x, y = unpack(fmt, a, env), unpack(fmt, b, env)
    nan = process_nans(fmt, (x, y), env)
    if nan is not None:
        return nan
    if {x.kind, y.kind} == {"inf", "zero"}:
        return round_value(fmt, constant * scale, env)
    if "inf" in (x.kind, y.kind):
        return fmt.inf(x.sign ^ y.sign)
    return round_value(fmt, (constant + x.value * y.value) * scale, env)


def recip_step(fmt, env, a, b):
    return step(fmt, env, a, b, Fraction(2), Fraction(1))


def rsqrt_step(fmt, env, a, b):
    return step(fmt, env, a, b, Fraction(3), HALF)


def order(op):
    return {"inf": Fraction(2) ** 2000 * (-1 if op.sign else 1)}.get(op.kind, op.value)


def extreme(fmt, env, a, b, pick_first, zero_sign, by_ah=True):
    """FPMax, FPMin; with AH (not for the NM forms) the second operand is the answer to all that is not ordered."""
    x, y = unpack(fmt, a, env), unpack(fmt, b, env)
    alternative = by_ah and env.alternative
    if alternative and (x.is_nan or y.is_nan):
        env.flags |= IOC
        return fmt.zero(y.sign) if y.kind == "zero" else b
    if alternative and x.kind == y.kind == "zero":
        return fmt.zero(y.sign)
    nan = process_nans(fmt, (x, y), env)
    if nan is not None:
        return nan
    process_denormals(fmt, env, x, y)
    chosen = x if pick_first(order(x), order(y)) else y
    if chosen.kind == "zero":
        return fmt.zero(zero_sign(x.sign, y.sign))
    if chosen.denormal and not alternative:
        return round_value(fmt, chosen.value, env)
    return chosen.bits


def fmax(fmt, env, a, b, by_ah=True):
    return extreme(fmt, env, a, b, lambda x, y: x > y, lambda x, y: x & y, by_ah)


def fmin(fmt, env, a, b, by_ah=True):
    return extreme(fmt, env, a, b, lambda x, y: x < y, lambda x, y: x | y, by_ah)


def without_quiet_nan(fmt, env, a, b, loser):
    x, y = unpack(fmt, a, env), unpack(fmt, b, env)
    a_quiet, b_quiet = x.kind == "qnan", y.kind == "qnan"
    if env.alternative and x.is_nan and y.is_nan:
        return a, b
    if a_quiet and not b_quiet:
        a = loser
    elif b_quiet and not a_quiet:
        b = loser
    return a, b


def maxnm(fmt, env, a, b):
    return fmax(fmt, env, *without_quiet_nan(fmt, env, a, b, fmt.inf(1)), by_ah=False)


def minnm(fmt, env, a, b):
    return fmin(fmt, env, *without_quiet_nan(fmt, env, a, b, fmt.inf(0)), by_ah=False)


def unordered(fmt, x, y, env, signal_nans):
    if x.is_nan or y.is_nan:
        if signal_nans or "snan" in (x.kind, y.kind):
            env.flags |= IOC
        return True
    process_denormals(fmt, env, x, y)
    return False


def compare(fmt, env, a, b, signal_nans):
    x, y = unpack(fmt, a, env), unpack(fmt, b, env)
    if unordered(fmt, x, y, env, signal_nans):
        return 0b0011
    if order(x) == order(y):
        return 0b0110
    return 0b1000 if order(x) < order(y) else 0b0010


def predicate(fmt, env, a, b, signal_nans, holds):
    x, y = unpack(fmt, a, env), unpack(fmt, b, env)
    return int(not unordered(fmt, x, y, env, signal_nans) and holds(order(x), order(y)))


def eq(fmt, env, a, b):
    return predicate(fmt, env, a, b, False, lambda x, y: x == y)


def ge(fmt, env, a, b):
    return predicate(fmt, env, a, b, True, lambda x, y: x >= y)


def gt(fmt, env, a, b):
    return predicate(fmt, env, a, b, True, lambda x, y: x > y)
