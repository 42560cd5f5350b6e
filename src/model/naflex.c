/*
 * model/naflex.c - SigLIP's image tower over pictures of different shapes.
 *
 * Pictures of a batch lie packed behind each other, each as many rows as it has patches: the
 * reference pads them to the same number and masks the padding everywhere, which comes to the same.
 *
 * A patch is the vector [row][column][channel], and the first layer a product with it. The table of
 * positions is a square; for a picture of other rows and columns it is resized, bilinear with
 * antialias (a triangle that is widened when shrinking), corners not aligned:
 *
 *     scale = in / out, support = max(scale, 1), centre = (o + 0.5) scale
 *     weight(i) = max(0, 1 - |i + 0.5 - centre| / support), divided by the sum of all
 */
#include "model/naflex.h"

#include "model/vit.h"

#include <math.h>

typedef struct naflex_work {
    glimpse_vit_work vit;                   /* first: glimpse_vit_trace() */
    size_t *rows, *columns;                 /* [max_batch] patches of each picture */
    float *patch;                           /* [3 P P] */
    float *positions;                       /* [tokens][D], resized to ... */
    size_t position_rows, position_columns; /* ... these; 0: none yet */
    float *band;                            /* [G][D], the table resized to one row */
    double *weights;                        /* [2][G] of one row, of one column */
} naflex_work;

static int open_naflex(void **out, glimpse_loader *l, const glimpse_model_config *config) {
    glimpse_tower built, *tower = &built;
    size_t width = config->vision.width, patch = config->patch;
    *tower =
        (glimpse_tower){.math = l->math, .config = config->vision, .embedding = config->embedding};
    tower->side = config->image_size;
    tower->patch = patch;
    tower->grid = config->position_grid;
    tower->tokens = config->preprocess.max_patches;
    tower->unpadded = 1;

    glimpse_linear_spec spec = {
        .in = 3 * patch * patch, .out = width, .parts = 1, .output = GLIMPSE_ELEMENT_F32};
    spec.weights[0] = glimpse_load_matrix(l, width, 3 * patch * patch, "",
                                          "vision_model.embeddings.patch_embedding.weight");
    spec.biases[0] =
        glimpse_load_vector(l, width, "", "vision_model.embeddings.patch_embedding.bias");
    tower->patches = glimpse_load_spec(l, &spec);
    tower->position_rows = tower->grid * tower->grid;
    tower->positions = glimpse_load_f32_copy(
        l, glimpse_load_matrix(l, tower->grid * tower->grid, width, "",
                               "vision_model.embeddings.position_embedding.weight"));
    glimpse_tower_load_blocks(l, tower, &glimpse_block_names_hf, "vision_model.");
    tower->last = glimpse_load_norm(l, width, "", "vision_model.post_layernorm");
    glimpse_pooling_load(&tower->pooling, l, &tower->config, "vision_model.head");
    glimpse_load_require_all(l, "vision_model.");
    return glimpse_vit_finish(out, l, tower);
}

static void plan(void *work, glimpse_arena *arena, const void *opened, size_t max_batch) {
    naflex_work *w = work;
    const glimpse_tower *tower = opened;
    size_t width = tower->config.width, values = 3 * tower->patch * tower->patch;
    size_t rows = max_batch * tower->tokens;
    glimpse_pass_plan(&w->vit.pass, arena, tower, rows, max_batch);
    w->vit.patches = glimpse_arena_alloc(arena, glimpse_padded_rows(rows) * values,
                                         glimpse_element_size(tower->math->element));
    w->rows = glimpse_arena_alloc(arena, max_batch, sizeof(size_t));
    w->columns = glimpse_arena_alloc(arena, max_batch, sizeof(size_t));
    w->patch = glimpse_arena_alloc(arena, values, sizeof(float));
    w->positions = glimpse_arena_alloc(arena, tower->tokens * width, sizeof(float));
    w->band = glimpse_arena_alloc(arena, tower->grid * width, sizeof(float));
    w->weights = glimpse_arena_alloc(arena, 2 * tower->grid, sizeof(double));
}

/* patch [P][P][3] = patch (row, column) of the pixels [3][rows P][columns P]. */
static void cut_patch(const glimpse_tower *tower, float *patch, const float *pixels, size_t rows,
                      size_t columns, size_t row, size_t column) {
    size_t side = tower->patch, stride = columns * side, area = rows * side * stride;
    const float *from = pixels + row * side * stride + column * side;
    for (size_t y = 0; y < side; y++) {
        for (size_t x = 0; x < side; x++) {
            for (size_t c = 0; c < 3; c++)
                *patch++ = from[c * area + y * stride + x];
        }
    }
}

