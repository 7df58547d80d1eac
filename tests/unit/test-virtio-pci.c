/* The PCI host and virtio-pci, driven as a driver would: PCI Local Bus 3.0, VIRTIO 1.2 "Virtio Over PCI Bus". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "virtio/rng.h"
#include "virtio/virtio-pci.h"

#define RAM UINT64_C(0x40000000)
#define WINDOW UINT64_C(0x10000000)
#define BAR UINT64_C(0x10020000)
#define FUNCTION (UINT64_C(1) << 15) /* 00:01.0 */
enum { RAM_SIZE = 0x10000, DESC = 0, AVAIL = 0x1000, USED = 0x2000, DATA = 0x3000 };
enum { COMMAND = 4, BAR0 = 0x10, CAPABILITIES = 0x34, MEMORY = 2, MASTER = 4 };
enum { MSIX_ENABLE = 0x8000, MSIX_MASK_ALL = 0x4000, NONE = 0xffff };

typedef struct {
    Mem *mem;
    EvClock *clock;
    BaseRandom random;
    VirtioDevice *device;
    HwDevice *dev;
    VirtioPci *pci;
    PciHost *host;
    unsigned messages;
    uint32_t requester, data, msix; /* msix: offset of the capability */
    uint64_t address, area[6];      /* area: where each structure is, by cfg_type */
} Bench;

static void take_message(void *ctx, uint32_t requester, uint64_t address, uint32_t data)
{
    Bench *b = ctx;
    b->messages++;
    b->requester = requester;
    b->address = address;
    b->data = data;
}

static uint64_t config(Bench *b, uint64_t offset, unsigned size)
{
    uint64_t value;
    pci_ecam_ops.read(b->host, offset, size, &value);
    return value;
}

static uint64_t get(Bench *b, uint64_t address, unsigned size)
{
    uint64_t value;
    pci_bar_ops.read(b->host, address - WINDOW, size, &value);
    return value;
}

static void set(Bench *b, uint64_t address, unsigned size, uint64_t value)
{
    pci_bar_ops.write(b->host, address - WINDOW, size, value);
}

static void set_config(Bench *b, uint32_t offset, unsigned size, uint64_t value)
{
    pci_ecam_ops.write(b->host, FUNCTION + offset, size, value);
}

static int setup(void **state)
{
    Bench *b = calloc(1, sizeof *b);
    b->mem = mem_new();
    assert_true(mem_add_ram(b->mem, "ram", (Pa){RAM}, RAM_SIZE, MEM_RAM));
    b->clock = ev_clock_new(true);
    base_random_seed(&b->random, 1);
    b->device = virtio_rng_new(&b->random);
    const HwEnv env = {.mem = b->mem, .clock = b->clock};
    b->dev = hw_device_new(virtio_mmio_class(), &env, b->device);
    b->pci = virtio_pci_new(b->dev);
    b->host = pci_host_new((PciMessages){take_message, b});
    pci_host_set_window(b->host, WINDOW);
    assert_true(pci_host_add(b->host, virtio_pci_function(b->pci)));
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    Bench *b = *state;
    pci_host_free(b->host);
    virtio_pci_free(b->pci);
    hw_device_free(b->dev);
    virtio_rng_free(b->device);
    ev_clock_free(b->clock);
    mem_free(b->mem);
    free(b);
    return 0;
}

static void nobody(void **state)
{
    Bench *b = *state;
    assert_int_equal(config(b, 0, 4), UINT32_MAX);                 /* 00:00.0 */
    assert_int_equal(config(b, FUNCTION + 0x1000, 2), UINT16_MAX); /* 00:01.1 */
    assert_int_equal(config(b, FUNCTION + (1 << 20), 4), UINT32_MAX);
    assert_true(config(b, 0, 8) == UINT64_MAX);
    assert_int_equal(get(b, BAR, 4), UINT32_MAX);
    set(b, BAR, 4, 1);
    pci_ecam_ops.write(b->host, 0, 4, 1);
    assert_int_equal(config(b, FUNCTION + 0x100, 4), 0); /* no extended capabilities */
}

