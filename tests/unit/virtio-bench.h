/* A virtio-mmio device on a bench: memory, an interrupt line, and what a driver does. VIRTIO 1.2, "Virtio Over MMIO". */
#pragma once

#include <stdint.h>

#include "virtio/virtio.h"

#define RAM UINT64_C(0x40000000)
enum { RAM_SIZE = 0x100000 };
/* Where the test keeps its rings and buffers. */
#define DESC (RAM + 0x0)
#define AVAIL (RAM + 0x2000)
#define USED (RAM + 0x3000)
#define TABLE (RAM + 0x4000)
#define DATA (RAM + 0x10000)
enum { NUM = 16, SECTORS = 64 };
enum { D_NEXT = 1, D_WRITE = 2, D_INDIRECT = 4 };
enum { STATUS = 0x70, NOTIFY = 0x50, INT_STATUS = 0x60, INT_ACK = 0x64 };
#define FEATURES (VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC)

typedef struct {
    Mem *mem;
    EvClock *clock;
    HwDevice *dev;
    uint8_t *ram;
    bool line;
    unsigned edges;
    uint16_t avail; /* driver's indices of the queue in use */
    uint32_t queue;
    char path[64];
    char out[256];
    size_t n_out;
    unsigned asks;
} Bench;

Bench *bench_new(VirtioDevice *d);
void bench_free(Bench *b);
uint32_t get(Bench *b, uint32_t offset);
void set(Bench *b, uint32_t offset, uint32_t value);
uint8_t *at(Bench *b, uint64_t pa);
void put16(Bench *b, uint64_t pa, uint16_t v);
uint16_t get16(Bench *b, uint64_t pa);
void write_desc(Bench *b, uint64_t table, unsigned i, VirtioSegment s, uint32_t flags_next);
uint32_t link_to(unsigned flags, unsigned next);
void negotiate(Bench *b, uint64_t features);
void start(Bench *b, uint32_t queue, uint64_t features);
void offer(Bench *b, uint16_t head);
void kick(Bench *b);
uint32_t used_length(Bench *b, uint32_t head);
