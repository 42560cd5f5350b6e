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
        status =
            errno == EWOULDBLOCK
                ? glimpse_fail(GLIMPSE_E_BUSY, "%s: another glimpse is acting on files just now",
                               actions->directory)
                : glimpse_fail_errno("%s: cannot lock", path);
    }
    free(path);
    return status;
}

/* What is held lies below, and is nobody's picture: where the directory is inside one that is
 * searched, walks pass it by. Not worth a failure. */
static void hide(const char *directory) {
    char *path = glimpse_path_join(directory, ".nomedia");
    const int fd = path ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd >= 0) (void)close(fd);
    free(path);
}

static void remove_staged(const glimpse_actions *actions) {
    char *packet = glimpse_path_join(actions->directory, "staged.xmp");
    if (packet) (void)unlink(packet);
    free(packet);
    (void)unlink(actions->staging);
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
    if (status == GLIMPSE_OK) hide(actions->directory);
    if (status == GLIMPSE_OK) {
        actions->staging = glimpse_path_join(actions->directory, "staged");
        if (!actions->staging) status = glimpse_fail_nomem(strlen(actions->directory), "a path");
    }
    if (status == GLIMPSE_OK) status = acquire_lock(actions);
    if (status == GLIMPSE_OK) remove_staged(actions); /* of a process that was killed */
    if (status == GLIMPSE_OK) status = glimpse_journal_open(actions);
    if (status == GLIMPSE_OK) status = glimpse_steps_recover(actions);
    if (status == GLIMPSE_OK) status = glimpse_manifests_recover(actions);
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
    free(actions->staging);
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

/* Who is told what. */
typedef struct running {
    glimpse_actions *actions; /* NULL: a preview */
    const glimpse_action_options *options;
    const glimpse_action_item *items; /* [count] all */
    size_t count;
    int64_t run;
    uint64_t serial;
    glimpse_action_fn each;
    void *user;
    glimpse_action_report report;
    action_gone gone, along; /* preview: files as good as gone; companions that went */
} running;

static void report_item(running *r, const glimpse_action_item *item, const action_verdict *verdict,
                        const char *other, uint64_t bytes, const char *companion_of) {
    if (verdict->outcome != GLIMPSE_OUTCOME_DONE) {
        r->report.left_alone++;
    } else {
        if (companion_of) {
            r->report.companions++;
        } else {
            r->report.done++;
        }
        if (!item->shares) r->report.bytes += bytes;
    }
    if (!r->each) return;
    const glimpse_action_event event = {
        .path = item->path,
        .other = other,
        .kind = r->options->kind,
        .outcome = verdict->outcome,
        .message = verdict->outcome == GLIMPSE_OUTCOME_DONE ? "" : verdict->message,
        .bytes = bytes,
        .companion_of = companion_of,
        .keeper = item->keeper,
    };
    r->each(r->user, &event);
}

static int cancelled(const glimpse_action_options *options, glimpse_action_report *report) {
    report->cancelled = options->cancelled && options->cancelled(options->user);
    return report->cancelled;
}

static int is_in(const action_gone *list, const char *path) {
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->paths[i], path) == 0) return 1;
    }
    return 0;
}

/* Takes over `path`. */
static int add_gone(action_gone *list, char *path) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 64;
        const char **paths = path ? realloc(list->paths, capacity * sizeof *paths) : NULL;
        if (!paths) {
            free(path);
            return glimpse_fail_nomem(capacity * sizeof *paths, "files that go");
        }
        list->paths = paths;
        list->capacity = capacity;
    }
    list->paths[list->count++] = path;
    return GLIMPSE_OK;
}

static void free_gone(action_gone *list) {
    for (size_t i = 0; i < list->count; i++)
        free((char *)list->paths[i]);
    free(list->paths);
}

/* A look, and the place it would have. */
static void preview_one(running *r, const glimpse_action_item *item, const char *target,
                        action_done *done, action_verdict *verdict) {
    action_place place = {0};
    struct stat info = {0};
    action_keeper keeper = {.fd = ACTION_KEEPER_CLOSED};
    *done = (action_done){0};
    if (glimpse_step_check(r->options, item, &info, &keeper, verdict) == 0)
        (void)glimpse_place_choose(&place, NULL, r->options, item, target, 0, 0, verdict);
    glimpse_keeper_close(&keeper);
    done->size = (uint64_t)info.st_size;
    done->other = place.other;
    place.other = NULL;
    glimpse_place_free(&place);
}

static int is_keeper(const running *r, const char *path) {
    for (size_t i = 0; i < r->count; i++) {
        if (strcmp(r->items[i].keeper, path) == 0) return 1;
    }
    return 0;
}

/* A companion of `picture`, which went to `other` in step `id`. Negative when the journal failed.
 */
static int run_companion(running *r, const action_companion *companion,
                         const glimpse_action_item *picture, const char *other, int64_t id) {
    char hash[GLIMPSE_HASH_HEX] = "";
    struct stat info;
    glimpse_action_item item = *picture;
    action_done done = {0};
    action_verdict verdict = {GLIMPSE_OUTCOME_DONE, ""};
    int status = GLIMPSE_OK;
    item.path = companion->path;
    item.id = hash;
    item.relation = "companion";
    item.link = NULL;
    item.shares = 0;
    char *target = other && r->options->kind == GLIMPSE_ACTION_MOVE
                       ? glimpse_companion_target(companion, picture->path, other)
                       : NULL;
    const int error = glimpse_action_hash(companion->path, &info, hash);
    if (error) {
        (void)glimpse_verdict_errno(&verdict, error, "it cannot be read");
    } else if (r->actions) {
        (void)glimpse_step_do(r->actions, r->options, &item, id, target, r->run, ++r->serial, &done,
                              &verdict, &status);
    } else {
        preview_one(r, &item, target, &done, &verdict);
    }
    report_item(r, &item, &verdict, done.other, done.size, picture->path);
    if (status == GLIMPSE_OK && verdict.outcome == GLIMPSE_OUTCOME_DONE) {
        status = add_gone(&r->along, strdup(companion->path));
        if (status == GLIMPSE_OK && !r->actions)
            status = add_gone(&r->gone, strdup(companion->path));
    }
    free(done.other);
    free(target);
    return status;
}

