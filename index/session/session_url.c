/*
 * session_url.c - pictures on the web as queries.
 *
 * A picture becomes a file in the directory for temporary ones, so that everything that goes for
 * pictures on the disk goes for it too.
 */
#include "session_url.h"

#include "core/error.h"
#include "http/fetch.h"
#include "query_terms.h"

#include <glimpse/messages.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_MIB = 256 };

static FILE *make_file(session_fetched *out) {
    static const char name[] = "glimpse-query-XXXXXX";
    const char *directory = getenv("TMPDIR");
    if (!directory || !*directory) directory = "/tmp";
    const size_t size = strlen(directory) + sizeof name + 1;
    out->path = malloc(size);
    if (!out->path) {
        (void)glimpse_fail_nomem(size, "a path");
        return NULL;
    }
    (void)snprintf(out->path, size, "%s/%s", directory, name);
    const int fd = mkstemp(out->path);
    FILE *to = fd >= 0 ? fdopen(fd, "wb") : NULL;
    if (!to) {
        (void)glimpse_fail(GLIMPSE_E_IO, "%s: cannot make a temporary file: %s (TMPDIR says where)",
                           directory, strerror(errno));
        if (fd >= 0) {
            (void)close(fd);
            (void)unlink(out->path);
        }
        free(out->path);
        out->path = NULL;
    }
    return to;
}

int glimpse_session_fetch(session_fetched *out, const char *url, int network,
                          const session_control *control) {
    const glimpse_http_fetch fetch = {.url = url,
                                      .max_bytes = (size_t)MAX_MIB << 20,
                                      .who_needs = "a picture on the web needs",
                                      .cancelled = control->cancelled,
                                      .user = control->user};
    *out = (session_fetched){0};
    if (!network) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "%.200s is an address on the web, and nothing is fetched unless asked "
                            "for: %s; as words to look for it goes in quotes",
                            url, glimpse_wording("glimpse_find_options.network", NULL));
    }
    FILE *to = make_file(out);
    if (!to) return GLIMPSE_E_IO;
    out->url = strdup(url);
    int status = out->url ? glimpse_http_fetch_file(to, &fetch) : glimpse_fail_nomem(64, "a name");
    (void)fclose(to);
    if (status < 0) glimpse_session_drop_fetched(out);
    return status;
}

int glimpse_session_fetch_all(session_fetched **out, glimpse_query *query, int network,
                              const session_control *control) {
    const size_t count = glimpse_query_count(query);
    int status = GLIMPSE_OK;
    *out = calloc(count, sizeof **out);
    if (!*out) return glimpse_fail_nomem(count * sizeof **out, "a query");
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        if (!glimpse_query_get(query, i)->is_url) continue;
        status =
            glimpse_session_fetch(&(*out)[i], glimpse_query_get(query, i)->body, network, control);
        if (status == GLIMPSE_OK) status = glimpse_query_set_file(query, i, (*out)[i].path);
    }
    if (status == GLIMPSE_OK) return status;
    glimpse_session_drop_all(*out, count);
    *out = NULL;
    return status;
}

int glimpse_session_name_url(int status, const session_fetched *fetched, size_t count) {
    for (size_t i = 0; fetched && status < 0 && i < count; i++) {
        const char *message = glimpse_last_error(), *path = fetched[i].path;
        if (!path || strncmp(message, path, strlen(path)) != 0) continue;
        char *rest = strdup(message + strlen(path));
        if (!rest) return glimpse_fail_nomem(strlen(message), "a message");
        status = glimpse_fail(status, "%s%s", fetched[i].url, rest);
        free(rest);
        return status;
    }
    return status;
}

void glimpse_session_drop_fetched(session_fetched *fetched) {
    if (fetched->path) (void)unlink(fetched->path);
    free(fetched->path);
    free(fetched->url);
    *fetched = (session_fetched){0};
}

void glimpse_session_drop_all(session_fetched *fetched, size_t count) {
    for (size_t i = 0; fetched && i < count; i++)
        glimpse_session_drop_fetched(&fetched[i]);
    free(fetched);
}
