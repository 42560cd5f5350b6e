/*
 * MobileCLIP and MobileCLIP 2, as OpenCLIP and as Apple publish them, equal the recorded models
 * and, on small ones of random weights, the network as it is written down: every branch by itself,
 * in double. Whatever the batch; and files that cannot be one are refused by name.
 */
#include "family_golden.h"
#include "support/opened_model.h"
#include "support/plain_convolution.h"
#include "support/random_mobileclip.h"
#include "support/temporary.h"

#include "math/half.h"
#include "model/model_internal.h"

#include <math.h>

static const char *const recorded[] = {"mobileclip", "mobileclip2-s3", "mobileclip-s0"};
enum { RECORDED = sizeof recorded / sizeof *recorded };

static void embeddings_match_in_every_precision(void **unused) {
    (void)unused;
    for (size_t i = 0; i < RECORDED; i++) {
        print_message("%s\n", recorded[i]);
        family_embeddings_match(recorded[i]);
    }
}

static void texts_and_pictures_match(void **unused) {
    (void)unused;
    for (size_t i = 0; i < RECORDED; i++)
        family_texts_and_pictures_match(recorded[i]);
}

typedef struct stages {
    const family *f;
    const char *const *names;
    size_t seen;
} stages;

/* Recorded as [channels][rows][columns]. */
static void check_stage(void *user, size_t stage, const float *x, size_t rows, size_t width) {
    stages *s = user;
    const char *name = s->names[stage];
    if (!name) return;
    family_array expected = load_family_array(s->f, name);
    double allowed = family_tolerance(s->f, "image_embeds"), worst = 0, largest = 0;
    assert_int_equal(expected.count, rows * width);
    for (size_t i = 0; i < rows; i++) {
        for (size_t c = 0; c < width; c++) {
            double e = (double)expected.data[c * rows + i];
            worst = fmax(worst, fabs((double)x[i * width + c] - e));
            largest = fmax(largest, fabs(e));
        }
    }
    print_message("%s: largest difference %g of %g\n", name, worst, largest);
    assert_true(worst <= allowed * fmax(1.0, largest / 10.0));
    free(expected.data);
    s->seen++;
}

static void stages_of_pictures_match(void **unused) {
    (void)unused;
    static const char *const names[RECORDED][7] = {
        {"vision_stem", "vision_stage0", "vision_stage1", "vision_stage2", "vision_stage3"},
        {"vision_stem", "vision_stage0", "vision_stage1", "vision_stage2", "vision_stage3",
         "vision_stage4"},
        {"vision_patch_embed", "vision_network0", "vision_network2", "vision_network4",
         "vision_network7"}};
    for (size_t i = 0; i < RECORDED; i++) {
        family f;
        float embedding[64];
        assert_true(open_family(&f, recorded[i], GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_F32));
        family_array pixels = load_family_array(&f, "pixel_values");
        stages s = {&f, names[i], 0};
        glimpse_encoder_set_trace(f.encoder, check_stage, &s);
        assert_ok(glimpse_encoder_pixels(embedding, f.encoder, pixels.data, 1, 0));
        assert_true(s.seen >= 5);
        free(pixels.data);
        close_family(&f);
    }
}

/* ---- what others have folded already ---- */

static void what_is_folded_already_gives_the_same(void **unused) {
    (void)unused;
    static const char *const names[] = {"mobileclip", "mobileclip2-s3"};
    for (size_t i = 0; i < 2; i++) {
        for (int b = GLIMPSE_BACKEND_AUTO + 1; glimpse_backend_names()[b]; b++) {
            for (int p = GLIMPSE_PRECISION_AUTO + 1; p <= GLIMPSE_PRECISION_INT8; p++) {
                family f;
                char path[128];
                if (!open_family(&f, names[i], (glimpse_backend)b, (glimpse_precision)p)) continue;
                family_array pixels = load_family_array(&f, "pixel_values");
                family_array unit = load_family_array(&f, "image_embeds_norm");
                float *folded = malloc(unit.count * sizeof *folded);
                float *branches = malloc(unit.count * sizeof *branches);
                assert_true(folded && branches);
                glimpse_model_options options = GLIMPSE_MODEL_OPTIONS_INIT;
                options.backend = (glimpse_backend)b;
                options.precision = (glimpse_precision)p;
                glimpse_model *model = NULL;
                glimpse_encoder *encoder = NULL;
                (void)snprintf(path, sizeof path, "golden/families/%s/reparam", names[i]);
                assert_ok(glimpse_model_open(&model, shared_path(path), &options));
                assert_ok(glimpse_encoder_create(&encoder, model, 2));
                assert_ok(glimpse_encoder_pixels(folded, encoder, pixels.data, unit.dims[0], 0));
                assert_ok(
                    glimpse_encoder_pixels(branches, f.encoder, pixels.data, unit.dims[0], 0));
                if (p == GLIMPSE_PRECISION_F32) {
                    assert_floats_near(folded, branches, unit.count, 2e-6);
                    assert_floats_near(folded, unit.data, unit.count,
                                       family_tolerance(&f, "image_embeds_norm"));
                }
                assert_true(min_dot(folded, unit.data, unit.dims[0], unit.dims[1]) >
                            (p == GLIMPSE_PRECISION_INT8 ? 0.99 : 0.999));
                glimpse_encoder_free(encoder);
                glimpse_model_close(model);
                free(folded);
                free(branches);
                free(pixels.data);
                free(unit.data);
                close_family(&f);
            }
        }
    }
}

