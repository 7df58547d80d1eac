/*
 * A second oracle for src/fp, fast enough for every operand: half and single precision on integers wider than any exact intermediate
 * result. Written from the Arm ARM, Shared Pseudocode, functions/float, FPCR.AH and FIZ included, and checked itself against the exact
 * fractions of oracle.py. It shares no file with src/fp.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint32_t fpcr;
    uint32_t flags; /* FPSR flags raised */
} WideEnv;

enum { WIDE_IOC = 1, WIDE_DZC = 2, WIDE_OFC = 4, WIDE_UFC = 8, WIDE_IXC = 16, WIDE_IDC = 128 };
enum { WIDE_FIZ = 1, WIDE_AH = 2, WIDE_FZ16 = 1 << 19, WIDE_FZ = 1 << 24, WIDE_DN = 1 << 25, WIDE_AHP = 1 << 26 };
enum { WIDE_TIEEVEN, WIDE_POSINF, WIDE_NEGINF, WIDE_ZERO, WIDE_TIEAWAY };

/* An integer conversion: width (16, 32 or 64), fraction bits, rounding, signedness. */
typedef struct {
    unsigned bits, fbits, rounding;
    bool is_signed;
} WideInteger;

uint32_t wide_add_h(uint32_t a, uint32_t b, WideEnv *env);
uint32_t wide_sub_h(uint32_t a, uint32_t b, WideEnv *env);
uint32_t wide_mul_h(uint32_t a, uint32_t b, WideEnv *env);
uint32_t wide_div_h(uint32_t a, uint32_t b, WideEnv *env);
uint32_t wide_max_h(uint32_t a, uint32_t b, WideEnv *env);
uint32_t wide_min_h(uint32_t a, uint32_t b, WideEnv *env);
uint32_t wide_maxnm_h(uint32_t a, uint32_t b, WideEnv *env);
uint32_t wide_minnm_h(uint32_t a, uint32_t b, WideEnv *env);
/* NZCV, as fp_compare_h. */
uint32_t wide_compare_h(uint32_t a, uint32_t b, bool signal_nans, WideEnv *env);

uint32_t wide_sqrt_h(uint32_t a, WideEnv *env);
uint32_t wide_sqrt_s(uint32_t a, WideEnv *env);
uint32_t wide_convert_hs(uint32_t a, WideEnv *env);
uint64_t wide_convert_hd(uint32_t a, WideEnv *env);
uint32_t wide_convert_sh(uint32_t a, WideEnv *env);
uint64_t wide_to_int_h(uint32_t a, WideInteger to, WideEnv *env);
uint64_t wide_to_int_s(uint32_t a, WideInteger to, WideEnv *env);
/* value: the 64-bit integer; only its signedness and fraction bits are taken from `from`. */
uint32_t wide_from_int_h(uint64_t value, WideInteger from, WideEnv *env);
uint32_t wide_round_int_h(uint32_t a, unsigned rounding, bool exact, WideEnv *env);
