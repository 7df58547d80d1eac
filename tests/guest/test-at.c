/*
 * Address translation instructions and PAR_EL1, at EL2 and at EL1. Arm ARM, "Address translation instructions", "PAR_EL1".
 */
#include "rt.h"

#define TARGET 0x46000000ull
#define WINDOW 0x100000000ull
#define PAGE 0x1000ull

enum { RW, RO, USER, NO_AF, NONE, DEVICE, NC, S2_NONE, S2_RO, TABLE_GONE };

static struct RtMap s1, s2;

#define AT(op) ({ __asm__ volatile("at " op ", %0\n isb" : : "r"(va) : "memory"); READ(par_el1); })
static u64 s1e1r(u64 va) { return AT("s1e1r"); }
static u64 s1e1w(u64 va) { return AT("s1e1w"); }
static u64 s1e0r(u64 va) { return AT("s1e0r"); }
static u64 s1e0w(u64 va) { return AT("s1e0w"); }
static u64 s12e1r(u64 va) { return AT("s12e1r"); }
static u64 s12e1w(u64 va) { return AT("s12e1w"); }
static u64 s12e0r(u64 va) { return AT("s12e0r"); }
static u64 s12e0w(u64 va) { return AT("s12e0w"); }
static u64 s1e2r(u64 va) { return AT("s1e2r"); }
static u64 s1e2w(u64 va) { return AT("s1e2w"); }

static void good(const char *what, u64 par, u64 pa, u64 attr, u64 sh)
{
    CHECK_EQ(what, par & 0xff0ffffffffff981, attr << 56 | (pa & ~0xfffull) | BIT(11) | sh << 7);
}

static void bad(const char *what, u64 par, u64 fst, u64 stage2, u64 ptw)
{
    CHECK_EQ(what, par & 0xb7f, BIT(11) | stage2 << 9 | ptw << 8 | fst << 1 | 1);
}

static u64 va_of(unsigned page) { return WINDOW + page * PAGE; }

static void stage1(void)
{
    good("S1E1R", s1e1r(va_of(RW) + 0x123), TARGET, 0xff, 3);
    good("S1E1W", s1e1w(va_of(RW)), TARGET, 0xff, 3);
    bad("S1E0R of EL1's page", s1e0r(va_of(RW)), 15, 0, 0);
    good("S1E1R of a read-only page", s1e1r(va_of(RO)), TARGET + PAGE, 0xff, 3);
    bad("S1E1W of a read-only page", s1e1w(va_of(RO)), 15, 0, 0);
    good("S1E0R", s1e0r(va_of(USER)), TARGET + 2 * PAGE, 0xff, 3);
    good("S1E0W", s1e0w(va_of(USER)), TARGET + 2 * PAGE, 0xff, 3);
    bad("AF clear", s1e1r(va_of(NO_AF)), 11, 0, 0);
    bad("missing", s1e1r(va_of(NONE)), 7, 0, 0);
    bad("missing at level 1", s1e1w(WINDOW + (8ull << 30)), 5, 0, 0);
    bad("beyond T0SZ", s1e1r(1ull << 40), 4, 0, 0);
    good("Device", s1e1r(va_of(DEVICE)), UART_BASE, 0x00, 2);
    good("Normal, non-cacheable", s1e1r(va_of(NC)), TARGET, 0x44, 2);
    good("S12 without stage 2", s12e1r(va_of(RW)), TARGET, 0xff, 3);
    good("S1E2R", s1e2r(TARGET + 0x456), TARGET, 0xff, 3);
    good("S1E2W", s1e2w(TARGET), TARGET, 0xff, 3);
    good("S1E2R of a device", s1e2r(UART_BASE), UART_BASE, 0x00, 2);
    bad("S1E2R of nothing", s1e2r(0x7f00000000), 5, 0, 0);
    CHECK_EQ("AF stays clear", *rt_map_entry(&s1, va_of(NO_AF), 3) & S1_AF, 0);
}

PROBE(at_rp, "at s1e1rp, x0\n isb\n mrs x0, par_el1");
PROBE(at_wp, "at s1e1wp, x0\n isb\n mrs x0, par_el1");
PROBE(at_r, "at s1e1r, x0\n isb\n mrs x0, par_el1");

