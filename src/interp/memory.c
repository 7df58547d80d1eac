/*
 * Handlers of loads and stores: one compare against the data bank, then the host access; everything
 * else (misses, devices, misalignment) in a cold twin. Guest memory is accessed with atomics of the
 * access's size. Loads acquire and stores release, which costs nothing on the hosts this runs on
 * and makes LDAR a plain load; STLR is sequentially consistent (STANY).
 */
#include "kinds.h"
#include "slow.h"

#define DISP() ((uint64_t)(int64_t)(int32_t)op->imm)
#define WB() ((uint64_t)((int64_t)op->imm >> 32))

#define VA_D (R64(a) + DISP())
#define VA_W (R64(a) + DISP())
#define VA_X (R64(a) + (R64(b) << (op->imm & 63)))
#define VA_U (R64(a) + ((uint64_t)R32(b) << (op->imm & 63)))
#define VA_S (R64(a) + ((uint64_t)(int32_t)R32(b) << (op->imm & 63)))
#define THEN_D
#define THEN_W R64(a) += WB()
#define THEN_X
#define THEN_U
#define THEN_S

#define ENTRY(va) \
    ((EngL1Entry *)((char *)l1 + (((va) & l1_mask) >> (ARM_PAGE_BITS - 5))))
_Static_assert(sizeof(EngL1Entry) == 32, "ENTRY scales by 32");

