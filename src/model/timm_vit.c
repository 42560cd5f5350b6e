/*
 * model/timm_vit.c - timm's vision transformers: finding their tensors, and the angles of their
 * positions. They run as those of vit.c do.
 *
 *   patches           visual.trunk.patch_embed.proj, or a stem (patch_stem.h) under
 *                     visual.trunk.patch_embed.backbone
 *   class token       visual.trunk.cls_token                                  [1][1][D]
 *   positions         visual.trunk.pos_embed, one for the class token first   [1][T][D]
 *   first norm        visual.trunk.norm_pre
 *   block N           visual.trunk.blocks.N.{norm1,attn.*,norm2,mlp.*}
 *   last norm         visual.trunk.norm
 *   pooling           visual.trunk.attn_pool (pooling.h)
 *   head              visual.trunk.head, or open_clip's visual.head.proj
 *
 * Which of them there are, the configuration says (timm_names.h).
 */
#include "model/timm_vit.h"

#include "model/vit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char trunk[] = "visual.trunk.";

/* Rows `first` .. `first` + `rows` of stacked weights. */
static glimpse_numbers rows_of(glimpse_numbers whole, size_t first, size_t rows, size_t width) {
    if (!whole.data) return whole;
    return (glimpse_numbers){(const uint8_t *)whole.data +
                                 first * width * glimpse_dtype_size(whole.dtype),
                             whole.dtype, rows * width};
}

static glimpse_linear *load_qkv(glimpse_loader *l, glimpse_timm_qkv form, size_t width,
                                const char *stem) {
    glimpse_linear_spec spec = {
        .in = width, .out = 3 * width, .parts = 3, .output = GLIMPSE_ELEMENT_F32};
    switch (form) {
    case GLIMPSE_TIMM_QKV:
        spec.parts = 1;
        spec.weights[0] = glimpse_load_matrix(l, 3 * width, width, stem, "attn.qkv.weight");
        spec.biases[0] = glimpse_load_vector(l, 3 * width, stem, "attn.qkv.bias");
        break;
    case GLIMPSE_TIMM_QKV_Q_V_BIAS: {
        glimpse_numbers all = glimpse_load_matrix(l, 3 * width, width, stem, "attn.qkv.weight");
        for (size_t i = 0; i < 3; i++)
            spec.weights[i] = rows_of(all, i * width, width, width);
        spec.biases[0] = glimpse_load_vector(l, width, stem, "attn.q_bias");
        spec.biases[2] = glimpse_load_vector(l, width, stem, "attn.v_bias");
        break;
    }
    case GLIMPSE_TIMM_Q_K_V:
        spec.weights[0] = glimpse_load_matrix(l, width, width, stem, "attn.q_proj.weight");
        spec.weights[1] = glimpse_load_matrix(l, width, width, stem, "attn.k_proj.weight");
        spec.weights[2] = glimpse_load_matrix(l, width, width, stem, "attn.v_proj.weight");
        spec.biases[0] = glimpse_load_vector(l, width, stem, "attn.q_proj.bias");
        spec.biases[2] = glimpse_load_vector(l, width, stem, "attn.v_proj.bias");
        break;
    }
    return glimpse_load_spec(l, &spec);
}

/* Both halves of a gated MLP as one product: g first. */
static glimpse_linear *load_gates(glimpse_loader *l, const glimpse_tower_config *c,
                                  const char *stem) {
    glimpse_linear_spec spec = {
        .in = c->width, .out = 2 * c->mlp, .parts = 2, .output = GLIMPSE_ELEMENT_F32};
    spec.weights[0] = glimpse_load_matrix(l, c->mlp, c->width, stem, "mlp.fc1_g.weight");
    spec.weights[1] = glimpse_load_matrix(l, c->mlp, c->width, stem, "mlp.fc1_x.weight");
    spec.biases[0] = glimpse_load_vector(l, c->mlp, stem, "mlp.fc1_g.bias");
    spec.biases[1] = glimpse_load_vector(l, c->mlp, stem, "mlp.fc1_x.bias");
    return glimpse_load_spec(l, &spec);
}

