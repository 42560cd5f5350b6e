/*
 * session_search.c - finding pictures: a query's embedding, the search, and re-ranking.
 *
 * The library is acquired before the model, so that what is missing is found out before weights are
 * prepared.
 */
#include "session_pages.h"
#include "session_region.h"
#include "session_relevance.h"
#include "session_several.h"
#include "session_url.h"
#include "stored.h"

#include "core/error.h"
#include "core/options.h"
#include "http/fetch.h"
#include "query_terms.h"

#include <glimpse/query.h>
#include <glimpse/stored_labels.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The options of a call, complete. */
typedef struct find {
    glimpse_find_options options;
    glimpse_search_options search;
    session_control control;
    size_t k;
    session_query query; /* of the pages */
    double pictures;     /* their share in the query, 0 to 1 */
} find;

static int read_options(find *f, const glimpse_find_options *options) {
    const size_t usual = GLIMPSE_SEARCH_OPTIONS_INIT.k;
    f->pictures = 0;
    f->options = GLIMPSE_FIND_OPTIONS_INIT;
    f->search = GLIMPSE_SEARCH_OPTIONS_INIT;
    int status = GLIMPSE_OPTIONS_LOAD(&f->options, options, glimpse_find_options, user);
    if (status == GLIMPSE_OK) {
        status =
            GLIMPSE_OPTIONS_LOAD(&f->search, f->options.search, glimpse_search_options, exclude_id);
    }
    if (status != GLIMPSE_OK) return status;
    f->search.captions = NULL;
    f->search.exclude_id = NULL;
    f->k = f->search.k ? f->search.k : usual;
    f->control = (session_control){f->options.progress, f->options.cancelled, f->options.user};
    if (f->options.rerank &&
        !(f->options.rerank_weight >= 0.0 && f->options.rerank_weight <= 1.0)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "a weight of re-ranking of %g; it goes from 0 to 1",
                            f->options.rerank_weight);
    }
    if (!(f->options.relevance >= 0.0 && f->options.relevance <= 1.0)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "a relevance of %g; it goes from 0 to 1",
                            f->options.relevance);
    }
    if (f->options.page_token && (f->options.rerank || f->options.captions)) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "%s has no pages: its order shifts when pictures come and go; ask for "
                            "more results at once",
                            f->options.rerank ? "a re-ranked search" : "a search with captions");
    }
    if (f->search.diverse && (f->options.rerank || f->options.page_token)) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            f->options.rerank
                                ? "a diverse order would be lost in a re-ranking: choose one"
                                : "a diverse order has no pages: each result goes by all that are "
                                  "before it; ask for more results at once");
    }
    if (f->options.sort < GLIMPSE_SORT_NONE || f->options.sort > GLIMPSE_SORT_RATING) {
        return glimpse_fail(GLIMPSE_E_INVALID, "an order of %d", (int)f->options.sort);
    }
    if (f->options.sort != GLIMPSE_SORT_NONE && f->options.page_token) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "results in another order than by score have no pages: ask for more "
                            "results at once");
    }
    f->query = (session_query){
        .options = &f->options, .search = &f->search, .min_score = f->search.min_score};
    return glimpse_search_options_check(&f->search);
}

/* Of what is wanted. */
static double share_of_pictures(const glimpse_query *query) {
    double pictures = 0, all = 0;
    for (size_t i = 0; i < glimpse_query_count(query); i++) {
        const glimpse_query_term *term = glimpse_query_get(query, i);
        if (term->weight <= 0) continue;
        all += term->weight;
        if (term->is_picture) pictures += term->weight;
    }
    return all > 0 ? pictures / all : 0;
}

/* The texts that are wanted: terms that are added, not pictures, not those that are subtracted.
 * *out is NULL when there is none. */
static int wanted_words(char **out, const glimpse_query *query, const char *between) {
    size_t length = 1;
    *out = NULL;
    for (size_t i = 0; i < glimpse_query_count(query); i++)
        length += strlen(glimpse_query_get(query, i)->body) + strlen(between);
    char *words = calloc(length, 1), *to = words;
    if (!words) return glimpse_fail_nomem(length, "words");
    for (size_t i = 0; i < glimpse_query_count(query); i++) {
        const glimpse_query_term *term = glimpse_query_get(query, i);
        if (term->is_picture || term->weight <= 0) continue;
        to = stpcpy(to, to > words ? between : "");
        to = stpcpy(to, term->body);
    }
    if (to > words) {
        *out = words;
    } else {
        free(words);
    }
    return GLIMPSE_OK;
}

