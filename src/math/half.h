/*
 * math/half.h - IEEE half (f16) and bfloat16 (bf16) to and from f32: weights, activations, and the
 * form in which embeddings are stored.
 *
 * f16 has 1 sign bit, 5 exponent bits (bias 15), 10 mantissa bits; bf16 is the upper half of an
 * f32. Widening is exact. Narrowing rounds to nearest, ties to even, subnormals included, as
 * PyTorch and the hardware do; NaN stays NaN; f16 overflow becomes infinity.
 */
#ifndef GLIMPSE_MATH_HALF_H
#define GLIMPSE_MATH_HALF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline float glimpse_float_from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t glimpse_bits_of_float(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float glimpse_bf16_to_f32(uint16_t value) {
    return glimpse_float_from_bits((uint32_t)value << 16);
}

static inline uint16_t glimpse_f32_to_bf16(float value) {
    uint32_t bits = glimpse_bits_of_float(value);
    /* A NaN whose payload sits in the low half must not round to infinity. */
    if ((bits & 0x7fffffffu) > 0x7f800000u) return (uint16_t)(bits >> 16 | 0x40u);
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

/* The f32 nearest to `value` that bf16 can hold. */
static inline float glimpse_round_to_bf16(float value) {
    return glimpse_bf16_to_f32(glimpse_f32_to_bf16(value));
}

static inline float glimpse_f16_to_f32(uint16_t value) {
    uint32_t sign = (uint32_t)(value & 0x8000u) << 16;
    uint32_t exponent = value >> 10 & 0x1fu;
    uint32_t mantissa = value & 0x3ffu;
    if (exponent == 0) {
        /* Zero or subnormal: mantissa x 2^-24, exact in f32. */
        float magnitude = (float)mantissa * 0x1p-24f;
        return glimpse_float_from_bits(glimpse_bits_of_float(magnitude) | sign);
    }
    if (exponent == 31) return glimpse_float_from_bits(sign | 0x7f800000u | mantissa << 13);
    return glimpse_float_from_bits(sign | (exponent + 112u) << 23 | mantissa << 13);
}

static inline uint16_t glimpse_f32_to_f16(float value) {
    uint32_t bits = glimpse_bits_of_float(value);
    uint32_t sign = bits >> 16 & 0x8000u;
    uint32_t magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) { /* NaN: the top of its payload, and quiet */
        return (uint16_t)(sign | 0x7e00u | (magnitude >> 13 & 0x1ffu));
    }
    if (magnitude >= 0x477ff000u) return (uint16_t)(sign | 0x7c00u); /* rounds to >= 65536 */
    if (magnitude < 0x38800000u) {
        /* Below 2^-14: adding 0.5 lines the mantissa up so that the FPU rounds it to 2^-24. */
        float shifted = glimpse_float_from_bits(magnitude) + 0.5f;
        return (uint16_t)(sign | (glimpse_bits_of_float(shifted) - 0x3f000000u));
    }
    uint32_t rounded = magnitude - 0x38000000u + 0xfffu + (magnitude >> 13 & 1u);
    return (uint16_t)(sign | rounded >> 13);
}

/* Rows of f16, little-endian and at any alignment: `bytes` [2 * count]. Loading uses the CPU's own
 * instruction where there is one; its _plain reference does the same with integers. */
void glimpse_f16_store(uint8_t *bytes, const float *values, size_t count);
void glimpse_f16_load(float *values, const uint8_t *bytes, size_t count);
void glimpse_f16_load_plain(float *values, const uint8_t *bytes, size_t count);

#endif
