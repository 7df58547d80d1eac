/*
 * The block device: one queue of read, write, flush, discard, write-zeroes and get-id requests,
 * each done before the next. VIRTIO 1.2, "Block Device".
 */
#include "blk.h"

#include <string.h>

enum { SECTOR = 512, PIECE = 64 * 1024, ID_BYTES = 20, HEADER_BYTES = 16, RANGE_BYTES = 16 };
enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11, T_WRITE_ZEROES = 13 };
enum { S_OK = 0, S_IOERR = 1, S_UNSUPP = 2 };
enum { RANGE_UNMAP = 1 };
#define F_SEG_MAX (UINT64_C(1) << 2)
#define F_RO (UINT64_C(1) << 5)
#define F_BLK_SIZE (UINT64_C(1) << 6)
#define F_FLUSH (UINT64_C(1) << 9)
#define F_DISCARD (UINT64_C(1) << 13)
#define F_WRITE_ZEROES (UINT64_C(1) << 14)
/* Bounds of one request, so that the machine goes on. */
#define MAX_TRANSFER (UINT64_C(256) << 20)
#define MAX_RANGE_SECTORS UINT32_C(0x20000)

typedef struct {
    VirtioDevice base;
    VirtioImage *image;
    char serial[ID_BYTES];
} Blk;

/* A request taken apart. */
typedef struct {
    Mem *mem;
    Blk *blk;
    const VirtioChain *c;
    uint64_t features;
    uint32_t type;
    uint64_t at;   /* byte offset on the disk */
    uint64_t out;  /* data bytes from the driver, after the header */
    uint64_t in;   /* data bytes to the driver, before the status */
    uint64_t done; /* of those, written */
} Request;

static uint64_t features(VirtioDevice *d)
{
    const Blk *blk = (Blk *)d;
    const uint64_t writable = F_DISCARD | F_WRITE_ZEROES;
    return F_SEG_MAX | F_BLK_SIZE | F_FLUSH |
           (virtio_image_is_read_only(blk->image) ? F_RO : writable);
}

static void put(uint8_t *config, unsigned at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        config[at + i] = (uint8_t)(value >> (i * 8));
    }
}

static void read_config(VirtioDevice *d, uint8_t config[VIRTIO_CONFIG_BYTES])
{
    const Blk *blk = (Blk *)d;
    put(config, 0, virtio_image_size(blk->image) / SECTOR, 8);
    put(config, 12, VIRTIO_QUEUE_MAX - 2, 4); /* seg_max: all but header and status */
    put(config, 20, SECTOR, 4);               /* blk_size */
    put(config, 36, MAX_RANGE_SECTORS, 4);    /* max_discard_sectors */
    put(config, 40, 1, 4);                    /* max_discard_seg */
    put(config, 44, 8, 4);                    /* discard_sector_alignment: 4 KiB */
    put(config, 48, MAX_RANGE_SECTORS, 4);    /* max_write_zeroes_sectors */
    put(config, 52, 1, 4);                    /* max_write_zeroes_seg */
    put(config, 56, 1, 1);                    /* write_zeroes_may_unmap */
}

/* Are n bytes from the request's sector on whole sectors on the disk? */
static bool on_disk(const Request *r, uint64_t n)
{
    const uint64_t size = virtio_image_size(r->blk->image);
    return n % SECTOR == 0 && n <= MAX_TRANSFER && r->at <= size && n <= size - r->at;
}

static uint8_t do_in(Request *r)
{
    g_autofree uint8_t *bytes = g_malloc(PIECE);
    if (!on_disk(r, r->in)) {
        return S_IOERR;
    }
    while (r->done < r->in) {
        const uint64_t left = r->in - r->done;
        const size_t n = left < PIECE ? (size_t)left : PIECE;
        if (!virtio_image_read(r->blk->image, r->at + r->done, bytes, n) ||
            !virtio_chain_write(r->mem, r->c, r->done, bytes, n)) {
            return S_IOERR;
        }
        r->done += n;
    }
    return S_OK;
}

/* Without FLUSH the driver trusts that what is written is on the medium. */
static uint8_t settle(Request *r)
{
    const bool durable = (r->features & F_FLUSH) || virtio_image_flush(r->blk->image);
    return durable ? S_OK : S_IOERR;
}

