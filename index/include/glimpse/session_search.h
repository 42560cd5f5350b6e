/*
 * glimpse/session_search.h - finding pictures with a session: by words, by a picture, and with a
 * re-ranking by a vision-language model (VLM).
 *
 *     glimpse_search_options search = GLIMPSE_SEARCH_OPTIONS_INIT;
 *     glimpse_find_options options = GLIMPSE_FIND_OPTIONS_INIT;
 *     glimpse_hits *hits = NULL;
 *     search.k = 20, search.after = "2023";
 *     options.search = &search, options.rerank = 1;
 *     if (glimpse_session_search(&hits, session, words, count, &options) < 0) ...
 *     for (size_t i = 0; i < glimpse_hits_count(hits); i++) {
 *         const glimpse_hit *hit = glimpse_hits_get(hits, i);
 *         printf("%.3f %s\n", hit->probability, hit->path);
 *     }
 *     glimpse_hits_free(hits);
 *
 * Re-ranking. The first `rerank_depth` results are shown to the VLM, which says how probable it is
 * that the text describes each. Its scores and the first ones become one order (glimpse/rerank.h):
 * of a native model the logit of the probability, which tells near-certain pictures apart, of a
 * remote one, whose numbers are round, the probability itself. A picture it cannot score keeps its
 * place. docs/rerank.md has what depth and weight do.
 *
 * Several models. A session whose model is "A+B" (glimpse/session.h) searches with each of them and
 * makes one order by reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009):
 *
 *     fused = sum over the models of 1 / (60 + rank by that model)
 *
 * over the first GLIMPSE_FUSION_DEPTH pictures (k when that is more) of each, a part being 0 where
 * a picture is not among them: what only one model has embeddings of takes part with one rank. A
 * rank is 1 + the number of pictures scored strictly better. Equal sums are ordered by the rank of
 * the model named first, then of the next, then by id. Filters hold for every ranking, min_score
 * as well. Re-ranking starts from the fused order; captions are blended with one model only.
 *
 * Threads: as the session. Hits are immutable and do not depend on the session.
 */
#ifndef GLIMPSE_SESSION_SEARCH_H
#define GLIMPSE_SESSION_SEARCH_H

#include <glimpse/listing.h>
#include <glimpse/session.h>
#include <glimpse/vlm_settings.h>

#include <stddef.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GLIMPSE_RERANK_WEIGHT 0.7 /* measured: docs/rerank.md */
enum { GLIMPSE_RERANK_DEPTH = 50 };

typedef struct glimpse_find_options {
    size_t size;                          /* GLIMPSE_FIND_OPTIONS_INIT sets it */
    const glimpse_search_options *search; /* how many, filters, weight of captions; NULL: the
                                             defaults. `captions` and `exclude_id` in it are set
                                             here and not looked at */
    int captions;          /* 1: the words of the query are also looked for in stored captions */
    int with_self;         /* similar: 1 leaves the picture itself among the results */
    int rerank;            /* search: 1 to re-rank */
    unsigned rerank_depth; /* how many it looks at */
    double rerank_weight;  /* 0: the first order, 1: the VLM's */
    const glimpse_vlm_settings *vlm; /* NULL: the default model */
    glimpse_progress_fn progress;    /* "looked at again" */
    int (*cancelled)(void *user);    /* asked before and after the query is embedded, and during a
                                        re-ranking; not while vectors are compared */
    void *user;
    glimpse_sort sort; /* search, similar: what was found, as many as were asked for, in another
                          order than by score; result->rank stays the one by score */
    int reverse;       /* that order from its end */
} glimpse_find_options;

static inline glimpse_find_options glimpse_find_options_init(void) {
    glimpse_find_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    options.rerank_depth = GLIMPSE_RERANK_DEPTH;
    options.rerank_weight = GLIMPSE_RERANK_WEIGHT;
    return options;
}
#define GLIMPSE_FIND_OPTIONS_INIT glimpse_find_options_init()

/* What one of several models makes of a picture. */
typedef struct glimpse_hit_rank {
    size_t rank;  /* 0: not among its first GLIMPSE_FUSION_DEPTH, or it has no embedding of it */
    double score; /* cosine similarity; NaN without a rank */
} glimpse_hit_rank;

typedef struct glimpse_hit {
    const char *path;
    const glimpse_result *result; /* what the library knows of it; NULL in a list of files */
    double score;                 /* cosine similarity; the fused score of several models, also
                                     in result->score; NaN in a list of files */
    size_t first_rank;            /* before re-ranking: 1, 2, ... */
    double probability; /* that the text describes the picture; NaN: it was not looked at again, or
                           could not be scored */
    double blended;     /* what it was sorted by; NaN without a probability */
    const char *reason; /* why it could not be scored, without the path; else NULL */
    const glimpse_hit_rank *ranks; /* [summary->model_count] of several models; else NULL */
} glimpse_hit;

/* One of several models. */
typedef struct glimpse_hits_model {
    const char *name, *fingerprint;
    uint64_t embedded; /* pictures of the library that it has embeddings of */
} glimpse_hits_model;

/* What is true of all hits of a search. */
typedef struct glimpse_hits_summary {
    const char *model, *fingerprint; /* of the embeddings; NULL for a list of files; of several
                                        models "A+B" and NULL */
    int truncated;                   /* 1: a text is longer than the model reads; its end is cut */
    int captions;                    /* 1: stored captions had a part in it */
    /* Of re-ranking; all 0 and NULL without one. */
    int reranked;
    size_t depth, failed; /* how many were looked at, and how many of these have no score */
    double weight;
    glimpse_vlm_use vlm;
    const glimpse_hits_model *models; /* [model_count] in the order of their names in "A+B"; NULL
                                         and 0 for a search with one */
    size_t model_count;
} glimpse_hits_summary;

typedef struct glimpse_hits glimpse_hits;

GLIMPSE_API size_t glimpse_hits_count(const glimpse_hits *hits);
GLIMPSE_API const glimpse_hit *glimpse_hits_get(const glimpse_hits *hits, size_t i);
GLIMPSE_API const glimpse_hits_summary *glimpse_hits_summarize(const glimpse_hits *hits);
GLIMPSE_API void glimpse_hits_free(glimpse_hits *hits);

/* The query is `words` [count] as in glimpse/query.h: texts and pictures, added and subtracted.
 * GLIMPSE_E_INVALID for a query or options that make no sense, such as `captions` or `rerank`
 * without a text that is wanted; GLIMPSE_E_NOT_FOUND without a library, a model or a VLM. */
GLIMPSE_API int glimpse_session_search(glimpse_hits **out, glimpse_session *session,
                                       const char *const *words, size_t count,
                                       const glimpse_find_options *options);

/* Pictures that look like the file `path`, which need not be in the library. One that is there, and
 * has not changed, is compared by its stored embedding. Results with its very bytes are the picture
 * itself, and are left out unless options->with_self. */
GLIMPSE_API int glimpse_session_similar(glimpse_hits **out, glimpse_session *session,
                                        const char *path, const glimpse_find_options *options);

/* A list of files from anywhere, best first, put in order by what the VLM makes of each:
 * options->rerank_weight 1 is its order, 0 that of the list. Of the other options `vlm` and the
 * callbacks are used. No library is needed; where there is one, answers are kept in it. */
GLIMPSE_API int glimpse_session_rerank(glimpse_hits **out, glimpse_session *session,
                                       const char *text, const char *const *paths, size_t count,
                                       const glimpse_find_options *options);

#ifdef __cplusplus
}
#endif
#endif
