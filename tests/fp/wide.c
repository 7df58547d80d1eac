/* The oracle of wide.h: numbers are m * 2^e with an integer m that holds every exact result (up to 2^64, in places 2^128). */
#include "wide.h"

typedef struct {
    unsigned width, frac_bits;
    int max_exp; /* the exponent of the largest number, and the bias */
} Format;

static const Format HALF = {16, 10, 15}, SINGLE = {32, 23, 127}, DOUBLE = {64, 52, 1023};

typedef enum { ZERO, FINITE, INFINITE, QUIET, SIGNALING } Kind;

typedef struct {
    uint64_t m;
    int e;
    Kind kind;
    bool sign, denormal;
} Number;

static inline uint64_t pack(Format f, bool sign, uint64_t exp, uint64_t frac)
{
    return (uint64_t)sign << (f.width - 1) | exp << f.frac_bits | frac;
}

static inline uint64_t exp_ones(Format f)
{
    return (UINT64_C(1) << (f.width - 1 - f.frac_bits)) - 1;
}

static inline uint64_t infinity(Format f, bool sign)
{
    return pack(f, sign, exp_ones(f), 0);
}

static inline uint64_t quiet_bit(Format f)
{
    return UINT64_C(1) << (f.frac_bits - 1);
}

static inline bool alternative(const WideEnv *env)
{
    return env->fpcr & WIDE_AH;
}

static inline uint64_t default_nan(Format f, const WideEnv *env)
{
    return pack(f, alternative(env), exp_ones(f), quiet_bit(f));
}

static inline uint64_t invalid(Format f, WideEnv *env)
{
    env->flags |= WIDE_IOC;
    return default_nan(f, env);
}

static inline bool is_nan(const Number *n)
{
    return n->kind >= QUIET;
}

/* FPUnpackBase's flushing of a denormal operand: FIZ raises no IDC. */
static inline bool flushed(Format f, WideEnv *env)
{
    if (f.width == 16) {
        return env->fpcr & WIDE_FZ16;
    }
    if ((env->fpcr & WIDE_FZ) && !alternative(env)) {
        env->flags |= WIDE_IDC;
        return true;
    }
    return env->fpcr & WIDE_FIZ;
}

static inline Number unpack_base(Format f, uint64_t bits, bool ahp, WideEnv *env)
{
    const uint64_t frac = bits & ((UINT64_C(1) << f.frac_bits) - 1), exp = bits >> f.frac_bits & exp_ones(f);
    Number n = {.m = frac, .e = 1 - f.max_exp - (int)f.frac_bits, .kind = FINITE, .sign = bits >> (f.width - 1) & 1};
    if (exp == 0) {
        n.kind = frac == 0 || flushed(f, env) ? ZERO : FINITE;
        n.denormal = n.kind == FINITE;
        n.m = n.kind == ZERO ? 0 : frac;
    } else if (exp == exp_ones(f) && !ahp) {
        n.kind = frac == 0 ? INFINITE : frac & quiet_bit(f) ? QUIET : SIGNALING;
    } else {
        n.m |= UINT64_C(1) << f.frac_bits;
        n.e += (int)exp - 1;
    }
    return n;
}

static inline Number unpack(Format f, uint64_t bits, WideEnv *env)
{
    return unpack_base(f, bits, false, env);
}

/* FPProcessDenorms: with FPCR.AH, a denormal operand that counted raises IDC. */
static inline void denormals(Format f, bool any, WideEnv *env)
{
    if (any && alternative(env) && f.width != 16) {
        env->flags |= WIDE_IDC;
    }
}

/* What is below the last bit kept: 0 nothing, 1 less than half, 2 a half, 3 more. */
static inline unsigned remainder_of(uint64_t m, int shift)
{
    if (shift <= 0) {
        return 0;
    }
    const uint64_t rest = shift > 63 ? m : m & ((UINT64_C(1) << shift) - 1), half = shift > 64 ? 0 : UINT64_C(1) << (shift - 1);
    if (rest == 0) {
        return 0;
    }
    if (shift > 64 || rest < half) {
        return 1;
    }
    return rest > half ? 3 : 2;
}

static inline bool rounds_up(unsigned rounding, bool sign, bool odd, unsigned rest)
{
    switch (rounding) {
    case WIDE_TIEEVEN: return rest == 3 || (rest == 2 && odd);
    case WIDE_TIEAWAY: return rest >= 2;
    case WIDE_POSINF: return rest && !sign;
    case WIDE_NEGINF: return rest && sign;
    default: return false;
    }
}

