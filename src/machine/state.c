/*
 * Saving, restoring and hashing a machine's state: ordered chunks of plain structs.
 */
#include "machine-impl.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "armillary/snapshot.h"

enum { VERSION = 1, PAGE = 4096 };

/* What is the machine's own. No padding: it is saved as bytes. */
typedef struct {
    uint64_t cpus, memory, model; /* must be equal where it is restored */
    int64_t now_ns, key_release_ns;
    uint64_t next_turn;
    BaseRandom random, firmware_random;
} Header;

typedef struct {
    VmPowerState power;
    uint64_t insns;
    uint64_t asleep;
} CpuHeader;

/* Two machines have equal CPU models when every feature is. */
static uint64_t model_digest(const A64Model *model)
{
    uint64_t d = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(model->features); i++) {
        d = (d ^ model->features[i]) * UINT64_C(0x9e3779b97f4a7c15);
        d ^= d >> 29;
    }
    return d;
}

static Header header_of(VmMachine *m)
{
    return (Header){ .cpus = m->config.cpus,
                     .memory = m->config.memory,
                     .model = model_digest(m->model),
                     .now_ns = ev_now_ns(m->clock),
                     .key_release_ns = m->key_release_ns,
                     .next_turn = m->next_turn,
                     .random = m->random,
                     .firmware_random = m->firmware.random };
}

/* Pages of a region that the guest or a loader has touched: bit per page. The kernel's page map
 * tells without reading them; without it every page counts. */
static uint8_t *touched_pages(const uint8_t *host, uint64_t pages)
{
    uint8_t *touched = g_malloc0(pages);
    const int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    for (uint64_t i = 0; i < pages;) {
        uint64_t entries[512];
        const uint64_t n = MIN(pages - i, G_N_ELEMENTS(entries));
        const off_t at = (off_t)(((uintptr_t)host / PAGE + i) * 8);
        const bool known = fd >= 0 && pread(fd, entries, n * 8, at) == (ssize_t)(n * 8);
        for (uint64_t k = 0; k < n; k++) {
            touched[i + k] = !known || entries[k] >> 62 != 0; /* present or swapped */
        }
        i += n;
    }
    if (fd >= 0) {
        close(fd);
    }
    return touched;
}

static bool is_zero(const uint8_t *page)
{
    return page[0] == 0 && memcmp(page, page + 1, PAGE - 1) == 0;
}

/* A region's chunk: u64 number and content of every page that is not zero. */
static void save_region(void *ctx, const MemRegion *region)
{
    const uint8_t *host = region->host;
    if (!host) {
        return;
    }
    const uint64_t pages = region->size / PAGE;
    g_autofree uint8_t *wanted = touched_pages(host, pages);
    uint64_t n = 0;
    for (uint64_t i = 0; i < pages; i++) {
        wanted[i] = wanted[i] && !is_zero(host + i * PAGE);
        n += wanted[i];
    }
    SnapWriter *w = ctx;
    snap_begin(w, region->name, VERSION, n * (8 + PAGE));
    for (uint64_t i = 0; i < pages; i++) {
        if (wanted[i]) {
            snap_bytes(w, &i, 8);
            snap_bytes(w, host + i * PAGE, PAGE);
        }
    }
}

static void save_cpu(VmMachine *m, unsigned i, SnapWriter *w)
{
    const VmCpu *c = &m->cpus[i];
    const CpuHeader h = { .power = m->firmware.state[i], .insns = c->cpu->eng.insns,
                          .asleep = c->asleep };
    snap_put(w, "vcpu", VERSION, &h, sizeof h);
    snap_put(w, "pc", VERSION, &c->cpu->eng.pc, sizeof c->cpu->eng.pc);
    snap_put(w, "landing", VERSION, &c->cpu->eng.landing, sizeof c->cpu->eng.landing);
    snap_put(w, "a64", VERSION, &c->cpu->st, sizeof c->cpu->st);
}

static void save_all(VmMachine *m, SnapWriter *w)
{
    const Header h = header_of(m);
    snap_put(w, "machine", VERSION, &h, sizeof h);
    for (unsigned i = 0; i < m->config.cpus; i++) {
        save_cpu(m, i, w);
    }
    mem_lock_devices(m->mem);
    gic_save(m->gic, w);
    gic_its_save(m->its, w);
    if (m->pci) {
        pci_host_save(m->pci, w);
    }
    for (unsigned i = 0; i < m->n_devices; i++) {
        const HwDevice *d = m->devices[i];
        snap_put(w, d->cls->name, d->cls->state_version, d->state, d->cls->state_size);
    }
    mem_unlock_devices(m->mem);
    mem_each_region(m->mem, save_region, w);
}

char *vm_state_hash(VmMachine *m)
{
    SnapWriter *w = snap_writer_new(false);
    save_all(m, w);
    char *hash = g_strdup(snap_finish(w, NULL));
    snap_writer_free(w);
    return hash;
}

