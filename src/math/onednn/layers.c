/*
 * math/onednn/layers.c - layers through oneDNN in f32, bf16 and int8.
 *
 * Weights are reordered once into the layout that oneDNN prefers for a typical number of rows;
 * primitives are made per number of rows and kept by the worker (text batches are ragged, so rows
 * are rounded up to a multiple of GLIMPSE_ROW_STEP; the extra rows are computed from whatever the
 * buffers hold and never read).
 *
 * int8: oneDNN multiplies whole numbers into int32 sums; scales, bias, activation and residual
 * follow in a pass of our own over a piece of rows that is still in the cache (int8/int8.c says
 * what is computed; version 2.6 has no output scale per row). Source and weights are both signed:
 * AMX takes that as it is, on VNNI the reorder adds a compensation behind the weights.
 */
#include "math/onednn/layers.h"

#include "core/error.h"
#include "core/memory.h"
#include "math/int8/int8.h"
#include "math/onednn/api.h"
#include "math/weights.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum { TYPICAL_ROWS = 512, CACHED_PRIMITIVES = 256, INT8_ROWS = 256 };

static int is_int8(const glimpse_linear *linear) {
    return linear->math->precision == GLIMPSE_PRECISION_INT8;
}

typedef struct prepared_layer {
    dnnl_memory_desc_t weights_md;
    dnnl_memory_t weights, bias;
    dnnl_primitive_attr_t attributes;
} prepared_layer;

static int has_fused_bias(const glimpse_linear *linear) {
    return linear->has_bias && !is_int8(linear);
}

static int create_matmul(dnnl_primitive_desc_t *out, const glimpse_linear *linear, size_t rows,
                         const dnnl_memory_desc_t *weights_md,
                         const_dnnl_primitive_attr_t attributes) {
    int enough = glimpse_memory_check(GLIMPSE_ONEDNN_HEADROOM, "code for a product");
    if (enough < 0) return enough;
    dnnl_dim_t m = (dnnl_dim_t)rows, n = (dnnl_dim_t)linear->out, k = (dnnl_dim_t)linear->in;
    dnnl_data_type_t input = is_int8(linear) ? dnnl_s8 : glimpse_onednn_type(linear->math->element);
    dnnl_data_type_t output = is_int8(linear) ? dnnl_s32 : glimpse_onednn_type(linear->output);
    dnnl_memory_desc_t src, weights, bias, dst;
    dnnl_matmul_desc_t desc;
    dnnl_status_t status =
        glimpse_dnnl.memory_desc_init_by_tag(&src, 2, (dnnl_dims_t){m, k}, input, dnnl_ab);
    if (status == dnnl_success) {
        status = glimpse_dnnl.memory_desc_init_by_tag(&weights, 2, (dnnl_dims_t){k, n}, input,
                                                      dnnl_format_tag_any);
    }
    if (status == dnnl_success) {
        status =
            glimpse_dnnl.memory_desc_init_by_tag(&bias, 2, (dnnl_dims_t){1, n}, dnnl_f32, dnnl_ab);
    }
    if (status == dnnl_success) {
        status =
            glimpse_dnnl.memory_desc_init_by_tag(&dst, 2, (dnnl_dims_t){m, n}, output, dnnl_ab);
    }
    if (status == dnnl_success) {
        status = glimpse_dnnl.matmul_desc_init(&desc, &src, weights_md ? weights_md : &weights,
                                               has_fused_bias(linear) ? &bias : NULL, &dst);
    }
    if (status == dnnl_success) {
        int threads = glimpse_onednn_one_thread();
        status =
            glimpse_dnnl.primitive_desc_create(out, &desc, attributes, glimpse_dnnl.engine, NULL);
        omp_set_num_threads(threads);
    }
    return status == dnnl_success ? GLIMPSE_OK
                                  : glimpse_onednn_failed(status, "creating a product");
}

static int reorder(dnnl_memory_t from, const dnnl_memory_desc_t *from_md, dnnl_memory_t to,
                   const dnnl_memory_desc_t *to_md) {
    dnnl_primitive_desc_t desc = NULL;
    dnnl_primitive_t primitive = NULL;
    dnnl_stream_t stream = NULL;
    dnnl_status_t status = glimpse_dnnl.reorder_primitive_desc_create(
        &desc, from_md, glimpse_dnnl.engine, to_md, glimpse_dnnl.engine, NULL);
    if (status == dnnl_success) status = glimpse_dnnl.primitive_create(&primitive, desc);
    if (status == dnnl_success) {
        status =
            glimpse_dnnl.stream_create(&stream, glimpse_dnnl.engine, dnnl_stream_default_flags);
    }
    if (status == dnnl_success) {
        dnnl_exec_arg_t args[2] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
        status = glimpse_dnnl.primitive_execute(primitive, stream, 2, args);
    }
    if (status == dnnl_success) status = glimpse_dnnl.stream_wait(stream);
    if (stream) (void)glimpse_dnnl.stream_destroy(stream);
    if (primitive) (void)glimpse_dnnl.primitive_destroy(primitive);
    if (desc) (void)glimpse_dnnl.primitive_desc_destroy(desc);
    return status == dnnl_success ? GLIMPSE_OK
                                  : glimpse_onednn_failed(status, "reordering weights");
}

