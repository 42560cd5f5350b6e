/*
 * actions.c - opening the journal and running over files.
 */
#include "actions_internal.h"
#include "core/error.h"
#include "core/file.h"
#include "core/options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/*
 * Opening.
 */
static char *default_directory(void) {
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (state && state[0] == '/') return glimpse_path_join(state, "glimpse/actions");
    if (home && *home) return glimpse_path_join(home, ".local/state/glimpse/actions");
    return NULL;
}

static char *choose_directory(const char *directory) {
    if (!directory) return default_directory();
    if (directory[0] == '/') return strdup(directory);
    char *here = getcwd(NULL, 0), *full = here ? glimpse_path_join(here, directory) : NULL;
    free(here);
    return full;
}

int glimpse_actions_exist(const char *directory) {
    char *chosen = choose_directory(directory);
    char *path = chosen ? glimpse_path_join(chosen, "actions.db") : NULL;
    int found = path && access(path, F_OK) == 0;
    free(path);
    free(chosen);
    return found;
}

static int acquire_lock(glimpse_actions *actions) {
    char *path = glimpse_path_join(actions->directory, "lock");
    if (!path) return glimpse_fail_nomem(strlen(actions->directory), "a path");
    int status = GLIMPSE_OK;
    actions->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (actions->lock < 0) {
        status = glimpse_fail_errno("%s: cannot open", path);
    } else if (flock(actions->lock, LOCK_EX | LOCK_NB) != 0) {
        status = errno == EWOULDBLOCK
                     ? glimpse_fail(GLIMPSE_E_BUSY,
                                    "%s: another glimpse is acting on duplicates just now",
                                    actions->directory)
                     : glimpse_fail_errno("%s: cannot lock", path);
    }
    free(path);
    return status;
}

int glimpse_actions_open_with(glimpse_actions **out, const char *directory,
                              void (*point)(void *user, const char *name), void *user) {
    *out = NULL;
    glimpse_actions *actions = calloc(1, sizeof *actions);
    if (!actions) return glimpse_fail_nomem(sizeof *actions, "a journal");
    actions->lock = -1;
    actions->point = point;
    actions->point_user = user;
    actions->directory = choose_directory(directory);
    int status = GLIMPSE_OK;
    if (!actions->directory) {
        status = glimpse_fail(GLIMPSE_E_NOT_FOUND, "no place for the journal: HOME is not set");
    }
    if (status == GLIMPSE_OK) status = glimpse_make_directories(actions->directory);
    if (status == GLIMPSE_OK) status = acquire_lock(actions);
    if (status == GLIMPSE_OK) status = glimpse_journal_open(actions);
    if (status == GLIMPSE_OK) status = glimpse_steps_recover(actions);
    if (status == GLIMPSE_OK) status = glimpse_journal_tidy(actions);
    if (status < 0) {
        glimpse_actions_close(actions);
        return status;
    }
    *out = actions;
    return GLIMPSE_OK;
}

int glimpse_actions_open(glimpse_actions **out, const char *directory) {
    if (!out) return glimpse_fail(GLIMPSE_E_INVALID, "no place for the result");
    return glimpse_actions_open_with(out, directory, NULL, NULL);
}

void glimpse_actions_close(glimpse_actions *actions) {
    if (!actions) return;
    glimpse_journal_close(actions);
    if (actions->lock >= 0) (void)close(actions->lock);
    free(actions->directory);
    free(actions);
}

void glimpse_actions_set_cancelled(glimpse_actions *actions, int (*cancelled)(void *user),
                                   void *user) {
    if (!actions) return;
    actions->cancelled = cancelled;
    actions->cancelled_user = user;
}

uint64_t glimpse_actions_recovered(const glimpse_actions *actions) {
    return actions ? actions->recovered : 0;
}

/*
 * Running.
 */
static int check_arguments(glimpse_action_options *options, const glimpse_action_report *report,
                           const glimpse_action_options *given, const glimpse_action_item *items,
                           size_t count) {
    if (!given || !report) {
        return glimpse_fail(GLIMPSE_E_INVALID, "no options, or no place for the report");
    }
    int status = GLIMPSE_OPTIONS_LOAD(options, given, glimpse_action_options, user);
    if (status == GLIMPSE_OK) {
        status = GLIMPSE_REPORT_CHECK(report, glimpse_action_report, cancelled);
    }
    if (status < 0) return status;
    if (count > 0 && !items) return glimpse_fail(GLIMPSE_E_INVALID, "no files to act on");
    if (options->kind < GLIMPSE_ACTION_MOVE || options->kind > GLIMPSE_ACTION_REFLINK) {
        return glimpse_fail(GLIMPSE_E_INVALID, "there is no action %d", (int)options->kind);
    }
    const char *directory = options->kind == GLIMPSE_ACTION_MOVE ? options->directory : "/";
    if (!directory || !*directory) {
        return glimpse_fail(GLIMPSE_E_INVALID, "no directory to move to");
    }
    if (*directory != '/') {
        return glimpse_fail(GLIMPSE_E_INVALID, "the directory to move to, %s, is no absolute path",
                            directory);
    }
    for (size_t i = 0; i < count; i++) {
        const glimpse_action_item *item = &items[i];
        glimpse_hash hash;
        if (!item->path || item->path[0] != '/' || !item->keeper || item->keeper[0] != '/' ||
            !item->id || !glimpse_hash_from_hex(&hash, item->id) || !item->keeper_id ||
            !glimpse_hash_from_hex(&hash, item->keeper_id)) {
            return glimpse_fail(GLIMPSE_E_INVALID,
                                "item %zu lacks an absolute path, a keeper or a content id", i);
        }
    }
    return GLIMPSE_OK;
}

