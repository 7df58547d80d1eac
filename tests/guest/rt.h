/* Runtime of the guest tests. Every test is right on real hardware: nothing here knows the emulator. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef uint64_t u64;
typedef uint32_t u32;
typedef uint16_t u16;
typedef uint8_t u8;

#define STR2(x) #x
#define STR(x) STR2(x)
#define READ(reg) ({ u64 v_; __asm__ volatile("mrs %0, " STR(reg) : "=r"(v_) : : "memory"); v_; })
#define WRITE(reg, value)                                                                          \
    ({ u64 v_ = (value); __asm__ volatile("msr " STR(reg) ", %0" : : "r"(v_) : "memory"); })
#define ISB() __asm__ volatile("isb" : : : "memory")
#define DSB() __asm__ volatile("dsb sy" : : : "memory")
#define WRITE_ISB(reg, value) ({ WRITE(reg, value); ISB(); })
#define BITS(value, high, low) (((value) >> (low)) & ((2ull << ((high) - (low))) - 1))
#define BIT(n) (1ull << (n))

/* What the vectors save; rt.S knows the offsets. */
struct RtFrame {
    u64 x[31], elr, spsr, esr, far, hpfar, vector, el;
};

/* What an exception left behind; count is how many were taken since rt_arm. */
struct RtExc {
    u64 count, vector, el, esr, far, hpfar, elr, spsr;
};

struct RtContext {
    u64 saved[14];
};

enum RtPolicy {
    RT_DIE,  /* an exception ends the test */
    RT_SKIP, /* continue behind the instruction */
    RT_LR,   /* continue at the caller of what was jumped to */
    RT_AT,   /* continue at RtCpu.resume with SPSR.IL cleared */
};

struct RtCpu {
    struct RtExc exc;
    enum RtPolicy policy;
    u64 resume;
    bool (*sync)(struct RtFrame *); /* asked first; true: handled, return to the frame */
    bool (*irq)(struct RtFrame *);  /* IRQ and FIQ and SError; true: handled */
    struct RtContext context[3];
    u64 active[3];
    void (*main)(u64);
};

extern struct RtCpu rt_cpus[8];
extern u64 rt_checks, rt_failures;
extern char vectors_el1[], vectors_el2[], rt_secondary_entry[], rt_heap[];

/* --- exceptions ---------------------------------------------------------------------------- */
struct RtCpu *rt_cpu(void); /* EL1 and EL2 only */
void rt_arm(enum RtPolicy policy);
const struct RtExc *rt_disarm(void);

/* Executes a statement of which an exception is (or is not) expected; the result is the record of this CPU. */
#define TRY(policy, ...) ({ rt_arm(policy); __VA_ARGS__; rt_disarm(); })
#define TRY_ASM(text, ...) TRY(RT_SKIP, __asm__ volatile(text : : __VA_ARGS__ : "memory", "cc"))
#define EC(exc) BITS((exc)->esr, 31, 26)
#define ISS(exc) BITS((exc)->esr, 24, 0)
#define FSC(exc) BITS((exc)->esr, 5, 0)

u64 rt_enter_el1(struct RtContext *, u64 spsr, u64 pc, u64 arg);
u64 rt_enter_el2(struct RtContext *, u64 spsr, u64 pc, u64 arg);
void rt_leave(struct RtContext *, u64 value) __attribute__((noreturn));

#define SPSR_DAIF 0x3c0u
#define SPSR_EL0 (SPSR_DAIF | 0)
#define SPSR_EL1T (SPSR_DAIF | 4)
#define SPSR_EL1H (SPSR_DAIF | 5)
#define SPSR_EL2T (SPSR_DAIF | 8)
#define SPSR_EL2H (SPSR_DAIF | 9)

/* Runs fn(arg) with this SPSR at a lower Exception level than the caller's; its result. */
u64 rt_call(u64 spsr, u64 (*fn)(u64), u64 arg);
u64 rt_el1(u64 (*fn)(u64), u64 arg);
u64 rt_el0(u64 (*fn)(u64), u64 arg);

/* --- output and checks ------------------------------------------------------------------------ */
void rt_puts(const char *);
void rt_printf(const char *format, ...) __attribute__((format(printf, 1, 2))); /* %s %d %x, 64-bit only with l */
void rt_check(bool ok, const char *where, const char *what, u64 got, u64 want);
void rt_skip(const char *what, const char *why);
void rt_finish(void) __attribute__((noreturn));
void rt_off(void) __attribute__((noreturn));
void rt_die(const char *) __attribute__((noreturn));