/* What goes with it: RAW and video first, then what belongs to the picture and to them, unless one
 * of them stayed. */
static int run_companions(running *r, const glimpse_action_item *item, const action_done *done) {
    action_companions companions;
    int status = GLIMPSE_OK;
    if (glimpse_companions_find(&companions, item->path, &r->gone) != 0) return GLIMPSE_OK;
    const uint64_t before = r->report.left_alone;
    for (size_t i = 0; i < companions.count && status == GLIMPSE_OK; i++) {
        const action_companion *c = &companions.items[i];
        if (is_keeper(r, c->path)) continue;
        if (c->kind >= COMPANION_SIDECAR && r->report.left_alone > before) continue;
        status = run_companion(r, c, item, done->other, done->id);
    }
    glimpse_companions_free(&companions);
    return status;
}

static int brings_companions(const glimpse_action_options *options) {
    return !glimpse_kind_replaces(options->kind) && !options->leave_companions;
}

/* One picture and its companions. */
static int run_item(running *r, const glimpse_action_item *item) {
    action_verdict verdict = {GLIMPSE_OUTCOME_DONE, ""};
    action_done done = {0};
    action_companions companions = {0};
    int status = GLIMPSE_OK, refused = 0;
    if (is_in(&r->along, item->path)) return GLIMPSE_OK; /* it went with another */
    struct stat info;
    if (brings_companions(r->options) && r->options->kind != GLIMPSE_ACTION_MOVE &&
        lstat(item->path, &info) == 0 &&
        glimpse_companions_find(&companions, item->path, &r->gone) == 0) {
        refused = glimpse_companions_check(&companions, item->keeper, &verdict) < 0;
        glimpse_companions_free(&companions);
    }
    if (refused) {
        /* The verdict says it. */
    } else if (r->actions) {
        (void)glimpse_step_do(r->actions, r->options, item, 0, NULL, r->run, ++r->serial, &done,
                              &verdict, &status);
    } else {
        preview_one(r, item, NULL, &done, &verdict);
    }
    report_item(r, item, &verdict, done.other, done.size, NULL);
    const int went = status == GLIMPSE_OK && verdict.outcome == GLIMPSE_OUTCOME_DONE;
    if (went && !r->actions) status = add_gone(&r->gone, strdup(item->path));
    if (went && status == GLIMPSE_OK && brings_companions(r->options))
        status = run_companions(r, item, &done);
    free(done.other);
    return status;
}

static void end_run(running *r) {
    free_gone(&r->gone);
    free_gone(&r->along);
}

int glimpse_actions_preview(glimpse_action_report *report, const glimpse_action_options *given,
                            const glimpse_action_item *items, size_t count, glimpse_action_fn each,
                            void *user) {
    const glimpse_kept_error before = glimpse_error_keep();
    glimpse_action_options options = GLIMPSE_ACTION_OPTIONS_INIT;
    int status = check_arguments(&options, report, given, items, count);
    if (status < 0) return status;
    running r = {.options = &options, .items = items, .count = count, .each = each, .user = user};
    r.report = GLIMPSE_ACTION_REPORT_INIT;
    for (size_t i = 0; i < count && status == GLIMPSE_OK && !cancelled(&options, &r.report); i++)
        status = run_item(&r, &items[i]);
    end_run(&r);
    GLIMPSE_REPORT_STORE(report, &r.report);
    if (status >= 0) glimpse_error_restore(&before);
    return status;
}

int glimpse_actions_apply(glimpse_action_report *report, glimpse_actions *actions,
                          const glimpse_action_options *given, const glimpse_action_item *items,
                          size_t count, glimpse_action_fn each, void *user) {
    const glimpse_kept_error before = glimpse_error_keep();
    glimpse_action_options options = GLIMPSE_ACTION_OPTIONS_INIT;
    if (!actions) return glimpse_fail(GLIMPSE_E_INVALID, "no journal is open");
    int status = check_arguments(&options, report, given, items, count);
    if (status < 0) return status;
    running r = {.actions = actions,
                 .options = &options,
                 .items = items,
                 .count = count,
                 .each = each,
                 .user = user};
    r.report = GLIMPSE_ACTION_REPORT_INIT;
    const int lists = count > 0 && options.kind == GLIMPSE_ACTION_MOVE;
    if (count > 0) status = glimpse_journal_begin_run(actions, options.kind, &r.run);
    if (status == GLIMPSE_OK && lists)
        status = glimpse_manifest_begin(actions, r.run, options.directory);
    for (size_t i = 0; i < count && status == GLIMPSE_OK && !cancelled(&options, &r.report); i++)
        status = run_item(&r, &items[i]);
    end_run(&r);
    if (r.report.done > 0) r.report.run = r.run;
    if (status == GLIMPSE_OK && lists) status = glimpse_manifest_update(actions, r.run);
    if (count > 0 && status == GLIMPSE_OK) status = glimpse_journal_tidy(actions);
    GLIMPSE_REPORT_STORE(report, &r.report);
    if (status >= 0) glimpse_error_restore(&before);
    return status;
}
