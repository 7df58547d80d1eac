/*
 * The run loop: blocks until something wants the vCPU's attention. docs/architecture.md, "The life
 * of an instruction" and "The life of an interrupt".
 */
#include "machine.h"

#include "../interp/interp.h"

void eng_context_changed(EngVcpu *cpu)
{
    cpu->context_dirty = true;
}

static void clear_attention(EngVcpu *cpu, uint32_t bits)
{
    atomic_fetch_and_explicit(&cpu->attention, ~bits, memory_order_acquire);
}

static void switch_context(EngVcpu *cpu)
{
    cpu->context_dirty = false;
    cpu->link = NULL;
    eng_tlb_switch(cpu);
    cpu->align = (uint8_t)cpu->target->alignment(cpu);
}

/* Serves mail. Anything may have been unmapped or dropped: no link is patched on old knowledge. */
static void serve_mail(EngVcpu *cpu)
{
    clear_attention(cpu, ENG_ATT_MAIL);
    cpu->link = NULL;
    eng_tlb_serve(cpu);
    eng_dma_serve(cpu);
}

/*
 * Looks at attention and, when `poll`, at interrupts. False: leave eng_run. In counting mode
 * interrupts wait for `poll`: when a bit was set by another instruction of this turn must not
 * depend on how blocks were cut.
 */
static bool attend(EngVcpu *cpu, bool poll)
{
    const uint32_t look = ENG_ATT_IRQ | ENG_ATT_TIMER, stop = ENG_ATT_STOP | ENG_ATT_WORK;
    uint32_t bits = atomic_load_explicit(&cpu->attention, memory_order_acquire);
    if (bits & ENG_ATT_MAIL)
        serve_mail(cpu);
    if (bits & stop) {
        clear_attention(cpu, stop);
        return false;
    }
    if ((bits & look) && !cpu->counting)
        poll = true;
    if (poll && !cpu->stepping) {
        if (bits & look)
            clear_attention(cpu, look);
        if (cpu->target->take_pending(cpu)) {
            cpu->leave = ENG_STAY;
            cpu->link = NULL;
        }
    }
    return true;
}

/*
 * A fetch that faults counts as an instruction: a handler that cannot be fetched takes the same
 * exception for ever, and turns and the virtual clock must go on meanwhile.
 */
static void run_ops(EngVcpu *cpu, const void *ops)
{
    if (ARM_LIKELY(ops))
        interp_run(cpu, ops);
    else if (cpu->leave != ENG_LEAVE_BREAK)
        cpu->insns++;
}

/* One block, or what is left of the turn of one, or the one instruction that touches a device. */
static void run_block(EngVcpu *cpu)
{
    const void *ops;
    if (ARM_UNLIKELY(cpu->retry_io)) {
        cpu->retry_io = false;
        cpu->may_do_io = true;
        ops = eng_blocks_short(cpu, 1);
        run_ops(cpu, ops);
        cpu->link = NULL;
        cpu->may_do_io = false;
        if (cpu->leave == ENG_STAY)
            cpu->leave = ENG_LEAVE_NEXT;
        return;
    }
    if (ARM_UNLIKELY(cpu->split)) {
        cpu->split = false;
        ops = eng_blocks_short(cpu, (uint32_t)(cpu->turn_end - cpu->insns));
        run_ops(cpu, ops);
        cpu->link = NULL;
        return;
    }
    run_ops(cpu, eng_blocks_find(cpu));
}

static EngRan run(EngVcpu *cpu)
{
    bool poll = true;
    cpu->leave = ENG_STAY;
    cpu->link = NULL;
    cpu->split = cpu->retry_io = false;
    for (;;) {
        if (!attend(cpu, poll))
            return ENG_RAN_STOP;
        if (cpu->context_dirty)
            switch_context(cpu);
        if (cpu->counting && cpu->insns >= cpu->turn_end)
            return ENG_RAN_BUDGET;
        run_block(cpu);
        uint32_t leave = cpu->leave;
        cpu->leave = ENG_STAY;
        if (leave == ENG_LEAVE_HALT)
            return ENG_RAN_HALT;
        if (ARM_UNLIKELY(leave == ENG_LEAVE_BREAK))
            return ENG_RAN_BREAK;
        poll = leave != ENG_STAY;
    }
}

EngRan eng_run(EngVcpu *cpu)
{
    cpu->turn_end = cpu->insns + (cpu->budget > 0 ? (uint64_t)cpu->budget : 0);
    eng_tlb_enter(cpu);
    EngRan ran = run(cpu);
    eng_tlb_leave(cpu);
    cpu->budget = (int64_t)(cpu->turn_end - cpu->insns);
    return ran;
}
