/*
 * loopback_hub.h - a hub that speaks Hugging Face's protocol, on 127.0.0.1, and the other host that
 * its large files are on (another port); with faults that a test orders.
 *
 *     loopback_hub *hub = loopback_hub_start();
 *     loopback_hub_add(hub, "org/model", "config.json", "{}", 2, 0);
 *     loopback_hub_add(hub, "org/model", "model.safetensors", data, size, LOOPBACK_LFS);
 *     loopback_hub_order(hub, &(loopback_fault){.path = "/resolve/", .times = 1, .status = 503});
 *     ... HF_ENDPOINT = loopback_hub_url(hub) ...
 *     loopback_hub_stop(hub);
 *
 * Small files are sent by the hub itself, behind a relative redirect (307); those with LOOPBACK_LFS
 * by the other host, behind an absolute one (302) that says their digest.
 */
#ifndef GLIMPSE_TESTS_LOOPBACK_HUB_H
#define GLIMPSE_TESTS_LOOPBACK_HUB_H

#include "support/server.h"

#include <stdint.h>

typedef struct loopback_hub loopback_hub;

#define LOOPBACK_COMMIT "0123456789abcdef0123456789abcdef01234567"

enum { LOOPBACK_LFS = 1 };

loopback_hub *loopback_hub_start(void);
void loopback_hub_stop(loopback_hub *hub);
const char *loopback_hub_url(const loopback_hub *hub);
/* Logs every request: server_count, server_get. */
test_server *loopback_hub_server(const loopback_hub *hub);
test_server *loopback_hub_other(const loopback_hub *hub);

/* A file at every revision, unless loopback_hub_add_at says at which; again: replaced. */
void loopback_hub_add(loopback_hub *hub, const char *repository, const char *path, const void *data,
                      size_t size, int flags);
void loopback_hub_add_at(loopback_hub *hub, const char *repository, const char *revision,
                         const char *path, const void *data, size_t size, int flags);
/* A file as it lies on disk. */
void loopback_hub_add_file(loopback_hub *hub, const char *repository, const char *path,
                           const char *file, int flags);
/* All files of a directory; weights are what large files are there. */
void loopback_hub_add_directory(loopback_hub *hub, const char *repository, const char *directory);
/* What is listed beside: an entry of the tree, as JSON. */
void loopback_hub_list(loopback_hub *hub, const char *entry);
void loopback_hub_set_commit(loopback_hub *hub, const char *commit);
/* "cardData" of the description, as JSON; NULL: none. And whether it is gated. */
void loopback_hub_set_card(loopback_hub *hub, const char *card, int gated);
/* With this, only requests that carry it are answered (others: 401 or 403 gated). */
void loopback_hub_set_token(loopback_hub *hub, const char *token);
/* Entries of the tree a page; 0: all on one. */
void loopback_hub_set_page(loopback_hub *hub, size_t entries);
/* Neither trees nor revisions, as simple mirrors are. */
void loopback_hub_set_simple(loopback_hub *hub, int simple);
/* Neither sizes nor digests in the description. */
void loopback_hub_hide_digests(loopback_hub *hub, int hidden);
/* Where the large files are: "" is on the hub itself. NULL: the other host. */
void loopback_hub_set_store(loopback_hub *hub, const char *url);

/* What goes wrong with a request whose path has `path` in it, `times` times; first ordered, first
 * used. Those behind a redirect are asked for at "/store/". */
typedef struct loopback_fault {
    const char *path;
    unsigned times;
    int status;          /* instead of an answer; 0: the answer, but: */
    int page;            /* with `status`: a page of HTML */
    const char *headers; /* further ones, each ended by \r\n */
    size_t cut;          /* the connection ends after so many bytes, */
    int hold;            /* or stays open and silent */
    int damage;          /* one byte of the body is another */
    int ignore_range;    /* all of it, with 200 */
    int shift;           /* another range than was asked for: so many bytes further */
    int pointer;         /* a git-lfs pointer in place of the file */
    int drop;            /* closed without a word */
} loopback_fault;
void loopback_hub_order(loopback_hub *hub, const loopback_fault *fault);
/* What was ordered and has not happened does not happen. */
void loopback_hub_forgive(loopback_hub *hub);

/* How many requests had `path` in their path and, with `header` not NULL, that header. */
size_t loopback_hub_asked(test_server *server, const char *path, const char *header);

#endif
