/*
 * search.c - the nearest pictures, with filters, exactly.
 *
 * A score is the inner product, in double, of the query and the stored f16 row: whatever index was
 * used to find a picture, its score is the same. FAISS ranks by f32 sums, which are off by at most
 * a known bound. So:
 *
 *   1. ask FAISS for the best n, n a little more than k;
 *   2. score them exactly; drop contents without a present file that passes the filter;
 *   3. every other picture has an exact score of at most FAISS's last score plus the bound. When
 *      the k-th of what is left is above that, or that is below the lowest score wanted, or nothing
 *      else exists, the answer is final;
 *   4. otherwise four times n, and again.
 *
 * When n grows past a share of the library, or the directory asked for holds few files, all
 * contents that pass the filter are scored instead (one query, one pass over the rows). Both ways
 * give what sorting everything would give: a test compares them.
 */
#include "core/error.h"
#include "core/options.h"
#include "dates.h"
#include "search_private.h"

#include <glimpse/filters.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_EXTRA = 32, MAX_FETCH = 4096, FEW_FILES = 2000 };

/* Steps 1 to 4; *final is 0 when scoring everything is the better way. */
static int ask_index(glimpse_search *s, int *final) {
    const glimpse_store_ops *ops = s->store->ops;
    size_t total = ops->vectors.count(s->vectors);
    double bound = ops->vectors.error_bound(s->dim);
    glimpse_vector_hit *hits = NULL;
    int status = GLIMPSE_OK;
    *final = 0;
    size_t limit = total / 8 > MAX_FETCH ? total / 8 : MAX_FETCH;
    size_t n = s->k < limit ? s->k + s->k / 4 + FIRST_EXTRA : limit + 1;
    if (s->filter->has_path || s->filter->has_where) n *= 2;
    for (; status == GLIMPSE_OK && !*final && n <= limit; n *= 4) {
        if (n > total) n = total;
        free(hits);
        hits = malloc(n * sizeof *hits);
        if (!hits) {
            status = glimpse_fail_nomem(n * sizeof *hits, "candidates");
            break;
        }
        s->count = 0;
        status = ops->vectors.search(hits, s->vectors, s->query, n);
        if (status == GLIMPSE_OK) status = glimpse_search_consider(s, hits, n);
        if (status < 0) break;
        if (s->count > 0) qsort(s->found, s->count, sizeof *s->found, glimpse_search_compare);
        double rest = (double)hits[n - 1].score + bound; /* nothing else can have more */
        *final = n == total || rest < s->min_score ||
                 (s->count >= s->k && s->found[s->k - 1].score > rest);
    }
    free(hits);
    return status;
}

/* 1 when the directory asked for holds so few files that scoring them all is cheapest. */
static int is_narrow(glimpse_search *s, int *narrow) {
    size_t files = 0;
    *narrow = s->filter->max_files <= FEW_FILES;
    if (*narrow || !s->filter->has_path) return GLIMPSE_OK;
    int status = s->store->ops->filters.count_files(&files, s->store, s->filter, FEW_FILES + 1);
    *narrow = status == GLIMPSE_OK && files <= FEW_FILES;
    return status;
}

static int normalise(float *unit, const float *query, size_t dim) {
    double square = 0.0;
    for (size_t i = 0; i < dim; i++)
        square += (double)query[i] * (double)query[i];
    if (!isfinite(square) || square <= 0.0) {
        return glimpse_fail(GLIMPSE_E_INVALID, "the query vector is zero or not finite");
    }
    double scale = 1.0 / sqrt(square);
    for (size_t i = 0; i < dim; i++)
        unit[i] = (float)((double)query[i] * scale);
    return GLIMPSE_OK;
}

static int check_options(const glimpse_search_options *options, glimpse_search *s) {
    if (isnan(options->min_score)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "the lowest score wanted is not a number");
    }
    s->min_score = options->min_score;
    s->k = options->k ? options->k : 10;
    s->labels = options->labels;
    s->label_count = options->label_count;
    s->wanted = s->k;
    if (options->captions) {
        s->captions = options->captions;
        s->captions_weight = options->captions_weight;
        if (!(s->captions_weight >= 0 && s->captions_weight <= 1)) {
            return glimpse_fail(GLIMPSE_E_INVALID,
                                "a weight of captions of %g; it goes from 0 to 1",
                                s->captions_weight);
        }
        if (s->k < GLIMPSE_FUSION_DEPTH) s->k = GLIMPSE_FUSION_DEPTH;
    }
    for (size_t i = 0; i < s->label_count; i++) {
        if (!s->labels[i] || !*s->labels[i]) {
            return glimpse_fail(GLIMPSE_E_INVALID, "a label to search for is empty");
        }
    }
    if (options->exclude_id && *options->exclude_id) {
        s->has_excluded = 1;
        if (!glimpse_hash_from_hex(&s->excluded, options->exclude_id)) {
            return glimpse_fail(GLIMPSE_E_INVALID, "'%s' is not a content id (32 hex digits)",
                                options->exclude_id);
        }
    }
    return GLIMPSE_OK;
}

