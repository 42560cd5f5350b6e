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
 * Relevance. A cosine says which picture fits best, not whether any does: where it stands depends
 * on the model and on the query. A hit's relevance, 0 to 1, is comparable between queries, and for
 * one query it grows with the score. For a picture of score s, where the best picture of the whole
 * library has t,
 *
 *     relevance = 1 / (1 + exp(3.5 (t - s) / W - A))
 *     A = 4 u + 0.6 z - 0.3 e - 0.75 ln n - 2.05           of words
 *     u = (v - 0.75 P - 0.25 T) / W
 *     z = (v - m) / W
 *     e = ln mean(exp(6 (p - v) / W))
 *
 * v      cosine of the best picture with the query, the mean over several wordings ("a photo of
 * ...") P      what is typical of a picture: the cosine of the neutral prompt (data/relevance.txt)
 * that explains it tenth best, the median over a sample of the library T, W   of the prompts: the
 * median of their best scores, and how far the scores of one lie apart m      mean of the query's
 * scores over the sample p      cosines of the prompts with the best picture n      number of
 * pictures
 *
 * and of pictures A = 4 (g - 0.75 P - 0.25 T) / W + 2 (t - (R + m) / 2) / V - 0.4 ln n - 0.5, with
 * g the cosine with the best other picture of the prompts that explain the query, R and V as T and
 * W, of pictures in place of prompts; V is also the unit of t - s then. A query of both is in
 * between, by their weights. docs/relevance.md has how the constants were fixed, and what they
 * cannot do.
 *
 * Hits below options->relevance are left out; k, min_score and filters hold for what is left. It is
 * judged by the whole library, whatever the filters, and by the cosine, also where captions or a
 * VLM have a part in the order. Of several models a picture's relevance is the greatest one. With
 * fewer than GLIMPSE_RELEVANCE_PICTURES pictures, or where data/relevance.txt is not installed, it
 * cannot be told: nothing is left out, numbers about it are NaN, and the summary says why.
 *
 * Collapsing (options.search->collapse) comes behind the order that captions and several models
 * make, and before re-ranking: pictures that are the same over again are looked at once. Of several
 * models two pictures are compared by the first that has embeddings of both.
 *
 * Pages. A summary's next_page, given as page_token with the same query, filters and model, gives
 * the results behind these; k may differ from page to page. Indexing may go on between pages: what
 * was in the library with the first page comes on one page and no other, what came later on none of
 * the later pages, what was removed is not shown any more. Only the order by the cosine of one
 * model has pages. With captions, re-ranking, several models, a diverse order or a `sort` next_page
 * is NULL and a page_token GLIMPSE_E_INVALID: those orders go by ranks or by a choice of the best,
 * which shift when pictures come and go. Of a search that collapses, what was among the others of a
 * result is on no later page, unless a result of an earlier page was removed in between: then it
 * may be.
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

/* A part of a picture to look for: in pixels of the upright picture, or in percent of its sides. */
typedef struct glimpse_find_region {
    double x, y, width, height; /* width 0: the whole picture */
    int is_percent;
} glimpse_find_region;
enum { GLIMPSE_REGION_MIN = 8 }; /* pixels a side: in less there is nothing to be seen */

/* "X,Y,WIDTH,HEIGHT", all in pixels ("120,80,400,300") or all in percent ("25%,10%,50%,50%").
 * GLIMPSE_E_INVALID, with the reason, for anything else, and for what is empty or no part of any
 * picture. */
GLIMPSE_API int glimpse_find_region_parse(glimpse_find_region *out, const char *text);

#define GLIMPSE_RELEVANCE 0.5 /* the cut-off; measured: docs/relevance.md */
enum { GLIMPSE_RELEVANCE_PICTURES = 50 };

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
    glimpse_find_region region; /* similar: what to look for in the picture */
    int network; /* 1: pictures of the query that are addresses on the web (http://, https://) are
                    fetched; 0: such a query is GLIMPSE_E_INVALID. Nothing else uses the network but
                    a VLM that is a remote one */
    int all_scores;   /* 1: nothing is left out for its relevance, which is told all the same */
    double relevance; /* the cut-off, 0 to 1; anything else is GLIMPSE_E_INVALID */
    const char *page_token; /* the page behind this one (glimpse_hits_summary); NULL: the first */
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
    options.relevance = GLIMPSE_RELEVANCE;
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
    double relevance;              /* 0 to 1; NaN: it cannot be told */
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
    double cutoff; /* that hits were left out by; NaN: none were */
    double best;   /* relevance of the best picture that passes the filters, also when it is
                      left out; NaN: there is none, or it cannot be told */
    uint64_t
        matched; /* pictures that pass the filters and the cut-off, whatever k; 0 without one */
    int more_matched;         /* 1: there may be more of them */
    const char *no_relevance; /* why it cannot be told, for people; else NULL */
    /* Pages. */
    uint64_t before;       /* results on the pages before */
    const char *next_page; /* token of the page behind this one; NULL: there is none, or the order
                              has no pages */
    /* [warning_count] what the session noted about the places to search in: those without a file.
     */
    const char *const *warnings;
    size_t warning_count;
    int collapsed;         /* 1: near-duplicates and bursts are one result */
    int diverse;           /* 1: the order is that of maximal marginal relevance, with */
    double diverse_lambda; /* this */
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

/* Pictures that look like the file `path`, which need not be in the library; with options->network
 * also like the picture at an address on the web. One that is there, and
 * has not changed, is compared by its stored embedding. Results with its very bytes are the picture
 * itself, and are left out unless options->with_self.
 *
 * With options->region what is looked for is that part of it: the file is decoded, also one that is
 * in the library. GLIMPSE_E_INVALID where the region is not inside the picture, or less than
 * GLIMPSE_REGION_MIN pixels wide or high; GLIMPSE_E_NOT_FOUND where the file is not there now. */
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
