/*
 * model/config.h - what the configuration files of a model directory say, with the defaults of the
 * classes that wrote them and every number checked.
 */
#ifndef GLIMPSE_MODEL_CONFIG_H
#define GLIMPSE_MODEL_CONFIG_H

#include "math/kernels/kernels.h"

#include <glimpse/sys/image.h>
#include <glimpse/sys/tokenizer.h>

#include <stddef.h>
#include <stdint.h>

/* Who published the weights, which decides what tensors are called. */
typedef enum glimpse_layout {
    GLIMPSE_LAYOUT_HF,              /* transformers' CLIPModel */
    GLIMPSE_LAYOUT_OPENCLIP,        /* open_clip's CLIP, openai/CLIP names */
    GLIMPSE_LAYOUT_OPENCLIP_CUSTOM, /* open_clip's CustomTextCLIP: text names under "text." */
    GLIMPSE_LAYOUT_SIGLIP,          /* transformers' SiglipModel and Siglip2Model */
    GLIMPSE_LAYOUT_MOBILECLIP       /* Apple's MobileCLIP */
} glimpse_layout;

/* What an image tower is made of; image_tower.c has the operations of each. */
typedef enum glimpse_image_architecture {
    GLIMPSE_IMAGE_VIT,      /* openai/CLIP's and SigLIP's transformers: vit.c */
    GLIMPSE_IMAGE_TIMM_VIT, /* timm's: SigLIP of OpenCLIP, EVA02, PE-Core */
    GLIMPSE_IMAGE_RESNET,   /* openai/CLIP's ModifiedResNet */
    GLIMPSE_IMAGE_FASTVIT,  /* MobileCLIP */
    GLIMPSE_IMAGE_NAFLEX    /* SigLIP 2 of flexible resolution: naflex.c */
} glimpse_image_architecture;

typedef enum glimpse_text_architecture {
    GLIMPSE_TEXT_CLIP, /* tokens and positions, then pre-norm blocks: CLIP, SigLIP, MetaCLIP 2 */
    GLIMPSE_TEXT_BERT, /* post-norm blocks: BERT, XLM-R */
    GLIMPSE_TEXT_M2M,  /* M2M-100's encoder, pre-norm blocks and sinusoidal positions: NLLB */
    GLIMPSE_TEXT_MCT   /* MobileCLIP-S0: transformer between one-dimensional convolutions */
} glimpse_text_architecture;

/* Which places of the last layer become the embedding of a text. */
typedef enum glimpse_text_pooling {
    GLIMPSE_TEXT_HIGHEST, /* that of the highest id: OpenCLIP, and CLIP with end id 2 */
    GLIMPSE_TEXT_END,     /* the first end_id */
    GLIMPSE_TEXT_LAST,    /* the last place, padding or not: SigLIP */
    GLIMPSE_TEXT_FIRST,   /* the class or language token */
    GLIMPSE_TEXT_MEAN     /* the mean over all tokens of the text, start and end included */
} glimpse_text_pooling;

/* Whether texts are filled up to the context length, with padding that takes part in attention. */
typedef enum glimpse_text_padding {
    GLIMPSE_PADDING_NONE,     /* masked in the reference, so that it need not be computed */
    GLIMPSE_PADDING_ZERO,     /* with id 0: MobileCLIP */
    GLIMPSE_PADDING_TOKENIZER /* with the tokenizer's: SigLIP */
} glimpse_text_padding;

/* Where the norms of a block stand, x being the residual stream and f a half of the block. */
typedef enum glimpse_norm_placement {
    GLIMPSE_NORM_PRE,           /* x += f(norm(x)): CLIP */
    GLIMPSE_NORM_RESIDUAL_POST, /* x += norm(f(x)): EVA02-E */
    GLIMPSE_NORM_POST           /* x = norm(x + f(x)): BERT (Vaswani et al. 2017) */
} glimpse_norm_placement;

/* What stands between the last norm of a text and its embedding. */
typedef enum glimpse_text_projection {
    GLIMPSE_PROJECTION_MATRIX, /* no bias */
    GLIMPSE_PROJECTION_LINEAR, /* with a bias: SigLIP in OpenCLIP's layout */
    GLIMPSE_PROJECTION_NONE
} glimpse_text_projection;

enum { GLIMPSE_RESNET_LAYERS = 4, GLIMPSE_RESNET_REDUCTION = 32 };

typedef struct glimpse_tower_config {
    size_t width, mlp, layers, heads;
    float eps;
    glimpse_activation activation;
    glimpse_norm_placement norms;
    int gated; /* MLP: down(norm(silu(g) * u)), g and u from one product; else down(act(up)) */
} glimpse_tower_config;

