/*
 * What the machine does where the manual leaves a choice: the CONSTRAINED UNPREDICTABLE behaviours
 * of A64 at EL0 to EL2. One function a rule, called where the choice is made; where nothing is
 * called, `Where:` names what makes it. Arm ARM, appendix K1, "AArch64 CONSTRAINED UNPREDICTABLE
 * behaviors", and the sections that the rules name. docs/constrained-unpredictable.md is made of
 * the comments by scripts/unpredictable: Rule (situation), Choice, Where.
 *
 * Not in scope, as the feature is not there: AArch32, EL3, SVE, SME, MTE, SPE, TRBE, BRBE, MPAM,
 * Activity Monitors, external debug.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* ---- Instructions ---- */

/* What becomes of an instruction; as it executes, it keeps its own order of reads and writes. */
typedef enum { A64_UNPRED_EXECUTES, A64_UNPRED_UNDEFINED } A64Unpred;

/* The functions of instructions: is the word UNDEFINED? */
static inline bool a64_unpred_undefined(bool situation, A64Unpred choice)
{
    return situation && choice == A64_UNPRED_UNDEFINED;
}

/*
 * Rule: K1.2.17, LDP, LDNP, LDPSW, LDIAPP, LDXP, LDAXP, and LDP, LDNP (SIMD&FP): t == t2
 * Choice: executes; the register holds the second of the two values
 */
static inline bool a64_unpred_load_pair(uint32_t rt, uint32_t rt2)
{
    return a64_unpred_undefined(rt == rt2, A64_UNPRED_EXECUTES);
}

/*
 * Rule: K1.2.17 and C6.2, LDR, LDRB, LDRH, LDRSB, LDRSH, LDRSW, LDRAA, LDRAB, LDAPR, LDP, LDPSW,
 *   LDIAPP with writeback: n == t or n == t2, n != 31
 * Choice: executes; the base register holds the updated address; if the load faults it holds what
 *   it held
 */
static inline bool a64_unpred_load_writeback(uint32_t rn, uint32_t rt)
{
    return a64_unpred_undefined(rn == rt && rn != 31, A64_UNPRED_EXECUTES);
}

/*
 * Rule: K1.2.17 and C6.2, STR, STRB, STRH, STLR, STP, STILP with writeback: n == t or n == t2,
 *   n != 31
 * Choice: executes; the value stored is that of the base before the update
 */
static inline bool a64_unpred_store_writeback(uint32_t rn, uint32_t rt)
{
    return a64_unpred_undefined(rn == rt && rn != 31, A64_UNPRED_EXECUTES);
}

/*
 * Rule: K1.2.17, STXR, STLXR, STXRB, STLXRB, STXRH, STLXRH, STXP, STLXP: s == t or s == t2
 * Choice: executes; the value stored is that of the register before the status is written to it
 */
static inline bool a64_unpred_store_exclusive_data(uint32_t rs, uint32_t rt)
{
    return a64_unpred_undefined(rs == rt, A64_UNPRED_EXECUTES);
}

/*
 * Rule: K1.2.17, STXR, STLXR, STXRB, STLXRB, STXRH, STLXRH, STXP, STLXP: s == n, n != 31
 * Choice: executes; the store is to the address in the base before the status is written to it
 */
static inline bool a64_unpred_store_exclusive_base(uint32_t rs, uint32_t rn)
{
    return a64_unpred_undefined(rs == rn && rn != 31, A64_UNPRED_EXECUTES);
}

/*
 * Rule: K1.2.17.1 and K1.2.17.16, CPY* and SET*: two registers are the same, or one that must not
 *   be XZR is
 * Choice: UNDEFINED
 */
static inline bool a64_unpred_mops(uint32_t rd, uint32_t rs, uint32_t rn, bool set)
{
    bool same = rs == rn || rs == rd || rn == rd;
    bool zr = rd == 31 || rn == 31 || (rs == 31 && !set);

    return a64_unpred_undefined(same || zr, A64_UNPRED_UNDEFINED);
}