/* Apple's file as it is published; beside it there is nothing but the configuration. */
static void apples_own_file_is_read(void **unused) {
    (void)unused;
    static const char *const files[] = {"mobileclip_s0.pt", "mobileclip_s0.json", "vocab.json",
                                        "merges.txt"};
    family f;
    float got[64 * 3];
    assert_true(open_family(&f, "mobileclip-s0", GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_F32));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "golden/families/mobileclip-s0/%s", files[i]);
        copy_file(shared_path(path), in_directory(files[i]));
    }
    family_array pixels = load_family_array(&f, "pixel_values"),
                 unit = load_family_array(&f, "image_embeds_norm");
    glimpse_model *model = NULL;
    glimpse_encoder *encoder = NULL;
    assert_ok(glimpse_model_open(&model, temp_directory, NULL));
    glimpse_model_close(model);
    glimpse_model_options options = GLIMPSE_MODEL_OPTIONS_INIT;
    options.backend = GLIMPSE_BACKEND_OPENBLAS;
    options.precision = GLIMPSE_PRECISION_F32;
    assert_ok(glimpse_model_open(&model, temp_directory, &options));
    assert_ok(glimpse_encoder_create(&encoder, model, 3));
    assert_ok(glimpse_encoder_pixels(got, encoder, pixels.data, 3, 0));
    assert_floats_near(got, unit.data, unit.count, family_tolerance(&f, "image_embeds_norm"));
    glimpse_encoder_free(encoder);
    glimpse_model_close(model);
    /* Under the name that other programs look for. */
    assert_int_equal(rename(in_directory("mobileclip_s0.json"), in_directory("config.json")), 0);
    assert_ok(glimpse_model_open(&model, temp_directory, &options));
    glimpse_model_close(model);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        (void)unlink(in_directory(files[i]));
    (void)unlink(in_directory("config.json"));
    free(pixels.data);
    free(unit.data);
    close_family(&f);
}

/* ---- the network as it is written down, in double, [channels][side][side] ---- */

typedef struct map {
    size_t channels, side;
    double *x;
} map;

static size_t area_of(const map *m) {
    return m->side * m->side;
}

static map new_map(size_t channels, size_t side) {
    map m = {channels, side, calloc(channels * side * side, sizeof(double))};
    assert_non_null(m.x);
    return m;
}

static void replace(map *m, map by) {
    free(m->x);
    *m = by;
}

static const glimpse_tensor *tensor_of(const glimpse_model *model, const char *stem,
                                       const char *name) {
    char full[160];
    (void)snprintf(full, sizeof full, "visual.trunk.%s%s", stem, name);
    return glimpse_tensors_find(model->tensors, full);
}

/* In f32; malloc'ed. */
static float *weight(const glimpse_model *model, const char *stem, const char *name) {
    const glimpse_tensor *tensor = tensor_of(model, stem, name);
    if (!tensor) fail_msg("no %s%s", stem, name);
    glimpse_numbers numbers = {tensor->data, GLIMPSE_DTYPE_F32, tensor->count};
    assert_string_equal(tensor->dtype, "F32");
    float *copy = malloc(tensor->count * sizeof *copy);
    assert_non_null(copy);
    glimpse_numbers_to_f32(copy, &numbers);
    return copy;
}

static double gelu(double x) {
    return 0.5 * x * (1.0 + erf(x / sqrt(2.0)));
}

