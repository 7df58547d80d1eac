/*
 * Placing images in guest memory: kernel, initial ramdisk, device tree, firmware.
 * Linux documentation, "Booting AArch64 Linux": the Image at text_offset from a 2 MiB boundary, the
 * tree 8-byte aligned within 2 MiB, nothing overlapping.
 */
#include "load.h"

#include <inttypes.h>
#include <string.h>

#include "board.h"
#include "elf-load.h"
#include "devtree.h"
#include "image.h"

#define MIB (UINT64_C(1) << 20)
#define INITRD_GAP (128 * MIB) /* room for the kernel to unpack or move itself */

/* What is taken so far: [low, high). */
typedef struct {
    uint64_t low, high;
} Span;

static uint64_t align_up(uint64_t v, uint64_t to)
{
    return (v + to - 1) & ~(to - 1);
}

/* The file, mapped: guest memory is then the only copy that is made of it. What cannot be mapped (a
 * pipe) is read. */
static GBytes *read_file(const char *path, GError **error)
{
    g_autoptr(GMappedFile) map = g_mapped_file_new(path, FALSE, NULL);
    if (map && g_mapped_file_get_length(map) > 0) {
        return g_mapped_file_get_bytes(map);
    }
    char *data;
    gsize size;
    g_autoptr(GError) why = NULL;
    if (g_file_get_contents(path, &data, &size, &why)) {
        return g_bytes_new_take(data, size);
    }
    g_set_error(error, VM_ERROR, VM_ERROR_FILE, "%s", why->message);
    return NULL;
}

static bool too_large(GError **error, const char *what, uint64_t size, const VmLoadPlan *p)
{
    g_set_error(error, VM_ERROR, VM_ERROR_IMAGE,
                "the %s needs %" PRIu64 " KiB, which does not fit into %" PRIu64
                " MiB of memory beside what is there: use a larger --memory",
                what, (size + 1023) / 1024, p->ram_size / MIB);
    return false;
}

static bool load_arm64(const VmLoadPlan *p, GBytes *image, Span *used, Pa *entry, GError **error)
{
    VmImageHeader h;
    if (!vm_image_header(image, &h, error)) {
        return false;
    }
    const uint64_t at = p->ram_base + h.text_offset;
    if (h.text_offset + h.size > p->ram_size) {
        return too_large(error, "kernel", h.text_offset + h.size, p);
    }
    gsize size;
    const void *data = g_bytes_get_data(image, &size);
    const bool ok = mem_load_image(p->mem, (Pa){ at }, data, size);
    g_assert(ok);
    /* What lies below the Image is out of reach for old kernels: take it as used. */
    *used = (Span){ p->ram_base, at + h.size };
    *entry = (Pa){ at };
    return true;
}

static bool load_kernel(const VmLoadPlan *p, const char *path, Span *used, VmLoaded *out,
                        GError **error)
{
    g_autoptr(GBytes) file = read_file(path, error);
    g_autoptr(GBytes) image = file ? vm_image_unpack(file, error) : NULL;
    if (!file) {
        return false;
    }
    bool ok = false;
    if (image && vm_image_is_elf(image)) {
        VmElf elf;
        ok = vm_elf_load(p->mem, image, &elf, error);
        out->entry = elf.entry;
        out->symbols = elf.symbols;
        *used = (Span){ elf.low, elf.high };
    } else if (image && vm_image_is_arm64(image)) {
        ok = load_arm64(p, image, used, &out->entry, error);
    } else if (image) {
        g_set_error(error, VM_ERROR, VM_ERROR_IMAGE,
                    "neither an arm64 Image (plain, gzip, zstd, EFI zboot) nor an AArch64 ELF "
                    "file");
    }
    if (!ok) {
        g_prefix_error(error, "%s: ", path);
    }
    return ok;
}

static bool load_firmware(const VmLoadPlan *p, const char *path, VmLoaded *out, GError **error)
{
    const VmMapRow *flash = vm_map_row(VM_MAP_FLASH);
    g_autoptr(GBytes) file = read_file(path, error);
    if (!file) {
        return false;
    }
    gsize size;
    const void *data = g_bytes_get_data(file, &size);
    if (size == 0 || size > flash->size) {
        g_set_error(error, VM_ERROR, VM_ERROR_IMAGE,
                    "%s: %" G_GSIZE_FORMAT " bytes: firmware is 1 byte to %" PRIu64 " MiB", path,
                    size, flash->size / MIB);
        return false;
    }
    const bool ok = mem_load_image(p->mem, (Pa){ flash->base }, data, size);
    g_assert(ok);
    out->entry = (Pa){ flash->base };
    return true;
}

