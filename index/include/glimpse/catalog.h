/*
 * glimpse/catalog.h - the table of models that are worth having: what they are called, where they
 * are published, and what others measured with them.
 *
 *     const glimpse_catalog *catalog = NULL;
 *     if (glimpse_session_catalog(&catalog, session) < 0) ...      // glimpse/session_pull.h
 *     for (size_t i = 0; i < glimpse_catalog_count(catalog); i++)
 *         puts(glimpse_catalog_get(catalog, i)->name);
 *
 * Figures are those that were published, of the whole model in f32; nothing here was measured by
 * glimpse. What nobody could check is named in `unverified`.
 *
 * Threads: a catalogue does not change once it is loaded.
 */
#ifndef GLIMPSE_CATALOG_H
#define GLIMPSE_CATALOG_H

#include <glimpse/status.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct glimpse_catalog_model {
    const char *name;             /* short, as people type it */
    const char *repository;       /* ORG/NAME */
    const char *revision;         /* a commit, or the branch of which the newest is taken */
    const char *weights_revision; /* the commit that has the weights; NULL: `revision` */
    const char *family;           /* "SigLIP 2" */
    const char *purpose;          /* "search", "caption", "match" or "answer" */
    const char *licence;          /* an SPDX name or the publisher's; NULL: none is declared */
    const char *languages;        /* "en", "de fr ..."; "*": many */
    const char *source;           /* of the figures: an address */
    const char *unverified;       /* what of this nobody could check, in words; NULL: nothing */
    const char *note;             /* one sentence; NULL */
    double parameters;            /* of all towers, millions; NaN: not known */
    double image_parameters, text_parameters; /* of these; NaN: not known */
    unsigned resolution, patch, dimension;    /* dimension 0: no embeddings */
    uint64_t bytes;                           /* about, of the download; 0: not known */
    /* Per cent; NaN: not published. ImageNet: zero-shot, top-1. COCO (5k, Karpathy) and Flickr30k
     * (1k): recall at 1 of the picture for a text, and of the text for a picture. */
    double imagenet, coco_image, coco_text, flickr_image, flickr_text;
    int recommended;          /* for who does not know better */
    const char *const *files; /* as published at the revision, NULL-terminated; may be incomplete */
    double
        xm3600; /* Crossmodal-3600: recall at 1 of the picture for a text, mean of 36 languages */
    int is_restricted; /* the licence forbids commercial use, or allows research alone */
} glimpse_catalog_model;

typedef struct glimpse_catalog glimpse_catalog;

/* From a file as data/models/catalog.json; GLIMPSE_E_FORMAT names what is wrong in it. */
GLIMPSE_API int glimpse_catalog_load(glimpse_catalog **out, const char *path);
GLIMPSE_API size_t glimpse_catalog_count(const glimpse_catalog *catalog);
GLIMPSE_API const glimpse_catalog_model *glimpse_catalog_get(const glimpse_catalog *catalog,
                                                             size_t i);
/* By its short name, another name of it, or ORG/NAME, whatever the case; NULL: not in it. */
GLIMPSE_API const glimpse_catalog_model *glimpse_catalog_find(const glimpse_catalog *catalog,
                                                              const char *name);
/* 1 when the model was made for texts in `language` ("de"). */
GLIMPSE_API int glimpse_catalog_covers(const glimpse_catalog_model *model, const char *language);

/* What a model has to fit. Zeros: whatever it is. */
typedef struct glimpse_catalog_needs {
    const char *language;     /* "de"; NULL: English */
    double flops;             /* of this machine, a second (glimpse_session_measure_flops) */
    double pictures_a_second; /* that it should embed at the least, with these flops */
    uint64_t memory;          /* bytes */
} glimpse_catalog_needs;
/* The one to search with: the best (COCO, a picture for a text) that fits; the smallest that speaks
 * the language when none does; NULL when none speaks it. One that is recommended is preferred to
 * those that are no more than three points better, and one whose licence is not restricted to any
 * that is. */
GLIMPSE_API const glimpse_catalog_model *glimpse_catalog_recommend(
    const glimpse_catalog *catalog, const glimpse_catalog_needs *needs);
/* Pictures a second, about, of a machine that computes `flops`; NaN when the table does not say
 * enough. */
GLIMPSE_API double glimpse_catalog_speed(const glimpse_catalog_model *model, double flops);
/* Bytes of memory that the model takes, about, in f32 with both towers; 0 when not known. */
GLIMPSE_API uint64_t glimpse_catalog_memory(const glimpse_catalog_model *model);
GLIMPSE_API void glimpse_catalog_free(glimpse_catalog *catalog);

#ifdef __cplusplus
}
#endif
#endif
