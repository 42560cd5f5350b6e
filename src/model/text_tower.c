/*
 * model/text_tower.c - text towers: how each architecture's weights are found, and how the ids of a
 * text become the first rows of the residual stream. The blocks are those of transformer.c.
 */
#include "model/text_tower.h"

#include "model/mct.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    glimpse_tower_load_blocks(l, tower,
                              hf ? &glimpse_block_names_hf : &glimpse_block_names_open_clip, stem);
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

/* `config->positions` rows, of which the texts use those from the first position on. */
static float *load_positions(glimpse_loader *l, const glimpse_model_config *config,
                             const char *prefix, const char *name) {
    size_t width = config->text.width;
    float *all =
        glimpse_load_f32_copy(l, glimpse_load_matrix(l, config->positions, width, prefix, name));
    if (all && config->first_position > 0)
        memmove(all, all + config->first_position * width,
                (config->positions - config->first_position) * width * sizeof *all);
    return all;
}

/* Behind the tower: none, one layer, or two with GELU between them. */
static void load_head(glimpse_tower *tower, glimpse_loader *l, const glimpse_model_config *config) {
    size_t width = config->text.width;
    if (config->m_clip) {
        tower->projection =
            glimpse_load_linear(l, config->embedding, width, "", "LinearTransformation",
                                GLIMPSE_ACTIVATION_NONE, 0, GLIMPSE_ELEMENT_F32);
    } else if (config->layout == GLIMPSE_LAYOUT_HF) {
        tower->projection =
            glimpse_tower_load_projection(l, 1, config->embedding, width, "text_projection.weight");
    } else if (config->projection_mid > 0) {
        glimpse_linear_spec spec = {.in = width,
                                    .out = config->projection_mid,
                                    .parts = 1,
                                    .activation = GLIMPSE_ACTIVATION_GELU,
                                    .output = l->math->element,
                                    .exact = 1};
        spec.weights[0] =
            glimpse_load_matrix(l, config->projection_mid, width, "", "text.proj.0.weight");
        tower->middle_width = config->projection_mid;
        tower->middle = glimpse_load_spec(l, &spec);
        tower->projection = glimpse_tower_load_projection(
            l, 1, config->embedding, config->projection_mid, "text.proj.2.weight");
    } else {
        tower->projection =
            glimpse_tower_load_projection(l, 1, config->embedding, width, "text.proj.weight");
    }
}

/* BERT and XLM-R (Devlin et al. 2018, Conneau et al. 2019), under the names of transformers:
 *
 *                OpenCLIP            transformers' Chinese-CLIP   M-CLIP
 *     prefix     text.transformer.   text_model.                  transformer.
 *     head       text.proj           text_projection              LinearTransformation
 *
 * The first token type is added to every token, so that it is added to the positions here. A
 * pooler, which M-CLIP's files have, is not used. */
static void load_bert(glimpse_tower *tower, glimpse_loader *l, const glimpse_model_config *config) {
    static const glimpse_block_names names = {
        "encoder.layer.",     "attention.output.LayerNorm", "attention.self.query",
        "attention.self.key", "attention.self.value",       "attention.output.dense",
        "output.LayerNorm",   "intermediate.dense",         "output.dense"};
    const char *prefix = config->m_clip                        ? "transformer."
                         : config->layout == GLIMPSE_LAYOUT_HF ? "text_model."
                                                               : "text.transformer.";
    size_t width = config->text.width;
    tower->tokens_table = glimpse_load_matrix(l, config->vocabulary, width, prefix,
                                              "embeddings.word_embeddings.weight");
    tower->position_rows = config->positions;
    tower->positions = load_positions(l, config, prefix, "embeddings.position_embeddings.weight");
    float *types =
        glimpse_load_f32_copy(l, glimpse_load_matrix(l, config->token_types, width, prefix,
                                                     "embeddings.token_type_embeddings.weight"));
    for (size_t t = 0; types && tower->positions && t < config->context; t++)
        for (size_t j = 0; j < width; j++)
            tower->positions[t * width + j] += types[j];
    free(types);
    tower->first = glimpse_load_norm(l, width, prefix, "embeddings.LayerNorm");
    glimpse_tower_load_blocks(l, tower, &names, prefix);
    load_head(tower, l, config);
    if (config->m_clip) {
        (void)glimpse_load_matrix(l, width, width, prefix, "pooler.dense.weight");
        (void)glimpse_load_vector(l, width, prefix, "pooler.dense.bias");
    }
    glimpse_load_require_all(l, config->m_clip || config->layout == GLIMPSE_LAYOUT_HF ? prefix
                                                                                      : "text.");
}

