/*
 * Exception syndromes as text: for traces, guest-error reports and explainers. Arm ARM, "ESR_ELx";
 * the facts are in tables/exceptions.tbl.
 */
#pragma once

#include <stddef.h>

#include "a64-exceptions.h"

typedef struct {
    const char *name; /* NULL ends the list */
    uint8_t lsb, width;
} A64IssField;

typedef struct {
    const char *name; /* NULL: no such class */
    const char *text;
    const A64IssField *iss; /* NULL: none */
} A64EcRow;

extern const A64EcRow a64_ec_rows[64];
extern const char *const a64_fsc_text[64]; /* NULL: reserved */

/* What traces call the class of this syndrome; static text. */
const char *a64_esr_class(uint64_t esr);
/* Class and ISS fields, e.g. "data abort WnR=1 FSC=0x7 (translation fault, level 3)", cut to n
 * bytes with its 0. Returns out. */
const char *a64_esr_text(uint64_t esr, char *out, size_t n);