/*
 * Rule: C6.2, LDCLRP, LDSETP, SWPP: t == t2
 * Choice: UNDEFINED
 */
static inline bool a64_unpred_atomic128(uint32_t rt, uint32_t rt2)
{
    return a64_unpred_undefined(rt == rt2, A64_UNPRED_UNDEFINED);
}

/*
 * Rule: K1.2.17.2 and K1.2.17.17, LD64B, ST64B, ST64BV, ST64BV0: the memory does not support the
 *   instruction, by the type of which stage is it reported?
 * Choice: a Data Abort with DFSC 0b110101 of the first stage that makes it Cacheable; true: of
 *   stage 2
 */
static inline bool a64_unpred_ls64_stage2(bool s2_on, bool s1_on, bool s1_uncached)
{
    return s2_on && (!s1_on || s1_uncached);
}

/*
 * Rule: K1.2.2, SBZ or SBO fields in A64 instructions do not have the should-be value
 * Choice: executes as if they had it
 * Where: `-` and `+` of the encodings in target-arm64/tables
 */

/*
 * Rule: K1.2.8, ESR_ELx for a CONSTRAINED UNPREDICTABLE instruction that is treated as UNDEFINED
 * Choice: EC 0 and ISS 0, as for any other
 * Where: target-arm64/exception.c
 */

/*
 * Rule: C6.2, CAS, CASP, RCWCAS, RCWSCAS: is there a write when the comparison or a check fails;
 *   what is read when it succeeds?
 * Choice: no write; the value that memory held
 * Where: src/engine/atomic.c, target-arm64/help-rcw.c
 */

/*
 * Rule: D1.4, CPY*: both the read and the write fault
 * Choice: the exception of the read is taken
 * Where: target-arm64/help-mops.c
 */

/*
 * Rule: D1.4, SPSR_ELx.BTYPE of an exception that is not one of the instruction fetch, the state or
 *   the debug of the instruction
 * Choice: PSTATE.BTYPE as it is then, not 0
 * Where: a64_spsr_pack in target-arm64/exception.c
 */

/* ---- Exclusives ---- */

/*
 * Rule: K1.2.16 and B2.12.5, Store-Exclusive of another size than the Load-Exclusive
 * Choice: fails, status 1
 * Where: eng_store_exclusive in src/engine/atomic.c
 */

/*
 * Rule: K1.2.16 and B2.12.5.1, STXP of two words after LDXR of a doubleword, or the other way
 *   round
 * Choice: passes or fails as if the number of registers were the same
 * Where: eng_store_exclusive in src/engine/atomic.c
 */

/*
 * Rule: K1.2.16 and B2.12.5, Store-Exclusive by another virtual address, or with other attributes,
 *   of the same physical address
 * Choice: succeeds as if the address and the attributes were the same
 * Where: eng_store_exclusive in src/engine/atomic.c
 */

/*
 * Rule: K1.2.16, cache maintenance of a location that the monitor has marked
 * Choice: the monitor stays as it is
 * Where: the DC rows of target-arm64/tables/sysinsns.tbl
 */

/* ---- Memory accesses ---- */

/*
 * Rule: K1.2.9, an access of the bytes at 0xffffffffffffffff and 0
 * Choice: those from 0 onwards are accessed at 0
 * Where: src/engine/access.c
 */

/*
 * Rule: K1.2.11, instruction fetch from Device memory that is not execute-never
 * Choice: as from Normal, Non-cacheable memory
 * Where: nothing asks for the type of a fetch, target-arm64/stages.c
 */

/*
 * Rule: K1.2.13, one load or store whose accesses cross into a page of another memory type or
 *   Shareability
 * Choice: each access has the type and attributes of its own address; an unaligned one that reaches
 *   into Device memory is an Alignment fault
 * Where: hit_second in src/engine/access.c
 */

