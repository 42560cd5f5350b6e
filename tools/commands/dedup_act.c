/*
 * dedup_act.c - actions on the files beside the keepers, and taking them back.
 */
#include "dedup_act.h"

#include "progress.h"
#include "text.h"
#include "tool.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One bit per relation of `include`; 0 after saying what is wrong with it. */
static unsigned relations_of(const char *include, const cli_command *command) {
    if (!include) return 1u << GLIMPSE_RELATION_IDENTICAL | 1u << GLIMPSE_RELATION_REENCODED;
    unsigned bits = 0;
    for (const char *s = include; *s;) {
        size_t length = strcspn(s, ",");
        int found = 0;
        for (unsigned r = 0; r <= GLIMPSE_RELATION_SIMILAR && !found; r++) {
            const char *name = glimpse_dedup_relation_name((glimpse_dedup_relation)r);
            found = strlen(name) == length && strncmp(name, s, length) == 0;
            if (found) bits |= 1u << r;
        }
        if (!found) {
            (void)cli_misuse(command,
                             "--include is a list of identical, re-encoded, edited, near-shot and "
                             "similar, not \"%.*s\"",
                             (int)length, s);
            return 0;
        }
        s += length;
        if (*s == ',') s++;
    }
    if (bits == 0) (void)cli_misuse(command, "--include needs at least one relation");
    return bits;
}

/* Absolute and without links as far as it exists; malloc'ed. */
static char *settle_path(const char *path) {
    char *full = realpath(path, NULL);
    if (full) return full;
    char *copy = xstrdup(path), *result = NULL;
    size_t length = strlen(copy);
    while (length > 1 && copy[length - 1] == '/')
        copy[--length] = '\0';
    char *slash = strrchr(copy, '/');
    if (!slash) {
        char here[PATH_MAX];
        result = xprintf("%s/%s", getcwd(here, sizeof here) ? here : "", copy);
    } else {
        char *name = xstrdup(slash + 1);
        slash[slash == copy] = '\0';
        char *above = strcmp(copy, "/") == 0 ? xstrdup("") : settle_path(copy);
        result = xprintf("%s/%s", above, name);
        free(above);
        free(name);
    }
    free(copy);
    return result;
}

static int is_below(const char *path, const char *folder) {
    size_t length = strlen(folder);
    return strncmp(path, folder, length) == 0 &&
           (path[length] == '/' || path[length] == '\0' || strcmp(folder, "/") == 0);
}

unsigned dedup_action_relations(const dedup_action *action) {
    return action->kind ? relations_of(action->include, NULL) : 0;
}

int dedup_action_check(const dedup_action *action, const cli_command *command) {
    if (!action->kind) {
        if (action->apply) {
            return cli_misuse(command, "--apply what? add --move DIR, --trash, --delete, "
                                       "--hardlink, --symlink or --reflink");
        }
        if (action->include || action->skip_read_only) {
            return cli_misuse(command, "--include and --skip-read-only go with an action such as "
                                       "--move DIR");
        }
        return CLI_RUN;
    }
    if (relations_of(action->include, command) == 0) return EXIT_USAGE;
    if (action->kind != GLIMPSE_ACTION_MOVE) return CLI_RUN;
    if (!*action->folder) return cli_misuse(command, "--move needs a folder");
    char *target = settle_path(action->folder);
    int code = CLI_RUN;
    for (size_t i = 0; i < action->root_count && code == CLI_RUN; i++) {
        char *root = realpath(action->roots[i], NULL);
        if (root && is_below(target, root)) {
            code = cli_misuse(command,
                              "%s is inside %s: the next run would find the files again; move "
                              "them out of the folders that are searched",
                              action->folder, action->roots[i]);
        }
        free(root);
    }
    free(target);
    return code;
}

/*
 * What to act on.
 */
typedef struct work_list {
    glimpse_action_item *items;
    size_t count, other_relation;
} work_list;

/* The root that the file lies below, in the form its path has; NULL: none. */
static const char *root_of(const char *path, char *const *roots, size_t count) {
    const char *best = NULL;
    for (size_t i = 0; i < count; i++) {
        if (is_below(path, roots[i]) && (!best || strlen(roots[i]) > strlen(best))) best = roots[i];
    }
    return best;
}

