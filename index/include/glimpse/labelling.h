/*
 * glimpse/labelling.h - from class names to labels of directories and libraries, without training:
 * classes, prompts, examples and calibration in, a record a picture out.
 *
 *     glimpse_labeller_options options = GLIMPSE_LABELLER_OPTIONS_INIT;
 *     options.classes = "cat,dog,bird";
 *     glimpse_labeller *labeller = NULL;
 *     if (glimpse_labeller_open(&labeller, library, model, encoder, &options) < 0) ...
 *     glimpse_labeller_label_paths(NULL, labeller, paths, count, on_picture, user);
 *     glimpse_labeller_close(labeller);
 *
 * (glimpse/session_label.h does the same with a session.) The records go to a callback, in the
 * order of the pictures and in bounded memory; glimpse/dataset_writer.h turns them into files.
 *
 * Pictures that the library knows (same file, same size and time of change) are not decoded again.
 * Others are decoded as indexing decodes them.
 *
 * Threads: a labeller belongs to one thread at a time, and makes its own workers.
 */
#ifndef GLIMPSE_LABELLING_H
#define GLIMPSE_LABELLING_H

#include <glimpse/calibrate.h>
#include <glimpse/dataset_writer.h>
#include <glimpse/label.h>
#include <glimpse/library.h>
#include <glimpse/messages.h>
#include <glimpse/stored_labels.h>
#include <glimpse/sys/model.h>

#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct glimpse_labeller_options {
    size_t size; /* GLIMPSE_LABELLER_OPTIONS_INIT sets it */
    /* What to look for. A name that is no file may be that of a list that ships (`shipped`). One
     * that is neither, has no comma, and either has a slash, ends as lists do (.txt, .tsv, .csv,
     * .json, .yaml, .names and the like) or is nearly the name of a list that ships ("coco8") is
     * GLIMPSE_E_NOT_FOUND, with what may be meant, and no class of that name; any other lone word
     * is a class, and noted. "word," is one class whatever it is like.
     * `classes`: a file (glimpse_classes_load), "cat,dog,bird", or "@coco80". */
    const char *classes;
    const char *const *templates; /* [template_count] with {} for the class; 0: the usual one */
    size_t template_count;
    const char *template_file; /* instead: a file of them, or "ensemble-7" */
    /* what else there is: a file, or "" for the list that ships; NULL: none */
    const char *background;
    const char *examples; /* a few pictures of each class (glimpse_truth_load), to help the words */
    int no_cache;         /* 1: computed class weights are neither read nor kept */
    /* Which labels to claim. */
    int multi_label;         /* any number of classes a picture, each against the background */
    int abstain;             /* on pictures of none of the classes: as background "" */
    double min_probability;  /* abstain when the best class has less; -1: no limit */
    double min_margin;       /* abstain when the best two are closer; -1: no limit */
    const char *calibrate;   /* pictures of known classes, which temperature and threshold fit */
    double precision_target; /* with it: the lowest threshold that is right this often; 0: none */
    const char *save_calibration; /* with it: a file to keep it in */
    const char *calibration;      /* instead: one that was kept */
    /* The run. */
    size_t top;          /* labels a picture; 0: one, or with multi_label all that are claimed */
    const char *store;   /* keep the labels in the library under this name (stored_labels.h) */
    const char *journal; /* a file that keeps embeddings, so that a run that was stopped goes on */
    unsigned jobs;       /* workers; 0: one per core */
    int exact_decode;    /* 1: every pixel is decoded, as in glimpse_ingest_options */
    /* [exclude_count] what is left out of directories, and whether links to directories are
     * followed: as in glimpse_ingest_options. */
    const char *const *exclude;
    size_t exclude_count;
    int follow_links;
    /* To open the image tower with when `model` came without it; NULL: the defaults. */
    const glimpse_model_options *model_options;
    /* Where what ships with glimpse as `relative` ("classes/coco80.txt") is, or NULL; borrowed.
     * NULL: nothing ships. */
    const char *(*shipped)(void *shipped_user, const char *relative);
    void *shipped_user;
    glimpse_message_fn message;
    glimpse_progress_fn progress; /* non-zero stops, as `cancelled` does */
    int (*cancelled)(void *user);
    void *user;
    int include_nomedia; /* as in glimpse_ingest_options */
    /* Of a library only files that pass within, after, before, labels and where of it; NULL:
     * all. */
    const glimpse_search_options *filter;
} glimpse_labeller_options;

