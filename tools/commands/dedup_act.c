/*
 * dedup_act.c - what is said about actions on the files beside the keepers, and about taking them
 * back.
 */
#include "dedup_act.h"

#include "progress.h"
#include "text.h"
#include "tool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Adds the relations of a list with commas; -1 after saying what is wrong with it. */
static int add_relations(unsigned *bits, const char *list, const cli_command *command) {
    for (const char *s = list; *s;) {
        size_t length = strcspn(s, ",");
        unsigned r = 0;
        for (; r <= GLIMPSE_RELATION_SIMILAR; r++) {
            const char *name = glimpse_dedup_relation_name((glimpse_dedup_relation)r);
            if (strlen(name) == length && strncmp(name, s, length) == 0) break;
        }
        if (r > GLIMPSE_RELATION_SIMILAR) {
            (void)cli_misuse(command,
                             "--include is a list of identical, re-encoded, holds-more, edited and "
                             "near-shot, not \"%.*s\"",
                             (int)length, s);
            return -1;
        }
        if (r >= GLIMPSE_RELATION_VARIANT) {
            (void)cli_misuse(command,
                             "--include %.*s: %s pictures are different pictures, and are never "
                             "acted on",
                             (int)length, s, r == GLIMPSE_RELATION_VARIANT ? "variant" : "similar");
            return -1;
        }
        *bits |= 1u << r;
        s += length;
        if (*s == ',') s++;
    }
    return 0;
}

/* One bit per relation to act on; 0 after saying what is wrong. */
static unsigned relations_of(const dedup_action *action, const cli_command *command) {
    unsigned bits = 1u << GLIMPSE_RELATION_IDENTICAL | 1u << GLIMPSE_RELATION_REENCODED;
    for (size_t i = 0; i < action->include_count; i++) {
        if (!*action->include[i]) {
            (void)cli_misuse(command, "--include needs at least one relation");
            return 0;
        }
        if (add_relations(&bits, action->include[i], command) < 0) return 0;
    }
    return bits;
}

unsigned dedup_action_relations(const dedup_action *action) {
    return action->kind ? relations_of(action, NULL) : 0;
}

int dedup_action_check(const dedup_action *action, const cli_command *command) {
    if (!action->kind) {
        if (action->apply) {
            return cli_misuse(command, "--apply what? add --move DIR, --trash, --delete, "
                                       "--hardlink, --symlink or --reflink");
        }
        if (action->include_count > 0 || action->skip_read_only) {
            return cli_misuse(command, "--include and --skip-read-only go with an action such as "
                                       "--move DIR");
        }
        return CLI_RUN;
    }
    if (relations_of(action, command) == 0) return EXIT_USAGE;
    if (action->kind != GLIMPSE_ACTION_MOVE) return CLI_RUN;
    if (!*action->directory) return cli_misuse(command, "--move needs a folder");
    int status = glimpse_dedup_check_target(action->directory, action->roots, action->root_count);
    if (status == GLIMPSE_OK) {
        status =
            glimpse_dedup_check_target(action->directory, action->protect, action->protect_count);
    }
    return status < 0 ? cli_refused(command, status) : CLI_RUN;
}

char *dedup_title(const session *s, const char *const *roots, size_t count) {
    if (count == 0) return xprintf("the library %s", glimpse_session_library_path(s->base));
    if (count == 1) return xstrdup(roots[0]);
    if (count == 2) return xprintf("%s and %s", roots[0], roots[1]);
    return xprintf("%s, %s and %s more", roots[0], roots[1], text_count(count - 2));
}

int dedup_show_progress(void *user, const glimpse_progress *p) {
    (void)user;
    progress_show(tool_stopped() ? "stopping" : p->stage, p->done, p->total, p->total_is_final,
                  p->seconds, NULL);
    return tool_stopped();
}

/*
 * Telling what happens.
 */
typedef struct teller {
    json_out *j;
    /* "undo", "empty": an object of its own, which begins with the first file */
    const char *action;
    int applied, begun;
    int links;         /* files are replaced by links: the arrow leads to the keeper */
    const char *done;  /* "moved", "would be moved", "put back", ... */
    const char *arrow; /* from the path to the other one, or back; NULL: the keeper is named */
    size_t seen, total;
    double start;
    dedup_outcomes *outcomes; /* collects what is told, or NULL */
} teller;

static const char *outcome_name(glimpse_action_outcome outcome, int applied) {
    return outcome == GLIMPSE_OUTCOME_DONE && !applied ? "would-be-done"
                                                       : glimpse_action_outcome_name(outcome);
}

static dedup_outcome *add_outcome(dedup_outcomes *to) {
    if (to->count == to->capacity) {
        to->capacity = to->capacity ? 2 * to->capacity : 64;
        to->items = xrealloc(to->items, to->capacity * sizeof *to->items);
    }
    return &to->items[to->count++];
}

