/*
 * math/linear.c - layers and workspaces: what is common to all backends, and asking the right one.
 */
#include "math/linear.h"

#include "core/error.h"
#include "math/backends.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>

struct glimpse_workspace {
    const glimpse_backend_ops *ops;
    void *state;   /* the backend's */
    void *scratch; /* as large as the layers run so far wanted */
    size_t scratch_bytes;
};

static const glimpse_linear_ops *choose_layers(const glimpse_math *math,
                                               const glimpse_linear_spec *spec) {
    const glimpse_backend_ops *ops = glimpse_backend_get(math->backend);
    if (math->precision == GLIMPSE_PRECISION_INT8 && spec->exact) return ops->exact_layers;
    return ops->precisions[math->precision].layers;
}

int glimpse_linear_create(glimpse_linear **out, const glimpse_math *math,
                          const glimpse_linear_spec *spec) {
    *out = NULL;
    assert(spec->parts >= 1 && spec->parts <= GLIMPSE_LINEAR_PARTS);
    assert(spec->out % spec->parts == 0 && (!spec->transposed || spec->parts == 1));
    assert(!spec->accumulate ||
           (spec->activation == GLIMPSE_ACTIVATION_NONE && spec->output == GLIMPSE_ELEMENT_F32));
    if (spec->in > INT_MAX || spec->out > INT_MAX) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "a layer of %zu x %zu is too large", spec->out,
                            spec->in);
    }
    glimpse_linear *linear = calloc(1, sizeof *linear);
    if (!linear) return glimpse_fail_nomem(sizeof *linear, "a layer");
    linear->math = math;
    linear->in = spec->in;
    linear->out = spec->out;
    linear->activation = spec->activation;
    linear->accumulate = spec->accumulate;
    linear->transposed = spec->transposed;
    linear->output = spec->output;
    int status = GLIMPSE_OK;
    size_t rows = spec->out / spec->parts;
    linear->bias = calloc(spec->out, sizeof(float));
    if (!linear->bias) {
        status = glimpse_fail_nomem(spec->out * sizeof(float), "a bias");
        goto done;
    }
    for (size_t p = 0; p < spec->parts; p++) {
        assert(spec->weights[p].count == rows * spec->in);
        if (!spec->biases[p].data) continue;
        assert(spec->biases[p].count == rows);
        glimpse_numbers_to_f32(linear->bias + p * rows, &spec->biases[p]);
        linear->has_bias = 1;
    }
    linear->ops = choose_layers(math, spec);
    status = linear->ops->prepare(linear, spec);
    if (status < 0) goto done;
    linear->memory += spec->out * sizeof(float);
    *out = linear;
    linear = NULL;
done:
    glimpse_linear_free(linear);
    return status;
}

void glimpse_linear_free(glimpse_linear *linear) {
    if (!linear) return;
    if (linear->ops && linear->ops->release) linear->ops->release(linear);
    free(linear->owned);
    free(linear->bias);
    free(linear);
}

size_t glimpse_linear_memory(const glimpse_linear *linear) {
    return linear ? linear->memory : 0;
}

int glimpse_linear_borrows(const glimpse_linear *linear, const void *weights) {
    return linear->part_count > 0 && linear->parts[0].weights == weights;
}

static int reserve(glimpse_workspace *workspace, size_t bytes) {
    if (bytes <= workspace->scratch_bytes) return GLIMPSE_OK;
    bytes = (bytes + 63) / 64 * 64;
    free(workspace->scratch);
    workspace->scratch = aligned_alloc(64, bytes);
    workspace->scratch_bytes = workspace->scratch ? bytes : 0;
    return workspace->scratch ? GLIMPSE_OK : glimpse_fail_nomem(bytes, "a worker's scratch");
}

int glimpse_linear_run(const glimpse_linear *linear, glimpse_workspace *workspace, const void *x,
                       size_t rows, void *y) {
    int status = reserve(workspace, linear->scratch);
    if (status < 0) return status;
    return linear->ops->run(linear, workspace->state, workspace->scratch, x, rows, y);
}

int glimpse_workspace_create(glimpse_workspace **out, const glimpse_math *math) {
    *out = NULL;
    glimpse_workspace *workspace = calloc(1, sizeof *workspace);
    if (!workspace) return glimpse_fail_nomem(sizeof *workspace, "a workspace");
    workspace->ops = glimpse_backend_get(math->backend);
    if (workspace->ops->state_create) {
        int status = workspace->ops->state_create(&workspace->state);
        if (status < 0) {
            free(workspace);
            return status;
        }
    }
    *out = workspace;
    return GLIMPSE_OK;
}

void glimpse_workspace_free(glimpse_workspace *workspace) {
    if (!workspace) return;
    if (workspace->state) workspace->ops->state_free(workspace->state);
    free(workspace->scratch);
    free(workspace);
}

int glimpse_attend_fast(const glimpse_math *math, glimpse_workspace *workspace, const float *qkv,
                        size_t rows, size_t heads, size_t head, glimpse_element result, void *out) {
    enum { WORTH_IT = 32 }; /* shorter sequences fit one tile of the kernel */
    const glimpse_backend_ops *ops = workspace->ops;
    if (rows < WORTH_IT || !ops->attends || !ops->attends(math->precision)) return 0;
    glimpse_attend task = {
        math->kernels, GLIMPSE_ELEMENT_BF16, result, qkv, rows, heads, head, 0, out};
    int status = reserve(workspace, ops->attend_scratch(&task));
    return status < 0 ? status : ops->attend(workspace->state, &task, workspace->scratch);
}

void glimpse_gemm(const glimpse_math *math, int transpose_b, size_t m, size_t n, size_t k,
                  float alpha, const float *a, size_t lda, const float *b, size_t ldb, float *c,
                  size_t ldc) {
    glimpse_backend_get(math->backend)->gemm(transpose_b, m, n, k, alpha, a, lda, b, ldb, c, ldc);
}
