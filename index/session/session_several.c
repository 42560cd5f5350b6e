/*
 * session_several.c - a session whose model is "A+B": its models, and searches with all of them.
 */
#include "session_several.h"
#include "session_relevance.h"

#include "collapse.h"
#include "fuse_models.h"
#include "library_private.h"
#include "session_private.h"

#include "core/error.h"
#include "core/options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Its models.
 */
/* A session that was opened for the model at `path`; NULL: none yet. With `opening` held. */
static glimpse_session *known_part(const glimpse_session *session, const char *path) {
    for (size_t i = 0; i < session->parts.count; i++) {
        glimpse_session *part = session->parts.items[i];
        if (strcmp(part->model_option, path) == 0) return part;
    }
    return NULL;
}

static int open_part(glimpse_session **out, glimpse_session *session, const char *path) {
    glimpse_session_options options = GLIMPSE_SESSION_OPTIONS_INIT;
    options.no_library = 1;
    options.model = path;
    options.precision = session->precision;
    options.language = session->language;
    options.dimensions = session->dimensions;
    options.backend = session->backend;
    options.no_weights_cache = session->no_weights_cache;
    options.jobs = session->jobs;
    options.note = session->note;
    options.user = session->user;
    options.cancelled = session->cancelled;
    int status = glimpse_session_open(out, &options);
    if (status == GLIMPSE_OK) status = glimpse_session_list_add(&session->parts, *out);
    if (status < 0) {
        glimpse_session_close(*out);
        *out = NULL;
    }
    return status;
}

int glimpse_session_load_part(glimpse_session **out, const char **path, glimpse_session *session,
                              const char *name) {
    char *found = NULL;
    *out = NULL;
    int status = glimpse_session_resolve_model(&found, session, NULL, name,
                                               glimpse_wording("options.model", NULL));
    if (status < 0) return status;
    (void)pthread_mutex_lock(&session->opening);
    *out = known_part(session, found);
    if (!*out) status = open_part(out, session, found);
    (void)pthread_mutex_unlock(&session->opening);
    free(found);
    if (path && *out) *path = (*out)->model_option;
    return status;
}

/* The name of the model when it may be several; NULL: it has no + in it, or is a model's own. */
static int find_sum(const char **out, glimpse_session *session) {
    const char *chosen = session->model_option ? session->model_option : session->model_variable;
    char *path = NULL;
    *out = NULL;
    if (!chosen || !strchr(chosen, '+')) return GLIMPSE_OK;
    const glimpse_kept_error before = glimpse_error_keep();
    int status = glimpse_session_resolve_model(&path, session, NULL, chosen,
                                               glimpse_wording("options.model", NULL));
    free(path);
    if (status == GLIMPSE_OK) return GLIMPSE_OK;
    if (status != GLIMPSE_E_NOT_FOUND) return status;
    glimpse_error_restore(&before);
    *out = chosen;
    return GLIMPSE_OK;
}

static int add_part(session_parts *parts, glimpse_session *session, const char *sum,
                    const char *start, size_t length) {
    glimpse_session *part = NULL;
    const char *name = NULL;
    int status = glimpse_session_keep_string(&name, session, strndup(start, length));
    if (status < 0) return status;
    parts->names[parts->count] = name;
    if (length == 0) {
        return glimpse_fail(GLIMPSE_E_INVALID, "%s: a model is missing beside a +", sum);
    }
    status = glimpse_session_load_part(&part, NULL, session, name);
    if (status < 0) return status;
    for (size_t i = 0; i < parts->count; i++) {
        if (parts->sessions[i] != part) continue;
        return glimpse_fail(GLIMPSE_E_INVALID, "%s: %s and %s are the same model", sum,
                            parts->names[i], name);
    }
    parts->sessions[parts->count++] = part;
    return GLIMPSE_OK;
}

int glimpse_session_load_parts(session_parts *out, glimpse_session *session) {
    const char *sum = NULL;
    *out = (session_parts){0};
    int status = find_sum(&sum, session);
    for (const char *start = sum; start && status == GLIMPSE_OK;) {
        const char *plus = strchr(start, '+');
        if (out->count == GLIMPSE_MAX_MODELS) {
            return glimpse_fail(GLIMPSE_E_INVALID, "%s: no more than %d models at once", sum,
                                GLIMPSE_MAX_MODELS);
        }
        status = add_part(out, session, sum, start, plus ? (size_t)(plus - start) : strlen(start));
        start = plus ? plus + 1 : NULL;
    }
    return status;
}

