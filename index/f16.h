/*
 * f16.h - IEEE 754 half precision, the form in which embeddings are stored.
 *
 * 1 sign bit, 5 exponent bits (bias 15), 10 mantissa bits. Half the bytes of f32, and exact enough:
 * a component of a unit vector is off by at most 2^-11 of its value, a cosine by a few 1e-5.
 * Widening is exact; narrowing rounds to nearest, ties to even, subnormals included, overflow to
 * infinity; a NaN stays a NaN. The bytes on disk are little-endian.
 */
#ifndef GLIMPSE_INDEX_F16_H
#define GLIMPSE_INDEX_F16_H

#include <stddef.h>
#include <stdint.h>

uint16_t glimpse_f16_from_f32(float value);
float glimpse_f16_to_f32(uint16_t half);

/* `bytes` [2 * count], in the order on disk. The second one uses the CPU's own instruction where
 * there is one; the _plain twin does the same with integers (tests compare all 65536 values). */
void glimpse_f16_store(uint8_t *bytes, const float *values, size_t count);
void glimpse_f16_load(float *values, const uint8_t *bytes, size_t count);
void glimpse_f16_load_plain(float *values, const uint8_t *bytes, size_t count);

#endif