/*
 * Nothing found: is it that the library has nothing of what was asked for at all?
 */
typedef struct name_list {
    char text[320];
    size_t count;
} name_list;

static int add_name(void *user, const char *name) {
    name_list *list = user;
    const size_t used = strlen(list->text), capacity = sizeof list->text - 8 - used;
    const char *before = list->count++ > 0 ? ", " : "";
    if (strlen(before) + strlen(name) < capacity) {
        (void)snprintf(list->text + used, capacity, "%s%s", before, name);
        return 0;
    }
    (void)snprintf(list->text + used, sizeof list->text - used, ", ...");
    return 1;
}

static int explain_label(glimpse_session *session, glimpse_library *library, const char *label) {
    name_list meant = {.count = 0}, all = {.count = 0};
    int status = glimpse_library_label_names(library, label, add_name, &meant);
    if (status < 0 || meant.count > 0) return status < 0 ? status : GLIMPSE_OK;
    status = glimpse_library_label_names(library, NULL, add_name, &all);
    if (status != GLIMPSE_OK) return status;
    glimpse_session_note(session, "no stored label %s (there are%s%s)", label,
                         all.count > 0 ? ": " : " none", all.text);
    return GLIMPSE_OK;
}

static int explain_nothing(const find *f, glimpse_session *session, glimpse_library *library) {
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < f->search.label_count && status == GLIMPSE_OK; i++)
        status = explain_label(session, library, f->search.labels[i]);
    return status;
}

/* How many results the first stage is to have. */
static size_t first_count(const find *f) {
    return f->options.rerank && f->k < f->options.rerank_depth ? f->options.rerank_depth : f->k;
}

/* What the model has not seen cannot be found. */
static int note_coverage(glimpse_session *session, glimpse_library *library,
                         const glimpse_model *model) {
    uint64_t covered = 0, all = 0;
    int status = glimpse_library_model_coverage(&covered, &all, library, model);
    if (status < 0 || covered >= all) return status;
    const char *name =
        glimpse_session_call_model(session, glimpse_model_path(model), glimpse_model_name(model));
    glimpse_session_note(session,
                         "%llu of %llu pictures are embedded by %s, the others are not found (%s "
                         "embeds them, too)",
                         (unsigned long long)covered, (unsigned long long)all, name,
                         glimpse_wording("glimpse_session_embed_rest", name));
    return GLIMPSE_OK;
}

/*
 * The cut-off.
 */
/* Of the best picture that passes the filters, where it was left out. */
static int find_best(double *best, const find *f, const session_judge *judge,
                     glimpse_library *library, const glimpse_model *model, const float *vector) {
    glimpse_search_options search = f->search;
    glimpse_results *results = NULL;
    search.k = 1;
    search.min_score = GLIMPSE_SEARCH_OPTIONS_INIT.min_score;
    search.captions = NULL;
    int status = glimpse_library_search(&results, library, model, vector, &search);
    if (status == GLIMPSE_OK && glimpse_results_count(results) == 1) {
        *best = glimpse_relevance_of(&judge->relevance, glimpse_results_get(results, 0)->score);
    }
    glimpse_results_free(results);
    return status;
}

/* `min_cosine`: the score at the cut-off. */
static int judge_hits(glimpse_hits *hits, const find *f, const session_judge *judge,
                      double min_cosine, double min_score, glimpse_library *library,
                      const glimpse_model *model, const float *vector) {
    glimpse_search_options search = f->search;
    int status = GLIMPSE_OK;
    glimpse_hits_set_relevance(hits, judge, 1);
    if (judge->why) return GLIMPSE_OK;
    if (hits->count == 0) {
        status = find_best(&hits->summary.best, f, judge, library, model, vector);
    }
    if (status < 0 || f->options.all_scores) return status;
    hits->summary.cutoff = f->options.relevance;
    /* Fewer than were asked for, with those that they stand for, are all there are. */
    if (hits->count < f->search.k && min_score <= min_cosine && !f->search.captions &&
        !f->options.page_token) {
        for (size_t i = 0; i < hits->count; i++)
            hits->summary.matched += 1 + hits->items[i].result->collapsed;
        return GLIMPSE_OK;
    }
    const glimpse_model_key key = glimpse_model_get_key(model);
    search.min_score = min_cosine;
    return glimpse_library_count_key(&hits->summary.matched, &hits->summary.more_matched, library,
                                     &key, vector, &search);
}

