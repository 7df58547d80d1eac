/* Loaders: each format, placement, and thousands of damaged files: a sentence or success, never a crash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <elf.h>
#include <glib/gstdio.h>
#include <libfdt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "elf-load.h"
#include "devtree.h"
#include "load.h"

#define RAM UINT64_C(0x40000000)
#define MIB (UINT64_C(1) << 20)

typedef struct {
    char *dir;
    Mem *mem;
    VmLoadPlan plan;
    VmLoaded loaded;
    GError *error;
} Bench;

static void init(Bench *b, uint64_t ram)
{
    *b = (Bench){ .dir = g_dir_make_tmp("armillary-XXXXXX", NULL), .mem = mem_new() };
    assert_true(mem_add_ram(b->mem, "ram", (Pa){ RAM }, ram, MEM_RAM));
    assert_true(mem_add_ram(b->mem, "flash", (Pa){ 0 }, 64 * MIB, MEM_ROM));
    const VmFdtBoard board = { .cpus = 2, .memory = ram, .el2 = true };
    b->plan = (VmLoadPlan){ .mem = b->mem, .ram_base = RAM, .ram_size = ram,
                            .board_dtb = vm_fdt_build(&board), .kaslr_seed = 7 };
}

static void fini(Bench *b)
{
    vm_loaded_clear(&b->loaded);
    g_clear_error(&b->error);
    g_bytes_unref(b->plan.board_dtb);
    mem_free(b->mem);
    g_autofree char *command = g_strdup_printf("rm -rf %s", b->dir);
    assert_int_equal(system(command), 0);
    g_free(b->dir);
}

static char *file(Bench *b, const char *name, const void *data, size_t size)
{
    char *path = g_build_filename(b->dir, name, NULL);
    unlink(path); /* overwriting, or g_file_set_contents, would wait for the disk each time */
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
    return path;
}

static bool load(Bench *b, const VmImages *images)
{
    vm_loaded_clear(&b->loaded);
    g_clear_error(&b->error);
    const bool ok = vm_load_images(&b->plan, images, &b->loaded, &b->error);
    assert_true(ok == (b->error == NULL));
    return ok;
}

static void fails(Bench *b, const VmImages *images, const char *word)
{
    assert_false(load(b, images));
    if (!strstr(b->error->message, word)) {
        fail_msg("\"%s\" does not say \"%s\"", b->error->message, word);
    }
}

/* An arm64 Image of n bytes whose body is a ramp. Header: "Booting AArch64 Linux". */
static GBytes *arm64_image(size_t n, uint64_t text_offset, uint64_t image_size)
{
    uint8_t *p = g_malloc0(n);
    for (size_t i = 64; i < n; i++) {
        p[i] = (uint8_t)(i * 7);
    }
    memcpy(p + 8, &text_offset, 8);
    memcpy(p + 16, &image_size, 8);
    p[24] = 0x0a;
    memcpy(p + 56, "ARM\x64", 4);
    return g_bytes_new_take(p, n);
}

static GBytes *gzipped(GBytes *in)
{
    gsize n;
    const void *data = g_bytes_get_data(in, &n);
    z_stream z = { .next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)n };
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    const size_t room = deflateBound(&z, n);
    uint8_t *out = g_malloc(room);
    z.next_out = out;
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return g_bytes_new_take(out, z.total_out);
}

static GBytes *zstded(GBytes *in)
{
    gsize n;
    const void *data = g_bytes_get_data(in, &n);
    uint8_t *out = g_malloc(ZSTD_compressBound(n));
    const size_t size = ZSTD_compress(out, ZSTD_compressBound(n), data, n, 3);
    assert_false(ZSTD_isError(size));
    return g_bytes_new_take(out, size);
}

static GBytes *zbooted(GBytes *packed, const char *type)
{
    gsize n;
    const void *data = g_bytes_get_data(packed, &n);
    uint8_t *out = g_malloc0(n + 128);
    const uint32_t offset = 100, size = (uint32_t)n;
    memcpy(out, "MZ\0\0zimg", 8);
    memcpy(out + 8, &offset, 4);
    memcpy(out + 12, &size, 4);
    memcpy(out + 24, type, strlen(type));
    memcpy(out + 100, data, n);
    return g_bytes_new_take(out, n + 128);
}

