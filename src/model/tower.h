/*
 * model/tower.h - the weights of one transformer tower, prepared for the products of math/linear.h.
 */
#ifndef GLIMPSE_MODEL_TOWER_H
#define GLIMPSE_MODEL_TOWER_H

#include "math/linear.h"
#include "model/config.h"
#include "model/loader.h"
#include "model/pooling.h"
#include "model/tensors.h"

/* One pre-norm block:  x += out(attention(qkv(norm1(x))));  x += down(act(up(norm2(x)))). */
typedef struct glimpse_block {
    glimpse_norm norm1, norm2;
    glimpse_linear *qkv;  /* [3D][D] */
    glimpse_linear *out;  /* [D][D], accumulates */
    glimpse_linear *up;   /* [F][D], activation fused */
    glimpse_linear *down; /* [D][F], accumulates */
} glimpse_block;

typedef struct glimpse_tower {
    const glimpse_math *math;
    glimpse_tower_config config;
    int causal;
    size_t embedding;      /* E */
    size_t tokens;         /* most per sequence: patches and class token, or the context length */
    glimpse_block *blocks; /* [config.layers] */
    float *positions;      /* [tokens][D], owned */
    glimpse_norm last;     /* post layer norm / final layer norm */
    glimpse_linear *projection; /* [E][D]; NULL with an attention-pooling head */
    /* image tower */
    glimpse_norm first;       /* pre layer norm; SigLIP has none */
    glimpse_linear *patches;  /* [D][3 P P] */
    float *class_token;       /* [D], owned; NULL: SigLIP has none */
    glimpse_pooling pooling;  /* SigLIP; its query is NULL in other towers */
    size_t side, patch, grid; /* pixels of the picture, pixels of a patch, patches per side */
    /* text tower */
    glimpse_text_architecture text;
    glimpse_numbers tokens_table; /* [vocabulary][D], borrowed from the mapping */
} glimpse_tower;

/* The blocks, under transformers' names (`hf`) or open_clip's; into tower->blocks. */
void glimpse_tower_load_blocks(glimpse_loader *l, glimpse_tower *tower, int hf, const char *prefix);
/* The projection to the common space, without bias: [E][D] in transformers, [D][E] in open_clip. */
glimpse_linear *glimpse_tower_load_projection(glimpse_loader *l, int hf, size_t embedding,
                                              size_t width, const char *name);
void glimpse_tower_close(glimpse_tower *tower); /* a zeroed one is fine */
size_t glimpse_tower_memory(const glimpse_tower *tower);

#endif
