/*
 * model/fastvit.h - the image towers of MobileCLIP and MobileCLIP 2: FastViT (Vasu et al. 2023) in
 * the sizes MCi0 to MCi4.
 */
#ifndef GLIMPSE_MODEL_FASTVIT_H
#define GLIMPSE_MODEL_FASTVIT_H

#include "model/image_tower.h"
#include "model/mobileclip.h"

extern const glimpse_image_ops glimpse_image_fastvit;

enum { GLIMPSE_FASTVIT_STAGES = 8, GLIMPSE_FASTVIT_HEAD = 32 };

/* x * sigmoid(expand(relu(reduce(mean of x)))) (Hu et al. 2018). */
typedef struct glimpse_fastvit_squeeze {
    size_t hidden; /* 0: there is none */
    glimpse_convolution reduce, expand;
} glimpse_fastvit_squeeze;

typedef struct glimpse_fastvit_block {
    int attends;
    glimpse_depthwise mixer;
    glimpse_norm norm; /* NULL with a batch norm: folded into qkv */
    glimpse_convolution qkv, out;
    glimpse_depthwise mlp_conv;
    glimpse_mobile_mlp mlp;
} glimpse_fastvit_block;

typedef struct glimpse_fastvit_stage {
    size_t width, side;
    size_t before;                /* pixels a side of what comes in */
    glimpse_depthwise downsample; /* weights NULL: there is none */
    glimpse_fastvit_squeeze excite;
    glimpse_convolution pointwise;
    glimpse_depthwise position;
    glimpse_fastvit_block *blocks;
    size_t count;
} glimpse_fastvit_stage;

typedef struct glimpse_fastvit {
    const glimpse_math *math;
    size_t side, embedding;
    glimpse_convolution stem;
    glimpse_depthwise stem_depthwise;
    glimpse_convolution stem_pointwise;
    glimpse_fastvit_stage stages[GLIMPSE_FASTVIT_STAGES];
    size_t count;
    glimpse_depthwise last;
    glimpse_fastvit_squeeze excite;
    glimpse_convolution head;
} glimpse_fastvit;

/* fastvit_weights.c: the first operations of the table. */
int glimpse_fastvit_open(void **out, glimpse_loader *l, const glimpse_model_config *config);
void glimpse_fastvit_close(void *tower);
size_t glimpse_fastvit_memory(const void *tower);

#endif
