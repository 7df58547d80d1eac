/*
 * FEAT_NV2, every register of "Memory address offset associated with transformed register access": moved to memory, to EL1's register,
 * trapped, done or UNDEFINED for every {NV,NV1,NV2}, {E2H,TGE} and Exception level; the faults of the page for each; what an exception
 * from EL1 to EL1 and CurrentEL show. Arm ARM, "Nested virtualization"; rows from tests/facts by gen_vncr.py.
 */
#include "rt.h"

#define HCR_NV BIT(42)
#define HCR_NV1 BIT(43)
#define HCR_NV2 BIT(45)
#define HCR_BASE (HCR_RW | 3ull << 40 | BIT(53) | BIT(56)) /* API, APK, EnSCXT, ATA: nothing is trapped by being 0 */
#define VNCR_EL2 s3_4_c2_c2_0
#define VA 0x180000000ull /* of the VNCR page */
#define SENTINEL(n) (0xfedcba9876543210ull ^ (u64)(n) << 32 ^ (u64)(n))
#define WRITTEN 0x8123456789abcdefull

struct Row {
    const char *name;
    bool (*present)(void);
    u64 (*read)(u64);
    const char *reads; /* outcomes, see gen_vncr.py */
    u64 (*write)(u64);
    const char *writes;
    int offset;
    const char *target;
};

static unsigned num_lrs(void) { return BITS(READ(ICH_VTR_EL2), 4, 0) + 1; }
static unsigned gicv_apr(void)
{
    u64 pre = BITS(READ(ICH_VTR_EL2), 28, 26);
    return pre < 5 ? 0 : pre == 5 ? 1 : 3;
}
#include "vncr-rows.inc"

static struct Setting {
    unsigned el, e2h, tge, raw, nvx; /* raw: as written; nvx: effective; {NV2,NV1,NV} */
} now;
static u64 page[512] __attribute__((aligned(4096)));
static struct RtMap host; /* of EL2&0 while E2H is set: user code too */
static bool nv2_only;

PROBE(leave, "hvc #0xffff");
PROBE(do_svc, "svc #7");
PROBE(do_udf, "udf #0");
PROBE(load, "ldr x0, [x0]");
PROBE(r_current, "mrs x0, CurrentEL");
PROBE(r_hcr, "mrs x0, hcr_el2");

/* --- exceptions ---------------------------------------------------------------------------------- */

/* EL1's handlers call EL2: ERET traps under NV, and EL1's registers may be memory. */
__asm__(".pushsection .text\n.balign 0x800\nreporting_vectors:\n.rept 16\n.balign 0x80\n hvc #0x123\n.endr\n.popsection");
extern char reporting_vectors[];
static struct {
    u64 count, spsr, esr;
} seen;

static bool report(struct RtFrame *f)
{
    if (f->el != 2 || f->esr != ESR(0x16, 0x123))
        return false;
    seen.spsr = now.e2h ? READ(s3_5_c4_c0_0) : READ(spsr_el1);
    seen.esr = now.e2h ? READ(s3_5_c5_c2_0) : READ(esr_el1);
    seen.count += seen.esr != ESR(0x15, 0xffff); /* that is how a function at EL0 ends */
    f->elr = (u64)leave;
    f->spsr = SPSR_EL1H;
    return true;
}

static bool matches(const char *row, const char *form, bool ok, u64 got, u64 want)
{
    rt_checks++;
    if (ok)
        return true;
    rt_failures++;
    rt_printf("FAIL %s %s EL%d E2H=%d TGE=%d {NV2,NV1,NV}=%d%d%d got %lx want %lx\n", form, row, now.el, now.e2h, now.tge,
              now.raw >> 2, now.raw >> 1 & 1, now.raw & 1, got, want);
    return false;
}

