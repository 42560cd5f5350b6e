/*
 * glimpse/session_dedup.h - duplicates with a session: finding them, acting on them and taking that
 * back, what a person decided about them, and audits of data sets.
 *
 *     const char *roots[] = {"/home/me/Pictures"};
 *     glimpse_dedup_options search = GLIMPSE_DEDUP_OPTIONS_INIT;
 *     search.roots = roots, search.root_count = 1;
 *     search.weakest = glimpse_dedup_weakest(0);            // groups that can be acted on
 *     const char *archive[] = {"/media/archive"};
 *     search.protect = archive, search.protect_count = 1;   // searched too, and never touched
 *     glimpse_dedup_report *report = NULL;
 *     if (glimpse_session_dedup(&report, session, &search) < 0) ...
 *
 *     glimpse_dedup_plan *plan = NULL;                      // glimpse/dedup_plan.h
 *     glimpse_dedup_plan_options which = GLIMPSE_DEDUP_PLAN_OPTIONS_INIT;
 *     which.roots = roots, which.root_count = 1;
 *     glimpse_dedup_plan_create(&plan, report, &which);
 *     glimpse_action_options action = GLIMPSE_ACTION_OPTIONS_INIT;
 *     action.kind = GLIMPSE_ACTION_TRASH;
 *     glimpse_session_act(&done, session, plan, &action, 0, each, user);   // what would be done
 *     glimpse_session_act(&done, session, plan, &action, 1, each, user);   // done.run = 7
 *     glimpse_session_undo(&done, session, 7, each, user);
 *     glimpse_dedup_plan_free(plan);
 *     glimpse_dedup_report_free(report);
 *
 * What an action does to a file, when it leaves one alone, and the journal: glimpse/actions.h. The
 * journal belongs to the user and not to a library; calls that open it are GLIMPSE_E_BUSY while
 * another thread or process has it open. When a run was interrupted, the first of them recovers it
 * and tells the `note` of the session.
 *
 * Threads: as the session. Searches and audits are readers; decisions are written.
 */
#ifndef GLIMPSE_SESSION_DEDUP_H
#define GLIMPSE_SESSION_DEDUP_H

#include <glimpse/actions.h>
#include <glimpse/decisions.h>
#include <glimpse/dedup.h>
#include <glimpse/dedup_plan.h>
#include <glimpse/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Finding.
 */
/* As glimpse_dedup_run, of these roots, or without any of the library's pictures. From the session:
 * `library` (with roots it is used where there is one, and must be there when the session's options
 * name it), `model` where one is needed, threads for `jobs` 0, and what was decided before; a
 * `decide` of the options is asked first. `tiers` 0: EXACT and PERCEPTUAL, and SEMANTIC for a
 * library or with a model that the session was opened with. One directory in `against` may be that
 * of a library: then the second set is its pictures. GLIMPSE_E_CANCELLED when `progress` stopped
 * it. `options` may be NULL: the library. */
GLIMPSE_API int glimpse_session_dedup(glimpse_dedup_report **out, glimpse_session *session,
                                      const glimpse_dedup_options *options);

/* What is odd about pictures. They are chosen and read by `options` as in glimpse_session_dedup,
 * and not compared: roots, exclude, follow_links, jobs, embed, exact_decode and the progress are
 * used. Embeddings are those of the library; `embed`, no roots, or a model that the session was
 * opened with make it embed pictures that the library does not know. `limits` may be NULL. *report
 * has the pictures that *audit speaks of: free it after the audit. */
GLIMPSE_API int glimpse_session_audit(glimpse_audit **audit, glimpse_dedup_report **report,
                                      glimpse_session *session,
                                      const glimpse_dedup_options *options,
                                      const glimpse_audit_limits *limits);

/*
 * Acting. `each` (may be NULL) is called after each file.
 */
/* Does what `plan` is about; with `apply` 0 nothing is changed, and the report says what would be.
 * A MOVE goes to options->directory, or when that is NULL to the plan's target. GLIMPSE_OK also
 * when files were left alone: see the report, which is filled in whatever the status. */
GLIMPSE_API int glimpse_session_act(glimpse_action_report *report, glimpse_session *session,
                                    const glimpse_dedup_plan *plan,
                                    const glimpse_action_options *options, int apply,
                                    glimpse_action_fn each, void *user);
/* Takes back a run, 0: the latest that has something to take back. GLIMPSE_E_NOT_FOUND when there
 * is nothing to take back. */
GLIMPSE_API int glimpse_session_undo(glimpse_action_report *report, glimpse_session *session,
                                     int64_t run, glimpse_action_fn each, void *user);
/* Lets go for good of what a run holds, 0: of all; with `apply` 0 it is only counted. */
GLIMPSE_API int glimpse_session_empty(glimpse_action_report *report, glimpse_session *session,
                                      int64_t run, int apply, glimpse_action_fn each, void *user);
/* The runs, oldest first. A non-zero return of `visit` stops and is returned. */
GLIMPSE_API int glimpse_session_action_runs(glimpse_session *session,
                                            int (*visit)(void *user, const glimpse_action_run *run),
                                            void *user);

/*
 * Decisions, remembered in the library by content.
 */
/* `words` [count] are files or content ids. `ids` [count] (may be NULL) gets the content ids,
 * `number` (may be NULL) the decision's. The library is made when there is none. */
GLIMPSE_API int glimpse_session_decide(int64_t *number, char (*ids)[33], glimpse_session *session,
                                       glimpse_decision_kind kind, const char *const *words,
                                       size_t count);
/* *out is NULL when there is no library: nothing was decided. */
GLIMPSE_API int glimpse_session_load_decisions(glimpse_decisions **out, glimpse_session *session);
/* GLIMPSE_E_NOT_FOUND when there is no decision of this number. */
GLIMPSE_API int glimpse_session_forget_decision(glimpse_session *session, int64_t number);

#ifdef __cplusplus
}
#endif
#endif