static void activate(map *m) {
    for (size_t i = 0; i < m->channels * area_of(m); i++)
        m->x[i] = gelu(m->x[i]);
}

static void batch_norm(const glimpse_model *model, map *m, const char *stem, const char *name) {
    static const char *const parts[] = {"weight", "bias", "running_mean", "running_var"};
    float *values[4];
    char full[96];
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(full, sizeof full, "%s.%s", name, parts[i]);
        values[i] = weight(model, stem, full);
    }
    plain_batch_norm(m->x, m->channels, area_of(m), values[0], values[1], values[2], values[3],
                     1e-5);
    for (size_t i = 0; i < 4; i++)
        free(values[i]);
}

/* STEM NAME.weight, and its bias where there is one. */
static map convolve(const glimpse_model *model, const map *in, size_t stride, const char *stem,
                    const char *name) {
    char full[96];
    (void)snprintf(full, sizeof full, "%s.weight", name);
    const glimpse_tensor *kernel = tensor_of(model, stem, full);
    float *weights = weight(model, stem, full), *bias = NULL;
    (void)snprintf(full, sizeof full, "%s.bias", name);
    if (tensor_of(model, stem, full)) bias = weight(model, stem, full);
    plain_convolution c = {.in = in->channels,
                           .out = kernel->dims[0],
                           .groups = in->channels / kernel->dims[1],
                           .height = in->side,
                           .width = in->side,
                           .kernel = kernel->dims[2],
                           .stride = stride,
                           .padding = kernel->dims[2] / 2,
                           .weights = weights,
                           .bias = bias};
    map out = new_map(c.out, plain_convolution_side(&c, in->side));
    plain_convolution_run(&c, out.x, in->x);
    free(weights);
    free(bias);
    return out;
}

/* sum += NAME.conv behind NAME.bn. An empty sum becomes that. */
static void add_branch(const glimpse_model *model, map *sum, const map *in, size_t stride,
                       const char *stem, const char *name) {
    char full[96];
    (void)snprintf(full, sizeof full, "%s.conv", name);
    map branch = convolve(model, in, stride, stem, full);
    (void)snprintf(full, sizeof full, "%s.bn", name);
    batch_norm(model, &branch, stem, full);
    for (size_t i = 0; sum->x && i < branch.channels * area_of(&branch); i++)
        branch.x[i] += sum->x[i];
    replace(sum, branch);
}

static map copy_of(const map *m) {
    map copy = new_map(m->channels, m->side);
    memcpy(copy.x, m->x, m->channels * area_of(m) * sizeof *m->x);
    return copy;
}

/* Every branch of a MobileOne block by itself; without the activation. */
static map mobile_one(const glimpse_model *model, const map *in, size_t stride, const char *stem) {
    map sum = {0, 0, NULL};
    for (size_t i = 0;; i++) {
        char name[64], full[96];
        (void)snprintf(name, sizeof name, ".conv_kxk.%zu", i);
        (void)snprintf(full, sizeof full, "%s.conv.weight", name);
        if (!tensor_of(model, stem, full)) break;
        add_branch(model, &sum, in, stride, stem, name);
    }
    assert_non_null(sum.x);
    if (tensor_of(model, stem, ".conv_scale.conv.weight"))
        add_branch(model, &sum, in, stride, stem, ".conv_scale");
    if (tensor_of(model, stem, ".identity.weight")) {
        map same = copy_of(in);
        batch_norm(model, &same, stem, ".identity");
        for (size_t i = 0; i < sum.channels * area_of(&sum); i++)
            sum.x[i] += same.x[i];
        free(same.x);
    }
    return sum;
}

/* rows [out] = W [out][in] x + bias, for one vector. */
static double *apply(const glimpse_model *model, const char *stem, const char *name,
                     const double *x, size_t in, size_t out, int has_bias) {
    char full[96];
    (void)snprintf(full, sizeof full, "%s.weight", name);
    float *weights = weight(model, stem, full), *bias = NULL;
    (void)snprintf(full, sizeof full, "%s.bias", name);
    if (has_bias) bias = weight(model, stem, full);
    double *y = calloc(out, sizeof *y);
    assert_non_null(y);
    for (size_t o = 0; o < out; o++) {
        y[o] = bias ? (double)bias[o] : 0.0;
        for (size_t i = 0; i < in; i++)
            y[o] += (double)weights[o * in + i] * x[i];
    }
    free(weights);
    free(bias);
    return y;
}

