/*
 * model/vit.c - the image towers of openai/CLIP and SigLIP.
 *
 * A picture is cut into patches, each projected to the width; positions are added, a class token
 * goes in front (CLIP) or not (SigLIP), and the blocks of transformer.c follow.
 */
#include "model/vit.h"

#include "model/patches.h"

#include <stdlib.h>
#include <string.h>

int glimpse_vit_finish(void **out, glimpse_loader *l, glimpse_tower *tower) {
    glimpse_tower *kept = NULL;
    *out = NULL;
    if (l->status == GLIMPSE_OK && !l->check_only) {
        kept = malloc(sizeof *kept);
        if (!kept) l->status = glimpse_fail_nomem(sizeof *kept, "a tower");
    }
    if (kept) {
        *kept = *tower;
        *out = kept;
    } else {
        glimpse_tower_close(tower);
    }
    return l->status;
}

static int open_vit(void **out, glimpse_loader *l, const glimpse_model_config *config) {
    glimpse_tower built, *tower = &built;
    int siglip = config->layout == GLIMPSE_LAYOUT_SIGLIP;
    int hf = siglip || config->layout == GLIMPSE_LAYOUT_HF;
    size_t width = config->vision.width, patch = config->patch;
    *tower =
        (glimpse_tower){.math = l->math, .config = config->vision, .embedding = config->embedding};
    tower->side = config->image_size;
    tower->patch = patch;
    tower->grid = config->image_size / patch;
    tower->tokens = tower->grid * tower->grid + (siglip ? 0 : 1);

    size_t kernel[4] = {width, 3, patch, patch};
    glimpse_linear_spec spec = {
        .in = 3 * patch * patch, .out = width, .parts = 1, .output = GLIMPSE_ELEMENT_F32};
    spec.weights[0] = glimpse_load_numbers(l, 4, kernel, "%s",
                                           hf ? "vision_model.embeddings.patch_embedding.weight"
                                              : "visual.conv1.weight");
    if (siglip) {
        spec.biases[0] =
            glimpse_load_vector(l, width, "", "vision_model.embeddings.patch_embedding.bias");
    }
    tower->patches = glimpse_load_spec(l, &spec);
    if (!siglip) {
        tower->class_token = glimpse_load_f32_copy(
            l, glimpse_load_vector(l, width, "",
                                   hf ? "vision_model.embeddings.class_embedding"
                                      : "visual.class_embedding"));
        tower->first =
            glimpse_load_norm(l, width, "", hf ? "vision_model.pre_layrnorm" : "visual.ln_pre");
    }
    tower->position_rows = tower->tokens;
    tower->positions = glimpse_load_f32_copy(
        l, glimpse_load_matrix(l, tower->tokens, width, "",
                               hf ? "vision_model.embeddings.position_embedding.weight"
                                  : "visual.positional_embedding"));
    glimpse_tower_load_blocks(l, tower,
                              hf ? &glimpse_block_names_hf : &glimpse_block_names_open_clip,
                              hf ? "vision_model." : "visual.transformer.");
    tower->last =
        glimpse_load_norm(l, width, "", hf ? "vision_model.post_layernorm" : "visual.ln_post");
    if (siglip) {
        glimpse_pooling_load(&tower->pooling, l, &tower->config, "vision_model.head");
    } else {
        tower->projection = glimpse_tower_load_projection(
            l, hf, config->embedding, width, hf ? "visual_projection.weight" : "visual.proj");
    }
    glimpse_load_require_all(l, hf ? "vision_model." : "visual.");
    return glimpse_vit_finish(out, l, tower);
}

void glimpse_vit_close(void *tower) {
    if (tower) glimpse_tower_close(tower);
    free(tower);
}

size_t glimpse_vit_memory(const void *tower) {
    return glimpse_tower_memory(tower);
}

void glimpse_vit_plan(void *work, glimpse_arena *arena, const void *opened, size_t max_batch) {
    glimpse_vit_work *w = work;
    const glimpse_tower *tower = opened;
    size_t squares = tower->grid * tower->grid, width = tower->config.width;
    size_t patch_rows = glimpse_padded_rows(max_batch * squares);
    glimpse_pass_plan(&w->pass, arena, tower, max_batch * tower->tokens, max_batch);
    if (tower->patches) {
        w->patches = glimpse_arena_alloc(arena, patch_rows * 3 * tower->patch * tower->patch,
                                         glimpse_element_size(tower->math->element));
    } else {
        glimpse_stem_plan(&w->stem, arena, tower->math, &tower->stem, max_batch * squares);
    }
    w->embedded = glimpse_arena_alloc(arena, patch_rows * width, sizeof(float));
    if (tower->first.gamma)
        w->rows = glimpse_arena_alloc(arena, max_batch * tower->tokens * width, sizeof(float));
}

void glimpse_vit_add(void *work, size_t place, const float *pixels) {
    glimpse_vit_work *w = work;
    const glimpse_tower *tower = w->pass.tower;
    if (!tower->patches) {
        glimpse_stem_cut(&w->stem, tower->math, pixels, tower->side,
                         place * tower->grid * tower->grid);
        return;
    }
    size_t bytes = tower->grid * tower->grid * 3 * tower->patch * tower->patch *
                   glimpse_element_size(tower->math->element);
    glimpse_cut_patches(tower->math, pixels, tower->side, tower->patch,
                        (uint8_t *)w->patches + place * bytes);
}

int glimpse_vit_run(void *work, glimpse_workspace *workspace, size_t count, float *embeddings) {
    glimpse_vit_work *w = work;
    glimpse_pass *pass = &w->pass;
    const glimpse_tower *tower = pass->tower;
    size_t width = tower->config.width, tokens = tower->tokens;
    size_t before = tower->class_token ? 1 : 0, squares = tokens - before;
    /* Without a first norm the tower starts from the sums themselves. */
    float *all = tower->first.gamma ? w->rows : pass->x;
    pass->workspace = workspace;
    int status = tower->patches ? glimpse_linear_run(tower->patches, workspace, w->patches,
                                                     count * squares, w->embedded)
                                : glimpse_stem_run(&w->stem, &tower->stem, workspace,
                                                   count * squares, w->embedded);
    if (status < 0) return status;
    for (size_t b = 0; b < count; b++) {
        float *rows = all + b * tokens * width;
        for (size_t j = 0; j < before * width; j++)
            rows[j] = tower->class_token[j] + tower->positions[j];
        const float *from = w->embedded + b * squares * width;
        for (size_t j = 0; j < squares * width; j++) {
            rows[before * width + j] = from[j] + tower->positions[before * width + j];
        }
        pass->starts[b] = b * tokens;
        pass->pools[b] = 0;
    }
    pass->starts[count] = count * tokens;
    if (tower->first.gamma) {
        tower->math->kernels->layer_norm(pass->x, GLIMPSE_ELEMENT_F32, w->rows, tower->first.gamma,
                                         tower->first.beta, tower->config.eps, count * tokens,
                                         width);
    }
    return glimpse_pass_run(pass, count, embeddings);
}

void glimpse_vit_trace(void *work, glimpse_trace_fn trace, void *user) {
    glimpse_vit_work *w = work;
    w->pass.trace = trace;
    w->pass.trace_user = user;
}

const glimpse_image_ops glimpse_image_vit = {
    .open = open_vit,
    .close = glimpse_vit_close,
    .memory = glimpse_vit_memory,
    .work_bytes = sizeof(glimpse_vit_work),
    .plan = glimpse_vit_plan,
    .add = glimpse_vit_add,
    .run = glimpse_vit_run,
    .trace = glimpse_vit_trace,
};