/* The encoder of M2M-100 (Fan et al. 2020), as NLLB has it. Its positions are sines and cosines,
 * which files may hold as well; the table is made here, as the reference does. */
static void load_m2m(glimpse_tower *tower, glimpse_loader *l, const glimpse_model_config *config) {
    static const glimpse_block_names names = {"layers.",
                                              "self_attn_layer_norm",
                                              "self_attn.q_proj",
                                              "self_attn.k_proj",
                                              "self_attn.v_proj",
                                              "self_attn.out_proj",
                                              "final_layer_norm",
                                              "fc1",
                                              "fc2"};
    const char *prefix = "text.transformer.";
    size_t width = config->text.width, half = width / 2;
    tower->tokens_table =
        glimpse_load_matrix(l, config->vocabulary, width, prefix, "embed_tokens.weight");
    if (l->status == GLIMPSE_OK && !l->check_only) {
        tower->positions = calloc(config->context * width, sizeof(float));
        if (!tower->positions)
            l->status = glimpse_fail_nomem(config->context * width * sizeof(float), "positions");
    }
    for (size_t t = 0; tower->positions && t < config->context; t++) {
        float *row = tower->positions + t * width;
        for (size_t j = 0; j < half; j++) {
            double f = exp(-(double)j * log(10000.0) / (double)(half - 1));
            double angle = (double)(t + config->first_position) * f;
            row[j] = (float)sin(angle);
            row[half + j] = (float)cos(angle);
        }
    }
    glimpse_tower_load_blocks(l, tower, &names, prefix);
    tower->last = glimpse_load_norm(l, width, prefix, "layer_norm");
    load_head(tower, l, config);
    glimpse_load_require_all(l, "text.");
}

/* Tokens times the root of the width, and positions. */
static void scaled_token_and_position(const glimpse_tower *tower, float *x, const int32_t *ids,
                                      size_t length) {
    size_t width = tower->config.width;
    float scale = sqrtf((float)width);
    for (size_t t = 0; t < length; t++) {
        const float *position = tower->positions + t * width;
        float *row = x + t * width;
        glimpse_tower_token(tower, ids[t], row);
        for (size_t j = 0; j < width; j++)
            row[j] = row[j] * scale + position[j];
    }
}

static void normed_token_and_position(const glimpse_tower *tower, float *x, const int32_t *ids,
                                      size_t length) {
    token_and_position(tower, x, ids, length);
    tower->math->kernels->layer_norm(x, GLIMPSE_ELEMENT_F32, x, tower->first.gamma,
                                     tower->first.beta, tower->config.eps, length,
                                     tower->config.width);
}

typedef struct architecture {
    void (*load)(glimpse_tower *tower, glimpse_loader *l, const glimpse_model_config *config);
    void (*embed)(const glimpse_tower *tower, float *x, const int32_t *ids, size_t length);
} architecture;

static const architecture architectures[] = {
    [GLIMPSE_TEXT_CLIP] = {load_clip, token_and_position},
    [GLIMPSE_TEXT_MCT] = {glimpse_mct_load, token_and_position},
    [GLIMPSE_TEXT_BERT] = {load_bert, normed_token_and_position},
    [GLIMPSE_TEXT_M2M] = {load_m2m, scaled_token_and_position},
};
enum { ARCHITECTURES = sizeof architectures / sizeof architectures[0] };

static int open_tower(glimpse_tower *tower, glimpse_loader l, const glimpse_model_config *config) {
    unsigned kind = (unsigned)config->text_architecture;
    *tower = (glimpse_tower){.math = l.math,
                             .config = config->text,
                             .causal = config->causal,
                             .unpadded = !config->causal && config->padding == GLIMPSE_PADDING_NONE,
                             .mean = config->text_pooling == GLIMPSE_TEXT_MEAN,
                             .embedding = config->embedding,
                             .tokens = config->context,
                             .position_rows = config->context,
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
