/*
 * index/vlm/captioning.h - how a run of captions is cut into steps. Private to the library.
 *
 *     gather   caption_gather.c: which pictures; what is stored for them; what is to be asked
 *     ask      caption_ask.c: in windows, so that what was answered is stored every few seconds
 *     list     captioning.c: what came of it
 *
 *     glimpse_caption_run run = {.options = &options, .library = library, .vlm = vlm, ...};
 *     glimpse_captioning *list = NULL;
 *     status = glimpse_captioning_create(&list);
 *     if (status == GLIMPSE_OK) status = glimpse_caption_gather(list, &run, paths, count);
 *     if (status == GLIMPSE_OK) status = glimpse_caption_ask(list, &run);
 *     glimpse_captioning_free(list);
 */
#ifndef GLIMPSE_INDEX_CAPTIONING_PRIVATE_H
#define GLIMPSE_INDEX_CAPTIONING_PRIVATE_H

#include <glimpse/captioning.h>

typedef struct glimpse_caption_run {
    const glimpse_caption_options *options; /* of this library's size */
    glimpse_library *library;               /* for this thread; NULL: there is none */
    glimpse_vlm *vlm;                       /* NULL with options->stored */
    const glimpse_vlm_run_options *asking;  /* cache, second tier, cancelling */
    const char *prompt;                     /* whole, for a remote model, else NULL */
    unsigned samples, max_tokens;           /* max_tokens: of remote answers; 0: the default */
    int keep_metadata;
    /* Stores captions, as glimpse_library_store_captions; not called without options->store. */
    int (*store)(void *user, size_t *stored, const glimpse_caption *captions, size_t count);
    void (*note)(void *user, const char *note); /* a remark for people */
    void *user;                                 /* for both */
} glimpse_caption_run;

/* A picture of the list, as its owner has it: the strings are malloc'ed, but for what `id` points
 * to. */
typedef struct glimpse_caption_item {
    glimpse_captioned shown;
    char id[33];
} glimpse_caption_item;

struct glimpse_captioning {
    glimpse_caption_item **items; /* [count]; each stays where it is */
    size_t count, capacity;
    size_t *todo; /* [todo_count] those to ask about */
    size_t todo_count;
    glimpse_captioning_summary summary;
    char *model; /* owns what the summary borrows */
};

int glimpse_captioning_create(glimpse_captioning **out);
/* `id` and `problem` may be NULL. */
int glimpse_captioning_add(glimpse_captioning *list, const char *path, const char *id,
                           const char *problem);
/* Counts the pictures without a caption; at the end. */
void glimpse_captioning_finish(glimpse_captioning *list);

/* The pictures of `paths` [count], or of the library when that is 0, with what is stored for them.
 * GLIMPSE_E_CANCELLED with those that were found so far. */
int glimpse_caption_gather(glimpse_captioning *list, const glimpse_caption_run *run,
                           const char *const *paths, size_t count);
/* Asks about those that have no caption yet. */
int glimpse_caption_ask(glimpse_captioning *list, const glimpse_caption_run *run);

/* What captions of this run were asked with, as it is stored beside them. Never NULL. */
const char *glimpse_caption_asked_with(const glimpse_caption_run *run);
/* GLIMPSE_E_CANCELLED with a message when the caller wants to stop. */
int glimpse_caption_check_cancelled(const glimpse_caption_run *run);

#endif