/*
 * Rule: K1.2.14, accesses of one instruction to Device memory cross a boundary of the smallest
 *   granule
 * Choice: all are done as if the boundary were not there; unaligned ones fault for the memory type
 *   as everywhere
 * Where: src/engine/access.c, target-arm64/stages.c
 */

/*
 * Rule: FEAT_LSE2, unaligned exclusive, atomic, acquire or release within 16 bytes of memory that
 *   is Normal but not Write-Back
 * Choice: done as in Write-Back memory
 * Where: only Device memory is looked for in target-arm64/stages.c and stage2.c
 */

/*
 * Rule: K1.2.10, non-idempotent locations mapped as Normal
 * Choice: nothing is read ahead, merged or split more than for Device memory
 * Where: src/engine/access.c
 */

/*
 * Rule: D8.5.1 "R QSPMS", is the Access flag set when the access ends in an Alignment fault or a
 *   Permission fault of the stage?
 * Choice: no; the same for the dirty state
 * Where: the order of checks in stage1 (stages.c) and stage2_once (stage2.c)
 */

/*
 * Rule: D8.5 "R TXGHB", "R SMTCW", is the dirty state set by CAS, CASP, RCW* when nothing is
 *   stored?
 * Choice: yes: the page is translated for a write
 * Where: target-arm64/stages.c, stage2.c
 */

/*
 * Rule: K1.2.3, TLBs and caches keep old values until they are invalidated; several entries match
 *   (D8.17)
 * Choice: the answer is one of the entries or of the tables as they are; there is no TLB conflict
 *   abort
 * Where: src/engine/tlb.c
 */

/*
 * Rule: K1.2.4, a System register has been written without context synchronization
 * Choice: the new value, but for the traps of PMXEVCNTR_EL0 and PMXEVTYPER_EL0, which go by the
 *   PMSELR_EL0 of the last one
 * Where: target-arm64/trans-sysreg.c, target-arm64/mode.c
 */

/* ---- Translation ---- */

/*
 * Rule: K1.2.19, TCR_ELx.TGn and VTCR_EL2.TG0: reserved, or a granule that is not implemented (0:
 *   reserved)
 * Choice: 4KB if it is there, else 64KB, else 16KB
 */
static inline unsigned a64_unpred_granule(bool gran4, bool gran64)
{
    return gran4 ? 12 : gran64 ? 16 : 14;
}

/*
 * Rule: D8.2, TCR_ELx.TnSZ and VTCR_EL2.T0SZ below the least or above the largest value of the
 *   configuration
 * Choice: each access by these tables is a level 0 Translation fault (true)
 */
static inline bool a64_unpred_txsz_faults(unsigned txsz, unsigned min, unsigned max)
{
    return txsz < min || txsz > max;
}

/*
 * Rule: D8.10.1 "R FCMCH", pointer authentication with TCR_ELx.TnSZ out of range
 * Choice: the value as it stands says where the code begins
 * Where: target-arm64/pauth.c
 */

/*
 * Rule: K1.2.19, TCR_ELx.(I)PS and VTCR_EL2.PS of 0b111: bits of an output address
 * Choice: as 0b110, 52 bits, if the machine has them
 */
static inline unsigned a64_unpred_reserved_ps(void)
{
    return 52;
}

/*
 * Rule: K1.2.5, bits of TTBRn_ELx and VTTBR_EL2 below the alignment of the first table are not 0
 * Choice: they count as 0; reads return what was written
 */
static inline uint64_t a64_unpred_table_base(uint64_t base, unsigned size)
{
    return base & ~((UINT64_C(1) << size) - 1);
}

/*
 * Rule: K1.2.19 and D8.2, VTCR_EL2.{SL2,SL0} reserved, or not consistent with T0SZ and the granule
 * Choice: each access by stage 2 is a level 0 Translation fault: a level that is none
 */