/*
 * What they cover.
 */
static int cover(glimpse_model_coverage *out, glimpse_library *library, size_t dimensions) {
    glimpse_store *store = glimpse_library_store(library);
    glimpse_model_info info = {.id = 0};
    glimpse_store_counts counts;
    char fingerprint[33];
    int status = glimpse_model_read_fingerprint(fingerprint, out->path);
    if (status == GLIMPSE_OK)
        status = glimpse_model_shortened_fingerprint(fingerprint, fingerprint, dimensions);
    if (status < 0) return status;
    status = store->ops->begin_read(store);
    if (status < 0) return status;
    const glimpse_kept_error before = glimpse_error_keep();
    status = store->ops->models.find(&info, store, fingerprint);
    if (status == GLIMPSE_E_NOT_FOUND) {
        glimpse_error_restore(&before);
        info = (glimpse_model_info){.id = 0};
        status = GLIMPSE_OK;
    }
    if (status == GLIMPSE_OK) status = store->ops->upkeep.count(&counts, store, info.id);
    store->ops->end_read(store);
    if (status < 0) return status;
    out->embedded = counts.embedded;
    out->pending = counts.pending;
    out->files = counts.embedded + counts.duplicates + counts.pending;
    return GLIMPSE_OK;
}

static const char *last_part(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

int glimpse_session_load_coverage(glimpse_model_coverage *out, size_t *count,
                                  glimpse_session *session) {
    const glimpse_kept_error before = glimpse_error_keep();
    session_lease lease = {0};
    session_parts parts;
    if (count) *count = 0;
    if (!out || !count || !session) return glimpse_fail_null(__func__);
    int status = glimpse_session_load_parts(&parts, session);
    if (status == GLIMPSE_OK) {
        status = glimpse_session_acquire_library(&lease, session, SESSION_READ, NULL);
    }
    const size_t all = parts.count ? parts.count : 1;
    for (size_t i = 0; i < all && status == GLIMPSE_OK; i++) {
        out[i] = (glimpse_model_coverage){0};
        status = glimpse_session_find_model(&out[i].path, parts.count ? parts.sessions[i] : session,
                                            parts.count ? NULL : lease.library);
        if (status < 0) break;
        if (parts.count) {
            out[i].model = parts.names[i];
        } else {
            const char *path = out[i].path;
            status = glimpse_session_keep_string(
                &out[i].model, session,
                strdup(glimpse_session_call_model(session, path, last_part(path))));
        }
        /* Those that its vectors have, asked for or known from the library. */
        if (status == GLIMPSE_OK) {
            status = cover(&out[i], lease.library,
                           (parts.count ? parts.sessions[i] : session)->model_dimensions);
        }
        *count = i + 1;
    }
    glimpse_session_release_library(&lease);
    if (status >= 0) glimpse_error_restore(&before);
    return status;
}

int glimpse_session_embed_rest(glimpse_ingest_report *report, glimpse_session *session,
                               const glimpse_ingest_options *options) {
    const glimpse_kept_error before = glimpse_error_keep();
    glimpse_ingest_options own = GLIMPSE_INGEST_OPTIONS_INIT;
    glimpse_ingest_report sum = GLIMPSE_INGEST_REPORT_INIT;
    glimpse_model_coverage covered[GLIMPSE_MAX_MODELS];
    session_parts parts;
    size_t count = 0;
    if (!session) return glimpse_fail_null(__func__);
    int status = GLIMPSE_OPTIONS_LOAD(&own, options, glimpse_ingest_options, user);
    if (status == GLIMPSE_OK) {
        status = GLIMPSE_REPORT_CHECK(report, glimpse_ingest_report, peak_bytes);
    }
    if (status == GLIMPSE_OK) status = glimpse_session_load_coverage(covered, &count, session);
    if (status == GLIMPSE_OK) status = glimpse_session_load_parts(&parts, session);
    if (status < 0) return status;
    own.roots = NULL;
    own.root_count = 0;
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        glimpse_ingest_report one = GLIMPSE_INGEST_REPORT_INIT;
        if (covered[i].pending == 0) continue;
        own.model = NULL;
        if (parts.count) {
            status = glimpse_session_open_model(&own.model, parts.sessions[i], GLIMPSE_TOWER_IMAGE,
                                                NULL);
        }
        if (status == GLIMPSE_OK) status = glimpse_session_index(&one, session, &own);
        one.embedded += sum.embedded;
        one.seconds += sum.seconds;
        sum = one;
    }
    GLIMPSE_REPORT_STORE(report, &sum);
    if (status >= 0) glimpse_error_restore(&before);
    return status;
}