static void report_item(const glimpse_action_options *options, const glimpse_action_item *item,
                        const action_verdict *verdict, const char *other, uint64_t bytes,
                        glimpse_action_fn each, void *user, glimpse_action_report *report) {
    if (verdict->outcome == GLIMPSE_OUTCOME_DONE) {
        report->done++;
        report->bytes += bytes;
    } else {
        report->left_alone++;
    }
    if (!each) return;
    int links = glimpse_kind_replaces(options->kind) || !other;
    const glimpse_action_event event = {
        .path = item->path,
        .other = links ? item->keeper : other,
        .kind = options->kind,
        .outcome = verdict->outcome,
        .message = verdict->outcome == GLIMPSE_OUTCOME_DONE ? "" : verdict->message,
        .bytes = bytes,
    };
    each(user, &event);
}

static int cancelled(const glimpse_action_options *options, glimpse_action_report *report) {
    report->cancelled = options->cancelled && options->cancelled(options->user);
    return report->cancelled;
}

int glimpse_actions_preview(glimpse_action_report *report, const glimpse_action_options *given,
                            const glimpse_action_item *items, size_t count, glimpse_action_fn each,
                            void *user) {
    const glimpse_kept_error before = glimpse_error_keep();
    glimpse_action_options options = GLIMPSE_ACTION_OPTIONS_INIT;
    glimpse_action_report own = GLIMPSE_ACTION_REPORT_INIT;
    int status = check_arguments(&options, report, given, items, count);
    if (status < 0) return status;
    for (size_t i = 0; i < count && !cancelled(&options, &own); i++) {
        action_verdict verdict = {GLIMPSE_OUTCOME_DONE, ""};
        action_place place = {0};
        struct stat info = {0};
        action_keeper keeper = {.fd = ACTION_KEEPER_CLOSED};
        if (glimpse_step_check(&options, &items[i], &info, &keeper, &verdict) == 0) {
            (void)glimpse_place_choose(&place, NULL, &options, &items[i], 0, 0, &verdict);
        }
        glimpse_keeper_close(&keeper);
        report_item(&options, &items[i], &verdict, place.other, (uint64_t)info.st_size, each, user,
                    &own);
        glimpse_place_free(&place);
    }
    GLIMPSE_REPORT_STORE(report, &own);
    glimpse_error_restore(&before);
    return GLIMPSE_OK;
}

int glimpse_actions_apply(glimpse_action_report *report, glimpse_actions *actions,
                          const glimpse_action_options *given, const glimpse_action_item *items,
                          size_t count, glimpse_action_fn each, void *user) {
    const glimpse_kept_error before = glimpse_error_keep();
    glimpse_action_options options = GLIMPSE_ACTION_OPTIONS_INIT;
    glimpse_action_report own = GLIMPSE_ACTION_REPORT_INIT;
    if (!actions) return glimpse_fail(GLIMPSE_E_INVALID, "no journal is open");
    int status = check_arguments(&options, report, given, items, count);
    if (status < 0) return status;
    int64_t run = 0;
    if (count > 0) status = glimpse_journal_begin_run(actions, options.kind, &run);
    for (size_t i = 0; i < count && status == GLIMPSE_OK && !cancelled(&options, &own); i++) {
        action_verdict verdict = {GLIMPSE_OUTCOME_DONE, ""};
        char *other = NULL;
        uint64_t size = 0;
        (void)glimpse_step_do(actions, &options, &items[i], run, i + 1, &other, &size, &verdict,
                              &status);
        report_item(&options, &items[i], &verdict, other, size, each, user, &own);
        free(other);
    }
    if (own.done > 0) own.run = run;
    if (count > 0 && status == GLIMPSE_OK) status = glimpse_journal_tidy(actions);
    GLIMPSE_REPORT_STORE(report, &own);
    if (status >= 0) glimpse_error_restore(&before);
    return status;
}
