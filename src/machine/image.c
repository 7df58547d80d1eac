/*
 * Kernel images: gzip, zstd and EFI zboot unpacking, and the arm64 Image header.
 * Linux documentation, "Booting AArch64 Linux"; EFI zboot header of Linux's EFI stub.
 */
#include "image.h"

#include <inttypes.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "armillary/machine.h"

enum { MAX_NESTING = 3, GROW = 1 << 20 };

static uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t le64(const uint8_t *p)
{
    return le32(p) | (uint64_t)le32(p + 4) << 32;
}

static GBytes *damaged(GError **error, const char *what, const char *why)
{
    g_set_error(error, VM_ERROR, VM_ERROR_IMAGE, "damaged %s data: %s", what, why);
    return NULL;
}

/* Makes room for GROW more bytes at the end of out; false when it would pass the limit. */
static bool grow(GByteArray *out, uint8_t **room)
{
    const guint used = out->len;
    if (used >= VM_IMAGE_LIMIT) {
        return false;
    }
    g_byte_array_set_size(out, used + GROW);
    *room = out->data + used;
    return true;
}

static GBytes *gunzip(const uint8_t *data, size_t size, GError **error)
{
    z_stream z = { .next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)size };
    g_autoptr(GByteArray) out = g_byte_array_new();
    if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) {
        return damaged(error, "gzip", "zlib has no memory");
    }
    int status = Z_OK;
    while (status == Z_OK) {
        uint8_t *room;
        if (!grow(out, &room)) {
            inflateEnd(&z);
            return damaged(error, "gzip", "it unpacks to more than 1 GiB");
        }
        z.next_out = room;
        z.avail_out = GROW;
        status = inflate(&z, Z_NO_FLUSH);
        g_byte_array_set_size(out, out->len - z.avail_out);
    }
    inflateEnd(&z);
    if (status != Z_STREAM_END) {
        return damaged(error, "gzip", z.msg ? z.msg : "it ends too early");
    }
    return g_byte_array_free_to_bytes(g_steal_pointer(&out));
}

static GBytes *unzstd(const uint8_t *data, size_t size, GError **error)
{
    ZSTD_DCtx *ctx = ZSTD_createDCtx();
    ZSTD_inBuffer in = { data, size, 0 };
    g_autoptr(GByteArray) out = g_byte_array_new();
    const char *why = NULL;
    size_t left = 1;
    while (left != 0 && !why) {
        uint8_t *room;
        if (!grow(out, &room)) {
            why = "it unpacks to more than 1 GiB";
            break;
        }
        ZSTD_outBuffer to = { room, GROW, 0 };
        left = ZSTD_decompressStream(ctx, &to, &in);
        g_byte_array_set_size(out, out->len - (guint)(GROW - to.pos));
        if (ZSTD_isError(left)) {
            why = ZSTD_getErrorName(left);
        } else if (left != 0 && in.pos == in.size && to.pos < GROW) {
            why = "it ends too early";
        }
    }
    ZSTD_freeDCtx(ctx);
    return why ? damaged(error, "zstd", why)
               : g_byte_array_free_to_bytes(g_steal_pointer(&out));
}

/* "MZ", 0, 0, "zimg", u32 offset, u32 size, 8 bytes, compression as a string. */
static GBytes *unzboot(const uint8_t *data, size_t size, GError **error)
{
    const uint64_t offset = le32(data + 8), length = le32(data + 12);
    char type[9] = { 0 };
    memcpy(type, data + 24, 8);
    if (offset > size || length > size - offset) {
        return damaged(error, "EFI zboot", "the payload lies outside the file");
    }
    if (strcmp(type, "gzip") == 0) {
        return gunzip(data + offset, length, error);
    }
    if (strncmp(type, "zstd", 4) == 0) {
        return unzstd(data + offset, length, error);
    }
    g_autofree char *text = g_strescape(type, NULL);
    g_set_error(error, VM_ERROR, VM_ERROR_IMAGE,
                "EFI zboot image packed with \"%s\": only gzip and zstd can be unpacked", text);
    return NULL;
}

GBytes *vm_image_unpack(GBytes *file, GError **error)
{
    GBytes *now = g_bytes_ref(file);
    for (unsigned depth = 0; now && depth < MAX_NESTING; depth++) {
        size_t size;
        const uint8_t *d = g_bytes_get_data(now, &size);
        GBytes *inner = NULL;
        if (size >= 18 && d[0] == 0x1f && d[1] == 0x8b && size < UINT32_MAX) {
            inner = gunzip(d, size, error);
        } else if (size >= 8 && le32(d) == 0xfd2fb528) {
            inner = unzstd(d, size, error);
        } else if (size >= 64 && memcmp(d, "MZ\0\0zimg", 8) == 0) {
            inner = unzboot(d, size, error);
        } else {
            return now;
        }
        g_bytes_unref(now);
        now = inner;
    }
    return now;
}

bool vm_image_is_elf(GBytes *file)
{
    size_t size;
    const uint8_t *d = g_bytes_get_data(file, &size);
    return size >= 4 && memcmp(d, "\177ELF", 4) == 0;
}

bool vm_image_is_arm64(GBytes *file)
{
    size_t size;
    const uint8_t *d = g_bytes_get_data(file, &size);
    return size >= 64 && memcmp(d + 56, "ARM\x64", 4) == 0;
}

bool vm_image_header(GBytes *file, VmImageHeader *out, GError **error)
{
    size_t file_size;
    const uint8_t *d = g_bytes_get_data(file, &file_size);
    const uint64_t flags = le64(d + 24);
    *out = (VmImageHeader){ .text_offset = le64(d + 8), .size = le64(d + 16) };
    if (flags & 1) {
        g_set_error(error, VM_ERROR, VM_ERROR_IMAGE,
                    "a big-endian arm64 Image: only little-endian kernels can be booted");
        return false;
    }
    if (out->size == 0) {
        out->text_offset = 0x80000; /* kernels before 3.17 leave both fields meaningless */
    }
    if (out->size < file_size) {
        out->size = file_size;
    }
    if (out->text_offset > VM_IMAGE_LIMIT || out->size > UINT64_C(1) << 40) {
        g_set_error(error, VM_ERROR, VM_ERROR_IMAGE,
                    "damaged arm64 Image header: text offset %#" PRIx64 ", size %#" PRIx64,
                    out->text_offset, out->size);
        return false;
    }
    return true;
}
