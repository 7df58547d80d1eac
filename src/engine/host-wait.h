/*
 * Sleeping on a word of memory: the host's futex.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

/* Sleeps while *word is `value`, at most timeout_ns (INT64_MAX: for ever). May return early. */
void eng_host_wait(_Atomic(uint32_t) *word, uint32_t value, int64_t timeout_ns);
void eng_host_wake(_Atomic(uint32_t) *word);
