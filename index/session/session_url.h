/*
 * session_url.h - pictures on the web as queries.
 */
#ifndef GLIMPSE_INDEX_SESSION_URL_H
#define GLIMPSE_INDEX_SESSION_URL_H

#include "session_private.h"

#include <glimpse/query.h>

/* Files that were fetched for a query; each goes with glimpse_session_drop_fetched. */
typedef struct session_fetched {
    char *path, *url;
} session_fetched;

/* Fetches a picture into a file of its own; out->path is where. `network` 0: GLIMPSE_E_INVALID. */
int glimpse_session_fetch(session_fetched *out, const char *url, int network,
                          const session_control *control);
/* Puts files in the place of the addresses in a query: *out [glimpse_query_count(query)], freed by
 * glimpse_session_drop_all. */
int glimpse_session_fetch_all(session_fetched **out, glimpse_query *query, int network,
                              const session_control *control);
/* A failure about the file that was fetched is about its address: `status`, its message changed. */
int glimpse_session_name_url(int status, const session_fetched *fetched, size_t count);
void glimpse_session_drop_fetched(session_fetched *fetched);
void glimpse_session_drop_all(session_fetched *fetched, size_t count);

#endif
