/*
 * SigLIP 2 of flexible resolution equals the recorded model, from strings and files to embeddings,
 * and on a small one of random weights the network as it is written down, in double; a picture's
 * embedding does not depend on those of other shapes beside it; sizes are those of the reference.
 */
#include "family_golden.h"
#include "support/files.h"
#include "support/opened_model.h"
#include "support/pictures.h"
#include "support/random_model.h"
#include "support/temporary.h"

#include "model/model_internal.h"

#include <errno.h>
#include <math.h>
#include <sys/stat.h>

static const char family_name[] = "siglip2-naflex";

enum { GOLDEN_PATCH = 8, GOLDEN_MAX = 49, GOLDEN_VALUES = 3 * GOLDEN_PATCH * GOLDEN_PATCH };

/* pixels [3][rows P][columns P] = patches [rows][columns][P][P][3]. */
static void join_patches(float *pixels, const float *patches, size_t rows, size_t columns,
                         size_t patch) {
    size_t stride = columns * patch, area = rows * patch * stride;
    for (size_t i = 0; i < rows * columns * patch * patch * 3; i++) {
        size_t c = i % 3, x = i / 3 % patch, y = i / 3 / patch % patch, p = i / 3 / patch / patch;
        pixels[c * area + (p / columns * patch + y) * stride + p % columns * patch + x] =
            patches[i];
    }
}

/* Recorded pixel values [count][49][P P 3] and shapes as inputs; pixels [count][49 P P 3]. */
static void recorded_inputs(glimpse_encoder_input *inputs, float *pixels, const float *patches,
                            size_t count) {
    family f;
    assert_true(open_family(&f, family_name, GLIMPSE_BACKEND_PLAIN, GLIMPSE_PRECISION_F32));
    family_array shapes = load_family_array(&f, "spatial_shapes");
    assert_int_equal(shapes.dims[0], count);
    for (size_t i = 0; i < count; i++) {
        const int32_t *shape = (const int32_t *)(const void *)shapes.data + 2 * i;
        float *own = pixels + i * GOLDEN_MAX * GOLDEN_VALUES;
        join_patches(own, patches + i * GOLDEN_MAX * GOLDEN_VALUES, (size_t)shape[0],
                     (size_t)shape[1], GOLDEN_PATCH);
        inputs[i] = (glimpse_encoder_input){.pixels = own,
                                            .width = (uint32_t)shape[1] * GOLDEN_PATCH,
                                            .height = (uint32_t)shape[0] * GOLDEN_PATCH};
    }
    free(shapes.data);
    close_family(&f);
}

static int encode_recorded(float *embeddings, glimpse_encoder *encoder, const void *patches,
                           size_t count, unsigned flags) {
    glimpse_encoder_input inputs[8];
    float *pixels = malloc(count * GOLDEN_MAX * GOLDEN_VALUES * sizeof *pixels);
    assert_true(pixels && count <= 8);
    recorded_inputs(inputs, pixels, patches, count);
    int status = glimpse_encoder_inputs(embeddings, encoder, inputs, count, flags);
    free(pixels);
    return status;
}

static void the_recorded_model_is_matched_in_every_precision(void **unused) {
    (void)unused;
    family_embeddings_match_by(family_name, encode_recorded);
}

typedef struct stages {
    const family *f;
    size_t seen;
} stages;

/* The recorded rows behind those of the picture are padding. */
static void check_stage(void *user, size_t stage, const float *x, size_t rows, size_t width) {
    static const char *const names[] = {"vision_embeddings", "vision_layer0", "vision_layer1"};
    stages *s = user;
    assert_true(stage < sizeof names / sizeof *names);
    family_array expected = load_family_array(s->f, names[stage]);
    assert_int_equal(expected.dims[1], width);
    assert_int_equal(rows, 5 * 9);
    double largest = 0;
    for (size_t i = 0; i < rows * width; i++)
        largest = fmax(largest, fabs((double)expected.data[i]));
    assert_floats_near(x, expected.data, rows * width, 2e-4 * fmax(1.0, largest / 10));
    free(expected.data);
    s->seen++;
}

