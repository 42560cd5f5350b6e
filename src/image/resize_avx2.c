/*
 * image/resize_avx2.c - the resampling kernels for AVX2.
 *
 * The products need 22-bit weights times 8-bit samples, exactly. The widest cheap multiply
 * (vpmaddwd) takes 16 bits, so each weight comes in two halves, w = high * 2^15 + low, with a sum
 * for each; (sum_high << 15) + sum_low is the 32-bit sum of the portable kernel, whatever wraps in
 * between. vpmaddwd also adds neighbours, so the samples of two taps are put side by side.
 */
#include "core/cpu.h"
#include "image/resize.h"

#if defined(__x86_64__) && defined(__GNUC__)

# include <immintrin.h>
# include <string.h>

enum { PRECISION = GLIMPSE_RESIZE_PRECISION, HALF = 1 << (PRECISION - 1) };

static inline uint8_t clip(int32_t sum) {
    const int32_t value = sum >> PRECISION;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* Four taps per step: 12 bytes r0 g0 b0 r1 .. b3 become, as 16-bit lanes,
 *     r0 r1 g0 g1 b0 b1 0 0 | r2 r3 g2 g3 b2 b3 0 0
 * and are multiplied by w0 w1 w0 w1 .. | w2 w3 w2 w3 .. */
__attribute__((target("avx2"))) static void horizontal_avx2(uint8_t *to, const uint8_t *from,
                                                            size_t from_pixels,
                                                            const glimpse_weights *weights) {
    const __m256i spread =
        _mm256_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1, /* taps 0, 1 */
                         6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1);
    const __m256i pairs = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
    const size_t row_bytes = from_pixels * 3;
    for (size_t o = 0; o < weights->count; o++, to += 3) {
        const size_t base = o * weights->stride, taps = weights->taps[o];
        const int16_t *high = weights->high + base, *low = weights->low + base;
        size_t at = (size_t)weights->start[o] * 3, i = 0;
        __m256i sum_high = _mm256_setzero_si256(), sum_low = sum_high;
        /* A load takes 16 bytes and must stay inside the row; weights behind the taps are 0. */
        for (; i < taps && at + 16 <= row_bytes; i += 4, at += 12) {
            const __m256i bytes =
                _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(from + at)));
            const __m256i samples = _mm256_shuffle_epi8(bytes, spread);
            const __m256i h = _mm256_permutevar8x32_epi32(
                _mm256_castsi128_si256(_mm_loadl_epi64((const __m128i *)(high + i))), pairs);
            const __m256i l = _mm256_permutevar8x32_epi32(
                _mm256_castsi128_si256(_mm_loadl_epi64((const __m128i *)(low + i))), pairs);
            sum_high = _mm256_add_epi32(sum_high, _mm256_madd_epi16(samples, h));
            sum_low = _mm256_add_epi32(sum_low, _mm256_madd_epi16(samples, l));
        }
        const __m256i both = _mm256_add_epi32(_mm256_slli_epi32(sum_high, 15), sum_low);
        const __m128i sums =
            _mm_add_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
        int32_t sum[4];
        _mm_storeu_si128((__m128i *)sum, sums);
        for (; i < taps; i++, at += 3) { /* the last pixels of the row */
            const int32_t value = weights->values[base + i];
            for (int c = 0; c < 3; c++)
                sum[c] += value * from[at + (size_t)c];
        }
        for (int c = 0; c < 3; c++)
            to[c] = clip(sum[c] + HALF);
    }
}

/* Sums of eight columns for a pair of taps whose samples lie side by side in `samples`. */
__attribute__((target("avx2"))) static inline void add_pair(__m256i *sum_high, __m256i *sum_low,
                                                            __m128i samples, __m256i high,
                                                            __m256i low) {
    const __m256i wide = _mm256_cvtepu8_epi16(samples);
    *sum_high = _mm256_add_epi32(*sum_high, _mm256_madd_epi16(wide, high));
    *sum_low = _mm256_add_epi32(*sum_low, _mm256_madd_epi16(wide, low));
}

__attribute__((target("avx2"))) static inline __m256i finish(__m256i sum_high, __m256i sum_low) {
    const __m256i sum = _mm256_add_epi32(_mm256_slli_epi32(sum_high, 15), sum_low);
    return _mm256_srai_epi32(_mm256_add_epi32(sum, _mm256_set1_epi32(HALF)), PRECISION);
}

__attribute__((target("avx2"))) static void vertical_avx2(uint8_t *to, const uint8_t *from,
                                                          size_t stride,
                                                          const glimpse_weights *weights, size_t o,
                                                          size_t bytes) {
    const size_t base = o * weights->stride, taps = weights->taps[o];
    const int16_t *high = weights->high + base, *low = weights->low + base;
    size_t x = 0;
    for (; x + 16 <= bytes; x += 16) {
        __m256i high_left = _mm256_setzero_si256(), low_left = high_left;
        __m256i high_right = high_left, low_right = high_left;
        for (size_t t = 0; t < taps; t += 2) {
            const uint8_t *p = from + t * stride + x;
            /* Without a partner the last row stands beside itself, with weight 0. */
            const uint8_t *q = t + 1 < taps ? p + stride : p;
            const __m128i a = _mm_loadu_si128((const __m128i *)p);
            const __m128i b = _mm_loadu_si128((const __m128i *)q);
            int32_t pair_high, pair_low;
            memcpy(&pair_high, high + t, sizeof pair_high);
            memcpy(&pair_low, low + t, sizeof pair_low);
            const __m256i h = _mm256_set1_epi32(pair_high), l = _mm256_set1_epi32(pair_low);
            add_pair(&high_left, &low_left, _mm_unpacklo_epi8(a, b), h, l);
            add_pair(&high_right, &low_right, _mm_unpackhi_epi8(a, b), h, l);
        }
        /* Saturating packs are the clipping. They work within 128-bit halves: put in order. */
        const __m256i left = finish(high_left, low_left), right = finish(high_right, low_right);
        const __m256i words =
            _mm256_permute4x64_epi64(_mm256_packs_epi32(left, right), _MM_SHUFFLE(3, 1, 2, 0));
        const __m128i packed =
            _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
        _mm_storeu_si128((__m128i *)(to + x), packed);
    }
    for (; x < bytes; x++) {
        int32_t sum = HALF;
        for (size_t t = 0; t < taps; t++)
            sum += weights->values[base + t] * from[t * stride + x];
        to[x] = clip(sum);
    }
}

static const glimpse_resize_kernels avx2 = {"avx2", horizontal_avx2, vertical_avx2};

const glimpse_resize_kernels *glimpse_resize_avx2(void) {
    return glimpse_cpu_has(GLIMPSE_CPU_AVX2) ? &avx2 : NULL;
}

#else

const glimpse_resize_kernels *glimpse_resize_avx2(void) {
    return NULL;
}

#endif
