/*
 * math/kernels/kernels.c - choosing the kernels for the CPU at hand.
 */
#include "math/kernels/kernels.h"

#include "core/cpu.h"

#include <stdlib.h>
#include <string.h>

#ifdef GLIMPSE_X86_KERNELS
extern const glimpse_kernels glimpse_kernels_avx2;
extern const glimpse_kernels glimpse_kernels_avx512;
#endif

enum { MAX_TABLES = 5 };

const glimpse_kernels *const *glimpse_kernels_all(void) {
    /* Filled with the same values by whoever comes first; each thread has its own. */
    static _Thread_local const glimpse_kernels *tables[MAX_TABLES];
    size_t count = 0;
    tables[count++] = &glimpse_kernels_plain;
    tables[count++] = &glimpse_kernels_baseline;
#ifdef GLIMPSE_X86_KERNELS
    if (glimpse_cpu_has(GLIMPSE_CPU_AVX2)) tables[count++] = &glimpse_kernels_avx2;
    if (glimpse_cpu_has(GLIMPSE_CPU_AVX512)) tables[count++] = &glimpse_kernels_avx512;
#endif
    tables[count] = NULL;
    return tables;
}

const glimpse_kernels *glimpse_kernels_best(void) {
    const char *limit = getenv("GLIMPSE_CPU");
    const glimpse_kernels *best = &glimpse_kernels_baseline;
    for (const glimpse_kernels *const *table = glimpse_kernels_all() + 1; *table; table++) {
        best = *table;
        if (limit && strcmp(limit, best->name) == 0) break;
    }
    return best;
}
