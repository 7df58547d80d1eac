/*
 * Four CPUs: PSCI CPU_ON and CPU_OFF, spin locks (exclusives and LSE), message passing, SGIs, SPI routing, broadcast TLBI and
 * IC IVAU, WFE and SEV. Arm ARM: "Definition of the Armv8 memory model", "TLB maintenance instructions"; Arm PSCI.
 */
#include "rt.h"

#define CPUS 4
#define WINDOW 0x100000000ull
#define TARGET 0x46000000ull

static volatile u64 phase, generation, flag, data;
static u64 done, lock, sum, atomic_sum;
static u64 seen[CPUS], wrong[CPUS];
static void (*volatile work)(u64);

static u64 fetch_add(u64 *where, u64 value)
{
    u64 old, new;
    u32 failed;
    __asm__ volatile("1: ldaxr %0, [%3]\n add %1, %0, %4\n stlxr %w2, %1, [%3]\n cbnz %w2, 1b"
                     : "=&r"(old), "=&r"(new), "=&r"(failed) : "r"(where), "r"(value) : "memory");
    return old;
}

static u64 load_acquire(volatile u64 *where)
{
    u64 value;
    __asm__ volatile("ldar %0, [%1]" : "=r"(value) : "r"(where) : "memory");
    return value;
}

static void store_release(volatile u64 *where, u64 value)
{
    __asm__ volatile("stlr %0, [%1]" : : "r"(value), "r"(where) : "memory");
}

static bool wait_for(volatile u64 *where, u64 value)
{
    u64 start = READ(cntpct_el0), freq = READ(cntfrq_el0);
    while (load_acquire(where) != value)
        if (READ(cntpct_el0) - start > 20 * freq)
            return false;
    return true;
}

static void secondary(u64 n)
{
    for (u64 at = 1;; at++) {
        /* the way of Linux and Xen: an exclusive load arms WFE */
        while (load_acquire(&phase) < at)
            __asm__ volatile("1: ldaxr x9, [%0]\n cmp x9, %1\n b.hs 2f\n wfe\n b 1b\n 2:"
                             : : "r"(&phase), "r"(at) : "x9", "cc", "memory");
        void (*what)(u64) = work;
        if (!what) {
            fetch_add(&done, 1);
            return; /* the runtime calls CPU_OFF */
        }
        what(n);
        fetch_add(&done, 1);
    }
}

static bool together(const char *what, void (*fn)(u64))
{
    u64 target = load_acquire(&done) + CPUS - 1;
    work = fn;
    DSB();
    store_release(&phase, phase + 1);
    __asm__ volatile("dsb ish\n sev");
    if (fn)
        fn(0);
    if (wait_for(&done, target))
        return true;
    rt_printf("FAIL %s: the CPUs did not come back\n", what);
    rt_failures++;
    rt_finish();
}

static void with_exclusives(u64 n)
{
    for (unsigned i = 0; i < 2000; i++) {
        u64 t;
        __asm__ volatile("sevl\n1: wfe\n2: ldaxr %w0, [%1]\n cbnz %w0, 1b\n stxr %w0, %w2, [%1]\n cbnz %w0, 2b"
                         : "=&r"(t) : "r"(&lock), "r"(1) : "memory");
        sum = sum + n + 1;
        __asm__ volatile("stlr wzr, [%0]" : : "r"(&lock) : "memory");
    }
}

static void with_lse(u64 n)
{
    for (unsigned i = 0; i < 2000; i++) {
        u64 t;
        do
            __asm__ volatile(".arch_extension lse\n swpa %w2, %w0, [%1]" : "=&r"(t) : "r"(&lock), "r"(1) : "memory");
        while (t & 1);
        sum = sum + n + 1;
        __asm__ volatile("stlr wzr, [%0]" : : "r"(&lock) : "memory");
        __asm__ volatile("ldadd %0, xzr, [%1]" : : "r"(n + 1), "r"(&atomic_sum) : "memory");
    }
}

static void with_cas(u64 n)
{
    for (unsigned i = 0; i < 2000; i++) {
        u64 old, try;
        do {
            old = try = *(volatile u64 *)&atomic_sum;
            __asm__ volatile("cas %0, %2, [%1]" : "+r"(try) : "r"(&atomic_sum), "r"(old + n + 1) : "memory");
        } while (try != old);
    }
}

static void with_fetch_add(u64 n)
{
    for (unsigned i = 0; i < 2000; i++)
        fetch_add(&atomic_sum, n + 1);
}

/* Who sees the flag sees the data. */
static void messages(u64 n)
{
    for (u64 i = 1; i <= 2000; i++) {
        if (n == 0) {
            data = i;
            store_release(&flag, i);
        } else {
            u64 f = load_acquire(&flag), d = data;
            wrong[n] += d < f;
        }
    }
}