static void every_stage_is_the_recorded_one(void **unused) {
    (void)unused;
    family f;
    for (int b = GLIMPSE_BACKEND_AUTO + 1; glimpse_backend_names()[b]; b++) {
        static float own[4 * GOLDEN_MAX * GOLDEN_VALUES];
        glimpse_encoder_input inputs[4];
        float embedding[64];
        if (!open_family(&f, family_name, (glimpse_backend)b, GLIMPSE_PRECISION_F32)) continue;
        family_array patches = load_family_array(&f, "pixel_values");
        recorded_inputs(inputs, own, patches.data, 4);
        stages s = {&f, 0};
        glimpse_encoder_set_trace(f.encoder, check_stage, &s);
        assert_ok(glimpse_encoder_inputs(embedding, f.encoder, inputs, 1, 0));
        assert_int_equal(s.seen, 3);
        free(patches.data);
        close_family(&f);
    }
}

static void texts_and_picture_files_become_the_recorded_embeddings(void **unused) {
    (void)unused;
    family f;
    assert_true(open_family(&f, family_name, GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_F32));
    family_texts_match(&f);
    family_array unit = load_family_array(&f, "image_embeds_norm");
    family_array patches = load_family_array(&f, "pixel_values");
    static float own[4 * GOLDEN_MAX * GOLDEN_VALUES], got[GOLDEN_MAX * GOLDEN_VALUES];
    uint8_t rgb[GOLDEN_MAX * GOLDEN_VALUES];
    glimpse_encoder_input inputs[4];
    float embedding[64];
    size_t i, width = unit.dims[1];
    json_t *entry;
    recorded_inputs(inputs, own, patches.data, 4);
    assert_int_equal(glimpse_preprocess_max_bytes(glimpse_model_preprocess(f.model)), sizeof rgb);
    json_array_foreach(json_object_get(f.json, "images"), i, entry) {
        const char *file = path_in(f.directory, json_string_value(json_object_get(entry, "file")));
        glimpse_image *image = NULL;
        glimpse_preprocess rules;
        assert_ok(glimpse_image_load(&image, file, NULL));
        assert_ok(glimpse_preprocess_for(&rules, glimpse_model_preprocess(f.model),
                                         glimpse_image_width(image), glimpse_image_height(image)));
        assert_int_equal(rules.width, inputs[i].width);
        assert_int_equal(rules.height, inputs[i].height);
        assert_ok(glimpse_preprocess_rgb(rgb, &rules, image));
        glimpse_preprocess_normalize(got, &rules, rgb);
        assert_floats_near(got, inputs[i].pixels, (size_t)rules.width * rules.height * 3,
                           family_tolerance(&f, "pixel_values"));
        const double tolerance = family_tolerance(&f, "image_embeds_norm");
        const glimpse_image *one = image;
        assert_ok(glimpse_encoder_images(embedding, f.encoder, &one, 1, 0));
        assert_floats_near(embedding, unit.data + i * width, width, tolerance);
        assert_ok(glimpse_encoder_file(embedding, f.encoder, file, 0));
        assert_floats_near(embedding, unit.data + i * width, width, tolerance);
        glimpse_image_free(image);
    }
    assert_int_equal(i, 4);
    free(unit.data), free(patches.data);
    close_family(&f);
}

/* ---- sizes ---- */

static glimpse_preprocess rules_of(uint32_t patch, uint32_t max_patches) {
    uint32_t side = (uint32_t)floor(sqrt((double)max_patches)) * patch;
    return (glimpse_preprocess){.resize = GLIMPSE_RESIZE_PATCHES,
                                .resample = GLIMPSE_RESAMPLE_BILINEAR,
                                .width = side,
                                .height = side,
                                .scale = 1.0f / 255,
                                .patch = patch,
                                .max_patches = max_patches};
}