static void remember(dedup_outcomes *to, const glimpse_action_event *event) {
    *add_outcome(to) = (dedup_outcome){
        .path = xstrdup(event->path),
        .other = xstrdup(event->other ? event->other : ""),
        .keeper = xstrdup(event->keeper),
        .companion_of = event->companion_of ? xstrdup(event->companion_of) : NULL,
        .outcome = outcome_name(event->outcome, to->applied),
    };
}

static void json_other(json_out *j, const char *other) {
    if (other) {
        jout_path(j, "other", other);
    } else {
        jout_key(j, "other"), jout_null(j);
    }
}

static void begin_files(teller *t) {
    if (t->begun || !t->action) return;
    t->begun = 1;
    jout_open(t->j, '{');
    jout_key(t->j, "action"), jout_string(t->j, t->action);
    jout_key(t->j, "applied"), jout_bool(t->j, t->applied);
    jout_key(t->j, "files");
    jout_open(t->j, '[');
}

static void print_left(const char *outcome, const char *path, const char *message) {
    char *storage = NULL;
    char *shown = text_display(text_near_path(path, &storage)), *why = text_display(message);
    (void)printf("left alone (%s): %s: %s\n", outcome, shown, why);
    free(shown);
    free(why);
    free(storage);
}

static void print_event(void *user, const glimpse_action_event *event) {
    teller *t = user;
    if (t->outcomes) remember(t->outcomes, event);
    if (t->j) begin_files(t);
    progress_show(t->done, ++t->seen, t->total, t->total > 0, progress_now() - t->start, NULL);
    if (t->j) {
        jout_open(t->j, '{');
        jout_path(t->j, "path", event->path);
        json_other(t->j, event->other);
        jout_path(t->j, "keeper", event->keeper);
        jout_key(t->j, "outcome"), jout_string(t->j, outcome_name(event->outcome, t->applied));
        jout_path(t->j, "message", event->message);
        jout_key(t->j, "bytes"), jout_uint(t->j, event->bytes);
        if (event->companion_of) jout_path(t->j, "companion_of", event->companion_of);
        jout_close(t->j, '}');
        return;
    }
    progress_clear();
    if (event->outcome != GLIMPSE_OUTCOME_DONE) {
        print_left(glimpse_action_outcome_name(event->outcome), event->path, event->message);
        return;
    }
    const char *second = t->arrow ? event->other : event->companion_of ? NULL : event->keeper;
    if (t->links) second = event->keeper;
    char *a = NULL, *b = NULL;
    char *path = text_display(text_near_path(event->path, &a));
    char *other = second ? text_display(text_near_path(second, &b)) : NULL;
    (void)printf("%s%s: %s", event->companion_of ? "  with it " : "", t->done, path);
    if (other) (void)(t->arrow ? printf("%s%s", t->arrow, other) : printf(" (%s is kept)", other));
    (void)putchar('\n');
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
    case GLIMPSE_ACTION_WRITE: return apply ? "written" : "would be written";
    }
    return "done";
}

/* What goes to the trash or is held is not to be looked for there. */
static int names_target(glimpse_action_kind kind) {
    return kind != GLIMPSE_ACTION_TRASH && kind != GLIMPSE_ACTION_DELETE;
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
    jout_key(j, "companions"), jout_uint(j, report->companions);
    jout_key(j, "stopped"), jout_bool(j, report->cancelled);
}

/* The members that the plan leaves alone without a look. */
static void report_left(const teller *t, const glimpse_dedup_plan *plan) {
    for (size_t i = 0; i < plan->left_count; i++) {
        const glimpse_dedup_left *left = &plan->left[i];
        const char *outcome = glimpse_dedup_left_name(left->reason);
        char *why = dedup_left_words(left);
        *add_outcome(t->outcomes) = (dedup_outcome){.path = xstrdup(left->path),
                                                    .other = xstrdup(""),
                                                    .keeper = xstrdup(left->keeper),
                                                    .outcome = outcome};
        if (t->j) {
            jout_open(t->j, '{');
            jout_path(t->j, "path", left->path);
            json_other(t->j, NULL);
            jout_path(t->j, "keeper", left->keeper);
            jout_key(t->j, "outcome"), jout_string(t->j, outcome);
            jout_path(t->j, "message", why);
            jout_key(t->j, "bytes"), jout_uint(t->j, left->bytes);
            jout_key(t->j, "kinds");
            dedup_json_kinds(left->kinds, t->j);
            jout_close(t->j, '}');
        } else {
            print_left(outcome, left->path, why);
        }
        free(why);
    }
}

