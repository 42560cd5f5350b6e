/*
 * math/backends.h - the table of backends.
 */
#ifndef GLIMPSE_MATH_BACKENDS_H
#define GLIMPSE_MATH_BACKENDS_H

#include "math/backend.h"

enum {
    GLIMPSE_BACKEND_COUNT = 1 /* with AUTO */
#define GLIMPSE_BACKEND_ONE_MORE(constant, name) +1
    GLIMPSE_BACKENDS(GLIMPSE_BACKEND_ONE_MORE)
#undef GLIMPSE_BACKEND_ONE_MORE
};

/* NULL for AUTO and for what is no backend. */
const glimpse_backend_ops *glimpse_backend_get(glimpse_backend backend);

/* ON_REQUEST for what is no backend. */
glimpse_merit glimpse_backend_merit(glimpse_backend backend, glimpse_precision precision);

/* Fills `out` for a backend and a precision that are named, neither AUTO. GLIMPSE_E_INVALID for
 * unknown values, GLIMPSE_E_UNSUPPORTED where this build or CPU cannot. */
int glimpse_backend_start(glimpse_math *out, glimpse_backend backend, glimpse_precision precision);

#endif
