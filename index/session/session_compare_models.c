/*
 * session_compare_models.c - several models on the same queries: lists, agreement, time, recall.
 *
 * One model after the other answers all queries; what the correlations need of it (the vectors of
 * the queries, and the rows of a sample of pictures) is kept until all have answered.
 */
#include "evaluate_internal.h"
#include "results.h"
#include "session_several.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/options.h"

#include <glimpse/query.h>
#include <glimpse/session_compare_models.h>

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { RECALL_DEPTH = 10, ID_BYTES = 33 };

typedef char picture_id[ID_BYTES];

/* Of one model, while it is compared. */
typedef struct contestant {
    session_worker worker;
    size_t width;
    picture_id *ids; /* [id_count] that it covers, sorted, none twice */
    size_t id_count, id_capacity;
    float *vectors; /* [query_count][width] */
    float *rows;    /* [compared][width] */
} contestant;

typedef struct comparison {
    glimpse_model_comparison shown; /* first: the public pointer is this one */
    glimpse_compared_model *models;
    glimpse_compared_query *queries;
    glimpse_model_pair *pairs;       /* [pair_count], */
    glimpse_model_pair *query_pairs; /* [query_count][pair_count] */
    glimpse_results **results;       /* [query_count][model_count] */
    size_t *truth_ranks;             /* [query_count][model_count] */
    session_list strings;            /* owned */
    session_list lists;              /* arrays of strings, owned */
    contestant *contestants;         /* NULL when it is done */
    glimpse_library *library;
    const session_control *control;
    size_t depth;
} comparison;

static int keep(const char **out, comparison *c, const char *text) {
    char *copy = strdup(text);
    if (!copy) return glimpse_fail_nomem(strlen(text), "a string");
    int status = glimpse_session_list_add(&c->strings, copy);
    if (status < 0) {
        free(copy);
        return status;
    }
    *out = copy;
    return GLIMPSE_OK;
}

static int allocate(comparison *c, size_t models, size_t queries) {
    const size_t pairs = models * (models - 1) / 2;
    c->models = calloc(models, sizeof *c->models);
    c->contestants = calloc(models, sizeof *c->contestants);
    c->queries = calloc(queries, sizeof *c->queries);
    c->pairs = calloc(pairs, sizeof *c->pairs);
    c->query_pairs = calloc(queries, pairs * sizeof *c->query_pairs);
    c->results = calloc(queries, models * sizeof *c->results);
    c->truth_ranks = calloc(queries, models * sizeof *c->truth_ranks);
    if (!c->models || !c->contestants || !c->queries || !c->pairs || !c->query_pairs ||
        !c->results || !c->truth_ranks) {
        return glimpse_fail_nomem(queries * models * sizeof *c->results, "a comparison");
    }
    size_t p = 0;
    for (size_t i = 0; i < models; i++) {
        for (size_t k = i + 1; k < models; k++)
            c->pairs[p++] = (glimpse_model_pair){.first = i, .second = k};
    }
    c->shown.models = c->models;
    c->shown.model_count = models;
    c->shown.queries = c->queries;
    c->shown.query_count = queries;
    c->shown.pairs = c->pairs;
    c->shown.pair_count = pairs;
    return GLIMPSE_OK;
}

/*
 * What a model covers.
 */
static int add_id(void *user, const glimpse_result *file, const float *embedding) {
    contestant *m = user;
    (void)embedding;
    if (m->id_count == m->id_capacity) {
        size_t capacity = m->id_capacity ? 2 * m->id_capacity : 1024;
        picture_id *ids = realloc(m->ids, capacity * sizeof *ids);
        if (!ids) return glimpse_fail_nomem(capacity * sizeof *ids, "ids");
        m->ids = ids;
        m->id_capacity = capacity;
    }
    memcpy(m->ids[m->id_count++], file->id, ID_BYTES);
    return GLIMPSE_OK;
}

static int by_id(const void *a, const void *b) {
    return memcmp(a, b, ID_BYTES);
}

static int list_pictures(comparison *c, size_t model,
                         const glimpse_compare_models_options *options) {
    contestant *m = &c->contestants[model];
    int status = glimpse_library_visit(c->library, m->worker.model, options->within,
                                       options->within_count, add_id, m);
    if (status == GLIMPSE_E_NOT_FOUND) {
        return glimpse_session_fail_uncovered(c->library, m->worker.model, c->models[model].name);
    }
    if (status < 0) return status;
    size_t used = 0;
    if (m->id_count > 0) qsort(m->ids, m->id_count, sizeof *m->ids, by_id);
    for (size_t i = 0; i < m->id_count; i++) {
        if (used > 0 && by_id(m->ids[i], m->ids[used - 1]) == 0) continue;
        memmove(m->ids[used++], m->ids[i], ID_BYTES);
    }
    m->id_count = used;
    c->models[model].pictures = used;
    return GLIMPSE_OK;
}

