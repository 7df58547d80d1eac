/* Runtime of the guest tests: start, exceptions, output, checks, translation tables, PSCI, GIC. See rt.h. */
#include <stdarg.h>
#include "rt.h"

struct RtCpu rt_cpus[8];
u64 rt_checks, rt_failures;
struct RtMap rt_el2_map;
static u8 *heap_next = (u8 *)rt_heap;

/* --- output --------------------------------------------------------------------------------- */
static void put(char c)
{
    while (io_read(UART_BASE + 0x18) & 0x20)
        ;
    io_write(UART_BASE, (u8)c);
}

void rt_puts(const char *s)
{
    for (; *s; s++)
        put(*s);
}

static void put_number(u64 value, unsigned base)
{
    char text[24];
    unsigned at = sizeof text;
    text[--at] = 0;
    do {
        text[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    rt_puts(base == 16 ? "0x" : "");
    rt_puts(&text[at]);
}

void rt_printf(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    for (; *format; format++) {
        if (*format != '%') {
            put(*format);
            continue;
        }
        bool wide = *++format == 'l';
        format += wide;
        if (*format == 's')
            rt_puts(va_arg(list, const char *));
        else
            put_number(wide ? va_arg(list, u64) : va_arg(list, u32), *format == 'x' ? 16 : 10);
    }
    va_end(list);
}

void *memset(void *to, int value, unsigned long size)
{
    volatile u8 *byte = to;
    while (size--)
        *byte++ = (u8)value;
    return to;
}

void *memcpy(void *to, const void *from, unsigned long size)
{
    volatile u8 *byte = to;
    const u8 *source = from;
    while (size--)
        *byte++ = *source++;
    return to;
}

/* --- checks ---------------------------------------------------------------------------------- */
void rt_check(bool ok, const char *where, const char *what, u64 got, u64 want)
{
    rt_checks++;
    if (ok)
        return;
    rt_failures++;
    rt_printf("FAIL %s %s got %lx want %lx\n", where, what, got, want);
}

bool rt_check_exc(const char *where, const char *what, const struct RtExc *exc, u64 el, u64 vector,
                  u64 esr)
{
    rt_checks++;
    if (exc->count == 1 && exc->el == el && exc->vector == vector && exc->esr == esr)
        return true;
    rt_failures++;
    rt_printf("FAIL %s %s got %ld exceptions, EL%ld vector %lx ESR %lx want EL%ld vector %lx ESR %lx\n",
              where, what, exc->count, exc->el, exc->vector, exc->esr, el, vector, esr);
    return false;
}

void rt_skip(const char *what, const char *why)
{
    rt_printf("SKIP %s: %s\n", what, why);
}

void rt_off(void)
{
    rt_smc(0x84000008, 0, 0, 0);
    for (;;)
        __asm__ volatile("wfi");
}

void rt_finish(void)
{
    if (rt_failures)
        rt_printf("FAILED %ld of %ld\n", rt_failures, rt_checks);
    else
        rt_printf("PASS %ld\n", rt_checks);
    rt_off();
}

void rt_die(const char *why)
{
    rt_printf("FAIL %s\n", why);
    rt_failures++;
    rt_finish();
}

/* --- exceptions ------------------------------------------------------------------------------ */
struct RtCpu *rt_cpu(void)
{
    return &rt_cpus[READ(mpidr_el1) & 7];
}

void rt_arm(enum RtPolicy policy)
{
    struct RtCpu *cpu = rt_cpu();
    cpu->exc = (struct RtExc){0};
    cpu->policy = policy;
    ISB();
}

const struct RtExc *rt_disarm(void)
{
    struct RtCpu *cpu = rt_cpu();
    cpu->policy = RT_DIE;
    return &cpu->exc;
}

static void die_of(const struct RtFrame *f)
{
    rt_printf("FAIL exception nobody expected: EL%ld vector %lx ESR %lx ELR %lx FAR %lx HPFAR %lx SPSR %lx\n",
              f->el, f->vector, f->esr, f->elr, f->far, f->hpfar, f->spsr);
    rt_failures++;
    rt_finish();
}

static void come_back(struct RtCpu *cpu, struct RtFrame *f)
{
    if (cpu->active[f->el]) {
        cpu->active[f->el] = 0;
        rt_leave(&cpu->context[f->el], f->x[0]);
    }
    register u64 x0 __asm__("x0") = f->x[0];
    __asm__ volatile("hvc #0xffff" : : "r"(x0) : "memory");
    __builtin_unreachable();
}

/* HVC, SVC and untrapped SMC: the preferred return address is already the next instruction. */
static bool returns_behind(u64 ec)
{
    return ec == 0x15 || ec == 0x16;
}

void rt_exception(struct RtFrame *f);
void rt_exception(struct RtFrame *f)
{
    struct RtCpu *cpu = rt_cpu();
    u64 ec = f->esr >> 26;
    bool sync = !(f->vector & 0x180);
    if (sync && returns_behind(ec) && (f->esr & 0xffff) == 0xffff && f->vector >= 0x400)
        come_back(cpu, f);
    if (sync ? cpu->sync && cpu->sync(f) : cpu->irq && cpu->irq(f))
        return;
    struct RtExc *exc = &cpu->exc;
    exc->count++;
    exc->vector = f->vector;
    exc->el = f->el;
    exc->esr = f->esr;
    exc->far = f->far;
    exc->hpfar = f->hpfar;
    exc->elr = f->elr;
    exc->spsr = f->spsr;
    if (cpu->policy == RT_DIE || exc->count > 1000)
        die_of(f);
    if (!sync) {
        f->spsr |= SPSR_DAIF; /* taken once, then masked; no mask holds what is routed to EL2 from below */
        if (f->el == 2 && f->vector >= 0x400)
            WRITE_ISB(hcr_el2, READ(hcr_el2) & ~(HCR_IMO | HCR_FMO | HCR_AMO | HCR_TGE));
        return;
    }
    f->spsr &= ~(3ull << 10); /* where it goes on is not where a branch led */
    if (cpu->policy == RT_LR) {
        f->elr = f->x[30];
    } else if (cpu->policy == RT_AT) {
        f->elr = cpu->resume;
        f->spsr &= ~BIT(20);
    } else if (!returns_behind(ec)) {
        f->elr += 4;
    }
}

u64 rt_call(u64 spsr, u64 (*fn)(u64), u64 arg)
{
    struct RtCpu *cpu = rt_cpu();
    u64 el = READ(CurrentEL) >> 2;
    cpu->active[el] = 1;
    if (el == 1)
        return rt_enter_el1(&cpu->context[1], spsr, (u64)fn, arg);
    u64 sp = READ(sp_el1); /* a handler of EL1 that came back by HVC has left its frame */
    u64 value = rt_enter_el2(&cpu->context[2], spsr, (u64)fn, arg);
    WRITE(sp_el1, sp);
    return value;
}

u64 rt_el1(u64 (*fn)(u64), u64 arg)
{
    return rt_call(SPSR_EL1H, fn, arg);
}

u64 rt_el0(u64 (*fn)(u64), u64 arg)
{
    return rt_call(SPSR_EL0, fn, arg);
}

/* --- translation tables --------------------------------------------------------------------- */
void *rt_alloc(u64 bytes, u64 align)
{
    u64 start = ((u64)heap_next + align - 1) & ~(align - 1);
    heap_next = (u8 *)(start + bytes);
    for (u64 *p = (u64 *)start; p < (u64 *)heap_next; p++)
        *p = 0;
    return (void *)start;
}

bool rt_has_granule(unsigned shift)
{
    u64 mmfr0 = READ(id_aa64mmfr0_el1);
    return shift == 12   ? BITS(mmfr0, 31, 28) != 15
           : shift == 14 ? BITS(mmfr0, 23, 20) != 0
                         : BITS(mmfr0, 27, 24) != 15;
}

void rt_map_init(struct RtMap *map, unsigned shift, unsigned va_bits)
{
    unsigned bits = shift - 3;
    unsigned levels = (va_bits - shift + bits - 1) / bits;
    *map = (struct RtMap){.shift = shift, .va_bits = va_bits, .start = 4 - levels};
    map->root = rt_alloc(1ull << shift, 1ull << shift);
}

u64 rt_level_size(const struct RtMap *map, unsigned level)
{
    return 1ull << (map->shift + (3 - level) * (map->shift - 3));
}

u64 *rt_map_entry(struct RtMap *map, u64 va, unsigned level)
{
    u64 *table = map->root;
    va &= (1ull << map->va_bits) - 1;
    for (unsigned at = map->start;; at++) {
        u64 *entry = &table[(va / rt_level_size(map, at)) & ((1ull << (map->shift - 3)) - 1)];
        if (at == level)
            return entry;
        if (!(*entry & 1))
            *entry = (u64)rt_alloc(1ull << map->shift, 1ull << map->shift) | 3;
        table = (u64 *)(*entry & 0xfffffffff000ull & ~((1ull << map->shift) - 1));
    }
}

void rt_map_set(struct RtMap *map, u64 va, unsigned level, u64 pa, u64 attrs)
{
    *rt_map_entry(map, va, level) = pa | attrs | (level == 3 ? 3 : 1);
}

void rt_map_range(struct RtMap *map, u64 va, u64 pa, u64 bytes, u64 attrs)
{
    while (bytes) {
        unsigned level = map->shift == 12 && map->start <= 1 ? 1 : 2;
        while (level < 3 && (((va | pa) & (rt_level_size(map, level) - 1)) ||
                             bytes < rt_level_size(map, level)))
            level++;
        u64 size = rt_level_size(map, level);
        rt_map_set(map, va, level, pa, attrs);
        va += size;
        pa += size;
        bytes -= size;
    }
}

void rt_map_image(struct RtMap *map)
{
    rt_map_range(map, 0x08000000, 0x08000000, 0x02200000, S1_DEVICE | S1_USER | S1_AF | S1_UXN | S1_PXN);
    rt_map_range(map, 0x40200000, 0x40200000, 0x200000, S1_RAM | S1_USER | S1_RO);
    rt_map_range(map, 0x40400000, 0x40400000, 0x3c00000, S1_RAM | S1_USER | S1_UXN | S1_PXN);
}

void rt_map_image_s2(struct RtMap *map)
{
    rt_map_range(map, 0x08000000, 0x08000000, 0x02200000, S2_DEV | S2_XN);
    rt_map_range(map, 0x40200000, 0x40200000, 0x3e00000, S2_RAM);
}

static u64 pa_range(void)
{
    u64 range = READ(id_aa64mmfr0_el1) & 15;
    return range > 5 ? 5 : range;
}

static u64 tg0(unsigned shift)
{
    return shift == 12 ? 0 : shift == 14 ? 2 : 1;
}

u64 rt_tcr_el1(const struct RtMap *map)
{
    return (64 - map->va_bits) | 1 << 8 | 1 << 10 | 3 << 12 | tg0(map->shift) << 14 | BIT(23) |
           pa_range() << 32;
}

void rt_tlbi_all(void)
{
    DSB();
    __asm__ volatile("tlbi alle1\n tlbi alle2\n dsb sy\n ic iallu\n dsb sy\n isb" : : : "memory");
}

void rt_el1_mmu(const struct RtMap *map, u64 sctlr_extra)
{
    WRITE(mair_el1, MAIR_VALUE);
    WRITE(tcr_el1, rt_tcr_el1(map));
    WRITE(ttbr0_el1, (u64)map->root);
    WRITE(ttbr1_el1, 0);
    rt_tlbi_all();
    WRITE_ISB(sctlr_el1, SCTLR_EL1_ON | sctlr_extra);
}

void rt_el1_mmu_off(void)
{
    WRITE_ISB(sctlr_el1, SCTLR_EL1_OFF);
    rt_tlbi_all();
}

struct RtMap rt_flat;
void rt_el1_flat(void)
{
    if (!rt_flat.root) {
        unsigned shift = rt_el2_map.shift;
        rt_map_init(&rt_flat, shift, shift == 14 ? 36 : 39);
        rt_map_image(&rt_flat);
    }
    rt_el1_mmu(&rt_flat, 0);
}

void rt_s2(const struct RtMap *map, u64 vmid, u64 hcr_extra)
{
    u64 sl0 = (map->shift == 12 ? 2 : 3) - map->start;
    WRITE(vtcr_el2, (64 - map->va_bits) | sl0 << 6 | 1 << 8 | 1 << 10 | 3 << 12 | tg0(map->shift) << 14 |
                        pa_range() << 16 | BIT(31));
    WRITE(vttbr_el2, (u64)map->root | vmid << 48);
    WRITE(hcr_el2, HCR_RW | HCR_VM | hcr_extra);
    ISB();
    rt_tlbi_all();
}

void rt_s2_off(void)
{
    WRITE_ISB(hcr_el2, HCR_RW);
    WRITE_ISB(vttbr_el2, 0);
    rt_tlbi_all();
}

static void el2_mmu_on(void)
{
    WRITE(mair_el2, MAIR_VALUE);
    WRITE(tcr_el2, (64 - rt_el2_map.va_bits) | 1 << 8 | 1 << 10 | 3 << 12 | tg0(rt_el2_map.shift) << 14 |
                       pa_range() << 16 | BIT(23) | BIT(31));
    WRITE(ttbr0_el2, (u64)rt_el2_map.root);
    rt_tlbi_all();
    WRITE_ISB(sctlr_el2, 0x30c51835);
}

/*
 * EL2: RAM (1 GiB at 0x40000000) and devices, flat. AP[1] is clear, which the EL2 regime ignores, so that the same tables
 * (and TCR_EL2: 4 GiB of output) serve the EL2&0 regime while HCR_EL2.E2H is set.
 */
static void el2_map_build(void)
{
    unsigned shift = rt_has_granule(12) ? 12 : rt_has_granule(16) ? 16 : 14;
    rt_map_init(&rt_el2_map, shift, shift == 14 ? 36 : 39);
    rt_map_range(&rt_el2_map, 0x08000000, 0x08000000, 0x08000000, S1_DEVICE | S1_AF | S1_UXN);
    rt_map_range(&rt_el2_map, 0x40000000, 0x40000000, 0x40000000, S1_RAM);
}

void rt_start(void);
void rt_start(void)
{
    el2_map_build();
    el2_mmu_on();
    test_main();
    rt_finish();
}

/* --- firmware -------------------------------------------------------------------------------- */
struct SmcResult rt_smc(u64 function, u64 a, u64 b, u64 c)
{
    register u64 x0 __asm__("x0") = function;
    register u64 x1 __asm__("x1") = a;
    register u64 x2 __asm__("x2") = b;
    register u64 x3 __asm__("x3") = c;
    __asm__ volatile("smc #0"
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
                     :
                     : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15",
                       "x16", "x17", "memory");
    return (struct SmcResult){x0, x1, x2, x3};
}

bool rt_start_cpu(unsigned n, void (*main)(u64))
{
    rt_cpus[n].main = main;
    DSB();
    return rt_smc(0xc4000003, n, (u64)rt_secondary_entry, n).x0 == 0;
}

void rt_secondary(u64 n);
void rt_secondary(u64 n)
{
    el2_mmu_on();
    rt_cpus[n].main(n);
    rt_smc(0x84000002, 0, 0, 0);
}

void rt_delay_us(u64 us)
{
    u64 start = READ(cntvct_el0), ticks = READ(cntfrq_el0) * us / 1000000;
    while (READ(cntvct_el0) - start < ticks)
        ;
}

/* --- GIC ------------------------------------------------------------------------------------- */
u64 rt_gicr(void)
{
    return GICR_BASE + (READ(mpidr_el1) & 7) * 0x20000 + 0x10000;
}

static void dist_wait(void)
{
    while (io_read(GICD_BASE) & BIT(31))
        ;
}

void rt_gic_init(void)
{
    io_write(GICD_BASE, 0x12); /* affinity routing, group 1 */
    dist_wait();
    u64 redist = rt_gicr() - 0x10000;
    io_write(redist + 0x14, io_read(redist + 0x14) & ~2u);
    while (io_read(redist + 0x14) & 4)
        ;
    io_write(rt_gicr() + 0x180, ~0u);
    io_write(rt_gicr() + 0x80, ~0u);
    WRITE_ISB(ICC_SRE_EL2, 0xf);
    WRITE_ISB(ICC_SRE_EL1, 7);
    WRITE(ICC_PMR_EL1, 0xff);
    WRITE(ICC_BPR1_EL1, 0);
    WRITE(ICC_CTLR_EL1, 0);
    WRITE_ISB(ICC_IGRPEN1_EL1, 1);
}

void rt_irq_enable(unsigned intid, u8 priority)
{
    u64 base = intid < 32 ? rt_gicr() : GICD_BASE;
    u32 bit = 1u << (intid & 31);
    u64 word = base + (intid / 32) * 4;
    io_write(word + 0x80, io_read(word + 0x80) | bit);
    io_write8(base + 0x400 + intid, priority);
    if (intid >= 32) {
        u64 route = GICD_BASE + 0x6000 + 8 * intid, target = READ(mpidr_el1) & 0xff00ffffffull;
        __asm__ volatile("str %0, [%1]" : : "r"(target), "r"(route) : "memory");
    }
    io_write(word + 0x100, bit);
    DSB();
}

void rt_irq_disable(unsigned intid)
{
    u64 base = intid < 32 ? rt_gicr() : GICD_BASE;
    io_write(base + 0x180 + (intid / 32) * 4, 1u << (intid & 31));
    if (intid < 32)
        while (io_read(base - 0x10000) & 8)
            ;
    else
        dist_wait();
}
