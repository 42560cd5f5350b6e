/*
 * session_nearest.c - which model was meant by a name that is none.
 */
#include "session_private.h"

#include "core/error.h"
#include "core/spelling.h"

#include <glimpse/catalog.h>
#include <glimpse/session_pull.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef struct nearest {
    const char *wanted;
    char *name; /* [SESSION_NAME_BYTES] */
    size_t distance;
} nearest;

static void consider(nearest *n, const char *name) {
    size_t distance;
    if (strlen(name) >= SESSION_NAME_BYTES) return;
    if (!glimpse_spelling_is_near(&distance, n->wanted, name) || distance >= n->distance) return;
    (void)snprintf(n->name, SESSION_NAME_BYTES, "%s", name);
    n->distance = distance;
}

static int consider_found(void *user, const char *name, const char *path, session_place place) {
    (void)path;
    (void)place;
    consider(user, name);
    return GLIMPSE_OK;
}

void glimpse_session_nearest_model(char name[SESSION_NAME_BYTES], glimpse_session *session,
                                   const char *wanted) {
    const glimpse_kept_error before = glimpse_error_keep();
    const glimpse_catalog *catalog = NULL;
    nearest n = {wanted, name, SIZE_MAX};
    name[0] = '\0';
    (void)glimpse_session_visit_models(session, consider_found, &n);
    if (glimpse_session_catalog(&catalog, session) == GLIMPSE_OK) {
        for (size_t i = 0; i < glimpse_catalog_count(catalog); i++)
            consider(&n, glimpse_catalog_get(catalog, i)->name);
    }
    glimpse_error_restore(&before);
}