static u64 ack(void)
{
    u64 start = READ(cntpct_el0), freq = READ(cntfrq_el0), intid;
    do
        intid = READ(ICC_IAR1_EL1);
    while (intid == 1023 && READ(cntpct_el0) - start < 10 * freq);
    return intid;
}

static void gic_on(u64 n)
{
    if (n)
        rt_gic_init();
    for (unsigned i = 0; i < 8; i++)
        rt_irq_enable(i, 0x80);
}

static void ring(u64 n)
{
    DSB();
    WRITE_ISB(ICC_SGI1R_EL1, n << 24 | BIT((n + 1) % CPUS));
    seen[n] = ack();
    WRITE_ISB(ICC_EOIR1_EL1, seen[n]);
}

static void all_but_self(u64 n)
{
    if (n == 0) {
        DSB();
        WRITE_ISB(ICC_SGI1R_EL1, 6ull << 24 | BIT(40));
        rt_delay_us(200);
        seen[0] = READ(ICC_IAR1_EL1);
        return;
    }
    seen[n] = ack();
    WRITE_ISB(ICC_EOIR1_EL1, seen[n]);
}

static void spi_to_two(u64 n)
{
    if (n == 2) {
        seen[2] = ack();
        WRITE_ISB(ICC_EOIR1_EL1, seen[2]);
    } else if (n == 0) {
        u64 spi = 91, route = GICD_BASE + 0x6000 + 8 * spi;
        rt_irq_enable(spi, 0x80);
        __asm__ volatile("str %0, [%1]" : : "r"(2ull), "r"(route) : "memory");
        DSB();
        io_write(GICD_BASE + 0x200 + spi / 32 * 4, 1u << (spi & 31));
        rt_delay_us(200);
        seen[0] = READ(ICC_IAR1_EL1);
    }
}

/* Break before make by CPU 0; after its DSB nobody sees the old page, without an instruction of their own but ISB. */
static void remap(u64 n)
{
    for (u64 i = 1; i <= 12; i++) {
        if (n == 0) {
            u64 *entry = rt_map_entry(&rt_el2_map, WINDOW, 3);
            *(volatile u64 *)entry = 0;
            __asm__ volatile("dsb ishst\n tlbi vae2is, %0\n dsb ish\n isb" : : "r"(WINDOW >> 12) : "memory");
            *(volatile u64 *)entry = (TARGET + (i & 1) * 0x10000) | S1_RAM | 3;
            DSB();
            store_release(&generation, i);
            if (!wait_for(&flag, i * (CPUS - 1)))
                wrong[0]++;
        } else {
            if (!wait_for(&generation, i))
                wrong[n]++;
            ISB();
            wrong[n] += *(volatile u64 *)WINDOW != 1000 + (i & 1);
            fetch_add((u64 *)&flag, 1);
        }
    }
}

/* CPU 0 rewrites a function; the others run it after its IC IVAU, DSB and their own ISB. */
static u32 code[16] __attribute__((aligned(64)));
static void rewrite(u64 n)
{
    for (u64 i = 1; i <= 12; i++) {
        if (n == 0) {
            *(volatile u32 *)&code[0] = 0xd2800000 | (u32)i << 5; /* mov x0, #i */
            *(volatile u32 *)&code[1] = 0xd65f03c0;
            __asm__ volatile("dc cvau, %0\n dsb ish\n ic ivau, %0\n dsb ish\n isb" : : "r"(code) : "memory");
            store_release(&generation, i);
            if (!wait_for(&flag, i * (CPUS - 1)))
                wrong[0]++;
        } else {
            if (!wait_for(&generation, i))
                wrong[n]++;
            ISB();
            wrong[n] += ((u64(*)(void))code)() != i;
            fetch_add((u64 *)&flag, 1);
        }
    }
}

/* FEAT_TWED: CPU 0 at EL1 watches a word that CPU 1 changes long before the WFE would be trapped. */
PROBE(watch_x0, "sevl\n wfe\n ldxr x1, [x0]\n wfe");
static void watch(u64 n)
{
    if (n == 0) {
        WRITE_ISB(hcr_el2, HCR_RW | BIT(14) | 15ull << 60 | BIT(59));
        seen[0] = 1;
        for (unsigned i = 0; i < 9 && seen[0]; i++) { /* a machine that stood still may trap all the same */
            store_release(&generation, generation + 1);
            seen[0] = TRY(RT_SKIP, rt_el1(watch_x0, (u64)&data))->count;
            wait_for(&flag, generation);
        }
        store_release(&generation, 0);
        WRITE_ISB(hcr_el2, HCR_RW);
    } else if (n == 1) {
        for (u64 at = 1; wait_for(&generation, at); at++) {
            rt_delay_us(300);
            store_release(&data, at);
            store_release(&flag, at);
            while (load_acquire(&generation) == at)
                ;
            if (!load_acquire(&generation))
                break;
        }
    }
}

