#!/usr/bin/env python3
"""Runs the vectors on an independent implementation: the instructions themselves, under QEMU.

    peer.py VECTORS.C INCLUDE_DIR [generate.py's options]

Writes the functions of armillary/fp.h as one A64 instruction each, links the vector driver with
them and runs it on qemu-aarch64 ($ARMILLARY_QEMU_USER, or from PATH): here the oracle is under test. Exits
with 77 (skipped) when the cross compiler or QEMU is missing.
"""

import os
import shutil
import subprocess
import sys
import tempfile

CROSS = "aarch64-linux-gnu-gcc"
ARCH = "-march=armv8.5-a+fp16+fp16fml"
TYPES = {"h": "uint16_t", "s": "uint32_t", "d": "uint64_t"}
ROUNDINGS = "npmza"  # FpRounding's order, as the instructions spell it
RMODE_OF_ARGUMENT = "(env->fpcr & ~(uint32_t)FP_CR_RMODE) | (uint32_t)rounding << 22"

BINARY = {"add": "fadd", "sub": "fsub", "mul": "fmul", "mulx": "fmulx", "div": "fdiv",
          "abd": "fabd", "max": "fmax", "min": "fmin", "maxnm": "fmaxnm", "minnm": "fminnm",
          "recip_step": "frecps", "rsqrt_step": "frsqrts"}
UNARY = {"sqrt": "fsqrt", "recip_estimate": "frecpe", "rsqrt_estimate": "frsqrte",
         "recpx": "frecpx"}
PREDICATES = {"eq": "fcmeq", "ge": "fcmge", "gt": "fcmgt"}

PRELUDE = """\
#include "armillary/fp-convert.h"
static inline void enter(uint64_t fpcr)
{
    __asm__ volatile("msr fpcr, %0\\n msr fpsr, xzr" : : "r"(fpcr));
}
static inline void leave(FpEnv *env)
{
    uint64_t fpsr;
    __asm__ volatile("mrs %0, fpsr\\n msr fpcr, xzr" : "=r"(fpsr));
    env->fpsr |= (uint32_t)fpsr;
}
"""


def run(assembly, inputs, fpcr="env->fpcr"):
    """Statements that put inputs in d0, d1, d2 and x9 and leave what assembly put in x9 in `r`."""
    load = ["mov x9, %1"] + ["fmov d%d, %%%d" % (i, i + 1) for i in range(len(inputs))]
    operands = ", ".join('"r"((uint64_t)(%s))' % value for value in inputs)
    enter, leave = ("enter(%s);" % fpcr, "leave(env);") if fpcr else ("", "")
    return ('uint64_t r; %s __asm__ volatile("%s\\n mov %%0, x9" : "=&r"(r) : %s '
            ': "v0", "v1", "v2", "v3", "x9", "x10", "cc"); %s'
            % (enter, "\\n ".join(load + assembly), operands, leave))


def scalar(text):
    return [text, "fmov x9, d3"]


def function(prototype, body, result="r"):
    return "%s\n{\n    %s\n    return %s;\n}\n" % (prototype, body, result)


def switch(selector, cases):
    """Returns from one of several statements, by an integer."""
    arms = "".join("case %d: { %s }\n" % case for case in cases)
    return "switch (%s) {\n%s}\n__builtin_trap();" % (selector, arms)


def arithmetic(x, t):
    for name, mnemonic in BINARY.items():
        yield function("%s fp_%s_%s(%s a, %s b, FpEnv *env)" % (t, name, x, t, t),
                       run(scalar("%s %s3, %s0, %s1" % (mnemonic, x, x, x)), "ab"), "(%s)r" % t)
    for name, mnemonic in UNARY.items():
        yield function("%s fp_%s_%s(%s a, FpEnv *env)" % (t, name, x, t),
                       run(scalar("%s %s3, %s0" % (mnemonic, x, x)), "a"), "(%s)r" % t)
    yield function("%s fp_muladd_%s(%s c, %s a, %s b, FpEnv *env)" % (t, x, t, t, t),
                   run(scalar("fmadd {0}3, {0}1, {0}2, {0}0".format(x)), "cab"), "(%s)r" % t)


def comparisons(x, t):
    for name, mnemonic in PREDICATES.items():
        yield function("bool fp_%s_%s(%s a, %s b, FpEnv *env)" % (name, x, t, t),
                       run(scalar("%s %s3, %s0, %s1" % (mnemonic, x, x, x)), "ab"), "r & 1")
    cases = []
    for signal_nans, mnemonic in enumerate(("fcmp", "fcmpe")):
        compare = ["%s %s0, %s1" % (mnemonic, x, x), "mrs x9, nzcv"]
        cases.append((signal_nans, run(compare, "ab") + " return (unsigned)(r >> 28);"))
    yield "unsigned fp_compare_%s(%s a, %s b, bool s, FpEnv *env)\n{\n%s\n}\n" % (
        x, t, t, switch("s", cases))


def to_int_cases(sign, x, bits, fixed):
    """(selector, statements): by fraction bits for the fixed forms, else by rounding mode."""
    dest = {16: "h3", 32: "w9", 64: "x9"}[bits]
    result = " return (%s)r;" % {16: "uint16_t", 32: "uint32_t", 64: "uint64_t"}[bits]
    for i in range(1, bits + 1) if fixed else range(5):
        text = "fcvt%s%s %s, %s0%s" % ("z" if fixed else ROUNDINGS[i], sign, dest, x,
                                       ", #%d" % i if fixed else "")
        yield i, run(scalar(text) if bits == 16 else [text], "a") + result


