/*
 * fetch.c - one file: goes on where it stopped, and is only whole when size and digest are those
 * that the hub lists.
 *
 * A part belongs to a digest (its name), and beside it is the ETag of the server that sent it: the
 * rest is asked for on condition that the server still has the same (If-Range). Where it has not,
 * or knows no ranges, it sends everything, and the part begins anew; where it sends another range,
 * everything is asked for. An answer that cannot be the file (a web page, another size) leaves the
 * part alone.
 */
#include "hub.h"

#include "core/download.h"
#include "core/error.h"
#include "core/file.h"
#include "core/sha.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_ETAG = 512, MAX_MISPLACED = 2 };

typedef struct part {
    hub_client *client;
    const hub_fetch *fetch;
    hub_file *file;
    char *etag_path;
    int fd;
    uint64_t have; /* bytes that are in the part and in the digests */
    uint64_t asked;
    uint64_t furthest; /* what `have` was at most in this run */
    glimpse_sha sha256, sha1;
    int is_resumed; /* some of it is from an earlier answer */
    int is_stopped; /* by progress */
    int is_new;     /* bytes came that no earlier answer of this run had */
    int is_misplaced;
    unsigned misplaced; /* answers with another range than was asked for */
} part;

static int open_file(const part *p) {
    return open(p->fetch->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
}

/* Digests of what was not read yet begin anew. */
static void begin_digests(part *p) {
    char head[64];
    int length = snprintf(head, sizeof head, "blob %llu", (unsigned long long)p->file->bytes);
    glimpse_sha_begin(&p->sha256, GLIMPSE_SHA256);
    glimpse_sha_begin(&p->sha1, GLIMPSE_SHA1);
    glimpse_sha_update(&p->sha1, head, (size_t)length + 1); /* with the NUL, as git has it */
    p->have = 0;
}

static void add_digests(part *p, const void *data, size_t size) {
    glimpse_sha_update(&p->sha256, data, size);
    /* Only of small files. */
    if (p->file->sha1[0]) glimpse_sha_update(&p->sha1, data, size);
    p->have += size;
}

static int restart(part *p) {
    struct stat info;
    begin_digests(p);
    p->is_resumed = 0;
    (void)unlink(p->etag_path);
    /* A link to an installed file, which is not ours to write. */
    if (fstat(p->fd, &info) == 0 && info.st_nlink > 1) {
        (void)close(p->fd);
        (void)unlink(p->fetch->part);
        p->fd = open_file(p);
        if (p->fd < 0) return glimpse_fail_errno("%s: cannot be made", p->fetch->part);
    }
    if (ftruncate(p->fd, 0) != 0 || lseek(p->fd, 0, SEEK_SET) != 0) {
        return glimpse_fail_errno("%s: cannot be written", p->fetch->part);
    }
    return GLIMPSE_OK;
}

static int report(part *p) {
    if (p->fetch->progress && p->fetch->progress(p->fetch->user, p->have)) p->is_stopped = 1;
    return p->is_stopped
               ? glimpse_fail(GLIMPSE_E_CANCELLED, "pulling %s was stopped", p->client->repository)
               : GLIMPSE_OK;
}

/* Reads what an earlier run left, `size` bytes of it. */
static int read_part(part *p, uint64_t size) {
    enum { PIECE = 1 << 20 };
    uint8_t *buffer = malloc(PIECE);
    int status = buffer ? GLIMPSE_OK : glimpse_fail_nomem(PIECE, "a file");
    begin_digests(p);
    while (status == GLIMPSE_OK && p->have < size) {
        ssize_t n = read(p->fd, buffer, size - p->have < PIECE ? size - p->have : PIECE);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) status = glimpse_fail_errno("%s: cannot be read", p->fetch->part);
        if (n <= 0) break;
        add_digests(p, buffer, (size_t)n);
        status = glimpse_hub_check_cancelled(p->client);
        if (status == GLIMPSE_OK) status = report(p);
    }
    free(buffer);
    p->is_resumed = p->have > 0;
    p->furthest = p->have;
    return status;
}

static int open_part(part *p) {
    struct stat info;
    p->fd = open_file(p);
    if (p->fd < 0 || fstat(p->fd, &info) != 0) {
        return glimpse_fail_errno("%s: cannot be made", p->fetch->part);
    }
    uint64_t size = (uint64_t)info.st_size;
    /* Of what is neither named by a digest nor of one commit, an earlier part may be another's. */
    const int is_certain = p->file->digest[0] || glimpse_hub_is_commit(p->file->revision);
    if (!is_certain || !p->file->bytes_known || size > p->file->bytes) return restart(p);
    return read_part(p, size);
}

