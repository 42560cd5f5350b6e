/*
 * listing.c - asks what a repository has at a revision.
 *
 * The commit and the licence are in one answer, the files with sizes and digests in another (the
 * tree), of one page or several. A hub that has no trees is asked for the files in the first.
 */
#include "hub.h"

#include "core/error.h"
#include "http/redirect.h"
#include "text/json_load.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_ANSWER = 32 << 20, MAX_PAGES = 200 };

static int no_memory(void) {
    return glimpse_fail_nomem(1024, "a list of files");
}

/*
 * Asking.
 */
/* The JSON at `url`. With `optional` a hub that has not got it is no failure: *out is NULL. */
static int ask_json(json_t **out, char **next, hub_client *client, const char *url,
                    const char *what, int optional) {
    hub_patience patience = {0};
    *out = NULL;
    if (next) *next = NULL;
    for (;;) {
        hub_exchange x = {.url = url, .max_body = MAX_ANSWER};
        int status = glimpse_hub_exchange_run(client, &x), judged = 1;
        if (status == GLIMPSE_OK && optional && x.end == GLIMPSE_HTTP_DONE && x.status == 404) {
            glimpse_hub_exchange_free(&x);
            return GLIMPSE_OK;
        }
        if (status == GLIMPSE_OK) judged = glimpse_hub_judge(client, &x, &patience, what);
        if (status == GLIMPSE_OK && judged < 0) status = judged;
        if (status == GLIMPSE_OK && judged == 0) {
            json_error_t error;
            *out = glimpse_json_load(x.body ? x.body : "", x.body_size, 0, &error);
            if (!*out && glimpse_json_is_nomem(&error)) {
                status = no_memory();
            } else if (!*out) {
                status = glimpse_fail(GLIMPSE_E_FORMAT,
                                      "%s answers a request for %s of %s with what is no JSON: is "
                                      "HF_ENDPOINT the address of a hub, or is there a page to log "
                                      "in between?",
                                      x.host, what, client->repository);
            }
            if (next && *out) {
                char *line = glimpse_http_get_header(&x.get, "Link");
                *next = line ? glimpse_hub_next_page(line) : NULL;
                free(line);
            }
        }
        glimpse_hub_exchange_free(&x);
        if (status < 0 || judged == 0) return status;
    }
}

static int ask_format(json_t **out, hub_client *client, const char *what, int optional, char *url) {
    int status = url ? ask_json(out, NULL, client, url, what, optional) : no_memory();
    free(url);
    return status;
}

/* Nobody outside the hub's own host lists its files. */
static int is_own(const hub_client *client, const char *url) {
    glimpse_http_origin origin;
    return glimpse_http_read_origin(&origin, url) &&
           glimpse_http_same_origin(&origin, &client->settings.origin);
}

/* *found 0: the hub has no tree there. */
static int add_tree(int *found, hub_listing *listing, hub_client *client, const char *repository,
                    const char *revision) {
    char *escaped = glimpse_hub_escape(revision), *url = NULL;
    if (escaped) {
        url = glimpse_hub_format("%s/api/models/%s/tree/%s?recursive=1", client->settings.endpoint,
                                 repository, escaped);
    }
    free(escaped);
    int status = url ? GLIMPSE_OK : no_memory();
    *found = 0;
    for (int page = 0; status == GLIMPSE_OK && url; page++) {
        json_t *entries = NULL;
        char *next = NULL;
        if (page == MAX_PAGES) {
            status = glimpse_fail(GLIMPSE_E_LIMIT, "%s: its list of files has no end", repository);
            break;
        }
        status = ask_json(&entries, &next, client, url, "list of files", page == 0);
        if (status == GLIMPSE_OK && entries && !json_is_array(entries)) {
            status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: its list of files is none", repository);
        }
        if (status == GLIMPSE_OK && entries) {
            *found = 1;
            status = glimpse_hub_listing_add(listing, entries, revision);
        }
        json_decref(entries);
        char *whole = next ? glimpse_http_resolve(url, next) : NULL;
        if (next && !whole && status == GLIMPSE_OK) status = no_memory();
        free(next);
        free(url);
        url = whole;
        if (status == GLIMPSE_OK && url && !is_own(client, url)) {
            status = glimpse_fail(GLIMPSE_E_FORMAT,
                                  "%s: the next page of its list of files is elsewhere (%.200s)",
                                  repository, url);
        }
    }
    free(url);
    return status;
}

int glimpse_hub_list(hub_listing *out, hub_client *client, const char *repository,
                     const char *revision) {
    json_t *info = NULL;
    char *escaped = glimpse_hub_escape(revision);
    const char *base = client->settings.endpoint;
    int found = 0;
    *out = (hub_listing){0};
    if (!escaped) return no_memory();
    /* Hubs that know no revisions have the newest under the plain name. */
    const int is_main = strcmp(revision, "main") == 0;
    int status = ask_format(
        &info, client, "description", is_main,
        glimpse_hub_format("%s/api/models/%s/revision/%s?blobs=1", base, repository, escaped));
    if (status == GLIMPSE_OK && !info) {
        status = ask_format(&info, client, "description", 0,
                            glimpse_hub_format("%s/api/models/%s?blobs=1", base, repository));
    }
    if (status == GLIMPSE_OK) status = glimpse_hub_listing_read_info(out, info, revision);
    if (status == GLIMPSE_OK) status = add_tree(&found, out, client, repository, out->commit);
    if (status == GLIMPSE_OK && !found && strcmp(out->commit, revision) != 0) {
        status = add_tree(&found, out, client, repository, revision);
    }
    if (status == GLIMPSE_OK && !found) {
        status = glimpse_hub_listing_add(out, json_object_get(info, "siblings"), out->commit);
    }
    if (status < 0) glimpse_hub_listing_free(out);
    json_decref(info);
    free(escaped);
    return status;
}

/*
 * A small file.
 */
char *glimpse_hub_file_url(const hub_client *client, const char *repository, const hub_file *file,
                           const char *revision) {
    char *rev = glimpse_hub_escape(revision), *url = NULL;
    char *path = glimpse_hub_escape(file->name ? file->name : file->path);
    if (rev && path) {
        url = glimpse_hub_format("%s/%s/resolve/%s/%s", client->settings.endpoint, repository, rev,
                                 path);
    }
    free(rev);
    free(path);
    return url;
}

int glimpse_hub_read_file(char **out, size_t *size, hub_client *client, const char *repository,
                          const hub_file *file, size_t limit) {
    hub_patience patience = {0};
    char *url = glimpse_hub_file_url(client, repository, file, file->url_revision);
    int status = url ? GLIMPSE_OK : no_memory(), judged = 1;
    *out = NULL;
    *size = 0;
    while (status == GLIMPSE_OK && judged > 0) {
        hub_exchange x = {.url = url, .max_body = limit};
        status = glimpse_hub_exchange_run(client, &x);
        if (status == GLIMPSE_OK) judged = glimpse_hub_judge(client, &x, &patience, file->path);
        if (judged < 0) status = judged;
        if (status == GLIMPSE_OK && judged == 0) {
            *out = x.body ? x.body : strdup("");
            *size = x.body_size;
            x.body = NULL;
        }
        glimpse_hub_exchange_free(&x);
    }
    free(url);
    return status;
}