static u64 hcr_of(const struct Setting *s)
{
    return HCR_BASE | (s->e2h ? HCR_E2H : 0) | (s->tge ? HCR_TGE : 0) | (s->raw & 1 ? HCR_NV : 0) |
           (s->raw & 2 ? HCR_NV1 : 0) | (s->raw & 4 ? HCR_NV2 : 0);
}

/* {NV2,NV1,NV} as they count in this setting: fields of features that are not there read 0. */
static unsigned effective(const struct Setting *s)
{
    u64 before = READ(hcr_el2);
    WRITE_ISB(hcr_el2, hcr_of(s));
    u64 hcr = READ(hcr_el2);
    WRITE_ISB(hcr_el2, before);
    bool nv = hcr & HCR_NV, nv2 = hcr & HCR_NV2 || nv2_only;
    return nv ? 1u | (hcr & HCR_NV1 ? 2u : 0) | (nv2 ? 4u : 0) : 0;
}

/* The access at the setting's Exception level: its result; exceptions are in *exc (EL2's) and seen (EL1's). */
static u64 perform(u64 (*fn)(u64), u64 arg, struct RtExc *exc)
{
    static const u64 spsr[2] = {SPSR_EL0, SPSR_EL1H};
    u64 value, before = READ(hcr_el2);
    seen.count = 0;
    WRITE_ISB(hcr_el2, hcr_of(&now));
    rt_arm(RT_SKIP);
    value = now.el == 2 ? fn(arg) : rt_call(spsr[now.el], fn, arg);
    *exc = *rt_disarm();
    WRITE_ISB(hcr_el2, before);
    return value;
}

/* --- the table ----------------------------------------------------------------------------------- */

/* Outcome letter of what happened; M and R have to be told from D by what was read or written. */
static char happened(const struct RtExc *exc)
{
    u64 ec = EC(exc);
    if (seen.count)
        return seen.count == 1 && !exc->count && seen.esr == ESR(0, 0) ? 'U' : '?';
    if (!exc->count)
        return 'D';
    if (exc->count != 1 || exc->el != 2 || exc->vector != (now.el == 2 ? 0x200u : 0x400u))
        return '?';
    return exc->esr == ESR(0, 0) ? 'U' : ec == 0x18 ? 'T' : '?';
}

static char expected(const char *outcomes)
{
    unsigned context = now.el == 1 ? now.e2h : (now.el ? 6 : 2) + now.e2h * 2 + now.tge;
    return outcomes[context * 9 + now.nvx];
}

static const struct Row *find(const char *name)
{
    for (unsigned n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        const char *a = rows[n].name, *b = name;
        while (*a && *a == *b)
            a++, b++;
        if (*a == *b)
            return &rows[n];
    }
    return 0;
}

/* EL1's register that EL2's name reaches at EL1, read at EL2. */
static u64 target_value(const char *target)
{
    char name[16];
    unsigned n = 0;
    for (; target[n]; n++)
        name[n] = target[n];
    if (now.e2h)
        name[n++] = '2'; /* SPSR_EL12 */
    name[n] = 0;
    return find(name)->read(0);
}

static void redirected(const struct Row *row)
{
    struct RtExc exc;
    u64 before = target_value(row->target);
    perform(row->write, 0, &exc);
    matches(row->name, "MSR 0 to EL1's register", !target_value(row->target), target_value(row->target), 0);
    perform(row->write, 0x20000345, &exc);
    u64 after = target_value(row->target), value = perform(row->read, 0, &exc);
    matches(row->name, "MSR to EL1's register", after != 0, after, 0x20000345);
    matches(row->name, "MRS of EL1's register", value == after, value, after);
    perform(row->write, before, &exc);
}

static void moved(const struct Row *row, u64 read, bool writes)
{
    struct RtExc exc;
    u64 *slot = &page[row->offset / 8], was = *slot;
    if (!writes) {
        matches(row->name, "MRS from memory", read == was, read, was);
        return;
    }
    perform(row->write, WRITTEN, &exc);
    matches(row->name, "MSR to memory", *(volatile u64 *)slot == WRITTEN, *slot, WRITTEN);
    *(volatile u64 *)slot = was;
}