/*
 * Asking for the rest.
 */
/* A page to log in, say, which comes with 200 in place of any file. */
static int is_page(const hub_exchange *x, const char *path) {
    char *type = glimpse_http_get_header(&x->get, "Content-Type");
    const size_t length = strlen(path);
    const int page = type && strncasecmp(type, "text/html", 9) == 0 &&
                     !(length > 5 && strcmp(path + length - 5, ".html") == 0);
    free(type);
    return page;
}

/* "bytes FROM-TO/ALL", or "*" for all. */
static int read_range(unsigned long long *from, unsigned long long *all, const char *text) {
    char *end = NULL;
    if (!text || strncmp(text, "bytes ", 6) != 0) return 0;
    *from = strtoull(text + 6, &end, 10);
    if (end == text + 6 || *end != '-') return 0;
    const char *slash = strchr(end, '/');
    *all = slash ? strtoull(slash + 1, NULL, 10) : 0;
    return 1;
}

static int on_head(void *user, const hub_exchange *x) {
    part *p = user;
    char *etag = glimpse_http_get_header(&x->get, "ETag");
    char *length = glimpse_http_get_header(&x->get, "Content-Length");
    char *range = glimpse_http_get_header(&x->get, "Content-Range");
    unsigned long long from = 0, all = 0;
    int status = GLIMPSE_OK;
    if (is_page(x, p->file->path)) {
        status = glimpse_fail(GLIMPSE_E_FORMAT,
                              "%s sends a web page instead of %s: is there a page to log in "
                              "between? Pull again then, what came is kept",
                              x->host, p->file->path);
    } else if (x->status == 206 &&
               (!read_range(&from, &all, range) || from != p->asked || from == 0)) {
        p->is_misplaced = 1;
        status = glimpse_fail(GLIMPSE_E_FORMAT,
                              "%s sends another part of %s (%.60s) than was "
                              "asked for",
                              x->host, p->file->path, range ? range : "which is not said");
    }
    if (x->status == 200 && length) all = strtoull(length, NULL, 10);
    if (status == GLIMPSE_OK && !p->file->bytes_known && all > 0) {
        p->file->bytes = all;
        p->file->bytes_known = 1;
        begin_digests(p);
    }
    if (status == GLIMPSE_OK && all > 0 && all != p->file->bytes) {
        status = glimpse_fail(GLIMPSE_E_FORMAT,
                              "%s: %s lists it with %llu bytes, and %s has %llu; pull again later, "
                              "and when that does not help, the hub or mirror is at fault",
                              p->file->path, p->client->settings.endpoint,
                              (unsigned long long)p->file->bytes, x->host, all);
    }
    if (status == GLIMPSE_OK && x->status == 200 && p->have > 0) {
        status = restart(p); /* it knows no ranges, or has another file now */
    }
    if (status == GLIMPSE_OK && etag && etag[0] == '"' && strlen(etag) < MAX_ETAG) {
        glimpse_kept_error before = glimpse_error_keep();
        if (glimpse_hub_write_whole(p->etag_path, etag) < 0) glimpse_error_restore(&before);
    }
    free(etag);
    free(length);
    free(range);
    return status;
}

static int write_all(part *p, const uint8_t *data, size_t size) {
    while (size > 0) {
        ssize_t n = write(p->fd, data, size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            char text[GLIMPSE_ADVICE_BYTES];
            int error = errno;
            return glimpse_fail(GLIMPSE_E_IO, "%s: cannot be written: %s%s; what came is kept",
                                p->fetch->part, strerror(error),
                                glimpse_errno_advice(text, sizeof text, error));
        }
        add_digests(p, data, (size_t)n);
        data += n;
        size -= (size_t)n;
    }
    return GLIMPSE_OK;
}

static int on_body(void *user, const void *data, size_t size) {
    part *p = user;
    if (p->file->bytes_known && size > p->file->bytes - p->have) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s is longer than the %llu bytes that are listed",
                            p->file->path, (unsigned long long)p->file->bytes);
    }
    int status = write_all(p, data, size);
    if (p->have > p->furthest) {
        p->furthest = p->have;
        p->is_new = 1;
    }
    return status == GLIMPSE_OK ? report(p) : status;
}

