/*
 * random_mobileclip.h - writes MobileCLIP models with random weights, in OpenCLIP's layout with
 * timm's names: for tests and benchmarks.
 */
#ifndef GLIMPSE_TESTS_RANDOM_MOBILECLIP_H
#define GLIMPSE_TESTS_RANDOM_MOBILECLIP_H

#include <stddef.h>
#include <stdint.h>

enum { RANDOM_MOBILECLIP_STAGES = 5 };

typedef struct random_mobileclip {
    const char *name; /* timm's: "fastvit_mci0" */
    size_t image_size, embedding;
    size_t stages, layers[RANDOM_MOBILECLIP_STAGES], widths[RANDOM_MOBILECLIP_STAGES];
    size_t mlp;     /* times the width */
    size_t attends; /* the first stage that does */
    size_t excites; /* the first stage whose downsampling has squeeze and excitation */
    int layer_norm; /* before attention; else a batch norm */
    int stem_scale; /* a branch of 1 x 1 in the stem */
    int folded;     /* branches are folded already */
    size_t text_width, text_layers, text_heads;
    size_t vocabulary, context;
    const char *dtype; /* "F32", "F16" or "BF16" */
    uint64_t seed;
    int merges; /* as in random_model */
} random_mobileclip;

random_mobileclip random_mobileclip_tiny(void);
/* The shapes of MobileCLIP2-S0, -S2 (those of MobileCLIP-S0 and -S2) and -S3, folded. */
random_mobileclip random_mobileclip_s0(void);
random_mobileclip random_mobileclip_s2(void);
random_mobileclip random_mobileclip_s3(void);

/* Makes `directory` and the files in it. 1 on success, 0 with a line on stderr. */
int random_mobileclip_write(const random_mobileclip *model, const char *directory);

#endif
