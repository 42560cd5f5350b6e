/*
 * library.c - opening a library, the writers' lock, and its vector indexes.
 *
 * The lock is flock() on the file `lock`: it goes with the process, whatever way that ends, and
 * works between machines on file systems that have locks at all. Who holds it writes its process id
 * and purpose into the file, for the message of whoever comes second. Readers take no lock: SQLite
 * gives them a consistent state. A reader that rebuilt a vector index borrows the lock to save it,
 * for a moment; a writer therefore waits a little before it gives up.
 */
#include "catalog_private.h"
#include "core/error.h"
#include "core/file.h"
#include "file_paths.h"
#include "store_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LOCK_TRIES = 100, LOCK_WAIT_MS = 20 }; /* two seconds */

typedef struct loaded {
    char fingerprint[33];
    glimpse_vectors *vectors;
    struct loaded *next;
} loaded;

struct glimpse_library {
    char *path;
    glimpse_catalog *catalog;
    int read_only;
    int lock; /* file descriptor while held, else -1 */
    loaded *indexes;
};

/* Removes what killed writers left: "catalog.db.tmp-..." and "vectors-....tmp-...". Only with the
 * lock held, so nobody is using one. */
static void remove_temporaries(const char *folder) {
    DIR *dir = opendir(folder);
    if (!dir) return;
    for (struct dirent *entry; (entry = readdir(dir));) {
        const char *name = entry->d_name;
        if (!strstr(name, ".tmp-")) continue;
        if (strncmp(name, "catalog.db.", 11) != 0 && strncmp(name, "vectors-", 8) != 0) continue;
        (void)unlinkat(dirfd(dir), name, 0);
    }
    (void)closedir(dir);
}

static int busy(const char *folder, int fd) {
    char owner[128];
    ssize_t got = pread(fd, owner, sizeof owner - 1, 0);
    owner[got > 0 ? got : 0] = '\0';
    owner[strcspn(owner, "\n")] = '\0';
    if (owner[0] == '\0') {
        return glimpse_fail(GLIMPSE_E_BUSY, "%s: another process is writing to this library",
                            folder);
    }
    return glimpse_fail(GLIMPSE_E_BUSY, "%s: process %s is writing to this library", folder, owner);
}

static int take_lock(int *out, const char *folder, const char *purpose, int tries) {
    *out = -1;
    char *path = glimpse_path_join(folder, "lock");
    if (!path) return glimpse_fail_nomem(strlen(folder), "a path");
    int status = GLIMPSE_OK;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) {
        status = glimpse_fail_errno("%s: cannot open the library's lock", path);
        goto done;
    }
    int taken = 0;
    for (int i = 0; i < tries && !taken; i++) {
        if (i > 0) {
            struct timespec pause = {0, LOCK_WAIT_MS * 1000000L};
            (void)nanosleep(&pause, NULL);
        }
        taken = flock(fd, LOCK_EX | LOCK_NB) == 0;
        if (!taken && errno != EWOULDBLOCK && errno != EINTR) {
            status = glimpse_fail_errno("%s: cannot lock", path);
            goto done;
        }
    }
    if (!taken) {
        status = busy(folder, fd);
        goto done;
    }
    char owner[128];
    int length = snprintf(owner, sizeof owner, "%ld (%s)\n", (long)getpid(), purpose);
    /* Only for a message: a full disk is no reason to refuse. */
    if (ftruncate(fd, 0) == 0 && length > 0) {
        ssize_t written = pwrite(fd, owner, (size_t)length, 0);
        (void)written;
    }
    *out = fd;
    fd = -1;
done:
    if (fd >= 0) (void)close(fd);
    free(path);
    return status;
}

static void release_lock(int fd) {
    if (fd < 0) return;
    if (ftruncate(fd, 0) != 0) errno = 0;
    (void)close(fd);
}

