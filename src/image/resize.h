/*
 * image/resize.h - Pillow's antialiased resampling of 8-bit RGB. Private to src/image and tests.
 *
 * The arithmetic, which fixes every byte of the result. Per axis, with `in` pixels becoming
 * `out`, scale = in / out, stretch = max(scale, 1), support = radius * stretch (radius 2 for
 * bicubic, 1 for bilinear), in double precision:
 *
 *     centre = (o + 0.5) * scale
 *     taps from (int)(centre - support + 0.5) to (int)(centre + support + 0.5), inside the picture
 *     weight(x) = filter((x - centre + 0.5) / stretch), divided by the sum of all
 *     rounded to 22 fractional bits, half away from zero
 *     result = clip((2^21 + sum of weight * sample) >> 22)
 *
 * `in` is the number of pixels, but for pictures that were decoded reduced: 501 pixels at a half
 * are 251, the last of them half outside, and `in` is then 250.5, so that nothing shifts (Pillow's
 * resize with a box does the same). A turned one may begin half a pixel late: `from` is added to
 * the centre.
 *
 * Rows first, into bytes, then columns; an axis whose size stays is not touched.
 */
#ifndef GLIMPSE_IMAGE_RESIZE_H
#define GLIMPSE_IMAGE_RESIZE_H

#include <glimpse/sys/image.h>

#include <stddef.h>
#include <stdint.h>

/* One axis of the picture that is resized. */
typedef struct glimpse_axis {
    uint32_t size;     /* pixels */
    double from, span; /* the part of them that the picture covers: 0 and size, or a little less */
} glimpse_axis;
static inline glimpse_axis glimpse_axis_whole(uint32_t size) {
    return (glimpse_axis){size, 0.0, (double)size};
}

/* The weights of some outputs of one axis. */
typedef struct glimpse_weights {
    size_t count;        /* outputs */
    size_t stride;       /* room for taps per output */
    uint32_t *start;     /* [count] first input */
    uint32_t *taps;      /* [count] number of inputs */
    int32_t *values;     /* [count][stride], zero behind the taps */
    int16_t *high, *low; /* the same in halves: value = high * 2^15 + low, 0 <= low < 2^15 */
} glimpse_weights;

enum { GLIMPSE_RESIZE_PRECISION = 22 };

int glimpse_weights_create(glimpse_weights *weights, glimpse_axis in, uint32_t out, uint32_t first,
                           uint32_t count, glimpse_resample filter);
void glimpse_weights_release(glimpse_weights *weights);

/* Kernels. Horizontal: one row of `weights->count` RGB pixels from a row of `from_pixels`.
 * Vertical: output `o` of the weights, a row of `bytes` bytes, from the rows that start at `from`
 * and are `stride` bytes apart. No kernel reads outside the rows it is given. */
typedef struct glimpse_resize_kernels {
    const char *name;
    void (*horizontal)(uint8_t *to, const uint8_t *from, size_t from_pixels,
                       const glimpse_weights *weights);
    void (*vertical)(uint8_t *to, const uint8_t *from, size_t stride,
                     const glimpse_weights *weights, size_t o, size_t bytes);
} glimpse_resize_kernels;

extern const glimpse_resize_kernels glimpse_resize_portable;
/* The best for this CPU. */
const glimpse_resize_kernels *glimpse_resize_best(void);
/* NULL when the CPU or the compiler lacks AVX2. */
const glimpse_resize_kernels *glimpse_resize_avx2(void);

/* Pixels x..x+w-1, y..y+h-1 of the picture `from` [in_h][in_w][3] resized to out_w x out_h, into
 * `to` with rows `to_stride` bytes apart. Work and memory follow the region, not out_w x out_h. */
typedef struct glimpse_region {
    uint32_t x, y, w, h;
} glimpse_region;
int glimpse_resize_region(uint8_t *to, size_t to_stride, glimpse_region region, uint32_t out_w,
                          uint32_t out_h, const uint8_t *from, glimpse_axis across,
                          glimpse_axis down, glimpse_resample filter,
                          const glimpse_resize_kernels *kernels);

/* The same picture whole, [out_h][out_w][3], step by step and slowly: the oracle. */
int glimpse_resize_plain(uint8_t *to, uint32_t out_w, uint32_t out_h, const uint8_t *from,
                         glimpse_axis across, glimpse_axis down, glimpse_resample filter);

#endif
