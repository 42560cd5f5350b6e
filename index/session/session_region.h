/*
 * session_region.h - a part of a picture as a query.
 */
#ifndef GLIMPSE_INDEX_SESSION_REGION_H
#define GLIMPSE_INDEX_SESSION_REGION_H

#include "session_private.h"

#include <glimpse/session_search.h>

/* `embedding` [E] of that part of a file; failures are those of glimpse_session_similar. */
int glimpse_session_encode_region(float *embedding, glimpse_session *session, const char *path,
                                  const glimpse_find_region *region, glimpse_library *library);

#endif
