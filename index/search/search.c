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
 * When n grows past a share of the library, or the folder asked for holds few files, all contents
 * that pass the filter are scored instead (one query, one pass over the rows). Both ways give what
 * sorting everything would give: a test compares them.
 */
#include "catalog_private.h"
#include "core/error.h"
#include "core/options.h"
#include "dates.h"
#include "filter.h"
#include "results.h"
#include "search_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_EXTRA = 32, MAX_FETCH = 4096, FEW_FILES = 2000 };

/* Eight sums in a fixed order: the same result everywhere, and no waiting on one addition. */
static double exact_score(const float *a, const float *b, size_t n) {
    double sums[8] = {0};
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        for (size_t j = 0; j < 8; j++)
            sums[j] += (double)a[i + j] * (double)b[i + j];
    }
    for (; i < n; i++)
        sums[i % 8] += (double)a[i] * (double)b[i];
    double score =
        ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));
    return score > 1.0 ? 1.0 : score < -1.0 ? -1.0 : score;
}

/* Best first; ties by hash, then size: an order that does not depend on when a picture came. */
int glimpse_search_compare(const void *a, const void *b) {
    const glimpse_candidate *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    int order = memcmp(x->hash.bytes, y->hash.bytes, sizeof x->hash.bytes);
    if (order != 0) return order;
    return (x->size > y->size) - (x->size < y->size);
}

/* Takes a content in, whose hash and size are columns `first` and first + 1 of `row`. */
static int take(glimpse_search *s, sqlite3_stmt *row, int first, int64_t content, double score) {
    glimpse_candidate c = {content, score, {{0}}, (uint64_t)sqlite3_column_int64(row, first + 1)};
    if (sqlite3_column_bytes(row, first) == GLIMPSE_HASH_BYTES) {
        memcpy(c.hash.bytes, sqlite3_column_blob(row, first), GLIMPSE_HASH_BYTES);
    }
    if (score < s->min_score) return GLIMPSE_OK;
    if (s->has_excluded && memcmp(c.hash.bytes, s->excluded.bytes, GLIMPSE_HASH_BYTES) == 0) {
        return GLIMPSE_OK;
    }
    if (s->count == s->room) {
        size_t room = s->room ? 2 * s->room : 256;
        glimpse_candidate *grown = realloc(s->found, room * sizeof *grown);
        if (!grown) return glimpse_fail_nomem(room * sizeof *grown, "candidates");
        s->found = grown;
        s->room = room;
    }
    s->found[s->count++] = c;
    return GLIMPSE_OK;
}

/* 1 when the content has all labels that are wanted. */
static int has_labels(glimpse_search *s, int64_t content) {
    int status = 1;
    for (size_t i = 0; i < s->label_count && status > 0; i++) {
        sqlite3_stmt *row = NULL;
        status = glimpse_db_query(
            s->db, &row,
            "SELECT 1 FROM label l JOIN label_class k ON k.id = l.class_id"
            " WHERE l.content_id = ?1 AND instr('/' || k.name || '/', '/' || ?2 || '/') > 0"
            " LIMIT 1",
            "it", content, s->labels[i]);
        if (status == GLIMPSE_OK) status = glimpse_db_step(s->db, row);
        glimpse_db_reset(row);
    }
    return status;
}

int glimpse_search_consider(glimpse_search *s, size_t position) {
    sqlite3_stmt *row = NULL;
    int64_t content = glimpse_vectors_content(s->vectors, position);
    int status = glimpse_vectors_rows(s->vectors, position, 1, s->row);
    if (status < 0) return status;
    double score = exact_score(s->query, s->row, s->dim);
    if (score < s->min_score) return GLIMPSE_OK;
    status = glimpse_filter_query(&s->filter, s->db, &row,
                                  "SELECT c.hash, c.size FROM content c WHERE c.id = ?8 AND EXISTS"
                                  " (SELECT 1 FROM file f WHERE f.content_id = c.id"
                                  " AND f.missing = 0 AND " GLIMPSE_FILTER ")",
                                  content);
    if (status == GLIMPSE_OK) status = glimpse_db_step(s->db, row);
    if (status > 0) status = has_labels(s, content);
    if (status > 0) status = take(s, row, 0, content, score);
    glimpse_db_reset(row);
    return status;
}