static int make_attributes(dnnl_primitive_attr_t *out, const glimpse_linear *linear) {
    dnnl_post_ops_t post_ops = NULL;
    dnnl_status_t status = glimpse_dnnl.primitive_attr_create(out);
    if (status == dnnl_success) status = glimpse_dnnl.post_ops_create(&post_ops);
    int fused = !is_int8(linear);
    if (status == dnnl_success && fused && linear->activation == GLIMPSE_ACTIVATION_QUICK_GELU) {
        status =
            glimpse_dnnl.post_ops_append_eltwise(post_ops, 1.0f, dnnl_eltwise_swish, 1.702f, 0.0f);
    }
    if (status == dnnl_success && fused && linear->activation == GLIMPSE_ACTIVATION_GELU) {
        status =
            glimpse_dnnl.post_ops_append_eltwise(post_ops, 1.0f, dnnl_eltwise_gelu_erf, 0.0f, 0.0f);
    }
    if (status == dnnl_success && fused && linear->activation == GLIMPSE_ACTIVATION_GELU_TANH) {
        status = glimpse_dnnl.post_ops_append_eltwise(post_ops, 1.0f, dnnl_eltwise_gelu_tanh, 0.0f,
                                                      0.0f);
    }
    if (status == dnnl_success && fused && linear->activation == GLIMPSE_ACTIVATION_RELU) {
        status =
            glimpse_dnnl.post_ops_append_eltwise(post_ops, 1.0f, dnnl_eltwise_relu, 0.0f, 0.0f);
    }
    if (status == dnnl_success && fused && linear->accumulate) {
        status = glimpse_dnnl.post_ops_append_sum(post_ops, 1.0f);
    }
    if (status == dnnl_success) status = glimpse_dnnl.primitive_attr_set_post_ops(*out, post_ops);
    if (status == dnnl_success) {
        status = glimpse_dnnl.primitive_attr_set_scratchpad_mode(*out, dnnl_scratchpad_mode_user);
    }
    if (post_ops) (void)glimpse_dnnl.post_ops_destroy(post_ops);
    return status == dnnl_success ? GLIMPSE_OK
                                  : glimpse_onednn_failed(status, "setting up a product");
}

/* The blocked weights at `target`, with their scales behind them when the product is int8. */
static int convert_weights(const glimpse_linear *linear, const glimpse_linear_spec *spec,
                           void *target, size_t blocked) {
    const prepared_layer *p = linear->own;
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
    dnnl_status_t result = glimpse_dnnl.memory_desc_init_by_tag(
        &stored, 2, (dnnl_dims_t){(dnnl_dim_t)linear->in, (dnnl_dim_t)linear->out},
        whole ? dnnl_s8 : dnnl_f32, dnnl_ba);
    void *from = whole ? (void *)whole : (void *)weights;
    if (result == dnnl_success)
        result = glimpse_dnnl.memory_create(&plain, &stored, glimpse_dnnl.engine, from);
    if (result == dnnl_success) {
        result = glimpse_dnnl.memory_create(&wanted, &p->weights_md, glimpse_dnnl.engine, target);
    }
    status = result == dnnl_success ? reorder(plain, &stored, wanted, &p->weights_md)
                                    : glimpse_onednn_failed(result, "preparing weights");
done:
    if (plain) (void)glimpse_dnnl.memory_destroy(plain);
    if (wanted) (void)glimpse_dnnl.memory_destroy(wanted);
    free(whole);
    free(weights);
    return status;
}

static size_t scratch_of(const glimpse_linear *linear) {
    if (!is_int8(linear)) return 0;
    return glimpse_onednn_round_up(INT8_ROWS * linear->in) +
           glimpse_onednn_round_up(INT8_ROWS * linear->out * sizeof(int32_t)) +
           INT8_ROWS * sizeof(float);
}