static double mean_of(const map *m, size_t c) {
    double sum = 0;
    for (size_t i = 0; i < area_of(m); i++)
        sum += m->x[c * area_of(m) + i];
    return sum / (double)area_of(m);
}

static void excite(const glimpse_model *model, map *m, const char *stem) {
    if (!tensor_of(model, stem, ".se.fc1.weight")) return;
    size_t hidden = tensor_of(model, stem, ".se.fc1.weight")->dims[0];
    double *means = calloc(m->channels, sizeof *means);
    assert_non_null(means);
    for (size_t c = 0; c < m->channels; c++)
        means[c] = mean_of(m, c);
    double *reduced = apply(model, stem, ".se.fc1", means, m->channels, hidden, 1);
    for (size_t i = 0; i < hidden; i++)
        reduced[i] = fmax(reduced[i], 0.0);
    double *gates = apply(model, stem, ".se.fc2", reduced, hidden, m->channels, 1);
    for (size_t i = 0; i < m->channels * area_of(m); i++)
        m->x[i] /= 1.0 + exp(-gates[i / area_of(m)]);
    free(means);
    free(reduced);
    free(gates);
}

/* x += gamma * what */
static void add_scaled(const glimpse_model *model, map *x, map what, const char *stem,
                       const char *gamma) {
    float *scales = weight(model, stem, gamma);
    for (size_t i = 0; i < x->channels * area_of(x); i++)
        x->x[i] += (double)scales[i / area_of(x)] * what.x[i];
    free(scales);
    free(what.x);
}

static map attend(const glimpse_model *model, const map *in, const char *stem) {
    enum { HEAD = 32 };
    map x = copy_of(in), out = new_map(in->channels, in->side);
    size_t width = in->channels, area = area_of(in);
    double **qkv = calloc(area, sizeof *qkv), *row = calloc(width, sizeof *row);
    assert_true(qkv && row);
    if (tensor_of(model, stem, ".norm.running_mean")) {
        batch_norm(model, &x, stem, ".norm");
    } else {
        float *gamma = weight(model, stem, ".norm.weight"),
              *beta = weight(model, stem, ".norm.bias");
        for (size_t i = 0; i < area; i++) {
            double mean = 0, variance = 0;
            for (size_t c = 0; c < width; c++)
                mean += x.x[c * area + i] / (double)width;
            for (size_t c = 0; c < width; c++)
                variance += pow(x.x[c * area + i] - mean, 2) / (double)width;
            for (size_t c = 0; c < width; c++)
                x.x[c * area + i] =
                    (x.x[c * area + i] - mean) / sqrt(variance + 1e-5) * (double)gamma[c] +
                    (double)beta[c];
        }
        free(gamma);
        free(beta);
    }
    for (size_t i = 0; i < area; i++) {
        for (size_t c = 0; c < width; c++)
            row[c] = x.x[c * area + i];
        qkv[i] = apply(model, stem, ".token_mixer.qkv", row, width, 3 * width, 0);
    }
    for (size_t i = 0; i < area; i++) {
        for (size_t first = 0; first < width; first += HEAD) {
            double sum = 0, mixed[HEAD] = {0};
            for (size_t t = 0; t < area; t++) {
                double dot = 0;
                for (size_t c = first; c < first + HEAD; c++)
                    dot += qkv[i][c] * qkv[t][width + c];
                double share = exp(dot / sqrt((double)HEAD));
                sum += share;
                for (size_t c = 0; c < HEAD; c++)
                    mixed[c] += share * qkv[t][2 * width + first + c];
            }
            for (size_t c = 0; c < HEAD; c++)
                row[first + c] = mixed[c] / sum;
        }
        double *y = apply(model, stem, ".token_mixer.proj", row, width, width, 1);
        for (size_t c = 0; c < width; c++)
            out.x[c * area + i] = y[c];
        free(y);
    }
    for (size_t i = 0; i < area; i++)
        free(qkv[i]);
    free(qkv);
    free(row);
    free(x.x);
    return out;
}

