/*
 * f16.c - half precision by integer arithmetic, and widening with F16C where the CPU has it.
 *
 * Storing happens once per picture, so only loading (a whole library when its vectors are rebuilt)
 * has a fast path.
 */
#include "f16.h"

#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
# include <immintrin.h>
# define HAVE_F16C_PATH 1
#endif

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

uint16_t glimpse_f16_from_f32(float value) {
    uint32_t bits = bits_of(value);
    uint32_t sign = bits >> 16 & 0x8000u;
    uint32_t magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) { /* NaN: the top of its payload, and quiet */
        return (uint16_t)(sign | 0x7e00u | (magnitude >> 13 & 0x1ffu));
    }
    if (magnitude >= 0x477ff000u) return (uint16_t)(sign | 0x7c00u); /* rounds to 65536 or more */
    if (magnitude < 0x38800000u) {                                   /* below 2^-14: subnormal */
        if (magnitude < 0x33000000u) return (uint16_t)sign;          /* below 2^-25: zero */
        /* The 24-bit significand m stands for m * 2^(e-150); the result counts units of 2^-24. */
        uint32_t exponent = magnitude >> 23; /* 102..112 */
        uint32_t significand = (magnitude & 0x7fffffu) | 0x800000u;
        uint32_t shift = 126 - exponent; /* 14..24 */
        uint32_t units = significand >> shift;
        uint32_t rest = significand & ((1u << shift) - 1), half = 1u << (shift - 1);
        if (rest > half || (rest == half && (units & 1))) units++;
        return (uint16_t)(sign | units); /* a carry ends in the smallest normal number: right */
    }
    /* Normal: rebias by 112, drop 13 bits; a carry out of the mantissa moves the exponent. */
    uint32_t half = (magnitude - (112u << 23)) >> 13;
    uint32_t rest = magnitude & 0x1fffu;
    if (rest > 0x1000u || (rest == 0x1000u && (half & 1))) half++;
    return (uint16_t)(sign | half);
}

float glimpse_f16_to_f32(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    uint32_t exponent = half >> 10 & 0x1fu, mantissa = half & 0x3ffu;
    if (exponent == 31) return float_of(sign | 0x7f800000u | mantissa << 13);
    if (exponent > 0) return float_of(sign | (exponent + 112) << 23 | mantissa << 13);
    /* Zero or subnormal: an integer times 2^-24, exact in f32. */
    float value = (float)mantissa * (1.0f / 16777216.0f);
    return float_of(sign | bits_of(value));
}

void glimpse_f16_store(uint8_t *bytes, const float *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint16_t half = glimpse_f16_from_f32(values[i]);
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
    if (__builtin_cpu_supports("f16c") && __builtin_cpu_supports("avx")) {
        done = load_f16c(values, bytes, count);
    }
#endif
    glimpse_f16_load_plain(values + done, bytes + 2 * done, count - done);
}