#define WHERE __FILE_NAME__ ":" STR(__LINE__)
#define CHECK(what, condition) rt_check((condition), WHERE, what, 0, 1)
#define CHECK_EQ(what, got, want)                                                                  \
    ({ u64 g_ = (u64)(got), w_ = (u64)(want); rt_check(g_ == w_, WHERE, what, g_, w_); g_ == w_; })
/* One exception was taken to EL el through vector offset, with this ESR (IL included). */
#define CHECK_EXC(what, exc, el_, vector_, esr_)                                                   \
    rt_check_exc(WHERE, what, exc, el_, vector_, esr_)
#define CHECK_NONE(what, exc_) ({ const struct RtExc *e_ = (exc_); rt_check(!e_->count, WHERE, what " (ESR)", e_->count ? e_->esr : 0, 0); })
bool rt_check_exc(const char *where, const char *what, const struct RtExc *, u64 el, u64 vector, u64 esr);
#define ESR(ec, iss) (((u64)(ec) << 26) | BIT(25) | (u64)(iss))

/* --- memory ------------------------------------------------------------------------------------- */
struct RtMap {
    u64 *root;
    unsigned shift, va_bits, start; /* page shift 12, 14, 16; first level */
};

enum { /* stage 1 */
    S1_DEVICE = 0 << 2,
    S1_NORMAL = 1 << 2,
    S1_NC = 2 << 2,
    S1_USER = 1 << 6,
    S1_RO = 1 << 7,
    S1_SH = 3 << 8,
    S1_AF = 1 << 10,
    S1_NG = 1 << 11,
};
#define S1_CONT BIT(52)
#define S1_PXN BIT(53)
#define S1_UXN BIT(54)
#define S1_RAM (S1_NORMAL | S1_SH | S1_AF)
enum { /* stage 2 */
    S2_DEVICE = 0 << 2,
    S2_NORMAL = 0xf << 2,
    S2_R = 1 << 6,
    S2_W = 2 << 6,
    S2_SH = 3 << 8,
    S2_AF = 1 << 10,
};
#define S2_XN BIT(54)
#define S2_RAM (S2_NORMAL | S2_R | S2_W | S2_SH | S2_AF)
#define S2_DEV (S2_DEVICE | S2_R | S2_W | S2_AF)

void *rt_alloc(u64 bytes, u64 align); /* zeroed; never freed */
void rt_map_init(struct RtMap *, unsigned shift, unsigned va_bits);
u64 *rt_map_entry(struct RtMap *, u64 va, unsigned level); /* makes the tables above it */
u64 rt_level_size(const struct RtMap *, unsigned level);
void rt_map_set(struct RtMap *, u64 va, unsigned level, u64 pa, u64 attrs);
void rt_map_range(struct RtMap *, u64 va, u64 pa, u64 bytes, u64 attrs);
void rt_map_image(struct RtMap *);    /* EL1&0 stage 1: the test itself and the devices, flat */
void rt_map_image_s2(struct RtMap *); /* stage 2: the same */
void rt_el1_mmu(const struct RtMap *, u64 sctlr_extra); /* from EL2: EL1&0 stage 1 on (TTBR0) */
void rt_el1_mmu_off(void);
void rt_el1_flat(void); /* from EL2: EL1&0 translated flat by a map of rt_map_image, made once */
extern struct RtMap rt_flat, rt_el2_map;
void rt_s2(const struct RtMap *, u64 vmid, u64 hcr_extra); /* from EL2: stage 2 on */
void rt_s2_off(void);
void rt_tlbi_all(void); /* all regimes of this CPU, from EL2 */
bool rt_has_granule(unsigned shift);
#define SCTLR_EL1_OFF 0x30d00980u
#define SCTLR_EL1_ON (SCTLR_EL1_OFF | 0x1005u)
#define MAIR_VALUE 0x0444ff00u
u64 rt_tcr_el1(const struct RtMap *); /* TTBR0 as given, TTBR1 disabled */
/* The same for TCR_EL2 before HCR_EL2.E2H is set: bit 32, of IPS then, is DS as long as it is not. */
static inline u64 rt_tcr_e2h(const struct RtMap *map)
{
    return rt_tcr_el1(map) & ~BIT(32);
}

