/*
 * The ITS's tables in guest memory: flat or two-level, pages of 4, 16 or 64 KiB. Nothing is cached:
 * a translation is three or four loads.
 * GIC architecture specification, "The ITS tables", "GITS_BASER<n>".
 */
#include "gic-its-internal.h"

#define BASER_INDIRECT (UINT64_C(1) << 62)

static const uint8_t id_bits[ITS_TABLES] = {ITS_DEVICE_BITS, ITS_COLLECTION_BITS};

/* Page sizes 0b10 and 0b11 (reserved) are 64 KiB. */
static unsigned page_shift(uint64_t baser)
{
    static const uint8_t shifts[] = {12, 14, 16, 16};
    return shifts[baser >> 8 & 3];
}

/* 64 KiB pages may be above 2^48: bits 51:48 of the address are in bits 15:12 then. */
static uint64_t table_base(uint64_t baser)
{
    const unsigned shift = page_shift(baser);
    const uint64_t low = baser & UINT64_C(0x0000ffffffffffff) & ~((UINT64_C(1) << shift) - 1);
    return shift == 16 ? low | (baser >> 12 & 0xf) << 48 : low;
}

static uint64_t table_bytes(uint64_t baser)
{
    return ((baser & 0xff) + 1) << page_shift(baser);
}

/* The page of entries that first-level entry `index` points to. */
static bool second_level(const GicIts *its, uint64_t baser, uint64_t index, uint64_t *page)
{
    uint64_t entry;
    if (index * 8 >= table_bytes(baser) ||
        !mem_load64(its->mem, (Pa){table_base(baser) + index * 8}, &entry) ||
        !(entry & ITS_VALID)) {
        return false;
    }
    *page = entry & UINT64_C(0x000fffffffffffff) & ~((UINT64_C(1) << page_shift(baser)) - 1);
    return true;
}

static bool locate(const GicIts *its, GicItsTable table, uint32_t id, uint64_t *pa)
{
    const uint64_t baser = its->s.baser[table];
    const unsigned shift = page_shift(baser);
    const uint64_t at = (uint64_t)id * ITS_ENTRY_BYTES;
    if (!(baser & ITS_VALID) || id >> id_bits[table]) {
        return false;
    }
    if (!(baser & BASER_INDIRECT)) {
        *pa = table_base(baser) + at;
        return at < table_bytes(baser);
    }
    uint64_t page;
    if (!second_level(its, baser, at >> shift, &page)) {
        return false;
    }
    *pa = page + (at & ((UINT64_C(1) << shift) - 1));
    return true;
}

uint64_t gic_its_read_entry(const GicIts *its, GicItsTable table, uint32_t id)
{
    uint64_t pa, entry;
    const bool ok = locate(its, table, id, &pa) && mem_load64(its->mem, (Pa){pa}, &entry);
    return ok && (entry & ITS_VALID) ? entry : 0;
}

bool gic_its_write_entry(const GicIts *its, GicItsTable table, uint32_t id, uint64_t entry)
{
    uint64_t pa;
    return locate(its, table, id, &pa) && mem_copy_to(its->mem, (Pa){pa}, &entry, sizeof entry);
}

bool gic_its_find_event(const GicIts *its, uint32_t device, uint32_t event, GicItsEvent *found)
{
    const uint64_t d = gic_its_read_entry(its, ITS_DEVICES, device);
    if (!d || event >= gic_its_device_events(d)) {
        return false;
    }
    found->pa = gic_its_device_table(d) + (uint64_t)event * ITS_ENTRY_BYTES;
    if (!mem_load64(its->mem, (Pa){found->pa}, &found->entry)) {
        return false;
    }
    found->entry = found->entry & ITS_VALID ? found->entry : 0;
    return true;
}

bool gic_its_write_event(const GicIts *its, const GicItsEvent *where, uint64_t entry)
{
    return mem_copy_to(its->mem, (Pa){where->pa}, &entry, sizeof entry);
}

bool gic_its_collection_exists(const GicIts *its, uint32_t collection)
{
    uint64_t pa, entry;
    return locate(its, ITS_COLLECTIONS, collection, &pa) && mem_load64(its->mem, (Pa){pa}, &entry);
}

/* The table is the guest's memory: what it says is looked at again. */
uint32_t gic_its_collection_pe(const GicIts *its, uint32_t collection)
{
    const uint64_t entry = gic_its_read_entry(its, ITS_COLLECTIONS, collection);
    const uint64_t pe = entry & 0xffff;
    return entry && pe < its->gic->cpus ? (uint32_t)pe : GIC_NO_PE;
}