static void block(const glimpse_model *model, map *x, const char *stem, int attends) {
    if (attends) {
        add_scaled(model, x, attend(model, x, stem), stem, ".layer_scale_1.gamma");
    } else {
        char name[96];
        (void)snprintf(name, sizeof name, "%.64s.token_mixer.mixer", stem);
        map mixed = mobile_one(model, x, 1, name), norm = copy_of(x);
        batch_norm(model, &norm, stem, ".token_mixer.norm.identity");
        for (size_t i = 0; i < x->channels * area_of(x); i++)
            mixed.x[i] -= norm.x[i];
        free(norm.x);
        add_scaled(model, x, mixed, stem, ".token_mixer.layer_scale.gamma");
    }
    map h = {0, 0, NULL};
    add_branch(model, &h, x, 1, stem, ".mlp.conv");
    replace(&h, convolve(model, &h, 1, stem, ".mlp.fc1"));
    activate(&h);
    replace(&h, convolve(model, &h, 1, stem, ".mlp.fc2"));
    add_scaled(model, x, h, stem, attends ? ".layer_scale_2.gamma" : ".layer_scale.gamma");
}

static void write_down(const glimpse_model *model, const random_mobileclip *m, const float *pixels,
                       float *embedding) {
    char stem[96];
    map x = new_map(3, m->image_size);
    for (size_t i = 0; i < 3 * area_of(&x); i++)
        x.x[i] = (double)pixels[i];
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(stem, sizeof stem, "stem.%zu", i);
        replace(&x, mobile_one(model, &x, i < 2 ? 2 : 1, stem));
        activate(&x);
    }
    for (size_t s = 0; s < m->stages; s++) {
        if (s > 0) {
            map large = {0, 0, NULL};
            (void)snprintf(stem, sizeof stem, "stages.%zu.downsample.proj.0", s);
            add_branch(model, &large, &x, 2, stem, ".large_conv");
            add_branch(model, &large, &x, 2, stem, ".small_conv");
            replace(&x, large);
            excite(model, &x, stem);
            activate(&x);
            (void)snprintf(stem, sizeof stem, "stages.%zu.downsample.proj.1", s);
            replace(&x, mobile_one(model, &x, 1, stem));
            activate(&x);
        }
        if (s >= m->attends) {
            (void)snprintf(stem, sizeof stem, "stages.%zu.pos_emb", s);
            map position = convolve(model, &x, 1, stem, ".pos_enc");
            for (size_t i = 0; i < x.channels * area_of(&x); i++)
                x.x[i] += position.x[i];
            free(position.x);
        }
        for (size_t i = 0; i < m->layers[s]; i++) {
            (void)snprintf(stem, sizeof stem, "stages.%zu.blocks.%zu", s, i);
            block(model, &x, stem, s >= m->attends);
        }
    }
    replace(&x, mobile_one(model, &x, 1, "final_conv"));
    excite(model, &x, "final_conv");
    activate(&x);
    double *means = calloc(x.channels, sizeof *means), square = 0;
    assert_non_null(means);
    for (size_t c = 0; c < x.channels; c++)
        means[c] = mean_of(&x, c);
    double *y = apply(model, "", "head.fc", means, x.channels, m->embedding, 1);
    for (size_t i = 0; i < m->embedding; i++)
        square += y[i] * y[i];
    for (size_t i = 0; i < m->embedding; i++)
        embedding[i] = (float)(y[i] / sqrt(square));
    free(means);
    free(y);
    free(x.x);
}

/* ---- small models of random weights ---- */

enum { E = 20, SIDE = 72, AREA = SIDE * SIDE, PICTURES = 19 };
static float pixels[PICTURES * 3 * AREA];

static int make_model(void **state) {
    uint64_t random = 5;
    random_mobileclip tiny = random_mobileclip_tiny();
    (void)make_directory(state);
    (void)setenv("GLIMPSE_WEIGHTS_CACHE", "0", 1);
    fill_uniform(pixels, PICTURES * 3 * AREA, &random, 0, 1);
    return random_mobileclip_write(&tiny, temp_directory) ? 0 : -1;
}

static void embed(const glimpse_model *model, size_t batch, size_t count, float *embeddings) {
    glimpse_encoder *encoder = NULL;
    assert_ok(glimpse_encoder_create(&encoder, model, batch));
    assert_ok(glimpse_encoder_pixels(embeddings, encoder, pixels, count, 0));
    glimpse_encoder_free(encoder);
}

