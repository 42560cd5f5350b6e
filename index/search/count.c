/*
 * count.c - how many pictures a search without a limit would find.
 */
#include "relevance.h"
#include "search_private.h"

#include "core/error.h"

#include <stdlib.h>

enum { FIRST = 256 };

/* Asks the index for more and more, until what is left scores too little. */
static int count_nearest(glimpse_search *s, int *more) {
    const glimpse_store_ops *ops = s->store->ops;
    const size_t total = ops->vectors.count(s->vectors);
    const double bound = ops->vectors.error_bound(s->dim);
    const size_t limit = total < GLIMPSE_COUNT_LIMIT ? total : GLIMPSE_COUNT_LIMIT;
    glimpse_vector_hit *hits = malloc((limit + 1) * sizeof *hits);
    if (!hits) return glimpse_fail_nomem(limit * sizeof *hits, "candidates");
    int status = GLIMPSE_OK, final = total == 0;
    size_t n = FIRST < limit ? FIRST : limit;
    for (; !final && status == GLIMPSE_OK; n = n < limit / 4 ? 4 * n : limit) {
        status = ops->vectors.search(hits, s->vectors, s->query, n);
        if (status < 0) break;
        *more = n < total && (double)hits[n - 1].score + bound >= s->min_score;
        final = !*more || n == limit;
        if (final) status = glimpse_search_consider(s, hits, n);
    }
    free(hits);
    return status;
}

static int run(glimpse_search *s, int *more, const glimpse_model_key *key,
               const glimpse_search_options *options) {
    const glimpse_store_ops *ops = s->store->ops;
    glimpse_model_info model;
    int status = glimpse_store_find_model(&model, s->store, key);
    if (status == GLIMPSE_OK) status = ops->vectors.get(&s->vectors, s->store, &model);
    if (status == GLIMPSE_OK) {
        status = ops->filters.open(&s->filter, s->store, options->path_prefix, options->after,
                                   options->before);
    }
    if (status == GLIMPSE_OK) status = count_nearest(s, more);
    ops->filters.close(s->filter);
    return status;
}

int glimpse_library_count_key(uint64_t *count, int *more, glimpse_library *library,
                              const glimpse_model_key *key, const float *query,
                              const glimpse_search_options *options) {
    glimpse_store *store = glimpse_library_store(library);
    glimpse_search s = {.store = store, .dim = key->dim, .query = query};
    *count = 0;
    *more = 0;
    s.min_score = options->min_score;
    s.labels = options->labels;
    s.label_count = options->label_count;
    if (options->exclude_id && *options->exclude_id) {
        s.has_excluded = glimpse_hash_from_hex(&s.excluded, options->exclude_id);
    }
    s.row = malloc(key->dim * sizeof *s.row);
    if (!s.row) return glimpse_fail_nomem(key->dim * sizeof *s.row, "a query");
    int status = store->ops->begin_read(store);
    if (status == GLIMPSE_OK) {
        status = run(&s, more, key, options);
        store->ops->end_read(store);
    }
    *count = s.count;
    free(s.found);
    free(s.row);
    return status;
}
