/*
 * dedup_scan.c - see dedup_scan.h.
 */
#include "dedup_scan.h"

#include "progress.h"
#include "text.h"
#include "tool.h"

#include <stdlib.h>

static int on_progress(void *user, const glimpse_progress *p) {
    (void)user;
    progress_show(tool_stopped() ? "stopping" : p->stage, p->done, p->total, p->total_is_final,
                  p->seconds, NULL);
    return tool_stopped();
}

static int decide(void *user, const char *a, const char *b) {
    const dedup_scan *scan = user;
    return glimpse_decisions_ask(scan->decisions, a, b);
}

int dedup_scan_open(session *s, int has_roots, int embed) {
    int code = has_roots ? session_open_library_if_any(s, 1) : session_open_library(s, 0);
    if (code == CLI_RUN && embed) code = session_open_model(s, GLIMPSE_TOWER_IMAGE, 0);
    return code;
}

int dedup_scan_run(dedup_scan *scan) {
    glimpse_dedup_options *o = &scan->options;
    o->library = scan->session->library;
    o->model = scan->session->model;
    o->progress = on_progress;
    o->decide = scan->decisions ? decide : NULL;
    o->user = scan;
    int status = glimpse_dedup_run(&scan->report, o);
    progress_clear();
    if (status == GLIMPSE_E_CANCELLED) return EXIT_STOPPED;
    return status < 0 ? tool_fail_last() : CLI_RUN;
}

char *dedup_scan_title(const session *s, const char *const *roots, size_t count) {
    if (count == 0) return xprintf("the library %s", glimpse_library_path(s->library));
    if (count == 1) return xstrdup(roots[0]);
    if (count == 2) return xprintf("%s and %s", roots[0], roots[1]);
    return xprintf("%s, %s and %s more", roots[0], roots[1], text_count(count - 2));
}
