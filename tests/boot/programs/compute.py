"""Numeric work whose result is one on every machine: correctly rounded, exact, or printed to fewer digits than the C library promises."""
import array
import ctypes
import decimal
import fractions
import hashlib
import math
import random
import statistics
import struct
import threading
import zlib


def digest(items):
    return hashlib.sha256("\n".join(map(str, items)).encode()).hexdigest()[:24]


def floats(rng, count):
    """Bit patterns of every kind but NaN."""
    values = (struct.unpack("<d", rng.randbytes(8))[0] for _ in range(count))
    return [v for v in values if v == v]


def arithmetic(rng):
    values, out = floats(rng, 30000), []
    for a, b in zip(values, values[1:]):
        out += [(a + b).hex(), (a - b).hex(), (a * b).hex(), (a / b).hex() if b else "", a < b, math.sqrt(abs(a)).hex()]
    return out


def rounding(rng):
    out = []
    for _ in range(20000):
        v = rng.uniform(-1e10, 1e10) * 10.0 ** rng.randrange(-12, 10)
        out += [int(v), round(v), round(v, 2), math.floor(v), math.ceil(v), math.frexp(v), math.modf(v), math.fmod(v, 3.7), math.remainder(v, 1.3)]
    return out


def text(rng):
    values = floats(rng, 10000)
    return [repr(v) for v in values] + ["%.17g %.3e" % (v, v) for v in values] + [float(repr(v)) == v for v in values]


def narrow(rng):
    out = []
    for v in [rng.uniform(-70000, 70000) * 2.0 ** rng.randrange(-40, 1) for _ in range(20000)]:
        out += [struct.pack("<e", v if abs(v) < 65519 else 1.0).hex(), struct.pack("<f", v).hex(), array.array("f", [v])[0], ctypes.c_float(v).value]
    return out


def transcendental(rng):
    functions = (math.sin, math.cos, math.tan, math.exp, math.atan, math.tanh, math.erf, lambda v: math.log(abs(v)), lambda v: math.gamma(abs(v) + 0.1))
    return ["%.10e" % f(v) for f in functions for v in (rng.uniform(-10, 10) for _ in range(2000))]


def decimals(rng):
    with decimal.localcontext() as context:
        context.prec = 300
        out = [decimal.Decimal(n).sqrt() for n in range(2, 60)] + [decimal.Decimal(n).ln() for n in range(2, 6)] + [decimal.Decimal(1).exp()]
        context.prec = 20
        for mode in ("ROUND_HALF_EVEN", "ROUND_UP", "ROUND_FLOOR", "ROUND_05UP"):
            context.rounding = mode
            for _ in range(2000):
                a, b = (decimal.Decimal(rng.randrange(-10**25, 10**25)).scaleb(-rng.randrange(30)) for _ in range(2))
                out += [a + b, a * b, a / b if b else 0]
    return out


def integers(rng):
    big = [rng.getrandbits(rng.randrange(1, 3000)) for _ in range(600)]
    return [pow(a, b % 500, 2**521 - 1) for a, b in zip(big, big[1:])] + [a * b // (c + 1) for a, b, c in zip(big, big[1:], big[2:])] + \
        [math.isqrt(a) for a in big] + [math.gcd(a, b) for a, b in zip(big, big[1:])] + [3**8000, math.factorial(900)]


def exact(rng):
    total = sum((fractions.Fraction(rng.randrange(1, 999), rng.randrange(1, 999)) for _ in range(200)), fractions.Fraction(0))
    values = [rng.random() * 10.0 ** rng.randrange(-20, 20) for _ in range(5000)]
    return [total, math.fsum(values).hex(), statistics.fmean(values).hex(), statistics.variance([fractions.Fraction(v) for v in values[:200]])]


def threads(rng):
    sums, lock, data = [0] * 4, threading.Lock(), rng.randbytes(200000)
    total = [0]

    def work(index):
        for i in range(200):
            part = zlib.crc32(data[i * 1000:(i + 1) * 1000], index)
            sums[index] ^= part
            with lock:
                total[0] += part
    workers = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return [*sums, *total]


def packing(rng):
    data = rng.randbytes(300000) + b"armillary" * 40000
    out = [zlib.crc32(data), zlib.adler32(data)]
    for level in (1, 6, 9):
        packed = zlib.compress(data, level)
        out += [len(zlib.decompress(packed)), zlib.decompress(packed) == data]
    return out + [hashlib.new(n, data).hexdigest() for n in ("md5", "sha1", "sha256", "sha512", "sha3_384", "blake2b", "blake2s")] + \
        [hashlib.pbkdf2_hmac("sha512", b"p", b"s", 3000).hex()]


for work in (arithmetic, rounding, text, narrow, transcendental, decimals, integers, exact, threads, packing):
    print("same", work.__name__, digest(work(random.Random(work.__name__))), flush=True)