static inline int a64_unpred_stage2_start(void)
{
    return 9;
}

/*
 * Rule: D8.6, SH of a descriptor, TCR_ELx.SHn, VTCR_EL2.SH0 of 0b01
 * Choice: Outer Shareable (0b10)
 */
static inline unsigned a64_unpred_shareability(void)
{
    return 2;
}

/*
 * Rule: D24.2 MAIR_ELx of 0b0000dd01, 0b0000dd10, 0b0000dd11
 * Choice: as 0b0000dd00: Device memory; the first is that without the XS attribute
 * Where: a64_attr_stage1 in target-arm64/mem-attr.c
 */

/*
 * Rule: D24.2 MAIR_ELx, a Normal outer half beside an inner half of 0b0000
 * Choice: the inner half is as the outer one, which is what FEAT_XS has 0b01000000 and 0b10100000
 *   for
 */
static inline uint8_t a64_unpred_mair(uint8_t attr)
{
    return attr | (uint8_t)(attr >> 4);
}

/*
 * Rule: D8.6, stage-2 MemAttr[1:0] of 0b00 beside an outer half that is Normal (FWB is 0): is it
 *   Non-cacheable?
 * Choice: yes
 */
static inline bool a64_unpred_memattr_is_nc(unsigned half)
{
    return half == 0;
}

/*
 * Rule: D8.6, stage-2 MemAttr[2:0] of 0b100 with FWB
 * Choice: as 0b101: Normal Non-cacheable
 * Where: combine_fwb in target-arm64/mem-attr.c
 */

/*
 * Rule: D8.14.4, HCR_EL2.{NV,NV1} = {0,1} at EL1: has NV1 its effects?
 * Choice: no, as {0,0}
 */
static inline bool a64_unpred_nv1(bool nv, bool nv1)
{
    return nv && nv1;
}

/*
 * Rule: D24.2 VNCR_EL2, bits above the VA that do not repeat its sign
 * Choice: the address is used as it stands: a Translation fault of the EL2 regime
 * Where: vncr_address in target-arm64/trans-sysreg.c
 */

/*
 * Rule: D24.2, CPACR_EL1.FPEN, CPTR_EL2.FPEN of 0b10
 * Choice: as 0b00
 * Where: the rules of target-arm64/tables/sysregs.tbl
 */

/* ---- Debug ---- */

/* The next three: does the breakpoint or watchpoint match? */

/*
 * Rule: D2.8.7, D2.9.7, reserved {HMC,SSC,PMC} of DBGBCRn_EL1, {HMC,SSC,PAC} of DBGWCRn_EL1
 * Choice: disabled
 */
static inline bool a64_unpred_debug_el(void)
{
    return false;
}

/*
 * Rule: D2.8.7, reserved DBGBCRn_EL1.BT
 * Choice: disabled
 */
static inline bool a64_unpred_breakpoint_type(void)
{
    return false;
}

/*
 * Rule: D2.8.7.5, D2.9.7, a breakpoint or watchpoint is linked to a breakpoint that is not
 *   implemented or not context-aware; a breakpoint for a context is not context-aware
 * Choice: disabled; LBN and BT read as written
 */
static inline bool a64_unpred_breakpoint_context(void)
{
    return false;
}

/*
 * Rule: D2.9.7.6, DBGWCRn_EL1.MASK of 0b00001 or 0b00010: is it disabled?
 * Choice: yes
 */
static inline bool a64_unpred_watch_mask(unsigned mask)
{
    return mask == 1 || mask == 2;
}

/*
 * Rule: D2.9.7.5, DBGWCRn_EL1.BAS with bits that are not next to each other: which of the bytes
 *   between count?
 * Choice: all that lie between the lowest and the highest bit
 */
static inline unsigned a64_unpred_watch_bas(unsigned bas)
{
    unsigned first = (unsigned)__builtin_ctz(bas), last = 31 - (unsigned)__builtin_clz(bas);
    return ((2u << last) - 1) & ~((1u << first) - 1);
}

