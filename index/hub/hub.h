/*
 * hub.h - models from a hub: what the files of index/hub share.
 *
 *     pull.c       the public calls: a plan, and carrying it out
 *     choose.c     which files of a listing are needed
 *     parts.c      what a model has besides: files of another repository, its configuration
 *     listing.c    asks what a repository has at a revision; listing_read.c reads the answers
 *     fetch.c      one file: resumed, checked
 *     judge.c      what an answer means: go on, wait and try again, or fail with what to do
 *     exchange.c   one request with its redirects
 *     settings.c   endpoint, token, offline: the environment
 *     place.c      where it goes: lock, parts of downloads, installing at once
 *     place_files.c  the files of that
 *     caches.c     what other programs downloaded; removing what is installed
 *     names.c      names of repositories, revisions and files
 *     catalog.c, catalog_choose.c  the table of models
 */
#ifndef GLIMPSE_HUB_HUB_H
#define GLIMPSE_HUB_HUB_H

#include "http/address.h"
#include "http/download.h"

#include <glimpse/pull.h>

#include <jansson.h>

/*
 * Names (names.c).
 */
/* ORG/NAME, of at most 96 bytes each. */
int glimpse_hub_is_repository(const char *text, size_t length);
/* A branch, a tag, refs/pr/N or a commit. */
int glimpse_hub_is_revision(const char *text);
int glimpse_hub_is_commit(const char *text); /* 40 hexadecimal digits */
/* A file right in a directory, whose name may come from outside. */
int glimpse_hub_is_file_name(const char *text);
/* The same, or one in the directory of the pictures' model (HUB_IMAGE) below it. */
int glimpse_hub_is_placed_name(const char *text);
/* malloc'ed, printf style; NULL when out of memory. */
char *glimpse_hub_format(const char *format, ...) GLIMPSE_PRINTF(1, 2);
/* malloc'ed, everything but letters, digits and -._~ as %XX. */
char *glimpse_hub_escape(const char *text);

/*
 * Settings (settings.c).
 */
char *glimpse_hub_expand(const char *path); /* ~/ and $NAME; malloc'ed */
typedef struct hub_settings {
    char *endpoint; /* without a slash at its end */
    glimpse_http_origin origin;
    char *token;       /* NULL: none */
    char *authorities; /* a file of certificates; NULL: the system's */
    int offline;
} hub_settings;
int glimpse_hub_settings_load(hub_settings *out, const glimpse_pull_options *options);
void glimpse_hub_settings_free(hub_settings *settings);

/*
 * One request (exchange.c).
 */
typedef struct hub_client {
    hub_settings settings;
    glimpse_http_client *http; /* NULL until the first request */
    glimpse_pull_options options;
    const char *repository, *revision; /* for messages */
    int has_connected;                 /* some server has answered */
    int token_is_withheld;             /* it would have gone in the clear */
} hub_client;

typedef struct hub_exchange {
    /* In. */
    const char *url;
    const char *lines[3]; /* further headers, NULL behind the last */
    size_t max_body;      /* of what is kept in `body`; 0: 64 KiB */
    /* Of an answer 200 or 206; without on_body it is kept like all others. Negative is a failure,
     * which ends it. */
    int (*on_head)(void *user, const struct hub_exchange *exchange);
    int (*on_body)(void *user, const void *data, size_t size);
    void *user;
    /* Out. */
    long status; /* 0: nobody answered */
    glimpse_http_end end;
    int failed;       /* what on_head or on_body returned */
    int is_cancelled; /* by the caller's callback */
    int is_elsewhere; /* the answer is another server's than the endpoint */
    char *body;       /* with a NUL behind its end */
    size_t body_size;
    char *etag, *linked_size; /* of the first answer that says X-Linked-Etag, or of the last */
    char host[300];           /* who answered */
    glimpse_http_get get;     /* the last request */
    /* Its own. */
    hub_client *client;
    size_t capacity;
    int no_memory, too_large;
} hub_exchange;

/* GLIMPSE_OK, and the answer is to be judged; or a failure of this side. */
int glimpse_hub_exchange_run(hub_client *client, hub_exchange *exchange);
void glimpse_hub_exchange_free(hub_exchange *exchange);

/*
 * What an answer means (judge.c).
 */
typedef struct hub_patience {
    unsigned failures, pauses; /* in a row */
} hub_patience;
/* 0: the answer is there whole (200, 206); 1: a pause was made, and it is to be asked again; a
 * failure. `what` is what was asked for: "its list of files", "model.safetensors". */
int glimpse_hub_judge(hub_client *client, const hub_exchange *exchange, hub_patience *patience,
                      const char *what);
/* Waits for `seconds` as scaled; GLIMPSE_E_CANCELLED. */
int glimpse_hub_pause(const hub_client *client, double seconds);
int glimpse_hub_check_cancelled(const hub_client *client);

/*
 * Listings (listing.c).
 */
typedef struct hub_file {
    char *path;         /* below the model's directory */
    char *name;         /* in its repository; NULL: as `path` */
    char *repository;   /* NULL: the model's own */
    char *content;      /* not NULL: it is not downloaded, this is in it */
    char *revision;     /* the commit */
    char *url_revision; /* what it is asked for by: the commit, or what was asked for */
    uint64_t bytes;
    int bytes_known;
    char sha256[65], sha1[41]; /* "" when not known; sha256 is set when it was read */
    char digest[65];           /* as it was listed, whichever it is: what its parts are called */
    int is_weights;
} hub_file;