static void access(const struct Row *row, bool writes, u64 value)
{
    struct RtExc exc;
    const char *outcomes = writes ? row->writes : row->reads;
    char want = expected(outcomes), got;
    u64 read = perform(writes ? row->write : row->read, value, &exc);
    got = happened(&exc);
    if (now.raw & 2 && !(now.raw & 1) && now.el == 1)
        return; /* what NV1 does without NV is CONSTRAINED UNPREDICTABLE; the page was looked at all the same */
    if (!matches(row->name, writes ? "MSR" : "MRS", got == (want == 'M' || want == 'R' ? 'D' : want), (u64)got, (u64)want))
        return;
    if (want == 'M')
        moved(row, read, writes);
    if (want == 'R' && writes)
        redirected(row);
}

static void page_is_whole(const struct Row *row)
{
    for (unsigned n = 0; n < 512; n++)
        if (page[n] != SENTINEL(n)) {
            matches(row->name, "page", false, page[n], SENTINEL(n));
            *(volatile u64 *)&page[n] = SENTINEL(n);
        }
}

/* Both accesses in this setting; the register itself (as EL2 sees it) must stay when memory is meant. A write writes what was there. */
static void both(const struct Row *row)
{
    struct RtExc exc;
    u64 value = 0, own = 0;
    bool visible = false;
    if (row->read) {
        struct Setting saved = now;
        now.el = 2;
        now.tge = 0;
        visible = expected(row->reads) == 'D';
        now = saved;
        visible &= now.el == 1 && expected(row->reads) == 'M' && !now.e2h; /* nothing else changes it then */
        own = visible ? row->read(0) : 0;
        value = perform(row->read, 0, &exc);
        access(row, false, 0);
    }
    if (row->write)
        access(row, true, value);
    if (visible)
        matches(row->name, "the register", row->read(0) == own, row->read(0), own);
}

/* Whether ACTLR_EL1 follows E2H and NV, and whether ACTLR_EL12 is there, is IMPLEMENTATION DEFINED. */
static bool impdef(const struct Row *row)
{
    return row == find("ACTLR_EL1") || row == find("ACTLR_EL12");
}

static bool is_there(const struct Row *row, unsigned e2h)
{
    if (row == find("ACTLR_EL12"))
        return e2h && !TRY(RT_SKIP, row->read(0))->count;
    return row->present();
}

static void settings_of_row(const struct Row *row, unsigned e2h)
{
    for (unsigned el = 0; el < 3; el++)
        for (unsigned tge = 0; tge < (el == 1 ? 1u : 2u); tge++)
            for (unsigned raw = 0; raw < 8; raw++) {
                now = (struct Setting){el, e2h, tge, raw, 0};
                now.nvx = effective(&now);
                if (!(impdef(row) && now.nvx == 5))
                    both(row);
            }
    page_is_whole(row);
}

/* --- faults --------------------------------------------------------------------------------------- */

enum { READS = 1, WRITES = 2 };
static struct {
    const char *what;
    unsigned level; /* of the entry; 0: VNCR_EL2 outside the tables */
    u64 attrs;      /* 0: no entry */
    unsigned faults, status;
} const kinds[] = {
    {"no address", 0, 0, READS | WRITES, 4},        {"no table", 1, 0, READS | WRITES, 5},
    {"no entry, level 2", 2, 0, READS | WRITES, 6}, {"no page", 3, 0, READS | WRITES, 7},
    {"AF, block", 2, S1_NORMAL | S1_SH, READS | WRITES, 10}, {"AF, page", 3, S1_NORMAL | S1_SH, READS | WRITES, 11},
    {"read-only block", 2, S1_RAM | S1_RO, WRITES, 14}, {"read-only page", 3, S1_RAM | S1_RO, WRITES, 15},
};

