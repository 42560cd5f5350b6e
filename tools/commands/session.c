/*
 * session.c - see session.h.
 */
#include "session.h"

#include "progress.h"
#include "tool.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const session_decodings[] = {"fast", "exact", NULL};

static void note(void *user, const char *text) {
    const session *s = user;
    if (!s->quiet) tool_note("%s", text);
}

static int begin(session *s, unsigned flags, int no_library) {
    if (s->base) return CLI_RUN;
    glimpse_session_options options = GLIMPSE_SESSION_OPTIONS_INIT;
    options.library = s->library_option;
    options.library_flags = flags;
    options.no_library = no_library;
    options.model = s->model_option;
    options.precision = (glimpse_precision)s->precision;
    options.backend = (glimpse_backend)s->backend;
    options.no_weights_cache = s->no_weights_cache;
    options.note = note;
    options.user = s;
    return glimpse_session_open(&s->base, &options) < 0 ? tool_fail_last() : CLI_RUN;
}

int session_begin(session *s, unsigned flags) {
    return begin(s, flags, 0);
}

int session_begin_without_library(session *s) {
    return begin(s, 0, 1);
}

int session_fail(int status) {
    if (status != GLIMPSE_E_CANCELLED) return tool_fail_last();
    progress_clear();
    tool_say("stopped; what was answered is kept");
    return EXIT_STOPPED;
}

int session_show_progress(void *user, const glimpse_progress *p) {
    (void)user;
    progress_show(p->stage, p->done, p->total, p->total_is_final, p->seconds, NULL);
    return 0;
}

int session_cancelled(void *user) {
    (void)user;
    return tool_stopped();
}

void session_close(session *s) {
    glimpse_encoder_free(s->encoder);
    glimpse_library_close(s->library);
    glimpse_session_close(s->base);
    s->encoder = NULL;
    s->model = NULL;
    s->library = NULL;
    s->base = NULL;
    s->model_path = NULL;
}

/*
 * For commands.
 */
int session_open_library(session *s, unsigned flags) {
    int code = session_begin(s, 0);
    if (code != CLI_RUN) return code;
    return glimpse_session_open_library(&s->library, s->base, flags) < 0 ? tool_fail_last()
                                                                         : CLI_RUN;
}

int session_open_library_if_any(session *s, int named_must_exist) {
    int code = session_begin(s, 0);
    if (code != CLI_RUN) return code;
    int found = glimpse_session_has_library(s->base);
    if (found == GLIMPSE_E_NOT_FOUND && !named_must_exist) return CLI_RUN;
    if (found < 0) return tool_fail_last();
    return found ? session_open_library(s, 0) : CLI_RUN;
}

int session_find_model(session *s) {
    if (s->model_path) return CLI_RUN;
    int code = s->library ? session_begin(s, 0) : session_begin_without_library(s);
    if (code != CLI_RUN) return code;
    return glimpse_session_model_path(&s->model_path, s->base) < 0 ? tool_fail_last() : CLI_RUN;
}

int session_open_model(session *s, unsigned towers, size_t batch) {
    int code = session_find_model(s);
    if (code != CLI_RUN) return code;
    if (glimpse_session_model(&s->model, s->base, towers) < 0) return tool_fail_last();
    if (batch > 0 && glimpse_encoder_create(&s->encoder, s->model, batch) < 0) {
        return tool_fail_last();
    }
    return CLI_RUN;
}

int session_open_embedder(glimpse_embedder **out, const session *s, unsigned jobs, int exact,
                          const char *journal) {
    glimpse_embedder_options options = GLIMPSE_EMBEDDER_OPTIONS_INIT;
    glimpse_model_options model_options = GLIMPSE_MODEL_OPTIONS_INIT;
    model_options.precision = (glimpse_precision)s->precision;
    model_options.backend = (glimpse_backend)s->backend;
    if (s->no_weights_cache) model_options.flags |= GLIMPSE_MODEL_NO_WEIGHTS_CACHE;
    options.jobs = jobs;
    options.exact = exact;
    options.journal = journal;
    options.model_options = &model_options;
    options.cancelled = session_cancelled;
    return glimpse_embedder_open(out, s->library, s->model, &options) < 0 ? tool_fail_last()
                                                                          : CLI_RUN;
}

/* What ships, for who has no session at hand. */
static char *shipped(const char *relative) {
    session s = {.quiet = 1};
    char *found = NULL;
    if (session_begin_without_library(&s) == CLI_RUN) {
        const char *path = glimpse_session_shipped(s.base, relative);
        if (path) found = xstrdup(path);
    }
    session_close(&s);
    return found;
}

char *session_shipped_file(const char *kind, const char *name) {
    if (!*name || strchr(name, '/') || strchr(name, ',') || name[0] == '.') return NULL;
    char *relative = xprintf("%s/%s.txt", kind, name);
    char *found = shipped(relative);
    free(relative);
    return found;
}
