/*
 * model/tower.h - the weights of one transformer tower, prepared for the products of math/linear.h.
 */
#ifndef GLIMPSE_MODEL_TOWER_H
#define GLIMPSE_MODEL_TOWER_H

#include "math/linear.h"
#include "model/config.h"
#include "model/loader.h"
#include "model/patch_stem.h"
#include "model/pooling.h"
#include "model/tensors.h"

/* One block, by config.norms of the tower:
 *   PRE            x += out(attention(qkv(norm1(x))));  x += down(act(up(norm2(x))))
 *   RESIDUAL_POST  x += norm1(out(attention(qkv(x))));  x += norm2(down(act(up(x))))
 *   POST           x = norm1(x + out(attention(qkv(x))));  x = norm2(x + down(act(up(x))))
 * With config.gated, act(up()) is silu(first half of up()) * second half. The attention and the
 * input of `down` go through a norm of their own where there is one. */
typedef struct glimpse_block {
    glimpse_norm norm1, norm2;
    glimpse_norm attn_norm; /* [D]; gamma NULL: none */
    glimpse_norm mlp_norm;  /* [F]; gamma NULL: none */
    glimpse_linear *qkv;    /* [3D][D] */
    glimpse_linear *out;    /* [D][D], accumulates (PRE) */
    glimpse_linear *up;     /* [F][D], activation fused; gated: [2F][D] */
    glimpse_linear *down;   /* [D][F], accumulates (PRE) */
} glimpse_block;

typedef struct glimpse_tower {
    const glimpse_math *math;
    glimpse_tower_config config;
    int causal;
    size_t embedding;       /* E */
    size_t tokens;          /* most per sequence: patches and class token, or the context length */
    glimpse_block *blocks;  /* [config.layers] */
    float *positions;       /* [position_rows][D], owned */
    size_t position_rows;   /* tokens, or what the file has: more for texts, fewer for NaFlex */
    float *rotary;          /* [tokens][2][D / heads / 2] cosines and sines, owned; NULL: none */
    glimpse_norm last;      /* post layer norm / final layer norm; BERT has none */
    glimpse_linear *middle; /* [M][D] before the projection, with GELU; NULL: none */
    size_t middle_width;    /* M */
    glimpse_linear *projection; /* [E][D or M], behind the pooling; NULL: E is D, there is none */
    /* image tower */
    glimpse_norm first;       /* pre layer norm; SigLIP has none */
    glimpse_linear *patches;  /* [D][3 P P]; NULL: the stem makes patches */
    glimpse_patch_stem stem;  /* MobileCLIP-B */
    float *class_token;       /* [D], owned; NULL: SigLIP has none */
    glimpse_pooling pooling;  /* SigLIP; its query is NULL in other towers */
    size_t side, patch, grid; /* pixels of the picture, pixels of a patch, patches per side */
    /* text tower */
    glimpse_text_architecture text;
    struct glimpse_text_mixer *mixers; /* [2], around the blocks; NULL: none (text_mixer.h) */
    int mean;                          /* the mean over all rows of a text is pooled */
    int unpadded; /* texts, and pictures of NaFlex, are as long as they are, and attend without a
                     mask */
    glimpse_numbers tokens_table; /* [vocabulary][D], borrowed from the mapping */
} glimpse_tower;

/* What the tensors of a block are called, behind "PREFIXlayersN.": each NAME.weight and NAME.bias,
 * but for q without k and v, which then is the beginning of _weight and _bias of all three stacked.
 */
typedef struct glimpse_block_names {
    const char *layers, *norm1, *q, *k, *v, *out, *norm2, *up, *down;
} glimpse_block_names;
extern const glimpse_block_names glimpse_block_names_hf, glimpse_block_names_open_clip;

/* Into tower->blocks. */
void glimpse_tower_load_blocks(glimpse_loader *l, glimpse_tower *tower,
                               const glimpse_block_names *names, const char *prefix);
/* Makes tower->blocks, all zero. 0: l->status says why not. */
int glimpse_tower_make_blocks(glimpse_loader *l, glimpse_tower *tower);
/* A projection with a bias: NAME.weight [E][D], NAME.bias. */
glimpse_linear *glimpse_tower_load_head(glimpse_loader *l, size_t embedding, size_t width,
                                        const char *stem, const char *name, int has_bias);
/* The projection to the common space, without bias: [E][D] in transformers, [D][E] in open_clip. */
glimpse_linear *glimpse_tower_load_projection(glimpse_loader *l, int hf, size_t embedding,
                                              size_t width, const char *name);
void glimpse_tower_close(glimpse_tower *tower); /* a zeroed one is fine */
size_t glimpse_tower_memory(const glimpse_tower *tower);

#endif
