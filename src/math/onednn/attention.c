/*
 * math/onednn/attention.c - attention of one sequence through oneDNN's products.
 *
 * For one sequence and all its heads at once two batched products,
 *     scores [H][T][T] f32 = q [H][T][d] * k [H][T][d]^T / sqrt(d)
 *     mixed  [H][T][d]     = softmax(scores) [H][T][P] * v [H][P][d]
 * with dense operands, which is what oneDNN 2.6 has fast code for, and the inner dimension of the
 * second filled up with zeros to P, a multiple of 32, which spares it a copy of the scores. In int8
 * q, k, v and the weights are bf16 (whole numbers would want a scale for every row of every head),
 * and the result is f32.
 */
#include "math/onednn/attention.h"

#include "core/error.h"
#include "core/memory.h"
#include "math/onednn/api.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ATTENTIONS = 4 };

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

struct glimpse_onednn_attentions {
    dnnl_stream_t stream;
    attention attentions[MAX_ATTENTIONS]; /* in the order of first use, then replaced in turn */
    size_t next;
};

static void clear_product(attention_product *p) {
    if (p->a) (void)glimpse_dnnl.memory_destroy(p->a);
    if (p->b) (void)glimpse_dnnl.memory_destroy(p->b);
    if (p->c) (void)glimpse_dnnl.memory_destroy(p->c);
    if (p->primitive) (void)glimpse_dnnl.primitive_destroy(p->primitive);
}

static void clear_attention(attention *at) {
    clear_product(&at->scores);
    clear_product(&at->mix);
    memset(at, 0, sizeof *at);
}

int glimpse_onednn_attentions_create(glimpse_onednn_attentions **out) {
    *out = NULL;
    glimpse_onednn_attentions *w = calloc(1, sizeof *w);
    if (!w) return glimpse_fail_nomem(sizeof *w, "a workspace");
    int status = glimpse_onednn_stream_create(&w->stream);
    if (status < 0) {
        free(w);
        return status;
    }
    *out = w;
    return GLIMPSE_OK;
}

void glimpse_onednn_attentions_free(glimpse_onednn_attentions *w) {
    if (!w) return;
    for (size_t i = 0; i < MAX_ATTENTIONS; i++)
        clear_attention(&w->attentions[i]);
    (void)glimpse_dnnl.stream_destroy(w->stream);
    free(w);
}

/* The inner dimension of the second product, filled up with zeros. */
static size_t padded_keys(size_t rows) {
    return (rows + 31) / 32 * 32;
}

size_t glimpse_onednn_attend_scratch(const glimpse_attend *t) {
    size_t padded = padded_keys(t->rows), size = glimpse_element_size(t->element);
    return 3 * (t->heads * padded * t->head * size + 64) +
           t->heads * padded * t->head * glimpse_element_size(t->result) + 64 +
           t->heads * t->rows * (t->rows * sizeof(float) + padded * size) + 128;
}

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
        glimpse_memory_is_available(GLIMPSE_ONEDNN_HEADROOM) ? dnnl_success : dnnl_out_of_memory;
    if (status == dnnl_success) {
        status =
            glimpse_dnnl.memory_desc_init_by_tag(&a, 3, (dnnl_dims_t){h, m, k}, type, dnnl_abc);
    }
    if (status == dnnl_success) {
        status = glimpse_dnnl.memory_desc_init_by_tag(&b, 3, (dnnl_dims_t){h, k, n}, type,
                                                      transposed ? dnnl_acb : dnnl_abc);
    }
    if (status == dnnl_success) {
        status = glimpse_dnnl.memory_desc_init_by_tag(&c, 3, (dnnl_dims_t){h, m, n}, result_type,
                                                      dnnl_abc);
    }
    if (status == dnnl_success) status = glimpse_dnnl.matmul_desc_init(&desc, &a, &b, NULL, &c);
    if (status == dnnl_success) status = glimpse_dnnl.primitive_attr_create(&attributes);
    if (status == dnnl_success && scale != 1.0f) {
        status = glimpse_dnnl.primitive_attr_set_output_scales(attributes, 1, 0, &scale);
    }
    int threads = glimpse_onednn_one_thread();
    if (status == dnnl_success) {
        status =
            glimpse_dnnl.primitive_desc_create(&made, &desc, attributes, glimpse_dnnl.engine, NULL);
    }
    if (status == dnnl_success) {
        status =
            glimpse_dnnl.primitive_desc_query(made, dnnl_query_impl_info_str, 0, (void *)&name);
    }
    *fast = status == dnnl_success && strstr(name, "brg") != NULL;
    if (status == dnnl_success) status = glimpse_dnnl.primitive_create(&out->primitive, made);
    omp_set_num_threads(threads);
    if (status == dnnl_success) {
        status = glimpse_dnnl.memory_create(&out->a, &a, glimpse_dnnl.engine, DNNL_MEMORY_NONE);
    }
    if (status == dnnl_success) {
        status = glimpse_dnnl.memory_create(&out->b, &b, glimpse_dnnl.engine, DNNL_MEMORY_NONE);
    }
    if (status == dnnl_success) {
        status = glimpse_dnnl.memory_create(&out->c, &c, glimpse_dnnl.engine, DNNL_MEMORY_NONE);
    }
    if (made) (void)glimpse_dnnl.primitive_desc_destroy(made);
    if (attributes) (void)glimpse_dnnl.primitive_attr_destroy(attributes);
    return status == dnnl_success ? GLIMPSE_OK
                                  : glimpse_onednn_failed(status, "creating attention");
}

