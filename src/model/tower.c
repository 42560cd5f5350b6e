/*
 * model/tower.c - finding a tower's tensors under the names of each layout.
 *
 *                     transformers                              openai/CLIP and open_clip
 *   block N           PREFIX.encoder.layers.N                   PREFIX.resblocks.N
 *   norm 1            layer_norm1                               ln_1
 *   q, k, v           self_attn.{q,k,v}_proj                    attn.in_proj_weight (stacked)
 *   output            self_attn.out_proj                        attn.out_proj
 *   MLP               mlp.fc1, mlp.fc2                          mlp.c_fc, mlp.c_proj
 *   projection        visual_projection.weight [E][D]           visual.proj [D][E]
 *
 * SigLIP has transformers' names for what it shares with CLIP. Its pictures have a bias in the
 * patch embedding, no class token and no first norm, and vision_model.head (pooling.h) in place of
 * the projection; its texts have text_model.head, a projection with a bias.
 */
#include "model/tower.h"

#include "core/error.h"
#include "model/loader.h"
#include "model/text_mixer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const glimpse_block_names glimpse_block_names_hf = {
    "encoder.layers.",    "layer_norm1", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
    "self_attn.out_proj", "layer_norm2", "mlp.fc1",          "mlp.fc2"};
const glimpse_block_names glimpse_block_names_open_clip = {
    "resblocks.",    "ln_1", "attn.in_proj", NULL,        NULL,
    "attn.out_proj", "ln_2", "mlp.c_fc",     "mlp.c_proj"};

static glimpse_linear *load_qkv(glimpse_loader *l, const glimpse_block_names *names, size_t width,
                                const char *stem) {
    glimpse_linear_spec spec = {.in = width, .out = 3 * width, .output = GLIMPSE_ELEMENT_F32};
    char full[GLIMPSE_TENSOR_NAME_BYTES];
    if (names->k) {
        const char *const parts[3] = {names->q, names->k, names->v};
        spec.parts = 3;
        for (size_t i = 0; i < 3; i++) {
            (void)snprintf(full, sizeof full, "%s%s", stem, parts[i]);
            spec.weights[i] = glimpse_load_matrix(l, width, width, full, ".weight");
            spec.biases[i] = glimpse_load_vector(l, width, full, ".bias");
        }
    } else {
        spec.parts = 1;
        (void)snprintf(full, sizeof full, "%s%s", stem, names->q);
        spec.weights[0] = glimpse_load_matrix(l, 3 * width, width, full, "_weight");
        spec.biases[0] = glimpse_load_vector(l, 3 * width, full, "_bias");
    }
    return glimpse_load_spec(l, &spec);
}

int glimpse_tower_make_blocks(glimpse_loader *l, glimpse_tower *tower) {
    if (l->status < 0) return 0;
    tower->blocks = calloc(tower->config.layers, sizeof *tower->blocks);
    if (!tower->blocks) {
        l->status = glimpse_fail_nomem(tower->config.layers * sizeof *tower->blocks, "a tower");
    }
    return tower->blocks != NULL;
}

void glimpse_tower_load_blocks(glimpse_loader *l, glimpse_tower *tower,
                               const glimpse_block_names *names, const char *prefix) {
    const glimpse_tower_config *c = &tower->config;
    if (!glimpse_tower_make_blocks(l, tower)) return;
    for (size_t i = 0; i < c->layers && l->status == GLIMPSE_OK; i++) {
        glimpse_block *block = &tower->blocks[i];
        char stem[GLIMPSE_TENSOR_NAME_BYTES];
        (void)snprintf(stem, sizeof stem, "%s%s%zu.", prefix, names->layers, i);
        block->norm1 = glimpse_load_norm(l, c->width, stem, names->norm1);
        block->qkv = load_qkv(l, names, c->width, stem);
        block->out = glimpse_load_linear(l, c->width, c->width, stem, names->out,
                                         GLIMPSE_ACTIVATION_NONE, 1, GLIMPSE_ELEMENT_F32);
        block->norm2 = glimpse_load_norm(l, c->width, stem, names->norm2);
        block->up = glimpse_load_linear(l, c->mlp, c->width, stem, names->up, c->activation, 0,
                                        l->math->element);
        block->down = glimpse_load_linear(l, c->width, c->mlp, stem, names->down,
                                          GLIMPSE_ACTIVATION_NONE, 1, GLIMPSE_ELEMENT_F32);
    }
}