/* The pictures that all cover, in place of what the first one does; the smallest ids first. */
static void intersect(comparison *c) {
    contestant *first = &c->contestants[0];
    size_t used = 0;
    for (size_t i = 0; i < first->id_count; i++) {
        int everywhere = 1;
        for (size_t k = 1; k < c->shown.model_count && everywhere; k++) {
            const contestant *m = &c->contestants[k];
            everywhere = m->id_count > 0 &&
                         bsearch(first->ids[i], m->ids, m->id_count, sizeof *m->ids, by_id) != NULL;
        }
        if (everywhere) memmove(first->ids[used++], first->ids[i], ID_BYTES);
    }
    c->shown.common = used;
    c->shown.compared = used < GLIMPSE_CORRELATION_PICTURES ? used : GLIMPSE_CORRELATION_PICTURES;
}

static int load_rows(comparison *c, size_t model) {
    contestant *m = &c->contestants[model];
    const size_t count = c->shown.compared;
    m->rows = calloc(count + 1, m->width * sizeof *m->rows);
    if (!m->rows) return glimpse_fail_nomem(count * m->width * sizeof *m->rows, "embeddings");
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++)
        status = glimpse_library_embedding(m->rows + i * m->width, NULL, c->library,
                                           m->worker.model, c->contestants[0].ids[i]);
    return status;
}

/*
 * What should be found.
 */
static int find_picture(char id[ID_BYTES], comparison *c, float *row, const char *truth) {
    int status = GLIMPSE_E_NOT_FOUND;
    for (size_t m = 0; m < c->shown.model_count && status == GLIMPSE_E_NOT_FOUND; m++)
        status =
            glimpse_library_embedding(row, id, c->library, c->contestants[m].worker.model, truth);
    return status;
}

static int resolve_truth(comparison *c, const glimpse_query_file *file, size_t query, float *row) {
    const glimpse_query_line *line = &file->queries[query];
    glimpse_compared_query *q = &c->queries[query];
    if (line->truth_count == 0) return GLIMPSE_OK;
    const char **ids = calloc(line->truth_count, sizeof *ids);
    if (!ids) return glimpse_fail_nomem(line->truth_count * sizeof *ids, "a list");
    int status = glimpse_session_list_add(&c->lists, ids);
    if (status < 0) {
        free(ids);
        return status;
    }
    q->truth = ids;
    for (size_t i = 0; i < line->truth_count && status == GLIMPSE_OK; i++) {
        char id[ID_BYTES];
        int known = 0;
        status = find_picture(id, c, row, line->truth[i]);
        if (status == GLIMPSE_E_NOT_FOUND) {
            return glimpse_fail(GLIMPSE_E_NOT_FOUND,
                                "%s, line %zu: the library has no embedding of %s", file->path,
                                line->line, line->truth[i]);
        }
        for (size_t k = 0; k < q->truth_count && status == GLIMPSE_OK; k++)
            known |= strcmp(ids[k], id) == 0;
        if (status < 0 || known) continue;
        status = keep(&ids[q->truth_count], c, id);
        if (status == GLIMPSE_OK) q->truth_count++;
    }
    return status;
}

static int resolve_all(comparison *c, const glimpse_query_file *file) {
    size_t width = 0;
    int status = GLIMPSE_OK;
    for (size_t m = 0; m < c->shown.model_count; m++)
        width = c->contestants[m].width > width ? c->contestants[m].width : width;
    float *row = calloc(width, sizeof *row);
    if (!row) return glimpse_fail_nomem(width * sizeof *row, "an embedding");
    for (size_t i = 0; i < c->shown.query_count && status == GLIMPSE_OK; i++)
        status = resolve_truth(c, file, i, row);
    free(row);
    return status;
}

static int fits(const glimpse_compared_query *q, const char *id) {
    for (size_t i = 0; i < q->truth_count; i++)
        if (strcmp(q->truth[i], id) == 0) return 1;
    return 0;
}

/* Ties never flatter, as in glimpse/evaluate.h. */
static size_t truth_rank(const glimpse_compared_query *q, const glimpse_results *results) {
    const size_t count = glimpse_results_count(results);
    size_t first = 0, rank = 1;
    while (first < count && !fits(q, glimpse_results_get(results, first)->id))
        first++;
    if (first == count) return 0;
    for (size_t i = 0; i < count; i++) {
        const glimpse_result *r = glimpse_results_get(results, i);
        rank += r->score >= glimpse_results_get(results, first)->score && !fits(q, r->id);
    }
    return rank;
}

