/*
 * numbers.h - numbers that look random and are the same in every run, and comparing floats.
 */
#ifndef GLIMPSE_TESTS_NUMBERS_H
#define GLIMPSE_TESTS_NUMBERS_H

#include "support/test.h"

/* 64 bits; *state must not be 0 (xorshift64*). */
uint64_t next_random(uint64_t *state);
/* 0 <= result < end. */
size_t random_below(uint64_t *state, size_t end);
/* low <= result < high; any *state will do. */
float uniform(uint64_t *state, float low, float high);
void fill_uniform(float *numbers, size_t count, uint64_t *state, float low, float high);

/* Every entry of `a` is within `tolerance` of that of `b`; NaN is near to nothing. */
void assert_floats_near(const float *a, const float *b, size_t count, double tolerance);

/* Of two vectors of any length. */
double cosine(const float *a, const float *b, size_t count);
/* The least dot product of corresponding rows: their cosine, where they have length 1. */
double min_dot(const float *a, const float *b, size_t rows, size_t width);

/* FNV-1a, 64 bits. */
uint64_t fnv1a(const void *data, size_t size);

#endif
