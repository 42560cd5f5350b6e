/*
 * math/backends.c - the table of backends, made from the list in glimpse/compute.h.
 */
#include "math/backends.h"

#include "core/error.h"

#include <string.h>

#define ROW(constant, name) [GLIMPSE_BACKEND_##constant] = &glimpse_backend_##name,
static const glimpse_backend_ops *const rows[GLIMPSE_BACKEND_COUNT] = {GLIMPSE_BACKENDS(ROW)};

#define NAME(constant, name) [GLIMPSE_BACKEND_##constant] = #name,
static const char *const backend_names[GLIMPSE_BACKEND_COUNT + 1] = {"auto",
                                                                     GLIMPSE_BACKENDS(NAME)};

static const char *const precision_names[GLIMPSE_PRECISIONS + 1] = {"auto", "f32", "bf16", "int8"};

const char *const *glimpse_backend_names(void) {
    return backend_names;
}

const char *const *glimpse_precision_names(void) {
    return precision_names;
}

const glimpse_backend_ops *glimpse_backend_get(glimpse_backend backend) {
    return (unsigned)backend < GLIMPSE_BACKEND_COUNT ? rows[backend] : NULL;
}

glimpse_merit glimpse_backend_merit(glimpse_backend backend, glimpse_precision precision) {
    const glimpse_backend_ops *ops = glimpse_backend_get(backend);
    return ops && ops->merit ? ops->merit(precision) : GLIMPSE_MERIT_ON_REQUEST;
}

int glimpse_backend_start(glimpse_math *out, glimpse_backend backend, glimpse_precision precision) {
    memset(out, 0, sizeof *out);
    if (precision == GLIMPSE_PRECISION_AUTO || (unsigned)precision >= GLIMPSE_PRECISIONS) {
        return glimpse_fail(GLIMPSE_E_INVALID, "precision %d is not known", (int)precision);
    }
    const glimpse_backend_ops *ops = glimpse_backend_get(backend);
    if (!ops) return glimpse_fail(GLIMPSE_E_INVALID, "backend %d is not known", (int)backend);
    if (ops->probe) {
        int status = ops->probe(precision);
        if (status < 0) return status;
    }
    if (!ops->precisions[precision].layers) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                            "the %s backend does not multiply in %s; use the openblas backend",
                            backend_names[backend], precision_names[precision]);
    }
    out->backend = backend;
    out->precision = precision;
    out->element = ops->precisions[precision].element;
    out->kernels = ops->kernels ? ops->kernels : glimpse_kernels_best();
    return ops->start ? ops->start() : GLIMPSE_OK;
}
