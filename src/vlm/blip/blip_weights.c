/*
 * vlm/blip/blip_weights.c - finding the tensors of a BLIP model under the names of transformers.
 */
#include "vlm/blip/blip_weights.h"

#include "core/error.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * The image tower: vision_model.encoder.layers.N.{layer_norm1, self_attn.qkv, ...}.
 */
static void load_vision_block(glimpse_loader *l, const glimpse_tower_config *c, size_t index,
                              glimpse_block *block) {
    char stem[GLIMPSE_TENSOR_NAME_BYTES];
    (void)snprintf(stem, sizeof stem, "vision_model.encoder.layers.%zu.", index);
    block->norm1 = glimpse_load_norm(l, c->width, stem, "layer_norm1");
    block->qkv = glimpse_load_linear(l, 3 * c->width, c->width, stem, "self_attn.qkv",
                                     GLIMPSE_ACTIVATION_NONE, 0, GLIMPSE_ELEMENT_F32);
    block->out = glimpse_load_linear(l, c->width, c->width, stem, "self_attn.projection",
                                     GLIMPSE_ACTIVATION_NONE, 1, GLIMPSE_ELEMENT_F32);
    block->norm2 = glimpse_load_norm(l, c->width, stem, "layer_norm2");
    block->up = glimpse_load_linear(l, c->mlp, c->width, stem, "mlp.fc1", c->activation, 0,
                                    l->math->element);
    block->down = glimpse_load_linear(l, c->width, c->mlp, stem, "mlp.fc2", GLIMPSE_ACTIVATION_NONE,
                                      1, GLIMPSE_ELEMENT_F32);
}

int glimpse_blip_load_vision(glimpse_tower *tower, const glimpse_math *math,
                             const glimpse_blip_config *config, const glimpse_tensors *tensors) {
    size_t width = config->vision.width, patch = config->patch;
    glimpse_loader l = {.math = math, .tensors = tensors};
    *tower = (glimpse_tower){.math = math, .config = config->vision};
    tower->grid = config->image_size / patch;
    tower->tokens = tower->grid * tower->grid + 1;

    size_t kernel[4] = {width, 3, patch, patch};
    size_t one[3] = {1, 1, width}, all[3] = {1, tower->tokens, width};
    glimpse_linear_spec spec = {
        .in = 3 * patch * patch, .out = width, .parts = 1, .output = GLIMPSE_ELEMENT_F32};
    spec.weights[0] =
        glimpse_load_numbers(&l, 4, kernel, "vision_model.embeddings.patch_embedding.weight");
    spec.biases[0] =
        glimpse_load_vector(&l, width, "", "vision_model.embeddings.patch_embedding.bias");
    tower->patches = glimpse_load_spec(&l, &spec);
    tower->class_token = glimpse_load_f32_copy(
        &l, glimpse_load_numbers(&l, 3, one, "vision_model.embeddings.class_embedding"));
    tower->position_rows = tower->tokens;
    tower->positions = glimpse_load_f32_copy(
        &l, glimpse_load_numbers(&l, 3, all, "vision_model.embeddings.position_embedding"));
    tower->last = glimpse_load_norm(&l, width, "", "vision_model.post_layernorm");
    if (l.status == GLIMPSE_OK) {
        tower->blocks = calloc(config->vision.layers, sizeof *tower->blocks);
        if (!tower->blocks) {
            l.status = glimpse_fail_nomem(config->vision.layers * sizeof *tower->blocks, "a tower");
        }
    }
    for (size_t i = 0; i < config->vision.layers && l.status == GLIMPSE_OK; i++)
        load_vision_block(&l, &config->vision, i, &tower->blocks[i]);
    glimpse_load_require_all(&l, "vision_model.");
    if (l.status < 0) glimpse_tower_close(tower);
    return l.status;
}

/*
 * The text side: PREFIX.encoder.layer.N.{attention, crossattention}.{self, output}...
 */