int glimpse_library_lock(glimpse_library *library, const char *purpose) {
    if (library->read_only) {
        return glimpse_fail(GLIMPSE_E_IO, "%s: the library is open for reading only",
                            library->path);
    }
    if (library->lock >= 0) return glimpse_fail(GLIMPSE_E_INTERNAL, "the lock is held already");
    int status = take_lock(&library->lock, library->path, purpose, LOCK_TRIES);
    if (status == GLIMPSE_OK) remove_temporaries(library->path);
    return status;
}

void glimpse_library_unlock(glimpse_library *library) {
    release_lock(library->lock);
    library->lock = -1;
}

static int create(const char *folder, const char *catalog) {
    int status = glimpse_make_folders(folder), lock = -1;
    if (status < 0) return status;
    status = take_lock(&lock, folder, "creating", LOCK_TRIES);
    if (status < 0) return status;
    remove_temporaries(folder);
    if (access(catalog, F_OK) != 0) status = glimpse_catalog_create(catalog);
    release_lock(lock);
    return status;
}

int glimpse_library_open(glimpse_library **out, const char *path, unsigned flags) {
    if (out) *out = NULL;
    if (!out || !path || !*path) return glimpse_fail(GLIMPSE_E_INVALID, "no library was named");
    if (flags & ~(unsigned)(GLIMPSE_LIBRARY_CREATE | GLIMPSE_LIBRARY_READ_ONLY) ||
        flags == (GLIMPSE_LIBRARY_CREATE | GLIMPSE_LIBRARY_READ_ONLY)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "flags %u make no sense for a library", flags);
    }
    char *catalog = NULL;
    struct stat info;
    int status = GLIMPSE_OK;
    glimpse_library *library = calloc(1, sizeof *library);
    if (!library) return glimpse_fail_nomem(sizeof *library, "a library");
    library->lock = -1;
    status = glimpse_path_absolute(&library->path, path);
    if (status < 0) goto done;
    catalog = glimpse_path_join(library->path, "catalog.db");
    if (!catalog) {
        status = glimpse_fail_nomem(strlen(path), "a path");
        goto done;
    }
    if (stat(library->path, &info) == 0 && !S_ISDIR(info.st_mode)) {
        status = glimpse_fail(GLIMPSE_E_INVALID, "%s: not a folder, so not a library", path);
        goto done;
    }
    if (flags & GLIMPSE_LIBRARY_CREATE && access(catalog, F_OK) != 0) {
        status = create(library->path, catalog);
        if (status < 0) goto done;
    }
    status =
        glimpse_catalog_open(&library->catalog, catalog, (flags & GLIMPSE_LIBRARY_READ_ONLY) != 0);
    if (status == GLIMPSE_E_NOT_FOUND) {
        status = glimpse_fail(GLIMPSE_E_NOT_FOUND, "%s: there is no library here", path);
    }
    if (status < 0) goto done;
    library->read_only =
        (flags & GLIMPSE_LIBRARY_READ_ONLY) != 0 || glimpse_db_read_only(library->catalog->db);
    *out = library;
    library = NULL;
done:
    free(catalog);
    glimpse_library_close(library);
    return status;
}

void glimpse_library_close(glimpse_library *library) {
    if (!library) return;
    glimpse_library_drop_vectors(library);
    glimpse_catalog_close(library->catalog);
    glimpse_library_unlock(library);
    free(library->path);
    free(library);
}

const char *glimpse_library_path(const glimpse_library *library) {
    return library ? library->path : "";
}

glimpse_catalog *glimpse_library_catalog(glimpse_library *library) {
    return library->catalog;
}

int glimpse_library_is_read_only(const glimpse_library *library) {
    return library->read_only;
}

/*
 * Vector indexes.
 */
int glimpse_library_vectors_path(const glimpse_library *library, const char *fingerprint,
                                 char **out) {
    char name[64];
    (void)snprintf(name, sizeof name, "vectors-%.32s.faiss", fingerprint);
    *out = glimpse_path_join(library->path, name);
    return *out ? GLIMPSE_OK : glimpse_fail_nomem(sizeof name, "a path");
}

