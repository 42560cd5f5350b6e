/*
 * Text towers of BERT, XLM-R and M2M with random weights equal a plain reference in double
 * precision, which shares no code with the engine: one text at a time, every product a loop.
 */
#include "support/numbers.h"
#include "support/random_model.h"
#include "support/temporary.h"

#include "core/arena.h"
#include "math/init.h"
#include "model/model_internal.h"
#include "model/text_tower.h"

#include <math.h>

enum { WIDTH = 24, HEADS = 3, MLP = 40, LAYERS = 2, VOCABULARY = 50, E = 16, CONTEXT = 12 };
enum { TEXTS = 5 };

/* Of lengths that differ, so that sequences are packed behind each other. */
static const int32_t texts[TEXTS][CONTEXT] = {{0, 7, 2},
                                              {0, 9, 11, 30, 4, 49, 8, 8, 17, 3, 21, 2},
                                              {0, 2},
                                              {0, 14, 33, 14, 33, 2},
                                              {0, 48, 2}};
static const size_t lengths[TEXTS] = {3, 12, 2, 6, 3};

typedef struct kind {
    const char *name;
    glimpse_text_architecture architecture;
    glimpse_layout layout;
    glimpse_text_pooling pooling;
    size_t first_position, positions, token_types, middle;
    glimpse_activation activation;
    float eps;
} kind;

