/*
 * glimpse/session_pull.h - the table of models and pulling one, with a session's own places.
 *
 *     glimpse_pull *pull = NULL;
 *     int status = glimpse_session_open_pull(&pull, session, "ViT-B-16-SigLIP2", NULL);
 *     if (status == GLIMPSE_OK) status = glimpse_pull_run(pull);          // glimpse/pull.h
 *     glimpse_pull_free(pull);
 *
 * What was pulled is found by options.model of a session: by ORG/NAME, and by its name in the
 * table.
 */
#ifndef GLIMPSE_SESSION_PULL_H
#define GLIMPSE_SESSION_PULL_H

#include <glimpse/pull.h>
#include <glimpse/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The table that ships with glimpse (models/catalog.json); borrowed. */
GLIMPSE_API int glimpse_session_catalog(const glimpse_catalog **catalog, glimpse_session *session);

/* 1 when the model of the table is installed in the session's models directory. */
GLIMPSE_API int glimpse_session_has_model(glimpse_session *session,
                                          const glimpse_catalog_model *model);

/* As glimpse_pull_open, with the session's table and models directory. `options` may be NULL; it is
 * the caller's own callbacks that are used. The pull may outlive the session. */
GLIMPSE_API int glimpse_session_open_pull(glimpse_pull **out, glimpse_session *session,
                                          const char *name, const glimpse_pull_options *options);

/* Floating-point operations a second of this machine, about: matrices of an image tower's size are
 * multiplied for a fifth of a second by the session's backend in its precision, one thread a core.
 */
GLIMPSE_API int glimpse_session_measure_flops(double *flops, glimpse_session *session);

#ifdef __cplusplus
}
#endif
#endif
