/*
 * listing.c - what a repository has at a revision.
 *
 * The commit and the licence are in one answer, the files with sizes and digests in another (the
 * tree), of one page or several. A hub that has no trees is asked for the files in the first.
 */
#include "hub.h"

#include "core/error.h"
#include "core/hex.h"
#include "text/json_load.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_ANSWER = 32 << 20, MAX_PAGES = 200, MAX_FILES = 100000 };

static int no_memory(void) {
    return glimpse_fail_nomem(1024, "a list of files");
}

/*
 * Files.
 */
void glimpse_hub_file_free(hub_file *file) {
    free(file->path);
    free(file->revision);
    free(file->url_revision);
    *file = (hub_file){0};
}

int glimpse_hub_file_copy(hub_file *out, const hub_file *from) {
    *out = *from;
    out->path = strdup(from->path);
    out->revision = strdup(from->revision);
    out->url_revision = strdup(from->url_revision);
    if (out->path && out->revision && out->url_revision) return GLIMPSE_OK;
    glimpse_hub_file_free(out);
    return no_memory();
}

void glimpse_hub_listing_free(hub_listing *listing) {
    for (size_t i = 0; i < listing->count; i++)
        glimpse_hub_file_free(&listing->files[i]);
    free(listing->files);
    free(listing->commit);
    free(listing->licence);
    free(listing->licence_page);
    *listing = (hub_listing){0};
}

const hub_file *glimpse_hub_listing_find(const hub_listing *listing, const char *path) {
    for (size_t i = 0; i < listing->count; i++)
        if (strcmp(listing->files[i].path, path) == 0) return &listing->files[i];
    return NULL;
}

/* `digits` lower-case hexadecimal digits into `to`; "" when it is anything else. */
static void copy_digest(char *to, const char *text, size_t digits) {
    to[0] = '\0';
    if (!text || strlen(text) != digits) return;
    for (size_t i = 0; i < digits; i++)
        if (glimpse_hex_digit(text[i]) < 0) return;
    for (size_t i = 0; i <= digits; i++)
        to[i] = text[i] >= 'A' && text[i] <= 'F' ? (char)(text[i] + 32) : text[i];
}

/* An entry of a tree, or of "siblings"; what is none of a file in the directory is passed over. */
static int add_entry(hub_listing *listing, const json_t *entry, const char *url_revision) {
    const char *path = json_string_value(json_object_get(entry, "path"));
    const char *type = json_string_value(json_object_get(entry, "type"));
    const char *oid = json_string_value(json_object_get(entry, "oid"));
    const json_t *size = json_object_get(entry, "size"), *lfs = json_object_get(entry, "lfs");
    if (!path) path = json_string_value(json_object_get(entry, "rfilename"));
    if (!oid) oid = json_string_value(json_object_get(entry, "blobId"));
    if (!path || !glimpse_hub_is_file_name(path) || (type && strcmp(type, "file") != 0))
        return GLIMPSE_OK;
    if (glimpse_hub_listing_find(listing, path)) return GLIMPSE_OK;
    if (listing->count >= MAX_FILES) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "more than %d files", MAX_FILES);
    }
    if (listing->count == listing->capacity) {
        size_t capacity = 2 * listing->capacity + 32;
        hub_file *grown = realloc(listing->files, capacity * sizeof *grown);
        if (!grown) return no_memory();
        listing->files = grown;
        listing->capacity = capacity;
    }
    hub_file *file = &listing->files[listing->count];
    *file = (hub_file){.path = strdup(path),
                       .revision = strdup(listing->commit),
                       .url_revision = strdup(url_revision)};
    if (!file->path || !file->revision || !file->url_revision) {
        glimpse_hub_file_free(file);
        return no_memory();
    }
    listing->count++;
    if (json_is_object(lfs)) {
        const char *digest = json_string_value(json_object_get(lfs, "oid"));
        if (!digest) digest = json_string_value(json_object_get(lfs, "sha256"));
        if (digest && strncmp(digest, "sha256:", 7) == 0) digest += 7;
        copy_digest(file->sha256, digest, 64);
        if (json_is_integer(json_object_get(lfs, "size"))) size = json_object_get(lfs, "size");
    } else {
        copy_digest(file->sha1, oid, 40);
    }
    copy_digest(file->digest, file->sha256, 64);
    if (!file->digest[0]) copy_digest(file->digest, file->sha1, 40);
    if (json_is_integer(size) && json_integer_value(size) >= 0) {
        file->bytes = (uint64_t)json_integer_value(size);
        file->bytes_known = 1;
    }
    return GLIMPSE_OK;
}

