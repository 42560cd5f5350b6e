/*
 * vlm/blip/blip_config.h - what the configuration files of a BLIP directory say, with the defaults
 * of transformers' BlipConfig, BlipTextConfig, BlipVisionConfig and BlipImageProcessor.
 */
#ifndef GLIMPSE_VLM_BLIP_CONFIG_H
#define GLIMPSE_VLM_BLIP_CONFIG_H

#include "model/config.h"

#include <glimpse/sys/blip.h>

typedef struct glimpse_blip_config {
    glimpse_blip_kind kind; /* 0: "architectures" names none of the three */
    glimpse_tower_config vision, text;
    size_t image_size, patch; /* square input, square patches; 3 channels */
    size_t vocabulary, context;
    size_t joint;           /* E, the space of ITC */
    int32_t dec_id, sep_id; /* begin and end of what the decoder writes */
    size_t beams;           /* what generation does unless told otherwise */
    size_t max_length, min_length;
    double length_penalty;
    glimpse_preprocess preprocess;
} glimpse_blip_config;

int glimpse_blip_config_read(glimpse_blip_config *out, const char *directory);

#endif
