/* Disk images: raw files, with an optional overlay that takes the writes. */
#define _GNU_SOURCE /* fallocate */
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECTOR = 512, BLOCK = 4096 };

struct VirtioImage {
    int fd;
    uint64_t size;
    bool read_only;
    /* snapshot: blocks whose bit is set are in the overlay, at their own offset */
    int overlay; /* -1: none */
    uint8_t *present;
};

static bool fail(GError **error, const char *path, const char *what)
{
    g_set_error(error, G_FILE_ERROR, (int)g_file_error_from_errno(errno),
                "%s: cannot %s the disk image: %s", path, what, g_strerror(errno));
    return false;
}

static bool open_overlay(VirtioImage *image, const char *path, GError **error)
{
    g_autofree char *name = NULL;
    image->overlay = g_file_open_tmp("armillary-disk-XXXXXX", &name, error);
    if (image->overlay < 0) {
        g_prefix_error(error, "%s: no room to keep changes aside: ", path);
        return false;
    }
    unlink(name);
    image->present = g_new0(uint8_t, image->size / BLOCK / 8 + 1);
    return true;
}

static bool measure(VirtioImage *image, const char *path, GError **error)
{
    struct stat st;
    if (fstat(image->fd, &st) < 0) {
        return fail(error, path, "examine");
    }
    if (S_ISDIR(st.st_mode)) {
        errno = EISDIR;
        return fail(error, path, "use");
    }
    const off_t end = lseek(image->fd, 0, SEEK_END); /* block devices have no st_size */
    if (end < 0) {
        return fail(error, path, "measure");
    }
    image->size = ((uint64_t)end + SECTOR - 1) / SECTOR * SECTOR;
    return true;
}

/* One writer, or any number of readers; file systems without locks do without. */
static bool lock(int fd, VirtioImageMode mode, const char *path, GError **error)
{
    const int kind = mode == VIRTIO_IMAGE_RW ? LOCK_EX : LOCK_SH;
    if (flock(fd, kind | LOCK_NB) == 0 || errno != EWOULDBLOCK) {
        return true;
    }
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_AGAIN,
                "%s: another process uses the disk image; "
                "stop it, or give each machine a copy of its own",
                path);
    return false;
}

VirtioImage *virtio_image_open(const char *path, VirtioImageMode mode, GError **error)
{
    const int fd = open(path, (mode == VIRTIO_IMAGE_RW ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    if (fd < 0) {
        fail(error, path, mode == VIRTIO_IMAGE_RW ? "open for writing" : "open");
        return NULL;
    }
    VirtioImage *image = g_new0(VirtioImage, 1);
    image->fd = fd;
    image->overlay = -1;
    image->read_only = mode == VIRTIO_IMAGE_RO;
    if (!lock(fd, mode, path, error) || !measure(image, path, error) ||
        (mode == VIRTIO_IMAGE_SNAPSHOT && !open_overlay(image, path, error))) {
        virtio_image_free(image);
        return NULL;
    }
    return image;
}

void virtio_image_free(VirtioImage *image)
{
    if (!image) {
        return;
    }
    close(image->fd);
    if (image->overlay >= 0) {
        close(image->overlay);
    }
    g_free(image->present);
    g_free(image);
}

uint64_t virtio_image_size(const VirtioImage *image)
{
    return image->size;
}

bool virtio_image_is_read_only(const VirtioImage *image)
{
    return image->read_only;
}

/* Beyond the end of the file there are zeros. */
static bool read_all(int fd, uint64_t at, void *dst, size_t n)
{
    uint8_t *bytes = dst;
    while (n) {
        const ssize_t got = pread(fd, bytes, n, (off_t)at);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return false;
        }
        if (got == 0) {
            memset(bytes, 0, n);
            return true;
        }
        bytes += got;
        at += (uint64_t)got;
        n -= (size_t)got;
    }
    return true;
}

static bool write_all(int fd, uint64_t at, const void *src, size_t n)
{
    const uint8_t *bytes = src;
    while (n) {
        const ssize_t put = pwrite(fd, bytes, n, (off_t)at);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return false;
        }
        bytes += put;
        at += (uint64_t)put;
        n -= (size_t)put;
    }
    return true;
}

static bool in_overlay(const VirtioImage *image, uint64_t block)
{
    return image->present[block / 8] >> (block % 8) & 1;
}

/* The part of [at, at + n) that lies in at's block. */
static size_t part_of_block(uint64_t at, size_t n)
{
    const size_t room = BLOCK - (size_t)(at % BLOCK);
    return n < room ? n : room;
}

bool virtio_image_read(VirtioImage *image, uint64_t at, void *dst, size_t n)
{
    uint8_t *bytes = dst;
    if (image->overlay < 0) {
        return read_all(image->fd, at, dst, n);
    }
    while (n) {
        const size_t part = part_of_block(at, n);
        const int fd = in_overlay(image, at / BLOCK) ? image->overlay : image->fd;
        if (!read_all(fd, at, bytes, part)) {
            return false;
        }
        bytes += part;
        at += part;
        n -= part;
    }
    return true;
}

/* Copies the block up before the first write to a part of it. */
static bool bring_up(VirtioImage *image, uint64_t block, size_t part)
{
    uint8_t bytes[BLOCK];
    if (in_overlay(image, block)) {
        return true;
    }
    if (part < BLOCK && (!read_all(image->fd, block * BLOCK, bytes, BLOCK) ||
                         !write_all(image->overlay, block * BLOCK, bytes, BLOCK))) {
        return false;
    }
    return true;
}

bool virtio_image_write(VirtioImage *image, uint64_t at, const void *src, size_t n)
{
    const uint8_t *bytes = src;
    if (image->overlay < 0) {
        return write_all(image->fd, at, src, n);
    }
    while (n) {
        const size_t part = part_of_block(at, n);
        const uint64_t block = at / BLOCK;
        if (!bring_up(image, block, part) || !write_all(image->overlay, at, bytes, part)) {
            return false;
        }
        image->present[block / 8] |= (uint8_t)(1u << (block % 8));
        bytes += part;
        at += part;
        n -= part;
    }
    return true;
}

bool virtio_image_zero(VirtioImage *image, uint64_t at, uint64_t n)
{
    static const uint8_t zeros[64 * 1024];
    if (image->overlay < 0 && fallocate(image->fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
                                        (off_t)at, (off_t)n) == 0) {
        return true;
    }
    while (n) {
        const size_t part = n < sizeof zeros ? (size_t)n : sizeof zeros;
        if (!virtio_image_write(image, at, zeros, part)) {
            return false;
        }
        at += part;
        n -= part;
    }
    return true;
}

void virtio_image_discard(VirtioImage *image, uint64_t at, uint64_t n)
{
    if (image->overlay < 0) {
        (void)fallocate(image->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)n);
    }
}

bool virtio_image_flush(VirtioImage *image)
{
    return image->read_only || image->overlay >= 0 || fdatasync(image->fd) == 0;
}
