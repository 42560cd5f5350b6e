/*
 * bench_image_rate - images/s of a model's image tower, on orders from stdin: the side of
 * benchmarks/onnx/compare.py that is ours.
 *
 *     bench_image_rate MODEL_DIR BACKEND PRECISION
 *
 *     rate BATCH THREADS SECONDS   answers images/s: THREADS workers, each with calls of BATCH
 *                                  pictures for at least so long, the first time after one
 *                                  untimed
 *     embed BATCH                  answers the embeddings as JSON
 */
#include "bench.h"

#include <glimpse/sys/model.h>
#include <pthread.h>
#include <string.h>

enum { MAX_BATCH = 32, MAX_WORKERS = 64 };

typedef struct worker {
    glimpse_encoder *encoder;
    const float *pixels;
    float *embeddings;
    size_t batch;
    double seconds, rate;
} worker;

static void *work(void *user) {
    worker *w = user;
    size_t calls = 0;
    double start = bench_now(), elapsed;
    do {
        bench_check(glimpse_encoder_pixels(w->embeddings, w->encoder, w->pixels, w->batch, 0));
        calls++;
        elapsed = bench_now() - start;
    } while (elapsed < w->seconds);
    w->rate = (double)(calls * w->batch) / elapsed;
    return NULL;
}

static void run_workers(worker *workers, size_t count, size_t batch, double seconds) {
    pthread_t threads[MAX_WORKERS];
    for (size_t i = 0; i < count; i++) {
        workers[i].batch = batch;
        workers[i].seconds = seconds;
        if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0) exit(1);
    }
    for (size_t i = 0; i < count; i++)
        (void)pthread_join(threads[i], NULL);
}

static void prepare(worker *w, const glimpse_model *model, const float *pixels, size_t embedding) {
    if (w->encoder) return;
    bench_check(glimpse_encoder_create(&w->encoder, model, MAX_BATCH));
    w->pixels = pixels;
    w->embeddings = malloc(MAX_BATCH * embedding * sizeof *w->embeddings);
    if (!w->embeddings) exit(1);
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    glimpse_model_options options = GLIMPSE_MODEL_OPTIONS_INIT;
    options.backend =
        strcmp(argv[2], "onednn") == 0 ? GLIMPSE_BACKEND_ONEDNN : GLIMPSE_BACKEND_OPENBLAS;
    options.precision = strcmp(argv[3], "int8") == 0   ? GLIMPSE_PRECISION_INT8
                        : strcmp(argv[3], "bf16") == 0 ? GLIMPSE_PRECISION_BF16
                                                       : GLIMPSE_PRECISION_F32;
    options.towers = GLIMPSE_TOWER_IMAGE;
    (void)setenv("GLIMPSE_WEIGHTS_CACHE", "0", 1);
    glimpse_model *model = NULL;
    bench_check(glimpse_model_open(&model, argv[1], &options));
    size_t side = glimpse_model_preprocess(model)->width, count = MAX_BATCH * 3 * side * side;
    size_t embedding = glimpse_model_embedding_size(model);
    float *pixels = malloc(count * sizeof *pixels);
    static worker workers[MAX_WORKERS];
    if (!pixels) return 1;
    for (size_t i = 0; i < count; i++)
        pixels[i] = (float)((double)(i * 2654435761u % 2001) / 1000.0 - 1.0);

    size_t warm[MAX_BATCH + 1] = {0}; /* workers that have run such a batch */
    char order[16];
    size_t batch;
    while (scanf("%15s %zu", order, &batch) == 2 && batch > 0 && batch <= MAX_BATCH) {
        size_t threads = 1;
        double seconds = 0;
        if (strcmp(order, "rate") == 0 && scanf("%zu %lf", &threads, &seconds) != 2) return 2;
        if (threads < 1 || threads > MAX_WORKERS) return 2;
        for (size_t i = 0; i < threads; i++)
            prepare(&workers[i], model, pixels, embedding);
        if (warm[batch] < threads) run_workers(workers, threads, batch, 0);
        warm[batch] = threads > warm[batch] ? threads : warm[batch];
        if (strcmp(order, "embed") == 0) {
            for (size_t i = 0; i < batch * embedding; i++)
                printf("%c%.9g", i ? ',' : '[', (double)workers[0].embeddings[i]);
            printf("]\n");
        } else {
            run_workers(workers, threads, batch, seconds);
            double rate = 0;
            for (size_t i = 0; i < threads; i++)
                rate += workers[i].rate;
            printf("%.6g\n", rate);
        }
        (void)fflush(stdout);
    }
    for (size_t i = 0; i < MAX_WORKERS; i++) {
        glimpse_encoder_free(workers[i].encoder);
        free(workers[i].embeddings);
    }
    glimpse_model_close(model);
    free(pixels);
    return 0;
}
