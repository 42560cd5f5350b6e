/*
 * lock.c - the writers' lock of a library.
 *
 * It is flock() on the file `lock`: it goes with the process, whatever way that ends, and works
 * between machines on file systems that have locks at all; two handles of one process exclude each
 * other as well. Who holds it writes its process id and purpose into the file, for the message of
 * whoever comes second. Readers take no lock: SQLite gives them a consistent state. A reader that
 * rebuilt a vector index borrows the lock to save it, for a moment; a writer therefore waits a
 * little before it gives up.
 */
#include "core/error.h"
#include "core/file.h"
#include "sqlite_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum { LOCK_WAIT_MS = 20 };

/* "catalog.db.tmp-..." and "vectors-....tmp-...". */
void glimpse_lock_remove_temporaries(const char *directory) {
    DIR *dir = opendir(directory);
    if (!dir) return;
    for (struct dirent *entry; (entry = readdir(dir));) {
        const char *name = entry->d_name;
        if (!strstr(name, ".tmp-")) continue;
        if (strncmp(name, "catalog.db.", 11) != 0 && strncmp(name, "vectors-", 8) != 0) continue;
        (void)unlinkat(dirfd(dir), name, 0);
    }
    (void)closedir(dir);
}

/* The names of a library's own files: what is left of one without its catalogue, too. */
static int is_own(const char *name) {
    return strcmp(name, "lock") == 0 || strncmp(name, "catalog.db", 10) == 0 ||
           (strncmp(name, "vectors-", 8) == 0 && strstr(name, ".faiss"));
}

int glimpse_lock_check_empty(const char *directory, const char *shown) {
    int status = GLIMPSE_OK;
    DIR *dir = opendir(directory);
    if (!dir && errno == ENOENT) return GLIMPSE_OK;
    if (!dir) return glimpse_fail_errno("%s: cannot open the folder", shown);
    for (struct dirent *entry; status == GLIMPSE_OK && (entry = readdir(dir));) {
        const char *name = entry->d_name;
        if (name[0] == '.' || is_own(name)) continue; /* hidden files are nobody's pictures */
        status =
            glimpse_fail(GLIMPSE_E_INVALID,
                         "%s: not a library, and not empty (it has %s); a new library needs an "
                         "empty folder, or one that does not exist yet",
                         shown, name);
    }
    (void)closedir(dir);
    return status;
}

/* Whether the process whose number `owner` begins with is stopped. */
static int is_stopped(const char *owner) {
    char path[64], stat[512];
    (void)snprintf(path, sizeof path, "/proc/%ld/stat", strtol(owner, NULL, 10));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t got = read(fd, stat, sizeof stat - 1);
    (void)close(fd);
    stat[got > 0 ? got : 0] = '\0';
    const char *name_end = strrchr(stat, ')'); /* the name may hold anything */
    return name_end && strncmp(name_end, ") T", 3) == 0;
}

static int busy(const char *directory, int fd) {
    char owner[128];
    ssize_t got = pread(fd, owner, sizeof owner - 1, 0);
    owner[got > 0 ? got : 0] = '\0';
    owner[strcspn(owner, "\n")] = '\0';
    if (owner[0] == '\0') {
        return glimpse_fail(GLIMPSE_E_BUSY, "%s: another process is writing to this library",
                            directory);
    }
    if (is_stopped(owner)) {
        return glimpse_fail(
            GLIMPSE_E_BUSY,
            "%s: process %s is writing to this library, and is paused (Ctrl-Z); let "
            "it go on with fg in its shell, or kill -CONT %ld",
            directory, owner, strtol(owner, NULL, 10));
    }
    return glimpse_fail(GLIMPSE_E_BUSY, "%s: process %s is writing to this library", directory,
                        owner);
}

int glimpse_lock_acquire(int *out, const char *directory, const char *purpose, int tries) {
    *out = -1;
    char *path = glimpse_path_join(directory, "lock");
    if (!path) return glimpse_fail_nomem(strlen(directory), "a path");
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
        status = busy(directory, fd);
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

void glimpse_lock_release(int fd) {
    if (fd < 0) return;
    if (ftruncate(fd, 0) != 0) errno = 0;
    (void)close(fd);
}

/* Why it is open for reading only: the system does not let this user write, or the caller asked for
 * it. */
int glimpse_sqlite_check_writable(const glimpse_store *store) {
    if (!store->read_only) return GLIMPSE_OK;
    char *catalog = glimpse_path_join(store->path, "catalog.db");
    if (!catalog) return glimpse_fail_nomem(strlen(store->path), "a path");
    int allowed = access(store->path, W_OK) == 0 && access(catalog, W_OK) == 0;
    free(catalog);
    return glimpse_fail(GLIMPSE_E_IO, "%s: %s", store->path,
                        allowed ? "this library was opened for reading only"
                                : "you may not write to this library");
}

int glimpse_sqlite_lock(glimpse_store *store, const char *purpose) {
    glimpse_sqlite_store *s = glimpse_sqlite(store);
    int status = glimpse_sqlite_check_writable(store);
    if (status < 0) return status;
    if (s->lock >= 0) return glimpse_fail(GLIMPSE_E_INTERNAL, "the lock is held already");
    /* Before, so that no file is made where another library is or none; and with the lock. */
    status = glimpse_sqlite_check_place(store);
    if (status < 0) return status;
    status = glimpse_lock_acquire(&s->lock, store->path, purpose, GLIMPSE_LOCK_TRIES);
    if (status < 0) return status;
    status = glimpse_sqlite_check_place(store);
    if (status < 0) {
        glimpse_sqlite_unlock(store);
        return status;
    }
    glimpse_lock_remove_temporaries(store->path);
    return status;
}

void glimpse_sqlite_unlock(glimpse_store *store) {
    glimpse_sqlite_store *s = glimpse_sqlite(store);
    glimpse_lock_release(s->lock);
    s->lock = -1;
}
