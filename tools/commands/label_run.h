/*
 * label_run.h - the work of glimpse label: from paths to labels, in order and in bounded memory.
 */
#ifndef GLIMPSE_TOOLS_LABEL_RUN_H
#define GLIMPSE_TOOLS_LABEL_RUN_H

#include "embedder.h"
#include "label_out.h"
#include "label_setup.h"

#include <glimpse/stored_labels.h>

typedef struct label_run {
    session *session;
    const label_setup *setup; /* with its classifier and rules */
    glimpse_embedder *embedder;
    label_out *out;
    int shows_progress;
    size_t top;                /* labels per picture; 0: those that are claimed, at least one */
    glimpse_labelling *stored; /* NULL: labels are not kept in the library */
    /* Counted by the calls below. */
    label_totals totals;
    size_t not_in_library; /* labelled, but the library has no such picture to keep labels of */
} label_run;

/* Labels the pictures of `paths`, folders searched through. CLI_RUN or an exit code. */
int label_paths(label_run *run, const char *const *paths, size_t count);
/* Labels every picture of the library, or those below `prefix`. */
int label_library(label_run *run, const char *prefix);

#endif