/*
 * Asking a model.
 */
static int ask(glimpse_results **out, comparison *c, contestant *m, const glimpse_query *query,
               float *vector, const glimpse_compare_models_options *options, size_t k,
               double seconds[2]) {
    glimpse_search_options search = GLIMPSE_SEARCH_OPTIONS_INIT;
    search.k = k;
    search.whole_only = 1; /* one model may have tiles of what another has not */
    search.within = options->within;
    search.within_count = options->within_count;
    double start = glimpse_now();
    int status = glimpse_query_embed(vector, NULL, query, m->worker.encoder, m->worker.model);
    double embedded = glimpse_now();
    if (status == GLIMPSE_OK) {
        status = glimpse_library_search(out, c->library, m->worker.model, vector, &search);
    }
    seconds[0] += embedded - start;
    seconds[1] += glimpse_now() - embedded;
    return status;
}

static int ask_all(comparison *c, size_t model, glimpse_query *const *queries,
                   const glimpse_compare_models_options *options, double start) {
    contestant *m = &c->contestants[model];
    const size_t models = c->shown.model_count, count = c->shown.query_count;
    double seconds[2] = {0, 0};
    m->vectors = calloc(count, m->width * sizeof *m->vectors);
    if (!m->vectors) return glimpse_fail_nomem(count * m->width * sizeof *m->vectors, "queries");
    /* The first search loads the vectors, the first text warms the caches: not counted. */
    glimpse_results *unused = NULL;
    int status = ask(&unused, c, m, queries[0], m->vectors, options, c->depth, seconds);
    glimpse_results_free(unused);
    seconds[0] = seconds[1] = 0;
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        glimpse_results **results = &c->results[i * models + model];
        status =
            ask(results, c, m, queries[i], m->vectors + i * m->width, options, c->depth, seconds);
        if (status < 0) break;
        c->truth_ranks[i * models + model] = truth_rank(&c->queries[i], *results);
        glimpse_results_cut(*results, c->shown.k);
        status = glimpse_session_report_progress(c->control, "queries", model * count + i + 1,
                                                 models * count, glimpse_now() - start);
        if (status == GLIMPSE_OK) status = glimpse_session_check_cancelled(c->control);
    }
    c->models[model].embed_seconds = seconds[0] / (double)count;
    c->models[model].search_seconds = seconds[1] / (double)count;
    return status;
}

static int parse_queries(glimpse_query **queries, unsigned *towers,
                         const glimpse_query_file *file) {
    *towers = 0;
    for (size_t i = 0; i < file->count; i++) {
        const char *words[1] = {file->queries[i].text};
        int status = glimpse_query_parse(&queries[i], words, 1);
        if (status < 0) {
            char *why = strdup(glimpse_last_error());
            status = glimpse_fail(status, "%s, line %zu: %s", file->path, file->queries[i].line,
                                  why ? why : "a query that makes no sense");
            free(why);
            return status;
        }
        *towers |= glimpse_query_towers(queries[i]);
    }
    return GLIMPSE_OK;
}

/*
 * How far two agree.
 */
static double overlap_of(const glimpse_results *a, const glimpse_results *b) {
    const size_t n = glimpse_results_count(a), m = glimpse_results_count(b);
    size_t both = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < m; k++)
            both += strcmp(glimpse_results_get(a, i)->id, glimpse_results_get(b, k)->id) == 0;
    }
    const size_t longer = n > m ? n : m;
    return longer > 0 ? (double)both / (double)longer : 1.0;
}

typedef struct scored {
    double score;
    size_t place;
} scored;

static int by_score(const void *a, const void *b) {
    const scored *x = a, *y = b;
    return (x->score < y->score) - (x->score > y->score);
}

/* ranks[i] of sample picture i for one query, from 0, less their mean; `work` [count]. */
static void centred_ranks(double *ranks, scored *work, const contestant *m, size_t query,
                          size_t count) {
    const float *vector = m->vectors + query * m->width;
    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        for (size_t k = 0; k < m->width; k++)
            sum += (double)vector[k] * (double)m->rows[i * m->width + k];
        work[i] = (scored){sum, i};
    }
    qsort(work, count, sizeof *work, by_score);
    for (size_t i = 0; i < count;) {
        size_t end = i + 1;
        while (end < count && work[end].score == work[i].score)
            end++;
        const double mean = (double)(i + end - 1) / 2;
        for (; i < end; i++)
            ranks[work[i].place] = mean - (double)(count - 1) / 2;
    }
}