/* NAMES.weight and .bias, stacked, as one layer from `in` to `count` times `width`. */
static glimpse_linear *load_stacked(glimpse_loader *l, size_t width, size_t in, const char *stem,
                                    const char *const *names, size_t count) {
    glimpse_linear_spec spec = {
        .in = in, .out = count * width, .parts = count, .output = GLIMPSE_ELEMENT_F32};
    for (size_t i = 0; i < count; i++) {
        char full[GLIMPSE_TENSOR_NAME_BYTES];
        (void)snprintf(full, sizeof full, "%s%s", stem, names[i]);
        spec.weights[i] = glimpse_load_matrix(l, width, in, full, ".weight");
        spec.biases[i] = glimpse_load_vector(l, width, full, ".bias");
    }
    return glimpse_load_spec(l, &spec);
}

static void load_text_layer(glimpse_loader *l, const glimpse_blip_stack *stack, const char *prefix,
                            size_t index, glimpse_blip_layer *layer) {
    static const char *const own[] = {"attention.self.query", "attention.self.key",
                                      "attention.self.value"};
    static const char *const query[] = {"crossattention.self.query"};
    static const char *const source[] = {"crossattention.self.key", "crossattention.self.value"};
    const glimpse_tower_config *c = &stack->config;
    size_t width = c->width;
    char stem[128];
    (void)snprintf(stem, sizeof stem, "%sencoder.layer.%zu.", prefix, index);
    layer->qkv = load_stacked(l, width, width, stem, own, 3);
    layer->out = glimpse_load_linear(l, width, width, stem, "attention.output.dense",
                                     GLIMPSE_ACTIVATION_NONE, 1, GLIMPSE_ELEMENT_F32);
    layer->norm = glimpse_load_norm(l, width, stem, "attention.output.LayerNorm");
    layer->cross_q = load_stacked(l, width, width, stem, query, 1);
    layer->cross_kv = load_stacked(l, width, stack->source, stem, source, 2);
    layer->cross_out = glimpse_load_linear(l, width, width, stem, "crossattention.output.dense",
                                           GLIMPSE_ACTIVATION_NONE, 1, GLIMPSE_ELEMENT_F32);
    layer->cross_norm = glimpse_load_norm(l, width, stem, "crossattention.output.LayerNorm");
    layer->up = glimpse_load_linear(l, c->mlp, width, stem, "intermediate.dense", c->activation, 0,
                                    l->math->element);
    layer->down = glimpse_load_linear(l, width, c->mlp, stem, "output.dense",
                                      GLIMPSE_ACTIVATION_NONE, 1, GLIMPSE_ELEMENT_F32);
    layer->last_norm = glimpse_load_norm(l, width, stem, "output.LayerNorm");
}

int glimpse_blip_load_stack(glimpse_blip_stack *stack, const glimpse_math *math,
                            const glimpse_blip_config *config, const glimpse_tensors *tensors,
                            const char *prefix, int causal) {
    glimpse_loader l = {.math = math, .tensors = tensors};
    *stack = (glimpse_blip_stack){.math = math,
                                  .config = config->text,
                                  .causal = causal,
                                  .source = config->vision.width,
                                  .context = config->context,
                                  .vocabulary = config->vocabulary};
    size_t width = config->text.width, layers = config->text.layers;
    stack->words = glimpse_load_matrix(&l, config->vocabulary, width, prefix,
                                       "embeddings.word_embeddings.weight");
    stack->positions =
        glimpse_load_f32_copy(&l, glimpse_load_matrix(&l, config->context, width, prefix,
                                                      "embeddings.position_embeddings.weight"));
    stack->first = glimpse_load_norm(&l, width, prefix, "embeddings.LayerNorm");
    if (l.status == GLIMPSE_OK) {
        stack->layers = calloc(layers, sizeof *stack->layers);
        if (!stack->layers)
            l.status = glimpse_fail_nomem(layers * sizeof *stack->layers, "a text tower");
    }
    for (size_t i = 0; i < layers && l.status == GLIMPSE_OK; i++)
        load_text_layer(&l, stack, prefix, i, &stack->layers[i]);
    glimpse_load_require_all(&l, prefix);
    if (l.status < 0) glimpse_blip_stack_close(stack);
    return l.status;
}