/* Steps 1 to 4; *final is 0 when scoring everything is the better way. */
static int ask_faiss(glimpse_search *s, int *final) {
    size_t total = glimpse_vectors_count(s->vectors);
    double bound = glimpse_vectors_error_bound(s->dim);
    int64_t *positions = NULL;
    float *scores = NULL;
    int status = GLIMPSE_OK;
    *final = 0;
    size_t limit = total / 8 > MAX_FETCH ? total / 8 : MAX_FETCH;
    size_t n = s->k < limit ? s->k + s->k / 4 + FIRST_EXTRA : limit + 1;
    if (s->filter.has_path || s->filter.has_dates || s->label_count > 0) n *= 2;
    for (; status == GLIMPSE_OK && !*final && n <= limit; n *= 4) {
        if (n > total) n = total;
        free(positions);
        free(scores);
        positions = malloc(n * sizeof *positions);
        scores = malloc(n * sizeof *scores);
        if (!positions || !scores) {
            status = glimpse_fail_nomem(n * 12, "candidates");
            break;
        }
        status = glimpse_vectors_search(s->vectors, s->query, n, positions, scores);
        s->count = 0;
        for (size_t i = 0; i < n && status == GLIMPSE_OK; i++) {
            status = glimpse_search_consider(s, (size_t)positions[i]);
        }
        if (status < 0) break;
        if (s->count > 0) qsort(s->found, s->count, sizeof *s->found, glimpse_search_compare);
        double rest = (double)scores[n - 1] + bound; /* nothing else can have more */
        *final = n == total || rest < s->min_score ||
                 (s->count >= s->k && s->found[s->k - 1].score > rest);
    }
    free(scores);
    free(positions);
    return status;
}

static int score_everything(glimpse_search *s) {
    sqlite3_stmt *row = NULL;
    s->count = 0;
    int status = glimpse_filter_query(&s->filter, s->db, &row,
                                      "SELECT DISTINCT c.id, c.hash, c.size FROM file f"
                                      " CROSS JOIN content c ON c.id = f.content_id"
                                      " WHERE f.missing = 0 AND c.id > ?8 AND " GLIMPSE_FILTER,
                                      0);
    while (status == GLIMPSE_OK && (status = glimpse_db_step(s->db, row)) > 0) {
        int64_t content = sqlite3_column_int64(row, 0), position = -1;
        status = glimpse_vectors_find(s->vectors, content, &position);
        if (status < 0 || position < 0) continue;
        status = has_labels(s, content);
        if (status <= 0) continue;
        status = glimpse_vectors_rows(s->vectors, (size_t)position, 1, s->row);
        if (status == GLIMPSE_OK) {
            status = take(s, row, 1, content, exact_score(s->query, s->row, s->dim));
        }
    }
    glimpse_db_reset(row);
    if (status == GLIMPSE_OK && s->count > 0) {
        qsort(s->found, s->count, sizeof *s->found, glimpse_search_compare);
    }
    return status;
}