/*
 * Rule: D2.9.7, DBGWCRn_EL1.MASK is not 0, and BAS not all ones or masked bits of DBGWVRn_EL1 are
 *   not 0
 * Choice: neither counts: all bytes of the range are watched
 */
static inline uint64_t a64_unpred_watch_base(uint64_t value, unsigned mask)
{
    return value >> mask << mask;
}

/*
 * Rule: D2.8, D2.9, bits of DBGBVRn_EL1 and DBGWVRn_EL1 above the VA do not repeat its sign
 * Choice: they are not compared
 * Where: A64_DEBUG_VA in target-arm64/debug.h
 */

/*
 * Rule: D2.11, ESR_ELx.ISV of a Software Step exception behind ERET or ISB
 * Choice: 1 where the instruction was stepped, with EX as it is for others
 * Where: target-arm64/step.c
 */

/* ---- Performance Monitors ---- */

/*
 * Rule: K1.2.6.3, MDCR_EL2.HPMN above the number of counters
 * Choice: as that number; reads return what was written
 */
static inline unsigned a64_unpred_hpmn(unsigned counters)
{
    return counters;
}

/*
 * Rule: K1.2.6.3, MDCR_EL2.HPMN of 0 without FEAT_HPMN0
 * Choice: no counter is EL1's or EL0's, as with the feature
 * Where: a64_pmu_first_range in target-arm64/pmu-filter.c
 */

/*
 * Rule: K1.2.6.1, K1.2.6.2, PMXEVCNTR_EL0, PMXEVTYPER_EL0, PMEVCNTRn_EL0, PMEVTYPERn_EL0 of a
 *   counter that is not there or is EL2's, without FEAT_FGT
 * Choice: as with FEAT_FGT: UNDEFINED, or trapped to EL2 where it is EL2's
 * Where: PMSEL, PMSELT, PMHPMN in target-arm64/tables/sysregs.tbl
 */

/*
 * Rule: K1.2.4, PMXEVCNTR_EL0, PMXEVTYPER_EL0 behind a PMSELR_EL0 that is not synchronized and
 *   names no counter: what is read?
 * Choice: 0; writes are ignored
 */
static inline uint64_t a64_unpred_no_counter(void)
{
    return 0;
}

/*
 * Rule: D24.2 MDCR_EL2.PMEE, PMECR_EL1.PMEE of a reserved value: is the overflow an interrupt or
 *   exception?
 * Choice: neither
 * Where: signal_of in target-arm64/pmu.c
 */

/*
 * Rule: J1, CHAIN on counters of two ranges (MDCR_EL2.HPMN between them)
 * Choice: the odd counter counts
 * Where: is_chained in target-arm64/pmu.c
 */

/* ---- Caches ---- */

/*
 * Rule: K1.2.12, CCSIDR_EL1 where CSSELR_EL1 names a cache that is not there
 * Choice: 0; CSSELR_EL1 reads as written
 */
static inline uint64_t a64_unpred_ccsidr(void)
{
    return 0;
}

/*
 * Rule: K1.2.18, DC ISW, CSW, CISW with a set, way or level that is not there
 * Choice: no cache lines are maintained
 * Where: the DC rows of target-arm64/tables/sysinsns.tbl
 */

/* ---- GIC CPU interface ---- */

/*
 * Rule: GIC architecture (IHI 0069), ICC_EOIRn_EL1: the highest active priority is not of this
 *   group: has the write an effect?
 * Choice: no
 */
static inline bool a64_unpred_eoir(void)
{
    return false;
}

/*
 * Rule: GIC architecture (IHI 0069), ICC_DIR_EL1 with ICC_CTLR_EL1.EOImode 0: has the write an
 *   effect?
 * Choice: no
 */
static inline bool a64_unpred_dir(void)
{
    return false;
}
