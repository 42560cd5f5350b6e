/*
 * image/compare/detail.c - two pictures at full resolution: brings both to one grid and has them
 * judged. detail_align.c finds where they lie on each other, detail_tiles.c what differs.
 */
#include "image/compare/detail.h"

#include "core/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MIN_SIDE = 12 };

static int make_planes(glimpse_planes *planes, const glimpse_image *image) {
    const size_t n = (size_t)glimpse_image_width(image) * glimpse_image_height(image);
    const uint8_t *p = glimpse_image_pixels(image);
    uint8_t *bytes = malloc(GLIMPSE_PLANES * n);
    if (!bytes) return glimpse_fail_nomem(GLIMPSE_PLANES * n, "a picture's planes");
    planes->width = (int)glimpse_image_width(image);
    planes->height = (int)glimpse_image_height(image);
    for (int k = 0; k < GLIMPSE_PLANES; k++)
        planes->plane[k] = bytes + (size_t)k * n;
    for (size_t i = 0; i < n; i++, p += 3) {
        const int r = p[0], g = p[1], b = p[2];
        planes->plane[0][i] = (uint8_t)((19595 * r + 38470 * g + 7471 * b + 32768) >> 16);
        planes->plane[1][i] = (uint8_t)((8421375 - 11059 * r - 21709 * g + 32768 * b) >> 16);
        planes->plane[2][i] = (uint8_t)((8421375 + 32768 * r - 27439 * g - 5329 * b) >> 16);
    }
    return GLIMPSE_OK;
}

static void free_planes(glimpse_planes *planes) {
    free(planes->plane[0]);
}

/* The planes of a picture scaled by sx, sy, which are at most 1; sizes are rounded. */
static int scaled_planes(glimpse_planes *planes, const glimpse_image *image, double sx, double sy) {
    const double w = glimpse_image_width(image), h = glimpse_image_height(image);
    const uint32_t to_w = (uint32_t)lround(w * sx), to_h = (uint32_t)lround(h * sy);
    glimpse_image *scaled = NULL;
    if (sx > 0.999 && sy > 0.999) return make_planes(planes, image);
    int status = glimpse_image_resize(&scaled, image, to_w > 0 ? to_w : 1, to_h > 0 ? to_h : 1,
                                      GLIMPSE_RESAMPLE_BILINEAR);
    if (status == GLIMPSE_OK) status = make_planes(planes, scaled);
    glimpse_image_free(scaled);
    return status;
}

/* The warp of fractions from `grid` to `other` in pixels, whose centres are at halves. */
static glimpse_pixel_warp in_pixels(const glimpse_warp *w, const glimpse_planes *grid,
                                    const glimpse_planes *other) {
    const double gw = grid->width, gh = grid->height, ow = other->width, oh = other->height;
    glimpse_pixel_warp p = {
        {w->m[0] * ow / gw, w->m[1] * ow / gh, 0, w->m[3] * oh / gw, w->m[4] * oh / gh, 0}};
    p.m[2] = w->m[2] * ow + 0.5 * (p.m[0] + p.m[1]) - 0.5;
    p.m[5] = w->m[5] * oh + 0.5 * (p.m[3] + p.m[4]) - 0.5;
    return p;
}

static double corner_distance(const glimpse_pixel_warp *a, const glimpse_pixel_warp *b,
                              const glimpse_planes *grid) {
    double max = 0;
    for (int k = 0; k < 4; k++) {
        const double x = k & 1 ? grid->width - 1 : 0, y = k & 2 ? grid->height - 1 : 0;
        const double dx = (a->m[0] - b->m[0]) * x + (a->m[1] - b->m[1]) * y + a->m[2] - b->m[2];
        const double dy = (a->m[3] - b->m[3]) * x + (a->m[4] - b->m[4]) * y + a->m[5] - b->m[5];
        max = fmax(max, hypot(dx, dy));
    }
    return max;
}

/* What was measured is only nearly right, and lines of one pixel show it. So what copies mostly
 * are, the whole view at another size, or one without some lines at its edges, is tried as well,
 * and has the say when it explains the pictures about as well. */
static void choose(glimpse_pixel_warp *found, const glimpse_pixel_warp *whole,
                   const glimpse_planes *grid, const glimpse_planes *fine) {
    const double cx = 0.5 * (grid->width - 1), cy = 0.5 * (grid->height - 1);
    const double dx = found->m[0] * cx + found->m[1] * cy + found->m[2] - cx;
    const double dy = found->m[3] * cx + found->m[4] * cy + found->m[5] - cy;
    const double slack = 1.02;
    double left = glimpse_detail_residual(found, grid, fine) * slack;
    glimpse_pixel_warp best = *found;
    double with = glimpse_detail_residual(whole, grid, fine);
    if (with <= left) best = *whole, left = with;
    const double apart =
        fmax(fabs(found->m[0] - 1) * grid->width, fabs(found->m[4] - 1) * grid->height);
    const int same_size = grid->width == fine->width && grid->height == fine->height;
    for (int v = -1; v <= 1 && apart < 6 && !same_size; v++) {
        for (int u = -1; u <= 1; u++) {
            const glimpse_pixel_warp moved = {{1, 0, round(dx) + u, 0, 1, round(dy) + v}};
            with = glimpse_detail_residual(&moved, grid, fine);
            if (with < left) best = moved, left = with;
        }
    }
    *found = best;
}

