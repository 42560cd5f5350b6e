/*
 * indexes.c - the FAISS indexes of the models, kept in step with the catalogue.
 *
 * A handle holds on to the index that it used last. When that is not what the catalogue says any
 * more, it looks for a later one among those shared with its siblings, and only then makes one: of
 * the latest there is by appending what came since (in place when nobody else holds it, else in a
 * copy), of the FAISS file when nothing is loaded, or from nothing when embeddings went. Meanwhile
 * siblings that need a new one wait, and find it; those that have what they need do not.
 */
#include "core/error.h"
#include "core/file.h"
#include "math/half.h"
#include "sqlite_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BATCH_ROWS = 1024 };

/* Of the vectors of one model, which there are up to two: of pictures, and of their parts. What
 * keeps them up to date is the same for both, and sees the numbers of its own in `model`. */
typedef struct index_of {
    glimpse_model_info model;
    int of_parts;
    char name[GLIMPSE_INDEX_NAME_BYTES];
} index_of;

static void name_index(char name[GLIMPSE_INDEX_NAME_BYTES], const char *fingerprint, int of_parts) {
    (void)snprintf(name, GLIMPSE_INDEX_NAME_BYTES, "%.32s%s", fingerprint,
                   of_parts ? "-parts" : "");
}

glimpse_model_info glimpse_indexes_parts_model(const glimpse_model_info *model) {
    glimpse_model_info parts = *model;
    parts.embedded = model->parts;
    parts.generation = model->parts_generation;
    parts.digest = model->parts_digest;
    return parts;
}

static index_of choose_index(const glimpse_model_info *model, int of_parts) {
    index_of index = {.model = of_parts ? glimpse_indexes_parts_model(model) : *model,
                      .of_parts = of_parts};
    name_index(index.name, model->fingerprint, of_parts);
    return index;
}

static int path_of(char **out, const glimpse_store *store, const char *index) {
    char name[64];
    (void)snprintf(name, sizeof name, "vectors-%s.faiss", index);
    *out = glimpse_path_join(store->path, name);
    return *out ? GLIMPSE_OK : glimpse_fail_nomem(sizeof name, "a path");
}

int glimpse_indexes_path(char **out, const glimpse_store *store, const char *fingerprint) {
    char name[GLIMPSE_INDEX_NAME_BYTES];
    name_index(name, fingerprint, 0);
    return path_of(out, store, name);
}

int glimpse_indexes_parts_path(char **out, const glimpse_store *store, const char *fingerprint) {
    char name[GLIMPSE_INDEX_NAME_BYTES];
    name_index(name, fingerprint, 1);
    return path_of(out, store, name);
}

void glimpse_indexes_drop(glimpse_store *store) {
    glimpse_sqlite_store *s = glimpse_sqlite(store);
    for (glimpse_held_vectors *held = s->held; held; held = held->next) {
        glimpse_vectors_release(held->vectors);
        held->vectors = NULL;
    }
    glimpse_vectors_shared_enter(s->shared);
    glimpse_vectors_shared_clear(s->shared);
    glimpse_vectors_shared_leave(s->shared);
}

static int find_held(glimpse_sqlite_store *s, const char *name, glimpse_held_vectors **out) {
    for (glimpse_held_vectors *held = s->held; held; held = held->next) {
        if (strcmp(held->name, name) == 0) {
            *out = held;
            return GLIMPSE_OK;
        }
    }
    glimpse_held_vectors *held = calloc(1, sizeof *held);
    if (!held) return glimpse_fail_nomem(sizeof *held, "a vector index");
    (void)snprintf(held->name, sizeof held->name, "%s", name);
    held->next = s->held;
    s->held = held;
    *out = held;
    return GLIMPSE_OK;
}