/* Pearson's of ranks whose mean is 0. */
static double correlation_of(const double *a, const double *b, size_t count) {
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < count; i++)
        ab += a[i] * b[i], aa += a[i] * a[i], bb += b[i] * b[i];
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : NAN;
}

static int compare_orders(comparison *c) {
    const size_t models = c->shown.model_count, pairs = c->shown.pair_count;
    const size_t count = c->shown.compared;
    double *ranks = calloc(models * (count + 1), sizeof *ranks);
    scored *work = calloc(count + 1, sizeof *work);
    int status = GLIMPSE_OK;
    if (!ranks || !work) status = glimpse_fail_nomem(models * count * sizeof *ranks, "ranks");
    for (size_t i = 0; i < c->shown.query_count && status == GLIMPSE_OK; i++) {
        for (size_t m = 0; m < models && count > 0; m++)
            centred_ranks(ranks + m * count, work, &c->contestants[m], i, count);
        for (size_t p = 0; p < pairs; p++) {
            glimpse_model_pair *pair = &c->query_pairs[i * pairs + p];
            *pair = (glimpse_model_pair){.first = c->pairs[p].first, .second = c->pairs[p].second};
            pair->overlap = overlap_of(c->results[i * models + pair->first],
                                       c->results[i * models + pair->second]);
            pair->correlation = count < 2 ? NAN
                                          : correlation_of(ranks + pair->first * count,
                                                           ranks + pair->second * count, count);
            c->pairs[p].overlap += pair->overlap / (double)c->shown.query_count;
            c->pairs[p].correlation += pair->correlation / (double)c->shown.query_count;
        }
    }
    free(ranks);
    free(work);
    return status;
}

static int measure_recall(comparison *c, const glimpse_compare_models_options *options) {
    const size_t models = c->shown.model_count;
    glimpse_eval_options how = GLIMPSE_EVAL_OPTIONS_INIT;
    how.samples = options->samples;
    how.seed = options->seed;
    size_t *ranks = calloc(c->shown.query_count, sizeof *ranks);
    if (!ranks) return glimpse_fail_nomem(c->shown.query_count * sizeof *ranks, "ranks");
    int status = GLIMPSE_OK;
    for (size_t m = 0; m < models && status == GLIMPSE_OK; m++) {
        size_t used = 0;
        for (size_t i = 0; i < c->shown.query_count; i++) {
            if (c->queries[i].truth_count == 0) continue;
            size_t rank = c->truth_ranks[i * models + m];
            ranks[used++] = rank ? rank : c->depth + 1;
        }
        if (used == 0) break;
        status =
            glimpse_recall_of_ranks(&c->models[m].recall, ranks, used, c->models[m].pictures, &how);
    }
    free(ranks);
    return status;
}

/*
 * All of it.
 */
static int compare(comparison *c, const glimpse_query_file *file, glimpse_query *const *queries,
                   const glimpse_compare_models_options *options) {
    const double start = glimpse_now();
    const size_t models = c->shown.model_count;
    int status = GLIMPSE_OK;
    for (size_t m = 0; m < models && status == GLIMPSE_OK; m++) {
        status = list_pictures(c, m, options);
        if (status == GLIMPSE_OK) status = glimpse_session_check_cancelled(c->control);
    }
    if (status == GLIMPSE_OK) status = resolve_all(c, file);
    if (status == GLIMPSE_OK) intersect(c);
    for (size_t m = 0; m < models && status == GLIMPSE_OK; m++) {
        status = ask_all(c, m, queries, options, start);
        if (status == GLIMPSE_OK) status = load_rows(c, m);
    }
    if (status == GLIMPSE_OK) status = compare_orders(c);
    if (status == GLIMPSE_OK) status = measure_recall(c, options);
    return status;
}

static int open_models(comparison *c, glimpse_session *session, const char *const *names,
                       unsigned towers) {
    glimpse_session *parts[GLIMPSE_MAX_MODELS];
    for (size_t m = 0; m < c->shown.model_count; m++) {
        int status = glimpse_session_load_part(&parts[m], NULL, session, names[m]);
        if (status == GLIMPSE_OK) status = keep(&c->models[m].name, c, names[m]);
        if (status < 0) return status;
        for (size_t i = 0; i < m; i++) {
            if (parts[i] != parts[m]) continue;
            return glimpse_fail(GLIMPSE_E_INVALID, "%s and %s are the same model", names[i],
                                names[m]);
        }
    }
    for (size_t m = 0; m < c->shown.model_count; m++) {
        contestant *one = &c->contestants[m];
        int status = glimpse_session_acquire_encoder(&one->worker, parts[m], towers, 1, c->library);
        if (status < 0) return status;
        one->width = glimpse_model_embedding_size(one->worker.model);
        status = keep(&c->models[m].fingerprint, c, glimpse_model_fingerprint(one->worker.model));
        if (status < 0) return status;
    }
    return GLIMPSE_OK;
}

