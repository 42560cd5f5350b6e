/*
 * model/image_tower.h - what an encoder needs of an image tower, whatever it is made of.
 *
 * An architecture is one table of operations, by glimpse_image_architecture of the configuration. A
 * new one is a file with its table, a constant in config.h, a line in image_tower.c and the
 * configuration that names it.
 *
 * Rules: a tower is immutable once open. Its work belongs to one thread; all the memory it uses is
 * carved from the arena by plan(), which also counts it. The embedding of a picture does not depend
 * on the batch, within 2e-6 per component. Products go through math/linear.h, so that every
 * precision and backend holds for every architecture.
 */
#ifndef GLIMPSE_MODEL_IMAGE_TOWER_H
#define GLIMPSE_MODEL_IMAGE_TOWER_H

#include "core/arena.h"
#include "math/linear.h"
#include "model/config.h"
#include "model/loader.h"

/* Sees x [rows][width] after every stage of a pass; of a transformer the residual stream:
 * "embeddings" as stage 0, then each layer by number. With a trace set, the last layer is computed
 * for all rows instead of only the pooled ones: the plain reference of that shortcut. */
typedef void (*glimpse_trace_fn)(void *user, size_t stage, const float *x, size_t rows,
                                 size_t width);

typedef struct glimpse_image_ops {
    /* Loads the weights; *out stays NULL after a failure and when l->check_only is set. The result
     * is l->status. Every tensor below the tower's prefix must be used (glimpse_load_require_all).
     */
    int (*open)(void **out, glimpse_loader *l, const glimpse_model_config *config);
    void (*close)(void *tower);          /* NULL is fine */
    size_t (*memory)(const void *tower); /* bytes owned */

    size_t work_bytes; /* of `work`, zeroed by the caller before plan() */
    /* The buffers for up to `max_batch` pictures; called twice, with a measuring arena first. */
    void (*plan)(void *work, glimpse_arena *arena, const void *tower, size_t max_batch);
    /* Picture number `place` of the batch: pixels [3][S][S], normalised, S the image size; they may
     * change after the call. */
    void (*add)(void *work, size_t place, const float *pixels);
    /* Of a tower that takes other sizes as well: pixels [3][rows P][columns P], no more patches
     * than the preprocessing allows; places in order, from 0. NULL: there is only the square. */
    void (*add_sized)(void *work, size_t place, const float *pixels, size_t rows, size_t columns);
    /* embeddings [count][E], as the tower leaves them (not scaled to unit length). */
    int (*run)(void *work, glimpse_workspace *workspace, size_t count, float *embeddings);
    void (*trace)(void *work, glimpse_trace_fn trace, void *user);
} glimpse_image_ops;

typedef struct glimpse_image_tower {
    const glimpse_image_ops *ops;
    void *tower;
} glimpse_image_tower;

/* NULL for a number that is no architecture. */
const glimpse_image_ops *glimpse_image_ops_of(glimpse_image_architecture architecture);

/* `prepared`: where prepared weights come from or go to (math/prepared_weights.h); may be NULL. */
int glimpse_image_tower_open(glimpse_image_tower *tower, const glimpse_math *math,
                             const glimpse_model_config *config, const glimpse_tensors *tensors,
                             glimpse_prepared_weights *prepared);
/* Whether it would open, without preparing weights: every tensor is there, has the shape that the
 * configuration says, and none is left over. */
int glimpse_image_tower_check(const glimpse_math *math, const glimpse_model_config *config,
                              const glimpse_tensors *tensors);
void glimpse_image_tower_close(glimpse_image_tower *tower); /* a zeroed one is fine */
size_t glimpse_image_tower_memory(const glimpse_image_tower *tower);

#endif
