/*
 * math/backend.h - what a backend is made of: for those who write one.
 *
 *     const glimpse_backend_ops glimpse_backend_NAME = {
 *         .precisions = {[GLIMPSE_PRECISION_F32] = {&layer, GLIMPSE_ELEMENT_F32}, ...},
 *         .gemm = multiply,
 *         ...
 *     };
 *
 * in a directory of its own, with NAME in the list GLIMPSE_BACKENDS of glimpse/compute.h and the
 * directory in CMakeLists.txt: that is all. From the list comes the table (backends.c) that
 * everything else asks - the choice of AUTO, the self-test, --backend, `glimpse doctor`, the tests.
 *
 * Backends share what they like: openblas lends its sgemm and its f32 layers, int8/ its layers.
 * Arrows: a backend includes this file, what it borrows from, and weights.h; never linear.h,
 * which is above it.
 */
#ifndef GLIMPSE_MATH_BACKEND_H
#define GLIMPSE_MATH_BACKEND_H

#include "math/types.h"

#include <stddef.h>
#include <stdint.h>

enum { GLIMPSE_PRECISIONS = GLIMPSE_PRECISION_INT8 + 1 };

typedef struct glimpse_linear glimpse_linear;

/* How one layer is computed: y = activation(x W^T + bias), or y += x W^T + bias. */
typedef struct glimpse_linear_ops {
    /* Takes the weights of `spec`, by borrowing them from the file (they outlive the layer), from
     * spec->prepared, or as linear->owned; sets linear->scratch. Everything else of `linear` but
     * `own` is filled in before. On failure the layer is released. */
    int (*prepare)(glimpse_linear *linear, const glimpse_linear_spec *spec);
    /* As glimpse_linear_run(); `state` is the worker's from state_create(), `scratch` has
     * linear->scratch bytes, 64-byte aligned. */
    int (*run)(const glimpse_linear *linear, void *state, void *scratch, const void *x, size_t rows,
               void *y);
    void (*release)(glimpse_linear *linear); /* of `own`, which may be NULL; NULL: there is none */
} glimpse_linear_ops;

typedef struct glimpse_linear_part {
    const void *weights; /* [rows][in]; plain: f32, or [in][rows] when transposed */
    size_t rows;
    glimpse_dtype dtype;
} glimpse_linear_part;

struct glimpse_linear {
    const glimpse_math *math;
    const glimpse_linear_ops *ops;
    size_t in, out;
    glimpse_activation activation;
    int accumulate, transposed, has_bias;
    glimpse_element output;
    float *bias;    /* [out], owned; zeros when the layer has none */
    void *owned;    /* prepared weights that are not the file's or the cache's, or NULL; free()d */
    void *own;      /* whatever else the ops keep */
    size_t memory;  /* owned bytes */
    size_t scratch; /* bytes that a run needs in its workspace */
    /* Layers that use the weights as parts of a matrix. */
    glimpse_linear_part parts[GLIMPSE_LINEAR_PARTS];
    size_t part_count;
    /* int8 layers. */
    size_t padded;        /* in, made even */
    const int8_t *panels; /* kernels.h */
    const float *scales;  /* [out] */
};

/* Attention of one sequence: softmax(q k^T / sqrt(head)) v for all its heads, without a mask. */
typedef struct glimpse_attend {
    const glimpse_kernels *kernels;
    glimpse_element element; /* of the products' operands */
    glimpse_element result;  /* of out: the same, or F32 */
    const float *qkv;        /* [rows][3 heads head] */
    size_t rows, heads, head;
    int even_if_slow; /* for tests: also where the library has no code made for such products */
    void *out;        /* [rows][heads head] */
} glimpse_attend;

/* What makes AUTO take a backend. */
typedef enum glimpse_merit {
    GLIMPSE_MERIT_ON_REQUEST = 0, /* nothing does: it must be asked for by name */
    GLIMPSE_MERIT_COMMON,         /* it runs everywhere, and is what is fallen back on */
    GLIMPSE_MERIT_FASTER,         /* than the common one on this CPU */
    GLIMPSE_MERIT_HARDWARE        /* the CPU has instructions made for the precision; bf16 is then
                                     what AUTO means by a precision */
} glimpse_merit;

/* Members that are NULL: there is none, or as their comments say. */
typedef struct glimpse_backend_ops {
    const glimpse_kernels *kernels; /* NULL: the best of this CPU */

    struct {
        const glimpse_linear_ops *layers; /* NULL: the backend does not have this precision */
        glimpse_element element;          /* of the layers' inputs */
    } precisions[GLIMPSE_PRECISIONS];
    const glimpse_linear_ops *exact_layers; /* f32, for layers that stay so in int8; with int8 */

    /* GLIMPSE_OK where this build and this CPU can, else glimpse_fail(GLIMPSE_E_UNSUPPORTED, why
     * not and what to use instead). NULL: always. */
    int (*probe)(glimpse_precision precision);
    /* Asked before probe(); must not load a library for a precision that it has no merit in. What
     * is above COMMON is tried once by self_test.c before it is believed. NULL: ON_REQUEST. */
    glimpse_merit (*merit)(glimpse_precision precision);
    /* Called at every glimpse_math_init(); a failure is that of the call. NULL: nothing to do. */
    int (*start)(void);

    /* What a worker keeps between runs: primitives, scratchpads. */
    int (*state_create)(void **out);
    void (*state_free)(void *state);

    /* C [m][n] = alpha A B, as glimpse_gemm(). */
    void (*gemm)(int transpose_b, size_t m, size_t n, size_t k, float alpha, const float *a,
                 size_t lda, const float *b, size_t ldb, float *c, size_t ldc);

    /* Attention through bf16 products of the backend's own. attends() says where they are the
     * faster way, attend_scratch() the bytes of scratch. attend() returns 1 when it was done, 0
     * when not (then the kernel does it), or a failure. */
    int (*attends)(glimpse_precision precision);
    size_t (*attend_scratch)(const glimpse_attend *task);
    int (*attend)(void *state, const glimpse_attend *task, void *scratch);

    /* What the layout of prepared weights depends on (versions, instruction sets), for the key of
     * their cache. NULL: on nothing but the kernels. */
    void (*layout)(char *text, size_t capacity);
} glimpse_backend_ops;

#define GLIMPSE_BACKEND_DECLARE(constant, name) \
 extern const glimpse_backend_ops glimpse_backend_##name;
GLIMPSE_BACKENDS(GLIMPSE_BACKEND_DECLARE)
#undef GLIMPSE_BACKEND_DECLARE

#endif