/* How the queries, keys and values of timm's blocks are stored. */
typedef enum glimpse_timm_qkv {
    GLIMPSE_TIMM_QKV,          /* attn.qkv.weight, attn.qkv.bias */
    GLIMPSE_TIMM_QKV_Q_V_BIAS, /* attn.qkv.weight, attn.q_bias, attn.v_bias */
    GLIMPSE_TIMM_Q_K_V         /* attn.q_proj, attn.k_proj without a bias, attn.v_proj */
} glimpse_timm_qkv;

/* What stands between the pooled vector of a picture and its embedding. */
typedef enum glimpse_timm_head {
    GLIMPSE_TIMM_HEAD_NONE,
    GLIMPSE_TIMM_HEAD_TRUNK,      /* timm's own classifier, with a bias */
    GLIMPSE_TIMM_HEAD_LINEAR,     /* open_clip's projection */
    GLIMPSE_TIMM_HEAD_LINEAR_BIAS /* the same with a bias */
} glimpse_timm_head;

/* Positions as rotations of queries and keys in neighbouring pairs; which coordinate of a patch
 * makes the first half of the angles. */
typedef enum glimpse_rotary {
    GLIMPSE_ROTARY_NONE,
    GLIMPSE_ROTARY_ROW_FIRST,   /* timm's "ij": EVA02 */
    GLIMPSE_ROTARY_COLUMN_FIRST /* "xy": PE */
} glimpse_rotary;

/* What tells timm's transformers apart besides their sizes; the values are those of timm_names.c.
 */
typedef struct glimpse_timm_config {
    const char *family; /* for people: "EVA02-CLIP"; static */
    int class_token;
    int first_norm; /* norm_pre; the patches then have no bias */
    int stem;       /* patches are cut by three convolutions: MobileCLIP-B */
    glimpse_timm_qkv qkv;
    int sub_norms; /* attn.norm and mlp.norm */
    glimpse_rotary rotary;
    size_t rotary_reference;     /* patches per side that angles were trained for */
    int rotary_offset;           /* coordinate of the first row and column */
    size_t pool_heads, pool_mlp; /* of attention pooling; 0: the class token is pooled */
    glimpse_timm_head head;
} glimpse_timm_config;

typedef struct glimpse_model_config {
    glimpse_layout layout;
    glimpse_tower_config vision, text;
    glimpse_image_architecture image_architecture;
    glimpse_timm_config timm; /* of GLIMPSE_IMAGE_TIMM_VIT */
    size_t image_size, patch; /* square input, square patches; 3 channels */
    /* Of GLIMPSE_IMAGE_NAFLEX, whose image_size is the largest square: rows and columns of the
     * table of positions. How many patches a picture may have, `preprocess` says. */
    size_t position_grid;
    /* Of GLIMPSE_IMAGE_RESNET: channels of the stem, bottlenecks of each layer. vision.width is
     * then that of the pooling, patch the pixels of a side that become one. */
    size_t resnet_width, resnet_layers[GLIMPSE_RESNET_LAYERS];
    size_t vocabulary, context;
    size_t positions; /* rows of the table of positions in the file; 0: as many as the context */
    size_t first_position; /* row of a text's first token: 2 in XLM-R, whose padding is 1 */
    size_t token_types;    /* rows of BERT's table of token types, of which the first is used */
    size_t projection_mid; /* width between the two layers of a projection; 0: it is one layer */
    size_t embedding;
    int m_clip; /* the text tower is M-CLIP's, and the image tower that of the model below image/ */
    glimpse_text_architecture text_architecture;
    glimpse_tokenizer_kind tokenizer; /* AUTO: the directory's files say which */
    glimpse_text_pooling text_pooling;
    glimpse_text_padding padding;
    glimpse_text_projection text_projection;
    int text_mixers;  /* of GLIMPSE_TEXT_MCT: whether convolutions stand around the blocks */
    int causal;       /* a token sees those before it only */
    int32_t end_id;   /* of GLIMPSE_TEXT_END; -1: the configuration says none */
    int sigmoid;      /* logits go through a sigmoid, and there is a logit_bias */
    int32_t start_id; /* as the configuration says; the tokenizer's is what counts */
    glimpse_preprocess preprocess;
} glimpse_model_config;

/* Reads open_clip_config.json when it and OpenCLIP weights are there, else Apple's configuration of
 * a MobileCLIP (mobileclip_s0.json), else config.json with preprocessor_config.json. */
int glimpse_model_config_read(glimpse_model_config *out, const char *directory);

#endif