/* What transformers' get_image_size_for_max_num_patches() gives. */
static void sizes_are_those_of_the_reference(void **unused) {
    (void)unused;
    static const uint32_t cases[][6] = {
        /* width, height, patch, limit, columns, rows */
        {1, 1, 16, 256, 7, 7},
        {1, 10000, 16, 256, 1, 256},
        {10000, 1, 16, 256, 256, 1},
        {640, 480, 16, 256, 18, 14},
        {480, 640, 16, 256, 14, 18},
        {4032, 3024, 16, 256, 18, 14},
        {3, 2, 16, 256, 19, 13},
        {1920, 1080, 16, 256, 21, 12},
        {224, 224, 16, 256, 16, 16},
        {1000, 999, 16, 576, 24, 24},
        {100000, 100000, 14, 1024, 32, 32},
        {17, 19, 16, 1, 1, 1},
        {65535, 3, 16, 784, 784, 1},
        {2048, 1365, 16, 1024, 39, 26},
        {120, 70, 8, 49, 9, 5},
        {50, 130, 8, 49, 4, 11},
        {33, 31, 8, 49, 7, 7},
        {200, 20, 8, 49, 20, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const uint32_t *c = cases[i];
        glimpse_preprocess rules = rules_of(c[2], c[3]), own;
        assert_ok(glimpse_preprocess_for(&own, &rules, c[0], c[1]));
        if (own.width != c[4] * c[2] || own.height != c[5] * c[2])
            fail_msg("%u x %u: %u x %u", c[0], c[1], own.width, own.height);
        assert_int_equal(own.resize, GLIMPSE_RESIZE_EXACT);
        assert_int_equal(own.resize_width, own.width);
        assert_int_equal(own.resize_height, own.height);
    }
}

/* Of any two scales of the reference's search that are a step apart, the larger does not fit. */
static void sizes_of_every_aspect_are_as_large_as_fits(void **unused) {
    (void)unused;
    static const uint32_t limits[] = {1, 49, 256, 1024};
    uint64_t random = 3;
    for (size_t i = 0; i < 20000; i++) {
        uint32_t w = 1 + (uint32_t)random_below(&random, i % 3 ? 5000 : 40);
        uint32_t h = 1 + (uint32_t)random_below(&random, i % 5 ? 5000 : 40);
        glimpse_preprocess rules = rules_of(16, limits[i % 4]), own;
        assert_ok(glimpse_preprocess_for(&own, &rules, w, h));
        assert_true(own.width > 0 && own.width % 16 == 0);
        assert_true(own.height > 0 && own.height % 16 == 0);
        assert_true((own.width / 16) * (own.height / 16) <= rules.max_patches);
        assert_true((size_t)own.width * own.height * 3 <= glimpse_preprocess_max_bytes(&rules));
        /* The scales that round up to this size reach to the first side that is full. */
        double scale = fmin((double)own.width / w, (double)own.height / h) + 2e-5;
        double columns = fmax(1, ceil(w * scale / 16)), rows = fmax(1, ceil(h * scale / 16));
        assert_true(scale > 99.99 || columns * rows > rules.max_patches);
        /* Half, quarter, eighth: what a decoder may reduce to is twice what is wanted, or more. */
        const double enough = glimpse_preprocess_short_side(&rules);
        for (double f = 0.5; f > 0.1 && fmin(w, h) * f >= enough; f /= 2)
            assert_true(w * f >= 2.0 * own.width && h * f >= 2.0 * own.height);
    }
}

static void sizes_that_cannot_be_are_refused(void **unused) {
    (void)unused;
    uint8_t rgb[3 * 16 * 16 * 4];
    glimpse_image *image = NULL;
    glimpse_preprocess rules = rules_of(16, 4), own;
    assert_int_equal(glimpse_preprocess_for(&own, &rules, 0, 10), GLIMPSE_E_LIMIT);
    assert_int_equal(glimpse_preprocess_for(&own, &rules, UINT32_MAX, UINT32_MAX), GLIMPSE_E_LIMIT);
    rules = rules_of(16, 100000);
    assert_int_equal(glimpse_preprocess_for(&own, &rules, 10, 10), GLIMPSE_E_INVALID);
    rules = rules_of(16, 4);
    memset(rgb, 7, sizeof rgb);
    assert_ok(glimpse_image_create(&image, rgb, 16, 16));
    assert_int_equal(glimpse_preprocess_rgb(rgb, &rules, image), GLIMPSE_E_INVALID);
    assert_non_null(strstr(glimpse_last_error(), "glimpse_preprocess_for"));
    glimpse_image_free(image);
    rules.resize = GLIMPSE_RESIZE_SHORTEST;
    assert_ok(glimpse_preprocess_for(&own, &rules, 5, 7));
    assert_memory_equal(&own, &rules, sizeof own);
}

/* ---- the network as it is written down, in double ---- */

enum { E = 48, PATCH = 8, GRID = 5, MAX = 30, VALUES = 3 * PATCH * PATCH, SHAPES = 9 };
static const double eps = 1e-6;

static float *weight(const glimpse_model *model, const char *stem, const char *name, size_t count) {
    char full[128];
    (void)snprintf(full, sizeof full, "vision_model.%s%s", stem, name);
    const glimpse_tensor *tensor = glimpse_tensors_find(model->tensors, full);
    if (!tensor) fail_msg("no %s", full);
    assert_string_equal(tensor->dtype, "F32");
    assert_int_equal(tensor->count, count);
    float *copy = malloc(count * sizeof *copy);
    assert_non_null(copy);
    memcpy(copy, tensor->data, count * sizeof *copy);
    return copy;
}

static double *numbers_of(size_t count) {
    double *numbers = calloc(count, sizeof *numbers);
    assert_non_null(numbers);
    return numbers;
}

/* y [rows][out] = x [rows][in] W^T + b of NAME, W from row `first` on. */
static double *apply(const glimpse_model *model, const char *stem, const char *weights,
                     const char *bias, const double *x, size_t rows, size_t in, size_t out,
                     size_t first, size_t all) {
    float *w = weight(model, stem, weights, all * in), *b = weight(model, stem, bias, all);
    double *y = numbers_of(rows * out);
    for (size_t r = 0; r < rows; r++) {
        for (size_t o = 0; o < out; o++) {
            double sum = (double)b[first + o];
            for (size_t i = 0; i < in; i++)
                sum += (double)w[(first + o) * in + i] * x[r * in + i];
            y[r * out + o] = sum;
        }
    }
    free(w), free(b);
    return y;
}

static double *pair(const glimpse_model *model, const char *stem, const char *name, const double *x,
                    size_t rows, size_t in, size_t out) {
    char w[64], b[64];
    (void)snprintf(w, sizeof w, "%s.weight", name);
    (void)snprintf(b, sizeof b, "%s.bias", name);
    return apply(model, stem, w, b, x, rows, in, out, 0, out);
}

static double *norm(const glimpse_model *model, const char *stem, const char *name, const double *x,
                    size_t rows) {
    char full[64];
    (void)snprintf(full, sizeof full, "%s.weight", name);
    float *gamma = weight(model, stem, full, E);
    (void)snprintf(full, sizeof full, "%s.bias", name);
    float *beta = weight(model, stem, full, E);
    double *y = numbers_of(rows * E);
    for (size_t r = 0; r < rows; r++) {
        double mean = 0, variance = 0;
        for (size_t i = 0; i < E; i++)
            mean += x[r * E + i] / E;
        for (size_t i = 0; i < E; i++)
            variance += (x[r * E + i] - mean) * (x[r * E + i] - mean) / E;
        for (size_t i = 0; i < E; i++)
            y[r * E + i] =
                (x[r * E + i] - mean) / sqrt(variance + eps) * (double)gamma[i] + (double)beta[i];
    }
    free(gamma), free(beta);
    return y;
}

/* [queries][E] of q [queries][E] over k, v [keys][E]. */
static double *attention(const double *q, const double *k, const double *v, size_t queries,
                         size_t keys, size_t heads) {
    size_t head = E / heads;
    double *y = numbers_of(queries * E);
    for (size_t r = 0; r < queries; r++) {
        for (size_t first = 0; first < E; first += head) {
            double sum = 0;
            for (size_t t = 0; t < keys; t++) {
                double dot = 0;
                for (size_t i = first; i < first + head; i++)
                    dot += q[r * E + i] * k[t * E + i];
                double share = exp(dot / sqrt((double)head));
                sum += share;
                for (size_t i = first; i < first + head; i++)
                    y[r * E + i] += share * v[t * E + i];
            }
            for (size_t i = first; i < first + head; i++)
                y[r * E + i] /= sum;
        }
    }
    return y;
}

/* x [rows][E] += f, which is freed. */
static void add_to(double *x, double *f, size_t rows) {
    for (size_t i = 0; i < rows * E; i++)
        x[i] += f[i];
    free(f);
}

static double *mlp(const glimpse_model *model, const char *stem, const double *x, size_t rows,
                   size_t width) {
    double *up = pair(model, stem, "mlp.fc1", x, rows, E, width);
    for (size_t i = 0; i < rows * width; i++) {
        double u = up[i];
        up[i] = 0.5 * u * (1 + tanh(sqrt(2 / 3.14159265358979323846) * (u + 0.044715 * u * u * u)));
    }
    double *down = pair(model, stem, "mlp.fc2", up, rows, width, E);
    free(up);
    return down;
}

static double triangle(size_t in, size_t out, size_t o, size_t i) {
    double scale = (double)in / (double)out, support = scale > 1 ? scale : 1;
    return fmax(0, 1 - fabs((double)i + 0.5 - ((double)o + 0.5) * scale) / support);
}

/* The table for row `r`, column `c` of a picture, over all places of the table. */
static void position(double *out, const float *table, size_t rows, size_t columns, size_t r,
                     size_t c) {
    double sum = 0;
    memset(out, 0, E * sizeof *out);
    for (size_t i = 0; i < GRID * GRID; i++) {
        double share = triangle(GRID, rows, r, i / GRID) * triangle(GRID, columns, c, i % GRID);
        sum += share;
        for (size_t j = 0; j < E; j++)
            out[j] += share * (double)table[i * E + j];
    }
    for (size_t j = 0; j < E; j++)
        out[j] /= sum;
}

static void write_down(const glimpse_model *model, const random_model *m,
                       const glimpse_encoder_input *in, float *embedding) {
    size_t columns = in->width / PATCH, rows = in->height / PATCH, tokens = rows * columns;
    double *cut = numbers_of(tokens * VALUES), at[E];
    for (size_t i = 0; i < tokens * VALUES; i++) {
        size_t c = i % 3, x = i / 3 % PATCH, y = i / 3 / PATCH % PATCH, p = i / VALUES;
        cut[i] = (double)in->pixels[(c * in->height + p / columns * PATCH + y) * in->width +
                                    p % columns * PATCH + x];
    }
    double *x = pair(model, "embeddings.", "patch_embedding", cut, tokens, VALUES, E);
    float *table = weight(model, "embeddings.", "position_embedding.weight", GRID * GRID * E);
    for (size_t p = 0; p < tokens; p++) {
        position(at, table, rows, columns, p / columns, p % columns);
        for (size_t j = 0; j < E; j++)
            x[p * E + j] += at[j];
    }
    free(table), free(cut);
    for (size_t layer = 0; layer < m->vision_layers; layer++) {
        char stem[64];
        (void)snprintf(stem, sizeof stem, "encoder.layers.%zu.", layer);
        double *h = norm(model, stem, "layer_norm1", x, tokens);
        double *q = pair(model, stem, "self_attn.q_proj", h, tokens, E, E);
        double *k = pair(model, stem, "self_attn.k_proj", h, tokens, E, E);
        double *v = pair(model, stem, "self_attn.v_proj", h, tokens, E, E);
        double *mixed = attention(q, k, v, tokens, tokens, m->vision_heads);
        add_to(x, pair(model, stem, "self_attn.out_proj", mixed, tokens, E, E), tokens);
        free(h), free(q), free(k), free(v), free(mixed);
        h = norm(model, stem, "layer_norm2", x, tokens);
        add_to(x, mlp(model, stem, h, tokens, m->vision_mlp), tokens);
        free(h);
    }
    double *h = norm(model, "", "post_layernorm", x, tokens), probe[E];
    float *learned = weight(model, "head.", "probe", E);
    for (size_t i = 0; i < E; i++)
        probe[i] = (double)learned[i];
    static const char w[] = "attention.in_proj_weight", b[] = "attention.in_proj_bias";
    double *q = apply(model, "head.", w, b, probe, 1, E, E, 0, 3 * E);
    double *k = apply(model, "head.", w, b, h, tokens, E, E, E, 3 * E);
    double *v = apply(model, "head.", w, b, h, tokens, E, E, 2 * E, 3 * E);
    double *mixed = attention(q, k, v, 1, tokens, m->vision_heads);
    double *y = pair(model, "head.", "attention.out_proj", mixed, 1, E, E), square = 0;
    double *normed = norm(model, "head.", "layernorm", y, 1);
    add_to(y, mlp(model, "head.", normed, 1, m->vision_mlp), 1);
    for (size_t i = 0; i < E; i++)
        square += y[i] * y[i];
    for (size_t i = 0; i < E; i++)
        embedding[i] = (float)(y[i] / sqrt(square));
    free(learned), free(x), free(h), free(q), free(k), free(v), free(mixed), free(normed), free(y);
}

/* ---- a small model of random weights ---- */

static float pixels[SHAPES * MAX * VALUES];
static glimpse_encoder_input inputs[SHAPES];

static int make_model(void **state) {
    /* Larger and smaller than the table along either side; one twice in a row. */
    static const uint32_t shapes[SHAPES][2] = {{5, 5}, {1, 30}, {30, 1}, {6, 5}, {6, 5},
                                               {3, 9}, {1, 1},  {2, 15}, {4, 7}};
    random_model tiny = random_model_tiny_naflex();
    uint64_t random = 5;
    (void)make_directory(state);
    fill_uniform(pixels, SHAPES * MAX * VALUES, &random, -1, 1);
    for (size_t i = 0; i < SHAPES; i++)
        inputs[i] = (glimpse_encoder_input){.pixels = pixels + i * MAX * VALUES,
                                            .width = shapes[i][0] * PATCH,
                                            .height = shapes[i][1] * PATCH};
    return random_model_write(&tiny, temp_directory) ? 0 : -1;
}

static void embed(const glimpse_model *model, size_t batch, float *embeddings) {
    glimpse_encoder *encoder = NULL;
    assert_ok(glimpse_encoder_create(&encoder, model, batch));
    const size_t bytes = glimpse_encoder_memory(encoder);
    assert_ok(glimpse_encoder_inputs(embeddings, encoder, inputs, SHAPES, 0));
    assert_int_equal(glimpse_encoder_memory(encoder), bytes);
    glimpse_encoder_free(encoder);
}

static void a_small_one_equals_the_network_written_down(void **unused) {
    (void)unused;
    random_model tiny = random_model_tiny_naflex();
    float expected[SHAPES * E], got[SHAPES * E];
    static const glimpse_precision precisions[] = {GLIMPSE_PRECISION_F32, GLIMPSE_PRECISION_BF16,
                                                   GLIMPSE_PRECISION_INT8};
    static const double min_cosines[] = {0.999999, 0.999, 0.99};
    glimpse_model *model = open_as(GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_F32);
    for (size_t i = 0; i < SHAPES; i++)
        write_down(model, &tiny, &inputs[i], expected + i * E);
    glimpse_model_close(model);
    for (int b = GLIMPSE_BACKEND_AUTO + 1; glimpse_backend_names()[b]; b++) {
        for (size_t p = 0; p < sizeof precisions / sizeof *precisions; p++) {
            model = open_as((glimpse_backend)b, precisions[p]);
            if (!model) continue;
            embed(model, 4, got);
            if (precisions[p] == GLIMPSE_PRECISION_F32)
                assert_floats_near(got, expected, SHAPES * E, 5e-6);
            assert_true(min_dot(got, expected, SHAPES, E) > min_cosines[p]);
            glimpse_model_close(model);
        }
    }
}

static void embeddings_do_not_depend_on_the_batch(void **unused) {
    (void)unused;
    static const glimpse_precision precisions[] = {GLIMPSE_PRECISION_F32, GLIMPSE_PRECISION_BF16,
                                                   GLIMPSE_PRECISION_INT8};
    float one[SHAPES * E], many[SHAPES * E];
    for (int b = GLIMPSE_BACKEND_AUTO + 1; glimpse_backend_names()[b]; b++) {
        for (size_t p = 0; p < sizeof precisions / sizeof *precisions; p++) {
            glimpse_model *model = open_as((glimpse_backend)b, precisions[p]);
            if (!model) continue;
            embed(model, 1, one);
            for (size_t batch = 2; batch <= 16; batch += 3) {
                embed(model, batch, many);
                if (precisions[p] == GLIMPSE_PRECISION_F32)
                    assert_floats_near(one, many, SHAPES * E, 2e-6);
                /* Sums in another order may round to another neighbour. */
                assert_true(min_dot(one, many, SHAPES, E) > 0.9999);
            }
            glimpse_model_close(model);
        }
    }
}

static void squares_are_what_pixels_without_a_size_are(void **unused) {
    (void)unused;
    enum { SQUARE = GRID * PATCH, AREA = 3 * SQUARE * SQUARE };
    glimpse_encoder *encoder = NULL;
    float sized[2 * E], plain[2 * E], from_rgb[2 * E];
    static uint8_t rgb[2 * AREA];
    static float squares[2 * AREA];
    glimpse_encoder_input two[2];
    uint64_t random = 9;
    glimpse_model *model = open_as(GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_F32);
    const glimpse_preprocess *p = glimpse_model_preprocess(model);
    assert_int_equal(p->width, SQUARE);
    assert_int_equal(p->height, SQUARE);
    for (size_t i = 0; i < 2 * AREA; i++)
        rgb[i] = (uint8_t)random_below(&random, 256);
    for (size_t i = 0; i < 2; i++) {
        glimpse_preprocess_normalize(squares + i * AREA, p, rgb + i * AREA);
        two[i] = (glimpse_encoder_input){.rgb = rgb + i * AREA, .width = SQUARE, .height = SQUARE};
    }
    assert_ok(glimpse_encoder_create(&encoder, model, 2));
    assert_ok(glimpse_encoder_inputs(sized, encoder, two, 2, 0));
    assert_ok(glimpse_encoder_pixels(plain, encoder, squares, 2, 0));
    assert_ok(glimpse_encoder_rgb(from_rgb, encoder, rgb, 2, 0));
    assert_memory_equal(sized, plain, sizeof sized);
    assert_memory_equal(sized, from_rgb, sizeof sized);
    glimpse_encoder_free(encoder);
    glimpse_model_close(model);
}

static void inputs_of_other_sizes_are_refused(void **unused) {
    (void)unused;
    static const uint32_t sizes[][2] = {{0, 8},   {8, 0},   {12, 8},      {8, 9},
                                        {48, 48}, {8, 248}, {8, 1u << 31}};
    glimpse_encoder *encoder = NULL;
    float embedding[E];
    glimpse_model *model = open_as(GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_F32);
    assert_ok(glimpse_encoder_create(&encoder, model, 2));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        glimpse_encoder_input input = {
            .pixels = pixels, .width = sizes[i][0], .height = sizes[i][1]};
        assert_int_equal(glimpse_encoder_inputs(embedding, encoder, &input, 1, 0),
                         GLIMPSE_E_INVALID);
    }
    glimpse_encoder_input neither = {.width = 8, .height = 8};
    assert_int_equal(glimpse_encoder_inputs(embedding, encoder, &neither, 1, 0), GLIMPSE_E_INVALID);
    glimpse_encoder_free(encoder);
    glimpse_model_close(model);
    /* A model of a fixed size takes that one, and no other. */
    random_model fixed = random_model_tiny_siglip();
    assert_true(random_model_write(&fixed, in_directory("fixed")));
    assert_ok(glimpse_model_open(&model, in_directory("fixed"), NULL));
    assert_ok(glimpse_encoder_create(&encoder, model, 2));
    glimpse_encoder_input input = {.pixels = pixels, .width = 34, .height = 34};
    assert_ok(glimpse_encoder_inputs(embedding, encoder, &input, 1, 0));
    input.height = 40;
    assert_int_equal(glimpse_encoder_inputs(embedding, encoder, &input, 1, 0), GLIMPSE_E_INVALID);
    glimpse_encoder_free(encoder);
    glimpse_model_close(model);
}

