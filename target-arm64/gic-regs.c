/*
 * Register hooks of the GIC CPU interface: what sysregs.tbl calls for ICC_* and ICH_* registers.
 * GIC architecture specification, "AArch64 System register descriptions". Traps are rows of the
 * table; here an access that was allowed picks the physical or the virtual interface: at EL1,
 * HCR_EL2.FMO makes accesses to Group 0 registers virtual, HCR_EL2.IMO those to Group 1 registers,
 * and either one those to the registers that both groups share.
 */
#include "gic-internal.h"
#include "sysreg-hooks.h"

static bool virtual_by(const A64Cpu *cpu, uint64_t bits)
{
    return cpu->st.pstate.el == 1 && (cpu->st.sr[A64_SR_HCR_EL2] & bits);
}

static bool virtual_group(const A64Cpu *cpu, unsigned group)
{
    return virtual_by(cpu, group ? A64_HCR_EL2_IMO : A64_HCR_EL2_FMO);
}

static bool virtual_common(const A64Cpu *cpu)
{
    return virtual_by(cpu, A64_HCR_EL2_IMO | A64_HCR_EL2_FMO);
}

static uint64_t read_iar(A64Cpu *cpu, unsigned group, A64GicAck by)
{
    return virtual_group(cpu, group) ? a64_icv_read_iar(cpu, group, by)
                                     : a64_icc_read_iar(cpu, group, by);
}

uint64_t a64_sr_read_icc_iar0_el1(A64Cpu *cpu)
{
    return read_iar(cpu, 0, A64_GIC_IAR);
}

uint64_t a64_sr_read_icc_iar1_el1(A64Cpu *cpu)
{
    return read_iar(cpu, 1, A64_GIC_IAR);
}

uint64_t a64_sr_read_icc_nmiar1_el1(A64Cpu *cpu)
{
    return read_iar(cpu, 1, A64_GIC_NMIAR);
}

static void write_eoir(A64Cpu *cpu, unsigned group, uint64_t value)
{
    if (virtual_group(cpu, group)) {
        a64_icv_write_eoir(cpu, group, value);
    } else {
        a64_icc_write_eoir(cpu, group, value);
    }
}

void a64_sr_write_icc_eoir0_el1(A64Cpu *cpu, uint64_t value)
{
    write_eoir(cpu, 0, value);
}

void a64_sr_write_icc_eoir1_el1(A64Cpu *cpu, uint64_t value)
{
    write_eoir(cpu, 1, value);
}

static uint64_t read_hppir(A64Cpu *cpu, unsigned group)
{
    return virtual_group(cpu, group) ? a64_icv_read_hppir(cpu, group)
                                     : a64_icc_read_hppir(cpu, group);
}

uint64_t a64_sr_read_icc_hppir0_el1(A64Cpu *cpu)
{
    return read_hppir(cpu, 0);
}

uint64_t a64_sr_read_icc_hppir1_el1(A64Cpu *cpu)
{
    return read_hppir(cpu, 1);
}

void a64_sr_write_icc_dir_el1(A64Cpu *cpu, uint64_t value)
{
    if (virtual_common(cpu)) {
        a64_icv_write_dir(cpu, value);
    } else {
        a64_icc_write_dir(cpu, value);
    }
}

uint64_t a64_sr_read_icc_rpr_el1(A64Cpu *cpu)
{
    return virtual_common(cpu) ? a64_icv_read_rpr(cpu) : a64_icc_read_rpr(cpu);
}

/* Binary points. With CBPR, BPR1 shows BPR0 + 1 (at most 7) and ignores writes. */
uint64_t a64_sr_read_icc_bpr0_el1(A64Cpu *cpu)
{
    return virtual_group(cpu, 0) ? a64_icv_read_bpr(cpu, 0) : cpu->st.sr[A64_SR_ICC_BPR0_EL1];
}

uint64_t a64_sr_read_icc_bpr1_el1(A64Cpu *cpu)
{
    const uint64_t *sr = cpu->st.sr;
    if (virtual_group(cpu, 1)) {
        return a64_icv_read_bpr(cpu, 1);
    }
    if (sr[A64_SR_ICC_CTLR_EL1] & A64_ICC_CBPR) {
        return sr[A64_SR_ICC_BPR0_EL1] == 7 ? 7 : sr[A64_SR_ICC_BPR0_EL1] + 1;
    }
    return sr[A64_SR_ICC_BPR1_EL1];
}

