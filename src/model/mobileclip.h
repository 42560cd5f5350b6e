/*
 * model/mobileclip.h - the parts that MobileCLIP's image and text towers share, and what they are
 * called: by timm, whose names OpenCLIP's files have, and by Apple.
 */
#ifndef GLIMPSE_MODEL_MOBILECLIP_H
#define GLIMPSE_MODEL_MOBILECLIP_H

#include "model/depthwise.h"
#include "model/fold.h"

typedef struct glimpse_mobile_names {
    const char *root;
    const char *stem; /* its convolutions, by number */
    const char *final;
    const char *branch; /* a kernel, by number */
    const char *scale, *identity, *folded;
    const char *large, *small, *large_folded;
    const char *mlp, *gamma;
    const char *reduce, *expand; /* of squeeze and excitation */
    const char *position;
} glimpse_mobile_names;

extern const glimpse_mobile_names glimpse_mobile_timm, glimpse_mobile_apple;

/* Whether there is a tensor of that name. */
int glimpse_mobile_has(const glimpse_loader *l, const char *format, ...) GLIMPSE_PRINTF(2, 3);
/* What remains of a MobileOne block (Vasu et al. 2023) behind STEM: its branches, or what they were
 * folded into by whoever published it. */
void glimpse_mobile_one(glimpse_fold *fold, glimpse_loader *l, const glimpse_mobile_names *names,
                        const char *stem);
/* A RepMixer behind STEM, with its residual connection. */
void glimpse_mobile_mixer(glimpse_fold *fold, glimpse_loader *l, const glimpse_mobile_names *names,
                          const char *stem);
/* A fold of groups of one input over `channels` of them, with `multiplier` outputs for each (0: any
 * number); releases the fold. NAME is for messages. */
void glimpse_mobile_depthwise(glimpse_depthwise *out, glimpse_loader *l, glimpse_fold *fold,
                              const char *name, size_t channels, size_t multiplier, size_t stride);
/* The convolution that a block's MLP begins with, behind STEM. */
void glimpse_mobile_mlp_conv(glimpse_depthwise *out, glimpse_loader *l,
                             const glimpse_mobile_names *names, size_t width, const char *stem);
/* STEM NAME [width][1][1], with the ending that the names have; malloc'ed, NULL when only checking.
 */
float *glimpse_mobile_gamma(glimpse_loader *l, const glimpse_mobile_names *names, size_t width,
                            const char *stem, const char *name);
/* A fold with 1 x 1 weights as a product, whose inputs come in groups of `multiplier` for each of
 * in / multiplier channels and lie as depthwise.h says. `shape` gives all but the channels. */
glimpse_convolution glimpse_mobile_product(glimpse_loader *l, const glimpse_fold *fold,
                                           size_t multiplier,
                                           const glimpse_convolution_shape *shape);
/* A failure that names the tensor NAME.weight unless `is` equals `wanted`. */
void glimpse_mobile_check(glimpse_loader *l, const char *name, const char *what, size_t is,
                          size_t wanted);

/* The MLP of a block, without its first convolution: x += gamma * fc2(gelu(fc1(h))). */
typedef struct glimpse_mobile_mlp {
    size_t width, hidden;
    glimpse_linear *up;       /* [hidden][width], gelu fused */
    glimpse_convolution down; /* [width][hidden], accumulates */
} glimpse_mobile_mlp;
/* STEM is that of the MLP; `gamma` [width], or NULL when only checking. */
void glimpse_mobile_mlp_load(glimpse_mobile_mlp *mlp, glimpse_loader *l, size_t width,
                             const char *stem, const float *gamma);
void glimpse_mobile_mlp_release(glimpse_mobile_mlp *mlp); /* a zeroed one is fine */
size_t glimpse_mobile_mlp_memory(const glimpse_mobile_mlp *mlp);

#endif