static void small_ones_equal_the_network_written_down(void **unused) {
    (void)unused;
    static const double cosines[] = {0.999999, 0.999, 0.99};
    static const glimpse_precision precisions[] = {GLIMPSE_PRECISION_F32, GLIMPSE_PRECISION_BF16,
                                                   GLIMPSE_PRECISION_INT8};
    /* The kinds that were published: MCi0 to 2, then 3 and 4. */
    for (int kind = 0; kind < 2; kind++) {
        random_mobileclip tiny = random_mobileclip_tiny();
        float expected[2 * E], got[5 * E];
        if (kind == 1) {
            tiny.name = "fastvit_mci4";
            tiny.layer_norm = 1;
            tiny.excites = tiny.stages;
            tiny.stem_scale = 0;
            tiny.mlp = 4;
            tiny.attends = 1;
            tiny.widths[0] = 16, tiny.widths[1] = 32, tiny.widths[2] = 64;
        }
        assert_true(random_mobileclip_write(&tiny, temp_directory));
        glimpse_model *model = open_as(GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_F32);
        for (size_t i = 0; i < 2; i++)
            write_down(model, &tiny, pixels + i * 3 * AREA, expected + i * E);
        glimpse_model_close(model);
        for (int b = GLIMPSE_BACKEND_AUTO + 1; glimpse_backend_names()[b]; b++) {
            for (size_t p = 0; p < sizeof precisions / sizeof *precisions; p++) {
                model = open_as((glimpse_backend)b, precisions[p]);
                if (!model) continue;
                embed(model, 3, 5, got);
                if (p == 0)
                    assert_floats_near(got, expected, sizeof expected / sizeof *expected, 5e-6);
                assert_true(min_dot(got, expected, 2, E) > cosines[p]);
                glimpse_model_close(model);
            }
        }
    }
    random_mobileclip tiny = random_mobileclip_tiny();
    assert_true(random_mobileclip_write(&tiny, temp_directory));
}

static void embeddings_do_not_depend_on_the_batch(void **unused) {
    (void)unused;
    float one[PICTURES * E], many[PICTURES * E];
    for (int b = GLIMPSE_BACKEND_PLAIN + 1; glimpse_backend_names()[b]; b++) {
        glimpse_model *model = open_as((glimpse_backend)b, GLIMPSE_PRECISION_F32);
        if (!model) continue;
        embed(model, 1, PICTURES, one);
        for (size_t batch = 2; batch <= 20; batch += 6) {
            embed(model, batch, PICTURES, many);
            assert_floats_near(one, many, PICTURES * E, 2e-6);
        }
        glimpse_model_close(model);
    }
}

static void padding_is_part_of_a_text(void **unused) {
    (void)unused;
    glimpse_model *model = open_as(GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_F32);
    glimpse_encoder *encoder = NULL;
    float texts[2 * E], ids_of_first[E];
    int32_t ids[24] = {0};
    const char *const both[2] = {"abc", "a much longer text"};
    glimpse_tokens tokens = {ids, 24, 0, 0};
    assert_ok(glimpse_encoder_create(&encoder, model, 4));
    assert_ok(glimpse_encoder_texts(texts, NULL, encoder, both, 2, 0));
    assert_ok(glimpse_tokenizer_encode(&tokens, glimpse_model_tokenizer(model), both[0],
                                       strlen(both[0])));
    memset(ids + tokens.count, 0, (24 - tokens.count) * sizeof *ids);
    assert_ok(glimpse_encoder_tokens(ids_of_first, encoder, ids, 1, 0));
    assert_floats_near(ids_of_first, texts, E, 1e-6);
    ids[23] = 7; /* behind the end, and seen all the same */
    assert_ok(glimpse_encoder_tokens(ids_of_first, encoder, ids, 1, 0));
    assert_true(cosine(ids_of_first, texts, E) < 0.9999);
    glimpse_encoder_free(encoder);
    glimpse_model_close(model);
}

static void memory_does_not_grow_with_the_network_and_the_batch(void **unused) {
    (void)unused;
    glimpse_encoder *encoder = NULL;
    glimpse_model *model = NULL;
    glimpse_model_options options = GLIMPSE_MODEL_OPTIONS_INIT;
    options.towers = GLIMPSE_TOWER_IMAGE;
    options.backend = GLIMPSE_BACKEND_OPENBLAS;
    options.precision = GLIMPSE_PRECISION_F32;
    assert_ok(glimpse_model_open(&model, temp_directory, &options));
    assert_ok(glimpse_encoder_create(&encoder, model, 64));
    size_t memory = glimpse_encoder_memory(encoder);
    glimpse_encoder_free(encoder);
    assert_ok(glimpse_encoder_create(&encoder, model, 128));
    assert_true(glimpse_encoder_memory(encoder) - memory <= 64 * (3 * AREA * sizeof(float) + 64));
    glimpse_encoder_free(encoder);
    glimpse_model_close(model);
}

