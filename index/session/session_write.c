/*
 * session_write.c - what the library knows written into files, and taken back.
 */
#include "session_private.h"

#include "core/error.h"
#include "core/options.h"
#include "writeback.h"

#include <glimpse/session_dedup.h>
#include <glimpse/session_write.h>

#include <stdlib.h>

static int check_options(const glimpse_write_options *o) {
    const unsigned all =
        GLIMPSE_WRITE_LABELS | GLIMPSE_WRITE_CAPTIONS | GLIMPSE_WRITE_METADATA | GLIMPSE_WRITE_TAGS;
    if (o->what == 0 || (o->what & ~all) != 0) {
        return glimpse_fail(GLIMPSE_E_INVALID, "options.what is %u: some of %u, and nothing else",
                            o->what, all);
    }
    if ((unsigned)o->target > GLIMPSE_WRITE_EMBEDDED) {
        return glimpse_fail(GLIMPSE_E_INVALID, "options.target is %d: there is no such target",
                            (int)o->target);
    }
    if (o->prefix_count > 0 && !o->prefixes) return glimpse_fail_null("options.prefixes");
    return GLIMPSE_OK;
}

int glimpse_session_write_metadata(glimpse_write_report *report, glimpse_session *session,
                                   const glimpse_write_options *options, glimpse_write_fn each,
                                   void *user) {
    glimpse_write_options own = GLIMPSE_WRITE_OPTIONS_INIT;
    glimpse_write_report result = GLIMPSE_WRITE_REPORT_INIT;
    glimpse_actions *actions = NULL;
    session_lease lease = {0};
    if (!session || !options) return glimpse_fail_null(__func__);
    int status = GLIMPSE_OPTIONS_LOAD(&own, options, glimpse_write_options, user);
    if (status == GLIMPSE_OK) {
        status = GLIMPSE_REPORT_CHECK(report, glimpse_write_report, cancelled);
    }
    if (status == GLIMPSE_OK) status = check_options(&own);
    if (status < 0) return status;
    status = glimpse_session_acquire_library(&lease, session, SESSION_READ, NULL);
    if (status == GLIMPSE_OK && own.apply) status = glimpse_session_open_journal(&actions, session);
    if (status == GLIMPSE_OK)
        status = glimpse_writeback_run(&result, lease.library, actions, &own, each, user);
    glimpse_actions_close(actions);
    glimpse_session_release_library(&lease);
    if (report) GLIMPSE_REPORT_STORE(report, &result);
    return status;
}

typedef struct seeking {
    int64_t wanted, found; /* runs; wanted 0: the latest */
    int is_other;          /* the wanted one did something else */
} seeking;

static int seek(void *user, const glimpse_action_run *run) {
    seeking *s = user;
    const int writes = run->kind == GLIMPSE_ACTION_WRITE;
    if (s->wanted ? run->run == s->wanted : writes && run->done > 0) {
        s->found = run->run;
        s->is_other = !writes;
    }
    return 0;
}

int glimpse_session_undo_write(glimpse_action_report *report, glimpse_session *session, int64_t run,
                               glimpse_action_fn each, void *user) {
    seeking s = {.wanted = run};
    if (!report || !session) return glimpse_fail_null(__func__);
    int status = glimpse_session_action_runs(session, seek, &s);
    if (status < 0) return status;
    if (s.is_other) {
        return glimpse_fail(GLIMPSE_E_INVALID, "run %lld is about duplicates: %s takes it back",
                            (long long)run, glimpse_wording("glimpse_session_undo", NULL));
    }
    if (s.found == 0 && run == 0) {
        return glimpse_fail(GLIMPSE_E_NOT_FOUND, "there is nothing to undo");
    }
    return glimpse_session_undo(report, session, s.found ? s.found : run, each, user);
}