/* Searches, and makes hits of what is found. */
static int run(glimpse_hits **out, find *f, glimpse_session *session, glimpse_library *library,
               const glimpse_model *model, const float *vector) {
    glimpse_results *results = NULL;
    glimpse_search_page page = {0};
    char token[GLIMPSE_PAGE_TOKEN_BYTES] = "";
    int has_page = 0;
    session_judge judge;
    const double min_score = f->search.min_score;
    double min_cosine = GLIMPSE_SEARCH_OPTIONS_INIT.min_score;
    f->query.fingerprint = glimpse_model_fingerprint(model);
    int status = glimpse_session_load_page(&page, &has_page, &f->query);
    if (status < 0) return status;
    const session_judged judged = {vector, f->pictures, f->search.exclude_id};
    status = glimpse_session_judge(&judge, session, session, library, model, &judged, &f->control);
    if (status < 0) return status;
    if (!judge.why && !f->options.all_scores) {
        min_cosine = glimpse_relevance_score(&judge.relevance, f->options.relevance);
        if (min_cosine > f->search.min_score) f->search.min_score = min_cosine;
    }
    f->search.k = first_count(f);
    status = glimpse_library_search_page(&results, library, model, vector, &f->search,
                                         has_page ? &page : NULL);
    if (status == GLIMPSE_E_NOT_FOUND) {
        status = glimpse_session_fail_uncovered(
            library, model,
            glimpse_session_call_model(session, glimpse_model_path(model),
                                       glimpse_model_name(model)));
    }
    if (status == GLIMPSE_OK) {
        status = note_coverage(session, library, model);
        if (status < 0) glimpse_results_free(results);
    }
    if (status == GLIMPSE_OK && glimpse_results_count(results) == 0) {
        status = explain_nothing(f, session, library);
        if (status < 0) glimpse_results_free(results);
    }
    if (status == GLIMPSE_OK && !f->options.rerank) {
        const glimpse_search_page *next =
            f->options.sort == GLIMPSE_SORT_NONE ? glimpse_results_next_page(results) : NULL;
        status = glimpse_session_make_token(token, next, &f->query);
        if (status < 0) glimpse_results_free(results);
    }
    if (status == GLIMPSE_OK) status = glimpse_hits_of_results(out, results);
    if (status != GLIMPSE_OK) return status;
    glimpse_hits *hits = *out;
    status = judge_hits(hits, f, &judge, min_cosine, min_score, library, model, vector);
    if (status < 0) return status;
    hits->summary.captions = f->search.captions != NULL;
    hits->summary.before = page.shown;
    hits->summary.collapsed = f->search.collapse;
    hits->summary.diverse = f->search.diverse;
    hits->summary.diverse_lambda = f->search.diverse_lambda;
    if (*token && glimpse_hits_copy(&hits->summary.next_page, hits, token) < 0) {
        return GLIMPSE_E_NOMEM;
    }
    status = glimpse_hits_copy(&hits->summary.model, hits, glimpse_model_name(model));
    if (status == GLIMPSE_OK) {
        status =
            glimpse_hits_copy(&hits->summary.fingerprint, hits, glimpse_model_fingerprint(model));
    }
    return status;
}

/* Of two: what is searched for, and the mean of its wordings (session_vector_fn). */
static float *new_vector(const glimpse_model *model) {
    size_t size = 2 * glimpse_model_embedding_size(model) * sizeof(float);
    float *vector = calloc(1, size);
    if (!vector) (void)glimpse_fail_nomem(size, "an embedding");
    return vector;
}

/*
 * With several models.
 */
static int refuse_of_several(const session_parts *parts, const find *f) {
    if (parts->count == 0) return GLIMPSE_OK;
    if (f->options.page_token) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "a search with several models has no pages: its order goes by ranks, "
                            "which shift when pictures come and go; ask for more results at once");
    }
    if (f->search.diverse) {
        return glimpse_fail(
            GLIMPSE_E_INVALID,
            "a diverse order is made with the vectors of one model, not of several");
    }
    if (!f->options.captions) return GLIMPSE_OK;
    return glimpse_fail(GLIMPSE_E_INVALID,
                        "captions are blended with the ranking of one model, not of several");
}

