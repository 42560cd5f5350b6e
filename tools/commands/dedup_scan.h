/*
 * dedup_scan.h - running a search for duplicates (or only reading, for an audit) from a command:
 * which library, model and decisions go into it, progress, and failures as exit codes.
 */
#ifndef GLIMPSE_TOOLS_DEDUP_SCAN_H
#define GLIMPSE_TOOLS_DEDUP_SCAN_H

#include "session.h"

#include <glimpse/decisions.h>
#include <glimpse/dedup.h>

typedef struct dedup_scan {
    session *session;              /* library (may be NULL) and model (may be NULL) are open */
    glimpse_dedup_options options; /* all but progress, decide, user, library and model */
    const glimpse_decisions *decisions;
    glimpse_dedup_report *report; /* out */
} dedup_scan;

/* CLI_RUN, or an exit code after saying why. */
int dedup_scan_run(dedup_scan *scan);

/* What was looked at, in words: "the library /x", "a, b and 3 more"; free with free(). */
char *dedup_scan_title(const session *s, const char *const *roots, size_t count);

/* Opens the library if it is needed or there is one, and the model when `embed`. */
int dedup_scan_open(session *s, int has_roots, int embed);

#endif