static inline void table_sync(void)
{
    DSB();
    ISB();
}

/* --- devices and firmware ------------------------------------------------------------------ */
#define UART_BASE 0x09000000ull
#define RTC_BASE 0x09010000ull
#define GICD_BASE 0x08000000ull
#define GICR_BASE 0x080a0000ull
static inline u32 io_read(u64 address)
{
    u32 value;
    __asm__ volatile("ldr %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return value;
}
static inline void io_write(u64 address, u32 value)
{
    __asm__ volatile("str %w0, [%1]" : : "r"(value), "r"(address) : "memory");
}
static inline void io_write8(u64 address, u8 value)
{
    __asm__ volatile("strb %w0, [%1]" : : "r"(value), "r"(address) : "memory");
}
struct SmcResult {
    u64 x0, x1, x2, x3;
};
struct SmcResult rt_smc(u64 function, u64 a, u64 b, u64 c);
/* Starts CPU n at EL2 in main(n). False when the machine has no such CPU. */
bool rt_start_cpu(unsigned n, void (*main)(u64));
void rt_delay_us(u64);
/* Distributor, this CPU's redistributor and CPU interface: group 1 on, priority mask open, everything disabled. */
void rt_gic_init(void);
u64 rt_gicr(void); /* SGI frame of this CPU */
void rt_irq_enable(unsigned intid, u8 priority);
void rt_irq_disable(unsigned intid);

#define ICC_PMR_EL1 s3_0_c4_c6_0
#define ICC_IAR0_EL1 s3_0_c12_c8_0
#define ICC_EOIR0_EL1 s3_0_c12_c8_1
#define ICC_HPPIR0_EL1 s3_0_c12_c8_2
#define ICC_BPR0_EL1 s3_0_c12_c8_3
#define ICC_AP0R0_EL1 s3_0_c12_c8_4
#define ICC_AP1R0_EL1 s3_0_c12_c9_0
#define ICC_DIR_EL1 s3_0_c12_c11_1
#define ICC_RPR_EL1 s3_0_c12_c11_3
#define ICC_SGI1R_EL1 s3_0_c12_c11_5
#define ICC_SGI0R_EL1 s3_0_c12_c11_7
#define ICC_IAR1_EL1 s3_0_c12_c12_0
#define ICC_EOIR1_EL1 s3_0_c12_c12_1
#define ICC_HPPIR1_EL1 s3_0_c12_c12_2
#define ICC_BPR1_EL1 s3_0_c12_c12_3
#define ICC_CTLR_EL1 s3_0_c12_c12_4
#define ICC_SRE_EL1 s3_0_c12_c12_5
#define ICC_IGRPEN0_EL1 s3_0_c12_c12_6
#define ICC_IGRPEN1_EL1 s3_0_c12_c12_7
#define ICC_SRE_EL2 s3_4_c12_c9_5
#define ICH_AP0R0_EL2 s3_4_c12_c8_0
#define ICH_AP1R0_EL2 s3_4_c12_c9_0
#define ICH_HCR_EL2 s3_4_c12_c11_0
#define ICH_VTR_EL2 s3_4_c12_c11_1
#define ICH_MISR_EL2 s3_4_c12_c11_2
#define ICH_EISR_EL2 s3_4_c12_c11_3
#define ICH_ELRSR_EL2 s3_4_c12_c11_5
#define ICH_VMCR_EL2 s3_4_c12_c11_7
#define ICH_LR0_EL2 s3_4_c12_c12_0
#define ICH_LR1_EL2 s3_4_c12_c12_1
#define ICH_LR2_EL2 s3_4_c12_c12_2
#define ICH_LR3_EL2 s3_4_c12_c12_3

#define HCR_VM BIT(0)
#define HCR_FMO BIT(3)
#define HCR_IMO BIT(4)
#define HCR_AMO BIT(5)
#define HCR_VI BIT(7)
#define HCR_VF BIT(6)
#define HCR_TGE BIT(27)
#define HCR_RW BIT(31)
#define HCR_E2H BIT(34)

/* A function of a few instructions for rt_call: text, then RET. It may use x0 (argument, result) to x15. */
#define PROBE(name, text)                                                                          \
    __asm__(".pushsection .text\n.globl " #name "\n.balign 4\n" #name ":\n" text "\n ret\n.popsection"); \
    u64 name(u64)

/* Each test. */
void test_main(void);
