/*
 * math/linear_onednn.c - products through oneDNN's C API, the only file that knows it.
 *
 * Written for version 2.6 (Debian 12). Version 3 creates primitive descriptors directly instead of
 * through operation descriptors; that difference is confined to create_matmul() and reorder().
 *
 * The library is loaded on first use, not linked: it is 40 MB that an f32 process never needs.
 *
 * Weights are reordered once into the layout that oneDNN prefers for a typical number of rows;
 * primitives are made per number of rows and kept in the worker's workspace (text batches are
 * ragged, so rows are rounded up to a multiple of GLIMPSE_ROW_STEP; the extra rows are
 * computed from whatever the buffers hold and never read).
 */
#include "math/linear_internal.h"

#include "core/error.h"

#if GLIMPSE_HAVE_ONEDNN

# include <dlfcn.h>
# include <omp.h>
# include <oneapi/dnnl/dnnl.h>
# include <pthread.h>
# include <stdlib.h>
# include <string.h>

# define API_CALLS(X)                        \
  X(dnnl_engine_create)                      \
  X(dnnl_engine_destroy)                     \
  X(dnnl_stream_create)                      \
  X(dnnl_stream_destroy)                     \
  X(dnnl_memory_desc_init_by_tag)            \
  X(dnnl_memory_desc_get_size)               \
  X(dnnl_memory_create)                      \
  X(dnnl_memory_destroy)                     \
  X(dnnl_memory_set_data_handle)             \
  X(dnnl_matmul_desc_init)                   \
  X(dnnl_primitive_attr_create)              \
  X(dnnl_primitive_attr_destroy)             \
  X(dnnl_primitive_attr_set_post_ops)        \
  X(dnnl_primitive_attr_set_scratchpad_mode) \
  X(dnnl_post_ops_create)                    \
  X(dnnl_post_ops_destroy)                   \
  X(dnnl_post_ops_append_eltwise)            \
  X(dnnl_post_ops_append_sum)                \
  X(dnnl_primitive_desc_create)              \
  X(dnnl_primitive_desc_destroy)             \
  X(dnnl_primitive_desc_query_md)            \
  X(dnnl_primitive_create)                   \
  X(dnnl_primitive_destroy)                  \
  X(dnnl_primitive_execute)                  \
  X(dnnl_reorder_primitive_desc_create)      \
  X(dnnl_stream_wait)                        \
  X(dnnl_get_effective_cpu_isa)

static struct {
    void *library;
    dnnl_engine_t engine;
    dnnl_cpu_isa_t isa;
# define API_MEMBER(name) __typeof__(&name) name;
    API_CALLS(API_MEMBER)
# undef API_MEMBER
} api;

static pthread_once_t api_once = PTHREAD_ONCE_INIT;

