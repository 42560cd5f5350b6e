/*
 * bench_encoder - images/s at batch 1, 8, 32 and the latency of one short text, per backend and
 * precision, on a random ViT-B/32 (or --l14), one worker. Baseline: OpenBLAS f32 of the same run.
 * Also the GEMM rate behind it: the same product shapes alone, as a share of which the encoder's
 * rate is reported.
 *
 *     bench_encoder [--l14] [--plain]     --plain adds the plain C backend (minutes)
 */
#include "bench.h"
#include "math/linear.h"
#include "random_model.h"

#include <glimpse/model.h>
#include <string.h>
#include <unistd.h>

typedef struct setting {
    const char *name;
    glimpse_backend backend;
    glimpse_precision precision;
} setting;

static const setting settings[] = {
    {"openblas f32", GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_F32},
    {"openblas int8 (kernels)", GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_INT8},
    {"onednn f32", GLIMPSE_BACKEND_ONEDNN, GLIMPSE_PRECISION_F32},
    {"onednn bf16", GLIMPSE_BACKEND_ONEDNN, GLIMPSE_PRECISION_BF16},
    {"onednn int8", GLIMPSE_BACKEND_ONEDNN, GLIMPSE_PRECISION_INT8},
    {"openblas bf16 (rounded)", GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_BF16},
    {"plain C f32", GLIMPSE_BACKEND_PLAIN, GLIMPSE_PRECISION_F32},
};
enum { SETTINGS = sizeof settings / sizeof settings[0], SIZES = 3 };
static const size_t batches[SIZES] = {1, 8, 32};

typedef struct job {
    glimpse_encoder *encoder;
    const float *pixels;
    size_t count;
    float *embeddings;
} job;

static int encode_pictures(void *user) {
    job *j = user;
    return glimpse_encoder_pixels(j->encoder, j->pixels, j->count, j->embeddings, 0);
}

static int encode_text(void *user) {
    job *j = user;
    static const char *const text[] = {"two parrots"};
    return glimpse_encoder_texts(j->encoder, text, 1, j->embeddings, 0, NULL);
}

/* One product of the size that the MLP of a vision layer has at batch 32, alone. */
typedef struct gemm {
    float *a, *b, *c;
    size_t m, n, k;
    glimpse_math math;
} gemm;

static int multiply(void *user) {
    gemm *g = user;
    glimpse_gemm(&g->math, 1, g->m, g->n, g->k, 1.0f, g->a, g->k, g->b, g->k, g->c, g->n);
    return 0;
}

static double sgemm_peak(void) {
    gemm g = {NULL, NULL, NULL, 1600, 3072, 768, {0}};
    if (glimpse_math_init(&g.math, GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_F32) < 0) return 0;
    g.a = calloc(g.m * g.k, sizeof(float));
    g.b = calloc(g.n * g.k, sizeof(float));
    g.c = calloc(g.m * g.n, sizeof(float));
    if (!g.a || !g.b || !g.c) exit(1);
    for (size_t i = 0; i < g.m * g.k; i++)
        g.a[i] = (float)(i % 17) - 8.0f;
    for (size_t i = 0; i < g.n * g.k; i++)
        g.b[i] = (float)(i % 13) - 6.0f;
    bench_time t = bench_run(multiply, &g, 9, 10.0);
    free(g.a), free(g.b), free(g.c);
    return 2.0 * 1600 * 3072 * 768 / t.median;
}

/* Floating-point operations of one picture, products only. */
static double operations(const random_model *m) {
    double tokens = (double)(m->image_size / m->patch) * (double)(m->image_size / m->patch) + 1;
    double d = (double)m->vision_width, f = (double)m->vision_mlp;
    double layer = 2 * tokens * (4 * d * d + 2 * d * f) + 4 * tokens * tokens * d;
    return layer * (double)m->vision_layers + 2 * tokens * d * 3 * (double)(m->patch * m->patch);
}

int main(int argc, char **argv) {
    int plain = 0, large = 0;
    for (int i = 1; i < argc; i++) {
        plain = plain || strcmp(argv[i], "--plain") == 0;
        large = large || strcmp(argv[i], "--l14") == 0;
    }
    random_model shape = large ? random_model_vit_l14() : random_model_vit_b32();
    shape.vocabulary = 514;
    char folder[] = "/tmp/glimpse-bench-XXXXXX";
    if (!mkdtemp(folder) || !random_model_write(&shape, folder)) return 1;

    size_t area = 3 * shape.image_size * shape.image_size;
    float *pixels = malloc(32 * area * sizeof *pixels);
    float *embeddings = malloc(32 * shape.embedding * sizeof *embeddings);
    if (!pixels || !embeddings) return 1;
    for (size_t i = 0; i < 32 * area; i++)
        pixels[i] = (float)(i * 2654435761u % 2001) / 1000.0f - 1.0f;

    double peak = sgemm_peak();
    printf("%s, one worker, random %s\n", bench_cpu(), large ? "ViT-L/14" : "ViT-B/32");
    printf("sgemm 1600x3072x768: %.1f GFLOP/s\n\n", peak / 1e9);
    printf("%-26s %8s %8s %8s   %7s %7s   %10s  %s\n", "images/s at batch", "1", "8", "32",
           "x base", "of sgemm", "text ms", "x base");
    double base = 0, base_text = 0;
    for (size_t s = 0; s < SETTINGS; s++) {
        if (settings[s].backend == GLIMPSE_BACKEND_PLAIN && !plain) continue;
        glimpse_model_options options = GLIMPSE_MODEL_OPTIONS_INIT;
        options.backend = settings[s].backend;
        options.precision = settings[s].precision;
        glimpse_model *model = NULL;
        glimpse_encoder *encoder = NULL;
        int status = glimpse_model_open(&model, folder, &options);
        if (status == GLIMPSE_OK) status = glimpse_encoder_create(&encoder, model, 32);
        if (status < 0) {
            printf("%-26s %s\n", settings[s].name, glimpse_last_error());
            continue;
        }
        double rates[SIZES] = {0};
        job j = {encoder, pixels, 0, embeddings};
        for (size_t b = 0; b < SIZES; b++) {
            j.count = batches[b];
            if (settings[s].backend == GLIMPSE_BACKEND_PLAIN && j.count > 1) break;
            rates[b] = (double)j.count / bench_run(encode_pictures, &j, 15, 8.0).median;
        }
        double text = bench_run(encode_text, &j, 25, 5.0).median;
        double rate = rates[1] > 0 ? rates[1] : rates[0];
        if (s == 0) base = rate, base_text = text;
        printf("%-26s %8.2f %8.2f %8.2f   %7.2f %6.0f%%   %10.2f  %.2f\n", settings[s].name,
               rates[0], rates[1], rates[2], rate / base, 100.0 * rate * operations(&shape) / peak,
               1e3 * text, base_text / text);
        (void)fflush(stdout);
        glimpse_encoder_free(encoder);
        glimpse_model_free(model);
    }
    free(pixels), free(embeddings);
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) != 0;
}