static int run_several(glimpse_hits **out, const find *f, glimpse_session *session,
                       glimpse_library *library, const session_parts *parts,
                       session_vector_fn make_vector, void *user) {
    const session_cut cut = {
        session,    f->pictures, f->search.exclude_id, f->options.relevance, f->options.all_scores,
        &f->control};
    int status = glimpse_hits_of_several(out, parts, library, &f->search, first_count(f), &cut,
                                         make_vector, user);
    if (status == GLIMPSE_OK && (*out)->count == 0) status = explain_nothing(f, session, library);
    return status;
}

typedef struct query_vectors {
    const glimpse_query *query;
    const session_control *control;
    int truncated; /* of any model */
} query_vectors;

static int vector_of_worker(query_vectors *q, float **vector, const session_worker *worker) {
    int truncated = 0;
    *vector = new_vector(worker->model);
    int status = *vector ? glimpse_session_check_cancelled(q->control) : GLIMPSE_E_NOMEM;
    if (status == GLIMPSE_OK) {
        status = glimpse_query_embed_wordings(*vector,
                                              *vector + glimpse_model_embedding_size(worker->model),
                                              &truncated, q->query, worker->encoder, worker->model);
    }
    q->truncated |= truncated;
    return status;
}

static int vector_of_query(void *user, float **vector, const glimpse_model **model,
                           glimpse_session *part, glimpse_library *library) {
    query_vectors *q = user;
    session_worker worker = {0};
    int status =
        glimpse_session_acquire_encoder(&worker, part, glimpse_query_towers(q->query), 1, library);
    if (status < 0) return status;
    *model = worker.model;
    status = vector_of_worker(q, vector, &worker);
    glimpse_session_release_encoder(&worker);
    return status;
}

static int check_texts(const find *f, const char *words) {
    if (words) return GLIMPSE_OK;
    if (f->options.captions) {
        return glimpse_fail(GLIMPSE_E_INVALID, "looking into captions needs words to look for");
    }
    if (f->options.rerank) {
        return glimpse_fail(GLIMPSE_E_INVALID, "re-ranking needs words to compare pictures with");
    }
    return GLIMPSE_OK;
}

int glimpse_session_search(glimpse_hits **out, glimpse_session *session, const char *const *words,
                           size_t count, const glimpse_find_options *options) {
    const glimpse_kept_error before = glimpse_error_keep();
    find f;
    glimpse_query *query = NULL;
    char *texts = NULL, *sentence = NULL;
    float *vector = NULL;
    session_lease lease = {0};
    session_worker worker = {0};
    session_vlm vlm = {0};
    session_parts parts;
    session_fetched *fetched = NULL;
    if (out) *out = NULL;
    if (!out || !session) {
        return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_session_search: a NULL argument");
    }
    int status = read_options(&f, options);
    if (status == GLIMPSE_OK) status = glimpse_query_parse(&query, words, count);
    if (status == GLIMPSE_OK) status = wanted_words(&texts, query, " ");
    if (status == GLIMPSE_OK) status = wanted_words(&sentence, query, ", ");
    if (status == GLIMPSE_OK) status = check_texts(&f, texts);
    if (status == GLIMPSE_OK) status = glimpse_session_load_parts(&parts, session);
    if (status == GLIMPSE_OK) status = refuse_of_several(&parts, &f);
    if (status != GLIMPSE_OK) goto done;
    f.pictures = share_of_pictures(query);
    if (f.options.captions) f.search.captions = texts;

    status = glimpse_session_acquire_library(&lease, session, SESSION_READ, NULL);
    if (status == GLIMPSE_OK && parts.count == 0) {
        status = glimpse_session_acquire_encoder(&worker, session, glimpse_query_towers(query), 1,
                                                 lease.library);
    }
    if (status == GLIMPSE_OK && f.options.rerank) {
        status = glimpse_session_acquire_vlm(&vlm, session, f.options.vlm, "itm", lease.library,
                                             &f.control);
    }
    if (status != GLIMPSE_OK) goto done;
    status = glimpse_session_fetch_all(&fetched, query, f.options.network, &f.control);
    if (status != GLIMPSE_OK) goto done;
    query_vectors vectors = {query, &f.control, 0};
    f.query.kind = "search", f.query.words = words, f.query.count = count;
    if (parts.count > 0) {
        status = run_several(out, &f, session, lease.library, &parts, vector_of_query, &vectors);
    } else {
        status = vector_of_worker(&vectors, &vector, &worker);
        if (status == GLIMPSE_OK) status = glimpse_session_check_cancelled(&f.control);
        if (status == GLIMPSE_OK) {
            status = run(out, &f, session, lease.library, worker.model, vector);
        }
    }
    if (status == GLIMPSE_OK) {
        status = glimpse_hits_note_within(*out, session, lease.library, f.search.within,
                                          f.search.within_count);
    }
    if (status != GLIMPSE_OK) goto done;
    (*out)->summary.truncated = vectors.truncated;
    if (f.options.rerank) {
        status = glimpse_hits_look_again(*out, &vlm, sentence, f.options.rerank_depth,
                                         f.options.rerank_weight, &f.control);
        if ((*out)->count > f.k) (*out)->count = f.k;
    }
    if (status == GLIMPSE_OK) status = glimpse_hits_sort(*out, f.options.sort, f.options.reverse);
done:
    if (status < 0) {
        glimpse_hits_free(*out);
        *out = NULL;
    }
    status = glimpse_session_name_url(status, fetched, glimpse_query_count(query));
    glimpse_session_drop_all(fetched, glimpse_query_count(query));
    glimpse_session_release_vlm(&vlm);
    glimpse_session_release_encoder(&worker);
    glimpse_session_release_library(&lease);
    glimpse_query_free(query);
    free(vector);
    free(texts);
    free(sentence);
    if (status >= 0) glimpse_error_restore(&before);
    return status;
}