static void load_blocks(glimpse_loader *l, glimpse_tower *tower, const glimpse_timm_config *t) {
    const glimpse_tower_config *c = &tower->config;
    const int accumulate = c->norms == GLIMPSE_NORM_PRE;
    if (!glimpse_tower_make_blocks(l, tower)) return;
    for (size_t i = 0; i < c->layers && l->status == GLIMPSE_OK; i++) {
        glimpse_block *block = &tower->blocks[i];
        char stem[GLIMPSE_TENSOR_NAME_BYTES];
        (void)snprintf(stem, sizeof stem, "%sblocks.%zu.", trunk, i);
        block->norm1 = glimpse_load_norm(l, c->width, stem, "norm1");
        block->qkv = load_qkv(l, t->qkv, c->width, stem);
        if (t->sub_norms) block->attn_norm = glimpse_load_norm(l, c->width, stem, "attn.norm");
        block->out = glimpse_load_linear(l, c->width, c->width, stem, "attn.proj",
                                         GLIMPSE_ACTIVATION_NONE, accumulate, GLIMPSE_ELEMENT_F32);
        block->norm2 = glimpse_load_norm(l, c->width, stem, "norm2");
        block->up = c->gated ? load_gates(l, c, stem)
                             : glimpse_load_linear(l, c->mlp, c->width, stem, "mlp.fc1",
                                                   c->activation, 0, l->math->element);
        if (t->sub_norms) block->mlp_norm = glimpse_load_norm(l, c->mlp, stem, "mlp.norm");
        block->down = glimpse_load_linear(l, c->width, c->mlp, stem, "mlp.fc2",
                                          GLIMPSE_ACTIVATION_NONE, accumulate, GLIMPSE_ELEMENT_F32);
    }
}

/* Of every token, the class token's being 0: a quarter of a head's pairs of numbers, twice, turn by
 * a coordinate times 10000^(-i / quarter). A coordinate counts patches in the reference grid. */
static float *make_rotary(glimpse_loader *l, const glimpse_tower *tower,
                          const glimpse_timm_config *t) {
    size_t pairs = tower->config.width / tower->config.heads / 2, quarter = pairs / 2;
    if (l->status < 0 || l->check_only || t->rotary == GLIMPSE_ROTARY_NONE) return NULL;
    float *table = malloc(tower->tokens * 2 * pairs * sizeof *table);
    if (!table) {
        l->status = glimpse_fail_nomem(tower->tokens * 2 * pairs * sizeof *table, "positions");
        return NULL;
    }
    double scale = (double)t->rotary_reference / (double)tower->grid;
    size_t before = t->class_token ? 1 : 0;
    for (size_t token = 0; token < tower->tokens; token++) {
        float *cosines = table + token * 2 * pairs, *sines = cosines + pairs;
        size_t patch = token < before ? 0 : token - before;
        size_t place[2] = {patch / tower->grid, patch % tower->grid};
        for (size_t j = 0; j < 2 * quarter; j++) {
            int first = j < quarter, row = (t->rotary == GLIMPSE_ROTARY_ROW_FIRST) == first;
            size_t band = first ? j : j - quarter;
            double coordinate = (double)(place[row ? 0 : 1] + (size_t)t->rotary_offset) * scale;
            double angle = coordinate * pow(10000.0, -(double)band / (double)quarter);
            if (token < before) angle = 0.0;
            cosines[j] = (float)cos(angle);
            sines[j] = (float)sin(angle);
        }
    }
    return table;
}

/* One for every token; timm's hybrids have none for the class token: it stays as it is. */
static float *load_positions(glimpse_loader *l, const glimpse_tower *tower,
                             const glimpse_timm_config *t) {
    size_t width = tower->config.width, without = t->stem && t->class_token ? 1 : 0;
    size_t dims[3] = {1, tower->tokens - without, width};
    glimpse_numbers numbers = glimpse_load_numbers(l, 3, dims, "%spos_embed", trunk);
    if (l->status < 0 || l->check_only) return NULL;
    float *positions = calloc(tower->tokens * width, sizeof *positions);
    if (!positions) {
        l->status = glimpse_fail_nomem(tower->tokens * width * sizeof *positions, "positions");
        return NULL;
    }
    glimpse_numbers_to_f32(positions + without * width, &numbers);
    return positions;
}

