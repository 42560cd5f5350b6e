/*
 * random_resnet.h - writes CLIP ResNets with random weights, in OpenCLIP's layout: for tests and
 * benchmarks.
 */
#ifndef GLIMPSE_TESTS_RANDOM_RESNET_H
#define GLIMPSE_TESTS_RANDOM_RESNET_H

#include <stddef.h>
#include <stdint.h>

typedef struct random_resnet {
    size_t image_size, width, layers[4], head_width, embedding;
    size_t text_width, text_layers, text_heads;
    size_t vocabulary, context;
    const char *dtype; /* "F32", "F16" or "BF16" */
    uint64_t seed;
    int merges; /* as in random_model */
} random_resnet;

random_resnet random_resnet_tiny(void);
/* The shapes of OpenAI's RN50 and RN50x64. */
random_resnet random_resnet_rn50(void);
random_resnet random_resnet_rn50x64(void);

/* Makes `directory` and the files in it. 1 on success, 0 with a line on stderr. */
int random_resnet_write(const random_resnet *model, const char *directory);

#endif