static int prepare(glimpse_linear *linear, const glimpse_linear_spec *spec) {
    dnnl_primitive_desc_t desc = NULL;
    prepared_layer *p = calloc(1, sizeof *p);
    if (!p) return glimpse_fail_nomem(sizeof *p, "a layer");
    linear->own = p;
    linear->scratch = scratch_of(linear);
    int status = make_attributes(&p->attributes, linear);
    if (status < 0) goto done;
    status = create_matmul(&desc, linear, TYPICAL_ROWS, NULL, p->attributes);
    if (status < 0) goto done;
    p->weights_md = *glimpse_dnnl.primitive_desc_query_md(desc, dnnl_query_weights_md, 0);
    size_t blocked = (glimpse_dnnl.memory_desc_get_size(&p->weights_md) + 63) / 64 * 64;
    size_t bytes = blocked + (is_int8(linear) ? linear->out * sizeof(float) : 0);
    bytes = (bytes + 63) / 64 * 64;
    const void *ready = glimpse_prepared_find(spec->prepared, bytes);
    if (!ready) {
        linear->owned = aligned_alloc(64, bytes ? bytes : 64);
        if (!linear->owned) {
            status = glimpse_fail_nomem(bytes, "the weights of a layer");
            goto done;
        }
        linear->memory += bytes;
        memset(linear->owned, 0, bytes);
        status = convert_weights(linear, spec, linear->owned, blocked);
        if (status == GLIMPSE_OK)
            status = glimpse_prepared_keep(spec->prepared, linear->owned, bytes);
        if (status < 0) goto done;
        ready = linear->owned;
    }
    linear->scales = (const float *)(const void *)((const uint8_t *)ready + blocked);
    /* oneDNN only reads weights; its handles are not const. */
    void *data = (void *)(uintptr_t)ready;
    dnnl_memory_desc_t bias_md;
    dnnl_status_t result =
        glimpse_dnnl.memory_create(&p->weights, &p->weights_md, glimpse_dnnl.engine, data);
    if (result == dnnl_success) {
        result = glimpse_dnnl.memory_desc_init_by_tag(
            &bias_md, 2, (dnnl_dims_t){1, (dnnl_dim_t)linear->out}, dnnl_f32, dnnl_ab);
    }
    if (result == dnnl_success) {
        result = glimpse_dnnl.memory_create(&p->bias, &bias_md, glimpse_dnnl.engine, linear->bias);
    }
    if (result != dnnl_success) status = glimpse_onednn_failed(result, "preparing weights");
done:
    if (desc) (void)glimpse_dnnl.primitive_desc_destroy(desc);
    return status; /* on failure glimpse_linear_free releases what is there */
}

/* With one thread: a layer is too small to share, and those that wait for a share, which spin,
 * cost more than all of it where other programs have the cores. */
int glimpse_onednn_prepare(glimpse_linear *linear, const glimpse_linear_spec *spec) {
    const int threads = glimpse_onednn_one_thread();
    const int status = prepare(linear, spec);
    omp_set_num_threads(threads);
    return status;
}

void glimpse_onednn_release(glimpse_linear *linear) {
    prepared_layer *p = linear->own;
    if (!p) return;
    if (p->weights) (void)glimpse_dnnl.memory_destroy(p->weights);
    if (p->bias) (void)glimpse_dnnl.memory_destroy(p->bias);
    if (p->attributes) (void)glimpse_dnnl.primitive_attr_destroy(p->attributes);
    free(p);
    linear->own = NULL;
}

/* A primitive for one layer and one number of rows, with its memory handles. */
typedef struct entry {
    const glimpse_linear *linear;
    size_t rows;
    dnnl_primitive_t primitive;
    dnnl_memory_t src, dst, scratchpad;
} entry;

struct glimpse_onednn_products {
    dnnl_stream_t stream;
    entry entries[CACHED_PRIMITIVES]; /* direct-mapped: a clash replaces */
    void *scratchpad;
    size_t scratchpad_bytes;
};

int glimpse_onednn_products_create(glimpse_onednn_products **out) {
    *out = NULL;
    glimpse_onednn_products *w = calloc(1, sizeof *w);
    if (!w) return glimpse_fail_nomem(sizeof *w, "a workspace");
    int status = glimpse_onednn_stream_create(&w->stream);
    if (status < 0) {
        free(w);
        return status;
    }
    *out = w;
    return GLIMPSE_OK;
}

static void clear_entry(entry *e) {
    if (e->src) (void)glimpse_dnnl.memory_destroy(e->src);
    if (e->dst) (void)glimpse_dnnl.memory_destroy(e->dst);
    if (e->scratchpad) (void)glimpse_dnnl.memory_destroy(e->scratchpad);
    if (e->primitive) (void)glimpse_dnnl.primitive_destroy(e->primitive);
    memset(e, 0, sizeof *e);
}

