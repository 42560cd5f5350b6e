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

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static glimpse_linear *load_qkv(glimpse_loader *l, int hf, size_t width, const char *stem) {
    glimpse_linear_spec spec = {.in = width, .out = 3 * width, .output = GLIMPSE_ELEMENT_F32};
    if (hf) {
        static const char *const names[3] = {"self_attn.q_proj", "self_attn.k_proj",
                                             "self_attn.v_proj"};
        spec.parts = 3;
        for (size_t i = 0; i < 3; i++) {
            char full[GLIMPSE_TENSOR_NAME_BYTES];
            (void)snprintf(full, sizeof full, "%s%s", stem, names[i]);
            spec.weights[i] = glimpse_load_matrix(l, width, width, full, ".weight");
            spec.biases[i] = glimpse_load_vector(l, width, full, ".bias");
        }
    } else {
        spec.parts = 1;
        spec.weights[0] = glimpse_load_matrix(l, 3 * width, width, stem, "attn.in_proj_weight");
        spec.biases[0] = glimpse_load_vector(l, 3 * width, stem, "attn.in_proj_bias");
    }
    return glimpse_load_spec(l, &spec);
}

static void load_blocks(glimpse_loader *l, glimpse_tower *tower, int hf, const char *prefix) {
    const glimpse_tower_config *c = &tower->config;
    tower->blocks = calloc(c->layers, sizeof *tower->blocks);
    if (!tower->blocks) {
        l->status = glimpse_fail_nomem(c->layers * sizeof *tower->blocks, "a tower");
        return;
    }
    for (size_t i = 0; i < c->layers && l->status == GLIMPSE_OK; i++) {
        glimpse_block *block = &tower->blocks[i];
        char stem[GLIMPSE_TENSOR_NAME_BYTES];
        (void)snprintf(stem, sizeof stem, hf ? "%sencoder.layers.%zu." : "%sresblocks.%zu.", prefix,
                       i);
        block->norm1 = glimpse_load_norm(l, c->width, stem, hf ? "layer_norm1" : "ln_1");
        block->qkv = load_qkv(l, hf, c->width, stem);
        block->out = glimpse_load_linear(l, c->width, c->width, stem,
                                         hf ? "self_attn.out_proj" : "attn.out_proj",
                                         GLIMPSE_ACTIVATION_NONE, 1, GLIMPSE_ELEMENT_F32);
        block->norm2 = glimpse_load_norm(l, c->width, stem, hf ? "layer_norm2" : "ln_2");
        block->up = glimpse_load_linear(l, c->mlp, c->width, stem, hf ? "mlp.fc1" : "mlp.c_fc",
                                        c->activation, 0, l->math->element);
        block->down = glimpse_load_linear(l, c->width, c->mlp, stem, hf ? "mlp.fc2" : "mlp.c_proj",
                                          GLIMPSE_ACTIVATION_NONE, 1, GLIMPSE_ELEMENT_F32);
    }
}

