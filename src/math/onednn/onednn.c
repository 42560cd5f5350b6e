/*
 * math/onednn/onednn.c - products through oneDNN's C API, the only file that knows it.
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
 *
 * oneDNN asks OpenMP how many threads there are when a primitive is made, and blocks for that many;
 * so one thread is set (for the calling thread alone, and put back) at making as well as running.
 *
 * int8: oneDNN multiplies whole numbers into int32 sums; scales, bias, activation and residual
 * follow in a pass of our own over a piece of rows that is still in the cache (int8/int8.c says
 * what is computed; version 2.6 has no output scale per row). Source and weights are both signed:
 * AMX takes that as it is, on VNNI the reorder adds a compensation behind the weights.
 */
#include "math/backend.h"

#include "core/error.h"
#include "math/onednn/attention.h"

#if GLIMPSE_HAVE_ONEDNN

# include <dlfcn.h>
# include <math.h>
# include <omp.h>
# include <oneapi/dnnl/dnnl.h>
# include <pthread.h>
# include <stdio.h>
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
  X(dnnl_primitive_attr_set_output_scales)   \
  X(dnnl_primitive_desc_query)               \
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
  X(dnnl_version)                            \
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

/* Sets of instructions are sets of bits, so that AVX2 with VNNI is not taken for AVX-512. */
static int has_isa(dnnl_cpu_isa_t wanted) {
    return cpu_has_avx512() && glimpse_onednn_available() &&
           ((unsigned)api.isa & (unsigned)wanted) == (unsigned)wanted;
}

int glimpse_onednn_multiplies_bf16(void) {
    return has_isa(dnnl_cpu_isa_avx512_core);
}

int glimpse_onednn_fast_bf16(void) {
    return has_isa(dnnl_cpu_isa_avx512_core_bf16);
}

int glimpse_onednn_fast_int8(void) {
    return has_isa(dnnl_cpu_isa_avx512_core_vnni);
}

/* What decides the layout of prepared weights, for the key of a cache. */
void glimpse_onednn_describe(char *text, size_t room) {
    const dnnl_version_t *version = glimpse_onednn_available() ? api.dnnl_version() : NULL;
    (void)snprintf(text, room, "onednn %d.%d.%d isa %x", version ? version->major : 0,
                   version ? version->minor : 0, version ? version->patch : 0, (unsigned)api.isa);
}

enum { TYPICAL_ROWS = 512, CACHED_PRIMITIVES = 256, INT8_ROWS = 256, MOST_ATTENTIONS = 4 };

static int is_int8(const glimpse_linear *linear) {
    return linear->math->precision == GLIMPSE_PRECISION_INT8;
}

