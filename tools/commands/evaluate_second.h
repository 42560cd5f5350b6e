/*
 * evaluate_second.h - what a second stage is worth: recall of the same queries with and without it.
 */
#ifndef GLIMPSE_TOOLS_EVALUATE_SECOND_H
#define GLIMPSE_TOOLS_EVALUATE_SECOND_H

#include "json_out.h"
#include "vlm_session.h"

#include <glimpse/datasets.h>

enum { SECOND_WEIGHTS = 11 }; /* 0, 0.1, ... 1 */

typedef struct second_recall {
    double at_1, at_5, at_10; /* shares of the queries */
} second_recall;

typedef struct second_figures {
    size_t queries;
    second_recall without, with;
    double weight, seconds; /* seconds: for all of them */
    second_recall by_weight[SECOND_WEIGHTS];
    /* Of re-ranking only. */
    const char *model;
    size_t depth, looked_at, failed; /* pairs of query and picture */
} second_figures;

/* Every text's best `depth` pictures by cosine are looked at again. `texts` [text_count][width] and
 * `images` [image_count][width], unit rows. CLI_RUN or an exit code. */
int evaluate_rerank(const vlm_session *v, const glimpse_caption_pairs *c, const float *texts,
                    const float *images, size_t width, size_t depth, double weight,
                    second_figures *out);

/* Every text searches the library, which must know all the pictures, with its stored captions and
 * without, among the pictures of `prefix` (NULL: all). */
int evaluate_blend(const session *s, const glimpse_caption_pairs *c, const float *texts,
                   size_t width, const char *prefix, double weight, second_figures *out);

void second_print(const char *title, const second_figures *f);
void second_json(json_out *j, const char *key, const second_figures *f);

#endif
