/*
 * math/kernels_avx512.c - the vector kernels for one instruction set; see kernels_simd.inc.
 */
#define KERNELS      glimpse_kernels_avx512
#define KERNELS_NAME "avx512"
#include "math/kernels.h"

extern const glimpse_kernels KERNELS;

#include "math/kernels_simd.inc"
