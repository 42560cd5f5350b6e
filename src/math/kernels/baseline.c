/*
 * math/kernels/baseline.c - the vector kernels of simd.inc for every x86-64, and other processors.
 * another architecture.
 */
#define KERNELS      glimpse_kernels_baseline
#define KERNELS_NAME "baseline"

#if defined(__SSE2__) && defined(__GNUC__)
# include <emmintrin.h>
# include <stdint.h>
# include <string.h>

# define HAVE_MADD 1
# include "math/kernels/lanes.inc"

static inline vi madd(vp a, vp b) {
    return (vi)_mm_madd_epi16((__m128i)a, (__m128i)b);
}
static inline vp widen(const int8_t *at) {
    __m128i bytes = _mm_loadl_epi64((const __m128i *)(const void *)at);
    return (vp)_mm_srai_epi16(_mm_unpacklo_epi8(bytes, bytes), 8);
}
#endif

#include "math/kernels/simd.inc"
