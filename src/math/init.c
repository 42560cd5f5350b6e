/*
 * math/init.c - chooses the backend and the precision.
 *
 * AUTO asks the table of backends for their merits. A backend that would be taken for being fast is
 * tried first (self_test.c); one that was asked for by name is not.
 */
#include "math/init.h"

#include "math/backends.h"
#include "math/self_test.h"

#include <stdio.h>

static int has_hardware(glimpse_backend backend, glimpse_precision precision) {
    return glimpse_backend_merit(backend, precision) == GLIMPSE_MERIT_HARDWARE;
}

int glimpse_math_has_fast_bf16(void) {
    for (int b = GLIMPSE_BACKEND_AUTO + 1; b < GLIMPSE_BACKEND_COUNT; b++) {
        if (has_hardware((glimpse_backend)b, GLIMPSE_PRECISION_BF16)) return 1;
    }
    return 0;
}

static glimpse_precision choose_precision(glimpse_backend backend) {
    if (backend != GLIMPSE_BACKEND_AUTO) {
        return has_hardware(backend, GLIMPSE_PRECISION_BF16) ? GLIMPSE_PRECISION_BF16
                                                             : GLIMPSE_PRECISION_F32;
    }
    for (int b = GLIMPSE_BACKEND_AUTO + 1; b < GLIMPSE_BACKEND_COUNT; b++) {
        if (has_hardware((glimpse_backend)b, GLIMPSE_PRECISION_BF16) &&
            glimpse_backend_trusted((glimpse_backend)b, GLIMPSE_PRECISION_BF16)) {
            return GLIMPSE_PRECISION_BF16;
        }
    }
    return GLIMPSE_PRECISION_F32;
}

/* The one of greatest merit; AUTO when no backend has any. */
static glimpse_backend choose_backend(glimpse_precision precision) {
    glimpse_backend best = GLIMPSE_BACKEND_AUTO;
    glimpse_merit max = GLIMPSE_MERIT_ON_REQUEST;
    for (int b = GLIMPSE_BACKEND_AUTO + 1; b < GLIMPSE_BACKEND_COUNT; b++) {
        const glimpse_merit merit = glimpse_backend_merit((glimpse_backend)b, precision);
        if (merit <= max) continue;
        if (merit > GLIMPSE_MERIT_COMMON && !glimpse_backend_trusted((glimpse_backend)b, precision))
            continue;
        best = (glimpse_backend)b;
        max = merit;
    }
    return best;
}

int glimpse_math_init(glimpse_math *out, glimpse_backend backend, glimpse_precision precision) {
    if (precision == GLIMPSE_PRECISION_AUTO) precision = choose_precision(backend);
    if (backend == GLIMPSE_BACKEND_AUTO && (unsigned)precision < GLIMPSE_PRECISIONS) {
        backend = choose_backend(precision);
    }
    return glimpse_backend_start(out, backend, precision);
}

void glimpse_math_describe(char *text, size_t capacity, const glimpse_math *math) {
    (void)snprintf(text, capacity, "%s %s (%s)", glimpse_backend_names()[math->backend],
                   glimpse_precision_names()[math->precision], math->kernels->name);
}

void glimpse_math_layout(char *text, size_t capacity, const glimpse_math *math) {
    const glimpse_backend_ops *ops = glimpse_backend_get(math->backend);
    if (ops->layout) {
        ops->layout(text, capacity);
    } else {
        (void)snprintf(text, capacity, "%s panel %zu", glimpse_backend_names()[math->backend],
                       math->kernels->panel);
    }
}
