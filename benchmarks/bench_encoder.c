/*
 * bench_encoder - images/s at batch 1, 8, 32, the latency of one short text and prompts/s in
 * batches, per backend and precision, on a random ViT-B/32 (or --size), one worker. Baseline:
 * OpenBLAS f32 of the same run. Beside each the rate of its own products alone (1600 x 3072 x 768,
 * operands written first), as a share of which the encoder's rate is reported.
 *
 *     bench_encoder [--size NAME] [--plain] [--cpu-time] [--only NAME] [--workers N] [--quick]
 *                   [--model DIR] [--write DIR]
 *
 *     --size      a published size of the table below: b32, l14, rn50, siglip2-b16, mobileclip-s0
 * ...
 *     --plain     adds the plain C backend (minutes)
 *     --cpu-time  measures the thread's CPU time instead of the clock: for machines with other work
 *     --only      settings whose name begins so, and the baseline
 *     --quick     no batch of 32, fewer repetitions
 *     --model     a model of that shape that is there already, instead of writing one
 *     --write     writes the model there and measures nothing
 *     --workers   also N workers side by side against one worker whose sgemm has N threads
 */
#include "bench.h"
#include "math/init.h"
#include "math/linear.h"
#include "model/timm_names.h"
#include "support/random_mobileclip.h"
#include "support/random_model.h"
#include "support/random_resnet.h"
#include "support/random_timm.h"

#include <glimpse/sys/model.h>
#include <pthread.h>
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
    float *embeddings, *prompt_embeddings;
} job;

static int encode_pictures(void *user) {
    job *j = user;
    return glimpse_encoder_pixels(j->embeddings, j->encoder, j->pixels, j->count, 0);
}

static int encode_text(void *user) {
    job *j = user;
    static const char *const text[] = {"two parrots"};
    return glimpse_encoder_texts(j->embeddings, NULL, j->encoder, text, 1, 0);
}

/* Many prompts at once; their lengths differ. */
enum { PROMPTS = 128 };

static int encode_prompts(void *user) {
    job *j = user;
    static char prompts[PROMPTS][64];
    const char *texts[PROMPTS];
    for (int i = 0; i < PROMPTS; i++) {
        (void)snprintf(prompts[i], sizeof prompts[i], "a photo of a thing%.*s", i % 17,
                       ", very small too");
        texts[i] = prompts[i];
    }
    return glimpse_encoder_texts(j->prompt_embeddings, NULL, j->encoder, texts, PROMPTS, 0);
}

/* One product of the size that the MLP of a vision layer has at batch 32, alone. */
enum { M = 1600, N = 3072, K = 768 };

typedef struct product {
    glimpse_math math;
    glimpse_linear *linear;
    glimpse_workspace *workspace;
    void *x;
    float *y;
} product;

static int multiply(void *user) {
    product *p = user;
    return glimpse_linear_run(p->linear, p->workspace, p->x, M, p->y);
}

/* Operations per second; 0 where the setting is not possible. */
static double product_rate(const setting *s) {
    product p = {.linear = NULL};
    if (glimpse_math_init(&p.math, s->backend, s->precision) < 0) return 0;
    float *w = malloc((size_t)N * K * sizeof *w), *x = malloc((size_t)M * K * sizeof *x);
    p.x = aligned_alloc(64, (size_t)M * K * sizeof(float));
    p.y = aligned_alloc(64, (size_t)M * N * sizeof(float));
    if (!w || !x || !p.x || !p.y) exit(1);
    for (size_t i = 0; i < (size_t)N * K; i++)
        w[i] = (float)(i % 13) - 6.0f;
    for (size_t i = 0; i < (size_t)M * K; i++)
        x[i] = (float)(i % 17) - 8.0f;
    memset(p.y, 0, (size_t)M * N * sizeof(float));
    p.math.kernels->convert(p.x, p.math.element, x, (size_t)M * K);
    glimpse_linear_spec spec = {.in = K, .out = N, .parts = 1};
    spec.weights[0] = (glimpse_numbers){w, GLIMPSE_DTYPE_F32, (size_t)N * K};
    if (glimpse_linear_create(&p.linear, &p.math, &spec) < 0 ||
        glimpse_workspace_create(&p.workspace, &p.math) < 0) {
        (void)fprintf(stderr, "%s\n", glimpse_last_error());
        exit(1);
    }
    double rate = 2.0 * M * N * K / bench_run(multiply, &p, 9, 4.0).min;
    glimpse_workspace_free(p.workspace);
    glimpse_linear_free(p.linear);
    free(w), free(x), free(p.x), free(p.y);
    return rate;
}