void glimpse_onednn_products_free(glimpse_onednn_products *w) {
    if (!w) return;
    for (size_t i = 0; i < CACHED_PRIMITIVES; i++)
        clear_entry(&w->entries[i]);
    (void)glimpse_dnnl.stream_destroy(w->stream);
    free(w->scratchpad);
    free(w);
}

static int fill_entry(glimpse_onednn_products *w, entry *e, const glimpse_linear *linear,
                      size_t rows) {
    const prepared_layer *p = linear->own;
    dnnl_primitive_desc_t desc = NULL;
    clear_entry(e);
    int status = create_matmul(&desc, linear, rows, &p->weights_md, p->attributes);
    if (status < 0) return status;
    const dnnl_memory_desc_t *src =
        glimpse_dnnl.primitive_desc_query_md(desc, dnnl_query_src_md, 0);
    const dnnl_memory_desc_t *dst =
        glimpse_dnnl.primitive_desc_query_md(desc, dnnl_query_dst_md, 0);
    const dnnl_memory_desc_t *pad =
        glimpse_dnnl.primitive_desc_query_md(desc, dnnl_query_scratchpad_md, 0);
    int threads = glimpse_onednn_one_thread();
    dnnl_status_t result = glimpse_dnnl.primitive_create(&e->primitive, desc);
    omp_set_num_threads(threads);
    if (result == dnnl_success) {
        result = glimpse_dnnl.memory_create(&e->src, src, glimpse_dnnl.engine, DNNL_MEMORY_NONE);
    }
    if (result == dnnl_success) {
        result = glimpse_dnnl.memory_create(&e->dst, dst, glimpse_dnnl.engine, DNNL_MEMORY_NONE);
    }
    if (result == dnnl_success) {
        result =
            glimpse_dnnl.memory_create(&e->scratchpad, pad, glimpse_dnnl.engine, DNNL_MEMORY_NONE);
    }
    size_t bytes = (glimpse_dnnl.memory_desc_get_size(pad) + 63) / 64 * 64;
    (void)glimpse_dnnl.primitive_desc_destroy(desc);
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
        return glimpse_onednn_failed(result, "creating a product");
    }
    e->linear = linear;
    e->rows = rows;
    return GLIMPSE_OK;
}

static int run_rows(const glimpse_linear *linear, glimpse_onednn_products *w, const void *x,
                    size_t rows, void *y) {
    const prepared_layer *p = linear->own;
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
    dnnl_status_t result = glimpse_dnnl.memory_set_data_handle(e->src, source);
    if (result == dnnl_success) result = glimpse_dnnl.memory_set_data_handle(e->dst, y);
    if (result == dnnl_success) {
        result = glimpse_dnnl.memory_set_data_handle(e->scratchpad, w->scratchpad);
    }
    if (result != dnnl_success) return glimpse_onednn_failed(result, "binding a product's memory");
    dnnl_exec_arg_t args[5] = {{DNNL_ARG_SRC, e->src},
                               {DNNL_ARG_WEIGHTS, p->weights},
                               {DNNL_ARG_DST, e->dst},
                               {DNNL_ARG_SCRATCHPAD, e->scratchpad},
                               {DNNL_ARG_BIAS, p->bias}};
    int threads = glimpse_onednn_one_thread();
    result = glimpse_dnnl.primitive_execute(e->primitive, w->stream, has_fused_bias(linear) ? 5 : 4,
                                            args);
    if (result == dnnl_success) result = glimpse_dnnl.stream_wait(w->stream);
    omp_set_num_threads(threads);
    return result == dnnl_success ? GLIMPSE_OK : glimpse_onednn_failed(result, "a product");
}

static int run_int8(const glimpse_linear *linear, glimpse_onednn_products *w, void *scratch,
                    const float *x, size_t rows, float *y) {
    const glimpse_kernels *kernels = linear->math->kernels;
    int8_t *numbers = scratch;
    int32_t *sums =
        (int32_t *)(void *)((uint8_t *)scratch + glimpse_onednn_round_up(INT8_ROWS * linear->in));
    float *scales =
        (float *)(void *)((uint8_t *)sums +
                          glimpse_onednn_round_up(INT8_ROWS * linear->out * sizeof *sums));
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

int glimpse_onednn_run(const glimpse_linear *linear, glimpse_onednn_products *w, void *scratch,
                       const void *x, size_t rows, void *y) {
    if (is_int8(linear)) return run_int8(linear, w, scratch, x, rows, y);
    return run_rows(linear, w, x, rows, y);
}
