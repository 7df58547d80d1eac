/*
 * virtio-mmio, split virtqueues, block device, driven as a driver would:
 * layouts and values from VIRTIO 1.2.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>
#include <glib.h>
#include <glib/gstdio.h>
#include "armillary/random.h"
#include "virtio-bench.h"
#include "virtio/blk.h"

static void a_slot_without_a_device(void **state)
{
    Bench *b = bench_new(NULL);
    assert_int_equal(get(b, 0), 0x74726976);
    assert_int_equal(get(b, 4), 2);
    assert_int_equal(get(b, 8), 0);
    set(b, STATUS, 0xf);
    set(b, NOTIFY, 0);
    set(b, 0x30, 5);
    set(b, 0x44, 1);
    assert_int_equal(get(b, 0x34), 0);
    assert_int_equal(get(b, 0x100), 0);
    assert_false(b->line);
    bench_free(b);
}

/* The disk of the following tests: byte i of sector s is s + i. */
static int disk_setup_mode(void **state, VirtioImageMode mode)
{
    char path[] = "/tmp/armillary-test-XXXXXX";
    const int fd = g_mkstemp(path);
    uint8_t sector[512];
    for (unsigned s = 0; s < SECTORS; s++) {
        for (unsigned i = 0; i < sizeof sector; i++) {
            sector[i] = (uint8_t)(s + i);
        }
        assert_int_equal(write(fd, sector, sizeof sector), sizeof sector);
    }
    close(fd);
    GError *error = NULL;
    VirtioImage *image = virtio_image_open(path, mode, &error);
    assert_non_null(image);
    Bench *b = bench_new(virtio_blk_new(image, "disk-of-the-test"));
    strcpy(b->path, path);
    *state = b;
    return 0;
}

static int disk_setup(void **state)
{
    return disk_setup_mode(state, VIRTIO_IMAGE_RW);
}

static int disk_setup_ro(void **state)
{
    return disk_setup_mode(state, VIRTIO_IMAGE_RO);
}

static int disk_setup_snapshot(void **state)
{
    return disk_setup_mode(state, VIRTIO_IMAGE_SNAPSHOT);
}

static int disk_teardown(void **state)
{
    Bench *b = *state;
    virtio_blk_free(b->dev->wiring);
    g_unlink(b->path);
    bench_free(b);
    return 0;
}

/* Header at DATA, data at DATA + 0x1000, status at DATA + 0x800: a chain of three from 0. */
static void prepare(Bench *b, uint32_t type, uint64_t sector, uint32_t bytes, bool in)
{
    const uint32_t header[2] = {type, 0};
    memcpy(at(b, DATA), header, 8);
    memcpy(at(b, DATA + 8), &sector, 8);
    *at(b, DATA + 0x800) = 0xee;
    write_desc(b, DESC, 0, (VirtioSegment){DATA, 16}, link_to(D_NEXT, 1));
    write_desc(b, DESC, 1, (VirtioSegment){DATA + 0x1000, bytes},
               link_to(D_NEXT | (in ? D_WRITE : 0), 2));
    write_desc(b, DESC, 2, (VirtioSegment){DATA + 0x800, 1}, D_WRITE);
}

/* Returns the status byte. */
static uint8_t request(Bench *b, uint32_t type, uint64_t sector, uint32_t bytes, bool in)
{
    prepare(b, type, sector, bytes, in);
    offer(b, 0);
    kick(b);
    return *at(b, DATA + 0x800);
}

static uint8_t file_byte(Bench *b, long offset)
{
    FILE *f = fopen(b->path, "rb");
    assert_int_equal(fseek(f, offset, SEEK_SET), 0);
    const int c = fgetc(f);
    fclose(f);
    return (uint8_t)c;
}