static void one_fault(const struct Row *row, unsigned kind, bool writes, u64 base)
{
    struct RtExc exc;
    u64 *slot = &page[row->offset / 8], *block = (u64 *)(((u64)page & ~0x1fffffull) + row->offset);
    u64 (*fn)(u64) = writes ? row->write : row->read;
    u64 value = perform(fn, 0x5555, &exc), esr = ESR(0x25, BIT(13) | (u64)writes << 6 | kinds[kind].status);
    const char *what = kinds[kind].what;
    if (!(kinds[kind].faults & (writes ? WRITES : READS))) {
        u64 want = kinds[kind].level == 2 ? *block : *slot;
        matches(row->name, what, !exc.count && value == want, value, want);
        return;
    }
    if (!matches(row->name, what, exc.count == 1 && exc.el == 2 && exc.esr == esr && !seen.count, exc.esr, esr))
        return;
    matches(row->name, "vector", exc.vector == 0x400, exc.vector, 0x400);
    matches(row->name, "FAR_EL2", exc.far == base + (unsigned)row->offset, exc.far, base + (unsigned)row->offset);
    matches(row->name, "ELR_EL2", exc.elr == (u64)fn, exc.elr, (u64)fn);
    matches(row->name, "SPSR_EL2.{DAIF,M}", BITS(exc.spsr, 9, 0) == SPSR_EL1H, exc.spsr, SPSR_EL1H);
    matches(row->name, "X0 after the fault", value == 0x5555, value, 0x5555);
}

static void faults_of_kind(struct RtMap *map, unsigned e2h, unsigned kind)
{
    u64 *entry = rt_map_entry(map, VA, kinds[kind].level ? kinds[kind].level : 3), good = *entry;
    u64 base = kinds[kind].level ? VA : 0x7fff00000000ull;
    u64 pa = kinds[kind].level == 2 ? (u64)page & ~0x1fffffull : (u64)page;
    if (kinds[kind].level)
        *entry = kinds[kind].attrs ? pa | kinds[kind].attrs | (kinds[kind].level == 3 ? 3 : 1) : 0;
    rt_tlbi_all();
    WRITE_ISB(VNCR_EL2, base);
    for (unsigned n = 0; n < sizeof rows / sizeof rows[0]; n++)
        for (unsigned nv1 = 0; nv1 < 2; nv1++) {
            const struct Row *row = &rows[n];
            now = (struct Setting){1, e2h, 0, 5 | nv1 << 1, 0};
            now.nvx = effective(&now);
            if (impdef(row) || !row->present())
                continue;
            if (row->read && expected(row->reads) == 'M')
                one_fault(row, kind, false, base);
            if (row->write && expected(row->writes) == 'M')
                one_fault(row, kind, true, base);
        }
    *entry = good;
    rt_tlbi_all();
    WRITE_ISB(VNCR_EL2, VA);
    page_is_whole(&rows[0]);
}

/* --- what a guest hypervisor is shown ---------------------------------------------------------------- */

static void shown(const char *what, u64 spsr, u64 (*fn)(u64), u64 ec)
{
    struct RtExc exc;
    u64 before = READ(hcr_el2), from = BITS(spsr, 3, 0), want = from;
    bool disguised = now.nvx & 1 && (!(now.nvx & 2) || now.nvx & 4);
    if (BITS(spsr, 3, 2) == 1 && disguised)
        want = 8 | (from & 1);
    seen.count = 0;
    WRITE_ISB(hcr_el2, hcr_of(&now));
    rt_arm(RT_SKIP);
    rt_call(spsr, fn, 0x7ffff0000000ull);
    exc = *rt_disarm();
    WRITE_ISB(hcr_el2, before);
    if (!matches(what, "taken", seen.count == 1 && !exc.count && BITS(seen.esr, 31, 26) == ec, seen.esr, ec))
        return;
    matches(what, "SPSR_EL1.M", BITS(seen.spsr, 3, 0) == want, BITS(seen.spsr, 3, 0), want);
    matches(what, "SPSR_EL1.DAIF", BITS(seen.spsr, 9, 6) == 15, BITS(seen.spsr, 9, 6), 15);
}