static GBytes *elf_image(uint16_t machine, uint64_t paddr)
{
    uint8_t *p = g_malloc0(0x400);
    Elf64_Ehdr eh = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
                      .e_type = ET_EXEC, .e_machine = machine, .e_version = EV_CURRENT,
                      .e_entry = 0xffff000000000010, .e_phoff = 0x40, .e_shoff = 0x280,
                      .e_ehsize = sizeof eh, .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 1,
                      .e_shentsize = sizeof(Elf64_Shdr), .e_shnum = 4, .e_shstrndx = 3 };
    Elf64_Phdr ph = { .p_type = PT_LOAD, .p_offset = 0x100, .p_vaddr = 0xffff000000000000,
                      .p_paddr = paddr, .p_filesz = 0x20, .p_memsz = 0x3000 };
    Elf64_Sym syms[3] = { { 0 },
                          { .st_name = 7, .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
                            .st_shndx = 1, .st_value = 0xffff000000000010, .st_size = 8 },
                          { .st_name = 1, .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
                            .st_shndx = 1, .st_value = 0xffff000000000000, .st_size = 16 } };
    Elf64_Shdr sh[4] = { { 0 },
                         { .sh_type = SHT_SYMTAB, .sh_offset = 0x140, .sh_size = sizeof syms,
                           .sh_link = 2, .sh_entsize = sizeof *syms },
                         { .sh_type = SHT_STRTAB, .sh_offset = 0x200, .sh_size = 14 },
                         { .sh_type = SHT_STRTAB, .sh_offset = 0x200, .sh_size = 14 } };
    memcpy(p, &eh, sizeof eh);
    memcpy(p + 0x40, &ph, sizeof ph);
    memset(p + 0x100, 0xab, 0x20);
    memcpy(p + 0x140, syms, sizeof syms);
    memcpy(p + 0x200, "\0_head\0_entry\0", 14);
    memcpy(p + 0x280, sh, sizeof sh);
    return g_bytes_new_take(p, 0x400);
}

static void check_arm64(Bench *b, GBytes *content, const char *what)
{
    gsize n;
    const void *data = g_bytes_get_data(content, &n);
    g_autofree char *path = file(b, what, data, n);
    if (!load(b, &(VmImages){ .kernel = path })) {
        fail_msg("%s: %s", what, b->error->message);
    }
    assert_int_equal(b->loaded.entry.v, RAM);
    uint64_t v;
    assert_true(mem_read(b->mem, (Pa){ RAM + 64 }, 1, &v));
    assert_int_equal(v, (uint8_t)(64 * 7));
    /* behind the image's memory, not its file, on a 2 MiB boundary */
    assert_int_equal(b->loaded.dtb_at.v, RAM + 4 * MIB);
    assert_true(mem_read(b->mem, b->loaded.dtb_at, 4, &v));
    assert_int_equal(v, 0xedfe0dd0);
    assert_true(mem_write(b->mem, (Pa){ RAM + 64 }, 1, 0));
}

static void test_formats(void **state)
{
    Bench b;
    init(&b, 64 * MIB);
    g_autoptr(GBytes) plain = arm64_image(100000, 0, 3 * MIB);
    g_autoptr(GBytes) gz = gzipped(plain);
    g_autoptr(GBytes) zst = zstded(plain);
    g_autoptr(GBytes) zboot_gz = zbooted(gz, "gzip");
    g_autoptr(GBytes) zboot_zst = zbooted(zst, "zstd");
    g_autoptr(GBytes) zboot_xz = zbooted(zst, "xzkern");
    g_autoptr(GBytes) nested = gzipped(zboot_zst);
    check_arm64(&b, plain, "plain");
    check_arm64(&b, gz, "gzip");
    check_arm64(&b, zst, "zstd");
    check_arm64(&b, zboot_gz, "zboot-gzip");
    check_arm64(&b, zboot_zst, "zboot-zstd");
    check_arm64(&b, nested, "nested");
    gsize n;
    const void *data = g_bytes_get_data(zboot_xz, &n);
    g_autofree char *xz = file(&b, "xz", data, n);
    fails(&b, &(VmImages){ .kernel = xz }, "xzkern");
    fini(&b);
}