/*
 * A search with all of them.
 */
int glimpse_session_fail_uncovered(const glimpse_library *library, const glimpse_model *model,
                                   const char *name) {
    glimpse_store *store = glimpse_library_store(library);
    glimpse_model_key key = glimpse_model_get_key(model);
    char others[64] = "", lengths[160] = "";
    int status = store->ops->begin_read(store);
    if (status == GLIMPSE_OK) {
        status = glimpse_store_other_lengths(others, sizeof others, store, &key);
        store->ops->end_read(store);
    }
    if (status < 0) return status;
    if (*others) {
        (void)snprintf(lengths, sizeof lengths,
                       ", as vectors of %zu numbers; by this name there are some of %s", key.dim,
                       others);
    }
    return glimpse_fail(GLIMPSE_E_NOT_FOUND,
                        "%s: no picture was indexed with the model %s yet%s; %s does it",
                        glimpse_library_path(library), name, lengths,
                        glimpse_wording("glimpse_session_embed_rest", name));
}

typedef struct part_query {
    const char *name; /* as it was said */
    const glimpse_model *model;
    float *vector;
} part_query;

/* One model in two places would count twice. */
static int check_different(const part_query *queries, size_t count) {
    for (size_t i = 0; i < count; i++) {
        for (size_t k = i + 1; k < count; k++) {
            if (strcmp(glimpse_model_fingerprint(queries[i].model),
                       glimpse_model_fingerprint(queries[k].model)) == 0) {
                return glimpse_fail(GLIMPSE_E_INVALID, "%s and %s are the same model",
                                    queries[i].name, queries[k].name);
            }
        }
    }
    return GLIMPSE_OK;
}

static int search_part(glimpse_results **out, glimpse_hits_model *shown, glimpse_hits *hits,
                       const part_query *part, glimpse_library *library,
                       const glimpse_search_options *search) {
    const glimpse_model *model = part->model;
    glimpse_model_info info;
    int status = glimpse_library_search(out, library, model, part->vector, search);
    if (status == GLIMPSE_E_NOT_FOUND) {
        return glimpse_session_fail_uncovered(library, model, part->name);
    }
    if (status < 0) return status;
    glimpse_store *store = glimpse_library_store(library);
    status = store->ops->models.find(&info, store, glimpse_model_fingerprint(model));
    if (status < 0) return status;
    shown->embedded = info.embedded;
    const int is_path = part->name[0] == '/' || part->name[0] == '.';
    status =
        glimpse_hits_copy(&shown->name, hits, is_path ? glimpse_model_name(model) : part->name);
    if (status < 0) return status;
    return glimpse_hits_copy(&shown->fingerprint, hits, glimpse_model_fingerprint(model));
}

static int keep_hits(glimpse_hits *hits, const glimpse_fused *fused, size_t count) {
    const size_t models = hits->summary.model_count;
    hits->items = calloc(count + 1, sizeof *hits->items);
    hits->shown = calloc(count + 1, sizeof *hits->shown);
    hits->ranks = calloc(count + 1, models * sizeof *hits->ranks);
    if (!hits->items || !hits->shown || !hits->ranks) {
        return glimpse_fail_nomem(count * sizeof *hits->shown, "results");
    }
    for (size_t i = 0; i < count; i++) {
        glimpse_hit_rank *ranks = hits->ranks + i * models;
        for (size_t m = 0; m < models; m++)
            ranks[m] = (glimpse_hit_rank){fused[i].ranks[m].rank, fused[i].ranks[m].score};
        hits->shown[i] = *fused[i].result;
        hits->shown[i].rank = i + 1;
        hits->shown[i].score = fused[i].score;
        hits->items[i] = (glimpse_hit){.path = hits->shown[i].path,
                                       .result = &hits->shown[i],
                                       .score = fused[i].score,
                                       .first_rank = i + 1,
                                       .probability = NAN,
                                       .blended = NAN,
                                       .relevance = NAN,
                                       .ranks = ranks};
    }
    hits->count = count;
    return GLIMPSE_OK;
}