static void f16_weights_are_read(void **unused) {
    (void)unused;
    float whole[5 * E], half[5 * E];
    random_mobileclip tiny = random_mobileclip_tiny();
    glimpse_model *model = open_as(GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_F32);
    embed(model, 4, 5, whole);
    glimpse_model_close(model);
    tiny.dtype = "F16";
    assert_true(random_mobileclip_write(&tiny, temp_directory));
    model = open_as(GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_F32);
    embed(model, 4, 5, half);
    glimpse_model_close(model);
    assert_true(min_dot(whole, half, 5, E) > 0.99999);
}

/* Folded, then quantised or rounded: what is kept of that is what a later start has. */
static void prepared_weights_on_disk_change_nothing(void **unused) {
    (void)unused;
    static const glimpse_precision precisions[] = {GLIMPSE_PRECISION_F32, GLIMPSE_PRECISION_BF16,
                                                   GLIMPSE_PRECISION_INT8};
    random_mobileclip m = random_mobileclip_tiny();
    char *cache = make_temp_directory();
    (void)setenv("XDG_CACHE_HOME", cache, 1);
    (void)unsetenv("GLIMPSE_WEIGHTS_CACHE");
    m.widths[0] = 192, m.widths[1] = 384, m.widths[2] = 768; /* enough to be worth a file */
    assert_true(random_mobileclip_write(&m, temp_directory));
    for (size_t p = 0; p < sizeof precisions / sizeof *precisions; p++) {
        float first[2 * E], second[2 * E];
        int is_f32 = precisions[p] == GLIMPSE_PRECISION_F32;
        glimpse_model *model = open_as(GLIMPSE_BACKEND_OPENBLAS, precisions[p]);
        assert_false(model->image_weights.prepared.reading);
        embed(model, 2, 2, first);
        glimpse_model_close(model);
        model = open_as(GLIMPSE_BACKEND_OPENBLAS, precisions[p]);
        assert_true(is_f32 || model->image_weights.prepared.reading);
        embed(model, 2, 2, second);
        glimpse_model_close(model);
        assert_memory_equal(first, second, sizeof first);
    }
    (void)unsetenv("XDG_CACHE_HOME");
    (void)setenv("GLIMPSE_WEIGHTS_CACHE", "0", 1);
    remove_tree(cache);
    free(cache);
}

/* Opening after `from` became `to` in a file, which is put back. */
static void assert_refused(const char *file, const char *from, const char *to, int status,
                           const char *because) {
    size_t size = 0, length = strlen(from);
    char *text = read_whole_file(in_directory(file), &size), *found = NULL;
    for (size_t i = 0; !found && i + length <= size; i++)
        if (memcmp(text + i, from, length) == 0) found = text + i;
    assert_non_null(found);
    size_t before = (size_t)(found - text), added = strlen(to);
    char *changed = malloc(size + added);
    assert_non_null(changed);
    memcpy(changed, text, before);
    memcpy(changed + before, to, added);
    memcpy(changed + before + added, found + length, size - before - length);
    write_file(in_directory(file), changed, size - length + added);
    glimpse_model *model = NULL;
    assert_int_equal(glimpse_model_open(&model, temp_directory, NULL), status);
    assert_null(model);
    if (!strstr(glimpse_last_error(), because))
        fail_msg("\"%s\" does not say \"%s\"", glimpse_last_error(), because);
    write_file(in_directory(file), text, size);
    free(changed);
    free(text);
}

