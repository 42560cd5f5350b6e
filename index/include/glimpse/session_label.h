/*
 * glimpse/session_label.h - labelling with a session: its library, its model, the lists that ship.
 *
 *     static int on_picture(void *user, const glimpse_labelled *p) {
 *         (void)user;
 *         if (p->problem) return 0;
 *         const char *best = p->set->classes[p->labels[0].class_index].name;
 *         printf("%s\t%s\n", best, p->path);
 *         return 0;
 *     }
 *     ...
 *     glimpse_labeller_options options = GLIMPSE_LABELLER_OPTIONS_INIT;
 *     options.classes = "cat,dog,bird";
 *     glimpse_session_label(NULL, session, paths, count, &options, on_picture, NULL);
 *
 * Judging labels that were written needs no session: glimpse_judgement_create.
 *
 * Threads: as the session. A labeller belongs to one thread at a time. One that stores labels is
 * the session's writer until it is closed.
 */
#ifndef GLIMPSE_SESSION_LABEL_H
#define GLIMPSE_SESSION_LABEL_H

#include <glimpse/labelling.h>
#include <glimpse/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A labeller (glimpse/labelling.h) on the session's model, and on its library where there is one
 * (`needs_library` 1: there must be one); close it before the session. Of `options` the members
 * model_options and shipped are the session's when they are NULL, and jobs when it is 0; what it
 * points to must outlive the labeller. GLIMPSE_E_NOT_FOUND without a library when labels are to be
 * stored, or when the session's options name one that is not there. */
GLIMPSE_API int glimpse_session_open_labeller(glimpse_labeller **out, glimpse_session *session,
                                              int needs_library,
                                              const glimpse_labeller_options *options);

/* The same, used once: as glimpse_labeller_label_paths. */
GLIMPSE_API int glimpse_session_label(glimpse_label_totals *totals, glimpse_session *session,
                                      const char *const *paths, size_t count,
                                      const glimpse_labeller_options *options,
                                      glimpse_labelled_fn on_picture, void *user);
/* As glimpse_labeller_label_library. */
GLIMPSE_API int glimpse_session_label_library(glimpse_label_totals *totals,
                                              glimpse_session *session, const char *const *within,
                                              size_t within_count,
                                              const glimpse_labeller_options *options,
                                              glimpse_labelled_fn on_picture, void *user);

/* Labels stored in the library (glimpse/stored_labels.h): which labellings there are, as
 * glimpse_library_labellings, and forgetting one, which writes. `visit` must not call the session.
 */
GLIMPSE_API int glimpse_session_labellings(glimpse_session *session, glimpse_labelling_fn visit,
                                           void *user);
GLIMPSE_API int glimpse_session_forget_labelling(glimpse_session *session, const char *name);

#ifdef __cplusplus
}
#endif
#endif
