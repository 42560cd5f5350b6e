/*
 * session_hits.c - keeps what a search of a session found, and reorders it by a re-ranking.
 */
#include "session_hits.h"

#include "core/error.h"
#include "sure_id.h"

#include <glimpse/rerank.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

void glimpse_hits_summary_init(glimpse_hits_summary *summary) {
    summary->cutoff = NAN;
    summary->best = NAN;
}

static int create(glimpse_hits **out, size_t count) {
    glimpse_hits *hits = calloc(1, sizeof *hits);
    *out = NULL;
    if (hits) hits->items = calloc(count > 0 ? count : 1, sizeof *hits->items);
    if (!hits || !hits->items) {
        free(hits);
        return glimpse_fail_nomem(count * sizeof *hits->items, "results");
    }
    hits->count = count;
    glimpse_hits_summary_init(&hits->summary);
    for (size_t i = 0; i < count; i++)
        hits->items[i] = (glimpse_hit){.score = NAN,
                                       .first_rank = i + 1,
                                       .probability = NAN,
                                       .blended = NAN,
                                       .relevance = NAN};
    *out = hits;
    return GLIMPSE_OK;
}

int glimpse_hits_of_results(glimpse_hits **out, glimpse_results *results) {
    int status = create(out, glimpse_results_count(results));
    if (status < 0) {
        glimpse_results_free(results);
        return status;
    }
    (*out)->results = results;
    for (size_t i = 0; i < (*out)->count; i++) {
        (*out)->items[i].result = glimpse_results_get(results, i);
        (*out)->items[i].path = (*out)->items[i].result->path;
        (*out)->items[i].score = (*out)->items[i].result->score;
    }
    return GLIMPSE_OK;
}

int glimpse_hits_of_paths(glimpse_hits **out, const char *const *paths, size_t count) {
    int status = create(out, count);
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++)
        status = glimpse_hits_copy(&(*out)->items[i].path, *out, paths[i]);
    if (status < 0) {
        glimpse_hits_free(*out);
        *out = NULL;
    }
    return status;
}

int glimpse_hits_copy(const char **out, glimpse_hits *hits, const char *text) {
    char *copy = strdup(text);
    *out = NULL;
    if (!copy) return glimpse_fail_nomem(strlen(text), "a string");
    int status = glimpse_session_list_add(&hits->strings, copy);
    if (status < 0) {
        free(copy);
        return status;
    }
    *out = copy;
    return GLIMPSE_OK;
}

/* What the first stage sorted by: all that a list of files says is its order. */
static double first_score(const glimpse_hits *hits, size_t i) {
    const glimpse_result *result = hits->items[i].result;
    if (!result) return -(double)i;
    return hits->summary.captions ? result->fused : result->score;
}

static int apply(glimpse_hits *hits, const session_scores *look, const glimpse_reranked *order) {
    glimpse_hit *sorted = calloc(look->count + 1, sizeof *sorted);
    if (!sorted) return glimpse_fail_nomem(look->count * sizeof *sorted, "results");
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < look->count && status == GLIMPSE_OK; i++) {
        size_t at = order[i].index;
        sorted[i] = hits->items[at];
        sorted[i].probability = look->probabilities[at];
        sorted[i].blended = order[i].blended;
        if (look->reasons[at]) {
            status = glimpse_hits_copy(&sorted[i].reason, hits, look->reasons[at]);
        }
    }
    if (status == GLIMPSE_OK) memcpy(hits->items, sorted, look->count * sizeof *sorted);
    free(sorted);
    return status;
}

static int keep_use(glimpse_hits *hits, const session_vlm *vlm, const glimpse_vlm_totals *totals) {
    hits->summary.vlm = glimpse_session_vlm_use(vlm, totals);
    int status = glimpse_hits_copy(&hits->summary.vlm.name, hits, hits->summary.vlm.name);
    if (status < 0) return status;
    return glimpse_hits_copy(&hits->summary.vlm.currency, hits, hits->summary.vlm.currency);
}

int glimpse_hits_look_again(glimpse_hits *hits, const session_vlm *vlm, const char *text,
                            size_t depth, double weight, const session_control *control) {
    session_scores look = {0};
    if (depth > hits->count) depth = hits->count;
    session_scores_picture *pictures = calloc(depth + 1, sizeof *pictures);
    double *first = calloc(depth + 1, sizeof *first);
    glimpse_reranked *order = calloc(depth + 1, sizeof *order);
    int status = GLIMPSE_OK;
    if (!pictures || !first || !order) {
        status = glimpse_fail_nomem(depth * sizeof *order, "an order");
        goto done;
    }
    for (size_t i = 0; i < depth; i++) {
        const glimpse_result *result = hits->items[i].result;
        pictures[i].path = hits->items[i].path;
        pictures[i].id = result ? glimpse_sure_id(result) : NULL;
        first[i] = first_score(hits, i);
    }
    status = glimpse_session_score_pictures(&look, vlm, text, pictures, depth, control);
    if (status == GLIMPSE_OK) status = glimpse_rerank(order, first, look.scores, depth, weight);
    if (status == GLIMPSE_OK) status = apply(hits, &look, order);
    if (status == GLIMPSE_OK) status = keep_use(hits, vlm, &look.totals);
    hits->summary.reranked = 1;
    hits->summary.depth = depth;
    hits->summary.failed = look.failed;
    hits->summary.weight = weight;
done:
    glimpse_session_scores_free(&look);
    free(pictures);
    free(first);
    free(order);
    return status;
}

/*
 * Reading them.
 */
size_t glimpse_hits_count(const glimpse_hits *hits) {
    return hits ? hits->count : 0;
}

const glimpse_hit *glimpse_hits_get(const glimpse_hits *hits, size_t i) {
    return hits && i < hits->count ? &hits->items[i] : NULL;
}

const glimpse_hits_summary *glimpse_hits_summarize(const glimpse_hits *hits) {
    return hits ? &hits->summary : NULL;
}

void glimpse_hits_free(glimpse_hits *hits) {
    if (!hits) return;
    for (size_t i = 0; i < hits->strings.count; i++)
        free(hits->strings.items[i]);
    free(hits->strings.items);
    glimpse_results_free(hits->results);
    for (size_t i = 0; hits->several && i < hits->summary.model_count; i++)
        glimpse_results_free(hits->several[i]);
    free(hits->several);
    free((void *)hits->warnings);
    free(hits->models);
    free(hits->shown);
    free(hits->ranks);
    free(hits->items);
    free(hits);
}