static void pictures_as_narrow_or_small_as_can_be_are_encoded(void **unused) {
    (void)unused;
    static const unsigned sizes[][2] = {{1, 10000}, {10000, 1}, {1, 1}, {2, 3}, {1, 2}, {3000, 2}};
    enum { COUNT = sizeof sizes / sizeof *sizes };
    glimpse_encoder *encoder = NULL;
    glimpse_image *images[COUNT];
    float together[COUNT * E], alone[E];
    glimpse_model *model = open_as(GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_F32);
    assert_ok(glimpse_encoder_create(&encoder, model, 4));
    for (size_t i = 0; i < COUNT; i++) {
        write_picture(in_directory("narrow.ppm"), sizes[i][0], sizes[i][1], (unsigned)i);
        assert_ok(glimpse_image_load(&images[i], in_directory("narrow.ppm"), NULL));
    }
    assert_ok(
        glimpse_encoder_images(together, encoder, (const glimpse_image *const *)images, COUNT, 0));
    for (size_t i = 0; i < COUNT; i++) {
        const glimpse_image *one = images[i];
        assert_ok(glimpse_encoder_images(alone, encoder, &one, 1, 0));
        assert_floats_near(alone, together + i * E, E, 2e-6);
        glimpse_image_free(images[i]);
    }
    glimpse_encoder_free(encoder);
    glimpse_model_close(model);
}

