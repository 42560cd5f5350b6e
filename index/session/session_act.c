/*
 * session_act.c - actions on duplicates and taking them back, with the journal opened for the
 * moment; decisions in the library.
 */
#include "session_private.h"

#include "core/error.h"
#include "core/options.h"

#include <glimpse/session_dedup.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Actions.
 */
int glimpse_session_open_journal(glimpse_actions **out, glimpse_session *session) {
    int status = glimpse_actions_open(out, NULL);
    if (status < 0) return status;
    glimpse_actions_set_cancelled(*out, session->cancelled, session->user);
    uint64_t resolved = glimpse_actions_recovered(*out);
    if (resolved > 0) {
        glimpse_session_note(session, "an earlier run was interrupted; %llu %s recovered",
                             (unsigned long long)resolved,
                             resolved == 1 ? "file was" : "files were");
    }
    return GLIMPSE_OK;
}

/* An empty report, for calls that end before the actions' own. */
static int begin_report(glimpse_action_report *report) {
    const glimpse_action_report empty = GLIMPSE_ACTION_REPORT_INIT;
    int status = GLIMPSE_REPORT_CHECK(report, glimpse_action_report, cancelled);
    if (status == GLIMPSE_OK) GLIMPSE_REPORT_STORE(report, &empty);
    return status;
}

static void ignore(void *user, const glimpse_action_event *event) {
    (void)user, (void)event;
}

int glimpse_session_act(glimpse_action_report *report, glimpse_session *session,
                        const glimpse_dedup_plan *plan, const glimpse_action_options *options,
                        int apply, glimpse_action_fn each, void *user) {
    glimpse_actions *actions = NULL;
    if (!report || !session || !plan || !options) {
        return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_session_act: a NULL argument");
    }
    glimpse_action_options own = GLIMPSE_ACTION_OPTIONS_INIT;
    int status = GLIMPSE_OPTIONS_LOAD(&own, options, glimpse_action_options, user);
    if (status == GLIMPSE_OK) status = begin_report(report);
    if (status < 0) return status;
    if (!own.directory) own.directory = plan->target;
    if (!each) each = ignore;
    if (!apply || plan->count == 0) {
        return glimpse_actions_preview(report, &own, plan->items, plan->count, each, user);
    }
    status = glimpse_session_open_journal(&actions, session);
    if (status == GLIMPSE_OK) {
        status = glimpse_actions_apply(report, actions, &own, plan->items, plan->count, each, user);
    }
    glimpse_actions_close(actions);
    return status;
}

int glimpse_session_undo(glimpse_action_report *report, glimpse_session *session, int64_t run,
                         glimpse_action_fn each, void *user) {
    glimpse_actions *actions = NULL;
    if (!report || !session) {
        return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_session_undo: a NULL argument");
    }
    int status = begin_report(report);
    if (status < 0) return status;
    if (!glimpse_actions_exist(NULL)) {
        return glimpse_fail(GLIMPSE_E_NOT_FOUND, "there is nothing to undo");
    }
    status = glimpse_session_open_journal(&actions, session);
    if (status == GLIMPSE_OK) {
        status = glimpse_actions_undo(report, actions, run, each ? each : ignore, user);
    }
    glimpse_actions_close(actions);
    return status;
}

int glimpse_session_empty(glimpse_action_report *report, glimpse_session *session, int64_t run,
                          int apply, glimpse_action_fn each, void *user) {
    glimpse_actions *actions = NULL;
    if (!report || !session) {
        return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_session_empty: a NULL argument");
    }
    int status = begin_report(report);
    if (status < 0) return status;
    if (!glimpse_actions_exist(NULL)) return GLIMPSE_OK;
    status = glimpse_session_open_journal(&actions, session);
    if (status == GLIMPSE_OK) {
        status = glimpse_actions_empty(report, actions, run, apply, each ? each : ignore, user);
    }
    glimpse_actions_close(actions);
    return status;
}

