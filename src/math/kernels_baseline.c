/*
 * math/kernels_baseline.c - the vector kernels for one instruction set; see kernels_simd.inc.
 */
#define KERNELS      glimpse_kernels_baseline
#define KERNELS_NAME "baseline"
#include "math/kernels_simd.inc"
