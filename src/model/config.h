/*
 * model/config.h - what the configuration files of a model directory say, with the defaults of the
 * classes that wrote them and every number checked.
 */
#ifndef GLIMPSE_MODEL_CONFIG_H
#define GLIMPSE_MODEL_CONFIG_H

#include "math/kernels/kernels.h"

#include <glimpse/sys/image.h>

#include <stddef.h>
#include <stdint.h>

typedef enum glimpse_layout {
    GLIMPSE_LAYOUT_HF,              /* transformers' CLIPModel */
    GLIMPSE_LAYOUT_OPENCLIP,        /* open_clip's CLIP, openai/CLIP names */
    GLIMPSE_LAYOUT_OPENCLIP_CUSTOM, /* open_clip's CustomTextCLIP: text names under "text." */
    GLIMPSE_LAYOUT_SIGLIP           /* transformers' SiglipModel: SigLIP, fixed-size SigLIP 2 */
} glimpse_layout;

typedef struct glimpse_tower_config {
    size_t width, mlp, layers, heads;
    float eps;
    glimpse_activation activation;
} glimpse_tower_config;

typedef struct glimpse_model_config {
    glimpse_layout layout;
    glimpse_tower_config vision, text;
    size_t image_size, patch; /* square input, square patches; 3 channels */
    size_t vocabulary, context;
    size_t embedding;
    /* Where CLIP's text embedding is read: at the first `end_id`, or for old configurations, which
     * name a wrong id (2), and for OpenCLIP at the highest id. SigLIP reads it at the last place.
     */
    int end_is_highest;
    int32_t end_id;
    int32_t start_id; /* as the configuration says; the tokenizer's is what counts */
    glimpse_preprocess preprocess;
} glimpse_model_config;

/* Reads open_clip_config.json when it and OpenCLIP weights are there, else config.json with
 * preprocessor_config.json. */
int glimpse_model_config_read(glimpse_model_config *out, const char *directory);

#endif
