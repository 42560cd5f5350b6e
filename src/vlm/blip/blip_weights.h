/*
 * vlm/blip/blip_weights.h - the weights of a BLIP model, prepared for the products of
 * math/linear.h.
 *
 * The image tower is CLIP's without the norm in front (model/tower.h); its patch convolution has
 * a bias. The text side is BERT with cross-attention:
 *
 *     x = norm(x + out(attention(qkv(x))))
 *     x = norm(x + cross_out(attention(cross_q(x), cross_kv(source))))    where there is a source
 *     x = norm(x + down(act(up(x))))
 */
#ifndef GLIMPSE_VLM_BLIP_WEIGHTS_H
#define GLIMPSE_VLM_BLIP_WEIGHTS_H

#include "model/tower.h"
#include "vlm/blip/blip_config.h"

typedef struct glimpse_blip_layer {
    glimpse_linear *qkv;       /* [3D][D] */
    glimpse_linear *out;       /* [D][D], accumulates */
    glimpse_linear *cross_q;   /* [D][D] */
    glimpse_linear *cross_kv;  /* [2D][S]: keys, then values */
    glimpse_linear *cross_out; /* [D][D], accumulates */
    glimpse_linear *up;        /* [F][D], activation fused */
    glimpse_linear *down;      /* [D][F], accumulates */
    glimpse_norm norm, cross_norm, last_norm;
} glimpse_blip_layer;

typedef struct glimpse_blip_stack {
    const glimpse_math *math;
    glimpse_tower_config config;
    int causal;
    size_t source; /* S, the width that cross-attention reads: always the image tower's */
    size_t context, vocabulary;
    glimpse_numbers words; /* [vocabulary][D], borrowed from the mapping */
    float *positions;      /* [context][D], owned */
    glimpse_norm first;
    glimpse_blip_layer *layers; /* [config.layers] */
} glimpse_blip_stack;

/* From the decoder's states to logits: words(norm(act(transform(x)))). */
typedef struct glimpse_blip_head {
    glimpse_linear *transform; /* [D][D], activation fused */
    glimpse_norm norm;
    glimpse_linear *words; /* [vocabulary][D] */
} glimpse_blip_head;

/* Each leaves its result closable when it fails. */
int glimpse_blip_load_vision(glimpse_tower *tower, const glimpse_math *math,
                             const glimpse_blip_config *config, const glimpse_tensors *tensors);
/* `prefix`: "text_encoder." or "text_decoder.bert.". */
int glimpse_blip_load_stack(glimpse_blip_stack *stack, const glimpse_math *math,
                            const glimpse_blip_config *config, const glimpse_tensors *tensors,
                            const char *prefix, int causal);
int glimpse_blip_load_head(glimpse_blip_head *head, const glimpse_blip_stack *stack,
                           const glimpse_tensors *tensors);

void glimpse_blip_stack_close(glimpse_blip_stack *stack); /* a zeroed one is fine */
void glimpse_blip_head_close(glimpse_blip_head *head);
size_t glimpse_blip_stack_memory(const glimpse_blip_stack *stack);
size_t glimpse_blip_head_memory(const glimpse_blip_head *head);

#endif
