/*
 * session_within.c - places to search in that hold no file are told, and kept with what was found.
 */
#include "session_hits.h"

#include "core/error.h"

#include <stdlib.h>

static int keep_warning(glimpse_hits *hits, const char *text) {
    const size_t count = hits->summary.warning_count;
    const char **warnings = realloc((void *)hits->warnings, (count + 1) * sizeof *warnings);
    if (!warnings) return glimpse_fail_nomem((count + 1) * sizeof *warnings, "warnings");
    hits->warnings = warnings;
    hits->summary.warnings = warnings;
    int status = glimpse_hits_copy(&warnings[count], hits, text);
    if (status == GLIMPSE_OK) hits->summary.warning_count = count + 1;
    return status;
}

int glimpse_hits_note_within(glimpse_hits *hits, glimpse_session *session, glimpse_library *library,
                             const char *const *within, size_t count) {
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        char *problem = NULL;
        status = glimpse_library_check_within(&problem, library, within[i]);
        if (problem) {
            glimpse_session_note(session, "%s", problem);
            if (hits) status = keep_warning(hits, problem);
        }
        free(problem);
    }
    return status;
}

int glimpse_session_note_within(glimpse_session *session, glimpse_library *library,
                                const char *const *within, size_t count) {
    return glimpse_hits_note_within(NULL, session, library, within, count);
}
