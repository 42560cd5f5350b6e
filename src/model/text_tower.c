/*
 * model/text_tower.c - text towers: how each architecture's weights are found, and how the ids of a
 * text become the first rows of the residual stream. The blocks are those of transformer.c.
 */
#include "model/text_tower.h"

#include <stdio.h>

static void token_and_position(const glimpse_tower *tower, float *x, const int32_t *ids,
                               size_t length) {
    size_t width = tower->config.width;
    for (size_t t = 0; t < length; t++) {
        const float *position = tower->positions + t * width;
        float *row = x + t * width;
        glimpse_tower_token(tower, ids[t], row);
        for (size_t j = 0; j < width; j++)
            row[j] += position[j];
    }
}

static void load_clip(glimpse_tower *tower, glimpse_loader *l, const glimpse_model_config *config) {
    int siglip = config->layout == GLIMPSE_LAYOUT_SIGLIP;
    int hf = siglip || config->layout == GLIMPSE_LAYOUT_HF;
    const char *prefix = config->layout == GLIMPSE_LAYOUT_OPENCLIP_CUSTOM ? "text." : "";
    size_t width = config->text.width;
    char stem[GLIMPSE_TENSOR_NAME_BYTES];
    tower->tokens_table = glimpse_load_matrix(l, config->vocabulary, width, prefix,
                                              hf ? "text_model.embeddings.token_embedding.weight"
                                                 : "token_embedding.weight");
    tower->positions = glimpse_load_f32_copy(
        l, glimpse_load_matrix(l, config->context, width, prefix,
                               hf ? "text_model.embeddings.position_embedding.weight"
                                  : "positional_embedding"));
    (void)snprintf(stem, sizeof stem, "%s%s", prefix, hf ? "text_model." : "transformer.");
    if (l->status == GLIMPSE_OK) glimpse_tower_load_blocks(l, tower, hf, stem);
    tower->last =
        glimpse_load_norm(l, width, prefix, hf ? "text_model.final_layer_norm" : "ln_final");
    (void)snprintf(stem, sizeof stem, "%s%s", prefix,
                   hf ? "text_projection.weight" : "text_projection");
    if (siglip) {
        tower->projection = glimpse_load_linear(l, config->embedding, width, "text_model.", "head",
                                                GLIMPSE_ACTIVATION_NONE, 0, GLIMPSE_ELEMENT_F32);
    } else if (config->text_projection == GLIMPSE_PROJECTION_LINEAR) {
        tower->projection =
            glimpse_tower_load_head(l, config->embedding, width, prefix, "text_projection", 1);
    } else if (config->text_projection == GLIMPSE_PROJECTION_MATRIX) {
        tower->projection = glimpse_tower_load_projection(l, hf, config->embedding, width, stem);
    }
    /* The plain OpenCLIP layout has no common prefix but that of its layers. */
    glimpse_load_require_all(l, hf ? "text_model." : *prefix ? prefix : "transformer.");
}

typedef struct architecture {
    void (*load)(glimpse_tower *tower, glimpse_loader *l, const glimpse_model_config *config);
    void (*embed)(const glimpse_tower *tower, float *x, const int32_t *ids, size_t length);
} architecture;

static const architecture architectures[] = {
    [GLIMPSE_TEXT_CLIP] = {load_clip, token_and_position},
};
enum { ARCHITECTURES = sizeof architectures / sizeof architectures[0] };

static int open_tower(glimpse_tower *tower, glimpse_loader l, const glimpse_model_config *config) {
    unsigned kind = (unsigned)config->text_architecture;
    *tower = (glimpse_tower){.math = l.math,
                             .config = config->text,
                             .causal = config->causal,
                             .embedding = config->embedding,
                             .tokens = config->context,
                             .text = config->text_architecture};
    if (kind >= ARCHITECTURES || !architectures[kind].load) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "%s: no text tower of architecture %u",
                            glimpse_tensors_path(l.tensors), kind);
    }
    architectures[kind].load(tower, &l, config);
    if (l.status < 0) glimpse_tower_close(tower);
    return l.status;
}

int glimpse_text_tower_open(glimpse_tower *tower, const glimpse_math *math,
                            const glimpse_model_config *config, const glimpse_tensors *tensors,
                            glimpse_prepared_weights *prepared) {
    return open_tower(
        tower, (glimpse_loader){.math = math, .tensors = tensors, .prepared = prepared}, config);
}

int glimpse_text_tower_check(const glimpse_math *math, const glimpse_model_config *config,
                             const glimpse_tensors *tensors) {
    glimpse_tower nothing;
    int status = open_tower(
        &nothing, (glimpse_loader){.math = math, .tensors = tensors, .check_only = 1}, config);
    glimpse_tower_close(&nothing);
    return status;
}

void glimpse_text_tower_embed(const glimpse_tower *tower, float *x, const int32_t *ids,
                              size_t length) {
    architectures[tower->text].embed(tower, x, ids, length);
}

void glimpse_tower_token(const glimpse_tower *tower, int32_t id, float *row) {
    const glimpse_numbers *table = &tower->tokens_table;
    size_t width = tower->config.width;
    glimpse_numbers slice = {(const uint8_t *)table->data +
                                 (size_t)id * width * glimpse_dtype_size(table->dtype),
                             table->dtype, width};
    glimpse_numbers_to_f32(row, &slice);
}
