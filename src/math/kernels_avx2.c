/*
 * math/kernels_avx2.c - the vector kernels for one instruction set; see kernels_simd.inc.
 */
#define KERNELS      glimpse_kernels_avx2
#define KERNELS_NAME "avx2"
#include "math/kernels.h"

extern const glimpse_kernels KERNELS;

#include "math/kernels_simd.inc"
