/*
 * math/kernels_avx2.c - the vector kernels for one instruction set; see kernels_simd.inc.
 */
#define KERNELS      glimpse_kernels_avx2
#define KERNELS_NAME "avx2"
#include "math/kernels.h"

extern const glimpse_kernels KERNELS;

#include <immintrin.h>

#define LANES_V       8
#define HAVE_LOAD_F16 1
#define HAVE_MADD     1

typedef short pairs_vector __attribute__((vector_size(32)));

static inline __m256 load_f16(const uint8_t *at) {
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)at));
}
typedef int32_t lanes_vector __attribute__((vector_size(32)));

static inline lanes_vector madd(pairs_vector a, pairs_vector b) {
    return (lanes_vector)_mm256_madd_epi16((__m256i)a, (__m256i)b);
}
static inline pairs_vector widen(const int8_t *at) {
    return (pairs_vector)_mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)at));
}

#include "math/kernels_simd.inc"
