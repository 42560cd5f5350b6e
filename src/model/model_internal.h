/*
 * model/model_internal.h - what a model and an encoder are inside, for src/model and its tests.
 */
#ifndef GLIMPSE_MODEL_INTERNAL_H
#define GLIMPSE_MODEL_INTERNAL_H

#include "core/arena.h"
#include "core/hash.h"
#include "model/config.h"
#include "model/image_tower.h"
#include "model/tensors.h"
#include "model/tower.h"
#include "model/weights_cache.h"

#include <glimpse/sys/model.h>

struct glimpse_model {
    char *path, *name;
    glimpse_model_config config;
    int32_t language;  /* of texts, for the tokenizer; -1: its own */
    size_t dimensions; /* of an embedding that are kept: config.embedding, or fewer */
    glimpse_math math;
    glimpse_tensors *tensors;
    glimpse_tensors *image_tensors; /* NULL: in the same file as those of the texts */
    glimpse_tokenizer *tokenizer;
    unsigned towers;
    glimpse_image_tower image;
    glimpse_tower text;
    glimpse_weights_cache image_weights, text_weights;
    float logit_scale; /* exp applied */
    float logit_bias;  /* 0 unless SigLIP */
    char fingerprint[GLIMPSE_HASH_HEX];
    char backend[64];
};

void glimpse_encoder_set_trace(glimpse_encoder *encoder, glimpse_trace_fn trace, void *user);

/* transformer.c: the forward pass of a tower over packed sequences. Buffers live in an arena and
 * are planned by the same function that carves them. */
typedef struct glimpse_pass {
    const glimpse_tower *tower;
    glimpse_workspace *workspace;
    size_t max_rows, max_sequences;
    float *x;         /* [max_rows][D] residual stream */
    void *h;          /* [max_rows][D] element: normed input, attention output */
    float *qkv;       /* [max_rows][3D] */
    float *mixed;     /* [max_rows][D] attention output before conversion */
    void *mlp;        /* [max_rows][F] element */
    float *gates;     /* [max_rows][2F] of gated MLPs */
    float *scores;    /* tiles of the attention of one head */
    float *scratch;   /* of the convolutions of a tower that has mixers */
    float *pooled;    /* [max_sequences][D] residual stream of the pooled rows */
    void *middle;     /* [max_sequences][M] element */
    float *projected; /* [max_sequences][E] */
    size_t *starts;   /* [max_sequences + 1] first row of each sequence, and the end */
    size_t *pools;    /* [max_sequences] row within the sequence that is pooled */
    glimpse_trace_fn trace;
    void *trace_user;
} glimpse_pass;

/* Carves (or, with a measuring arena, only counts) the buffers. */
void glimpse_pass_plan(glimpse_pass *pass, glimpse_arena *arena, const glimpse_tower *tower,
                       size_t max_rows, size_t max_sequences);
/* x holds the embedded sequences, starts and pools are set; embeddings [sequences][E]. */
int glimpse_pass_run(glimpse_pass *pass, size_t sequences, float *embeddings);
/* The same without pooling and projection: states [rows][D], every row behind the last norm. */
int glimpse_pass_states(glimpse_pass *pass, size_t sequences, float *states);
/* pooling.c: the end of a pass through a tower with an attention-pooling head, from x on. */
int glimpse_pass_pool(glimpse_pass *pass, size_t sequences, float *embeddings);

#endif
