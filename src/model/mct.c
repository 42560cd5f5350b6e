/*
 * model/mct.c - the text towers of Apple's MobileCLIP under their names.
 *
 *     transformer.0, and the last one   RepMixer blocks, where there are any
 *     transformer.N                     pre_norm_mha.{0,1.qkv_proj,1.out_proj},
 * pre_norm_ffn.{0,1,4}
 *
 * There is no mask, and zeros fill a text up to the context length: all of them are seen.
 */
#include "model/mct.h"

#include "model/text_mixer.h"

#include <stdio.h>
#include <stdlib.h>

static const char prefix[] = "text_encoder.";

static void load_block(glimpse_block *block, glimpse_loader *l, const glimpse_tower_config *c,
                       size_t number) {
    char stem[64];
    (void)snprintf(stem, sizeof stem, "%stransformer.%zu.", prefix, number);
    block->norm1 = glimpse_load_norm(l, c->width, stem, "pre_norm_mha.0");
    block->qkv = glimpse_load_linear(l, 3 * c->width, c->width, stem, "pre_norm_mha.1.qkv_proj",
                                     GLIMPSE_ACTIVATION_NONE, 0, GLIMPSE_ELEMENT_F32);
    block->out = glimpse_load_linear(l, c->width, c->width, stem, "pre_norm_mha.1.out_proj",
                                     GLIMPSE_ACTIVATION_NONE, 1, GLIMPSE_ELEMENT_F32);
    block->norm2 = glimpse_load_norm(l, c->width, stem, "pre_norm_ffn.0");
    block->up = glimpse_load_linear(l, c->mlp, c->width, stem, "pre_norm_ffn.1", c->activation, 0,
                                    l->math->element);
    block->down = glimpse_load_linear(l, c->width, c->mlp, stem, "pre_norm_ffn.4",
                                      GLIMPSE_ACTIVATION_NONE, 1, GLIMPSE_ELEMENT_F32);
}

void glimpse_mct_load(glimpse_tower *tower, glimpse_loader *l, const glimpse_model_config *config) {
    const glimpse_tower_config *c = &tower->config;
    size_t table[4] = {1, 1, config->context, c->width}, first = config->text_mixers ? 1 : 0;
    char name[GLIMPSE_TENSOR_NAME_BYTES];
    tower->tokens_table =
        glimpse_load_matrix(l, config->vocabulary, c->width, prefix, "embedding_layer.weight");
    tower->positions = glimpse_load_f32_copy(
        l, glimpse_load_numbers(l, 4, table, "%spositional_embedding.pos_embed.pos_embed", prefix));
    if (!glimpse_tower_make_blocks(l, tower)) return;
    if (first) {
        tower->mixers = calloc(2, sizeof *tower->mixers);
        if (!tower->mixers) {
            l->status = glimpse_fail_nomem(2 * sizeof *tower->mixers, "a tower");
            return;
        }
    }
    if (first) glimpse_text_mixer_load(&tower->mixers[0], l, c, 0, prefix);
    for (size_t i = 0; i < c->layers && l->status == GLIMPSE_OK; i++)
        load_block(&tower->blocks[i], l, c, first + i);
    if (first) glimpse_text_mixer_load(&tower->mixers[1], l, c, c->layers + 1, prefix);
    tower->last = glimpse_load_norm(l, c->width, prefix, "final_layer_norm");
    (void)snprintf(name, sizeof name, "%sprojection_layer", prefix);
    tower->projection = glimpse_tower_load_projection(l, 0, config->embedding, c->width, name);
    glimpse_load_require_all(l, prefix);
}
