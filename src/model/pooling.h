/*
 * model/pooling.h - SigLIP's way from the patches of a picture to one vector (Zhai et al. 2023,
 * "Sigmoid Loss for Language Image Pre-Training", after Lee et al. 2019, "Set Transformer"): one
 * learned query, the probe, attends to all patches, and an MLP follows.
 *
 *     y = out(attention(probe Wq, x Wk, x Wv))          x [tokens][D], layer-normed
 *     embedding = y + down(act(up(norm(y))))            [D]
 *
 * The query is the same for every picture: it is computed once, when the model is opened.
 */
#ifndef GLIMPSE_MODEL_POOLING_H
#define GLIMPSE_MODEL_POOLING_H

#include "math/linear.h"
#include "model/config.h"
#include "model/loader.h"

typedef struct glimpse_pooling {
    float *query; /* [D], owned: probe Wq + its bias; NULL: the tower has no such head */
    size_t heads, mlp;
    glimpse_linear *kv; /* [2D][D] */
    glimpse_linear *out, *up, *down;
    glimpse_norm norm;
} glimpse_pooling;

/* PREFIX.probe, PREFIX.attention, PREFIX.layernorm, PREFIX.mlp; width, heads, MLP and activation
 * are those of `config`. */
void glimpse_pooling_load(glimpse_pooling *pooling, glimpse_loader *loader,
                          const glimpse_tower_config *config, const char *prefix);
/* The same under timm's names: PREFIX.latent, .q, .kv, .proj, .norm, .mlp. */
void glimpse_pooling_load_timm(glimpse_pooling *pooling, glimpse_loader *loader,
                               const glimpse_tower_config *config, const char *prefix);
void glimpse_pooling_release(glimpse_pooling *pooling);
size_t glimpse_pooling_memory(const glimpse_pooling *pooling, size_t width);

#endif
