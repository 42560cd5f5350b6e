/*
 * random_timm.h - writes models with an image tower of timm and random weights, in OpenCLIP's
 * layout: for tests and benchmarks.
 */
#ifndef GLIMPSE_TESTS_RANDOM_TIMM_H
#define GLIMPSE_TESTS_RANDOM_TIMM_H

#include <stddef.h>
#include <stdint.h>

typedef struct random_timm {
    const char *name; /* timm's, one of those that glimpse knows */
    /* Of the image tower; 0: the name's own. Those that are not stand in "timm_model_kwargs". */
    size_t image_size, patch, width, layers, heads, pool_heads, reference;
    size_t embedding; /* with a SigLIP the width */
    size_t text_width, text_layers, text_heads;
    size_t vocabulary, context;
    const char *dtype; /* "F32", "F16" or "BF16" */
    uint64_t seed;
    int merges;        /* as in random_model */
    int no_projection; /* of texts: SigLIP's multilingual So400m has none */
} random_timm;

/* Of a few kilobytes. A SigLIP has SigLIP's text tower and a tokenizer of SigLIP 2's kind, the
 * others CLIP's. */
random_timm random_timm_tiny(const char *name);
/* What OpenCLIP publishes: "ViT-B-16-SigLIP2", "EVA02-B-16", "PE-Core-B-16". A SigLIP's vocabulary
 * is that of the tiny tokenizer. */
random_timm random_timm_published(const char *name);

/* The tensors of its image tower alone, for models whose texts are another's. */
struct random_writer;
void random_timm_add_image_tower(struct random_writer *writer, const random_timm *model);

/* Makes `directory` and the files in it. 1 on success, 0 with a line on stderr. */
int random_timm_write(const random_timm *model, const char *directory);

#endif
