/*
 * glimpse/captioning.h - captions for directories and libraries: what they are made of, and what
 * came of it. glimpse_session_caption (glimpse/session_vlm.h) makes them.
 *
 * Nothing is asked twice: what the library has for the same bytes, style, model and prompt is taken
 * from there, and every answer is kept (glimpse/response_cache.h) before it is used. So a run that
 * was stopped or killed goes on where it was when it is started again. With `store` captions are in
 * the library a few seconds after they were answered.
 *
 * Styles. A remote model is asked with a prompt of the style. A native one writes sentences:
 * KEYWORDS are their words without the little ones, DETAILED lets it write longer.
 *
 * Threads: a glimpse_captioning is immutable when its call has returned.
 */
#ifndef GLIMPSE_CAPTIONING_H
#define GLIMPSE_CAPTIONING_H

#include <glimpse/captions.h>
#include <glimpse/library.h>
#include <glimpse/status.h>
#include <glimpse/vlm_settings.h>

#include <stddef.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One picture. Strings live as long as what it is a part of. */
typedef struct glimpse_captioned {
    const char *path;    /* as reached from what was given; of the library: absolute */
    const char *id;      /* content id, "" when not known */
    const char *text;    /* the caption; NULL: none (yet) */
    const char *model;   /* identity of who wrote it; NULL: that of the summary */
    const char *problem; /* why there is none, without the path; or NULL */
    int unsent;          /* 1: it was not asked about at all: the cost limit, an open breaker, a dry
                            run */
    int was_stored;      /* 1: the text comes from the library */
} glimpse_captioned;

typedef struct glimpse_caption_options {
    size_t size;                     /* GLIMPSE_CAPTION_OPTIONS_INIT sets it */
    glimpse_caption_style style;     /* SHORT */
    const char *begin;               /* how captions begin; NULL: anyhow */
    const glimpse_vlm_settings *vlm; /* NULL: the default model */
    int store;                       /* 1: keep the captions in the library */
    int missing; /* 1: a stored caption of the style will do, whoever wrote it */
    int stored;  /* 1: only what is stored, whoever wrote it; nothing is asked, and no model opened
                  */
    const char *const *within; /* [within_count] of the library only pictures here, as in
                                  glimpse_search_options; 0: all */
    size_t within_count;
    const char *const *exclude; /* of directories; as in glimpse_ingest_options */
    size_t exclude_count;
    int follow_links;
    unsigned beams, min_tokens, max_tokens; /* of native captions; 0: the style's */
    /* A caption came, or it is clear that none does; in the order they come. Pictures whose caption
     * was stored before are not named. To stop, return non-zero from `progress`, which follows each
     * call, or from `cancelled`: the call returns GLIMPSE_E_CANCELLED. May be NULL. */
    void (*each)(void *user, const glimpse_captioned *picture);
    glimpse_progress_fn progress; /* "captions" */
    int (*cancelled)(void *user);
    void *user;          /* for all three */
    int include_nomedia; /* as in glimpse_ingest_options */
    /* Of a library only pictures with a file that passes within, after, before, labels and
     * where of it; NULL: all. */
    const glimpse_search_options *filter;
} glimpse_caption_options;

static inline glimpse_caption_options glimpse_caption_options_init(void) {
    glimpse_caption_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    return options;
}
#define GLIMPSE_CAPTION_OPTIONS_INIT glimpse_caption_options_init()

typedef struct glimpse_captioning_summary {
    size_t reused;     /* captions that were stored before */
    size_t asked;      /* pictures that were asked about */
    size_t without;    /* pictures that have no caption */
    int store_failed;  /* 1: the call failed because captions could not be stored; the answers are
                          kept, so the same call stores them without asking again */
    const char *model; /* identity of the model; NULL with `stored` */
    glimpse_vlm_use vlm;
    uint64_t nomedia; /* directories left out for a .nomedia or .noimage in them */
} glimpse_captioning_summary;

/* Pictures in the order of the paths given, each directory in the order indexing has it; of the
 * library in the order of paths. What could not be looked at at all comes first. */
typedef struct glimpse_captioning glimpse_captioning;
GLIMPSE_API size_t glimpse_captioning_count(const glimpse_captioning *captioning);
GLIMPSE_API const glimpse_captioned *glimpse_captioning_get(const glimpse_captioning *captioning,
                                                            size_t i);
GLIMPSE_API const glimpse_captioning_summary *glimpse_captioning_summarize(
    const glimpse_captioning *captioning);
GLIMPSE_API void glimpse_captioning_free(glimpse_captioning *captioning);

#ifdef __cplusplus
}
#endif
#endif
