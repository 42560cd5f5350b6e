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
 *      else exists, the answer is final. On a later page (page.h) those before it do not count; one
 *      more than k is looked for, to know whether there is a next page;
 *   4. otherwise four times n, and again.
 *
 * Of pictures with parts each of the two indexes is asked, and a picture that one of them told is
 * scored with all of its parts that matter (candidates.c).
 *
 * When n grows past a share of the library, or the directory asked for holds few files, all
 * contents that pass the filter are scored instead (one query, one pass over the rows). Both ways
 * give what sorting everything would give: a test compares them.
 */
#include "core/error.h"
#include "core/memory.h"
#include "core/options.h"
#include "dates.h"
#include "relevance.h"
#include "search_private.h"

#include <glimpse/filters.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_EXTRA = 32,
    COUNTED_FIRST = GLIMPSE_COUNT_LIMIT / 64,
    MAX_FETCH = 4096,
    FEW_FILES = 2000
};

/* How many of what was found, sorted, are on the pages before. */
static size_t count_before(const glimpse_search *s) {
    size_t low = 0, high = s->page ? s->count : 0;
    if (!s->page) return 0;
    const glimpse_candidate last = {
        .score = s->page->score, .hash = s->page->hash, .size = s->page->size};
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (glimpse_search_compare(&s->found[middle], &last) <= 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* What is asked of one of the two indexes. */
typedef struct asked {
    const glimpse_vectors *vectors;
    size_t total, count; /* rows; of these the best that were asked for */
    double rest;         /* no other row has more */
} asked;

/* Appends its best `count` to `rows`. */
static int ask(asked *a, const glimpse_search *s, glimpse_search_row *rows) {
    const glimpse_store_ops *ops = s->store->ops;
    const double bound = ops->vectors.error_bound(s->dim);
    const int of_parts = a->vectors == s->parts;
    a->rest = -INFINITY;
    if (a->count == 0) return GLIMPSE_OK;
    glimpse_vector_hit *hits = malloc(a->count * sizeof *hits);
    if (!hits) return glimpse_fail_nomem(a->count * sizeof *hits, "candidates");
    int status = ops->vectors.search(hits, a->vectors, s->query, a->count);
    for (size_t i = 0; i < a->count && status == GLIMPSE_OK; i++) {
        const int64_t key = hits[i].content;
        rows[i] = (glimpse_search_row){of_parts ? glimpse_part_key_picture(key) : key, hits[i].row,
                                       of_parts ? glimpse_part_key_part(key) : 0, 0.0};
    }
    if (status == GLIMPSE_OK && a->count < a->total) {
        a->rest = (double)hits[a->count - 1].score + bound;
    }
    free(hits);
    return status;
}

/* Steps 1 to 4; *final is 0 when scoring everything is the better way. Several of the best parts
 * are of one picture, so that more of them are asked for. */
int glimpse_search_ask_index(glimpse_search *s, int *final) {
    enum { PARTS_A_PICTURE = 4 };
    const glimpse_store_ops *ops = s->store->ops;
    asked whole = {.vectors = s->vectors, .total = ops->vectors.count(s->vectors)};
    asked parts = {.vectors = s->parts, .total = s->parts ? ops->vectors.count(s->parts) : 0};
    glimpse_search_row *rows = NULL;
    int status = GLIMPSE_OK;
    *final = 0;
    size_t limit = whole.total / 8 > MAX_FETCH ? whole.total / 8 : MAX_FETCH;
    size_t n = s->k + (s->page ? (size_t)s->page->shown : 0);
    n = s->k < limit && n < limit ? n + n / 4 + FIRST_EXTRA : limit + 1;
    if (s->counts) n = COUNTED_FIRST, limit = GLIMPSE_COUNT_LIMIT;
    if (s->filter->has_path || s->filter->has_where) n *= 2;
    for (; status == GLIMPSE_OK && !*final && n <= limit; n *= 4) {
        whole.count = n < whole.total ? n : whole.total;
        parts.count = n * PARTS_A_PICTURE < parts.total ? n * PARTS_A_PICTURE : parts.total;
        const size_t count = whole.count + parts.count;
        free(rows);
        rows = malloc(count * sizeof *rows);
        if (!rows) return glimpse_fail_nomem(count * sizeof *rows, "candidates");
        s->count = 0;
        status = ask(&whole, s, rows);
        if (status == GLIMPSE_OK) status = ask(&parts, s, rows + whole.count);
        s->parts_rest = parts.rest;
        if (status == GLIMPSE_OK) status = glimpse_search_consider(s, rows, count);
        if (status < 0) break;
        if (s->count > 0) qsort(s->found, s->count, sizeof *s->found, glimpse_search_compare);
        /* What no picture has more than of which nothing was told. */
        double rest = (1.0 - GLIMPSE_TILE_CONTEXT) * parts.rest + GLIMPSE_TILE_CONTEXT * whole.rest;
        if (!(rest > whole.rest)) rest = whole.rest;
        const size_t last = count_before(s) + s->k;
        *final = rest < s->min_score || rest == -INFINITY ||
                 (!s->counts && s->count > last && s->found[last].score > rest);
    }
    free(rows);
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
    s->whole_only = options->whole_only;
    s->collapse = options->collapse;
    s->diverse = options->diverse;
    s->diverse_lambda = options->diverse_lambda;
    if (s->diverse && !(s->diverse_lambda >= 0 && s->diverse_lambda <= 1)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "a lambda of diversity of %g; it goes from 0 to 1",
                            s->diverse_lambda);
    }
    if (s->diverse && s->k > GLIMPSE_DIVERSE_MAX) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "%zu diverse results; each is compared with all others, so that there "
                            "are at most %d",
                            s->k, GLIMPSE_DIVERSE_MAX);
    }
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
    if (options->within_count > 0 && !options->within) {
        return glimpse_fail(GLIMPSE_E_INVALID, "within_count is %zu and there is no `within`",
                            options->within_count);
    }
    for (size_t i = 0; i < options->within_count; i++) {
        if (!options->within[i] || !*options->within[i]) {
            return glimpse_fail(GLIMPSE_E_INVALID,
                                "a folder to search in is empty (the working directory is \".\")");
        }
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
        status = store->ops->filters.open(out, store, own.within, own.within_count, own.after,
                                          own.before);
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

/* The place behind the last of `count` results. The first page says which picture is the newest. */
static int set_next_page(glimpse_results *results, const glimpse_search *s, size_t count) {
    const glimpse_candidate *last = &s->ranked[count - 1].candidate;
    glimpse_search_page next = {.shown = count + (s->page ? s->page->shown : 0),
                                .score = last->score,
                                .hash = last->hash,
                                .size = last->size,
                                .start = s->group_start,
                                .leaders =
                                    s->collapse ? glimpse_search_leaders_digest(s, count) : 0};
    int status = GLIMPSE_OK;
    if (s->page) {
        next.newest = s->page->newest;
    } else {
        status = s->store->ops->contents.newest(&next.newest, s->store);
    }
    if (status == GLIMPSE_OK) glimpse_results_set_next_page(results, &next);
    return status;
}

static int append(glimpse_results *results, const glimpse_search *s,
                  glimpse_availability *availability, const glimpse_ranked *ranked) {
    const size_t before = glimpse_results_count(results);
    int status = glimpse_results_append(results, s->store, availability, s->filter, ranked);
    if (glimpse_results_count(results) == before) return status;
    for (size_t i = 0; i < ranked->collapsed && status == GLIMPSE_OK; i++) {
        status = glimpse_results_add_other(results, s->store, availability, s->filter,
                                           s->others[ranked->first_other + i].candidate.content);
    }
    return status;
}

static int make_results(glimpse_search *s, glimpse_availability *availability,
                        glimpse_results **out) {
    size_t count = s->ranked_count < s->wanted ? s->ranked_count : s->wanted;
    int status = glimpse_results_create(out, count, s->page ? s->page->shown : 0);
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++)
        status = append(*out, s, availability, &s->ranked[i]);
    if (status == GLIMPSE_OK && !s->captions && !s->diverse && count > 0 &&
        count < s->ranked_count) {
        status = set_next_page(*out, s, count);
    }
    return status;
}