void a64_sr_write_icc_bpr0_el1(A64Cpu *cpu, uint64_t value)
{
    if (virtual_group(cpu, 0)) {
        a64_icv_write_bpr(cpu, 0, value);
        return;
    }
    cpu->st.sr[A64_SR_ICC_BPR0_EL1] = (value & 7) < A64_ICC_MIN_BPR0 ? A64_ICC_MIN_BPR0 : value & 7;
    a64_icc_update(cpu);
}

void a64_sr_write_icc_bpr1_el1(A64Cpu *cpu, uint64_t value)
{
    if (virtual_group(cpu, 1)) {
        a64_icv_write_bpr(cpu, 1, value);
        return;
    }
    if (!(cpu->st.sr[A64_SR_ICC_CTLR_EL1] & A64_ICC_CBPR)) {
        cpu->st.sr[A64_SR_ICC_BPR1_EL1] =
            (value & 7) < A64_ICC_MIN_BPR1 ? A64_ICC_MIN_BPR1 : value & 7;
        a64_icc_update(cpu);
    }
}

static const uint16_t physical_ap[2] = {A64_SR_ICC_AP0R0_EL1, A64_SR_ICC_AP1R0_EL1};
static const uint16_t virtual_ap[2] = {A64_SR_ICH_AP0R0_EL2, A64_SR_ICH_AP1R0_EL2};

static uint64_t read_ap(A64Cpu *cpu, unsigned group)
{
    return cpu->st.sr[virtual_group(cpu, group) ? virtual_ap[group] : physical_ap[group]];
}

static void write_ap(A64Cpu *cpu, unsigned group, uint64_t value)
{
    if (virtual_group(cpu, group)) {
        cpu->st.sr[virtual_ap[group]] = value & (group ? A64_AP_MASK : UINT32_MAX);
        a64_ich_update(cpu);
    } else {
        cpu->st.sr[physical_ap[group]] = value & (group ? A64_AP_MASK : UINT32_MAX);
        a64_icc_update(cpu);
    }
}

uint64_t a64_sr_read_icc_ap0r0_el1(A64Cpu *cpu)
{
    return read_ap(cpu, 0);
}

uint64_t a64_sr_read_icc_ap1r0_el1(A64Cpu *cpu)
{
    return read_ap(cpu, 1);
}

void a64_sr_write_icc_ap0r0_el1(A64Cpu *cpu, uint64_t value)
{
    write_ap(cpu, 0, value);
}

void a64_sr_write_icc_ap1r0_el1(A64Cpu *cpu, uint64_t value)
{
    write_ap(cpu, 1, value);
}

uint64_t a64_sr_read_icc_pmr_el1(A64Cpu *cpu)
{
    return virtual_common(cpu) ? cpu->st.sr[A64_SR_ICH_VMCR_EL2] >> A64_ICH_VMCR_VPMR
                               : cpu->st.sr[A64_SR_ICC_PMR_EL1];
}

void a64_sr_write_icc_pmr_el1(A64Cpu *cpu, uint64_t value)
{
    const uint64_t priority = value & A64_ICC_PRIORITY_MASK;
    if (virtual_common(cpu)) {
        uint64_t *vmcr = &cpu->st.sr[A64_SR_ICH_VMCR_EL2];
        *vmcr = (*vmcr & ~(UINT64_C(0xff) << A64_ICH_VMCR_VPMR)) | priority << A64_ICH_VMCR_VPMR;
        a64_ich_update(cpu);
    } else {
        cpu->st.sr[A64_SR_ICC_PMR_EL1] = priority;
        cpu->gic->pmr = (uint8_t)priority;
        a64_gic_poke(cpu);
    }
}

uint64_t a64_sr_read_icc_ctlr_el1(A64Cpu *cpu)
{
    return virtual_common(cpu) ? a64_icv_read_ctlr(cpu)
                               : cpu->st.sr[A64_SR_ICC_CTLR_EL1] | A64_ICC_CTLR_FIXED;
}

void a64_sr_write_icc_ctlr_el1(A64Cpu *cpu, uint64_t value)
{
    if (virtual_common(cpu)) {
        a64_icv_write_ctlr(cpu, value);
    } else {
        /* PMHE is RAZ/WI: PMR is no hint to the 1-of-N choice. */
        cpu->st.sr[A64_SR_ICC_CTLR_EL1] = value & (A64_ICC_CBPR | A64_ICC_EOIMODE);
        a64_icc_update(cpu);
    }
}

static uint64_t read_igrpen(A64Cpu *cpu, unsigned group)
{
    if (virtual_group(cpu, group)) {
        return cpu->st.sr[A64_SR_ICH_VMCR_EL2] >> group & 1;
    }
    return cpu->st.sr[group ? A64_SR_ICC_IGRPEN1_EL1 : A64_SR_ICC_IGRPEN0_EL1];
}

