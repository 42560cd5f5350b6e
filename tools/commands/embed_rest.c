/*
 * embed_rest.c - embeds what a model does not cover yet, in the foreground; resumable, since what
 * was embedded is committed as indexing goes.
 */
#include "embed_rest.h"

#include "progress.h"
#include "text.h"
#include "tool.h"

#include <stdlib.h>

/* What is known of it, and what happens to the rest. */
static void announce(const glimpse_model_coverage *c, const char *rest) {
    char *name = text_display(c->model);
    char *files = xstrdup(text_counted(c->files, "file", "files"));
    char *known = xstrdup(text_count(c->files - c->pending));
    tool_note("%s covers %s of the library's %s; %s (Ctrl-C keeps what is done, and the same "
              "command goes on)",
              name, known, files, rest);
    free(known);
    free(files);
    free(name);
}

static int on_progress(void *user, const glimpse_progress *p) {
    (void)user;
    progress_show(tool_stopped() ? "stopping" : p->stage, p->done, p->total, p->total_is_final,
                  p->seconds, NULL);
    return tool_stopped();
}

int embed_rest(session *s) {
    glimpse_model_coverage covered[GLIMPSE_MAX_MODELS];
    size_t count = 0, lacking = 0;
    if (glimpse_session_load_coverage(covered, &count, s->base) < 0) return tool_fail_last();
    for (size_t i = 0; i < count; i++) {
        if (covered[i].pending == 0) continue;
        announce(&covered[i], "the rest is embedded first");
        lacking++;
    }
    if (lacking == 0) return CLI_RUN;
    glimpse_ingest_options options = GLIMPSE_INGEST_OPTIONS_INIT;
    glimpse_ingest_report report = GLIMPSE_INGEST_REPORT_INIT;
    options.progress = on_progress;
    tool_catch_stop();
    int status = glimpse_session_embed_rest(&report, s->base, &options);
    progress_clear();
    if (status == GLIMPSE_E_CANCELLED) {
        tool_print("stopped after %s, which are kept; run the same command again to continue",
                   text_counted(report.embedded, "new picture", "new pictures"));
        return EXIT_STOPPED;
    }
    if (status < 0) return tool_fail_last();
    tool_note("%s embedded in %s", text_counted(report.embedded, "picture", "pictures"),
              text_duration(report.seconds));
    return CLI_RUN;
}

void embed_rest_announce(session *s, int roots) {
    glimpse_model_coverage covered[GLIMPSE_MAX_MODELS];
    glimpse_library_status *status = NULL;
    size_t count = 0;
    if (s->quiet || glimpse_session_has_library(s->base) != 1) return;
    /* What is wrong with the library or the model, indexing says. */
    if (glimpse_session_load_model_status(&status, s->base) < 0) return;
    size_t models = status->model_count;
    glimpse_library_status_free(status);
    if (models == 0 || glimpse_session_load_coverage(covered, &count, s->base) < 0) return;
    if (count != 1 || covered[0].pending == 0) return;
    if (models == 1 && covered[0].embedded > 0) return; /* no other model has a part in it */
    announce(&covered[0], roots ? "what the folders have of the rest is embedded now"
                                : "the rest is embedded now");
}
