/*
 * session.c - opens the session of a command by its options.
 */
#include "session.h"

#include "manners.h"
#include "progress.h"
#include "tool.h"

#include <stdlib.h>
#include <string.h>

/* Each note once, however many queries there are. */
static void note(void *user, const char *text) {
    session *s = user;
    for (size_t i = 0; i < s->noted_count; i++) {
        if (strcmp(s->noted[i], text) == 0) return;
    }
    if (s->noted_count < sizeof s->noted / sizeof *s->noted) {
        s->noted[s->noted_count++] = xstrdup(text);
    }
    if (!s->quiet) tool_note("%s", text);
}

static int begin(session *s, unsigned flags, int no_library) {
    if (s->base) return CLI_RUN;
    int code = manners_apply(s->nice, s->max_memory);
    if (code != CLI_RUN) return code;
    glimpse_session_options options = GLIMPSE_SESSION_OPTIONS_INIT;
    options.library = s->library_option;
    options.library_flags = flags;
    options.no_library = no_library;
    options.model = s->model_option;
    options.precision = (glimpse_precision)s->precision;
    options.backend = (glimpse_backend)s->backend;
    options.no_weights_cache = s->no_weights_cache;
    options.language = s->language;
    options.dimensions = s->dimensions;
    options.note = note;
    options.user = s;
    options.cancelled = session_cancelled;
    return glimpse_session_open(&s->base, &options) < 0 ? tool_fail_last() : CLI_RUN;
}

int session_begin(session *s, unsigned flags) {
    return begin(s, flags, 0);
}

int session_begin_without_library(session *s) {
    return begin(s, 0, 1);
}

int session_stopped(int status, const char *kept) {
    if (status != GLIMPSE_E_CANCELLED) return tool_fail_last();
    progress_clear();
    tool_print("stopped; %s", kept);
    return EXIT_STOPPED;
}

int session_fail(int status) {
    return session_stopped(status, "what was answered is kept");
}

int session_show_progress(void *user, const glimpse_progress *p) {
    return progress_report(user, p);
}

int session_cancelled(void *user) {
    (void)user;
    return tool_stopped();
}

void session_close(session *s) {
    glimpse_session_close(s->base);
    s->base = NULL;
    while (s->noted_count > 0)
        free(s->noted[--s->noted_count]);
}
