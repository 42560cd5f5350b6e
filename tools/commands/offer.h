/*
 * offer.h - what a command does where nobody chose a model.
 */
#ifndef GLIMPSE_TOOLS_OFFER_H
#define GLIMPSE_TOOLS_OFFER_H

#include "session.h"

/* After session_begin(). On a terminal it offers to pull the model that is recommended, or to go on
 * with the demo model; the session is then opened anew with the answer. Elsewhere, with --quiet,
 * and where a model was chosen, it does nothing: the session notes that it uses the demo model.
 * `indexes`: the command embeds pictures, so that a library can go over to another model. Returns
 * CLI_RUN or an exit code. */
int offer_model(session *s, int indexes);

/* The progress of a pull, on a terminal; and whether it is to stop, which is asked when nothing
 * comes, too, so that the line says so. */
int offer_show_progress(void *user, const glimpse_pull_progress *progress);
int offer_is_cancelled(void *user);

#endif