static void negotiation(void **state)
{
    Bench *b = *state;
    assert_int_equal(get(b, 8), 2);
    set(b, 0x14, 0);
    /* INDIRECT, EVENT_IDX; WRITE_ZEROES, DISCARD, FLUSH, BLK_SIZE, SEG_MAX */
    assert_int_equal(get(b, 0x10), 0x30006244);
    set(b, 0x14, 1);
    assert_int_equal(get(b, 0x10), 1);
    set(b, 0x14, 2);
    assert_int_equal(get(b, 0x10), 0);
    negotiate(b, VIRTIO_F_INDIRECT_DESC); /* no VERSION_1 */
    assert_int_equal(get(b, STATUS), 3);
    negotiate(b, FEATURES | UINT64_C(1) << 40); /* never offered */
    assert_int_equal(get(b, STATUS), 3);
    negotiate(b, FEATURES);
    assert_int_equal(get(b, STATUS), 0xb);
    set(b, 0x24, 0);
    set(b, 0x20, 0xffffffff); /* too late */
    assert_int_equal(virtio_features(b->dev), FEATURES);
    assert_int_equal(get(b, 0x100), SECTORS);
    assert_int_equal(get(b, 0x104), 0);
    assert_int_equal(get(b, 0x10c), 254); /* seg_max */
    assert_int_equal(get(b, 0x114), 512);
    assert_int_equal(get(b, 0xb0), 0xffffffff);
    set(b, 0x38, 12); /* no power of two */
    set(b, 0x38, 512);
    set(b, 0x44, 1); /* a queue without a size */
    assert_int_equal(get(b, STATUS), 0x4b);
    set(b, STATUS, 0);
    assert_int_equal(get(b, STATUS), 0);
}

static void reading_and_writing(void **state)
{
    Bench *b = *state;
    start(b, 0, FEATURES);
    assert_int_equal(request(b, 0, 3, 1024, true), 0);
    assert_int_equal(used_length(b, 0), 1025);
    assert_int_equal(at(b, DATA + 0x1000)[0], 3);
    assert_int_equal(at(b, DATA + 0x1000)[512 + 7], 11);
    assert_true(b->line);
    assert_int_equal(get(b, INT_STATUS), 1);
    set(b, INT_ACK, 1);
    assert_false(b->line);
    memset(at(b, DATA + 0x1000), 0xa5, 512);
    assert_int_equal(request(b, 1, 63, 512, false), 0);
    assert_int_equal(used_length(b, 0), 1);
    assert_int_equal(file_byte(b, 63 * 512), 0xa5);
    assert_int_equal(file_byte(b, 62 * 512 + 511), (62 + 511) & 0xff);
    assert_int_equal(request(b, 4, 0, 0, false), 0); /* flush */
    assert_int_equal(request(b, 8, 0, 20, true), 0); /* get id */
    assert_int_equal(used_length(b, 0), 21);
    assert_memory_equal(at(b, DATA + 0x1000), "disk-of-the-test\0\0\0\0", 20);
    assert_int_equal(request(b, 99, 0, 0, false), 2); /* unsupported */
    assert_int_equal(request(b, 0, 63, 1024, true), 1);
    assert_int_equal(request(b, 0, 64, 512, true), 1);
    assert_int_equal(request(b, 0, UINT64_MAX / 512 + 2, 512, true), 1); /* wraps to sector 1 */
    assert_int_equal(request(b, 1, 0, 100, false), 1);
    assert_int_equal(get(b, STATUS), 0xf);
}

static void ranges(void **state)
{
    Bench *b = *state;
    const uint32_t range[4] = {5, 0, 2, 1}; /* sector 5, 2 sectors, unmap */
    start(b, 0, FEATURES);
    memcpy(at(b, DATA + 0x1000), range, 16);
    assert_int_equal(request(b, 13, 0, 16, false), 2); /* not negotiated */
    start(b, 0, FEATURES | 1 << 13 | 1 << 14);
    assert_int_equal(request(b, 13, 0, 16, false), 0);
    assert_int_equal(file_byte(b, 5 * 512 - 1), (4 + 511) & 0xff);
    assert_int_equal(file_byte(b, 5 * 512 + 1), 0);
    assert_int_equal(file_byte(b, 7 * 512 - 1), 0);
    assert_int_equal(file_byte(b, 7 * 512), 7);
    assert_int_equal(request(b, 11, 0, 16, false), 2); /* discard knows no unmap */
    *at(b, DATA + 0x100c) = 0;
    assert_int_equal(request(b, 11, 0, 16, false), 0);
    *at(b, DATA + 0x1000) = 63;
    assert_int_equal(request(b, 13, 0, 16, false), 1);
}

