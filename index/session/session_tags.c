/*
 * session_tags.c - tags and albums of the library of a session.
 */
#include "session_private.h"

#include "core/error.h"

#include <glimpse/tags.h>

typedef int (*collect_fn)(glimpse_collect_report *report, glimpse_library *library,
                          glimpse_collection_kind kind, const char *const *names, size_t count,
                          const glimpse_collect_options *options);

static int change(collect_fn collect, glimpse_collect_report *report, glimpse_session *session,
                  glimpse_collection_kind kind, const char *const *names, size_t count,
                  const glimpse_collect_options *options) {
    session_lease lease;
    int status = glimpse_session_acquire_library(&lease, session, SESSION_WRITE, NULL);
    if (status == GLIMPSE_OK) {
        status = collect(report, lease.library, kind, names, count, options);
    }
    glimpse_session_release_library(&lease);
    return status;
}

int glimpse_session_collect(glimpse_collect_report *report, glimpse_session *session,
                            glimpse_collection_kind kind, const char *const *names, size_t count,
                            const glimpse_collect_options *options) {
    if (!session) return glimpse_fail_null(__func__);
    return change(glimpse_library_collect, report, session, kind, names, count, options);
}

int glimpse_session_uncollect(glimpse_collect_report *report, glimpse_session *session,
                              glimpse_collection_kind kind, const char *const *names, size_t count,
                              const glimpse_collect_options *options) {
    if (!session) return glimpse_fail_null(__func__);
    return change(glimpse_library_uncollect, report, session, kind, names, count, options);
}

int glimpse_session_collections(glimpse_session *session, glimpse_collection_kind kind,
                                glimpse_collection_fn visit, void *user) {
    session_lease lease;
    if (!session || !visit) return glimpse_fail_null(__func__);
    int status = glimpse_session_acquire_library(&lease, session, SESSION_READ, NULL);
    if (status == GLIMPSE_OK)
        status = glimpse_library_collections(lease.library, kind, visit, user);
    glimpse_session_release_library(&lease);
    return status;
}

int glimpse_session_collections_of(glimpse_session *session, glimpse_collection_kind kind,
                                   const char *path_or_id, glimpse_collection_name_fn visit,
                                   void *user) {
    session_lease lease;
    if (!session || !path_or_id || !visit) return glimpse_fail_null(__func__);
    int status = glimpse_session_acquire_library(&lease, session, SESSION_READ, NULL);
    if (status == GLIMPSE_OK) {
        status = glimpse_library_collections_of(lease.library, kind, path_or_id, visit, user);
    }
    glimpse_session_release_library(&lease);
    return status;
}

int glimpse_session_create_album(glimpse_session *session, const char *name) {
    session_lease lease;
    if (!session) return glimpse_fail_null(__func__);
    int status = glimpse_session_acquire_library(&lease, session, SESSION_WRITE, NULL);
    if (status == GLIMPSE_OK) status = glimpse_library_create_album(lease.library, name);
    glimpse_session_release_library(&lease);
    return status;
}

int glimpse_session_rename_collection(uint64_t *renamed, glimpse_session *session,
                                      glimpse_collection_kind kind, const char *from,
                                      const char *to) {
    session_lease lease;
    if (!session) return glimpse_fail_null(__func__);
    int status = glimpse_session_acquire_library(&lease, session, SESSION_WRITE, NULL);
    if (status == GLIMPSE_OK) {
        status = glimpse_library_rename_collection(renamed, lease.library, kind, from, to);
    }
    glimpse_session_release_library(&lease);
    return status;
}

int glimpse_session_delete_collection(glimpse_session *session, glimpse_collection_kind kind,
                                      const char *name) {
    session_lease lease;
    if (!session) return glimpse_fail_null(__func__);
    int status = glimpse_session_acquire_library(&lease, session, SESSION_WRITE, NULL);
    if (status == GLIMPSE_OK) {
        status = glimpse_library_delete_collection(lease.library, kind, name);
    }
    glimpse_session_release_library(&lease);
    return status;
}
