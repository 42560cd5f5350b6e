/*
 * loopback_hub.c - a hub on 127.0.0.1.
 */
#include "support/loopback_hub.h"

#include "support/test.h"

#include "core/sha.h"

#include <ctype.h>
#include <dirent.h>
#include <pthread.h>

enum { MAX_HUB_FILES = 64, MAX_FAULTS = 32 };

typedef struct hub_entry {
    char *repository, *revision, *path; /* revision NULL: at all */
    uint8_t *data;
    size_t size;
    int flags;
    char sha256[GLIMPSE_SHA_HEX], sha1[GLIMPSE_SHA_HEX];
} hub_entry;

struct loopback_hub {
    test_server *server, *other;
    pthread_mutex_t mutex; /* two servers: of what follows */
    hub_entry files[MAX_HUB_FILES];
    size_t count;
    loopback_fault faults[MAX_FAULTS];
    size_t fault_count;
    char *listed, *card, *token, *store, *commit;
    int gated, simple, hides_digests;
    size_t page;
};

static void lock(loopback_hub *hub) {
    (void)pthread_mutex_lock(&hub->mutex);
}

static void unlock(loopback_hub *hub) {
    (void)pthread_mutex_unlock(&hub->mutex);
}

/*
 * Answers.
 */
static char *copy_of(const char *text) {
    char *copy = strdup(text);
    if (!copy) abort();
    return copy;
}

static void add_header(server_reply *reply, const char *name, const char *value) {
    size_t used = strlen(reply->headers);
    (void)snprintf(reply->headers + used, sizeof reply->headers - used, "%s: %s\r\n", name, value);
}

static void refuse(server_reply *reply, int status, const char *code, const char *message) {
    server_reply_with(reply, status, copy_of("{\"error\":\"no\"}"));
    if (code) add_header(reply, "X-Error-Code", code);
    if (message) add_header(reply, "X-Error-Message", message);
}

static void decode(char *text) {
    char *to = text;
    for (const char *p = text; *p; p++) {
        unsigned value;
        if (*p == '%' && sscanf(p + 1, "%2x", &value) == 1) {
            *to++ = (char)value;
            p += 2;
        } else {
            *to++ = *p;
        }
    }
    *to = '\0';
}

static const hub_entry *find(const loopback_hub *hub, const char *repository, const char *revision,
                             const char *path) {
    for (size_t i = 0; i < hub->count; i++) {
        const hub_entry *f = &hub->files[i];
        if (strcmp(f->repository, repository) != 0) continue;
        if (f->revision && strcmp(f->revision, revision) != 0) continue;
        if (!path || strcmp(f->path, path) == 0) return f;
    }
    return NULL;
}

/* A file or the part of it that was asked for. */
static void send_file(const hub_entry *f, const server_request *r, const loopback_fault *fault,
                      server_reply *reply) {
    const int ignore_range = fault && fault->ignore_range;
    if (fault && fault->pointer) {
        server_reply_with(reply, 200,
                          copy_of("version https://git-lfs.github.com/spec/v1\n"
                                  "oid sha256:0\nsize 300000\n"));
        return;
    }
    char range[80], condition[128], etag[80];
    unsigned long long from = 0;
    (void)snprintf(etag, sizeof etag, "\"s-%.20s\"", f->sha256);
    int wanted = server_header(r, "Range", range, sizeof range) &&
                 sscanf(range, "bytes=%llu-", &from) == 1 && !ignore_range;
    if (server_header(r, "If-Range", condition, sizeof condition) && strcmp(condition, etag) != 0) {
        wanted = 0;
    }
    add_header(reply, "ETag", etag);
    if (!wanted) from = 0;
    if (wanted && fault) from += (unsigned long long)fault->shift;
    if (wanted && from >= f->size) {
        refuse(reply, 416, NULL, NULL);
        return;
    }
    if (wanted) {
        (void)snprintf(range, sizeof range, "bytes %llu-%zu/%zu", from, f->size - 1, f->size);
        add_header(reply, "Content-Range", range);
    }
    reply->status = wanted ? 206 : 200;
    reply->size = f->size - (size_t)from;
    reply->body = malloc(reply->size + 1);
    memcpy(reply->body, f->data + from, reply->size);
    reply->body[reply->size] = '\0';
}

