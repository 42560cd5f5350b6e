/*
 * image/preprocess.c - from a picture to the model's input: resize, crop or pad, normalise.
 *
 * A centre crop of n pixels out of `crop`, both rules in one number: the offset of the crop in
 * the resized picture, negative where the picture is padded with zeros.
 *
 *     HF            floor((n - crop) / 2) either way
 *     torchvision   round-half-even((n - crop) / 2); when padding, -floor((crop - n) / 2)
 */
#include <glimpse/sys/image.h>

#include "core/error.h"
#include "image/picture.h"
#include "image/resize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What the rules come to for one picture. */
typedef struct crop_plan {
    uint32_t resized_w, resized_h;
    int64_t left, top; /* of the model's input in the resized picture */
} crop_plan;

static int64_t crop_offset(uint32_t n, uint32_t crop, glimpse_crop_rule rule) {
    if (n < crop) {
        const int64_t missing = (int64_t)crop - n;
        return rule == GLIMPSE_CROP_TORCHVISION ? -(missing / 2) : -((missing + 1) / 2);
    }
    const int64_t spare = (int64_t)n - crop;
    const int64_t half = spare / 2;
    if (rule == GLIMPSE_CROP_TORCHVISION && spare % 2 == 1) return half + (half & 1);
    return half;
}

static int make_plan(crop_plan *out, const glimpse_preprocess *p, const glimpse_image *image) {
    if (p->width == 0 || p->height == 0 || p->width > 65536 || p->height > 65536) {
        return glimpse_fail(GLIMPSE_E_INVALID, "a model input of %u x %u pixels", p->width,
                            p->height);
    }
    if (p->resample != GLIMPSE_RESAMPLE_BILINEAR && p->resample != GLIMPSE_RESAMPLE_BICUBIC) {
        return glimpse_fail(GLIMPSE_E_INVALID, "unknown resampling filter %d", (int)p->resample);
    }
    uint64_t width = image->whole_width, height = image->whole_height;
    const int upright = width <= height;
    switch (p->resize) {
    case GLIMPSE_RESIZE_NONE: break;
    case GLIMPSE_RESIZE_SHORTEST: {
        /* floor(size * long / short): as in Python, whose float division floors to the same. */
        const uint64_t size = p->resize_width;
        const uint64_t shorter = width < height ? width : height;
        const uint64_t longer = width < height ? height : width;
        const uint64_t scaled = size * longer / shorter;
        width = upright ? size : scaled;
        height = upright ? scaled : size;
        break;
    }
    case GLIMPSE_RESIZE_EXACT:
        width = p->resize_width;
        height = p->resize_height;
        break;
    case GLIMPSE_RESIZE_PATCHES:
        return glimpse_fail(GLIMPSE_E_INVALID, "how large the result is depends on the picture: "
                                               "glimpse_preprocess_for() has the rules for one");
    default: return glimpse_fail(GLIMPSE_E_INVALID, "unknown resize rule %d", (int)p->resize);
    }
    if (width == 0 || height == 0) {
        return glimpse_fail(GLIMPSE_E_INVALID, "preprocessing resizes to nothing");
    }
    if (width > INT32_MAX || height > INT32_MAX) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "a picture of %u x %u would be resized to %llu x %llu",
                            image->width, image->height, (unsigned long long)width,
                            (unsigned long long)height);
    }
    out->resized_w = (uint32_t)width;
    out->resized_h = (uint32_t)height;
    out->left = out->top = 0;
    if (p->center_crop) {
        out->left = crop_offset(out->resized_w, p->width, p->crop_rule);
        out->top = crop_offset(out->resized_h, p->height, p->crop_rule);
    } else if (out->resized_w != p->width || out->resized_h != p->height) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "preprocessing ends at %u x %u pixels, the model wants %u x %u",
                            out->resized_w, out->resized_h, p->width, p->height);
    }
    return GLIMPSE_OK;
}

/* The part of the resized picture that the model sees along one axis, and where it goes. */
static void visible(int64_t offset, uint32_t n, uint32_t want, uint32_t *from, uint32_t *to,
                    uint32_t *count) {
    const int64_t end = offset + want < n ? offset + want : n;
    *from = offset > 0 ? (uint32_t)offset : 0;
    *to = offset < 0 ? (uint32_t)-offset : 0;
    *count = (uint32_t)(end - *from); /* never empty: the crop is centred */
}

/* Patches that `pixels` scaled by `scale` need, the last of them perhaps in part. */
static double patches_of(uint32_t pixels, double scale, uint32_t patch) {
    const double count = ceil((double)pixels * scale / (double)patch);
    return count < 1.0 ? 1.0 : count;
}

int glimpse_preprocess_for(glimpse_preprocess *out, const glimpse_preprocess *p, uint32_t width,
                           uint32_t height) {
    enum { MAX_LENGTH = 65536 };
    static const double eps = 1e-5;
    glimpse_preprocess own = *p; /* `out` may be `p` */
    *out = own;
    if (own.resize != GLIMPSE_RESIZE_PATCHES) return GLIMPSE_OK;
    if (own.patch == 0 || own.max_patches == 0 ||
        (uint64_t)own.patch * own.max_patches > MAX_LENGTH) {
        return glimpse_fail(GLIMPSE_E_INVALID, "%u patches of %u pixels", own.max_patches,
                            own.patch);
    }
    double low = eps / 10, high = 100.0;
    while (high - low >= eps) {
        const double scale = (low + high) / 2;
        const double count =
            patches_of(width, scale, own.patch) * patches_of(height, scale, own.patch);
        if (count <= (double)own.max_patches) {
            low = scale;
        } else {
            high = scale;
        }
    }
    const double columns = patches_of(width, low, own.patch);
    const double rows = patches_of(height, low, own.patch);
    if (width == 0 || height == 0 || columns * rows > (double)own.max_patches) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "a picture of %u x %u pixels in %u patches", width,
                            height, own.max_patches);
    }
    out->resize = GLIMPSE_RESIZE_EXACT;
    out->center_crop = 0;
    out->width = out->resize_width = (uint32_t)columns * own.patch;
    out->height = out->resize_height = (uint32_t)rows * own.patch;
    return GLIMPSE_OK;
}