/* Appends the embeddings behind the last one that is in it. */
static int append(glimpse_vectors *vectors, glimpse_db *db, const index_of *index) {
    const glimpse_model_info *model = &index->model;
    sqlite3_stmt *row = NULL;
    size_t dim = model->dim, used = 0;
    uint64_t sums = 0;
    int64_t last_row = 0;
    float *rows = malloc(BATCH_ROWS * dim * sizeof *rows);
    int64_t *contents = malloc(BATCH_ROWS * sizeof *contents);
    int status = GLIMPSE_OK;
    if (!rows || !contents) {
        status = glimpse_fail_nomem(BATCH_ROWS * dim * sizeof *rows, "a batch of embeddings");
        goto done;
    }
    status = glimpse_db_query(db, &row,
                              "SELECT picture_id, vector, sum, id, part FROM embedding"
                              " WHERE model_id = ?1 AND id > ?2 AND (part <> 0) = ?3 ORDER BY id",
                              "iii", model->id, glimpse_vectors_last_row(vectors),
                              (int64_t)index->of_parts);
    while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0) {
        const uint8_t *bytes = NULL;
        const uint32_t part = (uint32_t)sqlite3_column_int64(row, 4);
        status = glimpse_embedding_read(db, row, 0, model->id, part, dim, &contents[used], &bytes);
        if (status < 0) break;
        if (index->of_parts) contents[used] = glimpse_part_key(contents[used], part);
        glimpse_f16_load(rows + used * dim, bytes, dim);
        sums ^= (uint64_t)sqlite3_column_int64(row, 2);
        last_row = sqlite3_column_int64(row, 3);
        if (++used == BATCH_ROWS) {
            status = glimpse_vectors_append(vectors, contents, rows, used, sums, last_row);
            used = 0;
            sums = 0;
        }
    }
    if (status == GLIMPSE_OK) {
        status = glimpse_vectors_append(vectors, contents, rows, used, sums, last_row);
    }
done:
    glimpse_db_reset(row);
    free(contents);
    free(rows);
    return status;
}

/* Brings *vectors (NULL: none yet; else nobody else's) up to date with the catalogue: appends what
 * came since, or starts again from nothing when that does not end at the catalogue's digest.
 * GLIMPSE_E_CORRUPT when the catalogue's own embeddings do not have the digest that it says. On
 * failure *vectors is NULL. */
static int catch_up(glimpse_vectors **vectors, glimpse_db *db, const index_of *index) {
    const glimpse_model_info *model = &index->model;
    int status = GLIMPSE_OK;
    /* What may be missing is at the end. When more embeddings are here than there, some went. */
    int fresh = !*vectors || glimpse_vectors_dim(*vectors) != model->dim;
    for (int attempt = 0; attempt < 2; attempt++) {
        if (fresh || attempt > 0) {
            glimpse_vectors_release(*vectors);
            *vectors = NULL;
            status = glimpse_vectors_create(vectors, model->dim);
        }
        if (status == GLIMPSE_OK) status = append(*vectors, db, index);
        if (status < 0) break;
        if (glimpse_vectors_current(*vectors, model)) {
            glimpse_vectors_set_generation(*vectors, model->generation);
            return GLIMPSE_OK;
        }
        if (fresh) break;
    }
    glimpse_vectors_release(*vectors);
    *vectors = NULL;
    if (status < 0) return status;
    return glimpse_db_damaged(db, "the embeddings of %smodel %s are not the %llu it should have",
                              index->of_parts ? "parts of pictures by " : "", model->fingerprint,
                              (unsigned long long)model->embedded);
}

/* What to begin with: the latest that is shared, to be changed. *out may be NULL. */
static int load_latest(glimpse_sqlite_store *s, glimpse_held_vectors *held,
                       const glimpse_model_info *model, glimpse_vectors **out) {
    glimpse_vectors *latest = glimpse_vectors_shared_get(s->shared, held->name);
    *out = NULL;
    if (held->vectors == latest) { /* what is left to hold on to is shared */
        glimpse_vectors_release(held->vectors);
        held->vectors = NULL;
    }
    /* A transaction that began before what is shared was written: its own, from nothing. */
    if (!latest || glimpse_vectors_generation(latest) > model->generation) return GLIMPSE_OK;
    if (glimpse_vectors_is_shared(latest)) return glimpse_vectors_copy(out, latest);
    *out = glimpse_vectors_shared_remove(s->shared, held->name);
    return GLIMPSE_OK;
}

