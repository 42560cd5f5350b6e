/*
 * model/patches.c - cuts a picture into the rows of a matrix, one for each patch.
 */
#include "model/patches.h"

void glimpse_cut_patches(const glimpse_math *math, const float *pixels, size_t side, size_t patch,
                         void *target) {
    size_t grid = side / patch, area = patch * patch * glimpse_element_size(math->element);
    uint8_t *out = target;
    for (size_t gy = 0; gy < grid; gy++) {
        for (size_t gx = 0; gx < grid; gx++) {
            for (size_t c = 0; c < 3; c++, out += area) {
                const float *from = pixels + (c * side + gy * patch) * side + gx * patch;
                math->kernels->convert_rows(out, patch, math->element, from, side, patch, patch,
                                            patch);
            }
        }
    }
}
