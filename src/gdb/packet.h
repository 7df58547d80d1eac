/* Framing of gdb's remote protocol. GDB manual, "Remote Protocol: Overview". */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum { GDB_PACKET_MAX = 0x4000 }; /* payload of one packet */

typedef enum {
    GDB_IN_NOTHING,   /* more bytes are needed */
    GDB_IN_PACKET,    /* a whole packet */
    GDB_IN_BAD,       /* one with a wrong checksum, or too long: wants a '-' */
    GDB_IN_INTERRUPT, /* Ctrl-C */
} GdbInput;

/* Takes the first item off the front of `in`; its payload, unescaped, into `packet`. */
GdbInput gdb_packet_take(GByteArray *in, GString *packet);
/* The frame around a payload: escaped, with checksum. */
void gdb_packet_frame(const GString *payload, GString *out);

/* Hexadecimal, as the protocol writes bytes. */
void gdb_hex_append(GString *out, const void *bytes, size_t n);
/* n bytes from 2n digits at *at, which moves on; false: they are not there. */
bool gdb_hex_bytes(const char **at, void *to, size_t n);
/* A number at *at, which moves on; false: no digit, or above 64 bits. */
bool gdb_hex_number(const char **at, uint64_t *value);