static int join_names(glimpse_hits *hits) {
    char *names = NULL;
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < hits->summary.model_count && status == GLIMPSE_OK; i++) {
        char *longer = glimpse_session_format("%s%s%s", names ? names : "", names ? "+" : "",
                                              hits->summary.models[i].name);
        if (!longer) status = glimpse_fail_nomem(1, "a name");
        free(names);
        names = longer;
    }
    if (status == GLIMPSE_OK && names) {
        status = glimpse_hits_copy(&hits->summary.model, hits, names);
    }
    free(names);
    return status;
}

/* Of the models that can tell; NaN: none can. */
static double relevance_of(const glimpse_fused *fused, const session_judge *judges, size_t count) {
    double best = NAN;
    for (size_t m = 0; m < count; m++) {
        if (judges[m].why || fused->ranks[m].rank == 0) continue;
        best = fmax(best, glimpse_relevance_of(&judges[m].relevance, fused->ranks[m].score));
    }
    return best;
}

/* Leaves those in `fused` [*count] that no cut-off leaves out, and says in the summary what there
 * was. */
static void leave_out(glimpse_hits_summary *summary, glimpse_fused *fused, size_t *count,
                      const session_judge *judges, size_t models, const session_cut *cut) {
    size_t kept = 0, told = 0;
    for (size_t m = 0; m < models; m++)
        told += judges[m].why == NULL;
    for (size_t i = 0; i < *count; i++) {
        const double relevance = relevance_of(&fused[i], judges, models);
        summary->best = fmax(summary->best, relevance);
        if (told > 0 && !cut->all_scores && !(relevance >= cut->cutoff)) continue;
        fused[kept++] = fused[i];
    }
    *count = kept;
    if (told > 0 && !cut->all_scores) {
        summary->cutoff = cut->cutoff;
        summary->matched = kept;
    }
}

static int judge_parts(session_judge *judges, const part_query *queries, const session_parts *parts,
                       glimpse_library *library, const session_cut *cut) {
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < parts->count && status == GLIMPSE_OK; i++)
        status = glimpse_session_judge(
            &judges[i], cut->session, parts->sessions[i], library, queries[i].model,
            &(session_judged){queries[i].vector, cut->pictures, cut->exclude_id}, cut->control);
    return status;
}

/* The paths of those that joined the leader at `leader`: no more than GLIMPSE_OTHERS_MAX. */
static int keep_others(glimpse_hits *hits, glimpse_result *shown, size_t leader,
                       const size_t *leaders, const glimpse_fused *fused, size_t count) {
    size_t known = 0;
    const char **paths = NULL;
    shown->collapsed = 0;
    for (size_t i = leader + 1; i < count; i++)
        shown->collapsed += leaders[i] == leader;
    shown->other_count =
        shown->collapsed < GLIMPSE_OTHERS_MAX ? shown->collapsed : GLIMPSE_OTHERS_MAX;
    if (shown->other_count == 0) return GLIMPSE_OK;
    paths = calloc(shown->other_count, sizeof *paths);
    if (!paths) return glimpse_fail_nomem(shown->other_count * sizeof *paths, "results");
    for (size_t i = leader + 1; known < shown->other_count; i++) {
        if (leaders[i] == leader) paths[known++] = fused[i].result->path;
    }
    shown->others = paths;
    int status = glimpse_session_list_add(&hits->strings, paths);
    if (status < 0) free(paths);
    return status;
}