static void identity_and_bar(void **state)
{
    Bench *b = *state;
    assert_int_equal(config(b, FUNCTION, 4), 0x10441af4);
    assert_int_equal(config(b, FUNCTION + 8, 4), 0x00ff0001); /* class 00ff00, revision 1 */
    assert_int_equal(config(b, FUNCTION + 0xe, 1), 0);        /* type 0, one function */
    assert_int_equal(config(b, FUNCTION + 0x3d, 1), 0);       /* no interrupt pin */
    set_config(b, 0, 4, 0);
    assert_int_equal(config(b, FUNCTION, 4), 0x10441af4);
    set_config(b, BAR0, 4, UINT32_MAX);
    assert_int_equal(config(b, FUNCTION + BAR0, 4), 0xffff8000); /* 32 KiB of memory */
    set_config(b, BAR0 + 4, 4, UINT32_MAX);
    assert_int_equal(config(b, FUNCTION + BAR0 + 4, 4), 0);
    set_config(b, BAR0, 4, BAR);
    assert_int_equal(get(b, BAR + 0x12, 2), UINT16_MAX); /* not decoded yet */
    set_config(b, COMMAND, 2, MEMORY);
    assert_int_equal(get(b, BAR + 0x12, 2), 1); /* num_queues */
    assert_int_equal(get(b, BAR + 0x8012, 2), UINT16_MAX);
}

/* Walks the capabilities, as a driver does. */
static void find_structures(Bench *b)
{
    set_config(b, BAR0, 4, BAR);
    set_config(b, COMMAND, 2, MEMORY | MASTER);
    unsigned n = 0;
    for (uint64_t at = config(b, FUNCTION + CAPABILITIES, 1); at; n++) {
        const uint64_t id = config(b, FUNCTION + at, 1);
        assert_true(n < 20 && at >= 0x40 && at % 4 == 0);
        if (id == 0x11) {
            b->msix = (uint32_t)at;
        } else {
            assert_int_equal(id, 9);
            assert_int_equal(config(b, FUNCTION + at + 4, 1), 0); /* BAR 0 */
            b->area[config(b, FUNCTION + at + 3, 1)] = BAR + config(b, FUNCTION + at + 8, 4);
        }
        at = config(b, FUNCTION + at + 1, 1);
    }
    assert_true(b->msix && b->area[1] && b->area[2] && b->area[3] && b->area[4]);
}

static void write_ram(Bench *b, uint64_t offset, unsigned size, uint64_t value)
{
    assert_true(mem_copy_to(b->mem, (Pa){RAM + offset}, &value, size));
}

/* One queue of 16, vector 1; one request of 64 bytes is in the ring. */
static void start(Bench *b)
{
    const uint64_t c = b->area[1];
    set(b, c + 0x14, 1, 0);
    set(b, c + 0x14, 1, 3);
    set(b, c + 0x00, 4, 1);
    assert_int_equal(get(b, c + 0x04, 4), 1); /* VIRTIO_F_VERSION_1 */
    set(b, c + 0x08, 4, 1);
    set(b, c + 0x0c, 4, 1);
    set(b, c + 0x14, 1, 0xb);
    assert_int_equal(get(b, c + 0x14, 1), 0xb);
    set(b, c + 0x10, 2, 0);
    set(b, c + 0x16, 2, 0);
    assert_int_equal(get(b, c + 0x18, 2), 256);
    set(b, c + 0x18, 2, 16);
    assert_int_equal(get(b, c + 0x1a, 2), NONE);
    set(b, c + 0x1a, 2, 1);
    assert_int_equal(get(b, c + 0x1a, 2), 1);
    set(b, c + 0x20, 8, RAM + DESC);
    set(b, c + 0x28, 4, RAM + AVAIL);
    set(b, c + 0x2c, 4, 0);
    set(b, c + 0x30, 8, RAM + USED);
    assert_true(get(b, c + 0x30, 8) == RAM + USED);
    set(b, c + 0x1c, 2, 1);
    assert_int_equal(get(b, c + 0x1c, 2), 1);
    set(b, c + 0x14, 1, 0xf);
    write_ram(b, DESC, 8, RAM + DATA);
    write_ram(b, DESC + 8, 4, 64);
    write_ram(b, DESC + 12, 4, 2); /* WRITE */
}

static void request(Bench *b, uint16_t n)
{
    write_ram(b, AVAIL + 2, 2, n);
    set(b, b->area[2], 2, 0);
    uint16_t used;
    assert_true(mem_copy_from(b->mem, &used, (Pa){RAM + USED + 2}, 2));
    assert_int_equal(used, n);
}

