/*
 * model/pooling.c - the weights of an attention-pooling head, and its pass over a batch.
 */
#include "model/pooling.h"

#include "model/model_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rows `first` .. `first` + `rows` of the stacked q, k, v, as numbers of their own. */
static glimpse_numbers cut(glimpse_numbers whole, size_t first, size_t rows, size_t width) {
    if (!whole.data) return whole;
    return (glimpse_numbers){(const uint8_t *)whole.data +
                                 first * width * glimpse_dtype_size(whole.dtype),
                             whole.dtype, rows * width};
}

/* probe Wq^T + bq, in double: it is done once. */
static void make_query(glimpse_pooling *pooling, glimpse_loader *l, glimpse_numbers probe,
                       glimpse_numbers weights, glimpse_numbers bias, size_t width) {
    float *x = glimpse_load_f32_copy(l, probe), *w = glimpse_load_f32_copy(l, weights);
    pooling->query = glimpse_load_f32_copy(l, bias);
    for (size_t i = 0; l->status == GLIMPSE_OK && i < width; i++) {
        double sum = (double)pooling->query[i];
        for (size_t j = 0; j < width; j++)
            sum += (double)w[i * width + j] * (double)x[j];
        pooling->query[i] = (float)sum;
    }
    free(x);
    free(w);
}

void glimpse_pooling_load(glimpse_pooling *pooling, glimpse_loader *l,
                          const glimpse_tower_config *config, const char *prefix) {
    size_t width = config->width, probe_dims[3] = {1, 1, width};
    char stem[GLIMPSE_TENSOR_NAME_BYTES];
    (void)snprintf(stem, sizeof stem, "%s.", prefix);
    glimpse_numbers probe = glimpse_load_numbers(l, 3, probe_dims, "%sprobe", stem);
    glimpse_numbers weights =
        glimpse_load_matrix(l, 3 * width, width, stem, "attention.in_proj_weight");
    glimpse_numbers bias = glimpse_load_vector(l, 3 * width, stem, "attention.in_proj_bias");
    if (l->status < 0) return;
    pooling->heads = config->heads;
    pooling->mlp = config->mlp;
    if (!l->check_only) {
        make_query(pooling, l, probe, cut(weights, 0, width, width), cut(bias, 0, width, 1), width);
    }
    glimpse_linear_spec spec = {
        .in = width, .out = 2 * width, .parts = 1, .output = GLIMPSE_ELEMENT_F32};
    spec.weights[0] = cut(weights, width, 2 * width, width);
    spec.biases[0] = cut(bias, width, 2 * width, 1);
    pooling->kv = glimpse_load_spec(l, &spec);
    pooling->out = glimpse_load_linear(l, width, width, stem, "attention.out_proj",
                                       GLIMPSE_ACTIVATION_NONE, 0, GLIMPSE_ELEMENT_F32);
    pooling->norm = glimpse_load_norm(l, width, stem, "layernorm");
    pooling->up = glimpse_load_linear(l, config->mlp, width, stem, "mlp.fc1", config->activation, 0,
                                      l->math->element);
    pooling->down = glimpse_load_linear(l, width, config->mlp, stem, "mlp.fc2",
                                        GLIMPSE_ACTIVATION_NONE, 1, GLIMPSE_ELEMENT_F32);
}

void glimpse_pooling_load_timm(glimpse_pooling *pooling, glimpse_loader *l,
                               const glimpse_tower_config *config, const char *prefix) {
    size_t width = config->width, probe_dims[3] = {1, 1, width};
    char stem[GLIMPSE_TENSOR_NAME_BYTES];
    (void)snprintf(stem, sizeof stem, "%s.", prefix);
    pooling->heads = config->heads;
    pooling->mlp = config->mlp;
    glimpse_numbers probe = glimpse_load_numbers(l, 3, probe_dims, "%slatent", stem);
    glimpse_numbers weights = glimpse_load_matrix(l, width, width, stem, "q.weight");
    glimpse_numbers bias = glimpse_load_vector(l, width, stem, "q.bias");
    if (l->status < 0) return;
    if (!l->check_only) make_query(pooling, l, probe, weights, bias, width);
    pooling->kv = glimpse_load_linear(l, 2 * width, width, stem, "kv", GLIMPSE_ACTIVATION_NONE, 0,
                                      GLIMPSE_ELEMENT_F32);
    pooling->out = glimpse_load_linear(l, width, width, stem, "proj", GLIMPSE_ACTIVATION_NONE, 0,
                                       GLIMPSE_ELEMENT_F32);
    pooling->norm = glimpse_load_norm(l, width, stem, "norm");
    pooling->up = glimpse_load_linear(l, config->mlp, width, stem, "mlp.fc1", config->activation, 0,
                                      l->math->element);
    pooling->down = glimpse_load_linear(l, width, config->mlp, stem, "mlp.fc2",
                                        GLIMPSE_ACTIVATION_NONE, 1, GLIMPSE_ELEMENT_F32);
}