static inline uint64_t shifted(uint64_t m, int shift)
{
    return shift > 63 ? 0 : shift >= 0 ? m >> shift : m << -shift;
}

/* Whether the result is below the normal range: before rounding, or with FPCR.AH after rounding as if the exponent had no limit. */
static inline bool is_tiny(Format f, const Number *n, int exponent, unsigned rounding, const WideEnv *env)
{
    if (exponent >= 1 - f.max_exp) {
        return false;
    }
    if (!alternative(env) || exponent < -f.max_exp) {
        return true;
    }
    const int shift = exponent - (int)f.frac_bits - n->e;
    const uint64_t q = shifted(n->m, shift);
    return q + rounds_up(rounding, n->sign, q & 1, remainder_of(n->m, shift)) < UINT64_C(2) << f.frac_bits;
}

static inline uint64_t overflow(Format f, bool sign, unsigned rounding, WideEnv *env)
{
    env->flags |= WIDE_OFC | WIDE_IXC;
    const bool to_infinity = rounding == WIDE_TIEEVEN || (rounding == WIDE_POSINF && !sign) || (rounding == WIDE_NEGINF && sign);
    return infinity(f, sign) - !to_infinity;
}

/* FPRound, and FPRoundCV with `conversion`, of a number that is not zero. */
static inline uint64_t round_to(Format f, const Number *n, unsigned rounding, bool conversion, WideEnv *env)
{
    const bool flush = f.width == 16 ? (env->fpcr & WIDE_FZ16) && !conversion : (env->fpcr & WIDE_FZ) != 0;
    const bool ahp = conversion && f.width == 16 && (env->fpcr & WIDE_AHP);
    const int exponent = 63 - __builtin_clzll(n->m) + n->e, low = 1 - f.max_exp;
    const bool below = exponent < low, tiny = is_tiny(f, n, exponent, rounding, env);
    if (tiny && flush) {
        env->flags |= alternative(env) ? WIDE_UFC | WIDE_IXC : WIDE_UFC;
        return pack(f, n->sign, 0, 0);
    }
    const int shift = (below ? low : exponent) - (int)f.frac_bits - n->e;
    const unsigned rest = remainder_of(n->m, shift);
    uint64_t q = shifted(n->m, shift);
    q += rounds_up(rounding, n->sign, q & 1, rest);
    /* The hidden bit adds one to the exponent, and so does a carry out of the fraction. */
    const uint64_t result = q + ((uint64_t)(below ? 0 : exponent - low) << f.frac_bits);
    env->flags |= tiny && rest ? WIDE_UFC : 0;
    if (ahp && result >> (f.width - 1)) {
        env->flags |= WIDE_IOC;
        return pack(f, n->sign, 0, 0x7fff);
    }
    if (!ahp && result >= infinity(f, false)) {
        return overflow(f, n->sign, rounding, env);
    }
    env->flags |= rest ? WIDE_IXC : 0;
    return pack(f, n->sign, 0, 0) | result;
}

static inline unsigned mode(const WideEnv *env)
{
    return env->fpcr >> 22 & 3;
}

/* FPProcessNaN; quiet or not is told apart by the caller where FPCR.AH mixes them. */
static inline uint64_t propagate(Format f, uint64_t bits, bool signaling, WideEnv *env)
{
    env->flags |= signaling ? WIDE_IOC : 0;
    return env->fpcr & WIDE_DN ? default_nan(f, env) : bits | quiet_bit(f);
}

/* FPProcessNaNs, for two operands of which one is a NaN. */
static inline uint64_t propagate2(Format f, uint64_t a, uint64_t b, const Number n[2], WideEnv *env)
{
    const bool signaling = n[0].kind == SIGNALING || n[1].kind == SIGNALING;
    bool first = is_nan(&n[0]);
    if (!alternative(env) && n[0].kind == QUIET && n[1].kind == SIGNALING) {
        first = false;
    }
    return propagate(f, first ? a : b, signaling, env);
}