static work_list gather(const dedup_view *view, unsigned relations, char *const *roots,
                        size_t root_count) {
    work_list work = {xcalloc(dedup_spare_count(view) + 1, sizeof *work.items), 0, 0};
    for (size_t g = 0; g < view->count; g++) {
        const glimpse_dedup_group *group = view->groups[g];
        const glimpse_dedup_picture *keeper = group->members[0].picture;
        for (size_t m = 1; m < group->count; m++) {
            const glimpse_dedup_member *member = &group->members[m];
            if (!(relations >> (unsigned)member->relation & 1)) {
                work.other_relation++;
                continue;
            }
            glimpse_action_item *item = &work.items[work.count++];
            item->path = member->picture->path;
            item->id = member->picture->id;
            item->keeper = keeper->path;
            item->keeper_id = keeper->id;
            item->relative_to = root_of(item->path, roots, root_count);
        }
    }
    return work;
}

/*
 * Telling what happens.
 */
typedef struct teller {
    json_out *j;
    const char *done;  /* "moved", "would be moved", "put back", ... */
    const char *arrow; /* from the path to the other one, or back */
    size_t seen, total;
    double start;
} teller;

static void tell(void *user, const glimpse_action_event *event) {
    teller *t = user;
    progress_show(t->done, ++t->seen, t->total, t->total > 0, progress_now() - t->start, NULL);
    if (t->j) {
        jout_open(t->j, '{');
        jout_path(t->j, "path", event->path);
        jout_path(t->j, "other", event->other);
        jout_key(t->j, "outcome"), jout_string(t->j, glimpse_action_outcome_name(event->outcome));
        jout_path(t->j, "message", event->message);
        jout_key(t->j, "bytes"), jout_uint(t->j, event->bytes);
        jout_close(t->j, '}');
        return;
    }
    char *a = NULL, *b = NULL;
    char *path = text_display(text_near_path(event->path, &a));
    char *other = text_display(text_near_path(event->other, &b));
    progress_clear();
    if (event->outcome == GLIMPSE_OUTCOME_DONE) {
        (void)printf("%s: %s%s%s\n", t->done, path, *other ? t->arrow : "", other);
    } else {
        char *message = text_display(event->message);
        (void)printf("left alone (%s): %s: %s\n", glimpse_action_outcome_name(event->outcome), path,
                     message);
        free(message);
    }
    free(path);
    free(other);
    free(a);
    free(b);
}

static const char *words(glimpse_action_kind kind, int apply) {
    switch (kind) {
    case GLIMPSE_ACTION_MOVE: return apply ? "moved" : "would be moved";
    case GLIMPSE_ACTION_TRASH: return apply ? "put into the trash" : "would go into the trash";
    case GLIMPSE_ACTION_DELETE: return apply ? "deleted" : "would be deleted";
    case GLIMPSE_ACTION_HARDLINK:
        return apply ? "replaced by a hard link" : "would be replaced by a hard link";
    case GLIMPSE_ACTION_SYMLINK:
        return apply ? "replaced by a symbolic link" : "would be replaced by a symbolic link";
    case GLIMPSE_ACTION_REFLINK:
        return apply ? "replaced by a reflink" : "would be replaced by a reflink";
    }
    return "done";
}

static void report_json(json_out *j, const glimpse_action_report *report) {
    jout_close(j, ']');
    jout_key(j, "run");
    if (report->run) {
        jout_int(j, report->run);
    } else {
        jout_null(j);
    }
    jout_key(j, "done"), jout_uint(j, report->done);
    jout_key(j, "left_alone"), jout_uint(j, report->left_alone);
    jout_key(j, "bytes"), jout_uint(j, report->bytes);
    jout_key(j, "stopped"), jout_bool(j, report->cancelled);
}

static void print_outcome(const dedup_action *action, const glimpse_action_report *r,
                          size_t other_relation) {
    (void)printf("%s %s %s (%s), %s left alone\n", text_count(r->done),
                 r->done == 1 ? "file" : "files", words(action->kind, action->apply),
                 text_bytes(r->bytes), text_count(r->left_alone));
    if (other_relation > 0) {
        (void)printf("%s of other relations not touched (--include says which are)\n",
                     text_count(other_relation));
    }
    if (!action->apply) {
        (void)printf("Nothing was changed. To do it, add --apply.\n");
    } else if (r->run) {
        (void)printf("Run %lld. To take it back: glimpse dedup --undo %lld\n", (long long)r->run,
                     (long long)r->run);
        if (action->kind >= GLIMPSE_ACTION_DELETE) {
            (void)printf("The files are held for that; to let them go and free their room: "
                         "glimpse dedup --empty %lld --apply\n",
                         (long long)r->run);
        }
    }
}

static int ask_stop(void *user) {
    (void)user;
    return tool_stopped();
}

