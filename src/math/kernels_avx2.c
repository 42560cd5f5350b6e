/*
 * math/kernels_avx2.c - the vector kernels for one instruction set; see kernels_simd.inc.
 */
#define KERNELS      glimpse_kernels_avx2
#define KERNELS_NAME "avx2"
#include "math/kernels.h"

extern const glimpse_kernels KERNELS;

#include <immintrin.h>

#define LANES_V         8
#define HAVE_LOAD_F16   1
#define HAVE_MADD       1
#define HAVE_PARTS      1
#define HAVE_EXTREMES   1
#define HAVE_TO_WHOLE   1
#define HAVE_NARROW     1
#define HAVE_BF16       1
#define HAVE_REDUCTIONS 1

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

/* kernels_vector.inc says what these do. */

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
typedef uint16_t halves_vector __attribute__((vector_size(16)));
static inline void store_part_u16(uint16_t *at, halves_vector v, size_t n) {
    uint16_t lanes[8];
    _mm_storeu_si128((__m128i *)(void *)lanes, (__m128i)v);
    for (size_t l = 0; l < n; l++)
        at[l] = lanes[l];
}
static inline __m256 keep_part(__m256 v, size_t n) {
    return _mm256_and_ps(v, _mm256_castsi256_ps(first(n)));
}
static inline __m256 larger(__m256 a, __m256 b) {
    return _mm256_max_ps(a, b);
}
static inline __m256 smaller(__m256 a, __m256 b) {
    return _mm256_min_ps(a, b);
}
static inline lanes_vector larger_whole(lanes_vector a, lanes_vector b) {
    return (lanes_vector)_mm256_max_epi32((__m256i)a, (__m256i)b);
}
static inline lanes_vector to_whole(__m256 x) {
    return (lanes_vector)_mm256_cvtps_epi32(x);
}
typedef int16_t shorts_vector __attribute__((vector_size(16)));
typedef int8_t bytes_vector __attribute__((vector_size(8)));
static inline shorts_vector narrow_16(lanes_vector numbers) {
    return (shorts_vector)_mm_packs_epi32(_mm256_castsi256_si128((__m256i)numbers),
                                          _mm256_extracti128_si256((__m256i)numbers, 1));
}
static inline bytes_vector narrow_8(lanes_vector numbers) {
    __m128i shorts = (__m128i)narrow_16(numbers);
    return (bytes_vector)_mm_cvtsi128_si64(_mm_packs_epi16(shorts, shorts));
}
static inline __m256i rounded_bf16(__m256 v) {
    const __m256i bits = _mm256_castps_si256(v);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i up = _mm256_add_epi32(_mm256_set1_epi32(0x7fff), odd);
    return _mm256_blendv_epi8(_mm256_add_epi32(bits, up),
                              _mm256_or_si256(bits, _mm256_set1_epi32(0x400000)),
                              _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q)));
}
static inline halves_vector upper_halves(__m256i bits) {
    const __m256i halves = _mm256_srli_epi32(bits, 16);
    return (halves_vector)_mm_packus_epi32(_mm256_castsi256_si128(halves),
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
static inline int32_t largest_whole_of(lanes_vector v) {
    __m128i four =
        _mm_max_epi32(_mm256_castsi256_si128((__m256i)v), _mm256_extracti128_si256((__m256i)v, 1));
    __m128i two = _mm_max_epi32(four, _mm_unpackhi_epi64(four, four));
    return _mm_cvtsi128_si32(_mm_max_epi32(two, _mm_shuffle_epi32(two, 1)));
}

#include "math/kernels_simd.inc"
