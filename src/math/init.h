/*
 * math/init.h - choosing the backend and the precision.
 *
 * OpenBLAS keeps its number of threads per process, so the first glimpse_math_init() that may use
 * it sets that to 1: parallelism is across workers.
 */
#ifndef GLIMPSE_MATH_INIT_H
#define GLIMPSE_MATH_INIT_H

#include "math/types.h"

#include <stddef.h>

/* Resolves AUTO. GLIMPSE_E_UNSUPPORTED when this build or CPU cannot do what was asked for. */
int glimpse_math_init(glimpse_math *out, glimpse_backend backend, glimpse_precision precision);

/* 1 when the CPU multiplies bf16 in hardware (AVX512_BF16 or AMX) and a backend can make use of
 * it. */
int glimpse_math_has_fast_bf16(void);

/* For people: "openblas f32 (avx2)". */
void glimpse_math_describe(char *text, size_t capacity, const glimpse_math *math);
/* What the bytes of prepared weights depend on besides the model and the precision. */
void glimpse_math_layout(char *text, size_t capacity, const glimpse_math *math);

#endif