/* ---- configurations ---- */

static const char plain_config[] =
    "{\"model_type\": \"siglip2\", \"vision_config\": {\"patch_size\": 14, \"num_patches\": 144}}";

static int read_configs(glimpse_model_config *c, const char *config, const char *rules) {
    assert_ok(mkdir(in_directory("config"), 0777) == 0 || errno == EEXIST ? 0 : GLIMPSE_E_IO);
    write_text(in_directory("config/config.json"), config);
    (void)remove(in_directory("config/preprocessor_config.json"));
    if (rules) write_text(in_directory("config/preprocessor_config.json"), rules);
    return glimpse_model_config_read(c, in_directory("config"));
}

static void absent_keys_have_the_defaults_of_the_classes(void **unused) {
    (void)unused;
    glimpse_model_config c;
    assert_ok(read_configs(&c, "{\"model_type\": \"siglip2\"}", NULL));
    assert_int_equal(c.image_architecture, GLIMPSE_IMAGE_NAFLEX);
    assert_int_equal(c.position_grid, 16);
    assert_int_equal(c.patch, 16);
    assert_int_equal(c.preprocess.max_patches, 256);
    assert_int_equal(c.image_size, 256);
    assert_int_equal(c.preprocess.resample, GLIMPSE_RESAMPLE_BILINEAR);
    assert_float_equal(c.preprocess.mean[1], 0.5, 0);
    assert_int_equal(c.vision.activation, GLIMPSE_ACTIVATION_GELU_TANH);
    assert_int_equal(c.text_pooling, GLIMPSE_TEXT_LAST);
    assert_ok(read_configs(&c, plain_config, NULL));
    assert_int_equal(c.preprocess.patch, 14);
    assert_int_equal(c.position_grid, 12);
    assert_ok(read_configs(&c, plain_config, "{\"patch_size\": 14, \"max_num_patches\": 1024}"));
    assert_int_equal(c.preprocess.max_patches, 1024);
    assert_int_equal(c.image_size, 32 * 14);
    assert_int_equal(c.preprocess.resample, GLIMPSE_RESAMPLE_BILINEAR);
}