/* The pair of products for this shape; *out is NULL where oneDNN has no fast ones. */
static int find_attention(attention **out, glimpse_onednn_attentions *w, const glimpse_attend *t) {
    const size_t rows = t->rows, heads = t->heads, head = t->head;
    *out = NULL;
    attention *at = NULL;
    for (size_t i = 0; i < MAX_ATTENTIONS && !at; i++) {
        attention *e = &w->attentions[i];
        if (e->heads == heads && e->head == head && e->rows == rows && e->element == t->element &&
            e->result == t->result) {
            at = e;
        }
    }
    if (!at) {
        at = &w->attentions[w->next++ % MAX_ATTENTIONS];
        clear_attention(at);
        dnnl_data_type_t type = glimpse_onednn_type(t->element),
                         result = glimpse_onednn_type(t->result);
        size_t padded = padded_keys(rows);
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

static int run_batched(glimpse_onednn_attentions *w, const attention_product *p, void *a, void *b,
                       void *c) {
    dnnl_status_t result = glimpse_dnnl.memory_set_data_handle(p->a, a);
    if (result == dnnl_success) result = glimpse_dnnl.memory_set_data_handle(p->b, b);
    if (result == dnnl_success) result = glimpse_dnnl.memory_set_data_handle(p->c, c);
    dnnl_exec_arg_t args[3] = {
        {DNNL_ARG_SRC, p->a}, {DNNL_ARG_WEIGHTS, p->b}, {DNNL_ARG_DST, p->c}};
    int threads = glimpse_onednn_one_thread();
    if (result == dnnl_success) {
        result = glimpse_dnnl.primitive_execute(p->primitive, w->stream, 3, args);
    }
    if (result == dnnl_success) result = glimpse_dnnl.stream_wait(w->stream);
    omp_set_num_threads(threads);
    return result == dnnl_success ? GLIMPSE_OK : glimpse_onednn_failed(result, "attention");
}

int glimpse_onednn_attend(glimpse_onednn_attentions *w, const glimpse_attend *t, void *scratch) {
    attention *at = NULL;
    int status = find_attention(&at, w, t);
    if (status < 0 || !at) return status;
    const glimpse_kernels *kernels = t->kernels;
    size_t size = glimpse_element_size(t->element), padded = padded_keys(t->rows);
    size_t result = glimpse_element_size(t->result), entries = t->heads * padded * t->head;
    size_t width = t->heads * t->head, operand = glimpse_onednn_round_up(entries * size);
    uint8_t *q = scratch, *k = q + operand, *v = k + operand, *mixed = v + operand;
    float *scores = (float *)(void *)(mixed + glimpse_onednn_round_up(entries * result));
    uint8_t *weights =
        (uint8_t *)scores + glimpse_onednn_round_up(t->heads * t->rows * t->rows * sizeof(float));
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