static void add_sized(void *work, size_t place, const float *pixels, size_t rows, size_t columns) {
    naflex_work *w = work;
    glimpse_pass *pass = &w->vit.pass;
    const glimpse_tower *tower = pass->tower;
    const glimpse_math *math = tower->math;
    size_t values = 3 * tower->patch * tower->patch;
    size_t start = place == 0 ? 0 : pass->starts[place];
    uint8_t *to = (uint8_t *)w->vit.patches + start * values * glimpse_element_size(math->element);
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < columns; c++) {
            cut_patch(tower, w->patch, pixels, rows, columns, r, c);
            math->kernels->convert_rows(to, values, math->element, w->patch, values, 1, values,
                                        values);
            to += values * glimpse_element_size(math->element);
        }
    }
    w->rows[place] = rows;
    w->columns[place] = columns;
    pass->starts[place] = start;
    pass->starts[place + 1] = start + rows * columns;
    pass->pools[place] = 0;
}

static void add(void *work, size_t place, const float *pixels) {
    const glimpse_tower *tower = ((naflex_work *)work)->vit.pass.tower;
    size_t side = tower->side / tower->patch;
    add_sized(work, place, pixels, side, side);
}

/* The weights of output `o` of `out` from *first on; how many. */
static size_t make_taps(double *weights, size_t *first, size_t in, size_t out, size_t o) {
    double scale = (double)in / (double)out, support = fmax(scale, 1.0);
    double centre = ((double)o + 0.5) * scale, sum = 0.0;
    double from = fmax(floor(centre - support + 0.5), 0.0);
    double end = fmin(floor(centre + support + 0.5), (double)in);
    size_t count = (size_t)(end - from);
    *first = (size_t)from;
    for (size_t i = 0; i < count; i++) {
        weights[i] = fmax(0.0, 1.0 - fabs(from + (double)i + 0.5 - centre) / support);
        sum += weights[i];
    }
    for (size_t i = 0; i < count; i++)
        weights[i] /= sum;
    return count;
}

/* out [width] = the weighted sum of `count` rows of `width` numbers, `stride` apart. */
static void sum_rows(float *out, const double *weights, size_t count, const float *from,
                     size_t stride, size_t width) {
    for (size_t j = 0; j < width; j++)
        out[j] = (float)weights[0] * from[j];
    for (size_t i = 1; i < count; i++) {
        const float *row = from + i * stride, weight = (float)weights[i];
        for (size_t j = 0; j < width; j++)
            out[j] += weight * row[j];
    }
}

static void resize_positions(naflex_work *w, size_t rows, size_t columns) {
    const glimpse_tower *tower = w->vit.pass.tower;
    size_t grid = tower->grid, width = tower->config.width;
    double *of_row = w->weights, *of_column = w->weights + grid;
    /* Albums have pictures of the same shape behind each other. */
    if (rows == w->position_rows && columns == w->position_columns) return;
    for (size_t r = 0; r < rows; r++) {
        size_t first, count = make_taps(of_row, &first, grid, rows, r);
        sum_rows(w->band, of_row, count, tower->positions + first * grid * width, grid * width,
                 grid * width);
        for (size_t c = 0; c < columns; c++) {
            count = make_taps(of_column, &first, grid, columns, c);
            sum_rows(w->positions + (r * columns + c) * width, of_column, count,
                     w->band + first * width, width, width);
        }
    }
    w->position_rows = rows;
    w->position_columns = columns;
}

static int run(void *work, glimpse_workspace *workspace, size_t count, float *embeddings) {
    naflex_work *w = work;
    glimpse_pass *pass = &w->vit.pass;
    const glimpse_tower *tower = pass->tower;
    pass->workspace = workspace;
    int status =
        glimpse_linear_run(tower->patches, workspace, w->vit.patches, pass->starts[count], pass->x);
    if (status < 0) return status;
    for (size_t b = 0; b < count; b++) {
        size_t values = w->rows[b] * w->columns[b] * tower->config.width;
        float *x = pass->x + pass->starts[b] * tower->config.width;
        resize_positions(w, w->rows[b], w->columns[b]);
        for (size_t j = 0; j < values; j++)
            x[j] += w->positions[j];
    }
    return glimpse_pass_run(pass, count, embeddings);
}

const glimpse_image_ops glimpse_image_naflex = {
    .open = open_naflex,
    .close = glimpse_vit_close,
    .memory = glimpse_vit_memory,
    .work_bytes = sizeof(naflex_work),
    .plan = plan,
    .add = add,
    .add_sized = add_sized,
    .run = run,
    .trace = glimpse_vit_trace,
};
