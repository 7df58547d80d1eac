/*
 * Trap matrix: performs every access of tables.S at every Exception level, with every control, and prints what happened. Right on any
 * machine with EL2 where HCR_EL2.E2H can be 0: nothing here knows an emulator. Output (hexadecimal, one record a line; matrix.py makes the result file of it):
 *   S state value       a register of base.tsv has this value in the base configuration
 *   A control           the register of this control does not exist
 *   B context access status value       base configuration
 *   D context control access status value       one control, where it differs from the base
 *   T context set access status value   a set of controls, likewise
 *   P pair access status value          a pair, where it differs from the first control that has an effect alone
 *   W context set access [state|800+offset]...  what a write changed (set + 1; 0: base configuration)
 *   E cases configurations pairs
 * A status is 0, or target EL << 32 and the syndrome.
 */
#include <stdbool.h>
#include <stdint.h>
/* tables.h, made by gen.py, comes by -include: the tables of a build differ in their number of pairs. */

typedef uint64_t u64;
typedef uint32_t u32;
typedef uint16_t u16;
typedef uint8_t u8;

enum { READ = 1, WRITE = 2, VOLATILE = 4, NAMED = 8 };
enum { FIXED, SEED, KEEP, VECTORS, PAGE, FIXED_HPMN };
enum { ANY_LAYOUT = 2, NONE = 0xffff };

struct State {
    u64 base, flip;
    u16 read, write, mode, layout;
};
struct Control {
    u64 mask, value;
    u16 state, layout, unused[2];
};
/* What matrix.S runs: a list of stubs at spsr's Exception level with this HCR_EL2, and the HCR_EL2 to come back to. */
struct Run {
    const u32 *list;
    u64 *operand, *value, *status;
    u64 spsr, hcr, flags, hcr_after; /* flags: E2H, and 2 at EL1 */
};
struct Delta {
    u64 status, value;
    u32 access, unused;
};
struct Deltas {
    struct Delta *at;
    u32 count;
    bool known;
};

extern const u8 access_flags[], context_table[][3];
extern const u64 access_operand[];
extern const u32 full_list[];
extern const u16 link_nvhe[], link_vhe[], link_vhe_host[], set_table[][3], pair_table[][3];
extern const struct State state_table[];
extern const struct Control control_table[];
extern char vectors_el1[], vectors_el2[], buffer[], walker[], heap[];
extern u64 vncr_page[512];
void run(const struct Run *);
void matrix_main(void);
void fatal(u64 esr, u64 elr, u64 kind, u64 link) __attribute__((noreturn));

static u64 current[STATES], snapshot[STATES]; /* value of each state in force; in the base configuration as read back */
static bool exists[STATES];
static u64 hcr_base, cases, configurations;
static u64 setup_operand[ACCESSES], setup_status[ACCESSES], setup_value[ACCESSES];
static u64 operand[ACCESSES], status[ACCESSES], value[ACCESSES];
static u64 base_status[ACCESSES], base_value[ACCESSES];
static u32 restore_list[STATES + 1], vhe_list[STATES + 1], read_list[STATES + 1];
static struct Deltas deltas[CONTROLS];
static char *heap_next = heap;
static unsigned el, e2h, tge; /* the context */

/* --- output ------------------------------------------------------------------------------------ */
static void put(char c)
{
    *(volatile u32 *)0x09000000 = (u8)c;
}

static void put_hex(u64 number)
{
    unsigned shift = 60;
    while (shift && !(number >> shift))
        shift -= 4;
    for (;; shift -= 4) {
        put("0123456789abcdef"[number >> shift & 15]);
        if (!shift)
            break;
    }
}

static void put_record(char kind, unsigned count, const u64 *numbers)
{
    put(kind);
    for (unsigned n = 0; n < count; n++) {
        put(' ');
        put_hex(numbers[n]);
    }
    put('\n');
}
#define RECORD(kind, ...)                                                                          \
    put_record(kind, sizeof((u64[]){__VA_ARGS__}) / sizeof(u64), (u64[]){__VA_ARGS__})

static void off(void)
{
    register u64 x0 __asm__("x0") = 0x84000008;
    for (;;)
        __asm__ volatile("smc #0" : "+r"(x0) : : "x1", "x2", "x3", "memory");
}

void fatal(u64 esr, u64 elr, u64 kind, u64 link)
{
    RECORD('X', esr, elr, kind, link);
    off();
    __builtin_unreachable();
}

void *memset(void *to, int byte, unsigned long size)
{
    for (volatile u8 *at = to; size--;)
        *at++ = (u8)byte;
    return to;
}

