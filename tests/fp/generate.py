#!/usr/bin/env python3
"""Prints test vectors with the answers of the exact oracle.

    generate.py [--seed N] [--count N] [--op NAME ...]

A line is: operation, FPCR, operands, result, FPSR flags raised; all but the first hexadecimal.
--count is the number of random vectors for each operation and format. Before them come all
combinations of special values, with half of the FPCRs at the default.
"""

import argparse
import itertools
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
    """name -> (oracle, format, operand generator, how many operands are numbers of the format)"""
    table = {}

    def define(name, letters, function, generator, arity=1):
        for letter in letters:
            table[name + "_" + letter] = (with_format(function), FORMATS[letter], generator, arity)

    def define_plain(name, fmt, function, generator, arity=1):
        table[name] = (without_format(function), fmt, generator, arity)

    for name in "add sub abd".split():
        define(name, "hsd", getattr(oracle, name), operands.for_sum, 2)
    for name in "mul mulx recip_step rsqrt_step".split():
        define(name, "hsd", getattr(oracle, name), operands.for_product, 2)
    define("div", "hsd", oracle.div, operands.for_quotient, 2)
    define("sqrt", "hsd", oracle.sqrt, operands.for_root)
    define("muladd", "hsd", oracle.muladd, operands.for_muladd, 3)
    define_plain("muladd_hs", oracle.H, oracle.muladd_hs, operands.for_muladd_hs, 0)
    for name, function in {"max": oracle.fmax, "min": oracle.fmin, "maxnm": oracle.maxnm,
                           "minnm": oracle.minnm, "eq": oracle.eq, "ge": oracle.ge,
                           "gt": oracle.gt}.items():
        define(name, "hsd", function, operands.for_comparison, 2)
    define("compare", "hsd", oracle.compare,
           lambda fmt, rng: operands.for_comparison(fmt, rng) + [rng.getrandbits(1)], 2)

    for name in "recip_estimate rsqrt_estimate recpx".split():
        define(name, "hsd", getattr(oracle_convert, name), operands.for_estimate)
    for name in "recip_estimate12 rsqrt_estimate12".split():
        define(name, "s", getattr(oracle_convert, name), operands.for_estimate)
    for name in "recip_estimate_u32 rsqrt_estimate_u32".split():
        define_plain(name, oracle.S, getattr(oracle_convert, name),
                     operands.for_integer_estimate, 0)

    for src, dst in ("hs", "hd", "sh", "sd", "dh", "ds"):
        define_conversion(table, src, dst)
    define_plain("convert_ds_odd", oracle.D, oracle_convert.convert_odd,
                 lambda fmt, rng: operands.for_narrowing(oracle.D, oracle.S, rng))
    define("to_sint", "hsd", oracle_convert.to_sint, operands.for_to_int)
    define("to_uint", "hsd", oracle_convert.to_uint, operands.for_to_int)
    define("from_sint", "hsd", oracle_convert.from_sint, operands.for_from_int, 0)
    define("from_uint", "hsd", oracle_convert.from_uint, operands.for_from_int, 0)
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
        lambda fmt, rng: operands.for_narrowing(FORMATS[src], FORMATS[dst], rng), 1)


def operand_lists(row, rng, count):
    _, fmt, generator, arity = row
    if arity:
        for special in itertools.product(operands.corners(fmt), repeat=arity):
            yield list(special) + generator(fmt, rng)[arity:]
    for _ in range(count):
        yield generator(fmt, rng)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--op", action="append")
    args = parser.parse_args()

    table = operations()
    for name in args.op or table:
        function, fmt = table[name][:2]
        rng = operands.Random("%d %s" % (args.seed, name))
        for values in operand_lists(table[name], rng, args.count):
            env = oracle.Env(operands.control(rng))
            fpcr = env.fpcr
            result = function(fmt, env, *values)
            print(name, *("%x" % v for v in (fpcr, *values, result, env.flags)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