static json_t *entry_of(const hub_entry *f) {
    if (f->flags & LOOPBACK_LFS) {
        return json_pack("{s:s, s:s, s:I, s:s, s:{s:s, s:I, s:i}, s:s}", "type", "file", "path",
                         f->path, "size", (json_int_t)f->size, "oid", f->sha1, "lfs", "oid",
                         f->sha256, "size", (json_int_t)f->size, "pointerSize", 135, "xetHash",
                         f->sha256);
    }
    return json_pack("{s:s, s:s, s:I, s:s}", "type", "file", "path", f->path, "size",
                     (json_int_t)f->size, "oid", f->sha1);
}

static void send_json(server_reply *reply, json_t *value) {
    char *text = json_dumps(value, JSON_COMPACT);
    json_decref(value);
    if (!text) abort();
    server_reply_with(reply, 200, text);
}

static void send_tree(const loopback_hub *hub, const char *repository, const char *revision,
                      size_t first, server_reply *reply) {
    json_t *all = json_array(), *page = json_array();
    json_array_append_new(all, json_pack("{s:s, s:s, s:i, s:s}", "type", "directory", "path",
                                         "onnx", "size", 0, "oid", "00"));
    if (hub->listed) json_array_append_new(all, json_loads(hub->listed, 0, NULL));
    for (size_t i = 0; i < hub->count; i++) {
        const hub_entry *f = &hub->files[i];
        if (strcmp(f->repository, repository) == 0 &&
            (!f->revision || strcmp(f->revision, revision) == 0)) {
            json_array_append_new(all, entry_of(f));
        }
    }
    size_t count = json_array_size(all), last = hub->page ? first + hub->page : count;
    for (size_t i = first; i < count && i < last; i++)
        json_array_append(page, json_array_get(all, i));
    if (last < count) {
        char link[400];
        (void)snprintf(link, sizeof link,
                       "<%s/api/models/%s/tree/%s?recursive=1&cursor=%zu>; rel=\"next\"",
                       server_url(hub->server), repository, revision, last);
        add_header(reply, "Link", link);
    }
    json_decref(all);
    send_json(reply, page);
}

static void send_info(const loopback_hub *hub, const char *repository, int blobs,
                      server_reply *reply) {
    json_t *info = json_pack("{s:s, s:s, s:b, s:b, s:[]}", "id", repository, "sha", hub->commit,
                             "private", 0, "gated", hub->gated, "siblings");
    json_t *siblings = json_object_get(info, "siblings");
    for (size_t i = 0; i < hub->count; i++) {
        const hub_entry *f = &hub->files[i];
        if (strcmp(f->repository, repository) != 0 || f->revision) continue;
        json_t *entry = json_pack("{s:s}", "rfilename", f->path);
        if (blobs) {
            json_object_set_new(entry, "size", json_integer((json_int_t)f->size));
            json_object_set_new(entry, "blobId", json_string(f->sha1));
        }
        if (blobs && (f->flags & LOOPBACK_LFS)) {
            json_object_set_new(
                entry, "lfs",
                json_pack("{s:s, s:I}", "sha256", f->sha256, "size", (json_int_t)f->size));
        }
        json_array_append_new(siblings, entry);
    }
    if (hub->card) json_object_set_new(info, "cardData", json_loads(hub->card, 0, NULL));
    send_json(reply, info);
}