typedef struct prepared {
    dnnl_memory_desc_t weights_md;
    dnnl_memory_t weights, bias;
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

/* Returns what to put back with omp_set_num_threads(); the setting is the calling thread's own. */
static int one_thread(void) {
    int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    return threads;
}

static int has_fused_bias(const glimpse_linear *linear) {
    return linear->has_bias && !is_int8(linear);
}

static int create_matmul(dnnl_primitive_desc_t *out, const glimpse_linear *linear, size_t rows,
                         const dnnl_memory_desc_t *weights_md,
                         const_dnnl_primitive_attr_t attributes) {
    dnnl_dim_t m = (dnnl_dim_t)rows, n = (dnnl_dim_t)linear->out, k = (dnnl_dim_t)linear->in;
    dnnl_data_type_t input = is_int8(linear) ? dnnl_s8 : type_of(linear->math->element);
    dnnl_data_type_t output = is_int8(linear) ? dnnl_s32 : type_of(linear->output);
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
        status = api.dnnl_memory_desc_init_by_tag(&dst, 2, (dnnl_dims_t){m, n}, output, dnnl_ab);
    }
    if (status == dnnl_success) {
        status = api.dnnl_matmul_desc_init(&desc, &src, weights_md ? weights_md : &weights,
                                           has_fused_bias(linear) ? &bias : NULL, &dst);
    }
    if (status == dnnl_success) {
        int threads = one_thread();
        status = api.dnnl_primitive_desc_create(out, &desc, attributes, api.engine, NULL);
        omp_set_num_threads(threads);
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
    int fused = !is_int8(linear);
    if (status == dnnl_success && fused && linear->activation == GLIMPSE_ACTIVATION_QUICK_GELU) {
        status = api.dnnl_post_ops_append_eltwise(post_ops, 1.0f, dnnl_eltwise_swish, 1.702f, 0.0f);
    }
    if (status == dnnl_success && fused && linear->activation == GLIMPSE_ACTIVATION_GELU) {
        status =
            api.dnnl_post_ops_append_eltwise(post_ops, 1.0f, dnnl_eltwise_gelu_erf, 0.0f, 0.0f);
    }
    if (status == dnnl_success && fused && linear->activation == GLIMPSE_ACTIVATION_GELU_TANH) {
        status =
            api.dnnl_post_ops_append_eltwise(post_ops, 1.0f, dnnl_eltwise_gelu_tanh, 0.0f, 0.0f);
    }
    if (status == dnnl_success && fused && linear->accumulate) {
        status = api.dnnl_post_ops_append_sum(post_ops, 1.0f);
    }
    if (status == dnnl_success) status = api.dnnl_primitive_attr_set_post_ops(*out, post_ops);
    if (status == dnnl_success) {
        status = api.dnnl_primitive_attr_set_scratchpad_mode(*out, dnnl_scratchpad_mode_user);
    }
    if (post_ops) (void)api.dnnl_post_ops_destroy(post_ops);
    return status == dnnl_success ? GLIMPSE_OK : failed(status, "setting up a product");
}

/* The blocked weights at `target`, with their scales behind them when the product is int8. */
static int convert_weights(const glimpse_linear *linear, const glimpse_linear_spec *spec,
                           void *target, size_t blocked) {
    const prepared *p = linear->prepared;
    size_t count = linear->in * linear->out;
    dnnl_memory_t plain = NULL, wanted = NULL;
    dnnl_memory_desc_t stored;
    int8_t *whole = NULL;
    float *weights = malloc(count * sizeof *weights);
    if (!weights) return glimpse_fail_nomem(count * sizeof *weights, "the weights of a layer");
    int status = glimpse_linear_gather(weights, spec);
    if (status < 0) goto done;
    if (is_int8(linear)) {
        float *scales = (float *)(void *)((uint8_t *)target + blocked);
        whole = malloc(count);
        if (!whole) {
            status = glimpse_fail_nomem(count, "the weights of a layer");
            goto done;
        }
        glimpse_int8_quantize_weights(weights, scales, linear->out, linear->in);
        for (size_t i = 0; i < count; i++)
            whole[i] = (int8_t)weights[i];
    }
    /* As oneDNN sees it the weights are [K][N]; ours lie as [N][K]. */
    dnnl_status_t result = api.dnnl_memory_desc_init_by_tag(
        &stored, 2, (dnnl_dims_t){(dnnl_dim_t)linear->in, (dnnl_dim_t)linear->out},
        whole ? dnnl_s8 : dnnl_f32, dnnl_ba);
    void *from = whole ? (void *)whole : (void *)weights;
    if (result == dnnl_success) result = api.dnnl_memory_create(&plain, &stored, api.engine, from);
    if (result == dnnl_success) {
        result = api.dnnl_memory_create(&wanted, &p->weights_md, api.engine, target);
    }
    status = result == dnnl_success ? reorder(plain, &stored, wanted, &p->weights_md)
                                    : failed(result, "preparing weights");
done:
    if (plain) (void)api.dnnl_memory_destroy(plain);
    if (wanted) (void)api.dnnl_memory_destroy(wanted);
    free(whole);
    free(weights);
    return status;
}

int glimpse_onednn_prepare(glimpse_linear *linear, const glimpse_linear_spec *spec) {
    dnnl_primitive_desc_t desc = NULL;
    prepared *p = calloc(1, sizeof *p);
    if (!p) return glimpse_fail_nomem(sizeof *p, "a layer");
    linear->prepared = p;
    int status = make_attributes(&p->attributes, linear);
    if (status < 0) goto done;
    status = create_matmul(&desc, linear, TYPICAL_ROWS, NULL, p->attributes);
    if (status < 0) goto done;
    p->weights_md = *api.dnnl_primitive_desc_query_md(desc, dnnl_query_weights_md, 0);
    size_t blocked = (api.dnnl_memory_desc_get_size(&p->weights_md) + 63) / 64 * 64;
    size_t bytes = blocked + (is_int8(linear) ? linear->out * sizeof(float) : 0);
    bytes = (bytes + 63) / 64 * 64;
    const void *ready = glimpse_shelf_find(spec->shelf, bytes);
    if (!ready) {
        linear->owned = aligned_alloc(64, bytes ? bytes : 64);
        if (!linear->owned) {
            status = glimpse_fail_nomem(bytes, "the weights of a layer");
            goto done;
        }
        linear->memory += bytes;
        memset(linear->owned, 0, bytes);
        status = convert_weights(linear, spec, linear->owned, blocked);
        if (status == GLIMPSE_OK) status = glimpse_shelf_keep(spec->shelf, linear->owned, bytes);
        if (status < 0) goto done;
        ready = linear->owned;
    }
    linear->scales = (const float *)(const void *)((const uint8_t *)ready + blocked);
    /* oneDNN only reads weights; its handles are not const. */
    void *data = (void *)(uintptr_t)ready;
    dnnl_memory_desc_t bias_md;
    dnnl_status_t result = api.dnnl_memory_create(&p->weights, &p->weights_md, api.engine, data);
    if (result == dnnl_success) {
        result = api.dnnl_memory_desc_init_by_tag(
            &bias_md, 2, (dnnl_dims_t){1, (dnnl_dim_t)linear->out}, dnnl_f32, dnnl_ab);
    }
    if (result == dnnl_success) {
        result = api.dnnl_memory_create(&p->bias, &bias_md, api.engine, linear->bias);
    }
    if (result != dnnl_success) status = failed(result, "preparing weights");
done:
    if (desc) (void)api.dnnl_primitive_desc_destroy(desc);
    return status; /* on failure glimpse_linear_free releases what is there */
}

void glimpse_onednn_release(glimpse_linear *linear) {
    prepared *p = linear->prepared;
    if (p->weights) (void)api.dnnl_memory_destroy(p->weights);
    if (p->bias) (void)api.dnnl_memory_destroy(p->bias);
    if (p->attributes) (void)api.dnnl_primitive_attr_destroy(p->attributes);
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

/* The two products of attention for one shape; filled with zeros when unused. */
typedef struct attention_product {
    dnnl_primitive_t primitive;
    dnnl_memory_t a, b, c;
} attention_product;

typedef struct attention {
    glimpse_element element, result;
    size_t rows, heads, head;
    int fast; /* both by code made for such products */
    attention_product scores, mix;
} attention;

typedef struct workspace {
    dnnl_stream_t stream;
    entry entries[CACHED_PRIMITIVES];      /* direct-mapped: a clash replaces */
    attention attentions[MOST_ATTENTIONS]; /* in the order of first use, then replaced in turn */
    size_t next_attention;
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

static void clear_product(attention_product *p) {
    if (p->a) (void)api.dnnl_memory_destroy(p->a);
    if (p->b) (void)api.dnnl_memory_destroy(p->b);
    if (p->c) (void)api.dnnl_memory_destroy(p->c);
    if (p->primitive) (void)api.dnnl_primitive_destroy(p->primitive);
}

static void clear_attention(attention *at) {
    clear_product(&at->scores);
    clear_product(&at->mix);
    memset(at, 0, sizeof *at);
}

void glimpse_onednn_workspace_free(void *opaque) {
    workspace *w = opaque;
    for (size_t i = 0; i < MOST_ATTENTIONS; i++)
        clear_attention(&w->attentions[i]);
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
    int threads = one_thread();
    dnnl_status_t result = api.dnnl_primitive_create(&e->primitive, desc);
    omp_set_num_threads(threads);
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

static int run_rows(const glimpse_linear *linear, workspace *w, const void *x, size_t rows,
                    void *y) {
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
    int threads = one_thread();
    result =
        api.dnnl_primitive_execute(e->primitive, w->stream, has_fused_bias(linear) ? 5 : 4, args);
    if (result == dnnl_success) result = api.dnnl_stream_wait(w->stream);
    omp_set_num_threads(threads);
    return result == dnnl_success ? GLIMPSE_OK : failed(result, "a product");
}

static size_t round_up(size_t bytes) {
    return (bytes + 63) / 64 * 64;
}

size_t glimpse_onednn_scratch(const glimpse_linear *linear) {
    if (!is_int8(linear)) return 0;
    return round_up(INT8_ROWS * linear->in) + round_up(INT8_ROWS * linear->out * sizeof(int32_t)) +
           INT8_ROWS * sizeof(float);
}

static int run_int8(const glimpse_linear *linear, workspace *w, void *scratch, const float *x,
                    size_t rows, float *y) {
    const glimpse_kernels *kernels = linear->math->kernels;
    int8_t *numbers = scratch;
    int32_t *sums = (int32_t *)(void *)((uint8_t *)scratch + round_up(INT8_ROWS * linear->in));
    float *scales =
        (float *)(void *)((uint8_t *)sums + round_up(INT8_ROWS * linear->out * sizeof *sums));
    for (size_t first = 0; first < rows; first += INT8_ROWS) {
        size_t count = rows - first < INT8_ROWS ? rows - first : INT8_ROWS;
        float *result = y + first * linear->out;
        kernels->quantize(numbers, sizeof *numbers, scales, x + first * linear->in, count,
                          linear->in, linear->in);
        memset(numbers + count * linear->in, 0, (glimpse_padded_rows(count) - count) * linear->in);
        int status = run_rows(linear, w, numbers, count, sums);
        if (status < 0) return status;
        kernels->int8_finish(result, sums, scales, count, linear->scales, linear->bias, linear->out,
                             linear->activation, linear->accumulate);
    }
    return GLIMPSE_OK;
}

int glimpse_onednn_run(const glimpse_linear *linear, void *opaque, void *scratch, const void *x,
                       size_t rows, void *y) {
    if (is_int8(linear)) return run_int8(linear, opaque, scratch, x, rows, y);
    return run_rows(linear, opaque, x, rows, y);
}

/*
 * Attention on the matrix units: for one sequence and all its heads at once two batched products,
 *     scores [H][T][T] f32 = q [H][T][d] * k [H][T][d]^T / sqrt(d)
 *     mixed  [H][T][d]     = softmax(scores) [H][T][P] * v [H][P][d]
 * with dense operands, which is what oneDNN 2.6 has fast code for, and the inner dimension of the
 * second filled up with zeros to P, a multiple of 32, which spares it a copy of the scores. In int8
 * q, k, v and the weights are bf16 (whole numbers would want a scale for every row of every head),
 * and the result is f32.
 */
static int batched(attention_product *out, dnnl_data_type_t type, dnnl_data_type_t result_type,
                   const size_t dims[4], int transposed, float scale, int *fast) {
    dnnl_dim_t h = (dnnl_dim_t)dims[0], m = (dnnl_dim_t)dims[1], n = (dnnl_dim_t)dims[2],
               k = (dnnl_dim_t)dims[3];
    dnnl_memory_desc_t a, b, c;
    dnnl_matmul_desc_t desc;
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_primitive_desc_t made = NULL;
    const char *name = "";
    dnnl_status_t status =
        api.dnnl_memory_desc_init_by_tag(&a, 3, (dnnl_dims_t){h, m, k}, type, dnnl_abc);
    if (status == dnnl_success) {
        status = api.dnnl_memory_desc_init_by_tag(&b, 3, (dnnl_dims_t){h, k, n}, type,
                                                  transposed ? dnnl_acb : dnnl_abc);
    }
    if (status == dnnl_success) {
        status =
            api.dnnl_memory_desc_init_by_tag(&c, 3, (dnnl_dims_t){h, m, n}, result_type, dnnl_abc);
    }
    if (status == dnnl_success) status = api.dnnl_matmul_desc_init(&desc, &a, &b, NULL, &c);
    if (status == dnnl_success) status = api.dnnl_primitive_attr_create(&attributes);
    if (status == dnnl_success && scale != 1.0f) {
        status = api.dnnl_primitive_attr_set_output_scales(attributes, 1, 0, &scale);
    }
    int threads = one_thread();
    if (status == dnnl_success) {
        status = api.dnnl_primitive_desc_create(&made, &desc, attributes, api.engine, NULL);
    }
    if (status == dnnl_success) {
        status = api.dnnl_primitive_desc_query(made, dnnl_query_impl_info_str, 0, (void *)&name);
    }
    *fast = status == dnnl_success && strstr(name, "brg") != NULL;
    if (status == dnnl_success) status = api.dnnl_primitive_create(&out->primitive, made);
    omp_set_num_threads(threads);
    if (status == dnnl_success) {
        status = api.dnnl_memory_create(&out->a, &a, api.engine, DNNL_MEMORY_NONE);
    }
    if (status == dnnl_success) {
        status = api.dnnl_memory_create(&out->b, &b, api.engine, DNNL_MEMORY_NONE);
    }
    if (status == dnnl_success) {
        status = api.dnnl_memory_create(&out->c, &c, api.engine, DNNL_MEMORY_NONE);
    }
    if (made) (void)api.dnnl_primitive_desc_destroy(made);
    if (attributes) (void)api.dnnl_primitive_attr_destroy(attributes);
    return status == dnnl_success ? GLIMPSE_OK : failed(status, "creating attention");
}

/* The pair of products for this shape; *out is NULL where oneDNN has no fast ones. */
static int find_attention(attention **out, workspace *w, const glimpse_attend *t) {
    const size_t rows = t->rows, heads = t->heads, head = t->head;
    *out = NULL;
    attention *at = NULL;
    for (size_t i = 0; i < MOST_ATTENTIONS && !at; i++) {
        attention *e = &w->attentions[i];
        if (e->heads == heads && e->head == head && e->rows == rows && e->element == t->element &&
            e->result == t->result) {
            at = e;
        }
    }
    if (!at) {
        at = &w->attentions[w->next_attention++ % MOST_ATTENTIONS];
        clear_attention(at);
        dnnl_data_type_t type = type_of(t->element), result = type_of(t->result);
        size_t padded = glimpse_attend_padded(rows);
        float scale = 1.0f / sqrtf((float)head);
        int fast[2];
        int status = batched(&at->scores, type, dnnl_f32,
                             (const size_t[4]){heads, rows, rows, head}, 1, scale, &fast[0]);
        if (status == GLIMPSE_OK) {
            status = batched(&at->mix, type, result, (const size_t[4]){heads, rows, head, padded},
                             0, 1.0f, &fast[1]);
        }
        if (status < 0) {
            clear_attention(at);
            return status;
        }
        at->element = t->element, at->result = t->result, at->rows = rows, at->heads = heads,
        at->head = head;
        at->fast = fast[0] && fast[1];
    }
    if (at->fast || t->even_if_slow) *out = at;
    return GLIMPSE_OK;
}

static int run_batched(workspace *w, const attention_product *p, void *a, void *b, void *c) {
    dnnl_status_t result = api.dnnl_memory_set_data_handle(p->a, a);
    if (result == dnnl_success) result = api.dnnl_memory_set_data_handle(p->b, b);
    if (result == dnnl_success) result = api.dnnl_memory_set_data_handle(p->c, c);
    dnnl_exec_arg_t args[3] = {
        {DNNL_ARG_SRC, p->a}, {DNNL_ARG_WEIGHTS, p->b}, {DNNL_ARG_DST, p->c}};
    int threads = one_thread();
    if (result == dnnl_success) {
        result = api.dnnl_primitive_execute(p->primitive, w->stream, 3, args);
    }
    if (result == dnnl_success) result = api.dnnl_stream_wait(w->stream);
    omp_set_num_threads(threads);
    return result == dnnl_success ? GLIMPSE_OK : failed(result, "attention");
}

int glimpse_onednn_attend(void *opaque, const glimpse_attend *t, void *scratch) {
    workspace *w = opaque;
    attention *at = NULL;
    int status = find_attention(&at, w, t);
    if (status < 0 || !at) return status;
    const glimpse_kernels *kernels = t->kernels;
    size_t size = glimpse_element_size(t->element), padded = glimpse_attend_padded(t->rows);
    size_t result = glimpse_element_size(t->result), entries = t->heads * padded * t->head;
    size_t width = t->heads * t->head, operand = round_up(entries * size);
    uint8_t *q = scratch, *k = q + operand, *v = k + operand, *mixed = v + operand;
    float *scores = (float *)(void *)(mixed + round_up(entries * result));
    uint8_t *weights = (uint8_t *)scores + round_up(t->heads * t->rows * t->rows * sizeof(float));
    for (size_t h = 0; h < t->heads; h++) {
        const float *from = t->qkv + h * t->head;
        const size_t place = h * t->rows * t->head * size;
        kernels->convert_rows(q + place, t->head, t->element, from, 3 * width, t->rows, t->head,
                              t->head);
        kernels->convert_rows(k + place, t->head, t->element, from + width, 3 * width, t->rows,
                              t->head, t->head);
        kernels->convert_rows(v + h * padded * t->head * size, t->head, t->element,
                              from + 2 * width, 3 * width, t->rows, t->head, t->head);
        memset(v + (h * padded + t->rows) * t->head * size, 0, (padded - t->rows) * t->head * size);
    }
    status = run_batched(w, &at->scores, q, k, scores);
    if (status < 0) return status;
    kernels->softmax(scores, t->heads * t->rows, t->rows, t->rows, -1);
    kernels->convert_rows(weights, padded, t->element, scores, t->rows, t->heads * t->rows, t->rows,
                          padded);
    status = run_batched(w, &at->mix, weights, v, mixed);
    if (status < 0) return status;
    for (size_t h = 0; h < t->heads; h++) {
        for (size_t r = 0; r < t->rows; r++) {
            memcpy((uint8_t *)t->out + (r * width + h * t->head) * result,
                   mixed + (h * t->rows + r) * t->head * result, t->head * result);
        }
    }
    return 1;
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
size_t glimpse_onednn_scratch(const glimpse_linear *linear) {
    (void)linear;
    return 0;
}
int glimpse_onednn_fast_int8(void) {
    return 0;
}
void glimpse_onednn_describe(char *text, size_t room) {
    if (room) *text = '\0';
}
int glimpse_onednn_attend(void *workspace, const glimpse_attend *task, void *scratch) {
    (void)workspace, (void)task, (void)scratch;
    return 0;
}
int glimpse_onednn_run(const glimpse_linear *linear, void *workspace, void *scratch, const void *x,
                       size_t rows, void *y) {
    (void)linear, (void)workspace, (void)scratch, (void)x, (void)rows, (void)y;
    return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "this build has no oneDNN");
}

#endif
