/*
 * model/timm_names.h - what the names of timm's models stand for.
 *
 * A published configuration of OpenCLIP names an image tower of timm and says no more. Sizes could
 * be read off the tensors; heads, epsilons, activations, reference grids and offsets of rotations
 * cannot: they come from here, and so do the sizes, so that what is wrong is noticed by the shapes.
 */
#ifndef GLIMPSE_MODEL_TIMM_NAMES_H
#define GLIMPSE_MODEL_TIMM_NAMES_H

#include "model/config.h"

typedef enum glimpse_timm_kind {
    GLIMPSE_TIMM_SIGLIP,      /* no class token, attention pooling */
    GLIMPSE_TIMM_CLIP,        /* openai/CLIP's ViT under timm's names */
    GLIMPSE_TIMM_EVA,         /* EVA01: no bias of keys */
    GLIMPSE_TIMM_EVA02,       /* rotary positions, SwiGLU, norms inside of attention and MLP */
    GLIMPSE_TIMM_EVA02_POST,  /* EVA02-E: norms behind attention and MLP */
    GLIMPSE_TIMM_PE,          /* rotary positions, attention pooling, class token */
    GLIMPSE_TIMM_PE_NO_CLASS, /* PE-Core-G */
    GLIMPSE_TIMM_MCI          /* MobileCLIP-B: patches cut by convolutions */
} glimpse_timm_kind;

typedef struct glimpse_timm_model {
    const char *name;
    glimpse_timm_kind kind;
    size_t image_size, patch, width, layers, heads;
    double mlp_ratio; /* MLP = whole part of width times this */
    glimpse_activation activation;
} glimpse_timm_model;

/* The model of that name, with or without the tag of its weights ("NAME.TAG"); NULL when it is not
 * known. */
const glimpse_timm_model *glimpse_timm_find(const char *name);
/* The one known whose name is most like it; NULL: none is like it. */
const glimpse_timm_model *glimpse_timm_nearest(const char *name);
/* All, ended by one without a name: for tests. */
const glimpse_timm_model *glimpse_timm_all(void);
/* What the kind says, for a tower whose sizes are set; no head, the usual pooling. */
glimpse_timm_config glimpse_timm_describe(const glimpse_timm_model *model);
/* Of the layer norms. */
float glimpse_timm_eps(glimpse_timm_kind kind);

#endif