/* type: as in memory; wide: what it is extended to (zero-extended from there) */
#define LOAD_FORM(name, form, type, wide)                                                   \
    INTERP_COLD(name##_##form##_slow)                                                       \
    {                                                                                       \
        uint64_t v;                                                                         \
        if (!interp_slow_load(cpu, op, VA_##form, &v))                                      \
            INTERP_LEAVE();                                                                 \
        R64(d) = (wide)(type)v;                                                             \
        THEN_##form;                                                                        \
        INTERP_RELOAD();                                                                           \
        INTERP_NEXT(op + 1);                                                                \
    }                                                                                       \
    INTERP_HANDLER(name##_##form)                                                           \
    {                                                                                       \
        uint64_t va = VA_##form;                                                            \
        const EngL1Entry *e = ENTRY(va);                                                    \
        if (ARM_UNLIKELY((va & (~ARM_PAGE_MASK | (sizeof(type) - 1))) != e->tag_read))      \
            INTERP_TAIL(name##_##form##_slow);                                              \
        R64(d) = (wide)__atomic_load_n((type *)(va + e->addend), __ATOMIC_ACQUIRE);         \
        THEN_##form;                                                                        \
        INTERP_NEXT(op + 1);                                                                \
    }
#define LOAD(name, type, wide)          \
    LOAD_FORM(name, D, type, wide)      \
    LOAD_FORM(name, W, type, wide)      \
    LOAD_FORM(name, X, type, wide)      \
    LOAD_FORM(name, U, type, wide)      \
    LOAD_FORM(name, S, type, wide)

LOAD(LD8, uint8_t, uint64_t)
LOAD(LD16, uint16_t, uint64_t)
LOAD(LD32, uint32_t, uint64_t)
LOAD(LD64, uint64_t, uint64_t)
LOAD(LD8S32, int8_t, uint32_t)
LOAD(LD8S64, int8_t, uint64_t)
LOAD(LD16S32, int16_t, uint32_t)
LOAD(LD16S64, int16_t, uint64_t)
LOAD(LD32S64, int32_t, uint64_t)

/* Two doublewords side by side, written in one piece, for an op that reads them in one (VEC). */
typedef uint64_t Both __attribute__((vector_size(16)));
#define RBOTH(field) (*(Both *)((char *)cpu + op->field))

#define LOADZ_FORM(name, form, type)                                                        \
    INTERP_COLD(name##_##form##_slow)                                                       \
    {                                                                                       \
        uint64_t v;                                                                         \
        if (!interp_slow_load(cpu, op, VA_##form, &v))                                      \
            INTERP_LEAVE();                                                                 \
        RBOTH(d) = (Both){(type)v, 0};                                                      \
        THEN_##form;                                                                        \
        INTERP_RELOAD();                                                                    \
        INTERP_NEXT(op + 1);                                                                \
    }                                                                                       \
    INTERP_HANDLER(name##_##form)                                                           \
    {                                                                                       \
        uint64_t va = VA_##form;                                                            \
        const EngL1Entry *e = ENTRY(va);                                                    \
        if (ARM_UNLIKELY((va & (~ARM_PAGE_MASK | (sizeof(type) - 1))) != e->tag_read))      \
            INTERP_TAIL(name##_##form##_slow);                                              \
        uint64_t v = __atomic_load_n((type *)(va + e->addend), __ATOMIC_ACQUIRE);           \
        RBOTH(d) = (Both){v, 0};                                                            \
        THEN_##form;                                                                        \
        INTERP_NEXT(op + 1);                                                                \
    }
#define LOADZ(name, type)           \
    LOADZ_FORM(name, D, type)       \
    LOADZ_FORM(name, W, type)       \
    LOADZ_FORM(name, X, type)       \
    LOADZ_FORM(name, U, type)       \
    LOADZ_FORM(name, S, type)

LOADZ(LDZ32, uint32_t)
LOADZ(LDZ64, uint64_t)

/* d: the value */
#define STORE_FORM(name, form, type)                                                        \
    INTERP_COLD(name##_##form##_slow)                                                       \
    {                                                                                       \
        if (!interp_slow_store(cpu, op, VA_##form, R64(d)))                                 \
            INTERP_LEAVE();                                                                 \
        THEN_##form;                                                                        \
        INTERP_RELOAD();                                                                           \
        INTERP_NEXT(op + 1);                                                                \
    }                                                                                       \
    INTERP_HANDLER(name##_##form)                                                           \
    {                                                                                       \
        uint64_t va = VA_##form;                                                            \
        const EngL1Entry *e = ENTRY(va);                                                    \
        if (ARM_UNLIKELY((va & (~ARM_PAGE_MASK | (sizeof(type) - 1))) != e->tag_write))     \
            INTERP_TAIL(name##_##form##_slow);                                              \
        __atomic_store_n((type *)(va + e->addend), (type)R64(d),          \
                         __ATOMIC_RELEASE);                                                 \
        THEN_##form;                                                                        \
        INTERP_NEXT(op + 1);                                                                \
    }
#define STORE(name, type)           \
    STORE_FORM(name, D, type)       \
    STORE_FORM(name, W, type)       \
    STORE_FORM(name, X, type)       \
    STORE_FORM(name, U, type)       \
    STORE_FORM(name, S, type)

STORE(ST8, uint8_t)
STORE(ST16, uint16_t)
STORE(ST32, uint32_t)
STORE(ST64, uint64_t)

/*
 * d, b: the two registers. The second access's page stands for both: it equals the entry's tag only
 * if the first one is there too, as the entry was chosen by the first one's page.
 */
#define PAIR_MISS(type, tag)                                                                \
    (((va + sizeof(type)) & ~ARM_PAGE_MASK) != (tag) || (va & (sizeof(type) - 1)))

/*
 * A pair is accessed in one piece where it lies within 16 aligned bytes. One of doublewords that
 * does not may have to be aligned as a whole.
 */
static bool pair_is_careful(const EngL1Entry *e, uint64_t va, size_t size)
{
    return size == 8 && (va & 8) && (e->info & ENG_L1_CAREFUL);
}

/* Aligned as a whole, as nearly all are: one compare says so, and that the bank has the page. */
#define PAIR_ALIGNED(type, tag)                                                             \
    ARM_LIKELY((va & (~ARM_PAGE_MASK | (2 * sizeof(type) - 1))) == (tag))

/* ... on the host as well: pages are. */
static void load_aligned_pair(const void *host, size_t size, uint64_t v[2])
{
    if (size == 8) {
        eng_host_load16(host, v);
    } else {
        uint64_t both = eng_host_load(host, 3);
        v[0] = (uint32_t)both;
        v[1] = both >> 32;
    }
}

static void store_aligned_pair(void *host, size_t size, uint64_t v, uint64_t w)
{
    if (size == 8)
        eng_host_store16(host, (const uint64_t[2]){v, w});
    else
        eng_host_store_size(host, 3, (uint32_t)v | w << 32);
}

static void load_pair(const void *host, size_t size, uint64_t v[2])
{
    unsigned at = (uintptr_t)host & 15, log2 = size == 8 ? 3 : 2;
    if (size == 4 && at + 8 <= 16) {
        eng_host_load_pair_within(host, 4, v);
    } else {
        v[0] = eng_host_load(host, log2);
        v[1] = eng_host_load((const uint8_t *)host + size, log2);
    }
}

static void store_pair(void *host, size_t size, uint64_t v, uint64_t w)
{
    unsigned at = (uintptr_t)host & 15, log2 = size == 8 ? 3 : 2;
    if (size == 4 && at + 8 <= 16) {
        eng_host_store_pair_within(host, 4, (const uint64_t[2]){v, w});
    } else {
        eng_host_store_size(host, log2, v);
        eng_host_store_size((uint8_t *)host + size, log2, w);
    }
}

#define LOAD_PAIR(name, form, type)                                                         \
    INTERP_COLD(name##_##form##_slow)                                                       \
    {                                                                                       \
        uint64_t v[2];                                                                      \
        if (!interp_slow_load_pair(cpu, op, VA_##form, v))                                  \
            INTERP_LEAVE();                                                                 \
        R64(d) = (type)v[0];                                                                \
        R64(b) = (type)v[1];                                                                \
        THEN_##form;                                                                        \
        INTERP_RELOAD();                                                                           \
        INTERP_NEXT(op + 1);                                                                \
    }                                                                                       \
    INTERP_ODD(name##_##form##_odd)                                                         \
    {                                                                                       \
        uint64_t va = VA_##form;                                                            \
        const EngL1Entry *e = ENTRY(va);                                                    \
        if (ARM_UNLIKELY(PAIR_MISS(type, e->tag_read) ||                                    \
                         pair_is_careful(e, va, sizeof(type))))                             \
            INTERP_TAIL(name##_##form##_slow);                                              \
        uint64_t v[2];                                                                      \
        load_pair((void *)(va + e->addend), sizeof(type), v);                               \
        R64(d) = v[0];                                                                      \
        R64(b) = v[1];                                                                      \
        THEN_##form;                                                                        \
        INTERP_NEXT(op + 1);                                                                \
    }                                                                                       \
    INTERP_HANDLER(name##_##form)                                                           \
    {                                                                                       \
        uint64_t va = VA_##form;                                                            \
        const EngL1Entry *e = ENTRY(va);                                                    \
        if (!PAIR_ALIGNED(type, e->tag_read))                                               \
            INTERP_TAIL(name##_##form##_odd);                                               \
        uint64_t v[2];                                                                      \
        load_aligned_pair((void *)(va + e->addend), sizeof(type), v);                       \
        R64(d) = v[0];                                                                      \
        R64(b) = v[1];                                                                      \
        THEN_##form;                                                                        \
        INTERP_NEXT(op + 1);                                                                \
    }

/* Both results side by side. */
#define LOAD_Q(form)                                                                        \
    INTERP_HANDLER(LDQ_##form)                                                              \
    {                                                                                       \
        uint64_t va = VA_##form;                                                            \
        const EngL1Entry *e = ENTRY(va);                                                    \
        if (!PAIR_ALIGNED(uint64_t, e->tag_read))                                           \
            INTERP_TAIL(LDP64_##form##_odd);                                                \
        uint64_t v[2];                                                                      \
        load_aligned_pair((void *)(va + e->addend), 8, v);                                  \
        RBOTH(d) = (Both){v[0], v[1]};                                                      \
        THEN_##form;                                                                        \
        INTERP_NEXT(op + 1);                                                                \
    }

LOAD_PAIR(LDP64, D, uint64_t)
LOAD_PAIR(LDP64, W, uint64_t)
LOAD_Q(D)
LOAD_Q(W)
LOAD_PAIR(LDP32, D, uint32_t)
LOAD_PAIR(LDP32, W, uint32_t)

#define STORE_PAIR(name, form, type)                                                        \
    INTERP_COLD(name##_##form##_slow)                                                       \
    {                                                                                       \
        if (!interp_slow_store_pair(cpu, op, VA_##form))                    \
            INTERP_LEAVE();                                                                 \
        THEN_##form;                                                                        \
        INTERP_RELOAD();                                                                           \
        INTERP_NEXT(op + 1);                                                                \
    }                                                                                       \
    INTERP_ODD(name##_##form##_odd)                                                         \
    {                                                                                       \
        uint64_t va = VA_##form;                                                            \
        const EngL1Entry *e = ENTRY(va);                                                    \
        if (ARM_UNLIKELY(PAIR_MISS(type, e->tag_write) ||                                   \
                         pair_is_careful(e, va, sizeof(type))))                             \
            INTERP_TAIL(name##_##form##_slow);                                              \
        store_pair((void *)(va + e->addend), sizeof(type), R64(d), R64(b));                 \
        THEN_##form;                                                                        \
        INTERP_NEXT(op + 1);                                                                \
    }                                                                                       \
    INTERP_HANDLER(name##_##form)                                                           \
    {                                                                                       \
        uint64_t va = VA_##form;                                                            \
        const EngL1Entry *e = ENTRY(va);                                                    \
        if (!PAIR_ALIGNED(type, e->tag_write))                                              \
            INTERP_TAIL(name##_##form##_odd);                                               \
        store_aligned_pair((void *)(va + e->addend), sizeof(type), R64(d), R64(b));         \
        THEN_##form;                                                                        \
        INTERP_NEXT(op + 1);                                                                \
    }

STORE_PAIR(STP64, D, uint64_t)
STORE_PAIR(STP64, W, uint64_t)
STORE_PAIR(STP32, D, uint32_t)
STORE_PAIR(STP32, W, uint32_t)

/* Host address of an access in the view its side entry names, or NULL when the bank misses. */
static void *any_host(INTERP_PARAMS, bool write)
{
    uint64_t mem = interp_side(op)->mem, va = R64(a);
    if (IR_MEM_GET_VIEW(mem) >= IR_VIEW_VNCR)
        return NULL;
    if (IR_MEM_GET_VIEW(mem) == IR_VIEW_UNPRIV) {
        l1 = cpu->l1_unpriv;
        l1_mask = cpu->l1_unpriv_mask;
    }
    const EngL1Entry *e = ENTRY(va);
    uint64_t align = ((UINT64_C(1) << IR_MEM_GET_SIZE(mem)) - 1) | IR_MEM_LOW_BITS(mem);
    bool hit = (va & (~ARM_PAGE_MASK | align)) == (write ? e->tag_write : e->tag_read);
    return hit ? (void *)(va + e->addend) : NULL;
}

/* Any load: unprivileged, VNCR. imm: its IrType. */
INTERP_HANDLER(LDANY)
{
    uint64_t v, mem = interp_side(op)->mem;
    void *host = any_host(INTERP_ARGS, false);
    if (host)
        v = eng_host_load(host, IR_MEM_GET_SIZE(mem));
    else if (!interp_slow_load(cpu, op, R64(a), &v))
        INTERP_LEAVE();
    if (mem & IR_MEM_SIGN) {
        unsigned shift = 64 - (8u << IR_MEM_GET_SIZE(mem));
        v = (uint64_t)((int64_t)(v << shift) >> shift);
        if (op->imm != IR_I64)
            v = (uint32_t)v;
    }
    R64(d) = v;
    INTERP_RELOAD();
    INTERP_NEXT(op + 1);
}

/* Any store: unprivileged, VNCR, release. b: the value. */
INTERP_HANDLER(STANY)
{
    uint64_t mem = interp_side(op)->mem;
    void *host = any_host(INTERP_ARGS, true);
    if (host)
        eng_host_store(host, mem, R64(b));
    else if (!interp_slow_store(cpu, op, R64(a), R64(b)))
        INTERP_LEAVE();
    INTERP_RELOAD();
    INTERP_NEXT(op + 1);
}

/* b, imm (an offset): the operands. An atomic needs both tags. */
INTERP_HANDLER(ATOMIC)
{
    uint64_t mem = interp_side(op)->mem, old;
    uint64_t b = R64(b), c = *(const InterpU64 *)((char *)cpu + op->imm);
    void *host = any_host(INTERP_ARGS, true);
    if (host && any_host(INTERP_ARGS, false))
        old = eng_host_atomic(host, mem, b, c);
    else if (!interp_slow_atomic(cpu, op, (const uint64_t[2]){b, c}, &old))
        INTERP_LEAVE();
    R64(d) = old;
    INTERP_RELOAD();
    INTERP_NEXT(op + 1);
}

/* DMB and DSB. LD and ST barriers only order what loads and stores above already order. */
INTERP_HANDLER(FENCE)
{
    if (op->imm == IR_FENCE_ALL)
        arm_full_fence();
    INTERP_NEXT(op + 1);
}