/* The lines of a request that goes on; empty for one from the beginning. */
static int make_lines(char *lines[2], const part *p) {
    lines[0] = lines[1] = NULL;
    if (p->have == 0) return GLIMPSE_OK;
    void *etag = NULL;
    size_t size = 0;
    glimpse_kept_error before = glimpse_error_keep();
    lines[0] = glimpse_hub_format("Range: bytes=%llu-", (unsigned long long)p->have);
    if (!lines[0]) return glimpse_fail_nomem(64, "a request");
    if (glimpse_file_read(&etag, &size, p->etag_path, MAX_ETAG) < 0) {
        glimpse_error_restore(&before);
    } else if (size > 2 && strspn(etag, "\"") == 1 && strcspn(etag, "\r\n") == size) {
        lines[1] = glimpse_hub_format("If-Range: %s", (const char *)etag);
    }
    free(etag);
    return GLIMPSE_OK;
}

/* What the hub says beside the address, where its list did not say it. */
static void add_metadata(part *p, const hub_exchange *x) {
    const char *etag = x->etag;
    if (!etag || p->file->sha256[0] || p->file->sha1[0]) return;
    if (strncmp(etag, "W/", 2) == 0) etag += 2;
    size_t length = strlen(etag);
    if (length < 2 || etag[0] != '"' || etag[length - 1] != '"') return;
    char *digits = strndup(etag + 1, length - 2);
    if (digits && strlen(digits) == 64 && strspn(digits, "0123456789abcdef") == 64) {
        memcpy(p->file->sha256, digits, 65);
    }
    free(digits);
}

/* The rest is asked for once more; a server that goes on sending another part of the file is asked
 * for all of it. */
static int forgive_misplaced(part *p, hub_exchange *x) {
    const char *said = glimpse_last_error();
    const size_t host = strlen(x->host);
    if (strncmp(said, x->host, host) == 0) said += host + (said[host] == ' ');
    (void)snprintf(x->get.error, sizeof x->get.error, "%.*s", (int)sizeof x->get.error - 1, said);
    x->end = GLIMPSE_HTTP_BROKEN;
    return ++p->misplaced < MAX_MISPLACED ? GLIMPSE_OK : restart(p);
}

/* A server that ends early without having said how much there is. */
static void check_end(const part *p, hub_exchange *x) {
    if (x->end != GLIMPSE_HTTP_DONE || x->status >= 300 || !p->file->bytes_known ||
        p->have >= p->file->bytes) {
        return;
    }
    x->end = GLIMPSE_HTTP_BROKEN;
    (void)snprintf(x->get.error, sizeof x->get.error, "it ended at %llu of %llu bytes",
                   (unsigned long long)p->have, (unsigned long long)p->file->bytes);
}

/* 0: it is all there; 1: ask again; or a failure. */
static int ask(part *p, const char *url, hub_patience *patience) {
    char *lines[2];
    int status = make_lines(lines, p);
    hub_exchange x = {.url = url,
                      .lines = {lines[0], lines[1], NULL},
                      .on_head = on_head,
                      .on_body = on_body,
                      .user = p};
    p->asked = p->have;
    p->is_new = p->is_misplaced = 0;
    glimpse_kept_error before = glimpse_error_keep();
    if (status == GLIMPSE_OK) status = glimpse_hub_exchange_run(p->client, &x);
    if (status < 0 && p->is_misplaced) {
        status = forgive_misplaced(p, &x);
        if (status == GLIMPSE_OK) glimpse_error_restore(&before);
    }
    if (status == GLIMPSE_OK) {
        add_metadata(p, &x);
        if (p->is_new) *patience = (hub_patience){0};
        if (x.status == 416 && p->have > 0) {
            status = restart(p); /* there is no such part: all of it, then */
        }
        check_end(p, &x);
        if (status == GLIMPSE_OK)
            status = glimpse_hub_judge(p->client, &x, patience, p->file->path);
    }
    if (p->have > 0) p->is_resumed |= status != 0;
    glimpse_hub_exchange_free(&x);
    free(lines[0]);
    free(lines[1]);
    return status;
}

static int download(part *p, const char *url) {
    hub_patience patience = {0};
    int status = 1;
    if (p->file->bytes_known && p->have == p->file->bytes && p->have > 0) return GLIMPSE_OK;
    while (status == 1)
        status = ask(p, url, &patience);
    return status;
}