/* The host refuses to write beyond 16 KiB, as a full disk would. */
static void write_errors(void **state)
{
    Bench *b = *state;
    struct rlimit old, low;
    start(b, 0, FEATURES);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    low = old;
    low.rlim_cur = 16 * 1024;
    setrlimit(RLIMIT_FSIZE, &low);
    const uint8_t beyond = request(b, 1, 40, 512, false), within = request(b, 1, 30, 512, false);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(beyond, 1);
    assert_int_equal(within, 0);
    assert_int_equal(file_byte(b, 40 * 512), 40);
}

static void read_only(void **state)
{
    Bench *b = *state;
    set(b, 0x14, 0);
    assert_int_equal(get(b, 0x10) & (1 << 5 | 1 << 13 | 1 << 14), 1 << 5);
    start(b, 0, FEATURES);
    assert_int_equal(request(b, 0, 1, 512, true), 0);
    assert_int_equal(request(b, 1, 1, 512, false), 1);
    assert_int_equal(file_byte(b, 512), 1);
}

static void snapshot_keeps_writes_aside(void **state)
{
    Bench *b = *state;
    start(b, 0, FEATURES | 1 << 14);
    memset(at(b, DATA + 0x1000), 0x77, 0x3000);
    assert_int_equal(request(b, 1, 7, 512 * 18, false), 0); /* parts of blocks and whole ones */
    memset(at(b, DATA + 0x1000), 0, 0x4000);
    assert_int_equal(request(b, 0, 6, 512 * 20, true), 0);
    assert_int_equal(at(b, DATA + 0x1000)[511], (6 + 511) & 0xff);
    assert_int_equal(at(b, DATA + 0x1000)[512], 0x77);
    assert_int_equal(at(b, DATA + 0x1000)[512 * 19 - 1], 0x77);
    assert_int_equal(at(b, DATA + 0x1000)[512 * 19], 25);
    assert_int_equal(file_byte(b, 7 * 512), 7);
    const uint32_t range[4] = {8, 0, 1, 0};
    memcpy(at(b, DATA + 0x1000), range, 16);
    assert_int_equal(request(b, 13, 0, 16, false), 0);
    assert_int_equal(request(b, 0, 8, 512, true), 0);
    assert_int_equal(at(b, DATA + 0x1000)[0], 0);
    assert_int_equal(file_byte(b, 8 * 512), 8);
}

/* Header and data cut at odd places, all in an indirect table after a direct descriptor. */
static void any_layout(void **state)
{
    Bench *b = *state;
    start(b, 0, FEATURES);
    prepare(b, 0, 2, 0, true);
    write_desc(b, DESC, 4, (VirtioSegment){DATA, 5}, link_to(D_NEXT, 6));
    write_desc(b, DESC, 6, (VirtioSegment){TABLE, 5 * 16}, D_INDIRECT);
    write_desc(b, TABLE, 0, (VirtioSegment){DATA + 5, 11}, link_to(D_NEXT, 3));
    write_desc(b, TABLE, 3, (VirtioSegment){DATA + 0x1000, 500}, link_to(D_NEXT | D_WRITE, 1));
    write_desc(b, TABLE, 1, (VirtioSegment){DATA + 0x5000, 0}, link_to(D_NEXT | D_WRITE, 4));
    write_desc(b, TABLE, 4, (VirtioSegment){DATA + 0x2000, 13}, D_WRITE);
    offer(b, 4);
    kick(b);
    assert_int_equal(used_length(b, 4), 513);
    assert_int_equal(at(b, DATA + 0x1000)[499], (2 + 499) & 0xff);
    assert_int_equal(at(b, DATA + 0x2000)[11], (2 + 511) & 0xff);
    assert_int_equal(at(b, DATA + 0x2000)[12], 0); /* status */
}

static void interrupt_suppression(void **state)
{
    Bench *b = *state;
    start(b, 0, FEATURES);
    put16(b, AVAIL, 1); /* NO_INTERRUPT */
    request(b, 4, 0, 0, false);
    assert_false(b->line);
    put16(b, AVAIL, 0);
    request(b, 4, 0, 0, false);
    assert_true(b->line);
    start(b, 0, FEATURES | VIRTIO_F_EVENT_IDX);
    assert_false(b->line);
    put16(b, AVAIL + 4 + 2 * NUM, 2); /* used_event: after the third */
    request(b, 4, 0, 0, false);
    assert_int_equal(get16(b, USED + 4 + 8 * NUM), 1); /* avail_event */
    request(b, 4, 0, 0, false);
    assert_false(b->line);
    request(b, 4, 0, 0, false);
    assert_true(b->line);
    assert_int_equal(get16(b, USED + 4 + 8 * NUM), 3);
    set(b, INT_ACK, 1);
    prepare(b, 4, 0, 0, false);
    for (unsigned i = 0; i < NUM; i++) { /* around the ring, one notification */
        offer(b, 0);
    }
    put16(b, AVAIL + 4 + 2 * NUM, 10);
    kick(b);
    assert_int_equal(get16(b, USED + 2), 19);
    assert_true(b->line);
}

