/*
 * session_list.c - the pictures of the library of a session without a query.
 */
#include "session_private.h"

#include "core/error.h"
#include "core/options.h"

#include <glimpse/listing.h>

static int note_places(glimpse_session *session, glimpse_library *library,
                       const glimpse_list_options *given) {
    glimpse_list_options own = GLIMPSE_LIST_OPTIONS_INIT;
    glimpse_search_options filter = GLIMPSE_SEARCH_OPTIONS_INIT;
    int status = GLIMPSE_OPTIONS_LOAD(&own, given, glimpse_list_options, limit);
    if (status == GLIMPSE_OK) {
        status = GLIMPSE_OPTIONS_LOAD(&filter, own.filter, glimpse_search_options, exclude_id);
    }
    if (status < 0) return status;
    return glimpse_session_note_within(session, library, filter.within, filter.within_count);
}

int glimpse_session_list(glimpse_session *session, const glimpse_list_options *options,
                         glimpse_listed_fn visit, void *user) {
    session_lease lease;
    if (!session || !visit) return glimpse_fail_null(__func__);
    int status = glimpse_session_acquire_library(&lease, session, SESSION_READ, NULL);
    if (status == GLIMPSE_OK && options) status = note_places(session, lease.library, options);
    if (status == GLIMPSE_OK) status = glimpse_library_list(lease.library, options, visit, user);
    glimpse_session_release_library(&lease);
    return status;
}