typedef struct hub_listing {
    char *commit;
    char *licence; /* NULL: none */
    char *licence_page;
    int gated;
    hub_file *files;
    size_t count, capacity;
} hub_listing;

/* What `repository` has at `revision`, in its own directory: names that no file may have are left
 * out. */
int glimpse_hub_list(hub_listing *out, hub_client *client, const char *repository,
                     const char *revision);
const hub_file *glimpse_hub_listing_find(const hub_listing *listing, const char *path);
int glimpse_hub_file_copy(hub_file *out, const hub_file *from);
void glimpse_hub_file_free(hub_file *file);
void glimpse_hub_listing_free(hub_listing *listing);
/* listing_read.c: of its JSON the description (first), and the entries of a tree or "siblings". */
int glimpse_hub_listing_read_info(hub_listing *listing, const json_t *info, const char *revision);
int glimpse_hub_listing_add(hub_listing *listing, const json_t *entries, const char *url_revision);
/* The address with rel="next" in a header line "Link", malloc'ed; NULL: there is none. */
char *glimpse_hub_next_page(const char *line);
/* A small file whole. */
int glimpse_hub_read_file(char **out, size_t *size, hub_client *client, const char *repository,
                          const hub_file *file, size_t limit);
/* malloc'ed URL of a file. */
char *glimpse_hub_file_url(const hub_client *client, const char *repository, const hub_file *file,
                           const char *revision);

/* choose.c: the needed files into *files [*count], the weights last. `weights` may be the listing
 * of another revision. Where the repository has no configuration for its weights, one of those that
 * `configurations` (an object by file name, or NULL) has will do; *missing is the name of that. */
int glimpse_hub_choose(hub_file **files, size_t *count, const char **missing, hub_client *client,
                       const char *repository, const hub_listing *listing,
                       const hub_listing *weights, const json_t *configurations);
void glimpse_hub_files_free(hub_file *files, size_t count);

/*
 * What a model has besides the files of its repository (parts.c): as the table of models says.
 */
#define HUB_IMAGE "image"
/* Adds to *files [*count] what `parts` (a list, or NULL) takes from other repositories. */
int glimpse_hub_add_parts(hub_file **files, size_t *count, hub_client *client, const json_t *parts);
/* Adds the file `name` with the content `configuration`. */
int glimpse_hub_add_configuration(hub_file **files, size_t *count, const char *name,
                                  const json_t *configuration);
/* Members of an entry of the table; NULL: it has none. */
const json_t *glimpse_hub_entry_member(const glimpse_catalog *catalog,
                                       const glimpse_catalog_model *model, const char *key);

/*
 * Where it goes (place.c).
 */
typedef struct hub_place {
    char *models, *target; /* MODELS/ORG/NAME */
    char *work;            /* MODELS/.pull/ORG--NAME: parts, whole files, what is being installed */
    char *lock_path;
    int lock; /* -1: not held */
} hub_place;
int glimpse_hub_place_init(hub_place *out, const char *models, const char *repository);
void glimpse_hub_place_free(hub_place *place);
/* The record of what is installed; *record NULL when nothing is. */
int glimpse_hub_place_load_record(json_t **record, const hub_place *place);
/* Whether every file of the record is there in its size. */
int glimpse_hub_place_is_whole(const hub_place *place, const json_t *record);
/* Makes the directories and takes the lock; an installation that was interrupted is completed or
 * taken back. */
int glimpse_hub_place_lock(hub_place *place, const hub_file *files, size_t count);
/* The lock alone, of a model that is to be removed. */
int glimpse_hub_place_lock_alone(hub_place *place);
void glimpse_hub_place_unlock(hub_place *place);
/* malloc'ed: WORK/NAME of file i, with `ending` (".part"). Equal files have different names. */
char *glimpse_hub_place_staged(const hub_place *place, const hub_file *files, size_t i,
                               const char *ending);
/* Bytes of file i that are there already, as a part or whole. */
uint64_t glimpse_hub_place_have(const hub_place *place, const hub_file *files, size_t i);
/* Whether the older installation (record NULL: there is none) has a file of the same digest. */
int glimpse_hub_place_can_reuse(const hub_place *place, const json_t *record, const hub_file *file);
/* Where it has, that is linked instead of downloaded. */
void glimpse_hub_place_reuse(const hub_place *place, const json_t *record, const hub_file *files,
                             size_t count);
/* Removes from WORK what belongs to none of the files. */
void glimpse_hub_place_clean(const hub_place *place, const hub_file *files, size_t count);
uint64_t glimpse_hub_place_free_bytes(const hub_place *place);
/* All files are there, whole. `record` becomes the new one. */
int glimpse_hub_place_install(const hub_place *place, const json_t *record, const hub_file *files,
                              size_t count);

/* place_files.c */
#define HUB_RECORD "pulled.json"
void glimpse_hub_remove_tree(const char *path); /* follows no links */
int glimpse_hub_write_whole(const char *path, const char *text);

/*
 * One file (fetch.c).
 */
typedef struct hub_fetch {
    const char *repository;
    hub_file *file; /* sha256 is set at the end, and bytes where they were not known */
    const char *part, *whole;
    /* Non-zero stops: bytes of this file so far. */
    int (*progress)(void *user, uint64_t bytes);
    void *user;
} hub_fetch;
int glimpse_hub_fetch_run(hub_client *client, const hub_fetch *fetch);

#endif