static void privileged_access_never(void)
{
    if (BITS(READ(id_aa64mmfr1_el1), 23, 20) < 2) {
        rt_skip("AT S1E1RP, S1E1WP", "PAN2 is not announced");
        return;
    }
    bad("S1E1RP with PAN", rt_call(SPSR_EL1H | BIT(22), at_rp, va_of(USER)), 15, 0, 0);
    bad("S1E1WP with PAN", rt_call(SPSR_EL1H | BIT(22), at_wp, va_of(USER)), 15, 0, 0);
    good("S1E1R ignores PAN", rt_call(SPSR_EL1H | BIT(22), at_r, va_of(USER)), TARGET + 2 * PAGE, 0xff, 3);
    good("S1E1RP without PAN", rt_call(SPSR_EL1H, at_rp, va_of(USER)), TARGET + 2 * PAGE, 0xff, 3);
}

static void both(void)
{
    good("S1 stops at the intermediate address", s1e1r(va_of(S2_NONE)), WINDOW + 0x100000, 0xff, 3);
    good("S12E1R", s12e1r(va_of(RW)), TARGET, 0xff, 3);
    good("S12E1W", s12e1w(va_of(RW)), TARGET, 0xff, 3);
    good("S12E0R", s12e0r(va_of(USER)), TARGET + 2 * PAGE, 0xff, 3);
    bad("S12E0W of EL1's page: stage 1", s12e0w(va_of(RW)), 15, 0, 0);
    bad("missing in stage 1", s12e1r(va_of(NONE)), 7, 0, 0);
    bad("missing in stage 2", s12e1r(va_of(S2_NONE)), 7, 1, 0);
    bad("read-only in stage 2", s12e1w(va_of(S2_RO)), 15, 1, 0);
    good("read-only in stage 2, read", s12e1r(va_of(S2_RO)), TARGET + 3 * PAGE, 0xff, 3);
    bad("table missing in stage 2", s12e1r(WINDOW + (6ull << 30)), 6, 1, 1);
    const struct RtExc *exc = TRY(RT_SKIP, rt_el1(at_r, WINDOW + (6ull << 30)));
    CHECK_EXC("AT of EL1 whose walk stage 2 refuses", exc, 2, 0x400, ESR(0x24, 1 << 8 | 1 << 7 | 1 << 6 | 6));
    CHECK_EQ("FAR", exc->far, WINDOW + (6ull << 30));
    CHECK_EQ("HPFAR", exc->hpfar, 0x200000000 >> 12 << 4);
    good("AT of EL1", rt_el1(at_r, va_of(S2_NONE)), WINDOW + 0x100000, 0xff, 3);
}

static void off(void)
{
    u64 sctlr = READ(sctlr_el1);
    WRITE_ISB(sctlr_el1, sctlr & ~1ull);
    rt_tlbi_all();
    good("stage 1 off", s1e1r(0x46001000), 0x46001000, 0x00, 2);
    WRITE_ISB(sctlr_el1, sctlr);
    rt_tlbi_all();
}

void test_main(void)
{
    rt_map_init(&s1, 12, 39);
    rt_map_image(&s1);
    rt_map_set(&s1, va_of(RW), 3, TARGET, S1_RAM);
    rt_map_set(&s1, va_of(RO), 3, TARGET + PAGE, S1_RAM | S1_RO);
    rt_map_set(&s1, va_of(USER), 3, TARGET + 2 * PAGE, S1_RAM | S1_USER);
    rt_map_set(&s1, va_of(NO_AF), 3, TARGET, S1_RAM & ~(u64)S1_AF);
    rt_map_set(&s1, va_of(DEVICE), 3, UART_BASE, S1_DEVICE | S1_AF);
    rt_map_set(&s1, va_of(NC), 3, TARGET, S1_NC | S1_AF);
    rt_map_set(&s1, va_of(S2_NONE), 3, WINDOW + 0x100000, S1_RAM);
    rt_map_set(&s1, va_of(S2_RO), 3, TARGET + 3 * PAGE, S1_RAM);
    *rt_map_entry(&s1, WINDOW + (6ull << 30), 1) = 0x200000000 | 3; /* a table where stage 2 has nothing */
    rt_el1_mmu(&s1, 0);
    stage1();
    privileged_access_never();
    off();
    rt_map_init(&s2, 12, 39);
    rt_map_image_s2(&s2);
    rt_map_range(&s2, TARGET, TARGET, 3 * PAGE, S2_RAM);
    rt_map_set(&s2, TARGET + 3 * PAGE, 3, TARGET + 3 * PAGE, S2_RAM & ~(u64)S2_W);
    rt_map_entry(&s2, WINDOW + 0x100000, 3);
    rt_map_entry(&s2, 0x200000000, 2);
    rt_s2(&s2, 1, 0);
    both();
    rt_s2_off();
}
