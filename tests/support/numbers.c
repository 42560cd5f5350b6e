/*
 * numbers.c - makes numbers that look random, and compares floats.
 */
#include "support/numbers.h"

#include <math.h>

uint64_t next_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

size_t random_below(uint64_t *state, size_t end) {
    return (size_t)(next_random(state) % end);
}

float uniform(uint64_t *state, float low, float high) {
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return low + (high - low) * (float)(*state >> 40) / 16777216.0f;
}

void fill_uniform(float *numbers, size_t count, uint64_t *state, float low, float high) {
    for (size_t i = 0; i < count; i++)
        numbers[i] = uniform(state, low, high);
}

void assert_floats_near(const float *a, const float *b, size_t count, double tolerance) {
    for (size_t i = 0; i < count; i++) {
        if (!(fabs((double)a[i] - (double)b[i]) <= tolerance))
            fail_msg("entry %zu: %.9g and %.9g", i, (double)a[i], (double)b[i]);
    }
}

double cosine(const float *a, const float *b, size_t count) {
    double dot = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < count; i++) {
        dot += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    return dot / sqrt(aa * bb);
}

double min_dot(const float *a, const float *b, size_t rows, size_t width) {
    double min = 1;
    for (size_t i = 0; i < rows; i++) {
        double dot = 0;
        for (size_t j = 0; j < width; j++)
            dot += (double)a[i * width + j] * (double)b[i * width + j];
        if (!(dot >= min)) min = dot;
    }
    return min;
}

uint64_t fnv1a(const void *data, size_t size) {
    const uint8_t *p = data;
    uint64_t value = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < size; i++)
        value = (value ^ p[i]) * UINT64_C(0x100000001b3);
    return value;
}