static void load_patches(glimpse_loader *l, glimpse_tower *tower, const glimpse_timm_config *t) {
    size_t width = tower->config.width, kernel[4] = {width, 3, tower->patch, tower->patch};
    size_t one[3] = {1, 1, width};
    glimpse_linear_spec spec = {.in = 3 * tower->patch * tower->patch,
                                .out = width,
                                .parts = 1,
                                .output = GLIMPSE_ELEMENT_F32};
    if (t->stem) {
        glimpse_stem_load(&tower->stem, l, width, "visual.trunk.patch_embed.backbone");
    } else {
        spec.weights[0] = glimpse_load_numbers(l, 4, kernel, "%spatch_embed.proj.weight", trunk);
        if (!t->first_norm)
            spec.biases[0] = glimpse_load_vector(l, width, trunk, "patch_embed.proj.bias");
        tower->patches = glimpse_load_spec(l, &spec);
    }
    if (t->class_token) {
        tower->class_token =
            glimpse_load_f32_copy(l, glimpse_load_numbers(l, 3, one, "%scls_token", trunk));
    }
    tower->position_rows = tower->tokens;
    tower->positions = load_positions(l, tower, t);
    if (t->first_norm) tower->first = glimpse_load_norm(l, width, trunk, "norm_pre");
}

static void load_pooling(glimpse_loader *l, glimpse_tower *tower, const glimpse_timm_config *t) {
    glimpse_tower_config pool = tower->config;
    if (!t->pool_heads) return;
    pool.heads = t->pool_heads;
    pool.mlp = t->pool_mlp;
    glimpse_pooling_load_timm(&tower->pooling, l, &pool, "visual.trunk.attn_pool");
}

static glimpse_linear *load_head(glimpse_loader *l, const glimpse_tower *tower,
                                 glimpse_timm_head head) {
    size_t width = tower->config.width;
    switch (head) {
    case GLIMPSE_TIMM_HEAD_NONE: break;
    case GLIMPSE_TIMM_HEAD_TRUNK:
        return glimpse_tower_load_head(l, tower->embedding, width, trunk, "head", 1);
    case GLIMPSE_TIMM_HEAD_LINEAR:
    case GLIMPSE_TIMM_HEAD_LINEAR_BIAS:
        return glimpse_tower_load_head(l, tower->embedding, width, "visual.head.", "proj",
                                       head == GLIMPSE_TIMM_HEAD_LINEAR_BIAS);
    }
    return NULL;
}

static int open_timm_vit(void **out, glimpse_loader *l, const glimpse_model_config *config) {
    const glimpse_timm_config *t = &config->timm;
    glimpse_tower built, *tower = &built;
    *tower =
        (glimpse_tower){.math = l->math, .config = config->vision, .embedding = config->embedding};
    tower->side = config->image_size;
    tower->patch = config->patch;
    tower->grid = config->image_size / config->patch;
    tower->tokens = tower->grid * tower->grid + (t->class_token ? 1 : 0);
    load_patches(l, tower, t);
    load_blocks(l, tower, t);
    tower->rotary = make_rotary(l, tower, t);
    tower->last = glimpse_load_norm(l, config->vision.width, trunk, "norm");
    load_pooling(l, tower, t);
    tower->projection = load_head(l, tower, t->head);
    glimpse_load_require_all(l, "visual.");
    if (l->status == GLIMPSE_E_FORMAT || l->status == GLIMPSE_E_NOT_FOUND)
        (void)glimpse_fail_context(l->status, "the image tower of \"timm_model_name\"");
    return glimpse_vit_finish(out, l, tower);
}

const glimpse_image_ops glimpse_image_timm_vit = {
    .open = open_timm_vit,
    .close = glimpse_vit_close,
    .memory = glimpse_vit_memory,
    .work_bytes = sizeof(glimpse_vit_work),
    .plan = glimpse_vit_plan,
    .add = glimpse_vit_add,
    .run = glimpse_vit_run,
    .trace = glimpse_vit_trace,
};
