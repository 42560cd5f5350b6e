/*
 * math/onednn/onednn.c - the backend for CPUs with matrix units or AVX-512. In a build without
 * oneDNN it only says so.
 */
#include "core/error.h"
#include "math/backend.h"

#if GLIMPSE_HAVE_ONEDNN

# include "math/onednn/api.h"
# include "math/onednn/attention.h"
# include "math/onednn/layers.h"
# include "math/openblas/sgemm.h"
# include "math/openblas/stored.h"

# include <stdio.h>
# include <stdlib.h>

static int probe(glimpse_precision precision) {
    if (!glimpse_onednn_available()) {
        int status = glimpse_onednn_missing();
        return glimpse_fail(status, "%s; or use the openblas backend", glimpse_last_error());
    }
    if (precision == GLIMPSE_PRECISION_BF16 && !glimpse_onednn_multiplies_bf16()) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                            "oneDNN multiplies bf16 only on CPUs with AVX-512; use the openblas "
                            "backend, which rounds to bf16 and multiplies in f32");
    }
    if (precision == GLIMPSE_PRECISION_INT8 && !glimpse_onednn_fast_int8()) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                            "oneDNN multiplies int8 exactly only on CPUs with VNNI or AMX; use the "
                            "openblas backend, which has kernels of its own for it");
    }
    return GLIMPSE_OK;
}

/* Not in f32: one text takes three times as long as with OpenBLAS, and so does opening a model. */
static glimpse_merit merit(glimpse_precision precision) {
    switch (precision) {
    case GLIMPSE_PRECISION_BF16:
        if (glimpse_onednn_fast_bf16()) return GLIMPSE_MERIT_HARDWARE;
        return glimpse_onednn_multiplies_bf16() ? GLIMPSE_MERIT_FASTER : GLIMPSE_MERIT_ON_REQUEST;
    case GLIMPSE_PRECISION_INT8:
        return glimpse_onednn_fast_int8() ? GLIMPSE_MERIT_HARDWARE : GLIMPSE_MERIT_ON_REQUEST;
    case GLIMPSE_PRECISION_AUTO:
    case GLIMPSE_PRECISION_F32: break;
    }
    return GLIMPSE_MERIT_ON_REQUEST;
}

typedef struct state {
    glimpse_onednn_products *products;
    glimpse_onednn_attentions *attentions;
} state;

static void state_free(void *opaque) {
    state *s = opaque;
    glimpse_onednn_products_free(s->products);
    glimpse_onednn_attentions_free(s->attentions);
    free(s);
}

static int state_create(void **out) {
    *out = NULL;
    state *s = calloc(1, sizeof *s);
    if (!s) return glimpse_fail_nomem(sizeof *s, "a workspace");
    int status = glimpse_onednn_products_create(&s->products);
    if (status == GLIMPSE_OK) status = glimpse_onednn_attentions_create(&s->attentions);
    if (status < 0) {
        state_free(s);
        return status;
    }
    *out = s;
    return GLIMPSE_OK;
}

static int run(const glimpse_linear *linear, void *opaque, void *scratch, const void *x,
               size_t rows, void *y) {
    const state *s = opaque;
    return glimpse_onednn_run(linear, s->products, scratch, x, rows, y);
}

/* In f32 only where the tests ask for it: the kernel is faster. */
static int attends(glimpse_precision precision) {
    return precision == GLIMPSE_PRECISION_BF16 ||
           (precision == GLIMPSE_PRECISION_INT8 && glimpse_onednn_fast_bf16());
}

static int attend(void *opaque, const glimpse_attend *task, void *scratch) {
    const state *s = opaque;
    return glimpse_onednn_attend(s->attentions, task, scratch);
}

static void layout(char *text, size_t capacity) {
    const dnnl_version_t *version = glimpse_onednn_available() ? glimpse_dnnl.version() : NULL;
    (void)snprintf(text, capacity, "onednn %d.%d.%d isa %x", version ? version->major : 0,
                   version ? version->minor : 0, version ? version->patch : 0,
                   (unsigned)glimpse_dnnl.isa);
}

static const glimpse_linear_ops layers = {
    .prepare = glimpse_onednn_prepare, .run = run, .release = glimpse_onednn_release};

const glimpse_backend_ops glimpse_backend_onednn = {
    .precisions = {[GLIMPSE_PRECISION_F32] = {&layers, GLIMPSE_ELEMENT_F32},
                   [GLIMPSE_PRECISION_BF16] = {&layers, GLIMPSE_ELEMENT_BF16},
                   [GLIMPSE_PRECISION_INT8] = {&layers, GLIMPSE_ELEMENT_F32}},
    .exact_layers = &glimpse_stored_layers,
    .probe = probe,
    .merit = merit,
    .start = glimpse_openblas_start,
    .state_create = state_create,
    .state_free = state_free,
    .gemm = glimpse_openblas_gemm,
    .attends = attends,
    .attend_scratch = glimpse_onednn_attend_scratch,
    .attend = attend,
    .layout = layout,
};

#else

static int probe(glimpse_precision precision) {
    (void)precision;
    return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                        "oneDNN is not in this build; use the openblas backend");
}

const glimpse_backend_ops glimpse_backend_onednn = {.probe = probe};

#endif