int glimpse_search_open(glimpse_search *s, const glimpse_model_key *key,
                        const glimpse_search_options *options) {
    const glimpse_store_ops *ops = s->store->ops;
    const glimpse_model_info *model = &s->model;
    int status = glimpse_store_find_model(&s->model, s->store, key);
    if (status != GLIMPSE_OK) return status;
    const int has_parts = model->parts > 0 && !s->whole_only;
    const uint64_t wholes = glimpse_vectors_memory(model);
    const uint64_t parts = has_parts ? glimpse_parts_memory(model) : 0;
    if (has_parts && wholes + parts > glimpse_max_memory()) {
        return glimpse_fail(
            GLIMPSE_E_NOMEM,
            "the indexes of %llu pictures and %llu tiles take %llu MB, the limit is "
            "%llu MB (%s); whole pictures alone need less (%s)",
            (unsigned long long)model->embedded, (unsigned long long)model->parts,
            (unsigned long long)((wholes + parts) >> 20),
            (unsigned long long)(glimpse_max_memory() >> 20),
            glimpse_wording("glimpse_set_max_memory", NULL),
            glimpse_wording("glimpse_search_options.whole_only", NULL));
    }
    /* Where the index would take what the process may have, the catalogue is read instead. */
    const int fits = wholes <= glimpse_max_memory();
    if (!fits && (s->collapse || s->diverse)) {
        return glimpse_fail(GLIMPSE_E_NOMEM,
                            "to compare results with each other the index of %llu pictures takes "
                            "%llu MB, the limit "
                            "is %llu MB (%s); without that less is needed (no %s, no %s)",
                            (unsigned long long)model->embedded, (unsigned long long)(wholes >> 20),
                            (unsigned long long)(glimpse_max_memory() >> 20),
                            glimpse_wording("glimpse_set_max_memory", NULL),
                            glimpse_wording("glimpse_search_options.collapse", NULL),
                            glimpse_wording("glimpse_search_options.diverse", NULL));
    }
    if (fits) status = ops->vectors.get(&s->vectors, s->store, model);
    if (status == GLIMPSE_OK && has_parts) {
        status = ops->picture_parts.vectors(&s->parts, s->store, model);
    }
    if (status == GLIMPSE_OK) {
        status = ops->filters.open(&s->filter, s->store, options->within, options->within_count,
                                   options->after, options->before);
    }
    if (status == GLIMPSE_OK) status = ops->filters.narrow(s->filter, s->store, options);
    return status;
}

