/*
 * core/cpu.c - asks the CPU and the system which instructions may be used. The compilers' own
 * test also asks whether the system saves the registers; F16C, which clang's does not know, uses
 * those of AVX.
 */
#include "core/cpu.h"

#if defined(__x86_64__) && defined(__GNUC__)

# include <cpuid.h>
# include <stdatomic.h>

static int has_f16c(void) {
    enum { UNKNOWN = 0, NO, YES };
    static atomic_int known; /* CPUID takes microseconds in a virtual machine */
    int answer = atomic_load_explicit(&known, memory_order_relaxed);
    if (answer == UNKNOWN) {
        unsigned a, b, c, d;
        answer = __builtin_cpu_supports("avx") && __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C)
                     ? YES
                     : NO;
        atomic_store_explicit(&known, answer, memory_order_relaxed);
    }
    return answer == YES;
}

int glimpse_cpu_has(glimpse_cpu_set set) {
    switch (set) {
    case GLIMPSE_CPU_F16C: return has_f16c();
    case GLIMPSE_CPU_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
    case GLIMPSE_CPU_AVX512:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    }
    return 0;
}

#else

int glimpse_cpu_has(glimpse_cpu_set set) {
    (void)set;
    return 0;
}

#endif
