/*
 * math/linear.c - backend choice, weight preparation shared by plain and openblas, dispatch.
 */
#include "math/linear.h"

#include "core/error.h"
#include "math/backend.h"
#include "math/half.h"
#include "math/onednn/attention.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct glimpse_workspace {
    const glimpse_math *math;
    void *onednn;
    void *scratch; /* as large as the layers run so far wanted */
    size_t scratch_bytes;
};

int glimpse_math_has_fast_bf16(void) {
    return glimpse_onednn_fast_bf16();
}

int glimpse_math_init(glimpse_math *out, glimpse_backend backend, glimpse_precision precision) {
    memset(out, 0, sizeof *out);
    if (precision == GLIMPSE_PRECISION_AUTO) {
        int can_use = backend == GLIMPSE_BACKEND_AUTO || backend == GLIMPSE_BACKEND_ONEDNN;
        precision = can_use && glimpse_onednn_fast_bf16() &&
                            (backend != GLIMPSE_BACKEND_AUTO ||
                             glimpse_onednn_trusted(GLIMPSE_PRECISION_BF16))
                        ? GLIMPSE_PRECISION_BF16
                        : GLIMPSE_PRECISION_F32;
    }
    if (precision != GLIMPSE_PRECISION_F32 && precision != GLIMPSE_PRECISION_BF16 &&
        precision != GLIMPSE_PRECISION_INT8) {
        return glimpse_fail(GLIMPSE_E_INVALID, "precision %d is not known", (int)precision);
    }
    if (backend == GLIMPSE_BACKEND_AUTO) {
        int onednn = (precision == GLIMPSE_PRECISION_BF16 && glimpse_onednn_multiplies_bf16()) ||
                     (precision == GLIMPSE_PRECISION_INT8 && glimpse_onednn_fast_int8());
        if (onednn) onednn = glimpse_onednn_trusted(precision);
        backend = onednn ? GLIMPSE_BACKEND_ONEDNN : GLIMPSE_BACKEND_OPENBLAS;
    }
    out->backend = backend;
    out->precision = precision;
    out->kernels = glimpse_kernels_best();
    out->element =
        precision == GLIMPSE_PRECISION_BF16 ? GLIMPSE_ELEMENT_F32_BF : GLIMPSE_ELEMENT_F32;
    switch (backend) {
    case GLIMPSE_BACKEND_PLAIN: out->kernels = &glimpse_kernels_plain; break;
    case GLIMPSE_BACKEND_OPENBLAS: break;
    case GLIMPSE_BACKEND_ONEDNN:
        if (!glimpse_onednn_available()) {
            return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                                "oneDNN is not in this build or its library cannot be loaded; use "
                                "the openblas backend");
        }
        if (precision == GLIMPSE_PRECISION_BF16) {
            if (!glimpse_onednn_multiplies_bf16()) {
                return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                                    "oneDNN multiplies bf16 only on CPUs with AVX-512; use the "
                                    "openblas backend, which rounds to bf16 and multiplies in f32");
            }
            out->element = GLIMPSE_ELEMENT_BF16;
        }
        if (precision == GLIMPSE_PRECISION_INT8 && !glimpse_onednn_fast_int8()) {
            return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                                "oneDNN multiplies int8 exactly only on CPUs with VNNI or AMX; use "
                                "the openblas backend, which has kernels of its own for it");
        }
        break;
    case GLIMPSE_BACKEND_AUTO:
    default: return glimpse_fail(GLIMPSE_E_INVALID, "backend %d is not known", (int)backend);
    }
    /* The products of attention use it with every backend but the plain one. */
    if (backend != GLIMPSE_BACKEND_PLAIN) glimpse_openblas_init();
    return GLIMPSE_OK;
}

const char *glimpse_math_backend_name(const glimpse_math *math) {
    switch (math->backend) {
    case GLIMPSE_BACKEND_PLAIN: return "plain";
    case GLIMPSE_BACKEND_OPENBLAS: return "openblas";
    case GLIMPSE_BACKEND_ONEDNN: return "onednn";
    case GLIMPSE_BACKEND_AUTO: break;
    }
    return "auto";
}

const char *glimpse_precision_name(glimpse_precision precision) {
    switch (precision) {
    case GLIMPSE_PRECISION_F32: return "f32";
    case GLIMPSE_PRECISION_BF16: return "bf16";
    case GLIMPSE_PRECISION_INT8: return "int8";
    case GLIMPSE_PRECISION_AUTO: break;
    }
    return "auto";
}

void glimpse_numbers_to_f32(float *out, const glimpse_numbers *numbers) {
    const uint8_t *source = numbers->data;
    if (numbers->dtype == GLIMPSE_DTYPE_F32) {
        memcpy(out, source, numbers->count * sizeof *out);
        return;
    }
    if (numbers->dtype == GLIMPSE_DTYPE_F16) {
        glimpse_f16_load(out, source, numbers->count);
        return;
    }
    for (size_t i = 0; i < numbers->count; i++) {
        uint16_t value;
        memcpy(&value, source + 2 * i, sizeof value);
        out[i] = glimpse_bf16_to_f32(value);
    }
}