/* The output weights may be tied to the word embeddings and then left out of the file; the bias is
 * stored under either of two names, which are one tensor in the reference. */
int glimpse_blip_load_head(glimpse_blip_head *head, const glimpse_blip_stack *stack,
                           const glimpse_tensors *tensors) {
    static const char stem[] = "text_decoder.cls.predictions.";
    glimpse_loader l = {.math = stack->math, .tensors = tensors};
    size_t width = stack->config.width;
    *head = (glimpse_blip_head){.transform = NULL};
    head->transform = glimpse_load_linear(&l, width, width, stem, "transform.dense",
                                          stack->config.activation, 0, GLIMPSE_ELEMENT_F32);
    head->norm = glimpse_load_norm(&l, width, stem, "transform.LayerNorm");
    int untied =
        glimpse_tensors_find(tensors, "text_decoder.cls.predictions.decoder.weight") != NULL;
    int named = glimpse_tensors_find(tensors, "text_decoder.cls.predictions.bias") != NULL;
    glimpse_linear_spec spec = {
        .in = width, .out = stack->vocabulary, .parts = 1, .output = GLIMPSE_ELEMENT_F32};
    spec.weights[0] =
        untied ? glimpse_load_matrix(&l, stack->vocabulary, width, stem, "decoder.weight")
               : stack->words;
    spec.biases[0] =
        glimpse_load_vector(&l, stack->vocabulary, stem, named ? "bias" : "decoder.bias");
    head->words = glimpse_load_spec(&l, &spec);
    if (l.status < 0) glimpse_blip_head_close(head);
    return l.status;
}

void glimpse_blip_stack_close(glimpse_blip_stack *stack) {
    for (size_t i = 0; stack->layers && i < stack->config.layers; i++) {
        glimpse_blip_layer *layer = &stack->layers[i];
        glimpse_linear_free(layer->qkv);
        glimpse_linear_free(layer->out);
        glimpse_linear_free(layer->cross_q);
        glimpse_linear_free(layer->cross_kv);
        glimpse_linear_free(layer->cross_out);
        glimpse_linear_free(layer->up);
        glimpse_linear_free(layer->down);
        glimpse_norm_release(&layer->norm);
        glimpse_norm_release(&layer->cross_norm);
        glimpse_norm_release(&layer->last_norm);
    }
    free(stack->layers);
    free(stack->positions);
    glimpse_norm_release(&stack->first);
    *stack = (glimpse_blip_stack){.math = NULL};
}

void glimpse_blip_head_close(glimpse_blip_head *head) {
    glimpse_linear_free(head->transform);
    glimpse_linear_free(head->words);
    glimpse_norm_release(&head->norm);
    *head = (glimpse_blip_head){.transform = NULL};
}

size_t glimpse_blip_stack_memory(const glimpse_blip_stack *stack) {
    size_t row = stack->config.width * sizeof(float), bytes = (stack->context + 2) * row;
    for (size_t i = 0; stack->layers && i < stack->config.layers; i++) {
        const glimpse_blip_layer *layer = &stack->layers[i];
        bytes += 6 * row + glimpse_linear_memory(layer->qkv) + glimpse_linear_memory(layer->out) +
                 glimpse_linear_memory(layer->cross_q) + glimpse_linear_memory(layer->cross_kv) +
                 glimpse_linear_memory(layer->cross_out) + glimpse_linear_memory(layer->up) +
                 glimpse_linear_memory(layer->down);
    }
    return stack->layers ? bytes : 0;
}

size_t glimpse_blip_head_memory(const glimpse_blip_head *head) {
    return glimpse_linear_memory(head->transform) + glimpse_linear_memory(head->words);
}
