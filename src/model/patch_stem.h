/*
 * model/patch_stem.h - patches of a picture through three convolutions instead of one: MobileCLIP-B
 * (timm's vit_base_mci_224).
 *
 * Their kernels do not overlap: 4 x 4 pixels become a cell, 2 x 2 cells a larger one, 2 x 2 of
 * those a patch. With the cells of a patch next to each other in memory, and in the same way inside
 * of it, each convolution is one product over all cells. The batch norms behind the first two are
 * folded into their weights.
 */
#ifndef GLIMPSE_MODEL_PATCH_STEM_H
#define GLIMPSE_MODEL_PATCH_STEM_H

#include "core/arena.h"
#include "math/linear.h"
#include "model/loader.h"

enum { GLIMPSE_STEM_PATCH = 16, GLIMPSE_STEM_CELL = 4, GLIMPSE_STEM_LAYERS = 3 };

typedef struct glimpse_patch_stem {
    glimpse_linear *layers[GLIMPSE_STEM_LAYERS]; /* [C][3 4 4], [C][4 C], [D][4 C] */
    float *weights[GLIMPSE_STEM_LAYERS];         /* what they may borrow, owned */
    float *biases[GLIMPSE_STEM_LAYERS];
    size_t channels; /* C */
} glimpse_patch_stem;

/* The buffers of one worker. */
typedef struct glimpse_stem_work {
    void *pixels; /* [max cells][3 4 4] element */
    void *cells;  /* [max cells][C] element */
    void *larger; /* [max cells / 4][C] element */
} glimpse_stem_work;

/* PREFIX.0 to PREFIX.2, for a tower of `width`. */
void glimpse_stem_load(glimpse_patch_stem *stem, glimpse_loader *l, size_t width,
                       const char *prefix);
void glimpse_stem_release(glimpse_patch_stem *stem);
size_t glimpse_stem_memory(const glimpse_patch_stem *stem);

void glimpse_stem_plan(glimpse_stem_work *work, glimpse_arena *arena, const glimpse_math *math,
                       const glimpse_patch_stem *stem, size_t max_patches);
/* The pixels [3][side][side] of a picture, whose first patch is number `patch` of the batch. */
void glimpse_stem_cut(const glimpse_stem_work *work, const glimpse_math *math, const float *pixels,
                      size_t side, size_t patch);
/* out [patches][D]. */
int glimpse_stem_run(const glimpse_stem_work *work, const glimpse_patch_stem *stem,
                     glimpse_workspace *workspace, size_t patches, float *out);

#endif