void glimpse_pooling_release(glimpse_pooling *pooling) {
    free(pooling->query);
    glimpse_linear_free(pooling->kv);
    glimpse_linear_free(pooling->out);
    glimpse_linear_free(pooling->up);
    glimpse_linear_free(pooling->down);
    glimpse_norm_release(&pooling->norm);
    pooling->query = NULL;
    pooling->kv = pooling->out = pooling->up = pooling->down = NULL;
}

size_t glimpse_pooling_memory(const glimpse_pooling *pooling, size_t width) {
    if (!pooling->query) return 0;
    return 3 * width * sizeof(float) + glimpse_linear_memory(pooling->kv) +
           glimpse_linear_memory(pooling->out) + glimpse_linear_memory(pooling->up) +
           glimpse_linear_memory(pooling->down);
}

/* The probe's attention to the `rows` keys and values of one picture: out [D]. */
static void attend(const glimpse_pass *pass, const float *kv, size_t rows, float *out) {
    const glimpse_tower *tower = pass->tower;
    size_t width = tower->config.width, head = width / tower->pooling.heads;
    float scale = 1.0f / sqrtf((float)head);
    for (size_t i = 0; i < tower->pooling.heads; i++) {
        const float *k = kv + i * head, *v = kv + width + i * head;
        glimpse_gemm(tower->math, 1, 1, rows, head, scale, tower->pooling.query + i * head, width,
                     k, 2 * width, pass->scores, rows);
        tower->math->kernels->softmax(pass->scores, 1, rows, rows, -1);
        glimpse_gemm(tower->math, 0, 1, head, rows, 1.0f, pass->scores, rows, v, 2 * width,
                     out + i * head, width);
    }
}

int glimpse_pass_pool(glimpse_pass *pass, size_t sequences, float *embeddings) {
    const glimpse_tower *tower = pass->tower;
    const glimpse_pooling *pooling = &tower->pooling;
    const glimpse_kernels *kernels = tower->math->kernels;
    glimpse_element element = tower->math->element;
    size_t width = tower->config.width, rows = pass->starts[sequences];
    kernels->layer_norm(pass->h, element, pass->x, tower->last.gamma, tower->last.beta,
                        tower->config.eps, rows, width);
    int status = glimpse_linear_run(pooling->kv, pass->workspace, pass->h, rows, pass->qkv);
    if (status < 0) return status;
    for (size_t s = 0; s < sequences; s++) {
        size_t start = pass->starts[s];
        attend(pass, pass->qkv + start * 2 * width, pass->starts[s + 1] - start,
               pass->mixed + s * width);
    }
    const void *mixed = pass->mixed;
    if (element != GLIMPSE_ELEMENT_F32) {
        kernels->convert(pass->h, element, pass->mixed, sequences * width);
        mixed = pass->h;
    }
    status = glimpse_linear_run(pooling->out, pass->workspace, mixed, sequences, pass->pooled);
    if (status < 0) return status;
    kernels->layer_norm(pass->h, element, pass->pooled, pooling->norm.gamma, pooling->norm.beta,
                        tower->config.eps, sequences, width);
    status = glimpse_linear_run(pooling->up, pass->workspace, pass->h, sequences, pass->mlp);
    if (status < 0) return status;
    status = glimpse_linear_run(pooling->down, pass->workspace, pass->mlp, sequences, pass->pooled);
    if (status < 0) return status;
    if (!tower->projection) {
        memcpy(embeddings, pass->pooled, sequences * width * sizeof(float));
        return GLIMPSE_OK;
    }
    const void *pooled = pass->pooled;
    if (element != GLIMPSE_ELEMENT_F32) {
        kernels->convert(pass->h, element, pass->pooled, sequences * width);
        pooled = pass->h;
    }
    status =
        glimpse_linear_run(tower->projection, pass->workspace, pooled, sequences, pass->projected);
    if (status < 0) return status;
    memcpy(embeddings, pass->projected, sequences * tower->embedding * sizeof(float));
    return GLIMPSE_OK;
}
