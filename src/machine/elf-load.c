/*
 * ELF images: loadable segments at their physical addresses, the entry point, the symbols.
 * The only user of libelf. System V ABI, "Object files"; ELF for the Arm 64-bit Architecture.
 */
#include "elf-load.h"

#include <inttypes.h>
#include <gelf.h>
#include <string.h>

#include "armillary/machine.h"

static bool bad(GError **error, const char *why)
{
    g_set_error(error, VM_ERROR, VM_ERROR_IMAGE, "%s", why);
    return false;
}

static bool check_header(Elf *elf, GElf_Ehdr *eh, GError **error)
{
    if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, eh)) {
        return bad(error, "damaged ELF header");
    }
    if (eh->e_machine != EM_AARCH64) {
        g_set_error(error, VM_ERROR, VM_ERROR_IMAGE,
                    "an ELF file for another machine (e_machine %u, AArch64 is %u)",
                    eh->e_machine, EM_AARCH64);
        return false;
    }
    if (eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_ident[EI_DATA] != ELFDATA2LSB) {
        return bad(error, "an ELF file that is not 64-bit little-endian");
    }
    if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN) {
        return bad(error, "an ELF file that is not an executable");
    }
    return true;
}

/* Zeroes [pa, pa+n): the machine may have run before. */
static bool clear(Mem *mem, uint64_t pa, uint64_t n)
{
    static const uint8_t zeros[4096];
    for (uint64_t done = 0; done < n;) {
        const uint64_t piece = MIN(n - done, sizeof zeros);
        if (!mem_load_image(mem, (Pa){ pa + done }, zeros, (size_t)piece)) {
            return false;
        }
        done += piece;
    }
    return true;
}

static bool load_segment(Mem *mem, const GElf_Phdr *ph, GBytes *file, GError **error)
{
    size_t size;
    const uint8_t *data = g_bytes_get_data(file, &size);
    if (ph->p_offset > size || ph->p_filesz > size - ph->p_offset || ph->p_filesz > ph->p_memsz) {
        return bad(error, "damaged ELF file: a segment lies outside it");
    }
    MemKind kind;
    const uint64_t last = ph->p_paddr + ph->p_memsz - 1;
    if (last < ph->p_paddr || !mem_host(mem, (Pa){ ph->p_paddr }, &kind) ||
        !mem_host(mem, (Pa){ last }, &kind) ||
        !mem_load_image(mem, (Pa){ ph->p_paddr }, data + ph->p_offset, ph->p_filesz) ||
        !clear(mem, ph->p_paddr + ph->p_filesz, ph->p_memsz - ph->p_filesz)) {
        g_set_error(error, VM_ERROR, VM_ERROR_IMAGE,
                    "an ELF segment wants physical addresses %#" PRIx64 " to %#" PRIx64
                    ", where this machine has no memory (RAM starts at 0x40000000)",
                    ph->p_paddr, last);
        return false;
    }
    return true;
}

static bool load_segments(Mem *mem, Elf *elf, GBytes *file, VmElf *out, GError **error)
{
    size_t n = 0;
    GElf_Ehdr eh;
    if (!check_header(elf, &eh, error)) {
        return false;
    }
    if (elf_getphdrnum(elf, &n) != 0) {
        return bad(error, "damaged ELF program headers");
    }
    out->entry = (Pa){ eh.e_entry };
    out->low = UINT64_MAX;
    for (size_t i = 0; i < n; i++) {
        GElf_Phdr ph;
        if (!gelf_getphdr(elf, (int)i, &ph)) {
            return bad(error, "damaged ELF program headers");
        }
        if (ph.p_type != PT_LOAD || ph.p_memsz == 0) {
            continue;
        }
        if (!load_segment(mem, &ph, file, error)) {
            return false;
        }
        out->low = MIN(out->low, ph.p_paddr);
        out->high = MAX(out->high, ph.p_paddr + ph.p_memsz);
        if (eh.e_entry - ph.p_vaddr < ph.p_memsz) {
            out->entry = (Pa){ eh.e_entry - ph.p_vaddr + ph.p_paddr };
        }
    }
    return out->high ? true : bad(error, "an ELF file with nothing to load");
}

static void free_symbol(void *p)
{
    g_free(((VmSymbol *)p)->name);
}

static int by_address(const void *a, const void *b)
{
    const VmSymbol *x = a, *y = b;
    return x->address < y->address ? -1 : x->address > y->address;
}

static void read_table(Elf *elf, Elf_Scn *scn, const GElf_Shdr *sh, GArray *symbols)
{
    Elf_Data *data = elf_getdata(scn, NULL);
    const size_t n = data && sh->sh_entsize ? data->d_size / sh->sh_entsize : 0;
    for (size_t i = 0; i < n; i++) {
        GElf_Sym sym;
        if (!gelf_getsym(data, (int)i, &sym) || sym.st_shndx == SHN_UNDEF) {
            continue;
        }
        const unsigned type = GELF_ST_TYPE(sym.st_info);
        const char *name = elf_strptr(elf, sh->sh_link, sym.st_name);
        if (name && *name && *name != '$' && (type == STT_FUNC || type == STT_NOTYPE)) {
            g_array_append_val(symbols,
                               ((VmSymbol){ sym.st_value, sym.st_size, g_strdup(name) }));
        }
    }
}

static GArray *read_symbols(Elf *elf)
{
    GArray *symbols = g_array_new(FALSE, FALSE, sizeof(VmSymbol));
    g_array_set_clear_func(symbols, free_symbol);
    Elf_Scn *scn = NULL;
    while ((scn = elf_nextscn(elf, scn)) != NULL) {
        GElf_Shdr sh;
        if (gelf_getshdr(scn, &sh) && sh.sh_type == SHT_SYMTAB) {
            read_table(elf, scn, &sh, symbols);
        }
    }
    g_array_sort(symbols, by_address);
    return symbols;
}

bool vm_elf_load(Mem *mem, GBytes *file, VmElf *out, GError **error)
{
    size_t size;
    const void *data = g_bytes_get_data(file, &size);
    *out = (VmElf){ 0 };
    elf_version(EV_CURRENT);
    g_autofree char *copy = g_memdup2(data, size); /* libelf wants to own a writable image */
    Elf *elf = elf_memory(copy, size);
    const bool ok = elf ? load_segments(mem, elf, file, out, error)
                        : bad(error, "damaged ELF file");
    if (ok) {
        out->symbols = read_symbols(elf);
    }
    elf_end(elf);
    return ok;
}
