/*
 * One case of the differential test and its result, as both sides read and write them (little-endian, no padding).
 * A case is up to four instructions at DIFF_CODE + 64 * n + 4, all registers, and the DIFF_WINDOW bytes at DIFF_DATA.
 */
#pragma once

#include <stdint.h>

#define DIFF_CODE 0x20000000ull /* code slots of 64 bytes */
#define DIFF_SLOTS 1024u
#define DIFF_PAGES 0x10000000ull /* 16 data pages around the window */
#define DIFF_PAGES_SIZE 0x10000ull
#define DIFF_DATA 0x10008000ull
#define DIFF_WINDOW 1024u

typedef struct {
    uint64_t x[31], sp, nzcv, fpcr, fpsr;
    uint64_t v[64];
    uint8_t mem[DIFF_WINDOW]; /* at DIFF_DATA - DIFF_WINDOW / 2 */
} DiffState;

typedef struct {
    uint32_t word[4]; /* the rest of the slot is filled by the runner */
    uint32_t n_words, row;
    DiffState state;
} DiffCase;

/* Word k of slot i behind the code. */
#define DIFF_LITERAL(i, k) ((uint32_t)((64u * (i) + (k)) * 2654435761u))

/* How a case ended. The slot is: the words, then "next", then "skip": a taken branch of +8 lands on skip.
 * operand: not the word is UNDEFINED, what it was given does not do (FEAT_FPAC, FEAT_MOPS). */
enum { DIFF_NEXT = 0, DIFF_SKIP = 1, DIFF_UNDEF = 2, DIFF_ABORT = 3, DIFF_ALIGN = 4, DIFF_TRAP = 5, DIFF_OPERAND = 6 };

typedef struct {
    uint64_t end; /* DIFF_* */
    DiffState state;
} DiffResult;