/* Workers side by side. */
extern void openblas_set_num_threads(int);
enum { MAX_WORKERS = 64, ROUNDS = 6 };

static void *work(void *user) {
    for (int i = 0; i < ROUNDS; i++) {
        if (encode_pictures(user) < 0) exit(1);
    }
    return NULL;
}

static void compare_workers(const char *directory, const float *pixels, size_t embedding,
                            int workers) {
    glimpse_model_options options = GLIMPSE_MODEL_OPTIONS_INIT;
    glimpse_model *model = NULL;
    job jobs[MAX_WORKERS];
    pthread_t threads[MAX_WORKERS];
    options.backend = GLIMPSE_BACKEND_OPENBLAS;
    options.precision = GLIMPSE_PRECISION_F32;
    options.towers = GLIMPSE_TOWER_IMAGE;
    if (workers > MAX_WORKERS || glimpse_model_open(&model, directory, &options) < 0) exit(1);
    for (int i = 0; i < workers; i++) {
        jobs[i] = (job){.pixels = pixels, .count = 8};
        jobs[i].embeddings = malloc(8 * embedding * sizeof(float));
        if (!jobs[i].embeddings || glimpse_encoder_create(&jobs[i].encoder, model, 8) < 0) exit(1);
        if (encode_pictures(&jobs[i]) < 0) exit(1);
    }
    double start = bench_now();
    for (int i = 0; i < workers; i++) {
        if (pthread_create(&threads[i], NULL, work, &jobs[i]) != 0) exit(1);
    }
    for (int i = 0; i < workers; i++)
        (void)pthread_join(threads[i], NULL);
    double side_by_side = 8.0 * ROUNDS * workers / (bench_now() - start);
    openblas_set_num_threads(workers);
    start = bench_now();
    for (int i = 0; i < workers; i++)
        (void)work(&jobs[0]);
    double within = 8.0 * ROUNDS * workers / (bench_now() - start);
    openblas_set_num_threads(1);
    printf(
        "\nopenblas f32, batch 8: %d workers %.2f images/s; one worker, sgemm on %d threads %.2f "
        "images/s (x %.2f)\n",
        workers, side_by_side, workers, within, side_by_side / within);
    for (int i = 0; i < workers; i++) {
        glimpse_encoder_free(jobs[i].encoder);
        free(jobs[i].embeddings);
    }
    glimpse_model_close(model);
}

/* Floating-point operations of one picture, products only. */
static double transformer_operations(const random_model *m) {
    size_t side = m->image_size / m->patch;
    double tokens = (double)side * (double)side + 1;
    double d = (double)m->vision_width, f = (double)m->vision_mlp;
    double layer = 2 * tokens * (4 * d * d + 2 * d * f) + 4 * tokens * tokens * d;
    return layer * (double)m->vision_layers + 2 * tokens * d * 3 * (double)(m->patch * m->patch);
}

static double resnet_operations(const random_resnet *m) {
    double w = (double)m->width, side = (double)m->image_size / 2, in = w;
    double sum = side * side * 9 * (w / 2) * (3 + w / 2 + w);
    side /= 2;
    for (size_t layer = 0; layer < 4; layer++) {
        double inner = w * (double)(1u << layer), after = layer > 0 ? side / 2 : side;
        for (size_t i = 0; i < m->layers[layer]; i++) {
            if (i == 0) sum += after * after * in * 4 * inner;
            sum +=
                side * side * (in * inner + 9 * inner * inner) + after * after * 4 * inner * inner;
            side = after;
            in = 4 * inner;
        }
    }
    return 2 * (sum + (side * side + 1) * 2 * in * in + in * in + in * (double)m->embedding);
}

static double timm_operations(const glimpse_timm_model *m) {
    const glimpse_timm_config t = glimpse_timm_describe(m);
    const size_t grid = m->image_size / m->patch;
    double side = (double)grid, d = (double)m->width;
    double tokens = side * side + (t.class_token ? 1 : 0), pool = (double)t.pool_mlp;
    double mlp = (m->kind == GLIMPSE_TIMM_EVA02 ? 3 : 2) * d * (double)(size_t)(d * m->mlp_ratio);
    double layer = 2 * tokens * (4 * d * d + mlp) + 4 * tokens * tokens * d;
    double head = pool > 0 ? 2 * (2 * tokens * d * d + d * d + 2 * d * pool) + 4 * tokens * d : 0;
    return layer * (double)m->layers + head +
           2 * side * side * d * 3 * (double)(m->patch * m->patch);
}