/* Finds room for size bytes: from `want` on, else right behind the kernel. 0 when there is none. */
static uint64_t find_room(const VmLoadPlan *p, uint64_t want, const Span *used, uint64_t size)
{
    const uint64_t end = p->ram_base + p->ram_size;
    const uint64_t candidates[2] = { align_up(MAX(want, used->high), 4096),
                                     align_up(MAX(p->ram_base, used->high), 4096) };
    for (unsigned i = 0; i < 2; i++) {
        if (candidates[i] <= end && size <= end - candidates[i]) {
            return candidates[i];
        }
    }
    return 0;
}

static bool load_initrd(const VmLoadPlan *p, const char *path, Span *used, VmFdtChosen *chosen,
                        GError **error)
{
    g_autoptr(GBytes) file = read_file(path, error);
    if (!file) {
        return false;
    }
    gsize size;
    const void *data = g_bytes_get_data(file, &size);
    if (size == 0) {
        g_set_error(error, VM_ERROR, VM_ERROR_IMAGE, "%s: the initrd is empty", path);
        return false;
    }
    const uint64_t gap = MIN(p->ram_size / 2, INITRD_GAP);
    const uint64_t at = find_room(p, p->ram_base + gap, used, size);
    if (!at || !mem_load_image(p->mem, (Pa){ at }, data, size)) {
        too_large(error, "initrd", size, p);
        g_prefix_error(error, "%s: ", path);
        return false;
    }
    chosen->initrd_start = at;
    chosen->initrd_end = at + size;
    used->high = at + size;
    return true;
}

static bool place_dtb(const VmLoadPlan *p, const Span *used, VmLoaded *out, GError **error)
{
    gsize size;
    const void *data = g_bytes_get_data(out->dtb, &size);
    uint64_t at = p->ram_base; /* where programs without a boot protocol look for it */
    if (size > 2 * MIB) {
        g_set_error(error, VM_ERROR, VM_ERROR_IMAGE, "the device tree is larger than 2 MiB");
        return false;
    }
    if (used->low < p->ram_base + size && used->high > p->ram_base) {
        at = align_up(used->high, 2 * MIB);
        if (at + size > p->ram_base + p->ram_size) {
            at = find_room(p, used->high, used, size);
        }
    }
    if (!at || !mem_load_image(p->mem, (Pa){ at }, data, size)) {
        return too_large(error, "device tree", size, p);
    }
    out->dtb_at = (Pa){ at };
    return true;
}

static bool make_dtb(const VmLoadPlan *p, const VmImages *images, const VmFdtChosen *chosen,
                     VmLoaded *out, GError **error)
{
    g_autoptr(GBytes) base =
        images->dtb ? read_file(images->dtb, error) : g_bytes_ref(p->board_dtb);
    out->dtb = base ? vm_fdt_with_chosen(base, chosen, error) : NULL;
    if (!out->dtb && base && images->dtb) {
        g_prefix_error(error, "%s: ", images->dtb);
    }
    return out->dtb != NULL;
}

bool vm_load_images(const VmLoadPlan *p, const VmImages *images, VmLoaded *out, GError **error)
{
    Span used = { p->ram_base, p->ram_base };
    VmFdtChosen chosen = { .bootargs = images->append, .kaslr_seed = p->kaslr_seed };
    memcpy(chosen.rng_seed, p->rng_seed, sizeof chosen.rng_seed);
    *out = (VmLoaded){ 0 };
    bool ok = true;
    if (!images->kernel && !images->firmware && !images->tree_only) {
        g_set_error(error, VM_ERROR, VM_ERROR_CONFIG,
                    "nothing to run: give a kernel or firmware");
        ok = false;
    } else if (images->kernel && images->firmware) {
        /* MISSING: fw_cfg, by which firmware finds a kernel. */
        g_set_error(error, VM_ERROR, VM_ERROR_CONFIG,
                    "a kernel beside firmware needs fw_cfg, which this board does not have yet");
        ok = false;
    }
    ok = ok && (!images->kernel || load_kernel(p, images->kernel, &used, out, error));
    ok = ok && (!images->firmware || load_firmware(p, images->firmware, out, error));
    ok = ok && (!images->initrd || load_initrd(p, images->initrd, &used, &chosen, error));
    ok = ok && make_dtb(p, images, &chosen, out, error) && place_dtb(p, &used, out, error);
    if (!ok) {
        vm_loaded_clear(out);
    }
    return ok;
}

void vm_loaded_clear(VmLoaded *l)
{
    g_clear_pointer(&l->dtb, g_bytes_unref);
    g_clear_pointer(&l->symbols, g_array_unref);
}