/* The projection to the common space, without bias: [E][D] in transformers, [D][E] in open_clip. */
static glimpse_linear *load_projection(glimpse_loader *l, int hf, size_t embedding, size_t width,
                                       const char *name) {
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

static int load_image(glimpse_tower *tower, const glimpse_model_config *config, glimpse_loader l) {
    int siglip = config->layout == GLIMPSE_LAYOUT_SIGLIP;
    int hf = siglip || config->layout == GLIMPSE_LAYOUT_HF;
    size_t width = config->vision.width, patch = config->patch;
    *tower =
        (glimpse_tower){.math = l.math, .config = config->vision, .embedding = config->embedding};
    tower->grid = config->image_size / patch;
    tower->tokens = tower->grid * tower->grid + (siglip ? 0 : 1);

    size_t kernel[4] = {width, 3, patch, patch};
    glimpse_linear_spec spec = {
        .in = 3 * patch * patch, .out = width, .parts = 1, .output = GLIMPSE_ELEMENT_F32};
    spec.weights[0] = glimpse_load_numbers(&l, 4, kernel, "%s",
                                           hf ? "vision_model.embeddings.patch_embedding.weight"
                                              : "visual.conv1.weight");
    if (siglip) {
        spec.biases[0] =
            glimpse_load_vector(&l, width, "", "vision_model.embeddings.patch_embedding.bias");
    }
    tower->patches = glimpse_load_spec(&l, &spec);
    if (!siglip) {
        tower->class_token = glimpse_load_f32_copy(
            &l, glimpse_load_vector(&l, width, "",
                                    hf ? "vision_model.embeddings.class_embedding"
                                       : "visual.class_embedding"));
        tower->first =
            glimpse_load_norm(&l, width, "", hf ? "vision_model.pre_layrnorm" : "visual.ln_pre");
    }
    tower->positions = glimpse_load_f32_copy(
        &l, glimpse_load_matrix(&l, tower->tokens, width, "",
                                hf ? "vision_model.embeddings.position_embedding.weight"
                                   : "visual.positional_embedding"));
    if (l.status == GLIMPSE_OK) {
        load_blocks(&l, tower, hf, hf ? "vision_model." : "visual.transformer.");
    }
    tower->last =
        glimpse_load_norm(&l, width, "", hf ? "vision_model.post_layernorm" : "visual.ln_post");
    if (siglip) {
        glimpse_pooling_load(&tower->pooling, &l, &tower->config, "vision_model.head");
    } else {
        tower->projection = load_projection(&l, hf, config->embedding, width,
                                            hf ? "visual_projection.weight" : "visual.proj");
    }
    glimpse_load_require_all(&l, hf ? "vision_model." : "visual.");
    if (l.status < 0) glimpse_tower_close(tower);
    return l.status;
}

static int load_text(glimpse_tower *tower, const glimpse_model_config *config, glimpse_loader l) {
    int siglip = config->layout == GLIMPSE_LAYOUT_SIGLIP;
    int hf = siglip || config->layout == GLIMPSE_LAYOUT_HF;
    const char *prefix = config->layout == GLIMPSE_LAYOUT_OPENCLIP_CUSTOM ? "text." : "";
    size_t width = config->text.width;
    *tower = (glimpse_tower){
        .math = l.math, .config = config->text, .causal = !siglip, .embedding = config->embedding};
    tower->tokens = config->context;

    char stem[GLIMPSE_TENSOR_NAME_BYTES];
    tower->tokens_table = glimpse_load_matrix(&l, config->vocabulary, width, prefix,
                                              hf ? "text_model.embeddings.token_embedding.weight"
                                                 : "token_embedding.weight");
    tower->positions = glimpse_load_f32_copy(
        &l, glimpse_load_matrix(&l, config->context, width, prefix,
                                hf ? "text_model.embeddings.position_embedding.weight"
                                   : "positional_embedding"));
    (void)snprintf(stem, sizeof stem, "%s%s", prefix, hf ? "text_model." : "transformer.");
    if (l.status == GLIMPSE_OK) load_blocks(&l, tower, hf, stem);
    tower->last =
        glimpse_load_norm(&l, width, prefix, hf ? "text_model.final_layer_norm" : "ln_final");
    (void)snprintf(stem, sizeof stem, "%s%s", prefix,
                   hf ? "text_projection.weight" : "text_projection");
    tower->projection =
        siglip ? glimpse_load_linear(&l, config->embedding, width, "text_model.", "head",
                                     GLIMPSE_ACTIVATION_NONE, 0, GLIMPSE_ELEMENT_F32)
               : load_projection(&l, hf, config->embedding, width, stem);
    /* The plain OpenCLIP layout has no common prefix but that of its layers. */
    glimpse_load_require_all(&l, hf ? "text_model." : *prefix ? prefix : "transformer.");
    if (l.status < 0) glimpse_tower_close(tower);
    return l.status;
}

int glimpse_tower_open_image(glimpse_tower *tower, const glimpse_math *math,
                             const glimpse_model_config *config, const glimpse_tensors *tensors,
                             glimpse_prepared_weights *prepared) {
    return load_image(tower, config,
                      (glimpse_loader){.math = math, .tensors = tensors, .prepared = prepared});
}

int glimpse_tower_open_text(glimpse_tower *tower, const glimpse_math *math,
                            const glimpse_model_config *config, const glimpse_tensors *tensors,
                            glimpse_prepared_weights *prepared) {
    return load_text(tower, config,
                     (glimpse_loader){.math = math, .tensors = tensors, .prepared = prepared});
}

int glimpse_tower_check_image(const glimpse_math *math, const glimpse_model_config *config,
                              const glimpse_tensors *tensors) {
    glimpse_tower nothing;
    int status = load_image(&nothing, config,
                            (glimpse_loader){.math = math, .tensors = tensors, .check_only = 1});
    glimpse_tower_close(&nothing);
    return status;
}

int glimpse_tower_check_text(const glimpse_math *math, const glimpse_model_config *config,
                             const glimpse_tensors *tensors) {
    glimpse_tower nothing;
    int status = load_text(&nothing, config,
                           (glimpse_loader){.math = math, .tensors = tensors, .check_only = 1});
    glimpse_tower_close(&nothing);
    return status;
}

void glimpse_tower_close(glimpse_tower *tower) {
    for (size_t i = 0; tower->blocks && i < tower->config.layers; i++) {
        glimpse_block *block = &tower->blocks[i];
        glimpse_norm_release(&block->norm1);
        glimpse_norm_release(&block->norm2);
        glimpse_linear_free(block->qkv);
        glimpse_linear_free(block->out);
        glimpse_linear_free(block->up);
        glimpse_linear_free(block->down);
    }
    free(tower->blocks);
    glimpse_norm_release(&tower->first);
    glimpse_norm_release(&tower->last);
    glimpse_linear_free(tower->patches);
    glimpse_linear_free(tower->projection);
    free(tower->positions);
    free(tower->class_token);
    glimpse_pooling_release(&tower->pooling);
    *tower = (glimpse_tower){.math = NULL};
}

size_t glimpse_tower_memory(const glimpse_tower *tower) {
    size_t bytes = tower->tokens * tower->config.width * sizeof(float) +
                   glimpse_linear_memory(tower->patches) +
                   glimpse_linear_memory(tower->projection) +
                   glimpse_pooling_memory(&tower->pooling, tower->config.width);
    for (size_t i = 0; tower->blocks && i < tower->config.layers; i++) {
        const glimpse_block *block = &tower->blocks[i];
        bytes += 4 * tower->config.width * sizeof(float) + glimpse_linear_memory(block->qkv) +
                 glimpse_linear_memory(block->out) + glimpse_linear_memory(block->up) +
                 glimpse_linear_memory(block->down);
    }
    return bytes;
}

void glimpse_tower_token(const glimpse_tower *tower, int32_t id, float *row) {
    const glimpse_numbers *table = &tower->tokens_table;
    size_t width = tower->config.width;
    glimpse_numbers slice = {(const uint8_t *)table->data +
                                 (size_t)id * width * glimpse_dtype_size(table->dtype),
                             table->dtype, width};
    glimpse_numbers_to_f32(row, &slice);
}