static double mobileclip_operations(const random_mobileclip *m) {
    double w = (double)m->widths[0], side = (double)m->image_size / 2;
    double sum = side * side * w * 27;
    side /= 2;
    sum += side * side * w * (9 + w);
    for (size_t s = 0; s < m->stages; s++) {
        w = (double)m->widths[s];
        if (s > 0) {
            side /= 2;
            sum += side * side * w * (49 + w);
        }
        double area = side * side, mlp = area * w * (49 + 2 * (double)m->mlp * w);
        double mixer = s >= m->attends ? area * w * (4 * w + 2 * area) : area * w * 9;
        sum += (double)m->layers[s] * (mlp + mixer) + (s >= m->attends ? area * w * 49 : 0);
    }
    return 2 * (sum + side * side * 18 * w + 2 * w * (double)m->embedding);
}

/* The published sizes: what is written, and what the measurement must know of it. */
typedef struct size_row {
    const char *name, *dtype;
    size_t image_size, embedding;
    double operations;
    int written; /* 0: it could not be */
} size_row;

static size_row write_transformer(const char *name, random_model shape, const char *directory) {
    shape.merges = 1;
    return (size_row){name,
                      shape.dtype,
                      shape.image_size,
                      shape.embedding,
                      transformer_operations(&shape),
                      !directory || random_model_write(&shape, directory)};
}

static size_row write_resnet(const char *name, random_resnet shape, const char *directory) {
    shape.merges = 1;
    return (size_row){name,
                      shape.dtype,
                      shape.image_size,
                      shape.embedding,
                      resnet_operations(&shape),
                      !directory || random_resnet_write(&shape, directory)};
}

/* "ViT-B-16-SigLIP2" */
static size_row write_timm(const char *name, const char *directory) {
    random_timm shape = random_timm_published(name);
    const glimpse_timm_model *sizes = glimpse_timm_find(shape.name);
    shape.merges = 1;
    return (size_row){name,
                      shape.dtype,
                      sizes->image_size,
                      shape.embedding,
                      timm_operations(sizes),
                      !directory || random_timm_write(&shape, directory)};
}

static size_row write_mobileclip(const char *name, random_mobileclip shape, const char *directory) {
    shape.merges = 1;
    return (size_row){name,
                      shape.dtype,
                      shape.image_size,
                      shape.embedding,
                      mobileclip_operations(&shape),
                      !directory || random_mobileclip_write(&shape, directory)};
}

static size_row write_b32(const char *directory) {
    return write_transformer("ViT-B/32", random_model_vit_b32(), directory);
}
static size_row write_l14(const char *directory) {
    return write_transformer("ViT-L/14", random_model_vit_l14(), directory);
}
static size_row write_rn50(const char *directory) {
    return write_resnet("RN50", random_resnet_rn50(), directory);
}
static size_row write_rn50x64(const char *directory) {
    return write_resnet("RN50x64", random_resnet_rn50x64(), directory);
}

static size_row write_siglip2(const char *directory) {
    return write_timm("ViT-B-16-SigLIP2", directory);
}
static size_row write_eva02(const char *directory) {
    return write_timm("EVA02-B-16", directory);
}
static size_row write_pe_core(const char *directory) {
    return write_timm("PE-Core-B-16", directory);
}

static size_row write_mobileclip_s0(const char *directory) {
    return write_mobileclip("MobileCLIP-S0", random_mobileclip_s0(), directory);
}
static size_row write_mobileclip_s2(const char *directory) {
    return write_mobileclip("MobileCLIP-S2", random_mobileclip_s2(), directory);
}
static size_row write_mobileclip_s3(const char *directory) {
    return write_mobileclip("MobileCLIP2-S3", random_mobileclip_s3(), directory);
}

/* Each writes its model into the directory, NULL to leave that. */
static const struct {
    const char *option;
    size_row (*write)(const char *directory);
} sizes[] = {{"b32", write_b32},
             {"l14", write_l14},
             {"rn50", write_rn50},
             {"rn50x64", write_rn50x64},
             {"siglip2-b16", write_siglip2},
             {"eva02-b16", write_eva02},
             {"pe-core-b16", write_pe_core},
             {"mobileclip-s0", write_mobileclip_s0},
             {"mobileclip-s2", write_mobileclip_s2},
             {"mobileclip2-s3", write_mobileclip_s3}};
enum { SHAPES = sizeof sizes / sizeof sizes[0] };