/* Opens the journal; NULL after saying why not. */
static glimpse_actions *open_journal(void) {
    glimpse_actions *actions = NULL;
    if (glimpse_actions_open(&actions, NULL) < 0) {
        (void)tool_fail_last();
    } else if (glimpse_actions_recovered(actions) > 0) {
        tool_note("an earlier run was interrupted; %s %s settled",
                  text_count(glimpse_actions_recovered(actions)),
                  glimpse_actions_recovered(actions) == 1 ? "file was" : "files were");
    }
    return actions;
}

int dedup_act(const dedup_action *action, const dedup_view *view, json_out *j) {
    char **roots = xcalloc(2 * action->root_count + 1, sizeof *roots), *folder = NULL;
    size_t root_count = 0;
    for (size_t i = 0; i < action->root_count; i++) {
        char *real = realpath(action->roots[i], NULL), here[PATH_MAX];
        if (real) roots[root_count++] = real;
        if (action->roots[i][0] == '/') {
            roots[root_count++] = xstrdup(action->roots[i]);
        } else if (getcwd(here, sizeof here)) {
            roots[root_count++] = xprintf("%s/%s", here, action->roots[i]);
        }
    }
    work_list work = gather(view, relations_of(action->include, NULL), roots, root_count);
    glimpse_action_options options = GLIMPSE_ACTION_OPTIONS_INIT;
    options.kind = action->kind;
    options.skip_read_only = action->skip_read_only;
    options.cancelled = ask_stop;
    if (action->folder) options.directory = folder = settle_path(action->folder);
    teller t = {j, words(action->kind, action->apply), " -> ", 0, work.count, progress_now()};
    glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
    glimpse_actions *actions = NULL;
    int status = 0, code = EXIT_FOUND;
    if (action->apply && work.count > 0 && !(actions = open_journal())) {
        code = EXIT_FAILED;
        status = -1;
    }
    if (j) {
        jout_key(j, "action");
        jout_open(j, '{');
        jout_key(j, "kind"), jout_string(j, glimpse_action_kind_name(action->kind));
        jout_key(j, "applied"), jout_bool(j, action->apply);
        jout_key(j, "not_included"), jout_uint(j, work.other_relation);
        jout_key(j, "files");
        jout_open(j, '[');
    }
    if (status == 0 && actions) {
        status =
            glimpse_actions_apply(&report, actions, &options, work.items, work.count, tell, &t);
    } else if (status == 0) {
        status = glimpse_actions_preview(&report, &options, work.items, work.count, tell, &t);
    }
    progress_clear();
    if (j) {
        report_json(j, &report);
        jout_close(j, '}');
    } else if (code != EXIT_FAILED) {
        print_outcome(action, &report, work.other_relation);
    }
    if (status < 0 && code != EXIT_FAILED) code = tool_fail_last();
    if (code == EXIT_FOUND && report.cancelled) code = EXIT_STOPPED;
    if (code == EXIT_FOUND && report.left_alone > 0) code = EXIT_PARTIAL;
    glimpse_actions_close(actions);
    free(folder);
    free(work.items);
    while (root_count > 0)
        free(roots[--root_count]);
    free(roots);
    return code;
}

/*
 * Taking back, letting go, listing.
 */
static int run_number(const char *run, int64_t *number, const cli_command *command) {
    *number = 0;
    if (!run || !*run) return CLI_RUN;
    char *end = NULL;
    errno = 0;
    long long value = strtoll(run, &end, 10);
    if (errno || *end || value < 1 || run[0] < '0' || run[0] > '9') {
        return cli_misuse(command,
                          "a run is a number (glimpse dedup --runs lists them), not \"%s\"", run);
    }
    *number = value;
    return CLI_RUN;
}

static void begin_files(json_out *j, const char *what, int applied) {
    jout_open(j, '{');
    jout_key(j, "action"), jout_string(j, what);
    jout_key(j, "applied"), jout_bool(j, applied);
    jout_key(j, "files");
    jout_open(j, '[');
}

static int end_files(json_out *j, int status, const glimpse_action_report *report) {
    report_json(j, report);
    jout_close(j, '}');
    jout_end(j);
    if (status == GLIMPSE_E_NOT_FOUND) return EXIT_NOTHING;
    return status < 0 ? tool_fail_last() : report->left_alone > 0 ? EXIT_PARTIAL : EXIT_FOUND;
}

