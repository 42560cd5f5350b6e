/*
 * labeller_internal.h - what the files of the pipeline share. Private.
 */
#ifndef GLIMPSE_INDEX_LABELLER_INTERNAL_H
#define GLIMPSE_INDEX_LABELLER_INTERNAL_H

#include "embedder.h"

#include <glimpse/labelling.h>

struct glimpse_labeller {
    glimpse_labeller_options o;
    glimpse_library *library;
    const glimpse_model *model;
    glimpse_encoder *encoder;
    size_t width; /* E */
    glimpse_classes *classes;
    glimpse_lines *template_lines, *background_lines;
    glimpse_classifier *classifier;
    glimpse_embedder *embedder;
    /* By the fit. */
    int fitted, calibrated, told; /* told: what the calibration came to */
    double *thresholds;           /* [K] */
    glimpse_calibration calibration;
    glimpse_label_rules rules;
    glimpse_label_class *shown; /* [K] */
    glimpse_label_set set;
    glimpse_labelling *stored; /* of options.store */
    /* What lent the handles above gets them back with the close. */
    void (*release)(void *owner);
    void *owner;
};

/* The templates in force: [*count], borrowed; NULL and 0 for the default. */
const char *const *glimpse_labeller_templates(const glimpse_labeller *labeller, size_t *count);

/* Notes what the calibration came to, once. */
void glimpse_labeller_report_calibration(glimpse_labeller *labeller);

/* keep.c: options.store, when there is one. The commit adds to the totals; it is for stopped runs
 * as well, whose labels are kept. */
int glimpse_labeller_open_stored(glimpse_labeller *labeller);
int glimpse_labeller_commit_stored(glimpse_label_totals *totals, glimpse_labeller *labeller);

/* lists.c: options.classes, and a list of lines that is a file or ships in templates/; `what` it
 * is, for the message when there is no such list. */
int glimpse_labeller_load_classes(glimpse_labeller *labeller);
int glimpse_labeller_load_lines(glimpse_lines **out, const glimpse_labeller *labeller,
                                const char *name, const char *what);

/* Reports progress; GLIMPSE_E_CANCELLED when that, or options.cancelled, wants to stop. */
int glimpse_labeller_progress(const glimpse_labeller *labeller, const char *stage, size_t done,
                              size_t total, double start);
int glimpse_labeller_check_cancelled(const glimpse_labeller *labeller);

#endif
