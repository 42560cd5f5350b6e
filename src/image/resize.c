/*
 * image/resize.c - Pillow's resampling: weights, the plain reference, the fast region.
 *
 * resize.h has the arithmetic. The fast path differs from the plain one only in what it leaves
 * out: columns and rows outside the region, and input rows that no surviving output row needs.
 */
#include "image/resize.h"

#include "core/error.h"
#include "image/picture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PRECISION = GLIMPSE_RESIZE_PRECISION };

static double filter_value(glimpse_resample filter, double x) {
    if (x < 0.0) x = -x;
    if (filter == GLIMPSE_RESAMPLE_BILINEAR) return x < 1.0 ? 1.0 - x : 0.0;
    const double a = -0.5; /* Keys' cubic */
    if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
    if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
    return 0.0;
}

static double filter_radius(glimpse_resample filter) {
    return filter == GLIMPSE_RESAMPLE_BILINEAR ? 1.0 : 2.0;
}

/* The most taps an output can have. */
static size_t max_taps(glimpse_axis in, uint32_t out, glimpse_resample filter) {
    const double scale = in.span / out;
    return (size_t)ceil(filter_radius(filter) * (scale < 1.0 ? 1.0 : scale)) * 2 + 1;
}

/* The weights of output `o`: returns their number, at most max_taps(). `exact` is room for them
 * before they are rounded. */
static uint32_t weigh(int32_t *values, double *exact, uint32_t *start, glimpse_axis in,
                      uint32_t out, uint32_t o, glimpse_resample filter) {
    const double scale = in.span / out;
    const double stretch = scale < 1.0 ? 1.0 : scale;
    const double support = filter_radius(filter) * stretch;
    const double centre = in.from + (o + 0.5) * scale;
    const double per_pixel = 1.0 / stretch;
    int64_t from = (int64_t)(centre - support + 0.5);
    int64_t to = (int64_t)(centre + support + 0.5);
    if (from < 0) from = 0;
    if (to > in.size) to = in.size;
    double sum = 0.0;
    for (int64_t x = from; x < to; x++) {
        const double w = filter_value(filter, ((double)x - centre + 0.5) * per_pixel);
        exact[x - from] = w;
        sum += w;
    }
    for (int64_t i = 0; i < to - from; i++) {
        double w = exact[i];
        if (sum != 0.0) w /= sum;
        w *= 1 << PRECISION;
        values[i] = (int32_t)(w < 0.0 ? w - 0.5 : w + 0.5);
    }
    *start = (uint32_t)from;
    return (uint32_t)(to - from);
}

static int unchanged(glimpse_axis in, uint32_t out) {
    return in.size == out && in.span == (double)out;
}

