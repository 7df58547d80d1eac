/*
 * A memory-mapped device: a plain state struct, a table of 32-bit registers, and an update() that
 * recomputes outputs.
 * The table gives dispatch, trace names, guest-error reports and snapshots. All calls are made
 * with the device lock held.
 *
 * How to write one: state struct without pointers (it is saved as bytes), register rows, update()
 * that sets dev->lines and dev->alarm_ns from the state. update() runs after every write, every
 * read through a hook, reset, load and alarm.
 */
#pragma once

#include "armillary/clock.h"
#include "armillary/event.h"
#include "armillary/memory.h"

typedef struct HwDevice HwDevice;

typedef enum { HW_RO = 1, HW_WO = 2, HW_RW = 3 } HwAccess;

typedef struct {
    uint32_t offset;    /* bytes from the device base, multiple of 4 */
    const char *name;
    HwAccess access;
    uint16_t slot;      /* offsetof() a uint32_t in the state, or HW_NO_SLOT */
    uint16_t count;     /* that many registers in a row (slot counts on with them); 0 means 1 */
    uint32_t mask;      /* bits a guest write can change */
    uint32_t reset;     /* the slot's value at reset */
    /* NULL: the slot; i = index in the row */
    uint32_t (*read)(HwDevice *dev, unsigned i);
    void (*write)(HwDevice *dev, unsigned i, uint32_t value); /* NULL: into the slot under mask */
} HwReg;
#define HW_NO_SLOT UINT16_MAX

typedef struct {
    const char *name;
    uint32_t span;         /* bytes of address space, multiple of 4 */
    uint16_t state_size;   /* zeroed at reset, then the slots' reset values, then reset() */
    uint16_t state_version;
    const HwReg *regs;
    size_t n_regs;
    /* 8 bytes read at span - 0x20 (PeriphID0-3, PCellID0-3), or NULL */
    const uint8_t *primecell_id;
    void (*reset)(HwDevice *dev);  /* may be NULL */
    void (*update)(HwDevice *dev); /* may be NULL */
} HwDeviceClass;

/* An output wire's far end: interrupt controller input, GPIO pin. */
typedef struct {
    void (*set)(void *ctx, unsigned n, bool level);
    void *ctx;
    unsigned n;
} HwLine;

/* What a device may use of the machine. Borrowed; outlives the device. bus may be NULL. */
typedef struct {
    Mem *mem;
    EvClock *clock;
    EvBus *bus;
} HwEnv;

enum { HW_MAX_LINES = 8 };

struct HwDevice {
    const HwDeviceClass *cls;
    void *state;      /* cls->state_size bytes, saved in snapshots */
    void *wiring;     /* the device's own host side (callbacks), never saved */
    HwEnv env;
    uint64_t base;    /* guest physical address, 0 until mapped */
    uint32_t lines;   /* output levels, bit per line: set by update() */
    int64_t alarm_ns; /* guest time of the next update(), INT64_MAX none: set by update() */
    uint32_t driven;  /* levels last given to far_ends */
    HwLine far_ends[HW_MAX_LINES];
    EvAlarm *alarm;
    MemDeviceOps ops;
    uint16_t *index;  /* by offset / 4: row + 1, 0 = hole */
};

/* A device in reset state, not mapped. wiring is borrowed. Free with hw_device_free. */
HwDevice *hw_device_new(const HwDeviceClass *cls, const HwEnv *env, void *wiring);
void hw_device_free(HwDevice *dev);

/* Puts it into the physical address space; false when something is there already. */
bool hw_device_map(HwDevice *dev, Pa base);
void hw_device_connect(HwDevice *dev, unsigned line, HwLine far_end);

void hw_device_reset(HwDevice *dev);
/* Runs update() and drives lines and alarm: after any change of state from outside (input bytes,
 * loaded snapshot). */
void hw_device_update(HwDevice *dev);

/*
 * Register access of 1, 2, 4 or 8 bytes at an aligned offset, as the bus does it. A narrow read
 * takes its byte lanes of the 32-bit register; a narrow write puts zeros into the other lanes; 8
 * bytes are two registers. Holes read as zero and ignore writes (reported as a guest error):
 * always true.
 */
bool hw_device_read(void *dev, uint64_t offset, unsigned size, uint64_t *value);
bool hw_device_write(void *dev, uint64_t offset, unsigned size, uint64_t value);

int64_t hw_now_ns(HwDevice *dev);
/* Reports something odd the guest did; `what` must be static text. */
void hw_guest_error(HwDevice *dev, const char *what, uint64_t offset, uint64_t value);
