/*
 * random_blip.h - writes BLIP directories with random weights, in the published layout: for tests
 * and benchmarks. Its vocabulary is the letters, a few words, and [DEC] and [ENC] as the two rows
 * behind it.
 */
#ifndef GLIMPSE_TESTS_RANDOM_BLIP_H
#define GLIMPSE_TESTS_RANDOM_BLIP_H

#include <glimpse/sys/blip.h>

typedef struct random_blip {
    glimpse_blip_kind kind;
    size_t image_size, patch;
    size_t vision_width, vision_layers, vision_heads, vision_mlp;
    size_t text_width, text_layers, text_heads, text_mlp;
    size_t vocabulary, context, joint;
    const char *dtype; /* "F32", "F16" or "BF16" */
    size_t shards;     /* 1: model.safetensors; more: an index and that many files */
    int tied;          /* no output weights in the file: the word embeddings serve */
    int unnamed;       /* config.json without "architectures" */
    float sharpness;   /* standard deviation of logits, about; 0: 2 */
    uint64_t seed;
} random_blip;

random_blip random_blip_tiny(glimpse_blip_kind kind);
/* ViT-B/16 at 384 pixels and BERT base: the shapes of Salesforce/blip-*-base. */
random_blip random_blip_base(glimpse_blip_kind kind);

/* Makes `directory` and the files in it. 1 on success, 0 with a line on stderr. */
int random_blip_write(const random_blip *model, const char *directory);

#endif
