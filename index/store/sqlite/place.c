/*
 * place.c - whether the library that is open still lies where it was opened. A library that was
 * removed, or that a backup took the place of, is still there for who has it open, without a name:
 * what is read is true of it, but what is written is lost when it is closed, and the vector file
 * beside the catalogue, which is found by its name, would be the other library's. Only the
 * catalogue is looked at: a directory that was moved away has its number, too, but not its name.
 */
#include "sqlite_store.h"

#include "core/error.h"

#include <errno.h>
#include <sys/stat.h>

enum { IN_PLACE, GONE, REPLACED };

static int look_at_place(const glimpse_store *store) {
    const glimpse_sqlite_store *s = (const glimpse_sqlite_store *)(const void *)store;
    struct stat info;
    if (stat(glimpse_db_path(s->db), &info) != 0) {
        /* Whatever else is wrong with the medium, SQLite will say. */
        return errno == ENOENT || errno == ENOTDIR ? GONE : IN_PLACE;
    }
    return info.st_dev == s->device && info.st_ino == s->inode ? IN_PLACE : REPLACED;
}

int glimpse_sqlite_is_in_place(const glimpse_store *store) {
    return look_at_place(store) == IN_PLACE;
}

int glimpse_sqlite_check_place(const glimpse_store *store) {
    switch (look_at_place(store)) {
    case GONE:
        return glimpse_fail(GLIMPSE_E_NOT_FOUND, "%s: the library was removed while it was open",
                            store->path);
    case REPLACED:
        return glimpse_fail(GLIMPSE_E_CORRUPT,
                            "%s: another library was put in the place of the one that was open; "
                            "open it again",
                            store->path);
    default: return GLIMPSE_OK;
    }
}