size_t glimpse_preprocess_max_bytes(const glimpse_preprocess *p) {
    if (p->resize == GLIMPSE_RESIZE_PATCHES)
        return (size_t)p->patch * p->patch * p->max_patches * 3;
    return (size_t)p->width * p->height * 3;
}

uint32_t glimpse_preprocess_short_side(const glimpse_preprocess *p) {
    uint32_t side = 0;
    /* The short side of a result is never longer than the largest square; the long one, rounded up
     * to whole patches, may come one patch closer. */
    if (p->resize == GLIMPSE_RESIZE_PATCHES) side = p->width + p->patch;
    if (p->resize == GLIMPSE_RESIZE_SHORTEST) side = p->resize_width;
    if (p->resize == GLIMPSE_RESIZE_EXACT) {
        side = p->resize_width > p->resize_height ? p->resize_width : p->resize_height;
    }
    return side > UINT32_MAX / 2 ? 0 : 2 * side;
}

int glimpse_preprocess_rgb(uint8_t *rgb, const glimpse_preprocess *p, const glimpse_image *image) {
    crop_plan plan = {0};
    int status = make_plan(&plan, p, image);
    if (status < 0) return status;
    glimpse_region region;
    uint32_t x, y;
    visible(plan.left, plan.resized_w, p->width, &region.x, &x, &region.w);
    visible(plan.top, plan.resized_h, p->height, &region.y, &y, &region.h);
    const size_t stride = (size_t)p->width * 3;
    if (region.w != p->width || region.h != p->height) memset(rgb, 0, stride * p->height);
    return glimpse_resize_region(rgb + y * stride + (size_t)x * 3, stride, region, plan.resized_w,
                                 plan.resized_h, image->pixels, image->across, image->down,
                                 p->resample, glimpse_resize_best());
}

static glimpse_axis cut_axis(glimpse_axis axis, uint32_t whole, uint32_t from, uint32_t count) {
    const double scale = axis.span / (double)whole;
    axis.from += (double)from * scale;
    axis.span = (double)count * scale;
    return axis;
}

int glimpse_preprocess_box_rgb(uint8_t *rgb, const glimpse_preprocess *p,
                               const glimpse_image *image, const glimpse_box *box) {
    if (box->width == 0 || box->height == 0 || box->x >= image->whole_width ||
        box->y >= image->whole_height || box->width > image->whole_width - box->x ||
        box->height > image->whole_height - box->y) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "a part of %u x %u pixels at %u,%u of a picture of %u x %u", box->width,
                            box->height, box->x, box->y, image->whole_width, image->whole_height);
    }
    glimpse_image part = *image; /* the same pixels, of which it covers less */
    part.across = cut_axis(image->across, image->whole_width, box->x, box->width);
    part.down = cut_axis(image->down, image->whole_height, box->y, box->height);
    part.whole_width = box->width;
    part.whole_height = box->height;
    return glimpse_preprocess_rgb(rgb, p, &part);
}

int glimpse_preprocess_rgb_plain(uint8_t *rgb, const glimpse_preprocess *p,
                                 const glimpse_image *image) {
    crop_plan plan = {0};
    int status = make_plan(&plan, p, image);
    if (status < 0) return status;
    const uint64_t pixels = (uint64_t)plan.resized_w * plan.resized_h;
    const uint64_t middle = (uint64_t)plan.resized_w * image->height;
    if (pixels > GLIMPSE_DEFAULT_MAX_PIXELS || middle > GLIMPSE_DEFAULT_MAX_PIXELS) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "the plain path would resize to %u x %u pixels",
                            plan.resized_w, plan.resized_h);
    }
    uint8_t *resized = malloc((size_t)pixels * 3);
    if (!resized) return glimpse_fail_nomem(pixels * 3, "resizing");
    status = glimpse_resize_plain(resized, plan.resized_w, plan.resized_h, image->pixels,
                                  image->across, image->down, p->resample);
    for (uint32_t y = 0; y < p->height && status == GLIMPSE_OK; y++) {
        for (uint32_t x = 0; x < p->width; x++) {
            const int64_t from_x = plan.left + x, from_y = plan.top + y;
            uint8_t *to = rgb + ((size_t)y * p->width + x) * 3;
            if (from_x < 0 || from_y < 0 || from_x >= plan.resized_w || from_y >= plan.resized_h) {
                memset(to, 0, 3);
            } else {
                memcpy(to, resized + ((size_t)from_y * plan.resized_w + (size_t)from_x) * 3, 3);
            }
        }
    }
    free(resized);
    return status;
}

void glimpse_preprocess_normalize(float *chw, const glimpse_preprocess *p, const uint8_t *rgb) {
    const size_t pixels = (size_t)p->width * p->height;
    for (int c = 0; c < 3; c++) {
        float table[256];
        for (int v = 0; v < 256; v++) {
            const float scaled = (float)v * p->scale;
            table[v] = p->normalize ? (scaled - p->mean[c]) / p->std[c] : scaled;
        }
        float *plane = chw + (size_t)c * pixels;
        for (size_t i = 0; i < pixels; i++)
            plane[i] = table[rgb[i * 3 + (size_t)c]];
    }
}
