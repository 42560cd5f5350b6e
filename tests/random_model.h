/*
 * random_model.h - writes model directories with random weights, in the published layout: for
 * tests that need a shape (ViT-B/32) and for benchmarks, where real weights cannot be shipped.
 */
#ifndef GLIMPSE_TESTS_RANDOM_MODEL_H
#define GLIMPSE_TESTS_RANDOM_MODEL_H

#include <stddef.h>
#include <stdint.h>

typedef struct random_model {
    size_t image_size, patch, embedding;
    size_t vision_width, vision_layers, vision_heads, vision_mlp;
    size_t text_width, text_layers, text_heads, text_mlp;
    size_t vocabulary, context;
    const char *dtype;      /* "F32", "F16" or "BF16" */
    const char *activation; /* "quick_gelu" or "gelu" */
    size_t shards;          /* 1: model.safetensors; more: an index and that many files */
    uint64_t seed;
    int merges; /* 1: the whole vocabulary is filled with merges, as in a real one; else bytes only
                 */
} random_model;

/* A model of a few kilobytes whose tokenizer knows the 256 bytes and nothing more. */
random_model random_model_tiny(void);
/* The shapes of openai/clip-vit-base-patch32 and -large-patch14. */
random_model random_model_vit_b32(void);
random_model random_model_vit_l14(void);

/* Makes `folder` and the files in it. 1 on success, 0 with a line on stderr. */
int random_model_write(const random_model *model, const char *folder);

#endif
