/*
 * CpuTarget.translate: the instructions of one block, from guest words to IR.
 */
#include "translate.h"

#include "a64-decode.h"
#include "debug.h"
#include "helpers.h"
#include "landing.h"
#include "pmu.h"
#include "sysreg-help.h"

/* Room that one instruction may need (the longest are load and store multiple structures). */
enum { ROOM_OPS = 256, ROOM_VECS = 32 };

static uint32_t fetch(const uint32_t *page, uint32_t offset)
{
    const uint8_t *p = (const uint8_t *)page + offset;
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* PSTATE.IL is looked at before the encoding is. */
static void instruction(A64Trans *t, uint32_t offset)
{
    ir_emit(t->b, IR_INSN, IR_I64, 0, 0, 0, IR_INSN_AT(t->delta, t->word));
    if (t->mode->single_step) {
        a64_t_call(t, &a64_h_step_pending, 0, 0, 0);
    }
    if (t->mode->breaking && a64_breaks_at(&t->mode->breaks, offset)) {
        a64_t_call(t, &a64_h_breakpoint, 0, 0, 0);
    }
    if (t->mode->trace & A64_TRACE_INSNS) {
        a64_t_call(t, &a64_h_trace_insn, a64_t_const(t, IR_I64, t->word), 0, 0);
    }
    if (t->mode->il) {
        a64_t_exception(t, &a64_h_illegal_state, 0);
    } else if (!a64_decode(t)) {
        a64_t_exception(t, &a64_h_undefined, t->word);
    }
}

/* Tells what the instruction has read and written: it does not end the block, or has raised. */
static void tell_accesses(A64Trans *t)
{
    unsigned status;
    uint32_t what = a64_pmu_memory_of(t->word, &status);
    if (!what || t->end) {
        return;
    }
    IrVal failed = status < 31 ? a64_t_x(t, IR_I64, status) : 0;
    a64_t_call(t, &a64_h_pmu_access, a64_t_const(t, IR_I64, what), failed, 0);
}

uint32_t a64_translate(IrBlock *b, const void *mode, const uint32_t *page, uint32_t offset,
                       uint32_t max_insns)
{
    A64Trans t = {.b = b, .mode = mode};
    uint32_t left = (uint32_t)(ARM_PAGE_SIZE - offset) / 4, done = 0;
    uint32_t limit = max_insns < left ? max_insns : left;

    if (a64_mode_alone(t.mode)) {
        limit = 1;
    }
    do {
        t.word = fetch(page, offset + 4 * done);
        t.delta = (int32_t)(4 * done);
        if (done == 0) {
            b->lands = a64_lands(t.mode, t.word);
        }
        instruction(&t, offset + 4 * done);
        if (t.mode->events) {
            tell_accesses(&t);
        }
        done++;
    } while (!t.end && done < limit && b->n_ops + ROOM_OPS < IR_MAX_OPS &&
             b->n_vecs + ROOM_VECS < IR_MAX_VECS && b->n_insns < IR_MAX_INSNS);
    if (!t.end) {
        a64_t_goto(&t, 4);
    }
    return 4 * done;
}