static int show_queries(comparison *c, const glimpse_query_file *file) {
    const size_t models = c->shown.model_count;
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < file->count && status == GLIMPSE_OK; i++) {
        glimpse_compared_query *q = &c->queries[i];
        status = keep(&q->text, c, file->queries[i].text);
        q->line = file->queries[i].line;
        q->results = (const glimpse_results *const *)(c->results + i * models);
        q->truth_ranks = c->truth_ranks + i * models;
        q->pairs = c->query_pairs + i * c->shown.pair_count;
    }
    return status;
}

static void free_contestants(comparison *c) {
    for (size_t m = 0; c->contestants && m < c->shown.model_count; m++) {
        glimpse_session_release_encoder(&c->contestants[m].worker);
        free(c->contestants[m].ids);
        free(c->contestants[m].vectors);
        free(c->contestants[m].rows);
    }
    free(c->contestants);
    c->contestants = NULL;
}

int glimpse_session_compare_models(glimpse_model_comparison **out, glimpse_session *session,
                                   const char *const *models, size_t count,
                                   const glimpse_query_file *file,
                                   const glimpse_compare_models_options *options) {
    const glimpse_kept_error before = glimpse_error_keep();
    glimpse_compare_models_options own = GLIMPSE_COMPARE_MODELS_OPTIONS_INIT;
    session_lease lease = {0};
    unsigned towers = 0;
    if (out) *out = NULL;
    if (!out || !session || !models || !file || file->count == 0) {
        return glimpse_fail_null(__func__);
    }
    if (count < 2 || count > GLIMPSE_MAX_MODELS) {
        return glimpse_fail(GLIMPSE_E_INVALID, "%zu models to compare; 2 to %d can be", count,
                            GLIMPSE_MAX_MODELS);
    }
    int status = GLIMPSE_OPTIONS_LOAD(&own, options, glimpse_compare_models_options, user);
    if (status < 0) return status;
    const session_control control = {own.progress, own.cancelled, own.user};
    comparison *c = calloc(1, sizeof *c);
    glimpse_query **queries = calloc(file->count, sizeof(glimpse_query *));
    if (!c || !queries) {
        free(c);
        free(queries);
        return glimpse_fail_nomem(file->count * sizeof *queries, "a comparison");
    }
    c->control = &control;
    c->shown.k = own.k ? own.k : 10;
    c->depth = c->shown.k > RECALL_DEPTH ? c->shown.k : RECALL_DEPTH;
    status = allocate(c, count, file->count);
    if (status == GLIMPSE_OK) status = show_queries(c, file);
    if (status == GLIMPSE_OK) status = parse_queries(queries, &towers, file);
    if (status == GLIMPSE_OK) {
        status = glimpse_session_acquire_library(&lease, session, SESSION_READ, NULL);
        c->library = lease.library;
    }
    if (status == GLIMPSE_OK) status = open_models(c, session, models, towers);
    if (status == GLIMPSE_OK) {
        status = glimpse_session_note_within(session, lease.library, own.within, own.within_count);
    }
    if (status == GLIMPSE_OK) status = compare(c, file, queries, &own);
    free_contestants(c);
    glimpse_session_release_library(&lease);
    for (size_t i = 0; i < file->count; i++)
        glimpse_query_free(queries[i]);
    free(queries);
    if (status < 0) {
        glimpse_model_comparison_free(&c->shown);
        return status;
    }
    *out = &c->shown;
    glimpse_error_restore(&before);
    return GLIMPSE_OK;
}

void glimpse_model_comparison_free(glimpse_model_comparison *shown) {
    comparison *c = (comparison *)(void *)shown;
    if (!c) return;
    free_contestants(c);
    for (size_t i = 0; c->results && i < c->shown.query_count * c->shown.model_count; i++)
        glimpse_results_free(c->results[i]);
    for (size_t i = 0; i < c->strings.count; i++)
        free(c->strings.items[i]);
    for (size_t i = 0; i < c->lists.count; i++)
        free(c->lists.items[i]);
    free(c->strings.items);
    free(c->lists.items);
    free(c->results);
    free(c->truth_ranks);
    free(c->query_pairs);
    free(c->pairs);
    free(c->queries);
    free(c->models);
    free(c);
}
