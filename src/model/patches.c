/*
 * model/patches.c - see patches.h.
 */
#include "model/patches.h"

void glimpse_cut_patches(const glimpse_math *math, const float *pixels, size_t side, size_t patch,
                         void *target) {
    size_t grid = side / patch, step = patch * glimpse_element_size(math->element);
    uint8_t *out = target;
    for (size_t gy = 0; gy < grid; gy++) {
        for (size_t gx = 0; gx < grid; gx++) {
            for (size_t c = 0; c < 3; c++) {
                for (size_t y = 0; y < patch; y++, out += step) {
                    const float *row = pixels + (c * side + gy * patch + y) * side + gx * patch;
                    math->kernels->convert(out, math->element, row, patch);
                }
            }
        }
    }
}