void glimpse_library_drop_vectors(glimpse_library *library) {
    while (library->indexes) {
        loaded *next = library->indexes->next;
        glimpse_vectors_free(library->indexes->vectors);
        free(library->indexes);
        library->indexes = next;
    }
}

static int find_loaded(glimpse_library *library, const char *fingerprint, loaded **out) {
    for (loaded *l = library->indexes; l; l = l->next) {
        if (strcmp(l->fingerprint, fingerprint) == 0) {
            *out = l;
            return GLIMPSE_OK;
        }
    }
    loaded *l = calloc(1, sizeof *l);
    if (!l) return glimpse_fail_nomem(sizeof *l, "a vector index");
    (void)snprintf(l->fingerprint, sizeof l->fingerprint, "%s", fingerprint);
    l->next = library->indexes;
    library->indexes = l;
    *out = l;
    return GLIMPSE_OK;
}

/* *stale: the file is not what is in memory now. `path` NULL: do not look at the file. */
static int refresh(glimpse_library *library, const glimpse_model_info *model, const char *path,
                   loaded **out, int *stale) {
    loaded *l = NULL;
    int changed = 0;
    *stale = 0;
    int status = find_loaded(library, model->fingerprint, &l);
    if (status < 0) return status;
    if (!l->vectors && path) {
        glimpse_vectors_state state;
        status = glimpse_vectors_load(&l->vectors, path, model->fingerprint, model->dim, &state,
                                      NULL, 0);
        /* One that cannot be read is as good as none: the catalogue has it all. */
        if (status == GLIMPSE_E_NOMEM) return status;
        *stale = !l->vectors;
    }
    status = glimpse_vectors_refresh(&l->vectors, library->catalog, model, &changed);
    if (status < 0) return status;
    *stale |= changed;
    *out = l;
    return GLIMPSE_OK;
}

int glimpse_library_vectors(glimpse_library *library, const glimpse_model_info *model,
                            glimpse_vectors **out) {
    char *path = NULL;
    loaded *l = NULL;
    int stale = 0, lock = -1;
    *out = NULL;
    int status = glimpse_library_vectors_path(library, model->fingerprint, &path);
    if (status == GLIMPSE_OK) status = refresh(library, model, path, &l, &stale);
    if (status < 0) goto done;
    /* A writer that is at work will save a newer one itself. */
    if (stale && !library->read_only && library->lock < 0 &&
        take_lock(&lock, library->path, "saving the vector index", 1) == GLIMPSE_OK) {
        (void)glimpse_vectors_save(l->vectors, path, model->fingerprint);
        release_lock(lock);
    }
    *out = l->vectors;
done:
    free(path);
    return status;
}

int glimpse_library_update_vectors(glimpse_library *library, const char *fingerprint) {
    return glimpse_library_write_vectors(library, fingerprint, 0);
}

int glimpse_library_write_vectors(glimpse_library *library, const char *fingerprint, int anew) {
    glimpse_db *db = library->catalog->db;
    glimpse_model_info model;
    char *path = NULL;
    loaded *l = NULL;
    int stale = 0, current = 0;
    glimpse_vectors_state state;
    glimpse_db_enter(db);
    int status = glimpse_db_begin_read(db);
    if (status < 0) goto leave;
    status = glimpse_catalog_find_model(library->catalog, fingerprint, &model);
    if (status < 0) goto done;
    status = glimpse_library_vectors_path(library, fingerprint, &path);
    if (status < 0) goto done;
    /* Nothing new: a look at the header is enough, nothing is loaded. */
    if (!anew && glimpse_vectors_peek(path, &model, &state, &current) == GLIMPSE_OK && current) {
        goto done;
    }
    if (anew) glimpse_library_drop_vectors(library);
    status = refresh(library, &model, anew ? NULL : path, &l, &stale);
    if (status == GLIMPSE_OK) status = glimpse_vectors_save(l->vectors, path, fingerprint);
done:
    glimpse_db_end_read(db);
leave:
    glimpse_db_leave(db);
    free(path);
    return status;
}
