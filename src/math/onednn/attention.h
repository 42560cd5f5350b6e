/*
 * math/onednn/attention.h - attention of one sequence through oneDNN's products, on the matrix
 * units.
 */
#ifndef GLIMPSE_MATH_ONEDNN_ATTENTION_H
#define GLIMPSE_MATH_ONEDNN_ATTENTION_H

#include "math/backend.h"

/* The primitives that a worker has made. One thread at a time. */
typedef struct glimpse_onednn_attentions glimpse_onednn_attentions;
int glimpse_onednn_attentions_create(glimpse_onednn_attentions **out);
void glimpse_onednn_attentions_free(glimpse_onednn_attentions *attentions);

size_t glimpse_onednn_attend_scratch(const glimpse_attend *task); /* bytes */
/* 1 when it was done, 0 when oneDNN is not the faster way here, or a failure. */
int glimpse_onednn_attend(glimpse_onednn_attentions *attentions, const glimpse_attend *task,
                          void *scratch);

#endif
