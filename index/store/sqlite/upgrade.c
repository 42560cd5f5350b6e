/*
 * upgrade.c - see upgrade.h.
 *
 * The transaction alone would do for kills and full disks. The copy is for what it does not cover:
 * a fault of this program, or of the disk, in the one moment in which every row is written anew.
 */
#include "upgrade.h"

#include "core/error.h"
#include "core/file.h"
#include "schema.h"
#include "sqlite_store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { NAME_BYTES = 4096 };

static int name_with(char *out, const glimpse_db *db, const char *format, long number) {
    int length = snprintf(out, NAME_BYTES, "%s", glimpse_db_path(db));
    if (length >= 0 && length < NAME_BYTES) {
        int more = snprintf(out + length, (size_t)(NAME_BYTES - length), format, number);
        if (more >= 0 && more < NAME_BYTES - length) return GLIMPSE_OK;
    }
    return glimpse_fail(GLIMPSE_E_LIMIT, "%s: the path is too long", glimpse_db_path(db));
}

static int copy_name(char *out, const glimpse_db *db, int count) {
    return name_with(out, db, ".before-%ld", count);
}

/* Complete under its name, or not there. */
static int make_copy(glimpse_db *db, const char *copy) {
    char temporary[NAME_BYTES];
    int status = name_with(temporary, db, ".tmp-%ld-0", (long)getpid());
    if (status < 0) return status;
    (void)unlink(temporary);
    status = glimpse_db_copy(db, temporary);
    if (status == GLIMPSE_OK && rename(temporary, copy) != 0) {
        status = glimpse_fail_errno("%s: cannot rename from %s", copy, temporary);
    }
    if (status < 0) {
        (void)unlink(temporary);
        return status;
    }
    int error = glimpse_sync_directory_of(copy);
    if (error == 0) return GLIMPSE_OK;
    errno = error;
    status = glimpse_fail_errno("%s: made, but its name is not known to be on the disk", copy);
    (void)unlink(copy);
    return status;
}

int glimpse_schema_migrate(glimpse_db *db, const char *const *list, int count) {
    int64_t version = 0;
    int status = glimpse_db_begin(db);
    if (status < 0) return status;
    /* Asked inside the transaction: another process may have done it meanwhile. */
    status = glimpse_db_integer(db, &version, "PRAGMA user_version", "");
    for (int64_t i = version; i < count && status == GLIMPSE_OK; i++) {
        status = glimpse_db_script(db, list[i]);
    }
    if (status == GLIMPSE_OK && version < count) {
        char sql[64];
        (void)sqlite3_snprintf((int)sizeof sql, sql, "PRAGMA user_version = %d", count);
        status = glimpse_db_script(db, sql);
    }
    if (status == GLIMPSE_OK) status = glimpse_db_commit(db);
    if (status < 0) glimpse_db_rollback(db);
    return status;
}

int glimpse_upgrade(glimpse_db *db, const char *const *steps, int version, int count) {
    char copy[NAME_BYTES], directory[NAME_BYTES];
    int lock = -1;
    int status = copy_name(copy, db, count);
    if (status < 0) return status;
    (void)snprintf(directory, sizeof directory, "%s", glimpse_db_path(db));
    char *slash = strrchr(directory, '/');
    if (slash) slash[slash == directory] = '\0';
    status = glimpse_lock_acquire(&lock, slash ? directory : ".", "upgrading", GLIMPSE_LOCK_TRIES);
    if (status < 0) return status;
    glimpse_lock_remove_temporaries(slash ? directory : ".");
    int64_t now = version; /* another process may have done it while this one waited */
    status = glimpse_db_integer(db, &now, "PRAGMA user_version", "");
    if (status == GLIMPSE_OK && now < count) {
        status = make_copy(db, copy);
        if (status == GLIMPSE_OK) status = glimpse_schema_migrate(db, steps, count);
        /* Committed or rolled back: either way the catalogue is whole. */
        (void)unlink(copy);
    }
    glimpse_lock_release(lock);
    return status;
}

void glimpse_upgrade_clean(glimpse_db *db, int version) {
    char copy[NAME_BYTES];
    if (glimpse_db_read_only(db)) return;
    if (copy_name(copy, db, version) == GLIMPSE_OK && access(copy, F_OK) == 0) {
        (void)unlink(copy);
    }
}