/* What a hostile driver does: the queue breaks, the machine goes on, a reset mends it. */
static void must_break(Bench *b, uint16_t head)
{
    offer(b, head);
    kick(b);
    assert_int_equal(get(b, STATUS), 0x4f);
    assert_int_equal(get(b, INT_STATUS) & 2, 2); /* configuration change */
    assert_true(b->line);
    assert_int_equal(get16(b, USED + 2), 0);
    kick(b);
    start(b, 0, FEATURES);
    assert_false(b->line);
}

static void hostile_rings(void **state)
{
    Bench *b = *state;
    const VirtioSegment any = {DATA, 16}, table = {TABLE, 32};
    start(b, 0, FEATURES);
    must_break(b, NUM); /* no such descriptor */
    write_desc(b, DESC, 0, any, link_to(D_NEXT, 0));
    must_break(b, 0); /* a loop */
    write_desc(b, DESC, 0, any, link_to(D_NEXT, NUM));
    must_break(b, 0);
    write_desc(b, DESC, 0, any, link_to(D_NEXT | D_WRITE, 1));
    write_desc(b, DESC, 1, any, 0); /* readable after writable */
    must_break(b, 0);
    write_desc(b, DESC, 0, any, D_WRITE); /* no header */
    must_break(b, 0);
    write_desc(b, DESC, 0, any, 0); /* no status */
    must_break(b, 0);
    write_desc(b, DESC, 0, table, D_INDIRECT);
    write_desc(b, TABLE, 0, table, D_INDIRECT); /* nested */
    must_break(b, 0);
    write_desc(b, DESC, 0, (VirtioSegment){TABLE, 33}, D_INDIRECT);
    must_break(b, 0);
    write_desc(b, DESC, 0, table, link_to(D_INDIRECT | D_NEXT, 1));
    must_break(b, 0);
    write_desc(b, DESC, 0, (VirtioSegment){UINT64_MAX - 15, 32}, D_INDIRECT);
    must_break(b, 0); /* a table that is not there */
    write_desc(b, DESC, 0, (VirtioSegment){UINT64_MAX - 3, 16}, link_to(D_NEXT, 1));
    write_desc(b, DESC, 1, any, D_WRITE);
    must_break(b, 0); /* a header that is not there */
    prepare(b, 0, 0, 512, true);
    write_desc(b, DESC, 2, (VirtioSegment){0x1000, 1}, D_WRITE);
    must_break(b, 0); /* a status that is not there */
    b->avail += NUM;  /* the index runs away */
    must_break(b, 0);
    prepare(b, 0, 0, 512, true); /* data that is not there: an error, not a breakdown */
    write_desc(b, DESC, 1, (VirtioSegment){RAM + RAM_SIZE - 256, 512},
               link_to(D_NEXT | D_WRITE, 2));
    offer(b, 0);
    kick(b);
    assert_int_equal(*at(b, DATA + 0x800), 1);
    assert_int_equal(get(b, STATUS), 0xf);
}

static void hostile_addresses(void **state)
{
    Bench *b = *state;
    static const uint32_t regs[3] = {0x80, 0x90, 0xa0};
    for (unsigned i = 0; i < 3; i++) {
        negotiate(b, FEATURES);
        set(b, 0x30, 0);
        set(b, 0x38, NUM);
        for (unsigned j = 0; j < 3; j++) {
            set(b, regs[j], (uint32_t)DESC + 0x1000 * j + (i == j)); /* misaligned */
        }
        set(b, 0x44, 1);
        assert_int_equal(get(b, 0x44), 0);
        assert_int_equal(get(b, STATUS), 0x4b);
    }
    for (unsigned i = 0; i < 3; i++) { /* nowhere */
        negotiate(b, FEATURES);
        set(b, 0x38, NUM);
        memset(at(b, DESC), 0, 0x3000);
        for (unsigned j = 0; j < 3; j++) {
            set(b, regs[j], i == j ? 0xfffffff0 : (uint32_t)DESC + 0x1000 * j);
            set(b, regs[j] + 4, i == j ? 0xffffffff : 0);
        }
        set(b, 0x44, 1);
        set(b, STATUS, 0xf);
        put16(b, DESC + 0x1002, 1);
        set(b, NOTIFY, 0);
        assert_int_equal(get(b, STATUS), 0x4f);
    }
}