static inline uint32_t sum_h(uint32_t a, uint32_t b, bool subtract, WideEnv *env)
{
    const Number n[2] = {unpack(HALF, a, env), unpack(HALF, b, env)};
    if (is_nan(&n[0]) || is_nan(&n[1])) {
        return (uint32_t)propagate2(HALF, a, b, n, env);
    }
    const bool sign = n[1].sign ^ subtract;
    if (n[0].kind == INFINITE || n[1].kind == INFINITE) {
        if (n[0].kind == n[1].kind && n[0].sign != sign) {
            return (uint32_t)invalid(HALF, env);
        }
        return (uint32_t)infinity(HALF, n[0].kind == INFINITE ? n[0].sign : sign);
    }
    /* In units of the smallest denormal, 2^-24. */
    const int64_t x = (int64_t)(n[0].m << (n[0].e + 24)), y = (int64_t)(n[1].m << (n[1].e + 24));
    const int64_t total = (n[0].sign ? -x : x) + (sign ? -y : y);
    if (total == 0) {
        const bool both = x == 0 && n[0].sign == sign;
        return (uint32_t)pack(HALF, both ? sign : mode(env) == WIDE_NEGINF, 0, 0);
    }
    const Number result = {.m = (uint64_t)(total < 0 ? -total : total), .e = -24, .sign = total < 0};
    return (uint32_t)round_to(HALF, &result, mode(env), false, env);
}

uint32_t wide_add_h(uint32_t a, uint32_t b, WideEnv *env)
{
    return sum_h(a, b, false, env);
}

uint32_t wide_sub_h(uint32_t a, uint32_t b, WideEnv *env)
{
    return sum_h(a, b, true, env);
}

uint32_t wide_mul_h(uint32_t a, uint32_t b, WideEnv *env)
{
    const Number n[2] = {unpack(HALF, a, env), unpack(HALF, b, env)};
    if (is_nan(&n[0]) || is_nan(&n[1])) {
        return (uint32_t)propagate2(HALF, a, b, n, env);
    }
    const Number result = {.m = n[0].m * n[1].m, .e = n[0].e + n[1].e, .sign = n[0].sign ^ n[1].sign};
    if (n[0].kind == INFINITE || n[1].kind == INFINITE) {
        const bool zero = n[0].kind == ZERO || n[1].kind == ZERO;
        return (uint32_t)(zero ? invalid(HALF, env) : infinity(HALF, result.sign));
    }
    return (uint32_t)(result.m == 0 ? pack(HALF, result.sign, 0, 0) : round_to(HALF, &result, mode(env), false, env));
}

uint32_t wide_div_h(uint32_t a, uint32_t b, WideEnv *env)
{
    const Number n[2] = {unpack(HALF, a, env), unpack(HALF, b, env)};
    if (is_nan(&n[0]) || is_nan(&n[1])) {
        return (uint32_t)propagate2(HALF, a, b, n, env);
    }
    const bool sign = n[0].sign ^ n[1].sign;
    if (n[0].kind == n[1].kind && n[0].kind != FINITE) {
        return (uint32_t)invalid(HALF, env);
    }
    if (n[0].kind == INFINITE || n[1].kind == ZERO) {
        env->flags |= n[0].kind == INFINITE ? 0 : WIDE_DZC;
        return (uint32_t)infinity(HALF, sign);
    }
    if (n[0].kind == ZERO || n[1].kind == INFINITE) {
        return (uint32_t)pack(HALF, sign, 0, 0);
    }
    /* 40 more bits, and the last says whether there is a remainder. */
    const uint64_t quotient = (n[0].m << 40) / n[1].m, rest = (n[0].m << 40) % n[1].m;
    const Number result = {.m = quotient << 1 | (rest != 0), .e = n[0].e - n[1].e - 41, .sign = sign};
    return (uint32_t)round_to(HALF, &result, mode(env), false, env);
}

/* Orders numbers that are not NaNs: the bits of half precision are sign and magnitude. */
static inline int32_t order_h(uint32_t bits, const Number *n)
{
    const int32_t size = n->kind == ZERO ? 0 : (int32_t)(bits & 0x7fff);
    return n->sign ? -size : size;
}

