/*
 * math/kernels_baseline.c - the vector kernels for one instruction set; see kernels_simd.inc.
 */
#define KERNELS      glimpse_kernels_baseline
#define KERNELS_NAME "baseline"

#if defined(__SSE2__) && defined(__GNUC__)
# include <emmintrin.h>
# include <stdint.h>
# include <string.h>

# define HAVE_MADD 1

typedef short pairs_vector __attribute__((vector_size(16)));
typedef int32_t lanes_vector __attribute__((vector_size(16)));

static inline lanes_vector madd(pairs_vector a, pairs_vector b) {
    return (lanes_vector)_mm_madd_epi16((__m128i)a, (__m128i)b);
}
static inline pairs_vector widen(const int8_t *at) {
    __m128i bytes = _mm_loadl_epi64((const __m128i *)(const void *)at);
    return (pairs_vector)_mm_srai_epi16(_mm_unpacklo_epi8(bytes, bytes), 8);
}
#endif

#include "math/kernels_simd.inc"
