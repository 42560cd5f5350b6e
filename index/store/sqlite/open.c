/*
 * open.c - opening a library's directory, and the transactions of a handle.
 */
#include "core/error.h"
#include "core/file.h"
#include "sqlite_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int create(const char *directory, const char *shown, const char *catalog) {
    int status = glimpse_lock_check_empty(directory, shown), lock = -1;
    if (status == GLIMPSE_OK) status = glimpse_make_directories(directory);
    if (status < 0) return status;
    status = glimpse_lock_acquire(&lock, directory, "creating", GLIMPSE_LOCK_TRIES);
    if (status < 0) return status;
    glimpse_lock_remove_temporaries(directory);
    if (access(catalog, F_OK) != 0) status = glimpse_catalog_create(catalog);
    glimpse_lock_release(lock);
    return status;
}

/* Of the file that was opened and not of one that has its name since: it is the same before and
 * after. */
static int remember_place(glimpse_sqlite_store *s, const struct stat *before) {
    s->device = before->st_dev;
    s->inode = before->st_ino;
    return glimpse_sqlite_check_place(&s->base);
}

static int open_catalog(glimpse_db **out, const char *catalog, unsigned flags) {
    const int read_only = (flags & GLIMPSE_LIBRARY_READ_ONLY) != 0;
    int status = glimpse_catalog_open(out, catalog, read_only);
    if (status != GLIMPSE_E_UNSUPPORTED || !read_only || !(flags & GLIMPSE_LIBRARY_UPGRADE))
        return status;
    /* Written by another version: an older one is that no longer when it was open for writing. */
    status = glimpse_catalog_open(out, catalog, 0);
    if (status < 0) return status;
    glimpse_db_close(*out);
    return glimpse_catalog_open(out, catalog, 1);
}

/* `path` absolute; `shared` NULL: nothing is shared yet. */
static int open_at(glimpse_store **out, const char *path, const char *shown, unsigned flags,
                   glimpse_vectors_shared *shared) {
    char *catalog = NULL;
    struct stat info;
    int status = GLIMPSE_OK;
    glimpse_sqlite_store *s = calloc(1, sizeof *s);
    if (!s) return glimpse_fail_nomem(sizeof *s, "a library");
    s->lock = -1;
    s->base.path = strdup(path);
    catalog = glimpse_path_join(path, "catalog.db");
    if (!catalog || !s->base.path) {
        status = glimpse_fail_nomem(strlen(path), "a path");
        goto done;
    }
    status = shared ? GLIMPSE_OK : glimpse_vectors_shared_create(&s->shared);
    if (status < 0) goto done;
    if (shared) s->shared = glimpse_vectors_shared_retain(shared);
    if (stat(path, &info) == 0 && !S_ISDIR(info.st_mode)) {
        status = glimpse_fail(GLIMPSE_E_INVALID, "%s: not a folder, so not a library", shown);
        goto done;
    }
    if (flags & GLIMPSE_LIBRARY_CREATE && access(catalog, F_OK) != 0) {
        status = create(path, shown, catalog);
        if (status < 0) goto done;
    }
    if (stat(catalog, &info) != 0) info = (struct stat){0};
    status = open_catalog(&s->db, catalog, flags);
    if (status == GLIMPSE_E_NOT_FOUND) {
        status = glimpse_fail(GLIMPSE_E_NOT_FOUND, "%s: there is no library here", shown);
    }
    if (status == GLIMPSE_OK) status = remember_place(s, &info);
    if (status < 0) goto done;
    s->base.read_only = (flags & GLIMPSE_LIBRARY_READ_ONLY) != 0 || glimpse_db_read_only(s->db);
    *out = &s->base;
    s = NULL;
done:
    free(catalog);
    if (s) glimpse_sqlite_close(&s->base);
    return status;
}

int glimpse_sqlite_open(glimpse_store **out, const char *path, unsigned flags) {
    char *absolute = NULL;
    int status = glimpse_path_absolute(&absolute, path);
    if (status == GLIMPSE_OK) status = open_at(out, absolute, path, flags, NULL);
    free(absolute);
    return status;
}

int glimpse_sqlite_open_sibling(glimpse_store **out, const glimpse_store *store) {
    const glimpse_sqlite_store *s = (const glimpse_sqlite_store *)(const void *)store;
    int status = open_at(out, store->path, store->path,
                         store->read_only ? GLIMPSE_LIBRARY_READ_ONLY : 0, s->shared);
    const glimpse_sqlite_store *made = (const glimpse_sqlite_store *)(const void *)*out;
    if (status < 0 || (made->device == s->device && made->inode == s->inode)) return status;
    glimpse_sqlite_close(*out);
    *out = NULL;
    return glimpse_fail(GLIMPSE_E_CORRUPT,
                        "%s: another library was put in the place of the one that was open; open "
                        "it again",
                        store->path);
}

void glimpse_sqlite_close(glimpse_store *store) {
    glimpse_sqlite_store *s = glimpse_sqlite(store);
    while (s->held) {
        glimpse_held_vectors *next = s->held->next;
        glimpse_vectors_release(s->held->vectors);
        free(s->held);
        s->held = next;
    }
    glimpse_vectors_shared_release(s->shared);
    glimpse_db_close(s->db);
    glimpse_lock_release(s->lock);
    free(store->path);
    free(s);
}

int glimpse_sqlite_begin(glimpse_store *store) {
    glimpse_db *db = glimpse_store_db(store);
    int status = glimpse_sqlite_check_place(store);
    if (status < 0) return status;
    glimpse_db_enter(db);
    status = glimpse_db_begin(db);
    glimpse_db_leave(db);
    return status;
}

int glimpse_sqlite_commit(glimpse_store *store) {
    glimpse_db *db = glimpse_store_db(store);
    int status = glimpse_sqlite_check_place(store);
    if (status < 0) return status;
    glimpse_db_enter(db);
    status = glimpse_db_commit(db);
    glimpse_db_leave(db);
    return status;
}

void glimpse_sqlite_rollback(glimpse_store *store) {
    glimpse_db *db = glimpse_store_db(store);
    glimpse_db_enter(db);
    glimpse_db_rollback(db);
    glimpse_db_leave(db);
}

int glimpse_sqlite_is_writing(const glimpse_store *store) {
    return glimpse_db_writing(glimpse_store_db(store));
}

int glimpse_sqlite_begin_read(glimpse_store *store) {
    glimpse_db *db = glimpse_store_db(store);
    glimpse_db_enter(db);
    int status = glimpse_db_begin_read(db);
    if (status < 0) glimpse_db_leave(db);
    return status;
}

void glimpse_sqlite_end_read(glimpse_store *store) {
    glimpse_db *db = glimpse_store_db(store);
    glimpse_db_end_read(db);
    glimpse_db_leave(db);
}

int glimpse_sqlite_damaged(glimpse_store *store, const char *what) {
    glimpse_db *db = glimpse_store_db(store);
    glimpse_db_enter(db);
    int status = glimpse_db_damaged(db, "%s", what);
    glimpse_db_leave(db);
    return status;
}