/* /ORG/NAME/resolve/REV/PATH: a redirect to where the bytes are. */
static void resolve(const loopback_hub *hub, const hub_entry *f, const char *revision,
                    server_reply *reply) {
    char url[512], size[32], etag[80];
    (void)snprintf(size, sizeof size, "%zu", f->size);
    add_header(reply, "X-Repo-Commit", hub->commit);
    if (f->flags & LOOPBACK_LFS) {
        const char *base = hub->store ? hub->store : server_url(hub->other);
        (void)snprintf(url, sizeof url, "%s/store/%s/%s/%s?signature=abc", base, f->repository,
                       revision, f->path);
        (void)snprintf(etag, sizeof etag, "\"%s\"", f->sha256);
        add_header(reply, "X-Linked-Etag", etag);
        add_header(reply, "X-Linked-Size", size);
        server_reply_with(reply, 302, copy_of("moved"));
    } else {
        (void)snprintf(url, sizeof url, "/api/resolve-cache/store/%s/%s/%s", f->repository,
                       revision, f->path);
        server_reply_with(reply, 307, copy_of("moved"));
    }
    add_header(reply, "Location", url);
}

static int may_read(const loopback_hub *hub, const server_request *r, server_reply *reply) {
    char header[300], wanted[300];
    if (!hub->token) return 1;
    int sent = server_header(r, "Authorization", header, sizeof header);
    (void)snprintf(wanted, sizeof wanted, "Bearer %s", hub->token);
    if (sent && strcmp(header, wanted) == 0) return 1;
    if (hub->gated) {
        refuse(reply, 403, "GatedRepo", "Access to model is restricted");
    } else if (sent) {
        refuse(reply, 401, NULL, "Invalid credentials in Authorization header");
    } else {
        refuse(reply, 401, "RepoNotFound", "Repository not found");
    }
    return 0;
}

/* Of "ORG/NAME/WORD/REV[/PATH]"; 0 when it is none. */
static int split(char *text, const char *word, char **repository, char **revision, char **path) {
    char *at = strstr(text, word);
    if (!at) return 0;
    *at = '\0';
    *repository = text;
    *revision = at + strlen(word);
    *path = strchr(*revision, '/');
    if (*path) *(*path)++ = '\0';
    decode(*revision);
    if (*path) decode(*path);
    return 1;
}

static const loopback_fault *next_fault(loopback_hub *hub, const char *path) {
    for (size_t i = 0; i < hub->fault_count; i++) {
        loopback_fault *f = &hub->faults[i];
        if (f->times == 0 || !strstr(path, f->path)) continue;
        f->times--;
        return f;
    }
    return NULL;
}

static void answer_api(loopback_hub *hub, char *path, int blobs, size_t cursor,
                       server_reply *reply) {
    char *repository, *revision, *rest;
    int tree = split(path, "/tree/", &repository, &revision, &rest);
    int info = !tree && split(path, "/revision/", &repository, &revision, &rest);
    if (!tree && !info) {
        repository = path;
        revision = copy_of("main");
    }
    if (!find(hub, repository, revision, NULL) && !find(hub, repository, "", NULL)) {
        int exists = 0;
        for (size_t i = 0; i < hub->count; i++)
            exists |= strcmp(hub->files[i].repository, repository) == 0;
        refuse(reply, 404, exists ? "RevisionNotFound" : "RepoNotFound", "not found");
    } else if (hub->simple && (tree || info)) {
        refuse(reply, 404, NULL, NULL);
    } else if (info && strcmp(revision, "nowhere") == 0) {
        refuse(reply, 404, "RevisionNotFound", "Invalid rev id: nowhere");
    } else if (tree) {
        send_tree(hub, repository, revision, cursor, reply);
    } else {
        send_info(hub, repository, blobs, reply);
        /* A commit is its own; a branch is at the commit of the hub. */
        if (info && strlen(revision) == 40) {
            json_t *body = json_loads(reply->body, 0, NULL);
            json_object_set_new(body, "sha", json_string(revision));
            free(reply->body);
            send_json(reply, body);
        }
    }
    if (!tree && !info) free(revision);
}

