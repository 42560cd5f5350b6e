/*
 * math/weights.c - the weights of a layer as one f32 matrix.
 */
#include "math/weights.h"

#include "core/error.h"

#include <stdlib.h>

/* W [out][in] from what is stored as [in][out]. */
static void transpose(float *to, const float *from, size_t out, size_t in) {
    enum { BLOCK = 32 };
    for (size_t i = 0; i < in; i += BLOCK) {
        for (size_t o = 0; o < out; o += BLOCK) {
            for (size_t a = i; a < in && a < i + BLOCK; a++) {
                for (size_t b = o; b < out && b < o + BLOCK; b++)
                    to[b * in + a] = from[a * out + b];
            }
        }
    }
}

int glimpse_linear_gather(float *out, const glimpse_linear_spec *spec) {
    size_t rows = spec->out / spec->parts;
    if (!spec->transposed) {
        for (size_t p = 0; p < spec->parts; p++)
            glimpse_numbers_to_f32(out + p * rows * spec->in, &spec->weights[p]);
        return GLIMPSE_OK;
    }
    size_t bytes = spec->in * spec->out * sizeof(float);
    float *stored = malloc(bytes);
    if (!stored) return glimpse_fail_nomem(bytes, "the weights of a layer");
    glimpse_numbers_to_f32(stored, &spec->weights[0]);
    transpose(out, stored, spec->out, spec->in);
    free(stored);
    return GLIMPSE_OK;
}