/* What is not saved is forgotten here as it will be where the state is restored. */
static void forget_caches(VmCpu *c)
{
    EngVcpu *eng = &c->cpu->eng;
    if (eng->excl_size) {
        eng_clear_exclusive(eng);
        c->asleep = false; /* losing the monitor is an event: WFE ends */
    }
    eng_tlb_flush(eng);
}

GBytes *vm_save(VmMachine *m)
{
    GBytes *out;
    for (unsigned i = 0; i < m->config.cpus; i++) {
        forget_caches(&m->cpus[i]);
    }
    SnapWriter *w = snap_writer_new(true);
    save_all(m, w);
    snap_finish(w, &out);
    snap_writer_free(w);
    return out;
}

static bool restore_header(VmMachine *m, SnapReader *r, GError **error)
{
    Header h;
    const Header mine = header_of(m);
    if (!snap_get(r, (SnapWant){ "machine", VERSION, &h, sizeof h }, error)) {
        return false;
    }
    if (h.cpus != mine.cpus || h.memory != mine.memory || h.model != mine.model ||
        h.next_turn >= h.cpus) {
        g_set_error(error, SNAP_ERROR, 0,
                    "the snapshot is of a machine with %" PRIu64 " vCPUs and %" PRIu64
                    " MiB of memory or another CPU model",
                    h.cpus, h.memory >> 20);
        return false;
    }
    ev_clock_set(m->clock, h.now_ns);
    m->next_turn = (unsigned)h.next_turn;
    m->key_release_ns = h.key_release_ns;
    m->hvc_settled = true; /* if its driver is there at all */
    m->random = h.random;
    m->firmware.random = h.firmware_random;
    return true;
}

static bool restore_cpu(VmMachine *m, unsigned i, SnapReader *r, GError **error)
{
    VmCpu *c = &m->cpus[i];
    CpuHeader h;
    A64Cpu *cpu = c->cpu;
    a64_cpu_reset(cpu);
    if (!snap_get(r, (SnapWant){ "vcpu", VERSION, &h, sizeof h }, error) ||
        !snap_get(r, (SnapWant){ "pc", VERSION, &cpu->eng.pc, sizeof cpu->eng.pc }, error) ||
        !snap_get(r, (SnapWant){ "landing", VERSION, &cpu->eng.landing, 1 }, error) ||
        !snap_get(r, (SnapWant){ "a64", VERSION, &cpu->st, sizeof cpu->st }, error)) {
        return false;
    }
    m->firmware.state[i] = h.power;
    cpu->eng.insns = h.insns;
    c->asleep = h.asleep != 0;
    return true;
}

typedef struct {
    SnapReader *reader;
    GError **error;
    bool ok;
} RegionLoad;

static void restore_region(void *ctx, const MemRegion *region)
{
    RegionLoad *l = ctx;
    uint64_t bytes;
    uint8_t *host = region->host;
    if (!l->ok || !host) {
        return;
    }
    const uint8_t *data = snap_next(l->reader, region->name, VERSION, &bytes, l->error);
    l->ok = data != NULL;
    /* Zeroes it and gives the pages back to the host. */
    const int err = madvise(host, region->size, MADV_DONTNEED);
    g_assert(err == 0);
    for (uint64_t at = 0; l->ok && at + 8 + PAGE <= bytes; at += 8 + PAGE) {
        uint64_t page;
        memcpy(&page, data + at, 8);
        if (page < region->size / PAGE) {
            memcpy(host + page * PAGE, data + at + 8, PAGE);
        }
    }
}

static bool restore_devices(VmMachine *m, SnapReader *r, GError **error)
{
    if (!gic_load(m->gic, r, error) || !gic_its_load(m->its, r, error) ||
        (m->pci && !pci_host_load(m->pci, r, error))) {
        return false;
    }
    ev_alarm_set(m->key_release, m->key_release_ns);
    for (unsigned i = 0; i < m->n_devices; i++) {
        HwDevice *d = m->devices[i];
        const HwDeviceClass *cls = d->cls;
        if (!snap_get(r, (SnapWant){ cls->name, cls->state_version, d->state, cls->state_size },
                      error)) {
            return false;
        }
        hw_device_update(d);
    }
    return true;
}

bool vm_restore(VmMachine *m, GBytes *state, GError **error)
{
    SnapReader *r = snap_reader_new(state, error);
    if (!r) {
        return false;
    }
    bool ok = restore_header(m, r, error);
    for (unsigned i = 0; ok && i < m->config.cpus; i++) {
        ok = restore_cpu(m, i, r, error);
    }
    mem_lock_devices(m->mem);
    ok = ok && restore_devices(m, r, error);
    mem_unlock_devices(m->mem);
    RegionLoad l = { r, error, ok };
    mem_each_region(m->mem, restore_region, &l);
    for (unsigned i = 0; i < m->config.cpus; i++) {
        eng_ic_all(&m->cpus[i].cpu->eng, false);
        eng_tlb_flush(&m->cpus[i].cpu->eng);
        a64_cpu_changed(m->cpus[i].cpu);
    }
    snap_reader_free(r);
    return l.ok;
}