static inline uint32_t extreme_h(uint32_t a, uint32_t b, bool largest, bool altered, WideEnv *env)
{
    const Number n[2] = {unpack(HALF, a, env), unpack(HALF, b, env)};
    const bool nan = is_nan(&n[0]) || is_nan(&n[1]), zeros = n[0].kind == ZERO && n[1].kind == ZERO;
    if (altered && (nan || (zeros && n[0].sign != n[1].sign))) {
        env->flags |= nan ? WIDE_IOC : 0;
        return n[1].kind == ZERO ? (uint32_t)pack(HALF, n[1].sign, 0, 0) : b;
    }
    if (nan) {
        return (uint32_t)propagate2(HALF, a, b, n, env);
    }
    const int32_t x = order_h(a, &n[0]), y = order_h(b, &n[1]);
    const bool first = largest ? x > y : x < y;
    const Number *chosen = &n[first ? 0 : 1];
    if (chosen->kind == ZERO) {
        return (uint32_t)pack(HALF, largest ? n[0].sign && n[1].sign : n[0].sign || n[1].sign, 0, 0);
    }
    if (chosen->denormal && !altered) {
        return (uint32_t)round_to(HALF, chosen, mode(env), false, env);
    }
    return first ? a : b;
}

uint32_t wide_max_h(uint32_t a, uint32_t b, WideEnv *env)
{
    return extreme_h(a, b, true, alternative(env), env);
}

uint32_t wide_min_h(uint32_t a, uint32_t b, WideEnv *env)
{
    return extreme_h(a, b, false, alternative(env), env);
}

static inline uint32_t number_h(uint32_t a, uint32_t b, bool largest, WideEnv *env)
{
    const Number n[2] = {unpack(HALF, a, env), unpack(HALF, b, env)};
    if (!(alternative(env) && is_nan(&n[0]) && is_nan(&n[1])) && (n[0].kind == QUIET) != (n[1].kind == QUIET)) {
        *(n[0].kind == QUIET ? &a : &b) = (uint32_t)infinity(HALF, largest);
    }
    return extreme_h(a, b, largest, false, env);
}

uint32_t wide_maxnm_h(uint32_t a, uint32_t b, WideEnv *env)
{
    return number_h(a, b, true, env);
}

uint32_t wide_minnm_h(uint32_t a, uint32_t b, WideEnv *env)
{
    return number_h(a, b, false, env);
}

uint32_t wide_compare_h(uint32_t a, uint32_t b, bool signal_nans, WideEnv *env)
{
    const Number n[2] = {unpack(HALF, a, env), unpack(HALF, b, env)};
    if (is_nan(&n[0]) || is_nan(&n[1])) {
        env->flags |= signal_nans || n[0].kind == SIGNALING || n[1].kind == SIGNALING ? WIDE_IOC : 0;
        return 3;
    }
    const int32_t x = order_h(a, &n[0]), y = order_h(b, &n[1]);
    return x == y ? 6 : x < y ? 8 : 2;
}

/* The largest r with r * r <= m, for m below 2^62. */
static inline uint64_t root(uint64_t m)
{
    uint64_t r = (uint64_t)__builtin_sqrt((double)m);
    while (r * r > m) {
        r--;
    }
    while ((r + 1) * (r + 1) <= m) {
        r++;
    }
    return r;
}

static inline uint64_t square_root(Format f, uint64_t a, WideEnv *env)
{
    const Number n = unpack(f, a, env);
    if (is_nan(&n)) {
        return propagate(f, a, n.kind == SIGNALING, env);
    }
    if (n.kind == ZERO) {
        return pack(f, n.sign, 0, 0);
    }
    if (n.sign) {
        return invalid(f, env);
    }
    if (n.kind == INFINITE) {
        return infinity(f, false);
    }
    /* An even exponent, and 60 or 61 significant bits: a root of 30 or 31, so that there are bits below a result's 24. */
    int shift = __builtin_clzll(n.m) - 3;
    shift += (n.e - shift) & 1;
    const uint64_t m = n.m << shift, r = root(m);
    const Number result = {.m = r << 1 | (r * r != m), .e = (n.e - shift) / 2 - 1};
    denormals(f, n.denormal, env);
    return round_to(f, &result, mode(env), false, env);
}

uint32_t wide_sqrt_h(uint32_t a, WideEnv *env)
{
    return (uint32_t)square_root(HALF, a, env);
}

uint32_t wide_sqrt_s(uint32_t a, WideEnv *env)
{
    return (uint32_t)square_root(SINGLE, a, env);
}

