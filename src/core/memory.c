/*
 * core/memory.c - asks the system for memory before a call that cannot fail without ending the
 * program.
 */
#include "core/memory.h"

#include "core/error.h"

#include <stddef.h>
#include <sys/mman.h>

int glimpse_memory_is_available(uint64_t bytes) {
    if (bytes > SIZE_MAX / 2) return 0;
    void *tried =
        mmap(NULL, (size_t)bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (tried == MAP_FAILED) return 0;
    (void)munmap(tried, (size_t)bytes);
    return 1;
}

int glimpse_memory_check(uint64_t bytes, const char *what) {
    if (glimpse_memory_is_available(bytes)) return GLIMPSE_OK;
    return glimpse_fail(GLIMPSE_E_NOMEM,
                        "out of memory (%s: about %llu MB of address space are needed, and less is "
                        "left; the limit of ulimit -v must be higher)",
                        what, (unsigned long long)((bytes + (1 << 20) - 1) >> 20));
}