static void guest_view(unsigned e2h)
{
    for (unsigned raw = 0; raw < 8; raw++) {
        struct RtExc exc;
        now = (struct Setting){1, e2h, 0, raw, 0};
        if (raw & 2 && !(raw & 1))
            continue; /* CONSTRAINED UNPREDICTABLE */
        now.nvx = effective(&now);
        u64 el = perform(r_current, 0, &exc), want = now.nvx & 1 ? 8 : 4;
        matches("CurrentEL", "MRS", el == want, el, want);
        shown("SVC at EL1h", SPSR_EL1H, do_svc, 0x15);
        shown("SVC at EL1t", SPSR_EL1T, do_svc, 0x15);
        shown("UDF at EL1h", SPSR_EL1H, do_udf, 0);
        shown("data abort at EL1h", SPSR_EL1H, load, 0x25);
        shown("SVC at EL0", SPSR_EL0, do_svc, 0x15);
        shown("UDF at EL0", SPSR_EL0, do_udf, 0);
        shown("data abort at EL0", SPSR_EL0, load, 0x24);
        now.el = 2;
        el = perform(r_current, 0, &exc);
        matches("CurrentEL", "MRS", el == 8, el, 8);
    }
}

/* --- settings --------------------------------------------------------------------------------------- */

/* Nothing is trapped by the fields that trap when they are 0. */
static void open_everything(unsigned e2h)
{
    static const u64 hcrx = 0x4a2c817;
    WRITE_ISB(cptr_el2, e2h ? 0x23330000 : 0x22ff);
    WRITE_ISB(cnthctl_el2, e2h ? 0xf03 : 3);
    if (READ(hcr_el2) & HCR_E2H) {
        WRITE(s3_5_c1_c0_2, 0x23330000); /* CPACR_EL12, CNTKCTL_EL12 */
        WRITE_ISB(s3_5_c14_c1_0, 0x303);
    } else {
        WRITE(cpacr_el1, 0x23330000);
        WRITE_ISB(cntkctl_el1, 0x303);
    }
    TRY_ASM("msr s3_4_c1_c2_2, %0", "r"(hcrx));
    u64 fgt = BITS(READ(id_aa64mmfr0_el1), 59, 56);
    if (fgt) {
        WRITE(s3_4_c1_c1_4, 0xfff4000000000000); /* HFGRTR_EL2, HFGWTR_EL2, HFGITR_EL2, HDFGRTR_EL2, HDFGWTR_EL2, HAFGRTR_EL2 */
        WRITE(s3_4_c1_c1_5, 0xfff4000000000000);
        WRITE(s3_4_c1_c1_6, 0xf80000000000000);
        WRITE(s3_4_c3_c1_4, 0x7800000000000000);
        WRITE(s3_4_c3_c1_5, 0x7000000000000000);
    }
    if (fgt >= 2) {
        WRITE(s3_4_c3_c1_2, 0x7fff); /* HFGRTR2_EL2, HFGWTR2_EL2, HDFGRTR2_EL2, HDFGWTR2_EL2, HFGITR2_EL2 */
        WRITE(s3_4_c3_c1_3, 0x7ffd);
        WRITE(s3_4_c3_c1_0, 0x1deffff);
        WRITE(s3_4_c3_c1_1, 0x1f8ffbf);
        WRITE(s3_4_c3_c1_7, 2);
    }
    ISB();
}

static void enter_e2h(void)
{
    WRITE_ISB(cptr_el2, 0x23330000);
    WRITE_ISB(hcr_el2, HCR_BASE | HCR_E2H);
    WRITE_ISB(tcr_el2, rt_tcr_e2h(&host));
    WRITE_ISB(ttbr0_el2, (u64)host.root);
    rt_tlbi_all();
    open_everything(1);
}