static int add_entries(hub_listing *listing, const json_t *entries, const char *url_revision) {
    int status = GLIMPSE_OK;
    size_t i;
    const json_t *entry;
    json_array_foreach(entries, i, entry) {
        if (status == GLIMPSE_OK) status = add_entry(listing, entry, url_revision);
    }
    return status;
}

/*
 * Asking.
 */
/* rel="next" of `Link: <URL>; rel="next"`, malloc'ed; NULL: it was the last page. */
static char *next_page(const hub_exchange *x) {
    char *line = glimpse_http_get_header(&x->get, "Link"), *url = NULL;
    for (const char *p = line; p && (p = strchr(p, '<')); p++) {
        const char *end = strchr(p, '>');
        if (!end) break;
        size_t rest = strcspn(end, ",");
        const char *rel = strstr(end, "rel=\"next\"");
        if (rel && rel < end + rest) url = strndup(p + 1, (size_t)(end - p - 1));
    }
    free(line);
    return url;
}

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
            if (next && *out) *next = next_page(&x);
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
            status = add_entries(listing, entries, revision);
        }
        json_decref(entries);
        free(url);
        url = next;
        if (url && url[0] == '/') {
            char *whole = glimpse_hub_format("%s%s", client->settings.endpoint, url);
            free(url);
            url = whole;
            if (!url) status = no_memory();
        }
        if (status == GLIMPSE_OK && url && !is_own(client, url)) {
            status = glimpse_fail(GLIMPSE_E_FORMAT,
                                  "%s: the next page of its list of files is elsewhere (%.200s)",
                                  repository, url);
        }
    }
    free(url);
    return status;
}

static int copy_text(char **out, const json_t *value) {
    const char *text = json_string_value(value);
    if (!text && json_is_array(value)) text = json_string_value(json_array_get(value, 0));
    *out = text && *text ? strndup(text, 200) : NULL;
    return text && *text && !*out ? no_memory() : GLIMPSE_OK;
}

/* "license" of its card; where that is "other", the name that the card gives. */
static int read_licence(hub_listing *listing, const json_t *info) {
    const json_t *card = json_object_get(info, "cardData");
    const json_t *licence = json_object_get(card, "license");
    const json_t *name = json_object_get(card, "license_name");
    const char *text = json_string_value(licence);
    if (json_is_string(name) && (!text || strcmp(text, "other") == 0)) licence = name;
    int status = copy_text(&listing->licence, licence);
    if (status == GLIMPSE_OK) {
        status = copy_text(&listing->licence_page, json_object_get(card, "license_link"));
    }
    return status;
}

static int read_info(hub_listing *listing, const json_t *info, const char *revision) {
    const char *sha = json_string_value(json_object_get(info, "sha"));
    const json_t *gated = json_object_get(info, "gated");
    if (sha && !glimpse_hub_is_commit(sha)) sha = NULL;
    listing->commit = strdup(sha ? sha : revision);
    if (!listing->commit) return no_memory();
    listing->gated = json_is_string(gated) || json_is_true(gated);
    if (json_is_true(json_object_get(info, "disabled"))) {
        return glimpse_fail(GLIMPSE_E_NOT_FOUND, "the hub has closed this model to everybody");
    }
    return read_licence(listing, info);
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
    if (status == GLIMPSE_OK) status = read_info(out, info, revision);
    if (status == GLIMPSE_OK) status = add_tree(&found, out, client, repository, out->commit);
    if (status == GLIMPSE_OK && !found && strcmp(out->commit, revision) != 0) {
        status = add_tree(&found, out, client, repository, revision);
    }
    if (status == GLIMPSE_OK && !found) {
        status = add_entries(out, json_object_get(info, "siblings"), out->commit);
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
    char *rev = glimpse_hub_escape(revision), *path = glimpse_hub_escape(file->path), *url = NULL;
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