void *memcpy(void *to, const void *from, unsigned long size)
{
    const u8 *source = from;
    for (volatile u8 *at = to; size--;)
        *at++ = *source++;
    return to;
}

static void copy(u64 *to, const u64 *from, unsigned count)
{
    while (count--)
        *to++ = *from++;
}

/* --- state ------------------------------------------------------------------------------------------ */
/* Performs a list at EL2 with E2H=0 or 1, on the setup arrays. */
static void run_here(const u32 *list, unsigned with_e2h)
{
    struct Run all = {list, setup_operand, setup_value, setup_status, 0x3c9, hcr_base | (u64)with_e2h << 34, with_e2h, hcr_base};
    run(&all);
}

static void run_one_here(unsigned access, unsigned with_e2h)
{
    u32 list[2] = {access, ~0u};
    setup_status[access] = 0;
    run_here(list, with_e2h);
}

static u64 seed_of(unsigned state)
{
    u64 z = (state + 1) * 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static u64 number_of_counters(void)
{
    u64 features, pmcr;
    __asm__("mrs %0, id_aa64dfr0_el1" : "=r"(features));
    if (!(features >> 8 & 15) || (features >> 8 & 15) == 15)
        return 0;
    __asm__("mrs %0, pmcr_el0" : "=r"(pmcr));
    return pmcr >> 11 & 31;
}

static bool has_vhe(void)
{
    u64 features;
    __asm__("mrs %0, id_aa64mmfr1_el1" : "=r"(features));
    return features >> 8 & 15;
}

static u64 wanted(unsigned n)
{
    const struct State *state = &state_table[n];
    switch (state->mode) {
    case SEED:
        return seed_of(n);
    case KEEP:
        return setup_value[state->read];
    case VECTORS:
        return (u64)(n == STATE_VBAR_EL1 ? vectors_el1 : vectors_el2);
    case PAGE:
        return (u64)vncr_page;
    case FIXED_HPMN:
        return state->base | number_of_counters();
    default:
        return state->base;
    }
}

/* Which registers exist, and what they hold of the value wanted. HCR_EL2 is always there and never restored by a list. */
static void find_states(void)
{
    u32 *restore = restore_list, *vhe = vhe_list, *reads = read_list;
    for (unsigned n = 0; n < STATES; n++) {
        const struct State *state = &state_table[n];
        unsigned with_e2h = state->layout == 1;
        run_one_here(state->read, with_e2h);
        exists[n] = !setup_status[state->read];
        if (with_e2h && !has_vhe())
            continue;
        if (n == STATE_HCR) {
            current[n] = hcr_base;
            continue;
        }
        setup_operand[state->write] = wanted(n);
        run_one_here(state->write, with_e2h);
        exists[n] &= !setup_status[state->write];
        run_one_here(state->read, with_e2h);
        current[n] = setup_value[state->read];
        if (!exists[n])
            continue;
        *(with_e2h ? vhe++ : restore++) = state->write;
        if (n == STATE_SCTLR_EL2)
            *vhe++ = state->write;
        *reads++ = state->read;
        RECORD('S', n, current[n]);
    }
    *restore = *vhe = *reads = ~0u;
}

/* --- configurations ------------------------------------------------------------------------------------- */
static void enter_context(unsigned number)
{
    el = context_table[number][0];
    e2h = context_table[number][1];
    tge = context_table[number][2];
    current[STATE_HCR] = hcr_base | (u64)e2h << 34 | (u64)tge << 27;
}

static unsigned target_of(unsigned access)
{
    return !e2h ? link_nvhe[access] : el == 2 || tge ? link_vhe_host[access] : link_vhe[access];
}

static void prepare_operands(void)
{
    for (unsigned n = 0; n < ACCESSES; n++)
        operand[n] = target_of(n) == NONE ? access_operand[n] : current[target_of(n)];
}

static void set_operands_of(unsigned state)
{
    for (unsigned n = 0; n < ACCESSES; n++)
        if (target_of(n) == state)
            operand[n] = current[state];
}

static void fill_page(void)
{
    for (unsigned n = 0; n < 512; n++)
        vncr_page[n] = 0x4e56ull << 48 | n * 8;
}

/* Gives every register its value, and runs the list in the context. */
static void run_list(const u32 *list)
{
    for (unsigned n = 0; n < STATES; n++)
        if (n != STATE_HCR && state_table[n].layout != 1)
            setup_operand[state_table[n].write] = current[n];
    run_here(restore_list, 0);
    if (e2h) {
        for (unsigned n = 0; n < STATES; n++)
            if (state_table[n].layout == 1)
                setup_operand[state_table[n].write] = current[n];
        run_here(vhe_list, 1);
    }
    if (current[STATE_HCR] >> 45 & 1)
        fill_page();
    struct Run all = {list, operand, value, status, el == 0 ? 0x3c0 : el == 1 ? 0x3c5 : 0x3c9, current[STATE_HCR],
        e2h | (el == 1) << 1, hcr_base};
    run(&all);
}

static void run_all(void)
{
    for (unsigned n = 0; n < ACCESSES; n++)
        status[n] = 0;
    run_list(full_list);
    cases += ACCESSES;
    configurations++;
}

static void run_one(unsigned access)
{
    u32 list[2] = {access, ~0u};
    status[access] = 0;
    run_list(list);
    cases++;
    configurations++;
}

static bool usable(const struct Control *control)
{
    return exists[control->state] && (control->layout == ANY_LAYOUT || control->layout == e2h);
}

static void apply(const struct Control *control)
{
    u64 *at = &current[control->state];
    *at = (*at & ~control->mask) | control->value;
    set_operands_of(control->state);
}

/* A value that differs by exactly what was toggled is the control's own register. */
static bool own_value(unsigned access, u64 first, u64 second)
{
    u64 difference = value[access] ^ base_value[access];
    return !difference || difference == first || difference == second || difference == (first | second);
}

static bool differs(unsigned access, u64 first, u64 second)
{
    if (status[access] != base_status[access])
        return true;
    return !status[access] && (access_flags[access] & (READ | VOLATILE)) == READ && !own_value(access, first, second);
}

/* --- the parts of the run ---------------------------------------------------------------------------------- */
/* Reads of registers of base.tsv once more, each alone: nothing before it has changed ELR, SPSR, ESR. */
static void read_alone(char kind, unsigned context, unsigned set)
{
    for (unsigned n = 0; n < ACCESSES; n++) {
        if ((access_flags[n] & (READ | NAMED)) != (READ | NAMED))
            continue;
        value[n] = 0;
        run_one(n);
        if (kind == 'B')
            base_value[n] = value[n];
        else if (!status[n] && value[n] != base_value[n] && (access_flags[n] & VOLATILE))
            RECORD('T', context, set, n, 0, value[n]);
    }
}

static void base(unsigned context)
{
    for (unsigned n = 0; n < ACCESSES; n++)
        value[n] = 0;
    prepare_operands();
    run_all();
    copy(base_status, status, ACCESSES);
    copy(base_value, value, ACCESSES);
    read_alone('B', context, 0);
    for (unsigned n = 0; n < ACCESSES; n++) {
        if (base_status[n] || !(access_flags[n] & READ))
            RECORD('B', context, n, base_status[n]);
        else
            RECORD('B', context, n, 0, base_value[n]);
    }
}

/* What each successful write to a register of base.tsv changes. */
static void writes(unsigned context, unsigned set)
{
    u32 nothing[1] = {~0u};
    run_list(nothing);
    run_here(read_list, 0);
    for (unsigned n = 0; n < STATES; n++)
        snapshot[n] = setup_value[state_table[n].read];
    for (unsigned n = 0; n < ACCESSES; n++) {
        unsigned target = target_of(n);
        if (target == NONE || !(access_flags[n] & WRITE) || !state_table[target].flip || (target == STATE_HCR && el == 2))
            continue;
        operand[n] = current[target] ^ state_table[target].flip;
        run_one(n);
        operand[n] = current[target];
        if (status[n])
            continue;
        run_here(read_list, 0);
        u64 record[16] = {context, set, n};
        unsigned count = 3;
        for (unsigned s = 0; s < STATES && count < 16; s++)
            if (exists[s] && s != STATE_HCR && state_table[s].layout != 1 && snapshot[s] != setup_value[state_table[s].read])
                record[count++] = s;
        for (unsigned s = 0; s < 512 && count < 16 && (current[STATE_HCR] >> 45 & 1); s++)
            if (vncr_page[s] != (0x4e56ull << 48 | s * 8))
                record[count++] = 0x800 + s * 8;
        put_record('W', count, record);
    }
}

static void one_control(unsigned context, unsigned number, bool print)
{
    const struct Control *control = &control_table[number];
    u64 before = current[control->state];
    struct Deltas *list = &deltas[number];
    apply(control);
    u64 own = current[control->state] ^ before;
    run_all();
    list->at = (struct Delta *)heap_next;
    list->count = 0;
    list->known = true;
    for (unsigned n = 0; n < ACCESSES; n++) {
        if (!differs(n, own, own))
            continue;
        list->at[list->count++] = (struct Delta){status[n], value[n], n, 0};
        if (print)
            RECORD('D', context, number, n, status[n], value[n]);
    }
    heap_next = (char *)&list->at[list->count];
    current[control->state] = before;
    set_operands_of(control->state);
}

static void one_set(unsigned context, unsigned number)
{
    u64 before = current[STATE_HCR];
    for (unsigned n = 0; n < 3; n++)
        if (set_table[number][n] != NONE)
            apply(&control_table[set_table[number][n]]);
    u64 own = current[STATE_HCR] ^ before;
    run_all();
    for (unsigned n = 0; n < ACCESSES; n++)
        if (differs(n, own, own))
            RECORD('T', context, number, n, status[n], value[n]);
    if (el == 1) {
        read_alone('T', context, number);
        writes(context, number + 1);
    }
    current[STATE_HCR] = before;
    set_operands_of(STATE_HCR);
}

static u64 next_random(u64 *seed)
{
    u64 z = *seed += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static const struct Delta *find(const struct Deltas *list, unsigned access)
{
    for (unsigned n = 0; n < list->count; n++)
        if (list->at[n].access == access)
            return &list->at[n];
    return 0;
}

/* The accesses that one of the two has an effect on alone, and some more; ascending, so that reads come first is not needed. */
static unsigned pair_list(unsigned number, const struct Deltas *a, const struct Deltas *b, u32 *list)
{
    static u8 chosen[ACCESSES];
    u64 seed = 0xa11ce + number;
    for (unsigned n = 0; n < PER_PAIR; n++)
        chosen[next_random(&seed) % ACCESSES] = 1;
    for (unsigned n = 0; n < a->count; n++)
        chosen[a->at[n].access] = 1;
    for (unsigned n = 0; n < b->count; n++)
        chosen[b->at[n].access] = 1;
    unsigned count = 0;
    for (const u32 *at = full_list; *at != ~0u; at++) {
        if (!chosen[*at])
            continue;
        chosen[*at] = 0;
        status[*at] = 0;
        list[count++] = *at;
    }
    list[count] = ~0u;
    return count;
}

static void one_pair(unsigned context, unsigned number)
{
    static u32 list[ACCESSES + 1];
    const struct Control *a = &control_table[pair_table[number][1]], *b = &control_table[pair_table[number][2]];
    struct Deltas *of_a = &deltas[pair_table[number][1]], *of_b = &deltas[pair_table[number][2]];
    if (!usable(a) || !usable(b))
        return;
    if (!of_a->known)
        one_control(context, pair_table[number][1], false);
    if (!of_b->known)
        one_control(context, pair_table[number][2], false);
    unsigned count = pair_list(number, of_a, of_b, list);
    u64 before_a = current[a->state], before_b = current[b->state];
    apply(a);
    u64 own_a = current[a->state] ^ before_a;
    apply(b);
    u64 own_b = current[b->state] ^ (a->state == b->state ? before_a ^ own_a : before_b);
    run_list(list);
    cases += count;
    configurations++;
    for (unsigned n = 0; n < count; n++) {
        unsigned access = list[n];
        const struct Delta *alone = find(of_a, access);
        alone = alone ? alone : find(of_b, access);
        if (alone ? status[access] != alone->status : differs(access, own_a, own_b))
            RECORD('P', number, access, status[access], status[access] ? 0 : value[access]);
    }
    current[a->state] = before_a;
    current[b->state] = before_b;
    set_operands_of(a->state);
    set_operands_of(b->state);
}

static void one_context(unsigned context)
{
    heap_next = heap;
    for (unsigned n = 0; n < CONTROLS; n++)
        deltas[n].known = false;
    enter_context(context);
    base(context);
    writes(context, 0);
    for (unsigned n = 0; n < CONTROLS; n++)
        if (usable(&control_table[n]))
            one_control(context, n, true);
    for (unsigned n = 0; n < SETS; n++)
        one_set(context, n);
    for (int n = 0; n < PAIRS; n++)
        if (pair_table[n][0] == context)
            one_pair(context, (unsigned)n);
}

void matrix_main(void)
{
    hcr_base = state_table[STATE_HCR].base;
    RECORD('I', (u64)walker, (u64)buffer);
    find_states();
    for (unsigned n = 0; n < CONTROLS; n++)
        if (!exists[control_table[n].state])
            RECORD('A', n);
    for (unsigned context = 0; context < CONTEXTS; context++)
        if (has_vhe() || !context_table[context][1])
            one_context(context);
    RECORD('E', cases, configurations, PAIRS);
    off();
}