static void print_not_included(const glimpse_dedup_plan *plan) {
    const char *between = "";
    if (plan->not_included == 0) return;
    (void)printf("%s of other relations not acted on: ",
                 text_counted(plan->not_included, "file", "files"));
    for (unsigned r = 0; r <= GLIMPSE_RELATION_SIMILAR; r++) {
        if (plan->not_included_of[r] == 0) continue;
        (void)printf("%s%s %s", between, text_count(plan->not_included_of[r]),
                     glimpse_dedup_relation_name((glimpse_dedup_relation)r));
        between = ", ";
    }
    between = "; --include ";
    for (unsigned r = 0; r < GLIMPSE_RELATION_VARIANT; r++) {
        if (plan->not_included_of[r] == 0) continue;
        (void)printf("%s%s", between, glimpse_dedup_relation_name((glimpse_dedup_relation)r));
        between = ",";
    }
    (void)printf("%s\n", *between == ',' ? " adds them" : "");
}

static void print_not_touched(const glimpse_dedup_plan *plan) {
    print_not_included(plan);
    if (plan->references > 0)
        (void)printf("%s in protected folders not touched\n", text_count(plan->references));
    if (plan->links > 0)
        (void)printf("%s only links to files: not touched\n", text_count(plan->links));
    if (plan->pairs > 0) {
        (void)printf("%s of pairs of RAW and picture, or RAW files of other bytes: not touched\n",
                     text_count(plan->pairs));
    }
    if (plan->elsewhere > 0) {
        (void)printf("%s with hard links outside the search: no room is freed by them\n",
                     text_counted(plan->elsewhere, "file", "files"));
    }
}