int glimpse_search_options_check(const glimpse_search_options *given) {
    glimpse_search_options own = GLIMPSE_SEARCH_OPTIONS_INIT, *const options = &own;
    glimpse_search unused = {0};
    char taken[GLIMPSE_DATE_BYTES];
    int64_t mtime_ns;
    int status = GLIMPSE_OPTIONS_LOAD(&own, given, glimpse_search_options, exclude_id);
    if (status == GLIMPSE_OK) status = check_options(options, &unused);
    if (status == GLIMPSE_OK && options->after) {
        status = glimpse_date_parse(options->after, "after", taken, &mtime_ns);
    }
    if (status == GLIMPSE_OK && options->before) {
        status = glimpse_date_parse(options->before, "before", taken, &mtime_ns);
    }
    return status == GLIMPSE_OK && options->where ? glimpse_where_check(options->where) : status;
}

int glimpse_search_open_filter(glimpse_filter **out, glimpse_store *store,
                               const glimpse_search_options *given) {
    glimpse_search_options own = GLIMPSE_SEARCH_OPTIONS_INIT;
    *out = NULL;
    int status = glimpse_search_options_check(given);
    if (status == GLIMPSE_OK) {
        status = GLIMPSE_OPTIONS_LOAD(&own, given, glimpse_search_options, exclude_id);
    }
    if (status == GLIMPSE_OK) {
        status = store->ops->filters.open(out, store, own.path_prefix, own.after, own.before);
    }
    return status == GLIMPSE_OK ? store->ops->filters.narrow(*out, store, &own) : status;
}

/* The order of the cosine as it is. */
static int plain_order(glimpse_search *s) {
    s->ranked = calloc(s->count ? s->count : 1, sizeof *s->ranked);
    if (!s->ranked) return glimpse_fail_nomem(s->count * sizeof *s->ranked, "results");
    for (size_t i = 0; i < s->count; i++)
        s->ranked[i].candidate = s->found[i];
    s->ranked_count = s->count;
    return GLIMPSE_OK;
}

static int make_results(glimpse_search *s, glimpse_availability *availability,
                        glimpse_results **out) {
    size_t count = s->ranked_count < s->wanted ? s->ranked_count : s->wanted;
    int status = glimpse_results_create(out, count);
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++)
        status = glimpse_results_append(*out, s->store, availability, s->filter, &s->ranked[i]);
    return status;
}

/* Everything inside one read transaction. */
static int run(glimpse_search *s, glimpse_results **results, const glimpse_model_key *key,
               const glimpse_search_options *options) {
    const glimpse_store_ops *ops = s->store->ops;
    glimpse_model_info model;
    glimpse_availability availability = {0};
    int final = 0, narrow = 0;
    int status = glimpse_store_find_model(&model, s->store, key);
    if (status == GLIMPSE_OK) status = ops->vectors.get(&s->vectors, s->store, &model);
    if (status == GLIMPSE_OK) {
        status = ops->filters.open(&s->filter, s->store, options->path_prefix, options->after,
                                   options->before);
    }
    if (status == GLIMPSE_OK) status = ops->filters.narrow(s->filter, s->store, options);
    if (status == GLIMPSE_OK) status = glimpse_availability_init(&availability, s->store);
    if (status != GLIMPSE_OK) goto done;

    final = ops->vectors.count(s->vectors) == 0;
    if (!final) status = is_narrow(s, &narrow);
    if (status == GLIMPSE_OK && !final && !narrow) status = ask_index(s, &final);
    if (status == GLIMPSE_OK && !final) status = glimpse_search_consider_all(s);
    if (status != GLIMPSE_OK) goto done;

    if (s->count > s->k) s->count = s->k;
    status = s->captions ? glimpse_search_fuse(s) : plain_order(s);
    if (status == GLIMPSE_OK) status = make_results(s, &availability, results);
done:
    glimpse_availability_free(&availability);
    ops->filters.close(s->filter);
    return status;
}

int glimpse_library_search_key(glimpse_results **out, glimpse_library *library,
                               const glimpse_model_key *key, const float *query,
                               const glimpse_search_options *given) {
    glimpse_search_options own = GLIMPSE_SEARCH_OPTIONS_INIT, *const options = &own;
    glimpse_store *store = glimpse_library_store(library);
    glimpse_search s = {.store = store, .dim = key->dim};
    glimpse_results *results = NULL;
    *out = NULL;
    int status = GLIMPSE_OPTIONS_LOAD(&own, given, glimpse_search_options, exclude_id);
    if (status == GLIMPSE_OK) status = check_options(options, &s);
    if (status != GLIMPSE_OK) return status;
    float *unit = malloc(2 * key->dim * sizeof *unit);
    if (!unit) return glimpse_fail_nomem(2 * key->dim * sizeof *unit, "a query");
    s.query = unit;
    s.row = unit + key->dim;
    status = normalise(unit, query, key->dim);
    if (status == GLIMPSE_OK) status = store->ops->begin_read(store);
    if (status == GLIMPSE_OK) {
        status = run(&s, &results, key, options);
        store->ops->end_read(store);
    }
    free(s.found);
    free(s.ranked);
    free(unit);
    if (status < 0) {
        glimpse_results_free(results);
        return status;
    }
    *out = results;
    return GLIMPSE_OK;
}

int glimpse_library_search(glimpse_results **out, glimpse_library *library,
                           const glimpse_model *model, const float *query,
                           const glimpse_search_options *options) {
    if (out) *out = NULL;
    if (!library || !model || !query || !out) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "glimpse_library_search: an argument that must be there is NULL");
    }
    glimpse_model_key key = glimpse_model_get_key(model);
    return glimpse_library_search_key(out, library, &key, query, options);
}
