/* Guest memory for tests of parts that never reach it: there is none. */
#include "armillary/memory.h"

bool mem_copy_from(Mem *m, void *dst, Pa src, size_t n)
{
    return false;
}

bool mem_copy_to(Mem *m, Pa dst, const void *src, size_t n)
{
    return false;
}