/* FPUnpackCV: FZ16 does not count. */
static inline uint64_t convert(Format from, Format to, uint64_t a, WideEnv *env)
{
    WideEnv conversion = {.fpcr = env->fpcr & ~(uint32_t)WIDE_FZ16};
    const bool ahp = env->fpcr & WIDE_AHP;
    const Number n = unpack_base(from, a, ahp && from.width == 16, &conversion);
    env->flags |= conversion.flags;
    if (to.width == 16 && ahp && (is_nan(&n) || n.kind == INFINITE)) {
        env->flags |= WIDE_IOC;
        return pack(to, n.sign, 0, is_nan(&n) ? 0 : 0x7fff);
    }
    if (is_nan(&n)) {
        env->flags |= n.kind == SIGNALING ? WIDE_IOC : 0;
        if (env->fpcr & WIDE_DN) {
            return default_nan(to, env);
        }
        const int shift = (int)to.frac_bits - (int)from.frac_bits;
        return infinity(to, n.sign) | quiet_bit(to) | shifted(n.m & (quiet_bit(from) - 1), -shift);
    }
    if (n.kind != FINITE) {
        return n.kind == ZERO ? pack(to, n.sign, 0, 0) : infinity(to, n.sign);
    }
    denormals(from, n.denormal, env);
    return round_to(to, &n, mode(env), true, env);
}

uint32_t wide_convert_hs(uint32_t a, WideEnv *env)
{
    return (uint32_t)convert(HALF, SINGLE, a, env);
}

uint64_t wide_convert_hd(uint32_t a, WideEnv *env)
{
    return convert(HALF, DOUBLE, a, env);
}

uint32_t wide_convert_sh(uint32_t a, WideEnv *env)
{
    return (uint32_t)convert(SINGLE, HALF, a, env);
}

/* |m * 2^e| as an integer, saturated far above every limit; *rest as remainder_of. */
static inline unsigned __int128 whole(const Number *n, int e, unsigned rounding, unsigned *rest)
{
    *rest = 0;
    if (n->m == 0 || e > 64) {
        return n->m == 0 ? 0 : (unsigned __int128)1 << 100;
    }
    if (e >= 0) {
        return (unsigned __int128)n->m << (e > 64 ? 64 : e);
    }
    *rest = remainder_of(n->m, -e);
    const uint64_t q = shifted(n->m, -e);
    return (unsigned __int128)q + rounds_up(rounding, n->sign, q & 1, *rest);
}

static inline uint64_t to_integer(Format f, uint64_t a, WideInteger to, WideEnv *env)
{
    const Number n = unpack(f, a, env);
    const uint64_t mask = to.bits == 64 ? UINT64_MAX : (UINT64_C(1) << to.bits) - 1;
    const unsigned __int128 high = to.is_signed ? mask >> 1 : mask, low = to.is_signed ? high + 1 : 0, limit = n.sign ? low : high;
    unsigned rest = 0;
    unsigned __int128 size = is_nan(&n) ? 0 : n.kind == INFINITE ? (unsigned __int128)1 << 100 : whole(&n, n.e + (int)to.fbits, to.rounding, &rest);
    if (is_nan(&n) || size > limit) {
        env->flags |= WIDE_IOC;
        size = is_nan(&n) ? 0 : limit;
    } else {
        env->flags |= rest ? WIDE_IXC : 0;
    }
    return (n.sign ? -(uint64_t)size : (uint64_t)size) & mask;
}

uint64_t wide_to_int_h(uint32_t a, WideInteger to, WideEnv *env)
{
    return to_integer(HALF, a, to, env);
}

uint64_t wide_to_int_s(uint32_t a, WideInteger to, WideEnv *env)
{
    return to_integer(SINGLE, a, to, env);
}

uint32_t wide_from_int_h(uint64_t value, WideInteger from, WideEnv *env)
{
    const bool sign = from.is_signed && value >> 63;
    const Number n = {.m = sign ? -value : value, .e = -(int)from.fbits, .sign = sign};
    return value == 0 ? 0 : (uint32_t)round_to(HALF, &n, mode(env), false, env);
}

uint32_t wide_round_int_h(uint32_t a, unsigned rounding, bool exact, WideEnv *env)
{
    const Number n = unpack(HALF, a, env);
    if (is_nan(&n)) {
        return (uint32_t)propagate(HALF, a, n.kind == SIGNALING, env);
    }
    if (n.kind == INFINITE) {
        return a;
    }
    unsigned rest;
    const Number result = {.m = (uint64_t)whole(&n, n.e, rounding, &rest), .sign = n.sign};
    env->flags |= exact && rest ? WIDE_IXC : 0;
    return (uint32_t)(result.m == 0 ? pack(HALF, n.sign, 0, 0) : round_to(HALF, &result, WIDE_ZERO, false, env));
}
