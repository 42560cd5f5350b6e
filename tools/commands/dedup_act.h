/*
 * dedup_act.h - what glimpse dedup does about duplicates: actions, undo, remembered decisions.
 */
#ifndef GLIMPSE_TOOLS_DEDUP_ACT_H
#define GLIMPSE_TOOLS_DEDUP_ACT_H

#include "dedup_report.h"
#include "session.h"

#include <glimpse/session_dedup.h>

typedef struct dedup_action {
    glimpse_action_kind kind;   /* 0: none was asked for */
    const char *directory;      /* MOVE: as given */
    const char *const *include; /* [include_count] relations to act on beside the usual, each with
                                   commas */
    size_t include_count;
    const char *const *protect; /* [protect_count] as given */
    size_t protect_count;
    int apply, skip_read_only, conflicts_only;
    const char *const *roots; /* [root_count] as given */
    size_t root_count;
    uint32_t allow_loss; /* 1u << glimpse_holding_kind */
} dedup_action;

/* The kinds of --allow-loss. CLI_RUN or an exit code. */
int dedup_allow_loss(uint32_t *kinds, const cli_list *lists, const cli_command *command);
/* What was left because it holds what its keeper lacks. */
void dedup_print_held_back(const glimpse_dedup_plan *plan);
void dedup_json_held_back(const glimpse_dedup_plan *plan, json_out *j);
void dedup_json_kinds(uint32_t kinds, json_out *j); /* ["video", ...] */
/* Why it was left alone, malloc'ed. */
char *dedup_left_words(const glimpse_dedup_left *left);

/* Bytes that the files may free which the action (kind 0: one by default) is about. */
uint64_t dedup_freed(const dedup_action *action, const glimpse_dedup_report *report);

/* Checks the action before anything is scanned: CLI_RUN or an exit code. */
int dedup_action_check(const dedup_action *action, const cli_command *command);
/* One bit per relation to act on. Call it after the check. */
unsigned dedup_action_relations(const dedup_action *action);
/* Acts (or says what would be done). With `j` the key "action" is added to the open object, else
 * lines are printed; `outcomes` gets them as well. An exit code: EXIT_FOUND, EXIT_PARTIAL when
 * files were left alone, ... */
int dedup_act(const dedup_action *action, session *s, const dedup_view *view, json_out *j,
              dedup_outcomes *outcomes);

/* What was looked at, in words: "the library /x", "a, b and 3 more"; free with free(). */
char *dedup_title(const session *s, const char *const *roots, size_t count);
/* A progress callback: Ctrl-C stops. */
int dedup_show_progress(void *user, const glimpse_progress *progress);

/* --undo, --runs, --empty; `run` "" or NULL: the latest (all, for --empty). Exit codes. */
int dedup_undo(session *s, const char *run, int json, const cli_command *command);
int dedup_runs(session *s, int json);
int dedup_empty(session *s, const char *run, int apply, int json, const cli_command *command);

/* --not-duplicates, --keep-all: `words` are files or content ids. */
int dedup_decide(session *s, glimpse_decision_kind kind, const char *const *words, size_t count,
                 int json, const cli_command *command);
int dedup_decisions(session *s, int json);
int dedup_forget(session *s, uint64_t number, int json);

#endif