static void answer_locked(loopback_hub *hub, int is_other, const server_request *r,
                          server_reply *reply) {
    char *path = copy_of(r->path), *query = strchr(path, '?'), *repository, *revision, *name;
    const loopback_fault *fault = next_fault(hub, r->path);
    const char *cursor = query ? strstr(query, "cursor=") : NULL;
    const int blobs = query && strstr(query, "blobs=") && !hub->hides_digests;
    const size_t first = cursor ? strtoul(cursor + 7, NULL, 10) : 0;
    if (query) *query = '\0';
    if (fault && fault->headers) {
        (void)snprintf(reply->headers, sizeof reply->headers, "%s", fault->headers);
    }
    if (fault && fault->status) {
        server_reply_with(reply, fault->status,
                          copy_of(fault->page ? "<html>log in</html>" : "{\"error\":\"no\"}"));
        free(path);
        return;
    }
    char *store = strstr(path, "/store/");
    if (store) {
        const hub_entry *found = NULL;
        for (size_t i = 0; i < hub->count; i++) {
            char wanted[300];
            const hub_entry *f = &hub->files[i];
            (void)snprintf(wanted, sizeof wanted, "/%s", f->path);
            size_t length = strlen(store), tail = strlen(wanted);
            if (length > tail && strcmp(store + length - tail, wanted) == 0 &&
                strncmp(store + 7, f->repository, strlen(f->repository)) == 0 &&
                (!f->revision || strstr(store, f->revision)))
                found = f;
        }
        if (found)
            send_file(found, r, fault, reply);
        else
            refuse(reply, 404, NULL, NULL);
    } else if (is_other) {
        refuse(reply, 404, NULL, NULL);
    } else if (!may_read(hub, r, reply)) {
        ;
    } else if (strncmp(path, "/api/models/", 12) == 0) {
        answer_api(hub, path + 12, blobs, first, reply);
    } else if (split(path + 1, "/resolve/", &repository, &revision, &name) && name) {
        const hub_entry *f = find(hub, repository, revision, name);
        if (f && hub->simple)
            send_file(f, r, fault, reply);
        else if (f)
            resolve(hub, f, revision, reply);
        else
            refuse(reply, 404, "EntryNotFound", "Entry not found");
    } else {
        refuse(reply, 404, NULL, NULL);
    }
    if (fault) {
        reply->cut = fault->cut;
        reply->hold = fault->hold;
        reply->drop = fault->drop;
        if (fault->damage && reply->size > 0) reply->body[reply->size / 2] ^= 1;
    }
    free(path);
}

static void answer(void *context, const server_request *r, server_reply *reply) {
    loopback_hub *hub = context;
    lock(hub);
    answer_locked(hub, 0, r, reply);
    unlock(hub);
}

static void answer_other(void *context, const server_request *r, server_reply *reply) {
    loopback_hub *hub = context;
    lock(hub);
    answer_locked(hub, 1, r, reply);
    unlock(hub);
}

/*
 * What it has.
 */
loopback_hub *loopback_hub_start(void) {
    loopback_hub *hub = calloc(1, sizeof *hub);
    (void)pthread_mutex_init(&hub->mutex, NULL);
    hub->commit = copy_of(LOOPBACK_COMMIT);
    hub->server = server_start(answer, hub);
    hub->other = server_start(answer_other, hub);
    return hub;
}

void loopback_hub_stop(loopback_hub *hub) {
    server_stop(hub->server);
    server_stop(hub->other);
    for (size_t i = 0; i < hub->count; i++) {
        free(hub->files[i].repository);
        free(hub->files[i].revision);
        free(hub->files[i].path);
        free(hub->files[i].data);
    }
    free(hub->listed);
    free(hub->card);
    free(hub->token);
    free(hub->store);
    free(hub->commit);
    (void)pthread_mutex_destroy(&hub->mutex);
    free(hub);
}

const char *loopback_hub_url(const loopback_hub *hub) {
    return server_url(hub->server);
}

test_server *loopback_hub_server(const loopback_hub *hub) {
    return hub->server;
}

test_server *loopback_hub_other(const loopback_hub *hub) {
    return hub->other;
}