int glimpse_session_action_runs(glimpse_session *session,
                                int (*visit)(void *user, const glimpse_action_run *run),
                                void *user) {
    glimpse_actions *actions = NULL;
    if (!session || !visit) {
        return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_session_action_runs: a NULL argument");
    }
    if (!glimpse_actions_exist(NULL)) return GLIMPSE_OK;
    int status = glimpse_session_open_journal(&actions, session);
    if (status == GLIMPSE_OK) status = glimpse_actions_runs(actions, visit, user);
    glimpse_actions_close(actions);
    return status;
}

/*
 * Decisions.
 */
static int is_id(const char *word) {
    return strlen(word) == 32 && strspn(word, "0123456789abcdef") == 32;
}

/* What was named: the ids, and the paths [count] of those that are files ("" else). */
typedef struct named {
    char (*ids)[33];
    const char **id_list, **path_list;
    char **real;
    size_t count;
} named;

static int look_up(named *n, const char *const *words, size_t count) {
    n->count = count;
    n->ids = calloc(count + 1, sizeof *n->ids);
    n->id_list = calloc(count + 1, sizeof *n->id_list);
    n->path_list = calloc(count + 1, sizeof *n->path_list);
    n->real = calloc(count + 1, sizeof *n->real);
    if (!n->ids || !n->id_list || !n->path_list || !n->real) {
        return glimpse_fail_nomem(count * sizeof *n->ids, "a decision");
    }
    for (size_t i = 0; i < count; i++) {
        n->id_list[i] = n->ids[i];
        n->path_list[i] = "";
        if (is_id(words[i])) {
            memcpy(n->ids[i], words[i], sizeof n->ids[i]);
            continue;
        }
        int status = glimpse_content_id(n->ids[i], words[i]);
        if (status < 0) return status;
        n->real[i] = realpath(words[i], NULL);
        if (n->real[i]) n->path_list[i] = n->real[i];
    }
    return GLIMPSE_OK;
}

static void free_named(named *n) {
    for (size_t i = 0; n->real && i < n->count; i++)
        free(n->real[i]);
    free(n->real);
    free(n->path_list);
    free(n->id_list);
    free(n->ids);
}

int glimpse_session_decide(int64_t *number, char (*ids)[33], glimpse_session *session,
                           glimpse_decision_kind kind, const char *const *words, size_t count) {
    named n = {0};
    session_lease lease = {0};
    if (!session || (count > 0 && !words)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_session_decide: a NULL argument");
    }
    int status = look_up(&n, words, count);
    if (status == GLIMPSE_OK) {
        status =
            glimpse_session_acquire_library(&lease, session, SESSION_WRITE | SESSION_CREATE, NULL);
    }
    if (status == GLIMPSE_OK) {
        status = glimpse_decision_add(number, lease.library, kind, n.id_list, n.path_list, count);
    }
    if (status == GLIMPSE_OK && ids && count > 0) memcpy(ids, n.ids, count * sizeof *ids);
    glimpse_session_release_library(&lease);
    free_named(&n);
    return status;
}

int glimpse_session_load_decisions(glimpse_decisions **out, glimpse_session *session) {
    session_lease lease = {0};
    if (out) *out = NULL;
    if (!out || !session) {
        return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_session_load_decisions: a NULL argument");
    }
    int status =
        glimpse_session_acquire_library(&lease, session, SESSION_OPTIONAL | SESSION_NAMED, NULL);
    if (status == GLIMPSE_OK && lease.library) status = glimpse_decisions_load(out, lease.library);
    glimpse_session_release_library(&lease);
    return status;
}

int glimpse_session_forget_decision(glimpse_session *session, int64_t number) {
    session_lease lease = {0};
    int status = glimpse_session_acquire_library(&lease, session, SESSION_WRITE, NULL);
    if (status == GLIMPSE_OK) status = glimpse_decision_forget(lease.library, number);
    glimpse_session_release_library(&lease);
    return status;
}
