/*
 * plain_timm.h - timm's vision transformers as their authors write them down, in double: what the
 * engine is compared with. Knows no code of the engine but the reading of tensors.
 */
#ifndef GLIMPSE_TESTS_PLAIN_TIMM_H
#define GLIMPSE_TESTS_PLAIN_TIMM_H

#include <stddef.h>

typedef struct plain_timm {
    size_t side, patch, width, layers, heads, mlp, embedding;
    size_t pool_heads, pool_mlp; /* 0: the class token is taken */
    int class_token, first_norm, fused, key_bias, sub_norms, gated, post_norm, stem, head;
    int rotary;       /* 1: the row makes the first half of the angles, 2: the column */
    double reference; /* patches per side that coordinates are scaled to */
    int offset;       /* of the first coordinate */
    double eps;
    int activation; /* 0: gelu by erf, 1: by tanh, 2: x sigmoid(1.702 x) */
} plain_timm;

/* embedding [model->embedding], not scaled to unit length, of pixels [3][side][side], with the
 * weights of open_clip_model.safetensors in `directory`. */
void plain_timm_encode(double *embedding, const plain_timm *model, const char *directory,
                       const float *pixels);

#endif
