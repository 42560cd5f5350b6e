/*
 * listing_read.c - what the answers say of a repository: nothing in them is believed before it was
 * looked at.
 */
#include "hub.h"

#include "core/error.h"
#include "core/hex.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_FILES = 100000 };

static int no_memory(void) {
    return glimpse_fail_nomem(1024, "a list of files");
}

/*
 * Files.
 */
void glimpse_hub_file_free(hub_file *file) {
    free(file->path);
    free(file->name);
    free(file->repository);
    free(file->content);
    free(file->revision);
    free(file->url_revision);
    *file = (hub_file){0};
}

int glimpse_hub_file_copy(hub_file *out, const hub_file *from) {
    *out = *from;
    out->path = strdup(from->path);
    out->revision = strdup(from->revision);
    out->url_revision = strdup(from->url_revision);
    out->name = from->name ? strdup(from->name) : NULL;
    out->repository = from->repository ? strdup(from->repository) : NULL;
    out->content = from->content ? strdup(from->content) : NULL;
    if (out->path && out->revision && out->url_revision && !out->name == !from->name &&
        !out->repository == !from->repository && !out->content == !from->content)
        return GLIMPSE_OK;
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

int glimpse_hub_listing_add(hub_listing *listing, const json_t *entries, const char *url_revision) {
    int status = GLIMPSE_OK;
    size_t i;
    const json_t *entry;
    json_array_foreach(entries, i, entry) {
        if (status == GLIMPSE_OK) status = add_entry(listing, entry, url_revision);
    }
    return status;
}

/*
 * Pages.
 */
char *glimpse_hub_next_page(const char *line) {
    for (const char *p = line; (p = strchr(p, '<')); p++) {
        const char *end = strchr(p, '>');
        if (!end) break;
        const char *rel = strstr(end, "rel=\"next\"");
        if (rel && rel < end + strcspn(end, ",")) return strndup(p + 1, (size_t)(end - p - 1));
    }
    return NULL;
}

/*
 * The description.
 */
/* Nothing that a hub says commands the terminal of whoever prints it: no control characters, those
 * of ASCII and U+0080 to U+009F. */
static void remove_controls(char *text) {
    for (unsigned char *p = (unsigned char *)text; *p; p++) {
        if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0) p[0] = p[1] = '?';
        if (p[0] < ' ' || p[0] == 127) p[0] = '?';
    }
}

/* Of UTF-8 at most `limit` bytes, and no part of a character. */
static size_t length_within(const char *text, size_t limit) {
    size_t length = strnlen(text, limit + 1);
    if (length <= limit) return length;
    length = limit;
    while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
        length--;
    return length;
}

static int copy_text(char **out, const json_t *value) {
    enum { MAX_BYTES = 200 };
    const char *text = json_string_value(value);
    *out = NULL;
    if (!text && json_is_array(value)) text = json_string_value(json_array_get(value, 0));
    if (!text || !*text) return GLIMPSE_OK;
    *out = strndup(text, length_within(text, MAX_BYTES));
    if (!*out) return no_memory();
    remove_controls(*out);
    return GLIMPSE_OK;
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

int glimpse_hub_listing_read_info(hub_listing *listing, const json_t *info, const char *revision) {
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