def integers(x, t):
    for sign in "su":
        cases = []
        for bits in (16, 32, 64) if x == "h" else (32, 64):
            cases += [(bits, "if (fbits) { %s } %s" % (
                switch("fbits", to_int_cases(sign, x, bits, True)),
                switch("(int)rounding", to_int_cases(sign, x, bits, False))))]
        yield ("uint64_t fp_to_%sint_%s(%s a, unsigned bits, unsigned fbits, FpRounding rounding, "
               "FpEnv *env)\n{\n%s\n}\n" % (sign, x, t, switch("bits", cases)))
        cases = [(n, run(scalar("%scvtf %s3, x9%s" % (sign, x, ", #%d" % n if n else "")), "a") +
                  " return (%s)r;" % t) for n in range(65)]
        yield "%s fp_from_%sint_%s(uint64_t a, unsigned fbits, FpEnv *env)\n{\n%s\n}\n" % (
            t, sign, x, switch("fbits", cases))


def integral(x, t):
    result = " return (%s)r;" % t
    cases = [(i, run(scalar("frint%s %s3, %s0" % (mode, x, x)), "a") + result)
             for i, mode in enumerate(ROUNDINGS)]
    by_fpcr = run(scalar("frintx %s3, %s0" % (x, x)), "a", RMODE_OF_ARGUMENT) + result
    yield "%s fp_round_int_%s(%s a, FpRounding rounding, bool exact, FpEnv *env)\n{\n" \
        "if (exact) { %s }\n%s\n}\n" % (t, x, t, by_fpcr, switch("(int)rounding", cases))
    if x != "h":
        cases = [(bits, run(scalar("frint%dx %s3, %s0" % (bits, x, x)), "a", RMODE_OF_ARGUMENT) +
                  result) for bits in (32, 64)]
        yield "%s fp_round_int_bits_%s(%s a, unsigned bits, FpRounding rounding, FpEnv *env)\n" \
            "{\n%s\n}\n" % (t, x, t, switch("bits", cases))


def odds_and_ends():
    for src in TYPES:
        for dst in TYPES:
            if src != dst:
                t = TYPES[dst]
                yield function("%s fp_convert_%s%s(%s a, FpEnv *env)" % (t, src, dst, TYPES[src]),
                               run(scalar("fcvt %s3, %s0" % (dst, src)), "a"), "(%s)r" % t)
    for name, mnemonic in (("recip", "frecpe"), ("rsqrt", "frsqrte")):
        yield function("uint32_t fp_%s_estimate12_s(uint32_t a, FpEnv *env)" % name,
                       run(scalar(mnemonic + " s3, s0"), "a"), "(uint32_t)r")
    yield function("uint32_t fp_convert_ds_odd(uint64_t a, FpEnv *env)",
                   run(scalar("fcvtxn s3, d0"), "a"), "(uint32_t)r")
    yield function("uint32_t fp_muladd_hs(uint32_t c, uint16_t a, uint16_t b, FpEnv *env)",
                   run(["fmlal v0.2s, v1.2h, v2.2h", "fmov x9, d0"], "cab"), "(uint32_t)r")
    for name, mnemonic in (("recip", "urecpe"), ("rsqrt", "ursqrte")):
        yield function("uint32_t fp_%s_estimate_u32(uint32_t a)" % name,
                       run(scalar(mnemonic + " v3.2s, v0.2s"), "a", None), "(uint32_t)r")
    yield function("uint32_t fp_to_int32_js(uint64_t a, bool *exact, FpEnv *env)",
                   run(["fjcvtzs w9, d0", "cset x10, eq", "bfi x9, x10, #32, #1"], "a") +
                   " *exact = r >> 32;", "(uint32_t)r")


def source():
    parts = [PRELUDE]
    for x, t in TYPES.items():
        for family in (arithmetic, comparisons, integers, integral):
            parts += family(x, t)
    parts += odds_and_ends()
    return "\n".join(parts)


def has_instruction(line):
    """Whether an instruction exists for the vector; some functions are more general."""
    name, *words = line.split()
    arg = [int(word, 16) for word in words]
    if name in ("recip_estimate_s", "rsqrt_estimate_s"):
        return not arg[0] & 2  # with FPCR.AH the instruction is the one of FEAT_RPRES, recip_estimate12_s
    if name.startswith(("to_sint", "to_uint")):
        _, _, bits, fbits, rounding, *_ = arg
        return (bits != 16 or name.endswith("h")) and (fbits == 0 or ROUNDINGS[rounding] == "z")
    if name.startswith("round_int_bits"):
        return arg[3] < 4
    if name.startswith("round_int"):
        return arg[2] < 4 or arg[3] == 0
    return True


def main():
    vectors_c, include, *options = sys.argv[1:]
    qemu = os.environ.get("ARMILLARY_QEMU_USER") or shutil.which("qemu-aarch64")
    for tool in (CROSS, qemu):
        if not tool or not shutil.which(tool):
            print("skipped: no %s" % (tool or "qemu-aarch64 (set ARMILLARY_QEMU_USER)"))
            return 77
    generate = os.path.join(os.path.dirname(os.path.abspath(__file__)), "generate.py")
    lines = subprocess.run([sys.executable, generate, *options], check=True, text=True,
                           stdout=subprocess.PIPE).stdout.splitlines(keepends=True)
    with tempfile.TemporaryDirectory() as work:
        peer_c, program = os.path.join(work, "peer.c"), os.path.join(work, "peer")
        with open(peer_c, "w", encoding="ascii") as file:
            file.write(source())
        subprocess.run([CROSS, "-static", "-O1", ARCH, "-I" + include, peer_c, vectors_c,
                        "-o", program], check=True)
        return subprocess.run([qemu, "-cpu", "max", program], check=False, text=True,
                              input="".join(filter(has_instruction, lines))).returncode


if __name__ == "__main__":
    sys.exit(main())
