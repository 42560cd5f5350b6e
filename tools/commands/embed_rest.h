/*
 * embed_rest.h - embedding what a model does not cover yet, and saying so before.
 */
#ifndef GLIMPSE_TOOLS_EMBED_REST_H
#define GLIMPSE_TOOLS_EMBED_REST_H

#include "session.h"

#define OPTION_EMBED(embed) \
 CLI_FLAG("embed", 0, &(embed), "first embed what the model (or each of A+B) does not cover yet")

/* Embeds, for the session's model or each of several, what the library has of none of its
 * embeddings: CLI_RUN, or an exit code after saying why (130 when it was stopped). */
int embed_rest(session *s);

/* Says what indexing will do when the library has embeddings of other models and this one does not
 * cover all of it. `roots`: 1 when directories were given. */
void embed_rest_announce(session *s, int roots);

#endif