/* Random rings, descriptors and buffers: every call must come back, without a sanitizer's word. */
static void random_rings(void **state)
{
    Bench *b = *state;
    BaseRandom random;
    base_random_seed(&random, 1);
    for (unsigned round = 0; round < 3000; round++) {
        start(b, 0, FEATURES | (round & 1 ? VIRTIO_F_EVENT_IDX : 0) | 1 << 14);
        for (unsigned i = 0; i < 2 * NUM; i++) {
            const uint64_t r = base_random_next(&random);
            const uint64_t place = r & 1 ? DESC + (r >> 8) % 0x6000 : DATA + (r >> 8) % 0x2000;
            const uint64_t addr = (r & 0x70) == 0 ? base_random_next(&random) : place;
            const uint32_t len = r & 4 ? (uint32_t)(r >> 40) % 0x600 : (uint32_t)(r >> 20);
            write_desc(b, i < NUM ? DESC : TABLE, i % NUM,
                       (VirtioSegment){addr, r & 2 ? 16 * (len % 40) : len},
                       link_to((unsigned)(r >> 32) & 7, (unsigned)(r >> 36) % (NUM + 1)));
        }
        for (unsigned i = 0; i < 4; i++) {
            const uint64_t r = base_random_next(&random);
            prepare(b, (uint32_t)r % 15, (r >> 8) % 70, (uint32_t)(r >> 20) % 2048, r >> 63);
            offer(b, (uint16_t)((r >> 33) % NUM));
            kick(b);
        }
        assert_int_equal(get(b, STATUS) & 0xf, 0xf);
    }
}

static void one_writer_or_many_readers(void **state)
{
    Bench *b = *state; /* has it open for writing */
    GError *error = NULL;
    assert_null(virtio_image_open(b->path, VIRTIO_IMAGE_RW, &error));
    assert_non_null(strstr(error->message, b->path));
    g_clear_error(&error);
    assert_null(virtio_image_open(b->path, VIRTIO_IMAGE_SNAPSHOT, &error));
    g_clear_error(&error);
}

static void many_readers(void **state)
{
    Bench *b = *state; /* has it open for reading */
    GError *error = NULL;
    VirtioImage *other = virtio_image_open(b->path, VIRTIO_IMAGE_SNAPSHOT, &error);
    assert_non_null(other);
    virtio_image_free(other);
    assert_null(virtio_image_open(b->path, VIRTIO_IMAGE_RW, &error));
    g_clear_error(&error);
}

static void image_errors(void **state)
{
    GError *error = NULL;
    assert_null(virtio_image_open("/nonexistent/disk", VIRTIO_IMAGE_RW, &error));
    assert_non_null(strstr(error->message, "/nonexistent/disk"));
    g_clear_error(&error);
    assert_null(virtio_image_open("/tmp", VIRTIO_IMAGE_RO, &error));
    assert_non_null(strstr(error->message, "/tmp"));
    g_clear_error(&error);
}

#define DISK(test) cmocka_unit_test_setup_teardown(test, disk_setup, disk_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slot_without_a_device),
        DISK(negotiation),
        DISK(reading_and_writing),
        DISK(ranges),
        DISK(write_errors),
        cmocka_unit_test_setup_teardown(read_only, disk_setup_ro, disk_teardown),
        cmocka_unit_test_setup_teardown(snapshot_keeps_writes_aside, disk_setup_snapshot,
                                        disk_teardown),
        DISK(any_layout),
        DISK(interrupt_suppression),
        DISK(hostile_rings),
        DISK(hostile_addresses),
        DISK(random_rings),
        cmocka_unit_test(image_errors),
        DISK(one_writer_or_many_readers),
        cmocka_unit_test_setup_teardown(many_readers, disk_setup_ro, disk_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
