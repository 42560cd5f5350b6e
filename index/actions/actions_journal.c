/*
 * actions_journal.c - the journal as actions see it: steps in lists, directories that runs made.
 */
#include "actions_internal.h"
#include "core/error.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const glimpse_store_ops *ops(void) {
    return glimpse_store_backend(NULL);
}

int glimpse_journal_open(glimpse_actions *actions) {
    return ops()->journal.open(&actions->journal, actions->directory);
}

void glimpse_journal_close(glimpse_actions *actions) {
    ops()->journal.close(actions->journal);
    actions->journal = NULL;
}

int glimpse_journal_begin_run(glimpse_actions *actions, glimpse_action_kind kind, int64_t *run) {
    time_t now = time(NULL);
    struct tm utc;
    char started[32] = "1970-01-01T00:00:00";
    if (gmtime_r(&now, &utc)) (void)strftime(started, sizeof started, "%Y-%m-%dT%H:%M:%S", &utc);
    return ops()->journal.begin_run(run, actions->journal, kind, started);
}

int glimpse_journal_note_directories(const glimpse_actions *actions, int64_t run,
                                     const char *directory) {
    int status = GLIMPSE_OK;
    struct stat info;
    char *path = strdup(directory);
    if (!path) return glimpse_fail_nomem(strlen(directory), "a path");
    while (status == GLIMPSE_OK && *path && lstat(path, &info) != 0) {
        /* A directory that went and is made anew belongs to the later run. */
        status = ops()->journal.note_directory(actions->journal, path, run);
        char *slash = strrchr(path, '/');
        *(slash ? slash : path) = '\0';
    }
    free(path);
    return status;
}

int glimpse_journal_tidy(glimpse_actions *actions) {
    for (;;) { /* one after the other, the innermost first; what stays is not looked at again */
        char *gone = NULL;
        int status = ops()->journal.next_directory(&gone, actions->journal);
        if (status < 0 || !gone) return status;
        (void)rmdir(gone); /* in use by somebody else, perhaps: then it is theirs */
        status = ops()->journal.forget_directory(actions->journal, gone);
        free(gone);
        if (status < 0) return status;
    }
}

int glimpse_journal_add(glimpse_actions *actions, action_step *step) {
    step->state = STEP_DOING;
    return ops()->journal.add(&step->id, actions->journal, step);
}

int glimpse_journal_set_new(glimpse_actions *actions, const action_step *step) {
    return ops()->journal.set_new(actions->journal, step->id, step->new_inode, step->new_mtime_ns);
}

int glimpse_journal_set_state(glimpse_actions *actions, action_step *step, step_state state) {
    int status = ops()->journal.set_state(actions->journal, step->id, (int)state);
    if (status == GLIMPSE_OK) step->state = (int)state;
    return status;
}

typedef struct loading {
    action_steps *steps;
    size_t capacity;
} loading;

static int keep_step(void *user, const glimpse_journal_step *step) {
    loading *l = user;
    action_steps *steps = l->steps;
    if (steps->count == l->capacity) {
        size_t capacity = l->capacity ? 2 * l->capacity : 64;
        action_step *items = realloc(steps->items, capacity * sizeof *items);
        if (!items) return glimpse_fail_nomem(capacity * sizeof *items, "steps of the journal");
        steps->items = items;
        l->capacity = capacity;
    }
    action_step *kept = &steps->items[steps->count++];
    *kept = *step;
    kept->path = strdup(step->path);
    kept->other = strdup(step->other);
    kept->keeper = strdup(step->keeper);
    kept->info = strdup(step->info);
    return kept->path && kept->other && kept->keeper && kept->info
               ? GLIMPSE_OK
               : glimpse_fail_nomem(4096, "a step of the journal");
}

int glimpse_journal_load(glimpse_actions *actions, action_steps *out, int64_t run,
                         unsigned states) {
    *out = (action_steps){0};
    loading l = {.steps = out};
    int status = ops()->journal.steps(actions->journal, run, states, keep_step, &l);
    if (status < 0) glimpse_steps_free(out);
    return status;
}

void glimpse_steps_free(action_steps *steps) {
    for (size_t i = 0; i < steps->count; i++) {
        free(steps->items[i].path);
        free(steps->items[i].other);
        free(steps->items[i].keeper);
        free(steps->items[i].info);
    }
    free(steps->items);
    *steps = (action_steps){0};
}

int glimpse_journal_latest(glimpse_actions *actions, int64_t *run) {
    return ops()->journal.latest(run, actions->journal);
}

int glimpse_actions_runs(glimpse_actions *actions,
                         int (*visit)(void *user, const glimpse_action_run *run), void *user) {
    if (!actions || !visit) return glimpse_fail(GLIMPSE_E_INVALID, "no journal or no visitor");
    return ops()->journal.runs(actions->journal, visit, user);
}