/* The first `k` leaders of the fused order. */
static int collapse(glimpse_hits *hits, const part_query *queries, size_t query_count,
                    glimpse_library *library, const glimpse_fused *fused, size_t count, size_t k) {
    glimpse_model_key keys[GLIMPSE_MAX_MODELS];
    const char **ids = calloc(count + 1, sizeof *ids);
    size_t *leaders = calloc(count + 1, sizeof *leaders), known = 0;
    glimpse_fused *shown = calloc(count + 1, sizeof *shown);
    int status = GLIMPSE_OK;
    if (!ids || !leaders || !shown) {
        status = glimpse_fail_nomem(count * sizeof *shown, "groups of results");
        goto done;
    }
    for (size_t i = 0; i < query_count; i++)
        keys[i] = glimpse_model_get_key(queries[i].model);
    for (size_t i = 0; i < count; i++)
        ids[i] = fused[i].result->id;
    status = glimpse_library_collapse_ids(leaders, library, keys, query_count, ids, count, k);
    if (status < 0) goto done;
    for (size_t i = 0; i < count; i++) {
        if (leaders[i] == i) shown[known++] = fused[i];
    }
    status = keep_hits(hits, shown, known);
    for (size_t i = 0, at = 0; i < count && status == GLIMPSE_OK; i++) {
        if (leaders[i] != i) continue;
        status = keep_others(hits, &hits->shown[at++], i, leaders, fused, count);
    }
    hits->summary.collapsed = 1;
done:
    free(ids);
    free(leaders);
    free(shown);
    return status;
}

int glimpse_hits_of_several(glimpse_hits **out, const session_parts *parts,
                            glimpse_library *library, const glimpse_search_options *search,
                            size_t k, const session_cut *cut, session_vector_fn make_vector,
                            void *user) {
    glimpse_search_options own = *search;
    const glimpse_results *lists[GLIMPSE_MAX_MODELS];
    part_query queries[GLIMPSE_MAX_MODELS] = {0};
    session_judge judges[GLIMPSE_MAX_MODELS];
    glimpse_fused *fused = NULL;
    size_t count = 0;
    *out = NULL;
    own.collapse = 0;
    own.k = k < GLIMPSE_FUSION_DEPTH ? GLIMPSE_FUSION_DEPTH : k;
    glimpse_hits *hits = calloc(1, sizeof *hits);
    glimpse_hits_model *models = calloc(parts->count, sizeof *models);
    if (hits) hits->several = calloc(parts->count, sizeof *hits->several);
    if (!hits || !models || !hits->several) {
        free(models);
        glimpse_hits_free(hits);
        return glimpse_fail_nomem(sizeof *hits, "results");
    }
    glimpse_hits_summary_init(&hits->summary);
    hits->models = models;
    hits->summary.models = models;
    hits->summary.model_count = parts->count;
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < parts->count && status == GLIMPSE_OK; i++) {
        queries[i].name = parts->names[i];
        status =
            make_vector(user, &queries[i].vector, &queries[i].model, parts->sessions[i], library);
    }
    if (status == GLIMPSE_OK) status = check_different(queries, parts->count);
    for (size_t i = 0; i < parts->count && status == GLIMPSE_OK; i++) {
        status = search_part(&hits->several[i], &models[i], hits, &queries[i], library, &own);
        lists[i] = hits->several[i];
        /* Of a ranking that is cut off there may be more. */
        if (status == GLIMPSE_OK && glimpse_results_count(lists[i]) == own.k &&
            models[i].embedded > own.k) {
            hits->summary.more_matched = 1;
        }
    }
    if (status == GLIMPSE_OK) status = judge_parts(judges, queries, parts, library, cut);
    if (status == GLIMPSE_OK) status = join_names(hits);
    if (status == GLIMPSE_OK) status = glimpse_fuse_models(&fused, &count, lists, parts->count);
    if (status == GLIMPSE_OK) {
        leave_out(&hits->summary, fused, &count, judges, parts->count, cut);
        if (isnan(hits->summary.cutoff)) hits->summary.more_matched = 0;
    }
    if (status == GLIMPSE_OK && search->collapse) {
        status = collapse(hits, queries, parts->count, library, fused, count, k);
    } else if (status == GLIMPSE_OK) {
        status = keep_hits(hits, fused, count < k ? count : k);
    }
    if (status == GLIMPSE_OK) glimpse_hits_set_relevance(hits, judges, parts->count);
    free(fused);
    for (size_t i = 0; i < parts->count; i++)
        free(queries[i].vector);
    if (status < 0) {
        glimpse_hits_free(hits);
        return status;
    }
    *out = hits;
    return GLIMPSE_OK;
}
