/*
 * Memory copy and memory set, FEAT_MOPS: between translator and helper.
 */
#pragma once

#include "armillary/ir.h"

typedef enum { A64_MOPS_PROLOGUE, A64_MOPS_MAIN, A64_MOPS_EPILOGUE } A64MopsStage;

/* (the instruction word) */
extern const IrHelper a64_h_mops;
