/*
 * math/onednn/attention.h - attention of one sequence through a library's matrix products.
 */
#ifndef GLIMPSE_MATH_ONEDNN_ATTENTION_H
#define GLIMPSE_MATH_ONEDNN_ATTENTION_H

#include "math/linear.h"

/* Softmax(q k^T / sqrt(head)) v for all heads of one sequence, without a mask. */
typedef struct glimpse_attend {
    const glimpse_kernels *kernels;
    glimpse_element element; /* of the products' operands */
    glimpse_element result;  /* of out: the same, or F32 */
    const float *qkv;        /* [rows][3 heads head] */
    size_t rows, heads, head;
    int even_if_slow; /* for tests: also where the library has no code made for such products */
    void *out;        /* [rows][heads head] */
} glimpse_attend;

/* The inner dimension of the second product, filled up with zeros. */
static inline size_t glimpse_attend_padded(size_t rows) {
    return (rows + 31) / 32 * 32;
}

/* Bytes of scratch. */
static inline size_t glimpse_attend_scratch(const glimpse_attend *t) {
    size_t padded = glimpse_attend_padded(t->rows), size = glimpse_element_size(t->element);
    return 3 * (t->heads * padded * t->head * size + 64) +
           t->heads * padded * t->head * glimpse_element_size(t->result) + 64 +
           t->heads * t->rows * (t->rows * sizeof(float) + padded * size) + 128;
}

/* 1 when it was done, 0 when oneDNN is not the faster way here, or a failure. */
int glimpse_onednn_attend(void *workspace, const glimpse_attend *task, void *scratch);
void glimpse_onednn_describe(char *text, size_t room);

#endif
