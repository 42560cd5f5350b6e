/*
 * session_list.c - the pictures of the library of a session without a query.
 */
#include "session_private.h"

#include "core/error.h"

#include <glimpse/listing.h>

int glimpse_session_list(glimpse_session *session, const glimpse_list_options *options,
                         glimpse_listed_fn visit, void *user) {
    session_lease lease;
    if (!session || !visit) return glimpse_fail_null(__func__);
    int status = glimpse_session_acquire_library(&lease, session, SESSION_READ, NULL);
    if (status == GLIMPSE_OK) status = glimpse_library_list(lease.library, options, visit, user);
    glimpse_session_release_library(&lease);
    return status;
}