int main(int argc, char **argv) {
    int plain = 0, workers = 0, quick = 0;
    const char *only = "", *given = NULL, *kept = NULL;
    size_t chosen = 0;
    for (int i = 1; i < argc; i++) {
        plain = plain || strcmp(argv[i], "--plain") == 0;
        if (strcmp(argv[i], "--cpu-time") == 0) bench_clock = CLOCK_THREAD_CPUTIME_ID;
        quick = quick || strcmp(argv[i], "--quick") == 0;
        if (strcmp(argv[i], "--only") == 0 && i + 1 < argc) only = argv[++i];
        if (strcmp(argv[i], "--size") == 0 && i + 1 < argc) {
            for (chosen = 0, i++; chosen < SHAPES; chosen++)
                if (strcmp(argv[i], sizes[chosen].option) == 0) break;
            if (chosen == SHAPES) {
                (void)fprintf(stderr, "%s is no size of the table\n", argv[i]);
                return 2;
            }
        }
        if (strcmp(argv[i], "--model") == 0 && i + 1 < argc) given = argv[++i];
        if (strcmp(argv[i], "--write") == 0 && i + 1 < argc) kept = argv[++i];
        if (strcmp(argv[i], "--workers") == 0 && i + 1 < argc) workers = atoi(argv[++i]);
    }
    if (kept) return !sizes[chosen].write(kept).written;
    char made[] = "/tmp/glimpse-bench-XXXXXX";
    if (!given && !mkdtemp(made)) return 1;
    const size_row shape = sizes[chosen].write(given ? NULL : made);
    if (!shape.written) return 1;
    const char *directory = given ? given : made;
    (void)setenv("GLIMPSE_WEIGHTS_CACHE", "0", 1);

    size_t area = 3 * shape.image_size * shape.image_size;
    float *pixels = malloc(32 * area * sizeof *pixels);
    float *embeddings = malloc(32 * shape.embedding * sizeof *embeddings);
    float *prompts = malloc(PROMPTS * shape.embedding * sizeof *prompts);
    if (!pixels || !embeddings || !prompts) return 1;
    for (size_t i = 0; i < 32 * area; i++)
        pixels[i] = (float)(i * 2654435761u % 2001) / 1000.0f - 1.0f;

    printf("%s, one worker, random %s (%s weights)%s\n", bench_cpu(), shape.name, shape.dtype,
           bench_clock == CLOCK_THREAD_CPUTIME_ID ? ", CPU time" : "");
    printf("%-24s %9s %8s %8s %8s %7s %8s %9s %7s %10s\n", "images/s at batch", "products", "1",
           "8", "32", "x base", "of prod.", "text ms", "x base", "prompts/s");
    double base = 0, base_text = 0;
    for (size_t s = 0; s < SETTINGS; s++) {
        if (settings[s].backend == GLIMPSE_BACKEND_PLAIN && !plain) continue;
        if (s > 0 && strncmp(settings[s].name, only, strlen(only)) != 0) continue;
        glimpse_model_options options = GLIMPSE_MODEL_OPTIONS_INIT;
        options.backend = settings[s].backend;
        options.precision = settings[s].precision;
        glimpse_model *model = NULL;
        glimpse_encoder *encoder = NULL;
        int status = glimpse_model_open(&model, directory, &options);
        if (status == GLIMPSE_OK) status = glimpse_encoder_create(&encoder, model, 32);
        if (status < 0) {
            printf("%-24s %s\n", settings[s].name, glimpse_last_error());
            continue;
        }
        double rates[SIZES] = {0}, many = 0;
        int slow = settings[s].backend == GLIMPSE_BACKEND_PLAIN;
        double peak = slow ? 0 : product_rate(&settings[s]);
        job j = {encoder, pixels, 0, embeddings, prompts};
        for (size_t b = 0; b < SIZES; b++) {
            j.count = batches[b];
            if ((slow && j.count > 1) || (quick && j.count > 8)) break;
            rates[b] =
                (double)j.count / bench_run(encode_pictures, &j, 15, quick ? 1.0 : 6.0).median;
        }
        double text = bench_run(encode_text, &j, 25, quick ? 0.5 : 4.0).median;
        if (!slow) many = PROMPTS / bench_run(encode_prompts, &j, 5, quick ? 1.0 : 4.0).median;
        double rate = slow ? rates[0] : rates[1];
        if (s == 0) base = rate, base_text = text;
        printf("%-24s %6.0f G/s %8.2f %8.2f %8.2f %7.2f %7.0f%% %9.2f %7.2f %10.1f\n",
               settings[s].name, peak / 1e9, rates[0], rates[1], rates[2], rate / base,
               peak > 0 ? 100.0 * rate * shape.operations / peak : 0.0, 1e3 * text,
               base_text / text, many);
        (void)fflush(stdout);
        glimpse_encoder_free(encoder);
        glimpse_model_close(model);
    }
    if (workers > 1) compare_workers(directory, pixels, shape.embedding, workers);
    free(pixels), free(embeddings), free(prompts);
    if (given) return 0;
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", made);
    return system(command) != 0;
}
