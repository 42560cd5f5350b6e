/*
 * glimpse/compute.h - how a network is computed: in which precision its matrices are multiplied,
 * and by whom.
 *
 *     glimpse_model_options options = GLIMPSE_MODEL_OPTIONS_INIT;
 *     options.precision = GLIMPSE_PRECISION_F32;
 *     options.backend = GLIMPSE_BACKEND_OPENBLAS;
 *
 * AUTO is right for nearly everybody. What a build or a CPU cannot do is refused where a model is
 * opened, with GLIMPSE_E_UNSUPPORTED and a message that says why; `glimpse doctor` tries them all.
 *
 * Threads: any, where nothing else is said; the names are constant.
 */
#ifndef GLIMPSE_COMPUTE_H
#define GLIMPSE_COMPUTE_H

#include <glimpse/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum glimpse_precision {
    GLIMPSE_PRECISION_AUTO = 0, /* BF16 where the CPU multiplies it in hardware, else F32 */
    GLIMPSE_PRECISION_F32,
    GLIMPSE_PRECISION_BF16, /* products of bf16 numbers summed in f32; everything else f32. Without
                               hardware for it the operands are rounded and multiplied in f32: the
                               same numbers, no gain in speed */
    GLIMPSE_PRECISION_INT8  /* products of whole numbers -127..127, exactly summed: weights with a
                               scale per output, activations with one per token; everything else
                               f32. Cosine to F32 above 0.99. Never chosen by AUTO */
} glimpse_precision;

/*
 * The backends, one line each: X(constant, name). The enumeration below, the list of names and the
 * library's own table are made from this list, so its order fixes the values: new ones go last.
 *
 *     PLAIN     loops in C: the oracle, very slow
 *     OPENBLAS  f32; bf16 through rounded operands; int8 by kernels of our own
 *     ONEDNN    f32; bf16 where the CPU has AVX-512, int8 where it has VNNI, both far faster where
 *               it has AMX
 */
#define GLIMPSE_BACKENDS(X) \
 X(PLAIN, plain)            \
 X(OPENBLAS, openblas)      \
 X(ONEDNN, onednn)

typedef enum glimpse_backend {
    GLIMPSE_BACKEND_AUTO = 0, /* the fastest of the others for the precision */
#define GLIMPSE_BACKEND_CONSTANT(constant, name) GLIMPSE_BACKEND_##constant,
    GLIMPSE_BACKENDS(GLIMPSE_BACKEND_CONSTANT)
#undef GLIMPSE_BACKEND_CONSTANT
} glimpse_backend;

/* "auto", "f32", ... and "auto", "plain", ...: the place of a name is its value; NULL after the
 * last. For options and settings. Strings and lists are static. */
GLIMPSE_API const char *const *glimpse_precision_names(void);
GLIMPSE_API const char *const *glimpse_backend_names(void);

/* For the start of a program that multiplies matrices through this library alone: ends the threads
 * that OpenBLAS starts when it is loaded, one less than there are cores, which wait for work in a
 * loop for the first hundredths of a second. Nothing here uses them; OpenBLAS makes new ones when
 * somebody raises its number of threads. Not while another thread may be inside OpenBLAS. */
GLIMPSE_API void glimpse_compute_end_idle_threads(void);

#ifdef __cplusplus
}
#endif

#endif