static uint8_t do_out(Request *r)
{
    g_autofree uint8_t *bytes = g_malloc(PIECE);
    if (virtio_image_is_read_only(r->blk->image) || !on_disk(r, r->out)) {
        return S_IOERR;
    }
    for (uint64_t done = 0; done < r->out;) {
        const uint64_t left = r->out - done;
        const size_t n = left < PIECE ? (size_t)left : PIECE;
        if (!virtio_chain_read(r->mem, r->c, HEADER_BYTES + done, bytes, n) ||
            !virtio_image_write(r->blk->image, r->at + done, bytes, n)) {
            return S_IOERR;
        }
        done += n;
    }
    return settle(r);
}

static uint8_t do_get_id(Request *r)
{
    const size_t n = r->in < ID_BYTES ? (size_t)r->in : ID_BYTES;
    if (!virtio_chain_write(r->mem, r->c, 0, r->blk->serial, n)) {
        return S_IOERR;
    }
    r->done = n;
    return S_OK;
}

/* Discard and write-zeroes: one range of sector, count and flags. */
static uint8_t do_range(Request *r)
{
    struct {
        uint64_t sector;
        uint32_t sectors, flags;
    } range;
    _Static_assert(sizeof range == RANGE_BYTES, "as the driver lays it out");
    if (virtio_image_is_read_only(r->blk->image) || r->out != RANGE_BYTES ||
        !virtio_chain_read(r->mem, r->c, HEADER_BYTES, &range, sizeof range)) {
        return S_IOERR;
    }
    const uint32_t allowed = r->type == T_WRITE_ZEROES ? RANGE_UNMAP : 0;
    if (range.flags & ~allowed) {
        return S_UNSUPP;
    }
    if (range.sector > UINT64_MAX / SECTOR || range.sectors > MAX_RANGE_SECTORS) {
        return S_IOERR;
    }
    r->at = range.sector * SECTOR;
    const uint64_t n = (uint64_t)range.sectors * SECTOR;
    if (!on_disk(r, n)) {
        return S_IOERR;
    }
    if (r->type == T_DISCARD) {
        virtio_image_discard(r->blk->image, r->at, n);
        return S_OK;
    }
    return virtio_image_zero(r->blk->image, r->at, n) ? settle(r) : S_IOERR;
}

static uint8_t perform(Request *r)
{
    switch (r->type) {
    case T_IN:
        return do_in(r);
    case T_OUT:
        return do_out(r);
    case T_FLUSH:
        return virtio_image_flush(r->blk->image) ? S_OK : S_IOERR;
    case T_GET_ID:
        return do_get_id(r);
    case T_DISCARD:
        return r->features & F_DISCARD ? do_range(r) : S_UNSUPP;
    case T_WRITE_ZEROES:
        return r->features & F_WRITE_ZEROES ? do_range(r) : S_UNSUPP;
    default:
        return S_UNSUPP;
    }
}

/* How the driver cut header, data and status into buffers does not matter. */
static bool serve(HwDevice *dev, unsigned queue, const VirtioChain *c, uint32_t *written)
{
    struct {
        uint32_t type, reserved;
        uint64_t sector;
    } header;
    _Static_assert(sizeof header == HEADER_BYTES, "as the driver lays it out");
    if (c->in_bytes < 1 || !virtio_chain_read(dev->env.mem, c, 0, &header, sizeof header)) {
        return false;
    }
    Request r = {
        .mem = dev->env.mem,
        .blk = dev->wiring,
        .c = c,
        .features = virtio_features(dev),
        .type = header.type,
        .at = header.sector * SECTOR,
        .out = c->out_bytes - HEADER_BYTES,
        .in = c->in_bytes - 1,
    };
    const bool far_off = header.sector > UINT64_MAX / SECTOR;
    const uint8_t status = far_off && header.type <= T_OUT ? S_IOERR : perform(&r);
    *written = (uint32_t)(r.done + 1);
    return virtio_chain_write(dev->env.mem, c, r.in, &status, 1);
}

static const VirtioType type = {
    .name = "virtio-blk",
    .id = 2,
    .n_queues = 1,
    .features = features,
    .read_config = read_config,
    .serve = serve,
};

VirtioDevice *virtio_blk_new(VirtioImage *image, const char *serial)
{
    Blk *blk = g_new0(Blk, 1);
    blk->base.type = &type;
    blk->image = image;
    if (serial) {
        memcpy(blk->serial, serial, MIN(strlen(serial), sizeof blk->serial));
    }
    return &blk->base;
}

void virtio_blk_free(VirtioDevice *d)
{
    if (d) {
        virtio_image_free(((Blk *)d)->image);
        g_free(d);
    }
}
