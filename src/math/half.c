/*
 * math/half.c - rows of f16, with F16C where the CPU has it.
 *
 * Storing happens once per picture, so only loading (weights, or a whole library when its vectors
 * are rebuilt) has a fast path.
 */
#include "math/half.h"

#include "core/cpu.h"

#if defined(__x86_64__) && defined(__GNUC__)
# include <immintrin.h>
# define HAVE_F16C_PATH 1
#endif

void glimpse_f16_store(uint8_t *bytes, const float *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint16_t half = glimpse_f32_to_f16(values[i]);
        bytes[2 * i] = (uint8_t)(half & 0xff);
        bytes[2 * i + 1] = (uint8_t)(half >> 8);
    }
}

void glimpse_f16_load_plain(float *values, const uint8_t *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        values[i] = glimpse_f16_to_f32((uint16_t)(bytes[2 * i] | bytes[2 * i + 1] << 8));
    }
}

#ifdef HAVE_F16C_PATH
__attribute__((target("avx,f16c"))) static size_t load_f16c(float *values, const uint8_t *bytes,
                                                            size_t count) {
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        __m128i halves = _mm_loadu_si128((const __m128i *)(const void *)(bytes + 2 * i));
        _mm256_storeu_ps(values + i, _mm256_cvtph_ps(halves));
    }
    return i;
}
#endif

void glimpse_f16_load(float *values, const uint8_t *bytes, size_t count) {
    size_t done = 0;
#ifdef HAVE_F16C_PATH
    if (glimpse_cpu_has(GLIMPSE_CPU_F16C)) {
        done = load_f16c(values, bytes, count);
    }
#endif
    glimpse_f16_load_plain(values + done, bytes + 2 * done, count - done);
}