/* Differences in fractions of the grid become those of the first picture. */
static void place(glimpse_detail *result, const glimpse_warp *to_first) {
    const double *m = to_first->m;
    for (size_t i = 0; i < result->count; i++) {
        glimpse_difference *d = &result->differences[i];
        const double cx = d->x + d->width / 2, cy = d->y + d->height / 2;
        const double w = fabs(m[0]) * d->width + fabs(m[1]) * d->height;
        const double h = fabs(m[3]) * d->width + fabs(m[4]) * d->height;
        const double x = m[0] * cx + m[1] * cy + m[2], y = m[3] * cx + m[4] * cy + m[5];
        const double x0 = fmax(x - w / 2, 0), y0 = fmax(y - h / 2, 0);
        d->width = fmin(x + w / 2, 1) - x0;
        d->height = fmin(y + h / 2, 1) - y0;
        d->x = x0;
        d->y = y0;
    }
}

/* `grid` is the coarser one; the warp takes it to `fine`, and sx, sy say how many pixels of `fine`
 * one of the grid is. */
static int compare_on(glimpse_detail *result, const glimpse_image *grid_image,
                      const glimpse_image *fine_image, const glimpse_warp *warp, double sx,
                      double sy) {
    const double w = glimpse_image_width(grid_image), h = glimpse_image_height(grid_image);
    const double reduce = fmin(1, sqrt(GLIMPSE_DETAIL_MAX_PIXELS / (w * h)));
    const glimpse_warp same = {{1, 0, 0, 0, 1, 0}};
    glimpse_planes grid = {0}, fine = {0};
    glimpse_aligned aligned = {0};
    int status = scaled_planes(&grid, grid_image, reduce, reduce);
    /* What is nearly as coarse is better moved by fractions of a pixel than blurred first. */
    const double fx = reduce / sx, fy = reduce / sy;
    if (status == GLIMPSE_OK) {
        status = scaled_planes(&fine, fine_image, fx > 0.9 ? 1 : fx, fy > 0.9 ? 1 : fy);
    }
    if (status == GLIMPSE_OK) {
        glimpse_pixel_warp whole = in_pixels(&same, &grid, &fine),
                           found = in_pixels(warp, &grid, &fine);
        /* Copies mostly lie on each other exactly; thumbnails know that to some pixels only. */
        if (corner_distance(&whole, &found, &grid) < 0.013 * fmax(grid.width, grid.height)) {
            found = whole;
        }
        status = glimpse_detail_align(&found, &grid, &fine);
        choose(&found, &whole, &grid, &fine);
        aligned.first = &grid;
        if (status == GLIMPSE_OK) status = glimpse_detail_sample(&aligned, &fine, &found);
    }
    if (status == GLIMPSE_OK) status = glimpse_detail_judge(result, &aligned);
    result->width = (uint32_t)grid.width;
    result->height = (uint32_t)grid.height;
    free_planes(&grid);
    free_planes(&fine);
    free_planes(&aligned.other);
    return status;
}

int glimpse_compare_detail(glimpse_detail *result, const glimpse_image *a, const glimpse_image *b,
                           const glimpse_warp *warp) {
    const glimpse_warp same = {{1, 0, 0, 0, 1, 0}};
    const double wa = glimpse_image_width(a), ha = glimpse_image_height(a);
    const double wb = glimpse_image_width(b), hb = glimpse_image_height(b);
    memset(result, 0, sizeof *result);
    result->gain = 1;
    if (!warp) warp = &same;
    /* Pixels of the first per pixel of the second. */
    const double sx = warp->m[0] * wa / wb, sy = warp->m[4] * ha / hb;
    if (!(sx > 0.01 && sy > 0.01) || !(fabs(warp->m[1]) * wa < 0.02 * sx * hb) ||
        !(fabs(warp->m[3]) * ha < 0.02 * sy * wb)) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "glimpse_compare_detail: `warp` turns or mirrors the picture");
    }
    glimpse_warp back = glimpse_warp_inverse(warp);
    int status;
    if (fmin(fmin(wa, ha), fmin(wb, hb)) < MIN_SIDE) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "glimpse_compare_detail: a side of less than %d pixels", MIN_SIDE);
    }
    if (sx * sy >= 1) {
        status = compare_on(result, b, a, warp, sx, sy);
        result->bias = -result->bias / result->gain; /* as seen from the first picture */
        result->gain = 1 / result->gain;
        const double sharper = result->sharper[0];
        result->sharper[0] = result->sharper[1];
        result->sharper[1] = sharper;
        const double contrast = result->contrast[0];
        result->contrast[0] = result->contrast[1];
        result->contrast[1] = contrast;
        for (int k = 0; k < 2; k++) {
            result->tint[k] = -result->tint[k] / result->colours[k];
            result->colours[k] = 1 / result->colours[k];
        }
        if (result->marked) result->marked = 3 - result->marked;
        if (result->written) result->written = 3 - result->written;
        place(result, warp);
    } else {
        status = compare_on(result, a, b, &back, 1 / sx, 1 / sy);
    }
    return status;
}