static uint8_t clip(int32_t sum) {
    const int32_t value = sum >> PRECISION;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* ---- plain ------------------------------------------------------------------------------- */

int glimpse_resize_plain(uint8_t *to, uint32_t out_w, uint32_t out_h, const uint8_t *from,
                         glimpse_axis across, glimpse_axis down, glimpse_resample filter) {
    int status = GLIMPSE_OK;
    const uint32_t in_w = across.size, in_h = down.size;
    const int keep_w = unchanged(across, out_w), keep_h = unchanged(down, out_h);
    const size_t taps_x = max_taps(across, out_w, filter), taps_y = max_taps(down, out_h, filter);
    const size_t taps = taps_x > taps_y ? taps_x : taps_y;
    const uint64_t middle_bytes = (uint64_t)out_w * in_h * 3;
    uint8_t *middle = malloc((size_t)middle_bytes);
    int32_t *values = malloc(taps * sizeof *values);
    double *exact = malloc(taps * sizeof *exact);
    if (!middle || !values || !exact) {
        status = glimpse_fail_nomem(middle_bytes, "resizing");
        goto done;
    }
    if (keep_w) memcpy(middle, from, (size_t)middle_bytes);
    for (uint32_t x = 0; x < out_w && !keep_w; x++) {
        uint32_t start, count = weigh(values, exact, &start, across, out_w, x, filter);
        for (uint32_t y = 0; y < in_h; y++) {
            for (uint32_t c = 0; c < 3; c++) {
                int32_t sum = 1 << (PRECISION - 1);
                for (uint32_t i = 0; i < count; i++) {
                    sum += values[i] * from[((size_t)y * in_w + start + i) * 3 + c];
                }
                middle[((size_t)y * out_w + x) * 3 + c] = clip(sum);
            }
        }
    }
    if (keep_h) memcpy(to, middle, (size_t)middle_bytes);
    for (uint32_t y = 0; y < out_h && !keep_h; y++) {
        uint32_t start, count = weigh(values, exact, &start, down, out_h, y, filter);
        for (size_t x = 0; x < (size_t)out_w * 3; x++) {
            int32_t sum = 1 << (PRECISION - 1);
            for (uint32_t i = 0; i < count; i++) {
                sum += values[i] * middle[((size_t)start + i) * out_w * 3 + x];
            }
            to[(size_t)y * out_w * 3 + x] = clip(sum);
        }
    }
done:
    free(exact);
    free(values);
    free(middle);
    return status;
}

/* ---- fast -------------------------------------------------------------------------------- */

void glimpse_weights_release(glimpse_weights *weights) {
    free(weights->start);
    free(weights->taps);
    free(weights->values);
    free(weights->high);
    free(weights->low);
    *weights = (glimpse_weights){0};
}

int glimpse_weights_create(glimpse_weights *weights, glimpse_axis in, uint32_t out, uint32_t first,
                           uint32_t count, glimpse_resample filter) {
    int status = GLIMPSE_OK;
    double *exact = NULL;
    *weights = (glimpse_weights){0};
    /* Rounded up, so that kernels may read whole vectors of weights. */
    const uint64_t stride = ((uint64_t)max_taps(in, out, filter) + 7) & ~UINT64_C(7);
    const uint64_t bytes = stride * count * 2 * sizeof(int32_t);
    weights->count = count;
    weights->stride = (size_t)stride;
    if (bytes < SIZE_MAX / 2) {
        weights->start = malloc(count * sizeof *weights->start);
        weights->taps = malloc(count * sizeof *weights->taps);
        weights->values = calloc((size_t)stride * count, sizeof *weights->values);
        weights->high = malloc((size_t)stride * count * sizeof *weights->high);
        weights->low = malloc((size_t)stride * count * sizeof *weights->low);
        exact = malloc((size_t)stride * sizeof *exact);
    }
    if (!weights->start || !weights->taps || !weights->values || !weights->high || !weights->low ||
        !exact) {
        status = glimpse_fail_nomem(bytes, "resampling weights");
        goto done;
    }
    for (uint32_t i = 0; i < count; i++) {
        weights->taps[i] = weigh(weights->values + i * stride, exact, &weights->start[i], in, out,
                                 first + i, filter);
    }
    for (size_t i = 0; i < (size_t)stride * count; i++) {
        weights->high[i] = (int16_t)(weights->values[i] >> 15);
        weights->low[i] = (int16_t)(weights->values[i] & 0x7fff);
    }
done:
    free(exact);
    if (status < 0) glimpse_weights_release(weights);
    return status;
}

static void horizontal_portable(uint8_t *to, const uint8_t *from, size_t from_pixels,
                                const glimpse_weights *weights) {
    (void)from_pixels;
    for (size_t o = 0; o < weights->count; o++, to += 3) {
        const int32_t *values = weights->values + o * weights->stride;
        const uint8_t *p = from + (size_t)weights->start[o] * 3;
        int32_t red = 1 << (PRECISION - 1), green = red, blue = red;
        for (uint32_t i = 0; i < weights->taps[o]; i++, p += 3) {
            red += values[i] * p[0];
            green += values[i] * p[1];
            blue += values[i] * p[2];
        }
        to[0] = clip(red);
        to[1] = clip(green);
        to[2] = clip(blue);
    }
}

static void vertical_portable(uint8_t *to, const uint8_t *from, size_t stride,
                              const glimpse_weights *weights, size_t o, size_t bytes) {
    const int32_t *values = weights->values + o * weights->stride;
    const size_t taps = weights->taps[o];
    enum { BLOCK = 512 }; /* sums that stay in the first-level cache */
    int32_t sums[BLOCK];
    for (size_t at = 0; at < bytes; at += BLOCK) {
        const size_t count = bytes - at < BLOCK ? bytes - at : BLOCK;
        for (size_t i = 0; i < count; i++)
            sums[i] = 1 << (PRECISION - 1);
        for (size_t t = 0; t < taps; t++) {
            const uint8_t *row = from + t * stride + at;
            const int32_t value = values[t];
            for (size_t i = 0; i < count; i++)
                sums[i] += value * row[i];
        }
        for (size_t i = 0; i < count; i++)
            to[at + i] = clip(sums[i]);
    }
}

const glimpse_resize_kernels glimpse_resize_portable = {"portable", horizontal_portable,
                                                        vertical_portable};

const glimpse_resize_kernels *glimpse_resize_best(void) {
    const glimpse_resize_kernels *avx2 = glimpse_resize_avx2();
    return avx2 ? avx2 : &glimpse_resize_portable;
}

int glimpse_resize_region(uint8_t *to, size_t to_stride, glimpse_region region, uint32_t out_w,
                          uint32_t out_h, const uint8_t *from, glimpse_axis in_x, glimpse_axis in_y,
                          glimpse_resample filter, const glimpse_resize_kernels *kernels) {
    int status = GLIMPSE_OK;
    const uint32_t in_w = in_x.size;
    const int keep_w = unchanged(in_x, out_w), keep_h = unchanged(in_y, out_h);
    glimpse_weights across = {0}, down = {0};
    uint8_t *middle = NULL;
    const size_t row_bytes = (size_t)region.w * 3;

    /* Input rows that the region needs. */
    uint32_t first_row = region.y, end_row = region.y + region.h;
    if (!keep_h) {
        status = glimpse_weights_create(&down, in_y, out_h, region.y, region.h, filter);
        if (status < 0) goto done;
        first_row = down.start[0]; /* starts and ends never go back */
        end_row = down.start[region.h - 1] + down.taps[region.h - 1];
    }
    /* Rows that are as wide as they should be are used in place. */
    const uint8_t *rows = from + ((size_t)first_row * in_w + region.x) * 3;
    size_t stride = (size_t)in_w * 3;
    if (!keep_w) {
        status = glimpse_weights_create(&across, in_x, out_w, region.x, region.w, filter);
        if (status < 0) goto done;
        const size_t count = end_row - first_row;
        /* Without a vertical pass the rows go where they belong. */
        uint8_t *target = to;
        size_t target_stride = to_stride;
        if (!keep_h) {
            middle = malloc(count * row_bytes);
            if (!middle) {
                status = glimpse_fail_nomem((uint64_t)count * row_bytes, "resizing");
                goto done;
            }
            target = middle;
            target_stride = row_bytes;
        }
        for (size_t y = 0; y < count; y++) {
            kernels->horizontal(target + y * target_stride,
                                from + ((size_t)first_row + y) * in_w * 3, in_w, &across);
        }
        rows = middle;
        stride = row_bytes;
    }
    if (!keep_h) {
        for (size_t y = 0; y < region.h; y++) {
            kernels->vertical(to + y * to_stride, rows + (down.start[y] - first_row) * stride,
                              stride, &down, y, row_bytes);
        }
    } else if (keep_w) {
        for (size_t y = 0; y < region.h; y++) {
            memcpy(to + y * to_stride, rows + y * stride, row_bytes);
        }
    }
done:
    free(middle);
    glimpse_weights_release(&across);
    glimpse_weights_release(&down);
    return status;
}

int glimpse_image_resize(glimpse_image **out, const glimpse_image *image, uint32_t width,
                         uint32_t height, glimpse_resample filter) {
    *out = NULL;
    if (width == 0 || height == 0 || width > 65536 || height > 65536) {
        return glimpse_fail(GLIMPSE_E_INVALID, "cannot resize to %u x %u: sides are 1 to 65536",
                            width, height);
    }
    if (filter != GLIMPSE_RESAMPLE_BILINEAR && filter != GLIMPSE_RESAMPLE_BICUBIC) {
        return glimpse_fail(GLIMPSE_E_INVALID, "unknown resampling filter %d", (int)filter);
    }
    const glimpse_source any = {.max_pixels = UINT64_MAX};
    glimpse_image *resized = calloc(1, sizeof *resized);
    if (!resized) return glimpse_fail_nomem(sizeof *resized, "a picture");
    int status = glimpse_picture_reserve(resized, &any, width, height);
    if (status < 0) goto done;
    resized->meta = image->meta;
    resized->meta.width = width;
    resized->meta.height = height;
    resized->pending_orientation = 1;
    const glimpse_region all = {0, 0, width, height};
    status =
        glimpse_resize_region(resized->pixels, (size_t)width * 3, all, width, height, image->pixels,
                              image->across, image->down, filter, glimpse_resize_best());
    if (status < 0) goto done;
    *out = resized;
    resized = NULL;
done:
    glimpse_image_free(resized);
    return status;
}