static void test_elf(void **state)
{
    Bench b;
    init(&b, 64 * MIB);
    g_autoptr(GBytes) good = elf_image(EM_AARCH64, RAM + 0x80000);
    g_autofree char *path = file(&b, "good.elf", g_bytes_get_data(good, NULL), 0x400);
    assert_true(mem_write(b.mem, (Pa){ RAM + 0x80020 }, 8, UINT64_MAX)); /* BSS is cleared */
    assert_true(load(&b, &(VmImages){ .kernel = path, .append = "quiet" }));
    assert_int_equal(b.loaded.entry.v, RAM + 0x80010); /* the virtual entry, as physical */
    assert_int_equal(b.loaded.dtb_at.v, RAM);
    uint64_t v;
    assert_true(mem_read(b.mem, (Pa){ RAM + 0x8001c }, 8, &v));
    assert_int_equal(v, 0xabababab);
    assert_int_equal(b.loaded.symbols->len, 2);
    assert_string_equal(g_array_index(b.loaded.symbols, VmSymbol, 0).name, "_head");
    assert_string_equal(g_array_index(b.loaded.symbols, VmSymbol, 1).name, "_entry");
    const void *dtb = g_bytes_get_data(b.loaded.dtb, NULL);
    const char *args = fdt_getprop(dtb, fdt_path_offset(dtb, "/chosen"), "bootargs", NULL);
    assert_string_equal(args, "quiet");

    g_autoptr(GBytes) low = elf_image(EM_AARCH64, 0x10000); /* in flash is memory too */
    g_autofree char *low_path = file(&b, "low.elf", g_bytes_get_data(low, NULL), 0x400);
    assert_true(load(&b, &(VmImages){ .kernel = low_path }));
    g_autoptr(GBytes) x86 = elf_image(EM_X86_64, RAM);
    g_autofree char *x86_path = file(&b, "x86.elf", g_bytes_get_data(x86, NULL), 0x400);
    fails(&b, &(VmImages){ .kernel = x86_path }, "another machine");
    g_autoptr(GBytes) far = elf_image(EM_AARCH64, RAM + 64 * MIB - 0x1000);
    g_autofree char *far_path = file(&b, "far.elf", g_bytes_get_data(far, NULL), 0x400);
    fails(&b, &(VmImages){ .kernel = far_path }, "no memory");
    fini(&b);
}

static void test_initrd_and_sizes(void **state)
{
    Bench b;
    init(&b, 64 * MIB);
    g_autoptr(GBytes) k = arm64_image(100000, 0x80000, 20 * MIB);
    g_autofree char *kernel = file(&b, "Image", g_bytes_get_data(k, NULL), 100000);
    g_autofree uint8_t *rd = g_malloc0(40 * MIB);
    rd[5] = 55;
    g_autofree char *initrd = file(&b, "initrd", rd, 5 * MIB + 1);
    assert_true(load(&b, &(VmImages){ .kernel = kernel, .initrd = initrd }));
    assert_int_equal(b.loaded.entry.v, RAM + 0x80000);
    const void *dtb = g_bytes_get_data(b.loaded.dtb, NULL);
    const int chosen = fdt_path_offset(dtb, "/chosen");
    const fdt64_t *start = fdt_getprop(dtb, chosen, "linux,initrd-start", NULL);
    const fdt64_t *end = fdt_getprop(dtb, chosen, "linux,initrd-end", NULL);
    assert_int_equal(fdt64_ld(start), RAM + 32 * MIB);
    assert_int_equal(fdt64_ld(end), RAM + 37 * MIB + 1);
    assert_true(b.loaded.dtb_at.v >= fdt64_ld(end));
    uint64_t v;
    assert_true(mem_read(b.mem, (Pa){ RAM + 32 * MIB + 5 }, 1, &v));
    assert_int_equal(v, 55);
    /* too large for its usual place: right behind the kernel */
    g_autofree char *large = file(&b, "large", rd, 40 * MIB);
    assert_true(load(&b, &(VmImages){ .kernel = kernel, .initrd = large }));
    dtb = g_bytes_get_data(b.loaded.dtb, NULL);
    start = fdt_getprop(dtb, fdt_path_offset(dtb, "/chosen"), "linux,initrd-start", NULL);
    assert_int_equal(fdt64_ld(start), RAM + 0x80000 + 20 * MIB);
    g_autoptr(GBytes) big = arm64_image(100000, 0, 60 * MIB);
    g_autofree char *big_path = file(&b, "big", g_bytes_get_data(big, NULL), 100000);
    fails(&b, &(VmImages){ .kernel = big_path, .initrd = initrd }, "does not fit");
    g_autoptr(GBytes) huge = arm64_image(100000, 0, 65 * MIB);
    g_autofree char *huge_path = file(&b, "huge", g_bytes_get_data(huge, NULL), 100000);
    fails(&b, &(VmImages){ .kernel = huge_path }, "does not fit");
    fini(&b);
}

