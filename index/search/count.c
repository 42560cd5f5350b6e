/*
 * count.c - how many pictures a search without a limit would find.
 */
#include "relevance.h"
#include "search_private.h"

#include "core/error.h"

#include <stdlib.h>

/* By the indexes; what they leave is not looked at. */
static int run(glimpse_search *s, int *more, const glimpse_model_key *key,
               const glimpse_search_options *options) {
    int status = glimpse_search_open(s, key, options), final = 1;
    if (status == GLIMPSE_OK && !s->vectors) {
        status = glimpse_search_consider_all(s);
    } else if (status == GLIMPSE_OK && s->store->ops->vectors.count(s->vectors) > 0) {
        status = glimpse_search_ask_index(s, &final);
    }
    *more = !final;
    s->store->ops->filters.close(s->filter);
    return status;
}

int glimpse_library_count_key(uint64_t *count, int *more, glimpse_library *library,
                              const glimpse_model_key *key, const float *query,
                              const glimpse_search_options *options) {
    glimpse_store *store = glimpse_library_store(library);
    glimpse_search s = {.store = store, .dim = key->dim, .query = query};
    *count = 0;
    *more = 0;
    s.counts = 1;
    s.whole_only = options->whole_only;
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
