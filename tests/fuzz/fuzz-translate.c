/*
 * Fuzz target: any words as guest code, in any mode. Input: a byte of mode bits, then the words. What the
 * translator makes of them must satisfy the IR's rules before and after the passes, and cover every
 * word once.
 */
#include <stdint.h>
#include <string.h>

#include <glib.h>

#include "mode.h"
#include "model.h"
#include "state.h"
#include "translate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MODE_EL = 3, MODE_IL = 4, MODE_STEP = 8, MODE_SP = 16, MODE_PAC = 32, MODE_FP_TRAP = 64, MODE_PACM = 128 };

static A64Mode mode_of(uint8_t bits, const A64Model *model)
{
    uint8_t el = bits & MODE_EL;
    return (A64Mode){
        .el = el == MODE_EL ? 1 : el,
        .il = bits & MODE_IL,
        .single_step = bits & MODE_STEP,
        .sp_check = bits & MODE_SP,
        .pac = bits & MODE_PAC,
        .pacm = bits & MODE_PACM,
        .fp_trap = bits & MODE_FP_TRAP ? 2 : 0,
        .model = model,
    };
}

static void check(IrBlock *block)
{
    g_assert_cmpstr(ir_verify(block), ==, NULL);
    g_assert(!block->overflow);
    ir_optimise(block);
    g_assert_cmpstr(ir_verify(block), ==, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static IrBlock block;
    static uint32_t page[ARM_PAGE_SIZE / 4];
    static A64Model *model;

    if (!model) {
        model = a64_model_new("max", NULL);
    }
    if (size < 5) {
        return 0;
    }
    A64Mode mode = mode_of(data[0], model);
    size_t bytes = size - 1 < sizeof page ? size - 1 : sizeof page;
    memset(page, 0, sizeof page);
    memcpy(page, data + 1, bytes);
    for (uint32_t at = 0; at < bytes;) {
        ir_begin(&block);
        uint32_t n = a64_translate(&block, &mode, page, at, 64);
        g_assert(n >= 4 && n % 4 == 0 && at + n <= sizeof page);
        check(&block);
        at += n;
    }
    return 0;
}
