/*
 * math/numbers.c - converts the numbers of weight files (f32, f16, bf16) to f32.
 */
#include "math/numbers.h"

#include "math/half.h"

#include <string.h>

void glimpse_numbers_to_f32(float *out, const glimpse_numbers *numbers) {
    const uint8_t *source = numbers->data;
    if (numbers->dtype == GLIMPSE_DTYPE_F32) {
        memcpy(out, source, numbers->count * sizeof *out);
        return;
    }
    if (numbers->dtype == GLIMPSE_DTYPE_F16) {
        glimpse_f16_load(out, source, numbers->count);
        return;
    }
    for (size_t i = 0; i < numbers->count; i++) {
        uint16_t value;
        memcpy(&value, source + 2 * i, sizeof value);
        out[i] = glimpse_bf16_to_f32(value);
    }
}
