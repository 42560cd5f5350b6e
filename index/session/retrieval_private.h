/*
 * retrieval_private.h - an evaluation of retrieval while it is made.
 */
#ifndef GLIMPSE_SESSION_RETRIEVAL_PRIVATE_H
#define GLIMPSE_SESSION_RETRIEVAL_PRIVATE_H

#include "session_scores.h"

#include <glimpse/session_evaluate.h>

/* E: numbers of an embedding. */
typedef struct retrieval {
    glimpse_retrieval_evaluation result; /* first: what the caller gets */
    /* What takes part: strings are the caller's, the lists are packed. */
    const char **images, **texts; /* [image_count], [text_count] */
    size_t *image_places, *text_places;
    glimpse_pair *pairs;
    size_t image_count, text_count, pair_count, width; /* width: E */
    float *image_rows, *text_rows;                     /* [count][E], of unit length */
    glimpse_retrieval_report *report;
    glimpse_second_figures rerank, captions;
    session_list strings; /* char *, owned */
} retrieval;

/* A copy that lives as long as the evaluation. */
int glimpse_retrieval_keep(const char **out, retrieval *r, const char *text);
/* Every text's best pictures by cosine are looked at again: r->rerank. */
int glimpse_retrieval_rerank(retrieval *r, const session_vlm *vlm,
                             const glimpse_retrieval_options *options,
                             const session_control *control);
/* Every text searches the library with its stored captions and without: r->captions. */
int glimpse_retrieval_captions(retrieval *r, glimpse_library *library, const glimpse_model *model,
                               const glimpse_retrieval_options *options,
                               const session_control *control);

#endif