static void whole_table(struct RtMap *map, unsigned e2h)
{
    unsigned present = 0;
    for (unsigned n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        if (!is_there(&rows[n], e2h))
            continue;
        present++;
        settings_of_row(&rows[n], e2h);
    }
    rt_printf("E2H=%d: %d of %d registers are there\n", e2h, present, (unsigned)(sizeof rows / sizeof rows[0]));
    for (unsigned kind = 0; kind < sizeof kinds / sizeof kinds[0]; kind++)
        faults_of_kind(map, e2h, kind);
    guest_view(e2h);
}

/* EL1's stage 1 and vectors where E2H is RES1: by the names that EL2 has for them. */
static void el1_flat_from_host(void)
{
    rt_map_init(&rt_flat, rt_el2_map.shift, 39);
    rt_map_image(&rt_flat);
    WRITE(s3_5_c10_c2_0, MAIR_VALUE);
    WRITE(s3_5_c2_c0_2, rt_tcr_el1(&rt_flat));
    WRITE(s3_5_c2_c0_0, (u64)rt_flat.root);
    WRITE(s3_5_c2_c0_1, 0);
    rt_tlbi_all();
    WRITE_ISB(s3_5_c1_c0_0, SCTLR_EL1_ON);
    WRITE_ISB(s3_5_c12_c0_0, (u64)reporting_vectors);
}

static void set_up(bool e2h0)
{
    for (unsigned n = 0; n < 512; n++)
        page[n] = SENTINEL(n);
    rt_map_set(&rt_el2_map, VA, 3, (u64)page, S1_RAM);
    rt_map_init(&host, rt_el2_map.shift, 39);
    rt_map_image(&host);
    rt_map_set(&host, VA, 3, (u64)page, S1_RAM | S1_UXN | S1_PXN);
    table_sync();
    if (e2h0) {
        rt_el1_flat();
        WRITE_ISB(vbar_el1, (u64)reporting_vectors);
    } else {
        el1_flat_from_host();
    }
    rt_cpu()->sync = report;
    WRITE_ISB(ICC_SRE_EL2, 0xf);
    WRITE(VNCR_EL2, VA);
}

void test_main(void)
{
    u64 mmfr4 = READ(s3_0_c0_c7_4);
    nv2_only = BITS(mmfr4, 23, 20) && !BITS(READ(id_aa64mmfr2_el1), 27, 24);
    bool nv2 = BITS(READ(id_aa64mmfr2_el1), 27, 24) >= 2 || nv2_only;
    if (!nv2 || rt_el2_map.shift != 12) {
        rt_skip("FEAT_NV2", "not announced");
        CHECK("HCR_EL2.NV2 is RES0", (WRITE_ISB(hcr_el2, HCR_RW | HCR_NV2), !(READ(hcr_el2) & HCR_NV2)));
        return;
    }
    bool e2h0 = !BITS(mmfr4, 27, 24);
    set_up(e2h0);
    if (e2h0) {
        WRITE_ISB(hcr_el2, HCR_BASE);
        open_everything(0);
        whole_table(&rt_el2_map, 0);
    } else {
        rt_skip("E2H=0", "FEAT_E2H0 not announced");
    }
    if (BITS(READ(id_aa64mmfr1_el1), 11, 8)) {
        u64 tcr = READ(tcr_el2), ttbr = READ(ttbr0_el2);
        enter_e2h();
        whole_table(&host, 1);
        WRITE_ISB(hcr_el2, HCR_RW | (e2h0 ? 0 : HCR_E2H));
        if (e2h0) {
            WRITE_ISB(ttbr0_el2, ttbr);
            WRITE_ISB(tcr_el2, tcr);
        }
        rt_tlbi_all();
    }
    struct RtExc exc;
    now = (struct Setting){1, !e2h0, 0, 0, 0};
    perform(r_hcr, 0, &exc);
    matches("HCR_EL2", "MRS", seen.count == 1, seen.esr, ESR(0, 0));
}
