/*
 * math/openblas/openblas.c - the backend that works everywhere, and what AUTO falls back on.
 */
#include "math/backend.h"
#include "math/int8/int8.h"
#include "math/openblas/sgemm.h"
#include "math/openblas/stored.h"

static glimpse_merit merit(glimpse_precision precision) {
    (void)precision;
    return GLIMPSE_MERIT_COMMON;
}

const glimpse_backend_ops glimpse_backend_openblas = {
    .precisions = {[GLIMPSE_PRECISION_F32] = {&glimpse_stored_layers, GLIMPSE_ELEMENT_F32},
                   [GLIMPSE_PRECISION_BF16] = {&glimpse_stored_layers, GLIMPSE_ELEMENT_F32_BF},
                   [GLIMPSE_PRECISION_INT8] = {&glimpse_int8_layers, GLIMPSE_ELEMENT_F32}},
    .exact_layers = &glimpse_stored_layers,
    .merit = merit,
    .start = glimpse_openblas_start,
    .gemm = glimpse_openblas_gemm,
};
