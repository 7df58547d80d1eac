/*
 * Guest physical memory: a sorted list of regions, RAM as anonymous host memory, devices behind
 * callbacks.
 * Arm ARM, "The AArch64 Application Level Memory Model": single-copy atomicity of aligned accesses.
 */
#include "armillary/memory.h"

#include <glib.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

typedef struct {
    uint64_t base, size;
    char *name;
    uint8_t *host; /* NULL: a device */
    MemKind kind;
    const MemDeviceOps *ops;
    void *dev;
} Region;

struct Mem {
    Region *regions; /* by address */
    size_t n_regions;
    size_t hot; /* the largest RAM region: nearly every lookup hits it */
    MemCodeWriteFn code_write;
    void *code_write_ctx;
    pthread_mutex_t devices; /* guards all device state; rank 1 */
};

Mem *mem_new(void)
{
    Mem *m = g_new0(Mem, 1);
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    /* recursive use is a bug: make it show */
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&m->devices, &attr);
    pthread_mutexattr_destroy(&attr);
    return m;
}

void mem_free(Mem *m)
{
    if (!m) {
        return;
    }
    for (size_t i = 0; i < m->n_regions; i++) {
        if (m->regions[i].host) {
            munmap(m->regions[i].host, m->regions[i].size);
        }
        g_free(m->regions[i].name);
    }
    pthread_mutex_destroy(&m->devices);
    g_free(m->regions);
    g_free(m);
}

/* Index of the first region that ends after pa. */
static size_t first_after(const Mem *m, uint64_t pa)
{
    size_t lo = 0, hi = m->n_regions;
    while (lo < hi) {
        const size_t mid = (lo + hi) / 2;
        if (m->regions[mid].base + m->regions[mid].size - 1 < pa) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

static const Region *find(const Mem *m, uint64_t pa)
{
    if (ARM_UNLIKELY(m->n_regions == 0)) {
        return NULL;
    }
    const Region *hot = &m->regions[m->hot];
    if (ARM_LIKELY(pa - hot->base < hot->size)) {
        return hot;
    }
    const size_t i = first_after(m, pa);
    return i < m->n_regions && m->regions[i].base <= pa ? &m->regions[i] : NULL;
}

static void choose_hot(Mem *m)
{
    for (size_t i = 0; i < m->n_regions; i++) {
        const bool better = m->regions[i].host && m->regions[i].kind == MEM_RAM;
        const bool have = m->regions[m->hot].host && m->regions[m->hot].kind == MEM_RAM;
        if (better && (!have || m->regions[i].size > m->regions[m->hot].size)) {
            m->hot = i;
        }
    }
}

static bool is_free(const Mem *m, uint64_t base, uint64_t size)
{
    if (size == 0 || base + (size - 1) < base) {
        return false;
    }
    const size_t i = first_after(m, base);
    return i == m->n_regions || m->regions[i].base > base + (size - 1);
}

static void insert(Mem *m, Region r)
{
    const size_t i = first_after(m, r.base);
    m->regions = g_renew(Region, m->regions, m->n_regions + 1);
    memmove(&m->regions[i + 1], &m->regions[i], (m->n_regions - i) * sizeof r);
    m->regions[i] = r;
    m->n_regions++;
    m->hot = i;
    choose_hot(m);
}

bool mem_add_ram(Mem *m, const char *name, Pa base, uint64_t size, MemKind kind)
{
    if (((base.v | size) & ARM_PAGE_MASK) != 0 || !is_free(m, base.v, size)) {
        return false;
    }
    void *host = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (host == MAP_FAILED) {
        return false;
    }
    madvise(host, size, MADV_HUGEPAGE); /* a kernel is loaded with 20 page faults, not 10,000 */
    insert(m, (Region){ .base = base.v, .size = size, .name = g_strdup(name), .host = host,
                        .kind = kind });
    return true;
}

bool mem_add_device(Mem *m, Pa base, uint64_t size, const MemDeviceOps *ops, void *dev)
{
    if (!is_free(m, base.v, size)) {
        return false;
    }
    insert(m, (Region){ .base = base.v, .size = size, .name = g_strdup(ops->name), .ops = ops,
                        .dev = dev });
    return true;
}

uint8_t *mem_host(Mem *m, Pa pa, MemKind *kind)
{
    const Region *r = find(m, pa.v);
    if (!r || !r->host) {
        return NULL;
    }
    *kind = r->kind;
    return r->host + (pa.v - r->base);
}

/* Largest power of two up to 8 that divides pa and does not exceed left. */
static unsigned next_piece(uint64_t pa, unsigned left)
{
    unsigned n = 1;
    while (n < 8 && 2 * n <= left && (pa & (2 * n - 1)) == 0) {
        n *= 2;
    }
    return n;
}

static uint64_t ram_load(const uint8_t *host, unsigned size)
{
    switch (size) {
    case 1: return __atomic_load_n(host, __ATOMIC_RELAXED);
    case 2: return __atomic_load_n((const uint16_t *)(const void *)host, __ATOMIC_RELAXED);
    case 4: return __atomic_load_n((const uint32_t *)(const void *)host, __ATOMIC_RELAXED);
    default: return __atomic_load_n((const uint64_t *)(const void *)host, __ATOMIC_RELAXED);
    }
}

static void ram_store(uint8_t *host, unsigned size, uint64_t v)
{
    switch (size) {
    case 1: __atomic_store_n(host, (uint8_t)v, __ATOMIC_RELAXED); break;
    case 2: __atomic_store_n((uint16_t *)(void *)host, (uint16_t)v, __ATOMIC_RELAXED); break;
    case 4: __atomic_store_n((uint32_t *)(void *)host, (uint32_t)v, __ATOMIC_RELAXED); break;
    default: __atomic_store_n((uint64_t *)(void *)host, v, __ATOMIC_RELAXED); break;
    }
}

static bool read_piece(Mem *m, uint64_t pa, unsigned size, uint64_t *value)
{
    const Region *r = find(m, pa);
    if (!r || pa - r->base + size > r->size) {
        return false;
    }
    if (r->host) {
        *value = ram_load(r->host + (pa - r->base), size);
        return true;
    }
    mem_lock_devices(m);
    const bool ok = r->ops->read(r->dev, pa - r->base, size, value);
    mem_unlock_devices(m);
    return ok;
}

static bool write_piece(Mem *m, uint64_t pa, unsigned size, uint64_t value)
{
    const Region *r = find(m, pa);
    if (!r || pa - r->base + size > r->size) {
        return false;
    }
    if (!r->host) {
        mem_lock_devices(m);
        const bool ok = r->ops->write(r->dev, pa - r->base, size, value);
        mem_unlock_devices(m);
        return ok;
    }
    if (r->kind == MEM_RAM) {
        ram_store(r->host + (pa - r->base), size, value);
        if (m->code_write) {
            m->code_write(m->code_write_ctx, (Pa){ pa }, size);
        }
    }
    return true;
}

bool mem_read(Mem *m, Pa pa, unsigned size, uint64_t *value)
{
    *value = 0;
    for (unsigned done = 0; done < size;) {
        const unsigned n = next_piece(pa.v + done, size - done);
        uint64_t piece = 0;
        if (!read_piece(m, pa.v + done, n, &piece)) {
            return false;
        }
        const uint64_t mask = n == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * n) - 1;
        *value |= (piece & mask) << 8 * done;
        done += n;
    }
    return true;
}

bool mem_write(Mem *m, Pa pa, unsigned size, uint64_t value)
{
    for (unsigned done = 0; done < size;) {
        const unsigned n = next_piece(pa.v + done, size - done);
        const uint64_t mask = n == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * n) - 1;
        if (!write_piece(m, pa.v + done, n, value >> 8 * done & mask)) {
            return false;
        }
        done += n;
    }
    return true;
}

