/*
 * math/kernels/avx512.c - the vector kernels of simd.inc for AVX-512.
 */
#define KERNELS      glimpse_kernels_avx512
#define KERNELS_NAME "avx512"
#include "math/kernels/kernels.h"

extern const glimpse_kernels KERNELS;

#include <immintrin.h>

#define LANES_V         16
#define HAVE_LOAD_F16   1
#define HAVE_PARTS      1
#define HAVE_NARROW     1
#define HAVE_BF16       1
#define HAVE_RECIPROCAL 1
#define HAVE_REDUCTIONS 1

#define MM(name) _mm512_##name
#define MM_WHOLE __m512i
#include "math/kernels/lanes.inc"
#include "math/kernels/x86.inc"

static inline __m512 load_f16(const uint8_t *at) {
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)at));
}

static inline vp widen(const int8_t *at) {
    return (vp)_mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)at));
}

/* vector.inc says what these do. */

static inline __mmask16 first(size_t n) {
    return (__mmask16)((1u << n) - 1);
}
static inline __m512 load_part(const float *at, size_t n, float fill) {
    return _mm512_mask_loadu_ps(_mm512_set1_ps(fill), first(n), at);
}
static inline void store_part(float *at, __m512 v, size_t n) {
    _mm512_mask_storeu_ps(at, first(n), v);
}
static inline void store_part_u16(uint16_t *at, vh v, size_t n) {
    _mm256_mask_storeu_epi16(at, first(n), (__m256i)v);
}
static inline __m512 keep_part(__m512 v, size_t n) {
    return _mm512_maskz_mov_ps(first(n), v);
}
static inline vs narrow_16(vi numbers) {
    return (vs)_mm512_cvtepi32_epi16((__m512i)numbers);
}
static inline vc narrow_8(vi numbers) {
    return (vc)_mm512_cvtepi32_epi8((__m512i)numbers);
}
static inline __m512i rounded_bf16(__m512 v) {
    const __m512i bits = _mm512_castps_si512(v);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i up = _mm512_add_epi32(_mm512_set1_epi32(0x7fff), odd);
    return _mm512_mask_or_epi32(_mm512_add_epi32(bits, up), _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q),
                                bits, _mm512_set1_epi32(0x400000));
}
static inline vh upper_halves(__m512i bits) {
    return (vh)_mm512_cvtepi32_epi16(_mm512_srli_epi32(bits, 16));
}
/* 14 bits and one step of Newton's method; dividing takes as long as 16 multiplications. */
static inline __m512 reciprocal(__m512 x) {
    __m512 r = _mm512_rcp14_ps(x);
    return _mm512_fmadd_ps(r, _mm512_fnmadd_ps(x, r, _mm512_set1_ps(1.0f)), r);
}
static inline float sum_of(__m512 v) {
    return _mm512_reduce_add_ps(v);
}
static inline float largest_of(__m512 v) {
    return _mm512_reduce_max_ps(v);
}
static inline int32_t largest_whole_of(vi v) {
    return _mm512_reduce_max_epi32((__m512i)v);
}

#include "math/kernels/simd.inc"
