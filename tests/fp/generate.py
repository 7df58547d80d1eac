#!/usr/bin/env python3
"""Prints test vectors with the answers of the exact oracle.

    generate.py [--seed N] [--count N] [--op NAME ...]

A line is: operation, FPCR, operands, result, FPSR flags raised; all but the first hexadecimal.
--count is the number of vectors for each operation and format.
"""

import argparse
import sys

import operands
import oracle
import oracle_convert
from oracle import FORMATS

INT_ROUNDINGS = 5  # TIEEVEN ... TIEAWAY


def with_format(function):
    return lambda fmt, env, *args: function(fmt, env, *args)


def without_format(function):
    return lambda fmt, env, *args: function(env, *args)


def operations():
    """name -> (oracle, format, operand generator)"""
    table = {}

    def define(name, letters, function, generator):
        for letter in letters:
            table[name + "_" + letter] = (with_format(function), FORMATS[letter], generator)

    def define_plain(name, fmt, function, generator):
        table[name] = (without_format(function), fmt, generator)

    for name in "add sub abd".split():
        define(name, "hsd", getattr(oracle, name), operands.for_sum)
    for name in "mul mulx recip_step rsqrt_step".split():
        define(name, "hsd", getattr(oracle, name), operands.for_product)
    define("div", "hsd", oracle.div, operands.for_quotient)
    define("sqrt", "hsd", oracle.sqrt, operands.for_root)
    define("muladd", "hsd", oracle.muladd, operands.for_muladd)
    define_plain("muladd_hs", oracle.H, oracle.muladd_hs, operands.for_muladd_hs)
    for name, function in {"max": oracle.fmax, "min": oracle.fmin, "maxnm": oracle.maxnm,
                           "minnm": oracle.minnm, "eq": oracle.eq, "ge": oracle.ge,
                           "gt": oracle.gt}.items():
        define(name, "hsd", function, operands.for_comparison)
    define("compare", "hsd", oracle.compare,
           lambda fmt, rng: operands.for_comparison(fmt, rng) + [rng.getrandbits(1)])

    for name in "recip_estimate rsqrt_estimate recpx".split():
        define(name, "hsd", getattr(oracle_convert, name), operands.for_estimate)
    for name in "recip_estimate_u32 rsqrt_estimate_u32".split():
        define_plain(name, oracle.S, getattr(oracle_convert, name), operands.for_integer_estimate)

    for src, dst in ("hs", "hd", "sh", "sd", "dh", "ds"):
        define_conversion(table, src, dst)
    define_plain("convert_ds_odd", oracle.D, oracle_convert.convert_odd,
                 lambda fmt, rng: operands.for_narrowing(oracle.D, oracle.S, rng))
    define("to_sint", "hsd", oracle_convert.to_sint, operands.for_to_int)
    define("to_uint", "hsd", oracle_convert.to_uint, operands.for_to_int)
    define("from_sint", "hsd", oracle_convert.from_sint, operands.for_from_int)
    define("from_uint", "hsd", oracle_convert.from_uint, operands.for_from_int)
    define_plain("to_int32_js", oracle.D, oracle_convert.to_int32_js,
                 lambda fmt, rng: operands.for_to_int(fmt, rng)[:1])
    define("round_int", "hsd", oracle_convert.round_int,
           lambda fmt, rng: operands.for_round_int(fmt, rng) +
           [rng.randrange(INT_ROUNDINGS), rng.getrandbits(1)])
    define("round_int_bits", "sd", oracle_convert.round_int_bits,
           lambda fmt, rng: operands.for_round_int(fmt, rng) +
           [rng.choice((32, 64)), rng.randrange(INT_ROUNDINGS)])
    return table


def define_conversion(table, src, dst):
    table["convert_" + src + dst] = (
        lambda fmt, env, a: oracle_convert.convert(FORMATS[src], FORMATS[dst], env, a),
        FORMATS[src],
        lambda fmt, rng: operands.for_narrowing(FORMATS[src], FORMATS[dst], rng))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--op", action="append")
    args = parser.parse_args()

    table = operations()
    for name in args.op or table:
        function, fmt, generator = table[name]
        rng = operands.Random("%d %s" % (args.seed, name))
        for _ in range(args.count):
            env = oracle.Env(operands.control(rng))
            values = generator(fmt, rng)
            fpcr = env.fpcr
            result = function(fmt, env, *values)
            print(name, *("%x" % v for v in (fpcr, *values, result, env.flags)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
