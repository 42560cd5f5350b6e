/*
 * index/dedup/dedup_loss.c - whether what two files say of their coding explains how their pictures
 * differ. A thumbnail blown up, a JPEG of quality 10 saved as PNG, a blurred one: they have more
 * pixels or a better quality by name, and less in them. Nothing of such a pair is removed, and the
 * picture with more in it ranks first.
 *
 * Contrast tells what is softer: the Laplacian of both on one grid. A picture that is scaled down
 * for it loses some to the filter, up to a factor of 2 against a sharpened copy of that size; less
 * is needed where nothing was scaled. A JPEG of a low quality may be soft.
 *
 * What else was lost is held against what the coarser of both codings does to this picture, by
 * doing it: it is coded at that quality. Only pictures of one size, because filters differ by more.
 */
#include "dedup_private.h"

#include "image/output/jpeg_out.h"

#include <math.h>
#include <stdlib.h>

enum {
    LOW = 40,      /* a quality that explains softness */
    LOSSLESS = 101 /* of glimpse_dedup_picture */
};

/* Root mean square of the difference in brightness that coding at `quality` makes; -1 when out of
 * memory. */
static double loss_at(const glimpse_image *image, int quality) {
    const uint32_t width = glimpse_image_width(image), height = glimpse_image_height(image);
    const size_t n = (size_t)width * height;
    uint8_t *jpeg = NULL;
    size_t size = 0;
    glimpse_image *coded = NULL;
    double sum = 0;
    int status = glimpse_jpeg_encode(&jpeg, &size, glimpse_image_pixels(image), width, height,
                                     quality, NULL, 0);
    if (status == GLIMPSE_OK) status = glimpse_image_decode(&coded, jpeg, size, "a copy", NULL);
    if (status == GLIMPSE_OK) {
        const uint8_t *p = glimpse_image_pixels(image), *q = glimpse_image_pixels(coded);
        for (size_t i = 0; i < n; i++, p += 3, q += 3) {
            const int d = 299 * (p[0] - q[0]) + 587 * (p[1] - q[1]) + 114 * (p[2] - q[2]);
            sum += (double)d * d * 1e-6;
        }
    }
    glimpse_image_free(coded);
    free(jpeg);
    return status < 0 ? -1 : sqrt(sum / (double)n);
}

static int is_of_size(const glimpse_image *a, const glimpse_image *b) {
    const double w = (double)glimpse_image_width(a) / glimpse_image_width(b);
    const double h = (double)glimpse_image_height(a) / glimpse_image_height(b);
    return fabs(w - 1) < 0.03 && fabs(h - 1) < 0.03;
}

static int may_be_soft(int quality) {
    return quality == 0 || quality <= LOW;
}

int glimpse_dedup_softer(const glimpse_dedup *dedup, const glimpse_dedup_edge *edge,
                         const glimpse_detail *detail, const glimpse_image *a,
                         const glimpse_image *b) {
    const int same_size = is_of_size(a, b), first = detail->contrast[0] < detail->contrast[1];
    const double soft = fmin(detail->contrast[0], detail->contrast[1]);
    const double sharp = fmax(detail->contrast[0], detail->contrast[1]);
    const glimpse_dedup_item *softer = &dedup->items[first ? edge->a : edge->b];
    const glimpse_dedup_item *other = &dedup->items[first ? edge->b : edge->a];
    if (detail->loss < 3 || may_be_soft(softer->picture.quality)) return 0;
    /* Coarse coding makes edges of its own. */
    if (other->picture.quality > 0 && other->picture.quality <= LOW) return 0;
    /* The smaller one of two is softer than what it was made from as a rule. */
    if (!same_size && softer->effective < other->effective) return 0;
    if (sharp < (same_size ? 1.5 : 2.3) * (soft + 0.2)) return 0;
    return first ? 1 : 2;
}

int glimpse_dedup_is_explained(const glimpse_dedup *dedup, const glimpse_dedup_edge *edge,
                               const glimpse_detail *detail, const glimpse_image *a,
                               const glimpse_image *b) {
    const double visible = 2.5, slack = 2.5;
    const int p = dedup->items[edge->a].picture.quality, q = dedup->items[edge->b].picture.quality;
    const int worse = p < q ? p : q;
    if (detail->loss < visible || worse <= 0 || !is_of_size(a, b)) return 1;
    if (worse >= LOSSLESS) return detail->loss < 2 * visible; /* palettes */
    const double expected = loss_at(p < q ? b : a, worse);
    return expected < 0 || detail->loss < slack * expected + 1;
}

/* Saturation or tint of all of it. Chroma that was coded coarsely or at half the size loses some.
 */
int glimpse_dedup_has_other_colours(const glimpse_dedup *dedup, const glimpse_dedup_edge *edge,
                                    const glimpse_detail *detail) {
    const int p = dedup->items[edge->a].picture.quality, q = dedup->items[edge->b].picture.quality;
    const double *gain = detail->colours, *tint = detail->tint;
    if ((p > 0 && p <= LOW) || (q > 0 && q <= LOW)) return 0;
    return (gain[0] < 0.87 && gain[1] < 0.87) || (gain[0] > 1.15 && gain[1] > 1.15) ||
           fabs(tint[0]) > 3.5 || fabs(tint[1]) > 3.5;
}
