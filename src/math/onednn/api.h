/*
 * math/onednn/api.h - oneDNN's C API, loaded when it is first needed, and what this machine can do
 * with it.
 *
 * The library is not linked: it is 40 MB that an f32 process never needs. Written for version 2.6
 * (Debian 12). Version 3 creates primitive descriptors directly instead of through operation
 * descriptors; that concerns the three functions that call matmul_desc_init() or
 * reorder_primitive_desc_create().
 *
 * oneDNN asks OpenMP how many threads there are when a primitive is made, and blocks for that many;
 * so one thread is set (for the calling thread alone, and put back) at making as well as running.
 */
#ifndef GLIMPSE_MATH_ONEDNN_API_H
#define GLIMPSE_MATH_ONEDNN_API_H

#include "math/kernels/kernels.h"

#include <oneapi/dnnl/dnnl.h>
#include <stddef.h>

#define GLIMPSE_DNNL_CALLS(X)          \
 X(engine_create)                      \
 X(engine_destroy)                     \
 X(stream_create)                      \
 X(stream_destroy)                     \
 X(memory_desc_init_by_tag)            \
 X(memory_desc_get_size)               \
 X(memory_create)                      \
 X(memory_destroy)                     \
 X(memory_set_data_handle)             \
 X(matmul_desc_init)                   \
 X(primitive_attr_create)              \
 X(primitive_attr_destroy)             \
 X(primitive_attr_set_post_ops)        \
 X(primitive_attr_set_scratchpad_mode) \
 X(primitive_attr_set_output_scales)   \
 X(primitive_desc_query)               \
 X(post_ops_create)                    \
 X(post_ops_destroy)                   \
 X(post_ops_append_eltwise)            \
 X(post_ops_append_sum)                \
 X(primitive_desc_create)              \
 X(primitive_desc_destroy)             \
 X(primitive_desc_query_md)            \
 X(primitive_create)                   \
 X(primitive_destroy)                  \
 X(primitive_execute)                  \
 X(reorder_primitive_desc_create)      \
 X(stream_wait)                        \
 X(version)                            \
 X(get_effective_cpu_isa)

/* The calls without their prefix: glimpse_dnnl.stream_create() is dnnl_stream_create(). Filled by
 * the first glimpse_onednn_available() that returns 1, not before. */
typedef struct glimpse_dnnl_api {
    dnnl_engine_t engine;
    dnnl_cpu_isa_t isa;
#define GLIMPSE_DNNL_MEMBER(name) __typeof__(&dnnl_##name) name;
    GLIMPSE_DNNL_CALLS(GLIMPSE_DNNL_MEMBER)
#undef GLIMPSE_DNNL_MEMBER
} glimpse_dnnl_api;
extern glimpse_dnnl_api glimpse_dnnl;

/* Each 1 or 0; any thread. */
int glimpse_onednn_available(void);       /* the library can be loaded and is whole */
int glimpse_onednn_multiplies_bf16(void); /* can at all: AVX-512 and up */
int glimpse_onednn_fast_bf16(void);       /* in hardware */
int glimpse_onednn_fast_int8(void);       /* in hardware, exactly: VNNI or AMX */

/* What is missing, after glimpse_onednn_available() returned 0: GLIMPSE_E_UNSUPPORTED. */
int glimpse_onednn_missing(void);

/* glimpse_fail() with the status in its message. */
int glimpse_onednn_failed(dnnl_status_t status, const char *what);

/* A stream of the engine, to be destroyed. */
int glimpse_onednn_stream_create(dnnl_stream_t *out);

/* Address space that must be free before a primitive is made: its code generator throws through
 * functions that must not, which ends the program. */
enum { GLIMPSE_ONEDNN_HEADROOM = 64 << 20 };

/* Returns what to put back with omp_set_num_threads(); the setting is the calling thread's own. */
int glimpse_onednn_one_thread(void);

dnnl_data_type_t glimpse_onednn_type(glimpse_element element);

static inline size_t glimpse_onednn_round_up(size_t bytes) {
    return (bytes + 63) / 64 * 64;
}

#endif
