/*
 * libraries.h - a small world for the tests of libraries: one in a temporary directory,
 * and beside it, in plain arrays, what should be in it. Answers are compared with a search that
 * looks at everything.
 */
#ifndef GLIMPSE_TESTS_LIBRARIES_H
#define GLIMPSE_TESTS_LIBRARIES_H

#include "support/test.h"

#include "library_private.h"
#include "search_private.h"
#include "sqlite_store.h"

enum { WORLD_DIM = 64 };

typedef struct world_content {
    int64_t id;
    glimpse_hash hash;
    uint64_t size;
    char taken[20];
    float vector[WORLD_DIM]; /* as stored: f16 values */
} world_content;

typedef struct world_file {
    char path[1024];
    int64_t mtime_ns;
    int missing;
    size_t content; /* index; SIZE_MAX: quarantined */
} world_file;

typedef struct world {
    char *directory; /* temporary, everything is below it */
    char library_path[512], pictures[512];
    glimpse_library *library;
    glimpse_model_key key;
    int64_t model;
    world_content *contents;
    world_file *files;
    size_t content_count, file_count;
    uint64_t random;
} world;

extern const glimpse_model_key world_key, world_other_key;

/* An open, empty library with the model and the root `pictures`; world_close removes it all. */
void world_open(world *w, uint64_t seed);
void world_close(world *w);
void world_reopen(world *w, unsigned flags);
/* Makes the open catalogue one of an earlier schema version (2 or later), by undoing the steps that
 * came after it; what they had kept is lost. Every new step needs an entry there. */
void world_rewind(world *w, int version);

uint64_t world_random(world *w);            /* 64 bits */
size_t world_below(world *w, size_t end);   /* 0 <= result < end */
void world_vector(world *w, float *vector); /* [WORLD_DIM], not of unit length */

/* Adds a content with an embedding (`vector` NULL: a random one); returns its index. */
size_t world_add_content(world *w, const float *vector, const char *taken);
/* Adds a file below `pictures`, `name` relative; `content` SIZE_MAX quarantines it. `on_disk`: also
 * creates it there. Returns its index. */
size_t world_add_file(world *w, const char *name, size_t content, int64_t mtime_ns, int on_disk);
/* Marks files as missing, in the catalogue and here, by a scan that does not see them. */
void world_lose_files(world *w, const size_t *indexes, size_t count);
/* contents + files in a few directories, with dates, duplicates, missing and quarantined files */
void world_populate(world *w, size_t contents);

/* Compares a search with one that looks at everything; prints what differs and fails. */
void world_check_search(world *w, const float *query, const glimpse_search_options *options);
/* A checksum over ids, scores and paths of some fixed queries: "the same answers". */
glimpse_hash world_answers(world *w, size_t queries);

/* What verify says; the problems' texts end up in `text` (cut). */
int world_verify(world *w, char *text, size_t size);
char *world_vectors_path(world *w, const glimpse_model_key *key); /* malloc'ed */
/* Writes `bytes` over a file at `offset` (-1: behind its end). */
void world_overwrite(const char *path, long offset, const void *bytes, size_t size);

#endif