/* 1 when the folder asked for holds so few files that scoring them all is cheapest. */
static int is_narrow(glimpse_search *s, int *narrow) {
    sqlite3_stmt *row = NULL;
    *narrow = 0;
    if (!s->filter.has_path) return GLIMPSE_OK;
    int status = glimpse_filter_query(&s->filter, s->db, &row,
                                      "SELECT count(*) FROM (SELECT 1 FROM file f"
                                      " WHERE " GLIMPSE_FILTER_PATH " LIMIT ?8)",
                                      FEW_FILES + 1);
    if (status == GLIMPSE_OK) status = glimpse_db_step(s->db, row);
    if (status > 0) *narrow = sqlite3_column_int64(row, 0) <= FEW_FILES;
    glimpse_db_reset(row);
    return status < 0 ? status : GLIMPSE_OK;
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

int glimpse_search_options_check(const glimpse_search_options *options) {
    glimpse_search unused = {0};
    char taken[GLIMPSE_DATE_BYTES];
    int64_t mtime_ns;
    int status = options ? check_options(options, &unused) : GLIMPSE_OK;
    if (status == GLIMPSE_OK && options && options->after) {
        status = glimpse_date_parse(options->after, "after", taken, &mtime_ns);
    }
    if (status == GLIMPSE_OK && options && options->before) {
        status = glimpse_date_parse(options->before, "before", taken, &mtime_ns);
    }
    return status;
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

static int make_results(glimpse_search *s, glimpse_reach *reach, glimpse_results **out) {
    size_t count = s->ranked_count < s->wanted ? s->ranked_count : s->wanted;
    int status = glimpse_results_create(out, count);
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++)
        status = glimpse_results_append(*out, s->db, reach, &s->filter, &s->ranked[i]);
    return status;
}

int glimpse_library_search_key(glimpse_results **out, glimpse_library *library,
                               const glimpse_model_key *key, const float *query,
                               const glimpse_search_options *given) {
    glimpse_search_options own = GLIMPSE_SEARCH_OPTIONS_INIT, *const options = &own;
    glimpse_catalog *catalog = glimpse_library_catalog(library);
    glimpse_db *db = catalog->db;
    glimpse_search s = {.db = db, .dim = key->dim};
    glimpse_model_info model;
    glimpse_reach reach = {0};
    glimpse_results *results = NULL;
    float *unit = NULL;
    int reading = 0, final = 0, narrow = 0;
    *out = NULL;
    int status = GLIMPSE_OPTIONS_LOAD(&own, given, glimpse_search_options, exclude_id);
    if (status == GLIMPSE_OK) status = check_options(options, &s);
    if (status < 0) return status;

    glimpse_db_enter(db);
    unit = malloc(2 * key->dim * sizeof *unit);
    if (!unit) {
        status = glimpse_fail_nomem(2 * key->dim * sizeof *unit, "a query");
        goto done;
    }
    s.query = unit;
    s.row = unit + key->dim;
    status = normalise(unit, query, key->dim);
    if (status < 0) goto done;
    status = glimpse_db_begin_read(db);
    if (status < 0) goto done;
    reading = 1;
    status = glimpse_catalog_find_model(catalog, key->fingerprint, &model);
    if (status == GLIMPSE_E_NOT_FOUND) {
        status =
            glimpse_fail(GLIMPSE_E_NOT_FOUND, "%s: no picture was indexed with the model %s yet",
                         glimpse_library_path(library), key->name);
    }
    if (status < 0) goto done;
    if (model.dim != key->dim) {
        status = glimpse_db_damaged(db, "model %s has %zu dimensions there and %zu here",
                                    key->fingerprint, model.dim, key->dim);
        goto done;
    }
    status = glimpse_library_vectors(library, &model, &s.vectors);
    if (status == GLIMPSE_OK) {
        status = glimpse_filter_init(&s.filter, db, options->path_prefix, options->after,
                                     options->before);
    }
    if (status == GLIMPSE_OK) status = glimpse_reach_init(&reach, catalog);
    if (status < 0) goto done;

    final = glimpse_vectors_count(s.vectors) == 0;
    if (!final) status = is_narrow(&s, &narrow);
    if (status == GLIMPSE_OK && !final && !narrow) status = ask_faiss(&s, &final);
    if (status == GLIMPSE_OK && !final) status = score_everything(&s);
    if (status < 0) goto done;

    if (s.count > s.k) s.count = s.k;
    status = s.captions ? glimpse_search_fuse(&s) : plain_order(&s);
    if (status == GLIMPSE_OK) status = make_results(&s, &reach, &results);
    if (status == GLIMPSE_OK) {
        *out = results;
        results = NULL;
    }
done:
    if (reading) glimpse_db_end_read(db);
    glimpse_db_leave(db);
    glimpse_results_free(results);
    glimpse_reach_free(&reach);
    glimpse_filter_free(&s.filter);
    free(s.found);
    free(s.ranked);
    free(unit);
    return status;
}