static void test_bad_files(void **state)
{
    Bench b;
    init(&b, 64 * MIB);
    g_autofree char *missing = g_build_filename(b.dir, "missing", NULL);
    g_autofree char *text = file(&b, "text", "hello", 5);
    g_autofree char *empty = file(&b, "empty", "", 0);
    g_autoptr(GBytes) k = arm64_image(1000, 0, 0);
    g_autofree char *kernel = file(&b, "Image", g_bytes_get_data(k, NULL), 1000);
    fails(&b, &(VmImages){ 0 }, "nothing to run");
    fails(&b, &(VmImages){ .kernel = missing }, "missing");
    fails(&b, &(VmImages){ .kernel = b.dir }, "directory");
    fails(&b, &(VmImages){ .kernel = text }, "neither");
    fails(&b, &(VmImages){ .kernel = empty }, "neither");
    fails(&b, &(VmImages){ .kernel = kernel, .initrd = missing }, "missing");
    fails(&b, &(VmImages){ .kernel = kernel, .initrd = empty }, "empty");
    fails(&b, &(VmImages){ .kernel = kernel, .dtb = text }, "device tree");
    fails(&b, &(VmImages){ .kernel = kernel, .firmware = text }, "fw_cfg");
    fails(&b, &(VmImages){ .firmware = empty }, "firmware");
    assert_true(load(&b, &(VmImages){ .firmware = text }));
    assert_int_equal(b.loaded.entry.v, 0);
    assert_int_equal(b.loaded.dtb_at.v, RAM);
    assert_true(load(&b, &(VmImages){ .kernel = kernel })); /* image_size 0: an old kernel */
    assert_int_equal(b.loaded.entry.v, RAM + 0x80000);
    fini(&b);
}

static uint32_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33);
}

static void test_damaged(void **state)
{
    Bench b;
    uint64_t seed = 1;
    unsigned failed = 0;
    init(&b, 16 * MIB);
    g_autoptr(GBytes) plain = arm64_image(3000, 0, 3 * MIB);
    g_autoptr(GBytes) gz = gzipped(plain);
    g_autoptr(GBytes) zst = zstded(plain);
    GBytes *all[] = { g_bytes_ref(plain), g_bytes_ref(gz), g_bytes_ref(zst), zbooted(gz, "gzip"),
                      zbooted(zst, "zstd"), elf_image(EM_AARCH64, RAM + 0x80000),
                      elf_image(EM_AARCH64, RAM + 0x80000), g_bytes_ref(b.plan.board_dtb) };
    for (unsigned round = 0; round < 4000; round++) {
        GBytes *one = all[round % 8];
        gsize n;
        const uint8_t *data = g_bytes_get_data(one, &n);
        g_autofree uint8_t *copy = g_memdup2(data, n);
        for (unsigned hits = 1 + next_random(&seed) % 6; hits > 0; hits--) {
            const gsize range = next_random(&seed) % 4 ? MIN(n, 0x400) : n;
            copy[next_random(&seed) % range] = (uint8_t)next_random(&seed);
        }
        const gsize keep = next_random(&seed) % 8 ? n : next_random(&seed) % n;
        g_autofree char *path = file(&b, "damaged", copy, keep);
        g_autofree char *kernel = file(&b, "kernel", g_bytes_get_data(plain, NULL), 3000);
        const bool tree = round % 8 == 7;
        failed += !load(&b, tree ? &(VmImages){ .kernel = kernel, .dtb = path }
                                 : &(VmImages){ .kernel = path });
    }
    assert_true(failed > 1000 && failed < 4000);
    for (unsigned i = 0; i < 8; i++) {
        g_bytes_unref(all[i]);
    }
    fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),          cmocka_unit_test(test_elf),
        cmocka_unit_test(test_initrd_and_sizes), cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
