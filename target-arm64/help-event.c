/*
 * SEV: the event registers of all vCPUs.
 * Arm ARM, "Wait for Event mechanism and Send event".
 */
#include "cpu.h"
#include "helpers.h"

void a64_event(A64Cpu *cpu)
{
    /* A WFE that looks at the same time may miss this store, but not the kick behind it. */
    a64_event_set(cpu);
    eng_kick(&cpu->eng, ENG_ATT_IRQ);
}

static uint64_t sev(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    A64Cpu *cpu = a64_cpu(opaque);
    if (cpu->ports && cpu->ports->send_event) {
        cpu->ports->send_event(cpu->ports->event_ctx);
    } else {
        a64_event_set(cpu);
    }
    return 0;
}

const IrHelper a64_h_sev = {"sev", sev, 0, IR_H_READS | IR_H_WRITES};

static uint64_t sevl(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    a64_event_set(a64_cpu(opaque));
    return 0;
}

const IrHelper a64_h_sevl = {"sevl", sevl, 0, IR_H_READS | IR_H_WRITES};