/* plain: f32 weights, borrowed from the file where they already are that. */
static int prepare_plain(glimpse_linear *linear, const glimpse_linear_spec *spec) {
    int round = linear->math->precision == GLIMPSE_PRECISION_BF16;
    int borrow = !round;
    for (size_t p = 0; p < spec->parts; p++) {
        borrow = borrow && spec->weights[p].dtype == GLIMPSE_DTYPE_F32 &&
                 (uintptr_t)spec->weights[p].data % sizeof(float) == 0;
    }
    size_t rows = spec->out / spec->parts;
    if (!borrow) {
        linear->memory = spec->out * spec->in * sizeof(float);
        linear->owned = malloc(linear->memory);
        if (!linear->owned) return glimpse_fail_nomem(linear->memory, "the weights of a layer");
    }
    linear->part_count = spec->parts;
    for (size_t p = 0; p < spec->parts; p++) {
        linear->parts[p].rows = rows;
        if (borrow) {
            linear->parts[p].weights = spec->weights[p].data;
            continue;
        }
        float *target = (float *)linear->owned + p * rows * spec->in;
        glimpse_numbers_to_f32(target, &spec->weights[p]);
        if (round) {
            for (size_t i = 0; i < rows * spec->in; i++)
                target[i] = glimpse_round_to_bf16(target[i]);
        }
        linear->parts[p].weights = target;
    }
    if (!borrow && !spec->transposed) {
        /* The parts now lie behind each other: one product does them all. */
        linear->part_count = 1;
        linear->parts[0].rows = spec->out;
    }
    return GLIMPSE_OK;
}

static glimpse_way choose_way(const glimpse_math *math, const glimpse_linear_spec *spec) {
    int plain = math->backend == GLIMPSE_BACKEND_PLAIN;
    if (math->precision == GLIMPSE_PRECISION_INT8) {
        if (spec->exact) return plain ? GLIMPSE_WAY_PLAIN : GLIMPSE_WAY_STORED;
        return math->backend == GLIMPSE_BACKEND_ONEDNN ? GLIMPSE_WAY_ONEDNN : GLIMPSE_WAY_INT8;
    }
    if (plain) return GLIMPSE_WAY_PLAIN;
    return math->backend == GLIMPSE_BACKEND_ONEDNN ? GLIMPSE_WAY_ONEDNN : GLIMPSE_WAY_STORED;
}

static int prepare(glimpse_linear *linear, const glimpse_linear_spec *spec) {
    int status = GLIMPSE_OK;
    switch (linear->way) {
    case GLIMPSE_WAY_PLAIN: return prepare_plain(linear, spec);
    case GLIMPSE_WAY_STORED:
        status = glimpse_stored_prepare(linear, spec);
        linear->scratch = glimpse_stored_scratch(linear);
        break;
    case GLIMPSE_WAY_INT8:
        status = glimpse_int8_prepare(linear, spec);
        if (status == GLIMPSE_OK) linear->scratch = glimpse_int8_scratch(linear);
        break;
    case GLIMPSE_WAY_ONEDNN:
        status = glimpse_onednn_prepare(linear, spec);
        linear->scratch = glimpse_onednn_scratch(linear);
        break;
    }
    return status;
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
    linear->way = choose_way(math, spec);
    status = prepare(linear, spec);
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
    if (linear->prepared) glimpse_onednn_release(linear);
    free(linear->owned);
    free(linear->bias);
    free(linear);
}

size_t glimpse_linear_memory(const glimpse_linear *linear) {
    return linear ? linear->memory : 0;
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
    void *scratch = workspace->scratch;
    switch (linear->way) {
    case GLIMPSE_WAY_STORED: return glimpse_stored_run(linear, scratch, x, rows, y);
    case GLIMPSE_WAY_INT8: return glimpse_int8_run(linear, scratch, x, rows, y);
    case GLIMPSE_WAY_ONEDNN:
        return glimpse_onednn_run(linear, workspace->onednn, scratch, x, rows, y);
    case GLIMPSE_WAY_PLAIN: glimpse_linear_run_plain(linear, x, rows, y); break;
    }
    return GLIMPSE_OK;
}

int glimpse_workspace_create(glimpse_workspace **out, const glimpse_math *math) {
    *out = NULL;
    glimpse_workspace *workspace = calloc(1, sizeof *workspace);
    if (!workspace) return glimpse_fail_nomem(sizeof *workspace, "a workspace");
    workspace->math = math;
    if (math->backend == GLIMPSE_BACKEND_ONEDNN) {
        int status = glimpse_onednn_workspace_create(&workspace->onednn);
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
    if (workspace->onednn) glimpse_onednn_workspace_free(workspace->onednn);
    free(workspace->scratch);
    free(workspace);
}

int glimpse_attends_in_bf16(const glimpse_math *math) {
    return math->backend == GLIMPSE_BACKEND_ONEDNN &&
           (math->precision == GLIMPSE_PRECISION_BF16 ||
            (math->precision == GLIMPSE_PRECISION_INT8 && glimpse_onednn_fast_bf16()));
}

int glimpse_attend_fast(const glimpse_math *math, glimpse_workspace *workspace, const float *qkv,
                        size_t rows, size_t heads, size_t head, void *out) {
    enum { WORTH_IT = 32 }; /* shorter sequences fit one tile of the kernel */
    if (rows < WORTH_IT || !glimpse_attends_in_bf16(math)) return 0;
    glimpse_attend task = {
        math->kernels, GLIMPSE_ELEMENT_BF16, math->element, qkv, rows, heads, head, 0, out};
    int status = reserve(workspace, glimpse_attend_scratch(&task));
    return status < 0 ? status
                      : glimpse_onednn_attend(workspace->onednn, &task, workspace->scratch);
}

void glimpse_gemm(const glimpse_math *math, int transpose_b, size_t m, size_t n, size_t k,
                  float alpha, const float *a, size_t lda, const float *b, size_t ldb, float *c,
                  size_t ldc) {
    if (math->backend == GLIMPSE_BACKEND_PLAIN) {
        glimpse_gemm_plain(transpose_b, m, n, k, alpha, a, lda, b, ldb, c, ldc);
    } else {
        glimpse_gemm_openblas(transpose_b, m, n, k, alpha, a, lda, b, ldb, c, ldc);
    }
}