/* The best, sorted: the first `k`, and those on the pages before, are what scoring everything would
 * give. */
static int find(glimpse_search *s, int narrow) {
    int status = GLIMPSE_OK, final = s->vectors && s->store->ops->vectors.count(s->vectors) == 0;
    if (!final && !narrow) status = glimpse_search_ask_index(s, &final);
    if (status == GLIMPSE_OK && !final) status = glimpse_search_consider_all(s);
    return status;
}

static size_t diverse_depth(const glimpse_search *s) {
    return s->wanted > GLIMPSE_DIVERSE_DEPTH ? s->wanted : GLIMPSE_DIVERSE_DEPTH;
}

/* Every picture by itself. */
static int rank(glimpse_search *s, int narrow) {
    if (s->diverse && s->k < diverse_depth(s)) s->k = diverse_depth(s);
    int status = find(s, narrow);
    if (status < 0) return status;
    const size_t before = count_before(s);
    if (before > 0) {
        s->count -= before;
        memmove(s->found, s->found + before, s->count * sizeof *s->found);
    }
    /* One more says that there is a next page; ranks are made one of those that are shown. */
    const size_t kept = s->captions ? s->k : s->k + 1;
    if (s->count > kept) s->count = kept;
    return s->captions ? glimpse_search_fuse(s) : plain_order(s);
}

/* One result for what is the same over again: from the top, since what is on the pages before has
 * others here, and four times as deep when the ranking ends before there are enough. A ranking with
 * captions ends where it ends. */