static void settings_that_cannot_be_honoured_are_refused(void **unused) {
    (void)unused;
    static const struct {
        const char *config, *rules;
        int status;
        const char *message;
    } cases[] = {
        {"{\"model_type\": \"siglip2\", \"vision_config\": {\"num_patches\": 200}}", NULL,
         GLIMPSE_E_FORMAT, "200 positions"},
        {plain_config, "{}", GLIMPSE_E_FORMAT,
         "patches of 16 pixels, the model takes patches of 14"},
        {plain_config, "{\"patch_size\": 14, \"do_resize\": false}", GLIMPSE_E_UNSUPPORTED,
         "do_resize"},
        {plain_config, "{\"patch_size\": 14, \"max_num_patches\": 5000}", GLIMPSE_E_FORMAT,
         "max_num_patches"},
        {plain_config, "{\"image_processor_type\": \"SiglipImageProcessor\"}",
         GLIMPSE_E_UNSUPPORTED, "SiglipImageProcessor"},
        {"{\"model_type\": \"siglip2\", \"vision_config\": {\"patch_size\": 32}}",
         "{\"patch_size\": 32, \"max_num_patches\": 4096}", GLIMPSE_E_LIMIT, "4096 patches"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        glimpse_model_config c;
        int status = read_configs(&c, cases[i].config, cases[i].rules);
        if (status != cases[i].status || !strstr(glimpse_last_error(), cases[i].message))
            fail_msg("%zu: %d, %s", i, status, status < 0 ? glimpse_last_error() : "");
    }
}

static void the_fingerprint_follows_the_number_of_patches(void **unused) {
    (void)unused;
    char hex[3][33];
    random_model tiny = random_model_tiny_naflex();
    for (size_t i = 0; i < 3; i++) {
        tiny.max_patches = i == 1 ? MAX + 1 : MAX;
        assert_true(random_model_write(&tiny, in_directory("other")));
        assert_ok(glimpse_model_read_fingerprint(hex[i], in_directory("other")));
    }
    assert_string_not_equal(hex[0], hex[1]);
    assert_string_equal(hex[0], hex[2]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_recorded_model_is_matched_in_every_precision),
        cmocka_unit_test(every_stage_is_the_recorded_one),
        cmocka_unit_test(texts_and_picture_files_become_the_recorded_embeddings),
        cmocka_unit_test(sizes_are_those_of_the_reference),
        cmocka_unit_test(sizes_of_every_aspect_are_as_large_as_fits),
        cmocka_unit_test(sizes_that_cannot_be_are_refused),
        cmocka_unit_test(a_small_one_equals_the_network_written_down),
        cmocka_unit_test(embeddings_do_not_depend_on_the_batch),
        cmocka_unit_test(squares_are_what_pixels_without_a_size_are),
        cmocka_unit_test(inputs_of_other_sizes_are_refused),
        cmocka_unit_test(pictures_as_narrow_or_small_as_can_be_are_encoded),
        cmocka_unit_test(absent_keys_have_the_defaults_of_the_classes),
        cmocka_unit_test(settings_that_cannot_be_honoured_are_refused),
        cmocka_unit_test(the_fingerprint_follows_the_number_of_patches),
    };
    return cmocka_run_group_tests(tests, make_model, remove_directory);
}
