/* The programs built into `armillary demo`: ELF files, assembled from the .s files here. */
#pragma once

#include <stddef.h>
#include <stdint.h>

extern const uint8_t vm_guest_hello[]; /* an EL1 program */
extern const size_t vm_guest_hello_size;
extern const uint8_t vm_guest_el2[]; /* a hypervisor at EL2 with that program as its guest */
extern const size_t vm_guest_el2_size;