static int rank_groups(glimpse_search *s, int narrow) {
    const size_t limit = s->diverse ? diverse_depth(s) : s->wanted + 1;
    const size_t results = limit + (s->page ? (size_t)s->page->shown : 0);
    const size_t all = s->store->ops->vectors.count(s->vectors);
    size_t depth = results < SIZE_MAX / 4 ? 4 * results : results;
    if (depth < GLIMPSE_COLLAPSE_DEPTH) depth = GLIMPSE_COLLAPSE_DEPTH;
    for (;; depth = depth < SIZE_MAX / 4 ? 4 * depth : SIZE_MAX) {
        if (!s->captions) s->k = depth;
        int status = find(s, narrow);
        if (status < 0) return status;
        const int is_whole = s->count <= depth || depth >= all;
        if (s->count > s->k) s->count = s->k;
        free(s->ranked);
        s->ranked = NULL;
        status = s->captions ? glimpse_search_fuse(s) : plain_order(s);
        if (status == GLIMPSE_OK) status = glimpse_search_collapse(s, limit);
        if (status < 0 || s->captions || is_whole || s->ranked_count >= limit) return status;
    }
}

/* Everything inside one read transaction. */
static int run(glimpse_search *s, glimpse_results **results, const glimpse_model_key *key,
               const glimpse_search_options *options) {
    const glimpse_store_ops *ops = s->store->ops;
    glimpse_availability availability = {0};
    int status = glimpse_search_open(s, key, options), narrow = !s->vectors;
    if (status == GLIMPSE_OK) status = glimpse_availability_init(&availability, s->store);
    if (status != GLIMPSE_OK) goto done;

    if (!narrow) status = is_narrow(s, &narrow);
    if (status == GLIMPSE_OK) status = s->collapse ? rank_groups(s, narrow) : rank(s, narrow);
    if (status == GLIMPSE_OK && s->diverse) {
        status = glimpse_search_diversify(s, diverse_depth(s));
    }
    if (status == GLIMPSE_OK) status = make_results(s, &availability, results);
done:
    glimpse_availability_free(&availability);
    ops->filters.close(s->filter);
    return status;
}

int glimpse_library_search_page_key(glimpse_results **out, glimpse_library *library,
                                    const glimpse_model_key *key, const float *query,
                                    const glimpse_search_options *given,
                                    const glimpse_search_page *page) {
    glimpse_search_options own = GLIMPSE_SEARCH_OPTIONS_INIT, *const options = &own;
    glimpse_store *store = glimpse_library_store(library);
    glimpse_search s = {.store = store, .dim = key->dim, .page = page};
    glimpse_results *results = NULL;
    *out = NULL;
    int status = GLIMPSE_OPTIONS_LOAD(&own, given, glimpse_search_options, exclude_id);
    if (status == GLIMPSE_OK) status = check_options(options, &s);
    if (status == GLIMPSE_OK && page && s.diverse) {
        status = glimpse_fail(GLIMPSE_E_INVALID,
                              "a diverse order has no pages: each result goes by all that are "
                              "before it; ask for more results at once");
    }
    if (status == GLIMPSE_OK && page && s.captions) {
        status =
            glimpse_fail(GLIMPSE_E_INVALID,
                         "an order that captions have a part in has no pages: it goes by ranks, "
                         "which move when pictures come and go");
    }
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
    free(s.others);
    free(s.ranked);
    free(unit);
    if (status < 0) {
        glimpse_results_free(results);
        return status;
    }
    *out = results;
    return GLIMPSE_OK;
}

int glimpse_library_search_key(glimpse_results **out, glimpse_library *library,
                               const glimpse_model_key *key, const float *query,
                               const glimpse_search_options *options) {
    return glimpse_library_search_page_key(out, library, key, query, options, NULL);
}

int glimpse_library_search_page(glimpse_results **out, glimpse_library *library,
                                const glimpse_model *model, const float *query,
                                const glimpse_search_options *options,
                                const glimpse_search_page *page) {
    if (out) *out = NULL;
    if (!library || !model || !query || !out) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "glimpse_library_search: an argument that must be there is NULL");
    }
    glimpse_model_key key = glimpse_model_get_key(model);
    return glimpse_library_search_page_key(out, library, &key, query, options, page);
}

int glimpse_library_search(glimpse_results **out, glimpse_library *library,
                           const glimpse_model *model, const float *query,
                           const glimpse_search_options *options) {
    return glimpse_library_search_page(out, library, model, query, options, NULL);
}
