/*
 * glimpse/reading.h - a question to a document: the pages that are about it, and the answer of a
 * vision-language model that looked at them. glimpse_session_read (glimpse/session_vlm.h) makes it.
 *
 * Pages are found by their text (glimpse_document_match) and, unless the text of one explains the
 * whole question, by how they look to the CLIP model, which is what finds scanned pages. That needs
 * no network. The best ones are then shown to a VLM, when one was chosen: only those leave the
 * machine, and only when it is a remote one. A native model is shown the best page alone.
 *
 * Threads: a glimpse_reading is immutable.
 */
#ifndef GLIMPSE_READING_H
#define GLIMPSE_READING_H

#include <glimpse/library.h>
#include <glimpse/status.h>
#include <glimpse/vlm_settings.h>

#include <stddef.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { GLIMPSE_READING_PAGES = 3, GLIMPSE_READING_MAX_PAGES = 16 };

typedef struct glimpse_reading_options {
    size_t size;                     /* GLIMPSE_READING_OPTIONS_INIT sets it */
    size_t max_pages;                /* 1..GLIMPSE_READING_MAX_PAGES; GLIMPSE_READING_PAGES */
    int find_only;                   /* 1: only find the pages, ask nobody */
    int text_only;                   /* 1: find them by their text alone; no CLIP model is needed */
    const glimpse_vlm_settings *vlm; /* who is asked; without a spec in it, in $GLIMPSE_VLM and in
                                        the configuration file nobody is. May be NULL */
    glimpse_progress_fn progress;    /* "looking at pages" */
    int (*cancelled)(void *user);
    void *user;
} glimpse_reading_options;

static inline glimpse_reading_options glimpse_reading_options_init(void) {
    glimpse_reading_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    options.max_pages = GLIMPSE_READING_PAGES;
    return options;
}
#define GLIMPSE_READING_OPTIONS_INIT glimpse_reading_options_init()

typedef struct glimpse_reading_page {
    size_t page;         /* 1, 2, ... */
    double score;        /* what pages are ordered by, above 0 */
    double text;         /* glimpse_document_match */
    double cosine;       /* of its looks with the question; -2 when that was not looked at */
    const char *passage; /* the lines that hold most of the question's words, up to 319 bytes; "" */
} glimpse_reading_page;

typedef struct glimpse_reading {
    const char *path;                  /* of the document, absolute */
    size_t page_count;                 /* of the document */
    const glimpse_reading_page *pages; /* [count], best first; none: no page is about it */
    size_t count;
    int looked;    /* 1: pages were looked at as well */
    int has_model; /* 1: there is somebody to ask, who was when pages were found */
    const glimpse_vlm_answer *answer; /* NULL: nobody was asked */
    const size_t *answer_pages;       /* [answer_page_count]: what an answer rests on, of the pages
                                         that were shown */
    size_t answer_page_count;
    glimpse_vlm_use vlm;
} glimpse_reading;

GLIMPSE_API void glimpse_reading_free(glimpse_reading *reading);

#ifdef __cplusplus
}
#endif
#endif