static void set_vector(Bench *b, unsigned v, uint64_t address, uint32_t data, uint32_t control)
{
    set(b, BAR + PCI_MSIX_TABLE + 16 * v, 8, address);
    set(b, BAR + PCI_MSIX_TABLE + 16 * v + 8, 4, data);
    set(b, BAR + PCI_MSIX_TABLE + 16 * v + 12, 4, control);
}

static void messages(void **state)
{
    Bench *b = *state;
    find_structures(b);
    assert_int_equal(config(b, FUNCTION + b->msix + 2, 2), PCI_VECTORS - 1);
    assert_int_equal(get(b, BAR + PCI_MSIX_TABLE + 16 + 12, 4), 1); /* masked after reset */
    set_config(b, b->msix + 2, 2, MSIX_ENABLE);
    set_vector(b, 1, UINT64_C(0x123456789), 77, 0);
    start(b);
    request(b, 1);
    assert_int_equal(b->messages, 1);
    assert_true(b->address == UINT64_C(0x123456789));
    assert_int_equal(b->data, 77);
    assert_int_equal(b->requester, 8);
    request(b, 2);
    assert_int_equal(b->messages, 2); /* nobody acknowledges messages */
    set_vector(b, 1, UINT64_C(0x123456789), 78, 1);
    request(b, 3);
    assert_int_equal(b->messages, 2);
    assert_int_equal(get(b, BAR + PCI_MSIX_PENDING, 4), 2);
    set(b, BAR + PCI_MSIX_TABLE + 16 + 12, 4, 0);
    assert_int_equal(b->messages, 3);
    assert_int_equal(b->data, 78);
    assert_int_equal(get(b, BAR + PCI_MSIX_PENDING, 8), 0);
    set_config(b, b->msix + 2, 2, MSIX_ENABLE | MSIX_MASK_ALL);
    request(b, 4);
    request(b, 5);
    assert_int_equal(b->messages, 3);
    set_config(b, b->msix + 2, 2, MSIX_ENABLE);
    assert_int_equal(b->messages, 4); /* once */
    set_config(b, COMMAND, 2, MEMORY);
    request(b, 6);
    assert_int_equal(b->messages, 4); /* not a bus master */
    set_config(b, COMMAND, 2, MEMORY | MASTER);
    assert_int_equal(b->messages, 5);
    set(b, b->area[1] + 0x1a, 2, PCI_VECTORS);
    assert_int_equal(get(b, b->area[1] + 0x1a, 2), NONE);
    request(b, 7);
    assert_int_equal(b->messages, 5);
    set(b, b->area[1] + 0x14, 1, 0); /* reset */
    assert_int_equal(get(b, b->area[1] + 0x10, 2), NONE);
    assert_int_equal(get(b, b->area[1] + 0x1c, 2), 0);
}

static void without_messages(void **state)
{
    Bench *b = *state;
    find_structures(b);
    start(b);
    request(b, 1);
    assert_int_equal(b->messages, 0);
    assert_int_equal(get(b, b->area[3], 1), 1); /* ISR: a queue */
    assert_int_equal(get(b, b->area[3], 1), 0); /* reading took it */
    request(b, 2);
    set_vector(b, 1, RAM, 5, 0);
    set_config(b, b->msix + 2, 2, MSIX_ENABLE); /* what waited is told */
    assert_int_equal(b->messages, 1);
}

static void queue_that_is_not_there(void **state)
{
    Bench *b = *state;
    find_structures(b);
    const uint64_t c = b->area[1];
    set(b, c + 0x16, 2, 7);
    assert_int_equal(get(b, c + 0x18, 2), 0);
    assert_int_equal(get(b, c + 0x1a, 2), NONE);
    for (unsigned at = 0x18; at < 0x38; at += 4) {
        set(b, c + at, 4, 1);
        assert_int_equal(get(b, c + at, 4) & ~(uint64_t)NONE, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(identity_and_bar, setup, teardown),
        cmocka_unit_test_setup_teardown(messages, setup, teardown),
        cmocka_unit_test_setup_teardown(without_messages, setup, teardown),
        cmocka_unit_test_setup_teardown(queue_that_is_not_there, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
