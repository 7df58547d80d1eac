/*
 * Copies and fills of guest memory that other vCPUs may be accessing: relaxed atomics of aligned
 * words, single bytes at the ends. Arm ARM, "Memory Copy and Memory Set instructions": the size of
 * the accesses is the implementation's choice.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * From the lowest address up (or from the highest down): with overlap, the copy is exact when the
 * target lies below (above) the source.
 */
void eng_host_copy_up(uint8_t *to, const uint8_t *from, size_t n);
void eng_host_copy_down(uint8_t *to, const uint8_t *from, size_t n);
void eng_host_fill(uint8_t *to, uint8_t byte, size_t n);
