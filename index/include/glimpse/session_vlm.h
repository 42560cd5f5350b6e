/*
 * glimpse/session_vlm.h - the vision-language model (VLM) of a session, for calls that are not
 * there yet: which one it is, its prompts, and the model itself.
 *
 *     glimpse_vlm *vlm = NULL;
 *     if (glimpse_session_vlm(&vlm, NULL, session, NULL, "vqa") < 0) ...
 *     glimpse_vlm_ask(&answer, vlm, &request, NULL);           // glimpse/sys/vlm.h
 *
 * Threads: as the session.
 */
#ifndef GLIMPSE_SESSION_VLM_H
#define GLIMPSE_SESSION_VLM_H

#include <glimpse/session.h>
#include <glimpse/vlm_settings.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The spec of the model that `chosen` (NULL or "": nothing) and the defaults mean, directories as
 * paths; it lives as long as the session. `part` of the demo VLM, where nothing was chosen: "vqa",
 * "caption", "itm"; NULL: "vqa". GLIMPSE_E_NOT_FOUND when there is none. */
GLIMPSE_API int glimpse_session_vlm_spec(const char **spec, glimpse_session *session,
                                         const char *chosen, const char *part);
/* 1 when the model that is used where none is chosen is a remote one. */
GLIMPSE_API int glimpse_session_vlm_default_is_remote(glimpse_session *session);

/* The models that `settings` (NULL: all defaults) mean, borrowed from the session until it is
 * closed. `second` may be NULL; *second is NULL without a second tier. */
GLIMPSE_API int glimpse_session_vlm(glimpse_vlm **vlm, glimpse_vlm **second,
                                    glimpse_session *session, const glimpse_vlm_settings *settings,
                                    const char *part);

/* The prompt NAME ("ask", "caption-short") with `text` filled in (glimpse_vlm_fill), malloc'ed. */
GLIMPSE_API int glimpse_session_prompt(char **out, glimpse_session *session, const char *name,
                                       const char *text);

#ifdef __cplusplus
}
#endif
#endif