/* *stale: the file is not what is in memory now. `path` NULL: do not look at the file. */
static int refresh(glimpse_store *store, const index_of *index, const char *path,
                   glimpse_held_vectors **out, int *stale) {
    const glimpse_model_info *model = &index->model;
    glimpse_sqlite_store *s = glimpse_sqlite(store);
    glimpse_held_vectors *held = NULL;
    glimpse_vectors *next = NULL;
    *stale = 0;
    int status = find_held(s, index->name, &held);
    if (status < 0) return status;
    *out = held;
    if (held->vectors && glimpse_vectors_current(held->vectors, model)) {
        glimpse_vectors_set_generation(held->vectors, model->generation);
        return GLIMPSE_OK;
    }
    glimpse_vectors_shared_enter(s->shared);
    glimpse_vectors *latest = glimpse_vectors_shared_get(s->shared, index->name);
    if (latest && glimpse_vectors_current(latest, model)) {
        next = glimpse_vectors_retain(latest); /* who made it has saved it */
    } else {
        status = load_latest(s, held, model, &next);
        if (status == GLIMPSE_OK && !next && path) {
            glimpse_vectors_state state;
            status =
                glimpse_vectors_load(&next, path, model->fingerprint, model->dim, &state, NULL, 0);
            /* One that cannot be read is as good as none: the catalogue has it all. */
            if (status < 0 && status != GLIMPSE_E_NOMEM) status = GLIMPSE_OK;
        }
        *stale = !next || !glimpse_vectors_current(next, model);
        if (status == GLIMPSE_OK && *stale) {
            status = catch_up(&next, s->db, index);
        } else if (status == GLIMPSE_OK) {
            glimpse_vectors_set_generation(next, model->generation);
        }
        if (status == GLIMPSE_OK) {
            glimpse_vectors_shared_insert(s->shared, index->name, next);
        }
    }
    glimpse_vectors_shared_leave(s->shared);
    glimpse_vectors_release(held->vectors);
    held->vectors = next;
    return status;
}

static int get(const glimpse_vectors **out, glimpse_store *store, const index_of *index) {
    char *path = NULL;
    glimpse_held_vectors *held = NULL;
    int stale = 0, lock = -1;
    *out = NULL;
    int status = path_of(&path, store, index->name);
    if (status == GLIMPSE_OK) status = refresh(store, index, path, &held, &stale);
    if (status < 0) goto done;
    /* A writer that is at work will save a newer one itself. */
    if (stale && !store->read_only && glimpse_sqlite(store)->lock < 0 &&
        glimpse_sqlite_is_in_place(store) &&
        glimpse_lock_acquire(&lock, store->path, "saving the vector index", 1) == GLIMPSE_OK) {
        if (glimpse_sqlite_is_in_place(store)) {
            (void)glimpse_vectors_save(held->vectors, path, index->model.fingerprint);
        }
        glimpse_lock_release(lock);
    }
    *out = held->vectors;
done:
    free(path);
    return status;
}

int glimpse_indexes_get(const glimpse_vectors **out, glimpse_store *store,
                        const glimpse_model_info *model) {
    const index_of index = choose_index(model, 0);
    return get(out, store, &index);
}

int glimpse_indexes_get_parts(const glimpse_vectors **out, glimpse_store *store,
                              const glimpse_model_info *model) {
    const index_of index = choose_index(model, 1);
    return get(out, store, &index);
}

int glimpse_indexes_update(glimpse_store *store, const char *fingerprint) {
    return glimpse_indexes_write(store, fingerprint, 0);
}

/* In a read. */
static int write_index(glimpse_store *store, const index_of *index, int anew) {
    char *path = NULL;
    glimpse_held_vectors *held = NULL;
    int stale = 0, current = 0;
    glimpse_vectors_state state;
    int status = path_of(&path, store, index->name);
    if (status < 0) return status;
    if (index->of_parts && index->model.embedded == 0) {
        (void)unlink(path); /* there are none, or none any more */
        goto done;
    }
    /* Nothing new: a look at the header is enough, nothing is loaded. */
    if (!anew && glimpse_vectors_peek(path, &index->model, &state, &current) == GLIMPSE_OK &&
        current) {
        goto done;
    }
    status = refresh(store, index, anew ? NULL : path, &held, &stale);
    /* The file is found by its name; the catalogue is open, whatever its name is now. */
    if (status == GLIMPSE_OK) status = glimpse_sqlite_check_place(store);
    if (status == GLIMPSE_OK) {
        status = glimpse_vectors_save(held->vectors, path, index->model.fingerprint);
    }
done:
    free(path);
    return status;
}

int glimpse_indexes_write(glimpse_store *store, const char *fingerprint, int anew) {
    glimpse_model_info model;
    int status = glimpse_sqlite_begin_read(store);
    if (status < 0) return status;
    status = glimpse_catalog_find_model(&model, store, fingerprint);
    if (status == GLIMPSE_OK && anew) glimpse_indexes_drop(store);
    for (int of_parts = 0; of_parts < 2 && status == GLIMPSE_OK; of_parts++) {
        const index_of index = choose_index(&model, of_parts);
        status = write_index(store, &index, anew);
    }
    glimpse_sqlite_end_read(store);
    return status;
}
