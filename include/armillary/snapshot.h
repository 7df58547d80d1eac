/*
 * State as an ordered list of named, versioned chunks of bytes. What a snapshot file holds and what
 * the state hash covers are the same bytes.
 *
 * Layout, little-endian: "ARMILLA1", then per chunk u32 name length, name, u32 version, u64 size,
 * the bytes; the last chunk is "end" with the SHA-256 of everything before it.
 */
#pragma once

#include <glib.h>

#include "armillary/types.h"

typedef struct SnapWriter SnapWriter;
typedef struct SnapReader SnapReader;

/* keep: collect the bytes (else only their hash). */
SnapWriter *snap_writer_new(bool keep);
void snap_writer_free(SnapWriter *w);
/* One whole chunk; or begin with its size, put the bytes in pieces. */
void snap_put(SnapWriter *w, const char *name, uint32_t version, const void *data, uint64_t size);
void snap_begin(SnapWriter *w, const char *name, uint32_t version, uint64_t size);
void snap_bytes(SnapWriter *w, const void *data, uint64_t size);
/* Ends the list. The hash as hex (owned by w), and the bytes (NULL without keep). Unref it. */
const char *snap_finish(SnapWriter *w, GBytes **out);

/* NULL and *error when the blob is not a complete, undamaged snapshot. Borrows blob. */
SnapReader *snap_reader_new(GBytes *blob, GError **error);
void snap_reader_free(SnapReader *r);
/* The next chunk must have this name and version; its bytes, borrowed until the reader is freed. */
const void *snap_next(SnapReader *r, const char *name, uint32_t version, uint64_t *size,
                      GError **error);
/* The same for a chunk that must be `want.size` bytes, copied to `want.data`. */
typedef struct {
    const char *name;
    uint32_t version;
    void *data;
    uint64_t size;
} SnapWant;
bool snap_get(SnapReader *r, SnapWant want, GError **error);

#define SNAP_ERROR snap_error_quark()
GQuark snap_error_quark(void);