static void write_igrpen(A64Cpu *cpu, unsigned group, uint64_t value)
{
    uint64_t *sr = cpu->st.sr;
    if (virtual_group(cpu, group)) {
        uint64_t *vmcr = &sr[A64_SR_ICH_VMCR_EL2];
        *vmcr = (*vmcr & ~(UINT64_C(1) << group)) | (value & 1) << group;
        a64_ich_update(cpu);
    } else {
        sr[group ? A64_SR_ICC_IGRPEN1_EL1 : A64_SR_ICC_IGRPEN0_EL1] = value & 1;
        cpu->ports->gic->upstream(cpu->ports->gic_ctx, cpu->eng.index, sr[A64_SR_ICC_IGRPEN0_EL1],
                                  sr[A64_SR_ICC_IGRPEN1_EL1]);
    }
}

uint64_t a64_sr_read_icc_igrpen0_el1(A64Cpu *cpu)
{
    return read_igrpen(cpu, 0);
}

uint64_t a64_sr_read_icc_igrpen1_el1(A64Cpu *cpu)
{
    return read_igrpen(cpu, 1);
}

void a64_sr_write_icc_igrpen0_el1(A64Cpu *cpu, uint64_t value)
{
    write_igrpen(cpu, 0, value);
}

void a64_sr_write_icc_igrpen1_el1(A64Cpu *cpu, uint64_t value)
{
    write_igrpen(cpu, 1, value);
}

static void send_sgi(A64Cpu *cpu, uint64_t value, unsigned group)
{
    cpu->ports->gic->send_sgi(cpu->ports->gic_ctx, cpu->eng.index, value, group);
}

void a64_sr_write_icc_sgi0r_el1(A64Cpu *cpu, uint64_t value)
{
    send_sgi(cpu, value, 0);
}

void a64_sr_write_icc_sgi1r_el1(A64Cpu *cpu, uint64_t value)
{
    send_sgi(cpu, value, 1);
}

/* Group 1 of the other Security state; with one state only an SGI of Group 0 can answer to it. */
void a64_sr_write_icc_asgi1r_el1(A64Cpu *cpu, uint64_t value)
{
    send_sgi(cpu, value, 0);
}

/* The system register interface cannot be switched off: SRE, DFB, DIB and Enable are RAO/WI. */
uint64_t a64_sr_read_icc_sre_el1(A64Cpu *cpu)
{
    return 7;
}

void a64_sr_write_icc_sre_el1(A64Cpu *cpu, uint64_t value)
{
}

void a64_sr_write_icc_sre_el2(A64Cpu *cpu, uint64_t value)
{
}

/* Enables, trap bits, EOIcount; TSEI is RES0 as the interface generates no SErrors. */
void a64_sr_write_ich_hcr_el2(A64Cpu *cpu, uint64_t value)
{
    cpu->st.sr[A64_SR_ICH_HCR_EL2] = value & UINT64_C(0xf8005cff);
    a64_ich_update(cpu);
}

uint64_t a64_sr_read_ich_vtr_el2(A64Cpu *cpu)
{
    return A64_ICH_VTR;
}

uint64_t a64_sr_read_ich_misr_el2(A64Cpu *cpu)
{
    return a64_ich_read_misr(cpu);
}

uint64_t a64_sr_read_ich_eisr_el2(A64Cpu *cpu)
{
    return cpu->gic->lr_eoi;
}

uint64_t a64_sr_read_ich_elrsr_el2(A64Cpu *cpu)
{
    return (uint16_t) ~(cpu->gic->lr_valid | cpu->gic->lr_eoi);
}

void a64_sr_write_ich_vmcr_el2(A64Cpu *cpu, uint64_t value)
{
    a64_ich_write_vmcr(cpu, value);
}

void a64_sr_write_ich_ap0r0_el2(A64Cpu *cpu, uint64_t value)
{
    cpu->st.sr[A64_SR_ICH_AP0R0_EL2] = (uint32_t)value;
    a64_ich_update(cpu);
}

void a64_sr_write_ich_ap1r0_el2(A64Cpu *cpu, uint64_t value)
{
    cpu->st.sr[A64_SR_ICH_AP1R0_EL2] = value & A64_AP_MASK;
    a64_ich_update(cpu);
}

void a64_sr_write_ich_lr_el2(A64Cpu *cpu, unsigned n, uint64_t value)
{
    a64_ich_write_lr(cpu, n, value);
}
