/*
 * label_run.h - the work of glimpse label: from paths to labels, in order and in bounded memory.
 */
#ifndef GLIMPSE_TOOLS_LABEL_RUN_H
#define GLIMPSE_TOOLS_LABEL_RUN_H

#include "session.h"

#include <glimpse/label.h>

typedef enum label_format { LABEL_TABLE = 0, LABEL_CSV, LABEL_JSON } label_format;

typedef struct label_run {
    session *session; /* with a model and its text tower; the library may be missing */
    const glimpse_classifier *classifier;
    size_t top;             /* labels per picture */
    double min_probability; /* below: abstained */
    label_format format;
    unsigned jobs; /* 0: one per core */
    /* Set by the calls below. */
    size_t name_columns; /* of the table */
    size_t labelled, failed;
} label_run;

/* Once before the calls below: prints what stands before the first label (the CSV header). */
void label_begin(label_run *run);
/* Labels the pictures of `paths`, folders searched through. CLI_RUN or an exit code. */
int label_paths(label_run *run, const char *const *paths, size_t count);
/* Labels every picture of the library. */
int label_library(label_run *run);

#endif
