/*
 * Branch target identification. The engine remembers how an indirect branch was made until the
 * first instruction begins; what that one accepts is part of its block.
 */
#include "landing.h"

#include "debug.h"
#include "exception.h"
#include "model.h"
#include "step.h"

/* Bit per PSTATE.BTYPE: 0 always, then EASY, CALL, JUMP. */
enum { NOWHERE = 1, NOT_JUMP = 7, NOT_CALL = 11 };

static bool is_hint(uint32_t word, unsigned number)
{
    return word == (UINT32_C(0xd503201f) | number << 5);
}

/* PACIASP, PACIBSP; PACIASPPC, PACIBSPPC. */
static bool is_signing(const A64Mode *mode, uint32_t word)
{
    if (a64_has(mode->model, A64_FEAT_PAuth) && (is_hint(word, 25) || is_hint(word, 27)))
        return true;
    return a64_has(mode->model, A64_FEAT_PAuth_LR) && (word | 0x400) == 0xdac1a7fe;
}

static uint16_t lands_of(const A64Mode *mode, uint32_t word)
{
    if (is_hint(word, 34))
        return NOT_JUMP;
    if (is_hint(word, 36))
        return NOT_CALL;
    if (is_hint(word, 38))
        return IR_LANDS_ALL;
    if (is_signing(mode, word))
        return mode->bt ? NOT_JUMP : IR_LANDS_ALL;
    return NOWHERE;
}

uint16_t a64_lands(const A64Mode *mode, uint32_t word)
{
    if (!a64_has(mode->model, A64_FEAT_BTI))
        return IR_LANDS_ALL;
    if (mode->il || (word & 0xffe0001f) == 0xd4200000) /* their exceptions save BTYPE */
        return IR_LANDS_KEEP;
    return lands_of(mode, word);
}

bool a64_land(EngVcpu *eng, bool fits, bool keep)
{
    A64Cpu *cpu = a64_cpu(eng);
    if (a64_step_pending(cpu) || a64_breakpoint_due(cpu, eng->pc))
        return true; /* their exceptions come first */
    if (!fits) {
        a64_raise(cpu, &(A64Exception){.ec = A64_EC_BTI, .iss = eng->landing});
        return false;
    }
    if (!keep)
        eng->landing = ENG_LANDING_NONE;
    return true;
}