/*
 * Like a picture.
 */
/* 1 when both files hold the same bytes. */
static int same_bytes(const char *a, const char *b) {
    struct stat info_a, info_b;
    if (stat(a, &info_a) != 0 || stat(b, &info_b) != 0) return 0;
    if (info_a.st_size != info_b.st_size) return 0;
    if (info_a.st_dev == info_b.st_dev && info_a.st_ino == info_b.st_ino) return 1;
    FILE *file_a = fopen(a, "rb"), *file_b = fopen(b, "rb");
    int same = file_a && file_b;
    while (same) {
        char chunk_a[8192], chunk_b[8192];
        size_t got_a = fread(chunk_a, 1, sizeof chunk_a, file_a);
        size_t got_b = fread(chunk_b, 1, sizeof chunk_b, file_b);
        same = got_a == got_b && memcmp(chunk_a, chunk_b, got_a) == 0;
        if (got_a < sizeof chunk_a) break;
    }
    if (file_a) (void)fclose(file_a);
    if (file_b) (void)fclose(file_b);
    return same;
}

/* The content id of a file that the library knows under another name: it is the best result. */
static void find_itself(char id[33], const find *f, glimpse_library *library,
                        const glimpse_model *model, const float *vector, const char *path) {
    glimpse_results *best = NULL;
    glimpse_search_options search = f->search;
    search.k = 1;
    search.whole_only = 1;
    search.collapse = search.diverse = 0;
    if (glimpse_library_search(&best, library, model, vector, &search) == GLIMPSE_OK &&
        glimpse_results_count(best) == 1 && same_bytes(path, glimpse_results_get(best, 0)->path)) {
        (void)snprintf(id, 33, "%s", glimpse_results_get(best, 0)->id);
    }
    glimpse_results_free(best);
}

typedef struct picture_vectors {
    find *f;
    const char *path;
    char *id; /* [33] of the picture itself, as soon as it is known; "" before */
} picture_vectors;

/* By its stored embedding, or by decoding it. A part of a picture is decoded in any case, after it
 * was found out which picture it is one of. */
static int vector_of_picture(void *user, float **vector, const glimpse_model **model,
                             glimpse_session *part, glimpse_library *library) {
    const picture_vectors *p = user;
    glimpse_stored_file stored = {0};
    int unusable = 0;
    int status = glimpse_session_open_model(model, part, GLIMPSE_TOWER_IMAGE, library);
    if (status == GLIMPSE_OK && !(*vector = new_vector(*model))) status = GLIMPSE_E_NOMEM;
    if (status == GLIMPSE_OK) status = glimpse_session_check_cancelled(&p->f->control);
    if (status != GLIMPSE_OK) return status;
    const int of_region = p->f->options.region.width > 0.0;
    if (!glimpse_stored_picture(*vector, &stored, library, *model, p->path) &&
        !(of_region && p->f->options.with_self)) {
        status = glimpse_session_encode_picture(*vector, &unusable, part, p->path, 0, library);
        if (of_region && status == GLIMPSE_E_NOT_FOUND) {
            return glimpse_session_encode_region(*vector, part, p->path, &p->f->options.region,
                                                 library);
        }
        if (status != GLIMPSE_OK) return status;
        if (!p->f->options.with_self) {
            find_itself(stored.id, p->f, library, *model, *vector, p->path);
        }
    }
    if (*stored.id) (void)snprintf(p->id, sizeof stored.id, "%s", stored.id);
    if (of_region) {
        status =
            glimpse_session_encode_region(*vector, part, p->path, &p->f->options.region, library);
        if (status < 0) return status;
    }
    return glimpse_session_check_cancelled(&p->f->control);
}