static void print_outcome(const dedup_action *action, const glimpse_action_report *r,
                          const glimpse_dedup_plan *plan) {
    (void)printf("%s %s (%s), %s left alone\n", text_counted(r->done, "file", "files"),
                 words(action->kind, action->apply), text_bytes(r->bytes),
                 text_count(r->left_alone + plan->left_count));
    if (r->companions > 0) {
        (void)printf("%s with them\n",
                     text_counted(r->companions, "file that belongs", "files that belong"));
    }
    print_not_touched(plan);
    dedup_print_held_back(plan);
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

static int make_plan(glimpse_dedup_plan **plan, const dedup_action *action,
                     const glimpse_dedup_report *report) {
    glimpse_dedup_plan_options which = GLIMPSE_DEDUP_PLAN_OPTIONS_INIT;
    which.relations = relations_of(action, NULL);
    which.roots = action->roots;
    which.root_count = action->root_count;
    which.target = action->directory;
    which.conflicts_only = action->conflicts_only;
    which.allow_loss = action->allow_loss;
    return glimpse_dedup_plan_create(plan, report, &which);
}

uint64_t dedup_freed(const dedup_action *action, const glimpse_dedup_report *report) {
    glimpse_dedup_plan *plan = NULL;
    if (make_plan(&plan, action, report) < 0) return 0; /* the action says why */
    const uint64_t bytes = plan->bytes;
    glimpse_dedup_plan_free(plan);
    return bytes;
}

int dedup_act(const dedup_action *action, session *s, const dedup_view *view, json_out *j,
              dedup_outcomes *outcomes) {
    glimpse_dedup_plan *plan = NULL;
    outcomes->action = glimpse_action_kind_name(action->kind);
    outcomes->applied = action->apply;
    if (make_plan(&plan, action, view->report) < 0) return tool_fail_last();
    glimpse_action_options options = GLIMPSE_ACTION_OPTIONS_INIT;
    options.kind = action->kind;
    options.skip_read_only = action->skip_read_only;
    options.cancelled = session_cancelled;
    teller t = {.j = j,
                .applied = action->apply,
                .links = action->kind >= GLIMPSE_ACTION_HARDLINK,
                .done = words(action->kind, action->apply),
                .arrow = names_target(action->kind) ? " -> " : NULL,
                .total = plan->count,
                .outcomes = outcomes,
                .start = progress_now()};
    glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
    if (j) {
        jout_key(j, "action");
        jout_open(j, '{');
        jout_key(j, "kind"), jout_string(j, glimpse_action_kind_name(action->kind));
        jout_key(j, "applied"), jout_bool(j, action->apply);
        jout_key(j, "not_included"), jout_uint(j, plan->not_included);
        jout_key(j, "not_included_relations");
        jout_open(j, '{');
        for (unsigned r = 0; r <= GLIMPSE_RELATION_SIMILAR; r++) {
            if (plan->not_included_of[r] == 0) continue;
            jout_key(j, glimpse_dedup_relation_name((glimpse_dedup_relation)r));
            jout_uint(j, plan->not_included_of[r]);
        }
        jout_close(j, '}');
        jout_key(j, "protected"), jout_uint(j, plan->references);
        jout_key(j, "links"), jout_uint(j, plan->links);
        jout_key(j, "pairs"), jout_uint(j, plan->pairs);
        jout_key(j, "links_elsewhere"), jout_uint(j, plan->elsewhere);
        dedup_json_held_back(plan, j);
        jout_key(j, "files");
        jout_open(j, '[');
    }
    int status =
        glimpse_session_act(&report, s->base, plan, &options, action->apply, print_event, &t);
    progress_clear();
    if (status == GLIMPSE_OK) report_left(&t, plan);
    if (j) {
        report_json(j, &report);
        jout_close(j, '}');
    } else if (status == GLIMPSE_OK || t.seen > 0) {
        print_outcome(action, &report, plan);
    }
    glimpse_dedup_plan_free(plan);
    if (status < 0) return tool_fail_last();
    if (report.cancelled) {
        tool_print("stopped; the same command goes on with the rest");
        return EXIT_STOPPED;
    }
    return report.left_alone > 0 ? EXIT_PARTIAL : EXIT_FOUND;
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

/* A run that failed before it began says nothing on stdout. */
static int end_files(teller *t, int status, const glimpse_action_report *report) {
    progress_clear();
    if (t->j && (status == GLIMPSE_OK || status == GLIMPSE_E_NOT_FOUND)) begin_files(t);
    if (t->j && t->begun) {
        report_json(t->j, report);
        jout_close(t->j, '}');
        jout_end(t->j);
    }
    if (status == GLIMPSE_E_NOT_FOUND) {
        if (!t->j) tool_note("%s", glimpse_last_error());
        return EXIT_NOTHING;
    }
    if (status < 0) return tool_fail_last();
    if (report->cancelled) {
        tool_print("stopped; the same command goes on with the rest");
        return EXIT_STOPPED;
    }
    return report->left_alone > 0 ? EXIT_PARTIAL : EXIT_FOUND;
}

int dedup_undo(session *s, const char *run, int json, const cli_command *command) {
    int64_t number = 0;
    int code = run_number(run, &number, command);
    if (code == CLI_RUN) code = session_begin(s, 0);
    if (code != CLI_RUN) return code;
    json_out j = {stdout, 0};
    teller t = {.j = json ? &j : NULL,
                .action = "undo",
                .applied = 1,
                .done = "put back",
                .arrow = " <- ",
                .start = progress_now()};
    glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
    tool_catch_stop();
    int status = glimpse_session_undo(&report, s->base, number, print_event, &t);
    code = end_files(&t, status, &report);
    if (json || status < 0) return code;
    (void)printf("Run %lld: %s put back (%s), %s left alone\n", (long long)report.run,
                 text_counted(report.done, "file", "files"), text_bytes(report.bytes),
                 text_count(report.left_alone));
    return code;
}

int dedup_empty(session *s, const char *run, int apply, int json, const cli_command *command) {
    int64_t number = 0;
    int code = run_number(run, &number, command);
    if (code == CLI_RUN) code = session_begin(s, 0);
    if (code != CLI_RUN) return code;
    json_out j = {stdout, 0};
    teller t = {.j = json ? &j : NULL,
                .action = "empty",
                .applied = apply,
                .done = apply ? "gone" : "would be gone for good",
                .arrow = " - ",
                .start = progress_now()};
    glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
    tool_catch_stop();
    int status = glimpse_session_empty(&report, s->base, number, apply, print_event, &t);
    code = end_files(&t, status, &report);
    if (json || status < 0) return code;
    (void)printf("%s %s (%s), %s left alone\n",
                 text_counted(report.done + report.companions, "held file", "held files"), t.done,
                 text_bytes(report.bytes), text_count(report.left_alone));
    if (!apply && report.done > 0) {
        (void)printf("Nothing was changed. To do it, which cannot be undone, add --apply.\n");
    }
    return code;
}

typedef struct lister {
    json_out *j;
    int begun;
    size_t count;
} lister;

/* The list begins with its first run: one that cannot be read says nothing on stdout. */
static void begin_runs(lister *l) {
    if (!l->j || l->begun) return;
    l->begun = 1;
    jout_open(l->j, '{');
    jout_key(l->j, "runs");
    jout_open(l->j, '[');
}

static int list_run(void *user, const glimpse_action_run *run) {
    lister *l = user;
    begin_runs(l);
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

int dedup_runs(session *s, int json) {
    json_out j = {stdout, 0};
    lister l = {.j = json ? &j : NULL};
    int code = session_begin(s, 0);
    if (code != CLI_RUN) return code;
    int status = glimpse_session_action_runs(s->base, list_run, &l);
    if (status == GLIMPSE_OK) begin_runs(&l);
    if (l.begun) {
        jout_close(&j, ']');
        jout_close(&j, '}');
        jout_end(&j);
    }
    if (status < 0) return tool_fail_last();
    if (l.count == 0 && !json) tool_note("no actions were run yet");
    return l.count > 0 ? EXIT_FOUND : EXIT_NOTHING;
}