static void load_api(void) {
    void *library = dlopen("libdnnl.so.2", RTLD_NOW | RTLD_LOCAL);
    if (!library) return;
    int complete = 1;
# define API_LOAD(name)                       \
  do {                                        \
   void *symbol = dlsym(library, #name);      \
   memcpy(&api.name, &symbol, sizeof symbol); \
   complete = complete && symbol;             \
  } while (0);
    API_CALLS(API_LOAD)
# undef API_LOAD
    if (!complete || api.dnnl_engine_create(&api.engine, dnnl_cpu, 0) != dnnl_success) {
        (void)dlclose(library);
        return;
    }
    api.isa = api.dnnl_get_effective_cpu_isa();
    api.library = library;
}

int glimpse_onednn_available(void) {
    (void)pthread_once(&api_once, load_api);
    return api.library != NULL;
}

/* Asked of the CPU first: a machine without AVX-512 does not even load the library. */
static int cpu_has_avx512(void) {
# if defined(__x86_64__)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
# else
    return 0;
# endif
}

int glimpse_onednn_multiplies_bf16(void) {
    return cpu_has_avx512() && glimpse_onednn_available() && api.isa >= dnnl_cpu_isa_avx512_core;
}

int glimpse_onednn_fast_bf16(void) {
    /* dnnl_cpu_isa_avx512_core_bf16 is numerically above the VNNI set and below the AMX ones. */
    return cpu_has_avx512() && glimpse_onednn_available() &&
           api.isa >= dnnl_cpu_isa_avx512_core_bf16;
}

enum { TYPICAL_ROWS = 512, CACHED_PRIMITIVES = 256 };

typedef struct prepared {
    dnnl_memory_desc_t weights_md;
    dnnl_memory_t weights, bias;
    void *weights_data;
    dnnl_primitive_attr_t attributes;
} prepared;

static int failed(dnnl_status_t status, const char *what) {
    if (status == dnnl_out_of_memory)
        return glimpse_fail(GLIMPSE_E_NOMEM, "oneDNN: out of memory in %s", what);
    return glimpse_fail(status == dnnl_unimplemented ? GLIMPSE_E_UNSUPPORTED : GLIMPSE_E_INTERNAL,
                        "oneDNN: %s failed with status %d", what, (int)status);
}

static dnnl_data_type_t type_of(glimpse_element element) {
    return element == GLIMPSE_ELEMENT_BF16 ? dnnl_bf16 : dnnl_f32;
}

static int create_matmul(dnnl_primitive_desc_t *out, const glimpse_linear *linear, size_t rows,
                         const dnnl_memory_desc_t *weights_md,
                         const_dnnl_primitive_attr_t attributes) {
    dnnl_dim_t m = (dnnl_dim_t)rows, n = (dnnl_dim_t)linear->out, k = (dnnl_dim_t)linear->in;
    dnnl_data_type_t input = type_of(linear->math->element);
    dnnl_memory_desc_t src, weights, bias, dst;
    dnnl_matmul_desc_t desc;
    dnnl_status_t status =
        api.dnnl_memory_desc_init_by_tag(&src, 2, (dnnl_dims_t){m, k}, input, dnnl_ab);
    if (status == dnnl_success) {
        status = api.dnnl_memory_desc_init_by_tag(&weights, 2, (dnnl_dims_t){k, n}, input,
                                                  dnnl_format_tag_any);
    }
    if (status == dnnl_success) {
        status = api.dnnl_memory_desc_init_by_tag(&bias, 2, (dnnl_dims_t){1, n}, dnnl_f32, dnnl_ab);
    }
    if (status == dnnl_success) {
        status = api.dnnl_memory_desc_init_by_tag(&dst, 2, (dnnl_dims_t){m, n},
                                                  type_of(linear->output), dnnl_ab);
    }
    if (status == dnnl_success) {
        status = api.dnnl_matmul_desc_init(&desc, &src, weights_md ? weights_md : &weights,
                                           linear->has_bias ? &bias : NULL, &dst);
    }
    if (status == dnnl_success) {
        status = api.dnnl_primitive_desc_create(out, &desc, attributes, api.engine, NULL);
    }
    return status == dnnl_success ? GLIMPSE_OK : failed(status, "creating a product");
}

static int reorder(dnnl_memory_t from, const dnnl_memory_desc_t *from_md, dnnl_memory_t to,
                   const dnnl_memory_desc_t *to_md) {
    dnnl_primitive_desc_t desc = NULL;
    dnnl_primitive_t primitive = NULL;
    dnnl_stream_t stream = NULL;
    dnnl_status_t status =
        api.dnnl_reorder_primitive_desc_create(&desc, from_md, api.engine, to_md, api.engine, NULL);
    if (status == dnnl_success) status = api.dnnl_primitive_create(&primitive, desc);
    if (status == dnnl_success) {
        status = api.dnnl_stream_create(&stream, api.engine, dnnl_stream_default_flags);
    }
    if (status == dnnl_success) {
        dnnl_exec_arg_t args[2] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
        status = api.dnnl_primitive_execute(primitive, stream, 2, args);
    }
    if (status == dnnl_success) status = api.dnnl_stream_wait(stream);
    if (stream) (void)api.dnnl_stream_destroy(stream);
    if (primitive) (void)api.dnnl_primitive_destroy(primitive);
    if (desc) (void)api.dnnl_primitive_desc_destroy(desc);
    return status == dnnl_success ? GLIMPSE_OK : failed(status, "reordering weights");
}

static int make_attributes(dnnl_primitive_attr_t *out, const glimpse_linear *linear) {
    dnnl_post_ops_t post_ops = NULL;
    dnnl_status_t status = api.dnnl_primitive_attr_create(out);
    if (status == dnnl_success) status = api.dnnl_post_ops_create(&post_ops);
    if (status == dnnl_success && linear->activation == GLIMPSE_ACTIVATION_QUICK_GELU) {
        status = api.dnnl_post_ops_append_eltwise(post_ops, 1.0f, dnnl_eltwise_swish, 1.702f, 0.0f);
    }
    if (status == dnnl_success && linear->activation == GLIMPSE_ACTIVATION_GELU) {
        status =
            api.dnnl_post_ops_append_eltwise(post_ops, 1.0f, dnnl_eltwise_gelu_erf, 0.0f, 0.0f);
    }
    if (status == dnnl_success && linear->activation == GLIMPSE_ACTIVATION_GELU_TANH) {
        status =
            api.dnnl_post_ops_append_eltwise(post_ops, 1.0f, dnnl_eltwise_gelu_tanh, 0.0f, 0.0f);
    }
    if (status == dnnl_success && linear->accumulate) {
        status = api.dnnl_post_ops_append_sum(post_ops, 1.0f);
    }
    if (status == dnnl_success) status = api.dnnl_primitive_attr_set_post_ops(*out, post_ops);
    if (status == dnnl_success) {
        status = api.dnnl_primitive_attr_set_scratchpad_mode(*out, dnnl_scratchpad_mode_user);
    }
    if (post_ops) (void)api.dnnl_post_ops_destroy(post_ops);
    return status == dnnl_success ? GLIMPSE_OK : failed(status, "setting up a product");
}

int glimpse_onednn_prepare(glimpse_linear *linear, const glimpse_linear_spec *spec) {
    int status = GLIMPSE_OK;
    size_t count = linear->in * linear->out, rows = linear->out / spec->parts;
    dnnl_primitive_desc_t desc = NULL;
    dnnl_memory_t plain = NULL;
    float *weights = NULL;
    prepared *p = calloc(1, sizeof *p);
    if (!p) return glimpse_fail_nomem(sizeof *p, "a layer");
    linear->prepared = p;
    status = make_attributes(&p->attributes, linear);
    if (status < 0) goto done;
    status = create_matmul(&desc, linear, TYPICAL_ROWS, NULL, p->attributes);
    if (status < 0) goto done;
    const dnnl_memory_desc_t *wanted =
        api.dnnl_primitive_desc_query_md(desc, dnnl_query_weights_md, 0);
    p->weights_md = *wanted;

    weights = malloc(count * sizeof *weights);
    if (!weights) {
        status = glimpse_fail_nomem(count * sizeof *weights, "the weights of a layer");
        goto done;
    }
    for (size_t i = 0; i < spec->parts; i++) {
        glimpse_numbers_to_f32(weights + i * rows * linear->in, &spec->weights[i]);
    }
    /* As oneDNN sees it the weights are [K][N]; ours are stored [N][K] unless transposed. */
    dnnl_memory_desc_t stored;
    dnnl_status_t result = api.dnnl_memory_desc_init_by_tag(
        &stored, 2, (dnnl_dims_t){(dnnl_dim_t)linear->in, (dnnl_dim_t)linear->out}, dnnl_f32,
        spec->transposed ? dnnl_ab : dnnl_ba);
    size_t bytes = api.dnnl_memory_desc_get_size(&p->weights_md);
    size_t rounded = (bytes + 63) / 64 * 64;
    p->weights_data = aligned_alloc(64, rounded ? rounded : 64);
    if (!p->weights_data) {
        status = glimpse_fail_nomem(bytes, "the weights of a layer");
        goto done;
    }
    linear->memory += bytes;
    if (result == dnnl_success)
        result = api.dnnl_memory_create(&plain, &stored, api.engine, weights);
    if (result == dnnl_success) {
        result = api.dnnl_memory_create(&p->weights, &p->weights_md, api.engine, p->weights_data);
    }
    dnnl_memory_desc_t bias_md;
    if (result == dnnl_success) {
        result = api.dnnl_memory_desc_init_by_tag(
            &bias_md, 2, (dnnl_dims_t){1, (dnnl_dim_t)linear->out}, dnnl_f32, dnnl_ab);
    }
    if (result == dnnl_success) {
        result = api.dnnl_memory_create(&p->bias, &bias_md, api.engine, linear->bias);
    }
    status = result == dnnl_success ? reorder(plain, &stored, p->weights, &p->weights_md)
                                    : failed(result, "preparing weights");
done:
    if (plain) (void)api.dnnl_memory_destroy(plain);
    if (desc) (void)api.dnnl_primitive_desc_destroy(desc);
    free(weights);
    return status; /* on failure glimpse_linear_free releases what is there */
}

void glimpse_onednn_release(glimpse_linear *linear) {
    prepared *p = linear->prepared;
    if (p->weights) (void)api.dnnl_memory_destroy(p->weights);
    if (p->bias) (void)api.dnnl_memory_destroy(p->bias);
    if (p->attributes) (void)api.dnnl_primitive_attr_destroy(p->attributes);
    free(p->weights_data);
    free(p);
    linear->prepared = NULL;
}

/* A primitive for one layer and one number of rows, with its memory handles. */
typedef struct entry {
    const glimpse_linear *linear;
    size_t rows;
    dnnl_primitive_t primitive;
    dnnl_memory_t src, dst, scratchpad;
} entry;

typedef struct workspace {
    dnnl_stream_t stream;
    entry entries[CACHED_PRIMITIVES]; /* direct-mapped: a clash replaces */
    void *scratchpad;
    size_t scratchpad_bytes;
} workspace;

int glimpse_onednn_workspace_create(void **out) {
    *out = NULL;
    workspace *w = calloc(1, sizeof *w);
    if (!w) return glimpse_fail_nomem(sizeof *w, "a workspace");
    dnnl_status_t status =
        api.dnnl_stream_create(&w->stream, api.engine, dnnl_stream_default_flags);
    if (status != dnnl_success) {
        free(w);
        return failed(status, "creating a stream");
    }
    *out = w;
    return GLIMPSE_OK;
}

static void clear_entry(entry *e) {
    if (e->src) (void)api.dnnl_memory_destroy(e->src);
    if (e->dst) (void)api.dnnl_memory_destroy(e->dst);
    if (e->scratchpad) (void)api.dnnl_memory_destroy(e->scratchpad);
    if (e->primitive) (void)api.dnnl_primitive_destroy(e->primitive);
    memset(e, 0, sizeof *e);
}

void glimpse_onednn_workspace_free(void *opaque) {
    workspace *w = opaque;
    for (size_t i = 0; i < CACHED_PRIMITIVES; i++)
        clear_entry(&w->entries[i]);
    (void)api.dnnl_stream_destroy(w->stream);
    free(w->scratchpad);
    free(w);
}

static int fill_entry(workspace *w, entry *e, const glimpse_linear *linear, size_t rows) {
    const prepared *p = linear->prepared;
    dnnl_primitive_desc_t desc = NULL;
    clear_entry(e);
    int status = create_matmul(&desc, linear, rows, &p->weights_md, p->attributes);
    if (status < 0) return status;
    const dnnl_memory_desc_t *src = api.dnnl_primitive_desc_query_md(desc, dnnl_query_src_md, 0);
    const dnnl_memory_desc_t *dst = api.dnnl_primitive_desc_query_md(desc, dnnl_query_dst_md, 0);
    const dnnl_memory_desc_t *pad =
        api.dnnl_primitive_desc_query_md(desc, dnnl_query_scratchpad_md, 0);
    dnnl_status_t result = api.dnnl_primitive_create(&e->primitive, desc);
    if (result == dnnl_success) {
        result = api.dnnl_memory_create(&e->src, src, api.engine, DNNL_MEMORY_NONE);
    }
    if (result == dnnl_success) {
        result = api.dnnl_memory_create(&e->dst, dst, api.engine, DNNL_MEMORY_NONE);
    }
    if (result == dnnl_success) {
        result = api.dnnl_memory_create(&e->scratchpad, pad, api.engine, DNNL_MEMORY_NONE);
    }
    size_t bytes = (api.dnnl_memory_desc_get_size(pad) + 63) / 64 * 64;
    (void)api.dnnl_primitive_desc_destroy(desc);
    if (result == dnnl_success && bytes > w->scratchpad_bytes) {
        free(w->scratchpad);
        w->scratchpad = aligned_alloc(64, bytes);
        w->scratchpad_bytes = w->scratchpad ? bytes : 0;
        if (!w->scratchpad) {
            clear_entry(e);
            return glimpse_fail_nomem(bytes, "a product's scratchpad");
        }
    }
    if (result != dnnl_success) {
        clear_entry(e);
        return failed(result, "creating a product");
    }
    e->linear = linear;
    e->rows = rows;
    return GLIMPSE_OK;
}

int glimpse_onednn_run(const glimpse_linear *linear, void *opaque, const void *x, size_t rows,
                       void *y) {
    workspace *w = opaque;
    const prepared *p = linear->prepared;
    rows = glimpse_padded_rows(rows);
    size_t slot =
        ((uintptr_t)linear / sizeof(void *) * 31 + rows / GLIMPSE_ROW_STEP * 7) % CACHED_PRIMITIVES;
    entry *e = &w->entries[slot];
    if (e->linear != linear || e->rows != rows) {
        int status = fill_entry(w, e, linear, rows);
        if (status < 0) return status;
    }
    /* x is only read; oneDNN's handles are not const. */
    void *source = (void *)(uintptr_t)x;
    dnnl_status_t result = api.dnnl_memory_set_data_handle(e->src, source);
    if (result == dnnl_success) result = api.dnnl_memory_set_data_handle(e->dst, y);
    if (result == dnnl_success) {
        result = api.dnnl_memory_set_data_handle(e->scratchpad, w->scratchpad);
    }
    if (result != dnnl_success) return failed(result, "binding a product's memory");
    dnnl_exec_arg_t args[5] = {{DNNL_ARG_SRC, e->src},
                               {DNNL_ARG_WEIGHTS, p->weights},
                               {DNNL_ARG_DST, e->dst},
                               {DNNL_ARG_SCRATCHPAD, e->scratchpad},
                               {DNNL_ARG_BIAS, p->bias}};
    /* One worker, one thread: the setting is the calling thread's own and put back. */
    int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    result = api.dnnl_primitive_execute(e->primitive, w->stream, linear->has_bias ? 5 : 4, args);
    if (result == dnnl_success) result = api.dnnl_stream_wait(w->stream);
    omp_set_num_threads(threads);
    return result == dnnl_success ? GLIMPSE_OK : failed(result, "a product");
}

#else /* without oneDNN */

int glimpse_onednn_available(void) {
    return 0;
}
int glimpse_onednn_multiplies_bf16(void) {
    return 0;
}
int glimpse_onednn_fast_bf16(void) {
    return 0;
}
int glimpse_onednn_prepare(glimpse_linear *linear, const glimpse_linear_spec *spec) {
    (void)linear;
    (void)spec;
    return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "this build has no oneDNN");
}
void glimpse_onednn_release(glimpse_linear *linear) {
    (void)linear;
}
int glimpse_onednn_workspace_create(void **out) {
    *out = NULL;
    return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "this build has no oneDNN");
}
void glimpse_onednn_workspace_free(void *workspace) {
    (void)workspace;
}
int glimpse_onednn_run(const glimpse_linear *linear, void *workspace, const void *x, size_t rows,
                       void *y) {
    (void)linear, (void)workspace, (void)x, (void)rows, (void)y;
    return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "this build has no oneDNN");
}

#endif
