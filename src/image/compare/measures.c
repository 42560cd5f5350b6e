/*
 * image/compare/measures.c - what one look at the pixels says about a picture: too dark, blurred,
 * empty.
 *
 * Sharpness is the variance of the 4-neighbour Laplacian (Pech-Pacheco et al. 2000, "Diatom
 * autofocusing in brightfield microscopy"); colourfulness that of Hasler and Suesstrunk 2003,
 * "Measuring colourfulness in natural images", section 6. All are taken at one scale, because both
 * depend on it.
 */
#include <glimpse/sys/fingerprint.h>

#include "core/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LONG_SIDE = 256 };

static double percentile(const size_t histogram[256], size_t total, double share) {
    size_t below = 0;
    for (int i = 0; i < 256; i++) {
        below += histogram[i];
        if ((double)below >= share * (double)total) return i;
    }
    return 255;
}

static double laplacian_variance(const uint8_t *grey, size_t w, size_t h) {
    double sum = 0, squares = 0, count = 0;
    for (size_t y = 1; y + 1 < h; y++) {
        for (size_t x = 1; x + 1 < w; x++) {
            const uint8_t *p = grey + y * w + x;
            double value = p[-1] + p[1] + p[-(ptrdiff_t)w] + p[w] - 4 * p[0];
            sum += value, squares += value * value, count++;
        }
    }
    if (count == 0) return 0;
    double mean = sum / count, variance = squares / count - mean * mean;
    return variance > 0 ? variance : 0;
}

static void measure(glimpse_picture_measures *m, const glimpse_image *image, uint8_t *grey) {
    size_t w = glimpse_image_width(image), h = glimpse_image_height(image), n = w * h;
    const uint8_t *p = glimpse_image_pixels(image);
    size_t histogram[256] = {0}, coloured = 0;
    double sum = 0, squares = 0, rg = 0, yb = 0, rg2 = 0, yb2 = 0;
    for (size_t i = 0; i < n; i++, p += 3) {
        int r = p[0], g = p[1], b = p[2], y = (299 * r + 587 * g + 114 * b + 500) / 1000;
        grey[i] = (uint8_t)y;
        histogram[y]++;
        sum += y, squares += (double)(y * y);
        double red_green = r - g, yellow_blue = 0.5 * (r + g) - b;
        rg += red_green, rg2 += red_green * red_green;
        yb += yellow_blue, yb2 += yellow_blue * yellow_blue;
        coloured += abs(r - g) > 4 || abs(g - b) > 4 || abs(r - b) > 4;
    }
    double count = (double)n, variance = squares / count - sum / count * (sum / count);
    m->mean = sum / count;
    m->deviation = sqrt(variance > 0 ? variance : 0);
    m->low = percentile(histogram, n, 0.01);
    m->high = percentile(histogram, n, 0.99);
    for (int i = 0; i < 256; i++) {
        double share = (double)histogram[i] / count;
        if (share > 0) m->entropy -= share * log2(share);
    }
    double v = rg2 / count - rg / count * (rg / count) + yb2 / count - yb / count * (yb / count);
    m->colourfulness = sqrt(v > 0 ? v : 0) + 0.3 * hypot(rg / count, yb / count);
    m->grey = coloured == 0;
    m->sharpness = laplacian_variance(grey, w, h);
}

int glimpse_picture_measure(glimpse_picture_measures *measures, const glimpse_image *image) {
    glimpse_image *small = NULL;
    int status = GLIMPSE_OK;
    memset(measures, 0, sizeof *measures);
    double w = glimpse_image_width(image), h = glimpse_image_height(image);
    double longest = w > h ? w : h, shortest = w > h ? h : w;
    measures->aspect = longest / shortest;
    if (longest > LONG_SIDE) {
        uint32_t small_w = (uint32_t)lround(w * LONG_SIDE / longest);
        uint32_t small_h = (uint32_t)lround(h * LONG_SIDE / longest);
        status = glimpse_image_resize(&small, image, small_w > 0 ? small_w : 1,
                                      small_h > 0 ? small_h : 1, GLIMPSE_RESAMPLE_BILINEAR);
        if (status < 0) return status;
        image = small;
    }
    size_t n = (size_t)glimpse_image_width(image) * glimpse_image_height(image);
    uint8_t *grey = malloc(n);
    if (grey) {
        measure(measures, image, grey);
    } else {
        status = glimpse_fail_nomem(n, "a small picture");
    }
    free(grey);
    glimpse_image_free(small);
    return status;
}