static void whoami(u64 n)
{
    seen[n] = READ(mpidr_el1) & 0xffffff;
    wrong[n] = READ(CurrentEL) >> 2 != 2;
}

static void fresh(void)
{
    flag = generation = data = sum = atomic_sum = lock = 0;
    for (unsigned i = 0; i < CPUS; i++)
        seen[i] = wrong[i] = 0;
    DSB();
}

static void none_wrong(const char *what)
{
    for (unsigned i = 0; i < CPUS; i++)
        CHECK_EQ(what, wrong[i], 0);
}

static void power(void)
{
    CHECK_EQ("CPU_ON of a running CPU", rt_smc(0xc4000003, 1, 0x40200000, 0).x0, -4);
    CHECK_EQ("CPU_ON of oneself", rt_smc(0xc4000003, 0, 0x40200000, 0).x0, -4);
    CHECK_EQ("CPU_ON of no CPU", rt_smc(0xc4000003, 0x70, 0x40200000, 0).x0, -2);
    CHECK_EQ("AFFINITY_INFO, on", rt_smc(0xc4000004, 1, 0, 0).x0, 0);
    together("CPU_OFF", 0);
    for (unsigned n = 1; n < CPUS; n++) {
        u64 state = 0, start = READ(cntpct_el0);
        while ((state = rt_smc(0xc4000004, n, 0, 0).x0) != 1 && READ(cntpct_el0) - start < 5 * READ(cntfrq_el0))
            ;
        CHECK_EQ("AFFINITY_INFO, off", state, 1);
    }
    phase = 0;
    CHECK("CPU_ON again", rt_start_cpu(2, secondary));
    u64 target = done + 1;
    work = whoami;
    seen[2] = 0;
    store_release(&phase, 1);
    __asm__ volatile("dsb ish\n sev");
    CHECK("it works", wait_for(&done, target));
    CHECK_EQ("it is CPU 2", seen[2], 2);
}

void test_main(void)
{
    rt_gic_init();
    *(volatile u64 *)TARGET = 1000;
    *(volatile u64 *)(TARGET + 0x10000) = 1001;
    CHECK_EQ("AFFINITY_INFO, never on", rt_smc(0xc4000004, 1, 0, 0).x0, 1);
    for (unsigned n = 1; n < CPUS; n++)
        if (!rt_start_cpu(n, secondary))
            rt_die("the machine has fewer than four CPUs");
    fresh();
    together("whoami", whoami);
    for (unsigned n = 0; n < CPUS; n++)
        CHECK_EQ("MPIDR_EL1", seen[n], n);
    none_wrong("EL2");
    fresh();
    together("exclusives", with_exclusives);
    CHECK_EQ("lock of exclusives", sum, 2000 * 10);
    fresh();
    together("fetch and add", with_fetch_add);
    CHECK_EQ("fetch and add", atomic_sum, 2000 * 10);
    if (BITS(READ(id_aa64isar0_el1), 23, 20) >= 2) {
        fresh();
        together("LSE", with_lse);
        CHECK_EQ("lock of SWPA", sum, 2000 * 10);
        CHECK_EQ("LDADD", atomic_sum, 2000 * 10);
        fresh();
        together("CAS", with_cas);
        CHECK_EQ("CAS", atomic_sum, 2000 * 10);
    } else {
        rt_skip("LSE", "not announced");
    }
    fresh();
    together("messages", messages);
    none_wrong("message passing");
    together("GIC", gic_on);
    fresh();
    together("SGI ring", ring);
    for (unsigned n = 0; n < CPUS; n++)
        CHECK_EQ("SGI of the neighbour", seen[n], (n + CPUS - 1) % CPUS);
    together("SGI to all others", all_but_self);
    for (unsigned n = 0; n < CPUS; n++)
        CHECK_EQ("SGI to all others", seen[n], n ? 6 : 1023);
    fresh();
    together("SPI", spi_to_two);
    CHECK_EQ("SPI at its CPU", seen[2], 91);
    CHECK_EQ("SPI not here", seen[0], 1023);
    fresh();
    together("TLBI", remap);
    none_wrong("broadcast TLBI");
    fresh();
    if (BITS(READ(id_aa64mmfr1_el1), 35, 32)) {
        rt_el1_flat();
        together("TWED", watch);
        CHECK_EQ("a changed word ends the delay of a trap", seen[0], 0);
    }
    fresh();
    together("IC IVAU", rewrite);
    none_wrong("broadcast IC IVAU");
    power();
}