glimpse_linear *glimpse_tower_load_projection(glimpse_loader *l, int hf, size_t embedding,
                                              size_t width, const char *name) {
    glimpse_linear_spec spec = {.in = width,
                                .out = embedding,
                                .parts = 1,
                                .transposed = !hf,
                                .output = GLIMPSE_ELEMENT_F32,
                                .exact = 1};
    spec.weights[0] = hf ? glimpse_load_matrix(l, embedding, width, name, "")
                         : glimpse_load_matrix(l, width, embedding, name, "");
    return glimpse_load_spec(l, &spec);
}

glimpse_linear *glimpse_tower_load_head(glimpse_loader *l, size_t embedding, size_t width,
                                        const char *stem, const char *name, int has_bias) {
    char full[GLIMPSE_TENSOR_NAME_BYTES];
    (void)snprintf(full, sizeof full, "%s%s", stem, name);
    glimpse_linear_spec spec = {
        .in = width, .out = embedding, .parts = 1, .output = GLIMPSE_ELEMENT_F32, .exact = 1};
    spec.weights[0] = glimpse_load_matrix(l, embedding, width, full, ".weight");
    if (has_bias) spec.biases[0] = glimpse_load_vector(l, embedding, full, ".bias");
    return glimpse_load_spec(l, &spec);
}

void glimpse_tower_close(glimpse_tower *tower) {
    for (size_t i = 0; tower->blocks && i < tower->config.layers; i++) {
        glimpse_block *block = &tower->blocks[i];
        glimpse_norm_release(&block->norm1);
        glimpse_norm_release(&block->norm2);
        glimpse_norm_release(&block->attn_norm);
        glimpse_norm_release(&block->mlp_norm);
        glimpse_linear_free(block->qkv);
        glimpse_linear_free(block->out);
        glimpse_linear_free(block->up);
        glimpse_linear_free(block->down);
    }
    free(tower->blocks);
    glimpse_norm_release(&tower->first);
    glimpse_norm_release(&tower->last);
    glimpse_linear_free(tower->patches);
    glimpse_linear_free(tower->middle);
    glimpse_stem_release(&tower->stem);
    glimpse_linear_free(tower->projection);
    free(tower->positions);
    free(tower->rotary);
    free(tower->class_token);
    glimpse_pooling_release(&tower->pooling);
    glimpse_text_mixers_release(tower);
    *tower = (glimpse_tower){.math = NULL};
}

size_t glimpse_tower_memory(const glimpse_tower *tower) {
    size_t bytes = tower->position_rows * tower->config.width * sizeof(float) +
                   glimpse_linear_memory(tower->patches) + glimpse_linear_memory(tower->middle) +
                   glimpse_stem_memory(&tower->stem) + glimpse_linear_memory(tower->projection) +
                   glimpse_pooling_memory(&tower->pooling, tower->config.width) +
                   glimpse_text_mixers_memory(tower);
    if (tower->rotary)
        bytes += tower->tokens * tower->config.width / tower->config.heads * sizeof(float);
    for (size_t i = 0; tower->blocks && i < tower->config.layers; i++) {
        const glimpse_block *block = &tower->blocks[i];
        if (block->attn_norm.gamma) bytes += 2 * tower->config.width * sizeof(float);
        if (block->mlp_norm.gamma) bytes += 2 * tower->config.mlp * sizeof(float);
        bytes += 4 * tower->config.width * sizeof(float) + glimpse_linear_memory(block->qkv) +
                 glimpse_linear_memory(block->out) + glimpse_linear_memory(block->up) +
                 glimpse_linear_memory(block->down);
    }
    return bytes;
}
