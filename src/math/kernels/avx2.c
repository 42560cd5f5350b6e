/*
 * math/kernels/avx2.c - the vector kernels of simd.inc for AVX2 and FMA.
 */
#define KERNELS      glimpse_kernels_avx2
#define KERNELS_NAME "avx2"
#include "math/kernels/kernels.h"

extern const glimpse_kernels KERNELS;

#include <immintrin.h>

#define LANES_V         8
#define HAVE_LOAD_F16   1
#define HAVE_PARTS      1
#define HAVE_NARROW     1
#define HAVE_BF16       1
#define HAVE_REDUCTIONS 1

#define MM(name) _mm256_##name
#define MM_WHOLE __m256i
#include "math/kernels/lanes.inc"
#include "math/kernels/x86.inc"

static inline __m256 load_f16(const uint8_t *at) {
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)at));
}

static inline vp widen(const int8_t *at) {
    return (vp)_mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)at));
}

/* vector.inc says what these do. */

static inline __m256i first(size_t n) {
    static const int32_t ones[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256((const __m256i *)(const void *)(ones + 8 - n));
}
static inline __m256 load_part(const float *at, size_t n, float fill) {
    __m256i mask = first(n);
    return _mm256_blendv_ps(_mm256_set1_ps(fill), _mm256_maskload_ps(at, mask),
                            _mm256_castsi256_ps(mask));
}
static inline void store_part(float *at, __m256 v, size_t n) {
    _mm256_maskstore_ps(at, first(n), v);
}
static inline void store_part_u16(uint16_t *at, vh v, size_t n) {
    uint16_t lanes[8];
    _mm_storeu_si128((__m128i *)(void *)lanes, (__m128i)v);
    for (size_t l = 0; l < n; l++)
        at[l] = lanes[l];
}
static inline __m256 keep_part(__m256 v, size_t n) {
    return _mm256_and_ps(v, _mm256_castsi256_ps(first(n)));
}
static inline vs narrow_16(vi numbers) {
    return (vs)_mm_packs_epi32(_mm256_castsi256_si128((__m256i)numbers),
                               _mm256_extracti128_si256((__m256i)numbers, 1));
}
static inline vc narrow_8(vi numbers) {
    __m128i shorts = (__m128i)narrow_16(numbers);
    return (vc)_mm_cvtsi128_si64(_mm_packs_epi16(shorts, shorts));
}
static inline __m256i rounded_bf16(__m256 v) {
    const __m256i bits = _mm256_castps_si256(v);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i up = _mm256_add_epi32(_mm256_set1_epi32(0x7fff), odd);
    return _mm256_blendv_epi8(_mm256_add_epi32(bits, up),
                              _mm256_or_si256(bits, _mm256_set1_epi32(0x400000)),
                              _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q)));
}
static inline vh upper_halves(__m256i bits) {
    const __m256i halves = _mm256_srli_epi32(bits, 16);
    return (vh)_mm_packus_epi32(_mm256_castsi256_si128(halves),
                                _mm256_extracti128_si256(halves, 1));
}
static inline float sum_of(__m256 v) {
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
static inline float largest_of(__m256 v) {
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}
static inline int32_t largest_whole_of(vi v) {
    __m128i four =
        _mm_max_epi32(_mm256_castsi256_si128((__m256i)v), _mm256_extracti128_si256((__m256i)v, 1));
    __m128i two = _mm_max_epi32(four, _mm_unpackhi_epi64(four, four));
    return _mm_cvtsi128_si32(_mm_max_epi32(two, _mm_shuffle_epi32(two, 1)));
}

#include "math/kernels/simd.inc"
