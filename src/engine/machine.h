/*
 * The engine's own state of a machine that other rooms need not see.
 */
#pragma once

#include <pthread.h>

#include "breaks.h"
#include "code.h"
#include "tlb.h"

enum { ENG_MAX_CPUS = 512 };

struct EngMachine {
    EngConfig config;
    EngTlbGroup *tlbs;
    struct EngCodeMap *code_map;
    struct EngDma *dma;
    uint32_t n_cpus;
    EngVcpu *cpus[ENG_MAX_CPUS];
    EngBreaks breaks;
    EngWatches watches;
};

/* Drops what devices have written over since the last call. */
void eng_dma_serve(EngVcpu *cpu);