static inline glimpse_labeller_options glimpse_labeller_options_init(void) {
    glimpse_labeller_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    options.min_probability = -1.0;
    options.min_margin = -1.0;
    return options;
}
#define GLIMPSE_LABELLER_OPTIONS_INIT glimpse_labeller_options_init()

typedef struct glimpse_labeller glimpse_labeller;

/* Classes, prompts and their weights, from the cache or from `encoder` (of `model`). `library`
 * (NULL: none), `model`, `encoder` and what `options` points to must outlive the labeller.
 * GLIMPSE_E_INVALID when the options do not go together; with `store` GLIMPSE_E_NOT_FOUND without a
 * library, GLIMPSE_E_IO for one that may not be written. No picture is looked at yet. */
GLIMPSE_API int glimpse_labeller_open(glimpse_labeller **out, glimpse_library *library,
                                      const glimpse_model *model, glimpse_encoder *encoder,
                                      const glimpse_labeller_options *options);
GLIMPSE_API void glimpse_labeller_close(glimpse_labeller *labeller);

/* Examples and calibration: reads their pictures, once. The calls that label do it when it was not
 * done; afterwards the calls below have something to give. */
GLIMPSE_API int glimpse_labeller_fit(glimpse_labeller *labeller);
/* What all pictures share, for writers; NULL before the fit. */
GLIMPSE_API const glimpse_label_set *glimpse_labeller_set(const glimpse_labeller *labeller);
/* What was fitted to options.calibrate; NULL when nothing was. */
GLIMPSE_API const glimpse_calibration *glimpse_labeller_calibration(
    const glimpse_labeller *labeller);

/* A picture, or what could not be used (`problem`). 0: go on; above 0: stop, and the call returns
 * GLIMPSE_E_CANCELLED; a negative status: the call stops and fails with it. */
typedef int (*glimpse_labelled_fn)(void *user, const glimpse_labelled *picture);

typedef struct glimpse_label_totals {
    size_t size;           /* GLIMPSE_LABEL_TOTALS_INIT sets it */
    size_t labelled;       /* pictures with labels, those abstained on included */
    size_t abstained;      /* of them */
    size_t failed;         /* pictures that could not be used */
    size_t not_in_library; /* with `store`: labelled, but the library has no such picture */
    uint64_t stored;       /* with `store`: pictures that have labels of this name now */
    uint64_t nomedia;      /* directories left out for a .nomedia or .noimage in them */
} glimpse_label_totals;

static inline glimpse_label_totals glimpse_label_totals_init(void) {
    glimpse_label_totals totals;
    memset(&totals, 0, sizeof totals);
    totals.size = sizeof totals;
    return totals;
}
#define GLIMPSE_LABEL_TOTALS_INIT glimpse_label_totals_init()

/* Labels the pictures of `paths` [count], directories searched through. GLIMPSE_E_CANCELLED when it
 * was stopped; the labels until then are stored. `totals` may be NULL and is filled in any case. */
GLIMPSE_API int glimpse_labeller_label_paths(glimpse_label_totals *totals,
                                             glimpse_labeller *labeller, const char *const *paths,
                                             size_t count, glimpse_labelled_fn on_picture,
                                             void *user);
/* Every picture of the library, or (within_count is not 0) those `within`, as in
 * glimpse_search_options, without touching their files. */
GLIMPSE_API int glimpse_labeller_label_library(glimpse_label_totals *totals,
                                               glimpse_labeller *labeller,
                                               const char *const *within, size_t within_count,
                                               glimpse_labelled_fn on_picture, void *user);

/* How good prompts are on pictures whose classes are known. */
typedef struct glimpse_prompt_score {
    const char *text; /* the template; NULL: all of them together */
    size_t templates;
    double top1, mean_per_class_recall;
} glimpse_prompt_score;
typedef int (*glimpse_prompt_score_fn)(void *user, const glimpse_prompt_score *score);

/* Each template of the options alone, then all together when there are several. `sample` as for
 * glimpse_truth_load. A non-zero return of `on_score` stops as in glimpse_labelled_fn. */
GLIMPSE_API int glimpse_labeller_score_prompts(glimpse_labeller *labeller, const char *sample,
                                               glimpse_prompt_score_fn on_score, void *user);

#ifdef __cplusplus
}
#endif
#endif