void loopback_hub_add_at(loopback_hub *hub, const char *repository, const char *revision,
                         const char *path, const void *data, size_t size, int flags) {
    char head[64];
    int length = snprintf(head, sizeof head, "blob %zu", size);
    lock(hub);
    hub_entry *f = NULL;
    for (size_t i = 0; i < hub->count && !f; i++) {
        hub_entry *other = &hub->files[i];
        if (strcmp(other->repository, repository) == 0 && strcmp(other->path, path) == 0 &&
            !other->revision == !revision && (!revision || strcmp(other->revision, revision) == 0))
            f = other;
    }
    if (f) {
        free(f->data);
    } else {
        assert_true(hub->count < MAX_HUB_FILES);
        f = &hub->files[hub->count++];
        f->repository = copy_of(repository);
        f->revision = revision ? copy_of(revision) : NULL;
        f->path = copy_of(path);
    }
    f->data = malloc(size + 1);
    memcpy(f->data, data, size);
    f->size = size;
    f->flags = flags;
    glimpse_sha sha;
    glimpse_sha_begin(&sha, GLIMPSE_SHA256);
    glimpse_sha_update(&sha, data, size);
    glimpse_sha_finish(&sha, f->sha256);
    glimpse_sha_begin(&sha, GLIMPSE_SHA1);
    glimpse_sha_update(&sha, head, (size_t)length + 1);
    glimpse_sha_update(&sha, data, size);
    glimpse_sha_finish(&sha, f->sha1);
    unlock(hub);
}

void loopback_hub_add(loopback_hub *hub, const char *repository, const char *path, const void *data,
                      size_t size, int flags) {
    loopback_hub_add_at(hub, repository, NULL, path, data, size, flags);
}

void loopback_hub_add_file(loopback_hub *hub, const char *repository, const char *path,
                           const char *file, int flags) {
    size_t size = 0;
    void *data = read_whole_file(file, &size);
    loopback_hub_add(hub, repository, path, data, size, flags);
    free(data);
}

static void set(loopback_hub *hub, char **to, const char *text) {
    lock(hub);
    free(*to);
    *to = text ? copy_of(text) : NULL;
    unlock(hub);
}

void loopback_hub_add_directory(loopback_hub *hub, const char *repository, const char *directory) {
    DIR *dir = opendir(directory);
    assert_non_null(dir);
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.') continue;
        int weights = strstr(entry->d_name, ".safetensors") != NULL;
        loopback_hub_add_file(hub, repository, entry->d_name, path_in(directory, entry->d_name),
                              weights ? LOOPBACK_LFS : 0);
    }
    (void)closedir(dir);
}

void loopback_hub_list(loopback_hub *hub, const char *entry) {
    set(hub, &hub->listed, entry);
}

void loopback_hub_set_commit(loopback_hub *hub, const char *commit) {
    set(hub, &hub->commit, commit);
}

void loopback_hub_set_card(loopback_hub *hub, const char *card, int gated) {
    set(hub, &hub->card, card);
    lock(hub);
    hub->gated = gated;
    unlock(hub);
}

void loopback_hub_set_token(loopback_hub *hub, const char *token) {
    set(hub, &hub->token, token);
}

void loopback_hub_set_page(loopback_hub *hub, size_t entries) {
    lock(hub);
    hub->page = entries;
    unlock(hub);
}

void loopback_hub_set_simple(loopback_hub *hub, int simple) {
    lock(hub);
    hub->simple = simple;
    unlock(hub);
}

void loopback_hub_hide_digests(loopback_hub *hub, int hidden) {
    lock(hub);
    hub->hides_digests = hidden;
    unlock(hub);
}

void loopback_hub_set_store(loopback_hub *hub, const char *url) {
    set(hub, &hub->store, url);
}

void loopback_hub_order(loopback_hub *hub, const loopback_fault *fault) {
    lock(hub);
    assert_true(hub->fault_count < MAX_FAULTS);
    hub->faults[hub->fault_count++] = *fault;
    unlock(hub);
}

void loopback_hub_forgive(loopback_hub *hub) {
    lock(hub);
    hub->fault_count = 0;
    unlock(hub);
}

size_t loopback_hub_asked(test_server *server, const char *path, const char *header) {
    size_t count = 0;
    char value[300];
    for (size_t i = 0; i < server_count(server); i++) {
        const server_request *r = server_get(server, i);
        if (!strstr(r->path, path)) continue;
        count += !header || server_header(r, header, value, sizeof value);
    }
    return count;
}
