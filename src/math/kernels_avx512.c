/*
 * math/kernels_avx512.c - the vector kernels for one instruction set; see kernels_simd.inc.
 */
#define KERNELS      glimpse_kernels_avx512
#define KERNELS_NAME "avx512"
#include "math/kernels.h"

extern const glimpse_kernels KERNELS;

#include <immintrin.h>

#define LANES_V       16
#define HAVE_LOAD_F16 1
#define HAVE_MADD     1

typedef short pairs_vector __attribute__((vector_size(64)));

static inline __m512 load_f16(const uint8_t *at) {
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)at));
}
typedef int32_t lanes_vector __attribute__((vector_size(64)));

static inline lanes_vector madd(pairs_vector a, pairs_vector b) {
    return (lanes_vector)_mm512_madd_epi16((__m512i)a, (__m512i)b);
}
static inline pairs_vector widen(const int8_t *at) {
    return (pairs_vector)_mm512_cvtepi8_epi16(
        _mm256_loadu_si256((const __m256i *)(const void *)at));
}

#include "math/kernels_simd.inc"
