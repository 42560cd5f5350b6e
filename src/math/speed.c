/*
 * speed.c - how fast this machine multiplies matrices, about.
 */
#include "math/speed.h"

#include "math/linear.h"

#include "core/clock.h"
#include "core/error.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 208, IN = 768, OUT = 3072, MAX_THREADS = 256 };

typedef struct worker {
    pthread_t thread;
    const glimpse_math *math;
    const glimpse_linear *linear;
    double until;
    double rate; /* products a second; 0: it failed */
} worker;

static void *work(void *user) {
    worker *w = user;
    const size_t rows = glimpse_padded_rows(ROWS);
    glimpse_workspace *workspace = NULL;
    void *x = aligned_alloc(64, rows * IN * sizeof(float));
    void *y = aligned_alloc(64, rows * OUT * sizeof(float));
    size_t count = 0;
    int status = x && y ? glimpse_workspace_create(&workspace, w->math) : GLIMPSE_E_NOMEM;
    if (status == GLIMPSE_OK) {
        memset(x, 0, rows * IN * sizeof(float));
        status = glimpse_linear_run(w->linear, workspace, x, ROWS, y); /* caches, once */
    }
    const double begun = glimpse_now();
    double now = begun;
    for (; status == GLIMPSE_OK && (now < w->until || count == 0); count++) {
        status = glimpse_linear_run(w->linear, workspace, x, ROWS, y);
        now = glimpse_now();
    }
    if (status == GLIMPSE_OK && now > begun) w->rate = (double)count / (now - begun);
    glimpse_workspace_free(workspace);
    free(x);
    free(y);
    return NULL;
}

static double run_workers(const glimpse_math *math, const glimpse_linear *linear, unsigned threads,
                          double seconds) {
    worker *workers = calloc(threads, sizeof *workers);
    unsigned started = 0;
    double rate = 0.0;
    if (!workers) return 0.0;
    for (; started < threads; started++) {
        worker *w = &workers[started];
        *w = (worker){.math = math, .linear = linear, .until = glimpse_now() + seconds};
        if (pthread_create(&w->thread, NULL, work, w) != 0) break;
    }
    for (unsigned i = 0; i < started; i++) {
        (void)pthread_join(workers[i].thread, NULL);
        rate += workers[i].rate;
    }
    free(workers);
    return rate;
}

int glimpse_math_measure(double *flops, const glimpse_math *math, unsigned threads,
                         double seconds) {
    glimpse_linear_spec spec = {.in = IN, .out = OUT, .parts = 1, .output = GLIMPSE_ELEMENT_F32};
    glimpse_linear *linear = NULL;
    float *weights = malloc(sizeof(float) * IN * OUT);
    *flops = 0.0;
    if (!weights) return glimpse_fail_nomem(sizeof(float) * IN * OUT, "a matrix");
    for (size_t i = 0; i < (size_t)IN * OUT; i++)
        weights[i] = (float)(i % 17) / 16.0f - 0.5f;
    spec.weights[0] = (glimpse_numbers){weights, GLIMPSE_DTYPE_F32, (size_t)IN * OUT};
    int status = glimpse_linear_create(&linear, math, &spec);
    if (status == GLIMPSE_OK) {
        if (threads < 1) threads = 1;
        if (threads > MAX_THREADS) threads = MAX_THREADS;
        *flops = 2.0 * ROWS * IN * OUT * run_workers(math, linear, threads, seconds);
        if (*flops <= 0.0) status = glimpse_fail(GLIMPSE_E_INTERNAL, "no matrix was multiplied");
    }
    glimpse_linear_free(linear);
    free(weights);
    return status;
}
