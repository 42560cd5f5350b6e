/*
 * math/openblas/sgemm.c - sgemm, the only file that knows OpenBLAS.
 *
 * Every product that runs takes one of OpenBLAS's buffers, which are mapped when as many products
 * run at once for the first time and kept from then on. A mapping that fails is tried again for
 * ever. So the number of products inside is counted: one more than ever before is let in only when
 * another buffer could be mapped; otherwise it waits until one leaves.
 */
#include "math/openblas/sgemm.h"

#include "core/error.h"
#include "core/memory.h"

#include <cblas.h>
#include <glimpse/compute.h>
#include <pthread.h>
#include <stdatomic.h>

/* The largest that OpenBLAS is built with on a machine of 64 bits, and something for others who
 * want memory at the same time. */
static const uint64_t buffer_capacity = UINT64_C(192) << 20;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t left = PTHREAD_COND_INITIALIZER;
static atomic_int inside, buffers, waiting;

static int acquire_buffer(void) {
    int now = atomic_load(&inside);
    while (now < atomic_load(&buffers)) {
        if (atomic_compare_exchange_weak(&inside, &now, now + 1)) return 1;
    }
    return 0;
}

/* 0: there is no buffer, and none to wait for. */
static int enter(void) {
    int in = acquire_buffer();
    if (in) return 1;
    (void)pthread_mutex_lock(&mutex);
    (void)atomic_fetch_add(&waiting, 1); /* before the last look, so that leave() sees it */
    while (!(in = acquire_buffer())) {
        if (glimpse_memory_is_available(buffer_capacity)) {
            (void)atomic_fetch_add(&buffers, 1);
        } else if (atomic_load(&buffers) == 0) {
            break;
        } else {
            (void)pthread_cond_wait(&left, &mutex);
        }
    }
    (void)atomic_fetch_sub(&waiting, 1);
    (void)pthread_mutex_unlock(&mutex);
    return in;
}

static void leave(void) {
    (void)atomic_fetch_sub(&inside, 1);
    if (atomic_load(&waiting) == 0) return;
    (void)pthread_mutex_lock(&mutex);
    (void)pthread_cond_signal(&left);
    (void)pthread_mutex_unlock(&mutex);
}

static void multiply(CBLAS_TRANSPOSE transpose, size_t m, size_t n, size_t k, float alpha,
                     const float *a, size_t lda, const float *b, size_t ldb, float beta, float *c,
                     size_t ldc) {
    if (enter()) {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, transpose, (int)m, (int)n, (int)k, alpha, a,
                    (int)lda, b, (int)ldb, beta, c, (int)ldc);
        leave();
        return;
    }
    /* Slow, but it ends: no buffer since the start, where there was room for one. */
    size_t row = transpose == CblasTrans ? 1 : ldb, column = transpose == CblasTrans ? ldb : 1;
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            float sum = 0;
            for (size_t p = 0; p < k; p++)
                sum += a[i * lda + p] * b[p * row + j * column];
            c[i * ldc + j] = alpha * sum + (beta != 0 ? beta * c[i * ldc + j] : 0);
        }
    }
}

/* What OpenBLAS registers to be called before a fork; in no header, nor in every build of it. */
extern int blas_thread_shutdown_(void) __attribute__((weak));

/* Saying the number starts threads that were ended, whatever it is. */
static void use_one_thread(void) {
    if (openblas_get_num_threads() != 1) openblas_set_num_threads(1);
}

void glimpse_compute_end_idle_threads(void) {
    use_one_thread();
    if (blas_thread_shutdown_) (void)blas_thread_shutdown_();
}

/* A product of a size that takes a buffer maps the first one before there are threads. */
static void begin(void) {
    enum { SIDE = 128 };
    static float zeros[SIDE * SIDE], product[SIDE * SIDE];
    use_one_thread();
    multiply(CblasNoTrans, SIDE, SIDE, SIDE, 1.0f, zeros, SIDE, zeros, SIDE, 0.0f, product, SIDE);
}

int glimpse_openblas_start(void) {
    if (atomic_load(&buffers) == 0) {
        int status = glimpse_memory_check(buffer_capacity, "matrix products");
        if (status < 0) return status;
    }
    (void)pthread_once(&once, begin);
    return GLIMPSE_OK;
}

void glimpse_openblas_gemm(int transpose_b, size_t m, size_t n, size_t k, float alpha,
                           const float *a, size_t lda, const float *b, size_t ldb, float *c,
                           size_t ldc) {
    multiply(transpose_b ? CblasTrans : CblasNoTrans, m, n, k, alpha, a, lda, b, ldb, 0.0f, c, ldc);
}

void glimpse_openblas_rows(const float *x, size_t rows, size_t in, const float *w, size_t out,
                           float *y, size_t ldy, int accumulate) {
    multiply(CblasTrans, rows, out, in, 1.0f, x, in, w, in, accumulate ? 1.0f : 0.0f, y, ldy);
}