int dedup_undo(const char *run, int json, const cli_command *command) {
    int64_t number = 0;
    int code = run_number(run, &number, command);
    if (code != CLI_RUN) return code;
    if (!glimpse_actions_exist(NULL)) {
        if (!json) tool_note("there is nothing to undo");
        if (!json) return EXIT_NOTHING;
    }
    json_out j = {stdout, 0};
    teller t = {json ? &j : NULL, "put back", " <- ", 0, 0, progress_now()};
    glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
    glimpse_actions *actions = open_journal();
    if (!actions) return EXIT_FAILED;
    if (json) begin_files(&j, "undo", 1);
    int status = glimpse_actions_undo(&report, actions, number, tell, &t);
    progress_clear();
    glimpse_actions_close(actions);
    if (json) return end_files(&j, status, &report);
    if (status == GLIMPSE_E_NOT_FOUND) {
        tool_note("%s", glimpse_last_error());
        return EXIT_NOTHING;
    }
    if (status < 0) return tool_fail_last();
    (void)printf("Run %lld: %s %s put back (%s), %s left alone\n", (long long)report.run,
                 text_count(report.done), report.done == 1 ? "file" : "files",
                 text_bytes(report.bytes), text_count(report.left_alone));
    return report.left_alone > 0 ? EXIT_PARTIAL : EXIT_FOUND;
}

int dedup_empty(const char *run, int apply, int json, const cli_command *command) {
    int64_t number = 0;
    int code = run_number(run, &number, command);
    if (code != CLI_RUN) return code;
    json_out j = {stdout, 0};
    const char *done = apply ? "gone" : "would be gone for good";
    teller t = {json ? &j : NULL, done, " - ", 0, 0, progress_now()};
    glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
    glimpse_actions *actions = NULL;
    int status = GLIMPSE_OK;
    if (glimpse_actions_exist(NULL) && !(actions = open_journal())) return EXIT_FAILED;
    if (json) begin_files(&j, "empty", apply);
    if (actions) status = glimpse_actions_empty(&report, actions, number, apply, tell, &t);
    progress_clear();
    glimpse_actions_close(actions);
    if (json) return end_files(&j, status, &report);
    if (status < 0) return tool_fail_last();
    (void)printf("%s held %s %s (%s)\n", text_count(report.done),
                 report.done == 1 ? "file" : "files", done, text_bytes(report.bytes));
    if (!apply && report.done > 0) {
        (void)printf("Nothing was changed. To do it, which cannot be undone, add --apply.\n");
    }
    return report.left_alone > 0 ? EXIT_PARTIAL : EXIT_FOUND;
}

typedef struct lister {
    json_out *j;
    size_t count;
} lister;

static int list_run(void *user, const glimpse_action_run *run) {
    lister *l = user;
    if (l->j) {
        jout_open(l->j, '{');
        jout_key(l->j, "run"), jout_int(l->j, run->run);
        jout_key(l->j, "started"), jout_string(l->j, run->started);
        jout_key(l->j, "kind"), jout_string(l->j, glimpse_action_kind_name(run->kind));
        jout_key(l->j, "done"), jout_uint(l->j, run->done);
        jout_key(l->j, "undone"), jout_uint(l->j, run->undone);
        jout_key(l->j, "gone"), jout_uint(l->j, run->gone);
        jout_key(l->j, "held_bytes"), jout_uint(l->j, run->held_bytes);
        jout_close(l->j, '}');
    } else {
        if (l->count == 0) {
            (void)printf("%5s  %-19s  %-9s %9s %9s %9s %10s\n", "run", "started (UTC)", "action",
                         "done", "undone", "gone", "held");
        }
        (void)printf("%5lld  %-19s  %-9s %9s %9s %9s %10s\n", (long long)run->run, run->started,
                     glimpse_action_kind_name(run->kind), text_count(run->done),
                     text_count(run->undone), text_count(run->gone), text_bytes(run->held_bytes));
    }
    l->count++;
    return 0;
}

int dedup_runs(int json) {
    json_out j = {stdout, 0};
    lister l = {json ? &j : NULL, 0};
    glimpse_actions *actions = NULL;
    int status = GLIMPSE_OK;
    if (glimpse_actions_exist(NULL) && !(actions = open_journal())) return EXIT_FAILED;
    if (json) {
        jout_open(&j, '{');
        jout_key(&j, "runs");
        jout_open(&j, '[');
    }
    if (actions) status = glimpse_actions_runs(actions, list_run, &l);
    glimpse_actions_close(actions);
    if (json) {
        jout_close(&j, ']');
        jout_close(&j, '}');
        jout_end(&j);
    }
    if (status < 0) return tool_fail_last();
    if (l.count == 0 && !json) tool_note("no actions were run yet");
    return l.count > 0 ? EXIT_FOUND : EXIT_NOTHING;
}
