/*
 * Fuzz target: images and device trees as a user may hand them over. Input: 'k' and a kernel image
 * (plain, gzip, zstd, EFI zboot, ELF), or 't' and a device tree.
 */
#include <stdint.h>
#include <stdlib.h>

#include "devtree.h"
#include "elf-load.h"
#include "image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void kernel(GBytes *file)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) image = vm_image_unpack(file, &error);
    if (image && vm_image_is_elf(image)) {
        VmElf elf;
        Mem *mem = mem_new();
        if (!mem_add_ram(mem, "ram", (Pa){ 0x40000000 }, 0x10000, MEM_RAM)) {
            abort();
        }
        g_clear_error(&error);
        if (vm_elf_load(mem, image, &elf, &error)) {
            g_array_unref(elf.symbols);
        }
        mem_free(mem);
    } else if (image && vm_image_is_arm64(image)) {
        VmImageHeader header;
        vm_image_header(image, &header, &error);
    }
}

static void tree(GBytes *blob)
{
    const VmFdtChosen chosen = { .bootargs = "quiet", .initrd_start = 1, .initrd_end = 2 };
    g_autoptr(GBytes) done = vm_fdt_with_chosen(blob, &chosen, NULL);
    if (done) { /* what we made ourselves is well-formed */
        g_autoptr(GBytes) again = vm_fdt_with_chosen(done, &chosen, NULL);
        if (!again) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0) {
        g_autoptr(GBytes) rest = g_bytes_new(data + 1, size - 1);
        if (data[0] == 't') {
            tree(rest);
        } else {
            kernel(rest);
        }
    }
    return 0;
}