static const kind kinds[] = {
    {"XLM-R, mean, two layers behind it", GLIMPSE_TEXT_BERT, GLIMPSE_LAYOUT_OPENCLIP_CUSTOM,
     GLIMPSE_TEXT_MEAN, 2, CONTEXT + 2, 1, 20, GLIMPSE_ACTIVATION_GELU, 1e-5f},
    {"XLM-R, first token, one layer", GLIMPSE_TEXT_BERT, GLIMPSE_LAYOUT_OPENCLIP_CUSTOM,
     GLIMPSE_TEXT_FIRST, 2, CONTEXT + 5, 1, 0, GLIMPSE_ACTIVATION_GELU, 1e-5f},
    {"Chinese-CLIP", GLIMPSE_TEXT_BERT, GLIMPSE_LAYOUT_HF, GLIMPSE_TEXT_FIRST, 0, CONTEXT + 3, 2, 0,
     GLIMPSE_ACTIVATION_GELU, 1e-12f},
    {"NLLB", GLIMPSE_TEXT_M2M, GLIMPSE_LAYOUT_OPENCLIP_CUSTOM, GLIMPSE_TEXT_FIRST, 2, CONTEXT, 0, 0,
     GLIMPSE_ACTIVATION_RELU, 1e-5f},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static const char *prefix_of(const kind *k) {
    return k->layout == GLIMPSE_LAYOUT_HF ? "text_model." : "text.transformer.";
}

static void add_matrix(random_writer *w, const char *name, size_t rows, size_t columns) {
    const size_t dims[2] = {rows, columns};
    random_writer_add(w, name, 2, dims, 1.0f / sqrtf((float)columns), 0.0f);
}

static const char *called(const char *prefix, const char *name) {
    static char text[4][512];
    static size_t next;
    char *out = text[next++ % 4];
    (void)snprintf(out, sizeof text[0], "%s%s", prefix, name);
    return out;
}

static void write_tensors(const kind *k) {
    random_writer *w = random_writer_create(17 + (uint64_t)(k - kinds));
    const char *prefix = prefix_of(k);
    int bert = k->architecture == GLIMPSE_TEXT_BERT;
    if (bert) {
        add_matrix(w, called(prefix, "embeddings.word_embeddings.weight"), VOCABULARY, WIDTH);
        add_matrix(w, called(prefix, "embeddings.position_embeddings.weight"), k->positions, WIDTH);
        add_matrix(w, called(prefix, "embeddings.token_type_embeddings.weight"), k->token_types,
                   WIDTH);
        random_writer_norm(w, prefix, "embeddings.LayerNorm", WIDTH);
    } else {
        add_matrix(w, called(prefix, "embed_tokens.weight"), VOCABULARY, WIDTH);
        random_writer_norm(w, prefix, "layer_norm", WIDTH);
    }
    for (int i = 0; i < LAYERS; i++) {
        char stem[128];
        (void)snprintf(stem, sizeof stem, bert ? "%sencoder.layer.%d." : "%slayers.%d.", prefix, i);
        static const char *const of_bert[] = {"attention.self.query", "attention.self.key",
                                              "attention.self.value", "attention.output.dense"};
        static const char *const of_m2m[] = {"self_attn.q_proj", "self_attn.k_proj",
                                             "self_attn.v_proj", "self_attn.out_proj"};
        for (int j = 0; j < 4; j++)
            random_writer_pair(w, stem, bert ? of_bert[j] : of_m2m[j], WIDTH, WIDTH, 0.2f);
        random_writer_pair(w, stem, bert ? "intermediate.dense" : "fc1", MLP, WIDTH, 0.2f);
        random_writer_pair(w, stem, bert ? "output.dense" : "fc2", WIDTH, MLP, 0.2f);
        random_writer_norm(w, stem, bert ? "attention.output.LayerNorm" : "self_attn_layer_norm",
                           WIDTH);
        random_writer_norm(w, stem, bert ? "output.LayerNorm" : "final_layer_norm", WIDTH);
    }
    if (k->layout == GLIMPSE_LAYOUT_HF) {
        add_matrix(w, "text_projection.weight", E, WIDTH);
    } else if (k->middle > 0) {
        add_matrix(w, "text.proj.0.weight", k->middle, WIDTH);
        add_matrix(w, "text.proj.2.weight", E, k->middle);
    } else {
        add_matrix(w, "text.proj.weight", E, WIDTH);
    }
    assert_true(random_writer_finish(w, temp_directory, "F32", 1));
}

static glimpse_model_config config_of(const kind *k) {
    glimpse_model_config c = {.layout = k->layout};
    c.text = (glimpse_tower_config){.width = WIDTH,
                                    .mlp = MLP,
                                    .layers = LAYERS,
                                    .heads = HEADS,
                                    .eps = k->eps,
                                    .activation = k->activation};
    c.text.norms = k->architecture == GLIMPSE_TEXT_BERT ? GLIMPSE_NORM_POST : GLIMPSE_NORM_PRE;
    c.text_architecture = k->architecture;
    c.text_pooling = k->pooling;
    c.vocabulary = VOCABULARY;
    c.context = CONTEXT;
    c.embedding = E;
    c.positions = k->positions;
    c.first_position = k->first_position;
    c.token_types = k->token_types;
    c.projection_mid = k->middle;
    return c;
}

/*
 * The reference.
 */
typedef struct reference {
    const kind *k;
    const glimpse_tensors *tensors;
} reference;

static const float *weights(const reference *r, const char *stem, const char *name) {
    const glimpse_tensor *tensor = glimpse_tensors_find(r->tensors, called(stem, name));
    assert_non_null(tensor);
    assert_string_equal(tensor->dtype, "F32");
    return (const float *)(const void *)tensor->data;
}

static void plain_norm(const reference *r, double *x, const char *stem, const char *name) {
    char full[160];
    (void)snprintf(full, sizeof full, "%s%s", stem, name);
    const float *gamma = weights(r, full, ".weight"), *beta = weights(r, full, ".bias");
    double mean = 0, variance = 0;
    for (int j = 0; j < WIDTH; j++)
        mean += x[j] / WIDTH;
    for (int j = 0; j < WIDTH; j++)
        variance += (x[j] - mean) * (x[j] - mean) / WIDTH;
    for (int j = 0; j < WIDTH; j++)
        x[j] =
            (x[j] - mean) / sqrt(variance + (double)r->k->eps) * (double)gamma[j] + (double)beta[j];
}

static void plain_product(double *y, const double *x, const float *w, const float *bias, size_t out,
                          size_t in) {
    for (size_t o = 0; o < out; o++) {
        y[o] = bias ? (double)bias[o] : 0.0;
        for (size_t i = 0; i < in; i++)
            y[o] += x[i] * (double)w[o * in + i];
    }
}

static void plain_linear(const reference *r, double *y, const double *x, const char *stem,
                         const char *name, size_t out, size_t in) {
    char full[160];
    (void)snprintf(full, sizeof full, "%s%s", stem, name);
    plain_product(y, x, weights(r, full, ".weight"), weights(r, full, ".bias"), out, in);
}

static double gelu(double x) {
    return 0.5 * x * (1.0 + erf(x / sqrt(2.0)));
}

static void plain_attention(const reference *r, double (*y)[WIDTH], double (*x)[WIDTH], size_t rows,
                            const char *stem) {
    int bert = r->k->architecture == GLIMPSE_TEXT_BERT;
    enum { HEAD = WIDTH / HEADS };
    double q[CONTEXT][WIDTH], k[CONTEXT][WIDTH], v[CONTEXT][WIDTH], mixed[CONTEXT][WIDTH];
    for (size_t t = 0; t < rows; t++) {
        plain_linear(r, q[t], x[t], stem, bert ? "attention.self.query" : "self_attn.q_proj", WIDTH,
                     WIDTH);
        plain_linear(r, k[t], x[t], stem, bert ? "attention.self.key" : "self_attn.k_proj", WIDTH,
                     WIDTH);
        plain_linear(r, v[t], x[t], stem, bert ? "attention.self.value" : "self_attn.v_proj", WIDTH,
                     WIDTH);
    }
    for (size_t t = 0; t < rows; t++) {
        for (size_t h = 0; h < HEADS; h++) {
            double score[CONTEXT], sum = 0;
            for (size_t s = 0; s < rows; s++) {
                score[s] = 0;
                for (size_t j = h * HEAD; j < (h + 1) * HEAD; j++)
                    score[s] += q[t][j] * k[s][j];
                score[s] = exp(score[s] / sqrt((double)HEAD));
                sum += score[s];
            }
            for (size_t j = h * HEAD; j < (h + 1) * HEAD; j++) {
                mixed[t][j] = 0;
                for (size_t s = 0; s < rows; s++)
                    mixed[t][j] += score[s] / sum * v[s][j];
            }
        }
        plain_linear(r, y[t], mixed[t], stem,
                     bert ? "attention.output.dense" : "self_attn.out_proj", WIDTH, WIDTH);
    }
}

static void plain_mlp(const reference *r, double *y, const double *x, const char *stem) {
    int bert = r->k->architecture == GLIMPSE_TEXT_BERT;
    double up[MLP];
    plain_linear(r, up, x, stem, bert ? "intermediate.dense" : "fc1", MLP, WIDTH);
    for (int j = 0; j < MLP; j++)
        up[j] = bert ? gelu(up[j]) : fmax(up[j], 0.0);
    plain_linear(r, y, up, stem, bert ? "output.dense" : "fc2", WIDTH, MLP);
}

static void plain_block(const reference *r, double (*x)[WIDTH], size_t rows, const char *stem) {
    int bert = r->k->architecture == GLIMPSE_TEXT_BERT;
    double in[CONTEXT][WIDTH], out[CONTEXT][WIDTH];
    memcpy(in, x, sizeof in);
    for (size_t t = 0; t < rows && !bert; t++)
        plain_norm(r, in[t], stem, "self_attn_layer_norm");
    plain_attention(r, out, in, rows, stem);
    for (size_t t = 0; t < rows; t++) {
        double y[WIDTH], z[WIDTH];
        for (int j = 0; j < WIDTH; j++)
            x[t][j] += out[t][j];
        if (bert) plain_norm(r, x[t], stem, "attention.output.LayerNorm");
        memcpy(z, x[t], sizeof z);
        if (!bert) plain_norm(r, z, stem, "final_layer_norm");
        plain_mlp(r, y, z, stem);
        for (int j = 0; j < WIDTH; j++)
            x[t][j] += y[j];
        if (bert) plain_norm(r, x[t], stem, "output.LayerNorm");
    }
}

static void plain_embed(const reference *r, double (*x)[WIDTH], const int32_t *ids, size_t rows) {
    const char *prefix = prefix_of(r->k);
    int bert = r->k->architecture == GLIMPSE_TEXT_BERT;
    const float *table =
        weights(r, prefix, bert ? "embeddings.word_embeddings.weight" : "embed_tokens.weight");
    for (size_t t = 0; t < rows; t++) {
        size_t at = t + r->k->first_position;
        for (int j = 0; j < WIDTH; j++) {
            double token = (double)table[(size_t)ids[t] * WIDTH + (size_t)j];
            if (bert) {
                x[t][j] = token +
                          (double)weights(
                              r, prefix,
                              "embeddings.position_embeddings.weight")[at * WIDTH + (size_t)j] +
                          (double)weights(r, prefix, "embeddings.token_type_embeddings.weight")[j];
            } else {
                enum { HALF = WIDTH / 2 };
                double f = pow(10000.0, -(double)(j % HALF) / (HALF - 1));
                x[t][j] = token * sqrt((double)WIDTH) +
                          (j < HALF ? sin((double)at * f) : cos((double)at * f));
            }
        }
        if (bert) plain_norm(r, x[t], prefix, "embeddings.LayerNorm");
    }
}

static void plain_text(const reference *r, double *embedding, const int32_t *ids, size_t rows) {
    const kind *k = r->k;
    double x[CONTEXT][WIDTH], pooled[WIDTH] = {0};
    plain_embed(r, x, ids, rows);
    for (int i = 0; i < LAYERS; i++) {
        char stem[128];
        (void)snprintf(stem, sizeof stem,
                       k->architecture == GLIMPSE_TEXT_BERT ? "%sencoder.layer.%d."
                                                            : "%slayers.%d.",
                       prefix_of(k), i);
        plain_block(r, x, rows, stem);
    }
    for (int j = 0; j < WIDTH; j++) {
        for (size_t t = 0; t < rows; t++)
            pooled[j] += x[t][j] / (double)rows;
        if (k->pooling == GLIMPSE_TEXT_FIRST) pooled[j] = x[0][j];
    }
    if (k->architecture == GLIMPSE_TEXT_M2M) plain_norm(r, pooled, prefix_of(k), "layer_norm");
    if (k->middle > 0) {
        double middle[64];
        plain_product(middle, pooled, weights(r, "", "text.proj.0.weight"), NULL, k->middle, WIDTH);
        for (size_t j = 0; j < k->middle; j++)
            middle[j] = gelu(middle[j]);
        plain_product(embedding, middle, weights(r, "", "text.proj.2.weight"), NULL, E, k->middle);
    } else {
        const char *name =
            k->layout == GLIMPSE_LAYOUT_HF ? "text_projection.weight" : "text.proj.weight";
        plain_product(embedding, pooled, weights(r, "", name), NULL, E, WIDTH);
    }
}

/*
 * The engine.
 */
static void run_tower(float *embeddings, const glimpse_tower *tower, const size_t *which,
                      size_t count, glimpse_text_pooling pooling) {
    glimpse_arena arena = {NULL, 0, 0, 0};
    glimpse_workspace *workspace = NULL;
    glimpse_pass pass = {.tower = NULL};
    glimpse_pass_plan(&pass, &arena, tower, TEXTS * CONTEXT, TEXTS);
    assert_ok(glimpse_arena_reserve(&arena, arena.peak));
    memset(arena.base, 0, arena.capacity);
    glimpse_pass_plan(&pass, &arena, tower, TEXTS * CONTEXT, TEXTS);
    assert_ok(glimpse_workspace_create(&workspace, tower->math));
    pass.workspace = workspace;
    pass.starts[0] = 0;
    assert_true(pooling == GLIMPSE_TEXT_FIRST || pooling == GLIMPSE_TEXT_MEAN);
    for (size_t i = 0; i < count; i++) {
        size_t length = lengths[which[i]];
        glimpse_text_tower_embed(tower, pass.x + pass.starts[i] * WIDTH, texts[which[i]], length);
        pass.pools[i] = 0;
        pass.starts[i + 1] = pass.starts[i] + length;
    }
    assert_ok(glimpse_pass_run(&pass, count, embeddings));
    glimpse_workspace_free(workspace);
    glimpse_arena_release(&arena);
}

static void check_kind(const kind *k, const glimpse_math *math) {
    static const size_t all[TEXTS] = {0, 1, 2, 3, 4};
    glimpse_model_config config = config_of(k);
    glimpse_tensors *tensors = NULL;
    glimpse_tower tower;
    float together[TEXTS * E], alone[E];
    assert_ok(glimpse_tensors_open(&tensors, temp_directory, glimpse_tensors_transformers));
    assert_ok(glimpse_text_tower_check(math, &config, tensors));
    assert_ok(glimpse_text_tower_open(&tower, math, &config, tensors, NULL));
    run_tower(together, &tower, all, TEXTS, k->pooling);
    reference r = {k, tensors};
    double worst = 0, worst_cosine = 1;
    for (size_t i = 0; i < TEXTS; i++) {
        double expected[E], dot = 0, a = 0, b = 0, largest = 0;
        plain_text(&r, expected, texts[i], lengths[i]);
        run_tower(alone, &tower, &all[i], 1, k->pooling);
        for (size_t j = 0; j < E; j++) {
            double got = (double)together[i * E + j];
            largest = fmax(largest, fabs(expected[j]));
            worst = fmax(worst, fabs(got - expected[j]));
            dot += got * expected[j], a += got * got, b += expected[j] * expected[j];
            if (math->precision == GLIMPSE_PRECISION_F32)
                assert_true(fabs(got - (double)alone[j]) <= 2e-6 * fmax(1.0, largest));
        }
        worst_cosine = fmin(worst_cosine, dot / sqrt(a * b));
    }
    print_message("%s, %s %s: largest difference %.1e, cosine %.6f\n", k->name,
                  glimpse_backend_names()[math->backend],
                  glimpse_precision_names()[math->precision], worst, worst_cosine);
    assert_true(math->precision != GLIMPSE_PRECISION_F32 || worst < 2e-5);
    assert_true(worst_cosine > (math->precision == GLIMPSE_PRECISION_INT8 ? 0.99 : 0.999));
    glimpse_tower_close(&tower);
    glimpse_tensors_free(tensors);
}

static void towers_equal_the_plain_reference_packed_and_alone(void **unused) {
    (void)unused;
    for (size_t i = 0; i < KINDS; i++) {
        write_tensors(&kinds[i]);
        for (int b = GLIMPSE_BACKEND_AUTO + 1; glimpse_backend_names()[b]; b++) {
            for (int p = GLIMPSE_PRECISION_F32; p <= GLIMPSE_PRECISION_INT8; p++) {
                glimpse_math math;
                int status = glimpse_math_init(&math, (glimpse_backend)b, (glimpse_precision)p);
                if (status == GLIMPSE_E_UNSUPPORTED && b > GLIMPSE_BACKEND_OPENBLAS) continue;
                assert_ok(status);
                check_kind(&kinds[i], &math);
            }
        }
    }
}

static void tensors_that_are_missing_or_left_over_are_refused(void **unused) {
    (void)unused;
    glimpse_math math;
    assert_ok(glimpse_math_init(&math, GLIMPSE_BACKEND_PLAIN, GLIMPSE_PRECISION_F32));
    for (size_t i = 0; i < KINDS; i++) {
        glimpse_tensors *tensors = NULL;
        glimpse_model_config config = config_of(&kinds[i]);
        write_tensors(&kinds[i]);
        assert_ok(glimpse_tensors_open(&tensors, temp_directory, glimpse_tensors_transformers));
        config.text.layers = LAYERS + 1;
        assert_int_equal(glimpse_text_tower_check(&math, &config, tensors), GLIMPSE_E_FORMAT);
        assert_non_null(strstr(glimpse_last_error(), "is missing"));
        glimpse_tensors_free(tensors);
        assert_ok(glimpse_tensors_open(&tensors, temp_directory, glimpse_tensors_transformers));
        config.text.layers = LAYERS - 1;
        assert_int_equal(glimpse_text_tower_check(&math, &config, tensors), GLIMPSE_E_FORMAT);
        assert_non_null(strstr(glimpse_last_error(), "has no place"));
        glimpse_tensors_free(tensors);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(towers_equal_the_plain_reference_packed_and_alone),
        cmocka_unit_test(tensors_that_are_missing_or_left_over_are_refused),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