/* The host bytes of [pa, pa+*n) up to the end of pa's region (shortens *n); NULL when pa is not
 * `kind` or better. */
static uint8_t *host_span(Mem *m, uint64_t pa, size_t *n, bool rom_too)
{
    const Region *r = find(m, pa);
    if (!r || !r->host || (r->kind == MEM_ROM && !rom_too)) {
        return NULL;
    }
    const uint64_t left = r->size - (pa - r->base);
    *n = *n < left ? *n : (size_t)left;
    return r->host + (pa - r->base);
}

bool mem_copy_from(Mem *m, void *dst, Pa src, size_t n)
{
    for (size_t done = 0; done < n;) {
        size_t span = n - done;
        const uint8_t *host = host_span(m, src.v + done, &span, true);
        if (!host) {
            return false;
        }
        memcpy((uint8_t *)dst + done, host, span);
        done += span;
    }
    return true;
}

static bool copy_in(Mem *m, uint64_t dst, const void *src, size_t n, bool rom_too)
{
    for (size_t done = 0; done < n;) {
        size_t span = n - done;
        uint8_t *host = host_span(m, dst + done, &span, rom_too);
        if (!host) {
            return false;
        }
        memcpy(host, (const uint8_t *)src + done, span);
        if (m->code_write) {
            m->code_write(m->code_write_ctx, (Pa){ dst + done }, span);
        }
        done += span;
    }
    return true;
}

bool mem_copy_to(Mem *m, Pa dst, const void *src, size_t n)
{
    return copy_in(m, dst.v, src, n, false);
}

bool mem_load_image(Mem *m, Pa dst, const void *src, size_t n)
{
    return copy_in(m, dst.v, src, n, true);
}

bool mem_load64(Mem *m, Pa pa, uint64_t *value)
{
    size_t n = 8;
    const uint8_t *host = pa.v & 7 ? NULL : host_span(m, pa.v, &n, true);
    if (!host) {
        return false;
    }
    *value = __atomic_load_n((const uint64_t *)(const void *)host, __ATOMIC_RELAXED);
    return true;
}

bool mem_cas64(Mem *m, Pa pa, uint64_t expected, uint64_t desired, uint64_t *seen)
{
    size_t n = 8;
    uint8_t *host = pa.v & 7 ? NULL : host_span(m, pa.v, &n, false);
    if (!host) {
        return false;
    }
    *seen = expected;
    __atomic_compare_exchange_n((uint64_t *)(void *)host, seen, desired, false, __ATOMIC_SEQ_CST,
                                __ATOMIC_RELAXED);
    return true;
}

void mem_on_code_write(Mem *m, MemCodeWriteFn fn, void *ctx)
{
    m->code_write = fn;
    m->code_write_ctx = ctx;
}

void mem_lock_devices(Mem *m)
{
    const int err = pthread_mutex_lock(&m->devices);
    g_assert(err == 0);
}

void mem_unlock_devices(Mem *m)
{
    const int err = pthread_mutex_unlock(&m->devices);
    g_assert(err == 0);
}

void mem_each_region(Mem *m, MemRegionFn fn, void *ctx)
{
    for (size_t i = 0; i < m->n_regions; i++) {
        const Region *r = &m->regions[i];
        fn(ctx, &(MemRegion){ r->name, { r->base }, r->size, r->kind, r->host });
    }
}
