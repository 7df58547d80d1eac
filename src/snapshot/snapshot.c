/*
 * Writing and reading state chunks (include/armillary/snapshot.h describes the layout).
 */
#include "armillary/snapshot.h"

#include <inttypes.h>
#include <string.h>

static const char magic[8] = { 'A', 'R', 'M', 'I', 'L', 'L', 'A', '1' };
enum { HASH_BYTES = 32, MAX_NAME = 64 };

struct SnapWriter {
    GByteArray *kept; /* NULL: hash only */
    GChecksum *sum;
    uint64_t due; /* bytes the open chunk still lacks */
};

struct SnapReader {
    const uint8_t *data;
    size_t size, at;
};

GQuark snap_error_quark(void)
{
    return g_quark_from_static_string("armillary-snapshot");
}

static void emit(SnapWriter *w, const void *data, size_t size)
{
    g_checksum_update(w->sum, data, (gssize)size);
    if (w->kept) {
        g_byte_array_append(w->kept, data, (guint)size);
    }
}

SnapWriter *snap_writer_new(bool keep)
{
    SnapWriter *w = g_new0(SnapWriter, 1);
    w->kept = keep ? g_byte_array_new() : NULL;
    w->sum = g_checksum_new(G_CHECKSUM_SHA256);
    emit(w, magic, sizeof magic);
    return w;
}

void snap_writer_free(SnapWriter *w)
{
    if (w->kept) {
        g_byte_array_unref(w->kept);
    }
    g_checksum_free(w->sum);
    g_free(w);
}

static void emit_u32(SnapWriter *w, uint32_t v)
{
    v = GUINT32_TO_LE(v);
    emit(w, &v, sizeof v);
}

void snap_begin(SnapWriter *w, const char *name, uint32_t version, uint64_t size)
{
    g_assert(w->due == 0 && strlen(name) <= MAX_NAME);
    const uint64_t le_size = GUINT64_TO_LE(size);
    emit_u32(w, (uint32_t)strlen(name));
    emit(w, name, strlen(name));
    emit_u32(w, version);
    emit(w, &le_size, sizeof le_size);
    w->due = size;
}

void snap_bytes(SnapWriter *w, const void *data, uint64_t size)
{
    g_assert(size <= w->due);
    emit(w, data, size);
    w->due -= size;
}

void snap_put(SnapWriter *w, const char *name, uint32_t version, const void *data, uint64_t size)
{
    snap_begin(w, name, version, size);
    snap_bytes(w, data, size);
}

const char *snap_finish(SnapWriter *w, GBytes **out)
{
    uint8_t hash[HASH_BYTES];
    gsize n = sizeof hash;
    g_assert(w->due == 0);
    GChecksum *upto_here = g_checksum_copy(w->sum);
    g_checksum_get_digest(upto_here, hash, &n);
    g_checksum_free(upto_here);
    if (out) {
        *out = NULL;
    }
    if (w->kept && out) {
        GChecksum *sum = g_checksum_copy(w->sum);
        snap_put(w, "end", 1, hash, sizeof hash);
        g_checksum_free(w->sum);
        w->sum = sum; /* the hash of the state does not cover the hash */
        *out = g_byte_array_free_to_bytes(g_steal_pointer(&w->kept));
    }
    return g_checksum_get_string(w->sum);
}

static bool take(SnapReader *r, void *dst, size_t n)
{
    if (n > r->size - r->at) {
        return false;
    }
    memcpy(dst, r->data + r->at, n);
    r->at += n;
    return true;
}

typedef struct {
    char name[MAX_NAME + 1];
    uint32_t version;
    uint64_t size;
    const uint8_t *bytes;
} Chunk;

static bool next_chunk(SnapReader *r, Chunk *c)
{
    uint32_t length;
    memset(c, 0, sizeof *c);
    if (!take(r, &length, 4) || (length = GUINT32_FROM_LE(length)) > MAX_NAME ||
        !take(r, c->name, length) || !take(r, &c->version, 4) || !take(r, &c->size, 8)) {
        return false;
    }
    c->version = GUINT32_FROM_LE(c->version);
    c->size = GUINT64_FROM_LE(c->size);
    if (c->size > r->size - r->at) {
        return false;
    }
    c->bytes = r->data + r->at;
    r->at += c->size;
    return true;
}

/* Walks the whole list: the last chunk must be the hash of all before it. */
static bool is_intact(SnapReader *r)
{
    Chunk c;
    for (;;) {
        const size_t start = r->at;
        if (!next_chunk(r, &c)) {
            return false;
        }
        if (strcmp(c.name, "end") == 0) {
            g_autofree char *want = g_compute_checksum_for_data(G_CHECKSUM_SHA256, r->data, start);
            GString *have = g_string_new(NULL);
            for (size_t i = 0; i < c.size; i++) {
                g_string_append_printf(have, "%02x", c.bytes[i]);
            }
            const bool ok = c.version == 1 && r->at == r->size && strcmp(want, have->str) == 0;
            g_string_free(have, TRUE);
            return ok;
        }
    }
}

SnapReader *snap_reader_new(GBytes *blob, GError **error)
{
    SnapReader *r = g_new0(SnapReader, 1);
    char have[sizeof magic];
    r->data = g_bytes_get_data(blob, &r->size);
    if (!take(r, have, sizeof have) || memcmp(have, magic, sizeof magic) != 0) {
        g_set_error(error, SNAP_ERROR, 0, "not a snapshot");
        g_free(r);
        return NULL;
    }
    if (!is_intact(r)) {
        g_set_error(error, SNAP_ERROR, 0, "the snapshot is damaged or incomplete");
        g_free(r);
        return NULL;
    }
    r->at = sizeof magic;
    return r;
}

void snap_reader_free(SnapReader *r)
{
    g_free(r);
}

const void *snap_next(SnapReader *r, const char *name, uint32_t version, uint64_t *size,
                      GError **error)
{
    Chunk c;
    if (!next_chunk(r, &c) || strcmp(c.name, name) != 0) {
        g_set_error(error, SNAP_ERROR, 0,
                    "the snapshot is of another machine: \"%s\" where \"%s\" should be", c.name,
                    name);
        return NULL;
    }
    if (c.version != version) {
        g_set_error(error, SNAP_ERROR, 0,
                    "the snapshot's \"%s\" has version %u, this program reads version %u", name,
                    c.version, version);
        return NULL;
    }
    *size = c.size;
    return c.bytes;
}

bool snap_get(SnapReader *r, SnapWant want, GError **error)
{
    uint64_t size;
    const void *bytes = snap_next(r, want.name, want.version, &size, error);
    if (!bytes) {
        return false;
    }
    if (size != want.size) {
        g_set_error(error, SNAP_ERROR, 0, "the snapshot is of another machine: \"%s\" has %" PRIu64
                    " bytes, not %" PRIu64, want.name, size, want.size);
        return false;
    }
    memcpy(want.data, bytes, want.size);
    return true;
}