int glimpse_session_similar(glimpse_hits **out, glimpse_session *session, const char *path,
                            const glimpse_find_options *options) {
    const glimpse_kept_error before = glimpse_error_keep();
    find f;
    char id[33] = "";
    const glimpse_model *model = NULL;
    float *vector = NULL;
    session_lease lease = {0};
    session_parts parts;
    session_fetched fetched = {0};
    if (out) *out = NULL;
    if (!out || !session || !path) {
        return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_session_similar: a NULL argument");
    }
    int status = read_options(&f, options);
    f.options.rerank = f.options.captions = 0;
    f.query.kind = "similar", f.query.words = &path, f.query.count = 1;
    f.pictures = 1;
    if (status == GLIMPSE_OK) status = glimpse_session_load_parts(&parts, session);
    if (status == GLIMPSE_OK) status = refuse_of_several(&parts, &f);
    if (status == GLIMPSE_OK) {
        status = glimpse_session_acquire_library(&lease, session, SESSION_READ, NULL);
    }
    if (status == GLIMPSE_OK && glimpse_http_is_url(path)) {
        status = glimpse_session_fetch(&fetched, path, f.options.network, &f.control);
    }
    if (status != GLIMPSE_OK) goto done;
    picture_vectors vectors = {&f, fetched.path ? fetched.path : path, id};
    if (!f.options.with_self) f.search.exclude_id = id; /* filled in before vectors are compared */
    if (parts.count > 0) {
        status = run_several(out, &f, session, lease.library, &parts, vector_of_picture, &vectors);
        goto sorted;
    }
    status = vector_of_picture(&vectors, &vector, &model, session, lease.library);
    if (status != GLIMPSE_OK) goto done;
    status = run(out, &f, session, lease.library, model, vector);
sorted:
    if (status == GLIMPSE_OK) status = glimpse_hits_sort(*out, f.options.sort, f.options.reverse);
done:
    if (status == GLIMPSE_OK) {
        status = glimpse_hits_note_within(*out, session, lease.library, f.search.within,
                                          f.search.within_count);
    }
    if (status < 0) {
        glimpse_hits_free(*out);
        *out = NULL;
    }
    status = glimpse_session_name_url(status, &fetched, 1);
    glimpse_session_drop_fetched(&fetched);
    glimpse_session_release_library(&lease);
    free(vector);
    if (status >= 0) glimpse_error_restore(&before);
    return status;
}

/*
 * A list from anywhere.
 */
int glimpse_session_rerank(glimpse_hits **out, glimpse_session *session, const char *text,
                           const char *const *paths, size_t count,
                           const glimpse_find_options *options) {
    const glimpse_kept_error before = glimpse_error_keep();
    find f;
    session_lease lease = {0};
    session_vlm vlm = {0};
    if (out) *out = NULL;
    if (!out || !session || !text || (count > 0 && !paths)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_session_rerank: a NULL argument");
    }
    if (!*text) {
        return glimpse_fail(GLIMPSE_E_INVALID, "re-ranking needs words to compare pictures with");
    }
    int status = read_options(&f, options);
    if (status == GLIMPSE_OK) {
        status = glimpse_session_acquire_library(&lease, session, SESSION_OPTIONAL | SESSION_NAMED,
                                                 NULL);
    }
    if (status == GLIMPSE_OK) {
        status = glimpse_session_acquire_vlm(&vlm, session, f.options.vlm, "itm", lease.library,
                                             &f.control);
    }
    if (status == GLIMPSE_OK) status = glimpse_hits_of_paths(out, paths, count);
    if (status == GLIMPSE_OK) {
        status =
            glimpse_hits_look_again(*out, &vlm, text, count, f.options.rerank_weight, &f.control);
    }
    if (status < 0) {
        glimpse_hits_free(*out);
        *out = NULL;
    }
    glimpse_session_release_vlm(&vlm);
    glimpse_session_release_library(&lease);
    if (status >= 0) glimpse_error_restore(&before);
    return status;
}