static void what_cannot_be_right_is_refused_by_name(void **unused) {
    (void)unused;
    static const char config[] = "open_clip_config.json", file[] = "open_clip_model.safetensors";
    assert_refused(config, "fastvit_mci0", "fastvit_t8", GLIMPSE_E_UNSUPPORTED, "fastvit_t8");
    assert_refused(config, "\"avg\"", "\"max\"", GLIMPSE_E_UNSUPPORTED, "timm_pool");
    assert_refused(config, "\"timm_proj\": null", "\"timm_proj\": \"mlp\"", GLIMPSE_E_UNSUPPORTED,
                   "timm_proj");
    assert_refused(config, "\"timm_proj\": null,", "", GLIMPSE_E_UNSUPPORTED, "timm_proj");
    assert_refused(config, "\"timm_drop\": 0.0", "\"timm_model_kwargs\": {\"act_layer\": \"relu\"}",
                   GLIMPSE_E_UNSUPPORTED, "act_layer");
    assert_refused(config, "\"embed_dim\": 20", "\"embed_dim\": 21", GLIMPSE_E_FORMAT,
                   "text_projection");
    /* A tensor that is gone, and with it a stage, a block, a branch; names of the same length, so
     * that the file stays one. */
    assert_refused(file, "visual.trunk.stem.1.conv_kxk.0.conv.weight",
                   "visual.trunk.stem.1.conv_kxx.0.conv.weight", GLIMPSE_E_FORMAT,
                   "stem.1.conv_kxk.0.conv.weight");
    assert_refused(file, "visual.trunk.stages.1.blocks.1.mlp.fc1.weight",
                   "visual.trunk.stages.1.blocks.9.mlp.fc1.weight", GLIMPSE_E_FORMAT,
                   "stages.1.blocks.");
    assert_refused(file, "visual.trunk.stages.2.blocks.0.mlp.fc1.weight",
                   "visual.trunk.stages.7.blocks.0.mlp.fc1.weight", GLIMPSE_E_FORMAT, "stages.");
    assert_refused(file, "visual.trunk.final_conv.se.fc2.weight",
                   "visual.trunk.final_conv.se.fc3.weight", GLIMPSE_E_FORMAT,
                   "final_conv.se.fc2.weight");
    assert_refused(file, "stages.1.downsample.proj.0.small_conv.conv.weight",
                   "stages.1.downsample.proj.0.smoll_conv.conv.weight", GLIMPSE_E_FORMAT,
                   "small_conv.bn");
}

/* Every shape of every tensor is looked at: of each in turn, the first two dimensions change
 * places. Where they are the same nothing changes. */
static void shapes_that_do_not_fit_are_errors(void **unused) {
    (void)unused;
    static const char name[] = "open_clip_model.safetensors";
    size_t size = 0, tried = 0;
    char *text = read_whole_file(in_directory(name), &size);
    char *changed = malloc(size);
    assert_non_null(changed);
    for (char *shape = text + 8; (shape = strstr(shape + 1, "\"shape\":")) && tried < 200;) {
        char *from = strchr(shape, '['), *end = strchr(from, ']'), *comma = strchr(from, ',');
        char *line = shape;
        while (line > text && memcmp(line, "visual.", 7) != 0 && memcmp(line, "\"text.", 6) != 0)
            line--;
        if (memcmp(line, "visual.", 7) != 0 || !comma || comma > end) continue;
        unsigned long a = strtoul(from + 1, NULL, 10), b = strtoul(comma + 1, NULL, 10);
        if (a == b) continue;
        char *rest = comma + 1;
        while (rest < end && *rest != ',')
            rest++;
        char swapped[64];
        int length = snprintf(swapped, sizeof swapped, "[%lu,%lu", b, a);
        memcpy(changed, text, size);
        memset(changed + (from - text), ' ', (size_t)(rest - from));
        assert_true((size_t)length <= (size_t)(rest - from));
        memcpy(changed + (from - text), swapped, (size_t)length);
        write_file(in_directory(name), changed, size);
        glimpse_model *model = NULL;
        int status = glimpse_model_open(&model, temp_directory, NULL);
        if (status != GLIMPSE_E_FORMAT) fail_msg("%.60s with %s is read", line, swapped);
        assert_null(model);
        tried++;
    }
    assert_true(tried > 20);
    write_file(in_directory(name), text, size);
    free(changed);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stages_of_pictures_match),
        cmocka_unit_test(embeddings_match_in_every_precision),
        cmocka_unit_test(texts_and_pictures_match),
        cmocka_unit_test(what_is_folded_already_gives_the_same),
        cmocka_unit_test_setup_teardown(apples_own_file_is_read, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(small_ones_equal_the_network_written_down, make_model,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(embeddings_do_not_depend_on_the_batch, make_model,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(padding_is_part_of_a_text, make_model, remove_directory),
        cmocka_unit_test_setup_teardown(memory_does_not_grow_with_the_network_and_the_batch,
                                        make_model, remove_directory),
        cmocka_unit_test_setup_teardown(f16_weights_are_read, make_model, remove_directory),
        cmocka_unit_test_setup_teardown(prepared_weights_on_disk_change_nothing, make_model,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(what_cannot_be_right_is_refused_by_name, make_model,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(shapes_that_do_not_fit_are_errors, make_model,
                                        remove_directory),
    };
    (void)setenv("GLIMPSE_WEIGHTS_CACHE", "0", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