/*
 * Whether it is right.
 */
/* Of a file whose digest nobody says: whether it begins as what comes in place of files. */
static int is_something_else(const part *p) {
    char head[512];
    glimpse_kept_error before = glimpse_error_keep();
    const ssize_t size = pread(p->fd, head, sizeof head, 0);
    if (size <= 0 || glimpse_download_check(p->file->path, head, (size_t)size) >= 0) return 0;
    glimpse_error_restore(&before);
    return 1;
}

/* 1: it is; 0: it is not, `why` says what came. */
static int is_right(part *p, char *why, size_t size) {
    char sha256[GLIMPSE_SHA_HEX], sha1[GLIMPSE_SHA_HEX];
    glimpse_sha_finish(&p->sha256, sha256);
    glimpse_sha_finish(&p->sha1, sha1);
    if (p->file->sha256[0] && strcmp(p->file->sha256, sha256) != 0) {
        (void)snprintf(why, size, "its SHA-256 is %s and should be %s", sha256, p->file->sha256);
        return 0;
    }
    if (!p->file->sha256[0] && p->file->sha1[0] && strcmp(p->file->sha1, sha1) != 0) {
        (void)snprintf(why, size, "its SHA-1 (git) is %.40s and should be %s", sha1, p->file->sha1);
        return 0;
    }
    if (!p->file->sha256[0] && !p->file->sha1[0] && is_something_else(p)) {
        (void)snprintf(why, size, "it is a web page or a git-lfs pointer and not the file");
        return 0;
    }
    memcpy(p->file->sha256, sha256, sizeof p->file->sha256);
    p->file->bytes = p->have;
    p->file->bytes_known = 1;
    return 1;
}

static int fetch_checked(part *p, const char *url) {
    char why[256];
    int status = download(p, url);
    if (status < 0) return status;
    if (is_right(p, why, sizeof why)) return GLIMPSE_OK;
    if (p->is_resumed) { /* what was left of an earlier run may be damaged */
        status = restart(p);
        if (status == GLIMPSE_OK) status = download(p, url);
        if (status < 0) return status;
        if (is_right(p, why, sizeof why)) return GLIMPSE_OK;
    }
    (void)unlink(p->fetch->part);
    (void)unlink(p->etag_path);
    return glimpse_fail(GLIMPSE_E_FORMAT,
                        "%s of %s came damaged: %s. It was thrown away and nothing is installed; "
                        "pull again, and when that does not help, the hub or mirror is at fault",
                        p->file->path, p->client->repository, why);
}

/* Whole and on disk, under its name. */
static int finish(part *p) {
    if (fsync(p->fd) != 0 && errno != EINVAL) {
        return glimpse_fail_errno("%s: cannot be written", p->fetch->part);
    }
    if (rename(p->fetch->part, p->fetch->whole) != 0) {
        return glimpse_fail_errno("%s: cannot be renamed", p->fetch->part);
    }
    (void)unlink(p->etag_path);
    return GLIMPSE_OK;
}

/* Only files are gone on with: no link is followed, and a pipe would never end. */
static void remove_others(const char *path) {
    struct stat info;
    if (lstat(path, &info) == 0 && !S_ISREG(info.st_mode)) glimpse_hub_remove_tree(path);
}

int glimpse_hub_fetch_run(hub_client *client, const hub_fetch *fetch) {
    hub_file *file = fetch->file;
    part p = {.client = client, .fetch = fetch, .file = file, .fd = -1};
    char *url = glimpse_hub_file_url(client, fetch->repository, file, file->url_revision);
    p.etag_path = glimpse_hub_format("%s.etag", fetch->part);
    int status = url && p.etag_path ? GLIMPSE_OK : glimpse_fail_nomem(1024, "a path");
    /* What was whole before is looked at again: it may have waited for a while. */
    if (status == GLIMPSE_OK) {
        remove_others(fetch->part);
        remove_others(fetch->whole);
        (void)rename(fetch->whole, fetch->part);
    }
    if (status == GLIMPSE_OK) status = open_part(&p);
    if (status == GLIMPSE_OK) status = fetch_checked(&p, url);
    if (status == GLIMPSE_OK) status = finish(&p);
    if (p.fd >= 0) (void)close(p.fd);
    free(p.etag_path);
    free(url);
    return status;
}
