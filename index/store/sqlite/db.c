/*
 * db.c - one SQLite connection.
 *
 * Settings, and why:
 *   journal_mode=WAL    readers go on while one process writes (set once, kept in the file)
 *   synchronous=FULL    a commit is on the disk when the call returns. NORMAL would survive kill -9
 *                       as well, but a power cut could take back commits since the last
 *                       checkpoint; at a few commits a second (a batch of pictures each) the
 *                       difference is not felt
 *   foreign_keys=ON     an embedding without its content cannot be written
 *   cache_size=16 MiB   of a connection that writes: rows keyed by hashes are all over their
 *                       indexes, and a page that is not kept is read, and written, again and again
 *   cell_size_check=ON  damaged pages are noticed when they are read
 *   defensive, trusted_schema=OFF   a crafted catalogue runs no functions and hides no schema
 *   no checkpoint on close once damage was seen: the files stay as they were found
 */
#include "db.h"

#include "core/error.h"
#include "core/hash.h"
#include "dates.h"
#include "facts.h"
#include "path_ranges.h"
#include "vfs.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUSY_MILLISECONDS = 10000, MAX_STATEMENTS = 256 };

struct glimpse_db {
    sqlite3 *handle;
    char *path;
    int read_only, damaged, writing;
    int has_cache;    /* that of who writes */
    unsigned readers; /* depth of begin_read */
    pthread_mutex_t mutex;
    size_t count;
    struct {
        const char *sql;
        sqlite3_stmt *statement;
    } kept[MAX_STATEMENTS];
};

static const char damage_advice[] =
    "nothing was changed; restore the library from a backup, or move it away and index again";

static int damaged(glimpse_db *db, const char *what) {
    db->damaged = 1;
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)NULL);
    return glimpse_fail(GLIMPSE_E_CORRUPT, "%s: the catalogue is damaged: %s (%s)", db->path, what,
                        damage_advice);
}

int glimpse_db_damaged(glimpse_db *db, const char *format, ...) {
    char what[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return damaged(db, what);
}

static int is_limit(int error) {
    return error == ENOSPC || error == EDQUOT || error == EFBIG || error == EMFILE ||
           error == ENFILE;
}

/* Whether a file can be opened, and where we write made, now: SQLite tries some names more than
 * one way, and has then forgotten why the first failed. */
static int try_a_file(const glimpse_db *db) {
    char name[4096];
    int length = snprintf(name, sizeof name, "%s.try-%ld", db->path, (long)getpid());
    if (length < 0 || (size_t)length >= sizeof name) return 0;
    int fd = db->read_only ? open(db->path, O_RDONLY | O_CLOEXEC)
                           : open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return errno;
    (void)close(fd);
    if (!db->read_only) (void)unlink(name);
    return 0;
}

/* A full disk is SQLITE_FULL when a file could not be written, and an I/O error with the system's
 * reason behind it when the log's index, a journal's length or a sync was what failed. 0: neither
 * that nor a limit of the system. */
static int system_limit(glimpse_db *db, int code) {
    if ((code & 0xff) == SQLITE_FULL) return ENOSPC;
    if ((code & 0xff) != SQLITE_IOERR && (code & 0xff) != SQLITE_CANTOPEN) return 0;
    int error = code == SQLITE_IOERR_WRITE ? glimpse_vfs_write_error() : 0;
    if (!is_limit(error)) error = sqlite3_system_errno(db->handle);
    if (!is_limit(error)) error = try_a_file(db);
    return is_limit(error) ? error : 0;
}

/* SQLite's result code as one of our statuses; the message is copied at once. */
static int fail(glimpse_db *db, int code) {
    char text[256];
    const int limit = system_limit(db, code);
    if (limit) {
        errno = limit;
        return glimpse_fail_errno("%s: %s", db->path,
                                  limit == EMFILE || limit == ENFILE ? "cannot open what it needs"
                                                                     : "cannot write");
    }
    (void)snprintf(text, sizeof text, "%s",
                   glimpse_foreign_message(sqlite3_errmsg(db->handle), ""));
    switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return damaged(db, text);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return glimpse_fail(GLIMPSE_E_BUSY, "%s: another process holds the catalogue (%s)",
                            db->path, text);
    case SQLITE_NOMEM: return glimpse_fail(GLIMPSE_E_NOMEM, "%s: out of memory", db->path);
    case SQLITE_IOERR:
        if (code == SQLITE_IOERR_CORRUPTFS) return damaged(db, text);
        return glimpse_fail(GLIMPSE_E_IO, "%s: %s (%d)", db->path, text, code);
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH: return glimpse_fail(GLIMPSE_E_IO, "%s: %s", db->path, text);
    case SQLITE_TOOBIG:
        /* Nothing of ours comes near: of what is read a length is wrong. */
        if (!db->writing) return damaged(db, text);
        return glimpse_fail(GLIMPSE_E_INVALID, "%s: %s", db->path, text);
    case SQLITE_INTERRUPT: return glimpse_fail(GLIMPSE_E_CANCELLED, "stopped");
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH: return glimpse_fail(GLIMPSE_E_INVALID, "%s: %s", db->path, text);
    default:
        return glimpse_fail(GLIMPSE_E_INTERNAL, "%s: SQLite error %d: %s", db->path, code, text);
    }
}

void glimpse_db_set_cancelled(glimpse_db *db, int (*cancelled)(void *user), void *user) {
    enum { INSTRUCTIONS = 1000 }; /* of SQLite's machine: far below a hundredth of a second */
    sqlite3_progress_handler(db->handle, cancelled ? INSTRUCTIONS : 0, cancelled, user);
}

/* glimpse_taken_within(taken, path, mtime_ns, first, end): whether the date of a file is in [first,
 * end), compared as text. Depends on the local zone: not deterministic in SQLite's sense. */
static void taken_within_function(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
    const char *path = (const char *)sqlite3_value_text(values[1]);
    const char *first = (const char *)sqlite3_value_text(values[3]);
    const char *end = (const char *)sqlite3_value_text(values[4]);
    if (!path || !first || !end) {
        sqlite3_result_error_nomem(context);
        return;
    }
    glimpse_file_date date;
    glimpse_file_date_choose(&date, (const char *)sqlite3_value_text(values[0]), GLIMPSE_TAKEN_EXIF,
                             NULL, path, sqlite3_value_int64(values[2]));
    sqlite3_result_int(context, strcmp(date.taken, first) >= 0 && strcmp(date.taken, end) < 0);
}

/* What is summed, in one piece where it fits, which nearly all rows do. */
typedef struct summing {
    glimpse_hasher *hasher; /* NULL: all of it is in `bytes` */
    size_t used;
    int failed;
    uint8_t bytes[1024];
} summing;

static void add_to_sum(summing *s, const void *data, size_t size) {
    if (s->hasher || size > sizeof s->bytes - s->used) {
        if (!s->hasher) {
            s->hasher = glimpse_hasher_create();
            s->failed = !s->hasher;
            if (s->failed) return;
            glimpse_hasher_update(s->hasher, s->bytes, s->used);
        }
        glimpse_hasher_update(s->hasher, data, size);
        return;
    }
    memcpy(s->bytes + s->used, data, size);
    s->used += size;
}

/* glimpse_sum(...): 64 bits of XXH3-128 over type, length and bytes of each argument. */
static void sum_function(sqlite3_context *context, int count, sqlite3_value **values) {
    summing s;
    s.hasher = NULL;
    s.used = 0;
    s.failed = 0;
    for (int i = 0; i < count && !s.failed; i++) {
        uint8_t head[9] = {(uint8_t)sqlite3_value_type(values[i])};
        const void *bytes = NULL;
        uint64_t number = 0;
        size_t size = 0;
        double real = 0.0;
        switch (head[0]) {
        case SQLITE_INTEGER: number = (uint64_t)sqlite3_value_int64(values[i]); break;
        case SQLITE_FLOAT:
            real = sqlite3_value_double(values[i]);
            memcpy(&number, &real, sizeof number);
            break;
        case SQLITE_TEXT:
        case SQLITE_BLOB:
            bytes = sqlite3_value_blob(values[i]);
            size = (size_t)sqlite3_value_bytes(values[i]);
            number = size;
            break;
        default: break;
        }
        for (int j = 0; j < 8; j++)
            head[1 + j] = (uint8_t)(number >> (8 * j));
        add_to_sum(&s, head, sizeof head);
        if (size > 0 && !s.failed) add_to_sum(&s, bytes, size);
    }
    if (s.failed) {
        sqlite3_result_error_nomem(context);
        return;
    }
    const glimpse_hash hash =
        s.hasher ? glimpse_hasher_finish(s.hasher) : glimpse_hash_bytes(s.bytes, s.used);
    uint64_t sum = 0;
    for (int i = 0; i < 8; i++)
        sum = sum << 8 | hash.bytes[i];
    sqlite3_result_int64(context, (int64_t)sum);
}

/* "file:" URI of the path, for immutable=1. NULL when out of memory. */
static char *immutable_uri(const char *path) {
    static const char digits[] = "0123456789ABCDEF";
    char *uri = malloc(3 * strlen(path) + 32);
    if (!uri) return NULL;
    char *end = uri + sprintf(uri, "file:");
    for (const char *p = path; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '%' || c == '?' || c == '#' || c < 33 || c > 126) {
            *end++ = '%';
            *end++ = digits[c >> 4];
            *end++ = digits[c & 15];
        } else {
            *end++ = *p;
        }
    }
    memcpy(end, "?immutable=1", sizeof "?immutable=1");
    return uri;
}

/* A WAL database cannot be read where its -wal and -shm files can neither be found nor made: on a
 * read-only medium. There, and only there, nobody can be writing either. */
static int must_be_immutable(const char *path) {
    char directory[4096], wal[4096];
    struct stat info;
    int length = snprintf(directory, sizeof directory, "%s", path);
    if (length < 0 || (size_t)length >= sizeof directory) return 0;
    char *slash = strrchr(directory, '/');
    if (!slash) return 0;
    slash[slash == directory] = '\0';
    if (access(directory, W_OK) == 0) return 0;
    length = snprintf(wal, sizeof wal, "%s-wal", path);
    return length > 0 && (size_t)length < sizeof wal && stat(wal, &info) != 0;
}

int glimpse_db_open(glimpse_db **out, const char *path, unsigned flags) {
    *out = NULL;
    glimpse_db *db = calloc(1, sizeof *db);
    char *uri = NULL;
    int status = GLIMPSE_OK;
    if (!db) return glimpse_fail_nomem(sizeof *db, "a database connection");
    pthread_mutexattr_t attributes;
    (void)pthread_mutexattr_init(&attributes);
    (void)pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    (void)pthread_mutex_init(&db->mutex, &attributes);
    (void)pthread_mutexattr_destroy(&attributes);
    size_t length = strlen(path);
    db->path = malloc(length + 1);
    if (!db->path) {
        status = glimpse_fail_nomem(length + 1, "a path");
        goto done;
    }
    memcpy(db->path, path, length + 1);
    db->read_only = (flags & GLIMPSE_DB_READ_ONLY) != 0;

    int mode = flags & GLIMPSE_DB_READ_ONLY ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    if (flags & GLIMPSE_DB_CREATE) mode |= SQLITE_OPEN_CREATE;
    const char *name = path;
    if (!(flags & GLIMPSE_DB_CREATE) && must_be_immutable(path)) {
        uri = immutable_uri(path);
        if (!uri) {
            status = glimpse_fail_nomem(3 * length, "a path");
            goto done;
        }
        name = uri;
        mode = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
    }
    /* Our own lock is around every use, so SQLite's per-connection one would only cost. */
    int code = sqlite3_open_v2(name, &db->handle, mode | SQLITE_OPEN_NOMUTEX, glimpse_vfs());
    if (!db->handle) {
        status = glimpse_fail(GLIMPSE_E_NOMEM, "%s: out of memory", path);
        goto done;
    }
    if (code != SQLITE_OK) {
        status = fail(db, code);
        goto done;
    }
    (void)sqlite3_extended_result_codes(db->handle, 1);
    code = sqlite3_create_function_v2(db->handle, "glimpse_sum", -1,
                                      SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL,
                                      sum_function, NULL, NULL, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_create_function_v2(db->handle, "glimpse_taken_within", 5,
                                          SQLITE_UTF8 | SQLITE_DIRECTONLY, NULL,
                                          taken_within_function, NULL, NULL, NULL);
    }
    if (code == SQLITE_OK) code = glimpse_path_ranges_add_functions(db->handle);
    if (code == SQLITE_OK) code = glimpse_where_functions(db->handle);
    if (code != SQLITE_OK) {
        status = fail(db, code);
        goto done;
    }
    (void)sqlite3_busy_timeout(db->handle, BUSY_MILLISECONDS);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, (int *)NULL);
    db->read_only = (flags & GLIMPSE_DB_READ_ONLY) != 0 || sqlite3_db_readonly(db->handle, "main");
    status = glimpse_db_script(db, "PRAGMA synchronous = FULL;"
                                   "PRAGMA foreign_keys = ON;"
                                   "PRAGMA cell_size_check = ON;"
                                   "PRAGMA temp_store = MEMORY;");
    /* The first of these reads the header and the schema: "unsupported file format". */
    if (status == GLIMPSE_E_INTERNAL) status = glimpse_db_damaged(db, "%s", glimpse_last_error());
    if (status < 0) goto done;
    *out = db;
    db = NULL;
done:
    free(uri);
    glimpse_db_close(db);
    return status;
}

static void finalize_statements(glimpse_db *db) {
    if (db->writing) glimpse_db_rollback(db);
    for (size_t i = 0; i < db->count; i++)
        (void)sqlite3_finalize(db->kept[i].statement);
    db->count = 0;
}

static int has_log(const char *path) {
    static const char *const endings[] = {"-wal", "-journal"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char name[4096];
        struct stat info;
        int length = snprintf(name, sizeof name, "%s%s", path, endings[i]);
        if (length < 0 || (size_t)length >= sizeof name) return 1;
        if (stat(name, &info) == 0 && info.st_size > 0) return 1;
    }
    return 0;
}

int glimpse_db_close_alone(glimpse_db *db) {
    /* SQLite's own checkpoint, on closing, would keep its failure to itself. */
    finalize_statements(db);
    int left = 0, done = 0, status = GLIMPSE_OK;
    int code =
        sqlite3_wal_checkpoint_v2(db->handle, "main", SQLITE_CHECKPOINT_TRUNCATE, &left, &done);
    if (code == SQLITE_OK) code = sqlite3_close(db->handle);
    if (code == SQLITE_OK) {
        db->handle = NULL;
        if (left != done || has_log(db->path)) {
            status =
                glimpse_fail(GLIMPSE_E_IO, "%s: its log could not be brought into it", db->path);
        }
    } else {
        status = fail(db, code);
    }
    glimpse_db_close(db);
    return status;
}

int glimpse_db_copy(glimpse_db *db, const char *path) {
    sqlite3 *target = NULL;
    glimpse_db_enter(db);
    int code = sqlite3_open_v2(path, &target,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                               glimpse_vfs());
    (void)sqlite3_extended_result_codes(target, 1);
    sqlite3_backup *copy =
        code == SQLITE_OK ? sqlite3_backup_init(target, "main", db->handle, "main") : NULL;
    if (copy) {
        code = sqlite3_backup_step(copy, -1);
        const int finished = sqlite3_backup_finish(copy);
        if (code == SQLITE_DONE) code = finished;
    } else if (code == SQLITE_OK) {
        code = sqlite3_errcode(target);
    }
    int status = GLIMPSE_OK;
    if (code != SQLITE_OK) {
        const int error = sqlite3_system_errno(target);
        if ((code & 0xff) == SQLITE_FULL || error == ENOSPC || error == EDQUOT) {
            errno = error == EDQUOT ? EDQUOT : ENOSPC;
            status = glimpse_fail_errno("%s: cannot write", path);
        } else {
            status = glimpse_fail(GLIMPSE_E_IO, "%s: cannot be copied to %s: %s (%d)", db->path,
                                  path, glimpse_foreign_message(sqlite3_errmsg(target), ""), code);
        }
    }
    (void)sqlite3_close_v2(target);
    glimpse_db_leave(db);
    return status;
}

void glimpse_db_close(glimpse_db *db) {
    if (!db) return;
    finalize_statements(db);
    (void)sqlite3_close_v2(db->handle);
    (void)pthread_mutex_destroy(&db->mutex);
    free(db->path);
    free(db);
}

const char *glimpse_db_path(const glimpse_db *db) {
    return db->path;
}

int glimpse_db_read_only(const glimpse_db *db) {
    return db->read_only;
}

void glimpse_db_enter(glimpse_db *db) {
    (void)pthread_mutex_lock(&db->mutex);
}

void glimpse_db_leave(glimpse_db *db) {
    (void)pthread_mutex_unlock(&db->mutex);
}

/* SQLite's own lock is off: two threads in one connection damage its memory, and may spin for ever.
 * Who did not enter is told so where somebody else is inside. */
static int check_entered(glimpse_db *db) {
    if (pthread_mutex_trylock(&db->mutex) != 0) {
        return glimpse_fail(GLIMPSE_E_INTERNAL,
                            "%s: used by two threads at once, by one of them without the lock",
                            db->path);
    }
    (void)pthread_mutex_unlock(&db->mutex);
    return GLIMPSE_OK;
}

static int find_statement(glimpse_db *db, sqlite3_stmt **out, const char *sql) {
    int status = check_entered(db);
    if (status < 0) return status;
    for (size_t i = 0; i < db->count; i++) {
        if (db->kept[i].sql == sql) {
            *out = db->kept[i].statement;
            return GLIMPSE_OK;
        }
    }
    if (db->count == MAX_STATEMENTS) {
        return glimpse_fail(GLIMPSE_E_INTERNAL, "more than %d SQL statements", MAX_STATEMENTS);
    }
    int code = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
    /* A statement that does not fit the tables: they are not those this version made. */
    if (code == SQLITE_ERROR)
        return damaged(db, glimpse_foreign_message(sqlite3_errmsg(db->handle), ""));
    if (code != SQLITE_OK) return fail(db, code);
    db->kept[db->count].sql = sql;
    db->kept[db->count++].statement = *out;
    return GLIMPSE_OK;
}

int glimpse_db_prepare(glimpse_db *db, sqlite3_stmt **out, const char *sql) {
    *out = NULL;
    int code = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
    return code == SQLITE_OK ? GLIMPSE_OK : fail(db, code);
}

int glimpse_db_status(glimpse_db *db, int code) {
    return code == SQLITE_OK ? GLIMPSE_OK : fail(db, code);
}

static int bind(glimpse_db *db, sqlite3_stmt *statement, const char *format, va_list args) {
    int code = SQLITE_OK, index = 0;
    for (const char *f = format; *f && code == SQLITE_OK; f++) {
        index++;
        switch (*f) {
        case 'i': code = sqlite3_bind_int64(statement, index, va_arg(args, int64_t)); break;
        case 'r': code = sqlite3_bind_double(statement, index, va_arg(args, double)); break;
        case 't': {
            const char *text = va_arg(args, const char *);
            code = sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
            break;
        }
        case 'p': {
            const char *path = va_arg(args, const char *);
            code = sqlite3_bind_blob64(statement, index, path, strlen(path), SQLITE_STATIC);
            break;
        }
        case 'b': {
            const void *data = va_arg(args, const void *);
            size_t size = va_arg(args, size_t);
            code = sqlite3_bind_blob64(statement, index, data, size, SQLITE_STATIC);
            break;
        }
        case 'o': {
            void *object = va_arg(args, void *);
            const char *type = va_arg(args, const char *);
            code = sqlite3_bind_pointer(statement, index, object, type, NULL);
            break;
        }
        default: code = sqlite3_bind_null(statement, index); break;
        }
    }
    return code == SQLITE_OK ? GLIMPSE_OK : fail(db, code);
}

int glimpse_db_bind(glimpse_db *db, sqlite3_stmt *statement, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int status = bind(db, statement, format, args);
    va_end(args);
    return status;
}

static int query(glimpse_db *db, sqlite3_stmt **out, const char *sql, const char *format,
                 va_list args) {
    sqlite3_stmt *statement = NULL;
    *out = NULL;
    int status = find_statement(db, &statement, sql);
    if (status == GLIMPSE_OK) status = bind(db, statement, format, args);
    if (status < 0) return status;
    *out = statement;
    return GLIMPSE_OK;
}

int glimpse_db_query(glimpse_db *db, sqlite3_stmt **out, const char *sql, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int status = query(db, out, sql, format, args);
    va_end(args);
    return status;
}

int glimpse_db_step(glimpse_db *db, sqlite3_stmt *statement) {
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) return 1;
    if (code == SQLITE_DONE) return 0;
    return fail(db, code);
}

void glimpse_db_reset(sqlite3_stmt *statement) {
    if (!statement) return;
    (void)sqlite3_reset(statement);
    (void)sqlite3_clear_bindings(statement);
}

int glimpse_db_run(glimpse_db *db, const char *sql, const char *format, ...) {
    sqlite3_stmt *statement = NULL;
    va_list args;
    va_start(args, format);
    int status = query(db, &statement, sql, format, args);
    va_end(args);
    while (status == GLIMPSE_OK && (status = glimpse_db_step(db, statement)) > 0) {
        status = GLIMPSE_OK;
    }
    glimpse_db_reset(statement);
    return status;
}

int glimpse_db_integer(glimpse_db *db, int64_t *out, const char *sql, const char *format, ...) {
    sqlite3_stmt *statement = NULL;
    va_list args;
    va_start(args, format);
    int status = query(db, &statement, sql, format, args);
    va_end(args);
    if (status == GLIMPSE_OK) status = glimpse_db_step(db, statement);
    if (status > 0) {
        *out = sqlite3_column_int64(statement, 0);
        /* What a statement with RETURNING writes is committed behind its last row. */
        int rest = glimpse_db_step(db, statement);
        if (rest < 0) status = rest;
    }
    glimpse_db_reset(statement);
    return status > 0 ? GLIMPSE_OK : status == 0 ? GLIMPSE_E_NOT_FOUND : status;
}

int glimpse_db_script(glimpse_db *db, const char *sql) {
    int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? GLIMPSE_OK : fail(db, code);
}

int64_t glimpse_db_changes(glimpse_db *db) {
    return sqlite3_changes64(db->handle);
}

int64_t glimpse_db_inserted(glimpse_db *db) {
    return sqlite3_last_insert_rowid(db->handle);
}

int glimpse_db_begin_read(glimpse_db *db) {
    if (!db->writing && db->readers == 0) {
        int status = glimpse_db_run(db, "BEGIN", "");
        if (status < 0) return status;
    }
    db->readers++;
    return GLIMPSE_OK;
}

void glimpse_db_end_read(glimpse_db *db) {
    if (db->readers > 0) db->readers--;
    if (db->readers == 0 && !db->writing) (void)glimpse_db_run(db, "COMMIT", "");
}

int glimpse_db_begin(glimpse_db *db) {
    if (db->read_only) {
        return glimpse_fail(GLIMPSE_E_IO, "%s: the catalogue is open for reading only", db->path);
    }
    if (db->damaged) return damaged(db, "damage was found before");
    if (db->writing || db->readers) {
        return glimpse_fail(GLIMPSE_E_INVALID, "%s: transactions do not nest", db->path);
    }
    if (!db->has_cache) {
        int status = glimpse_db_script(db, "PRAGMA cache_size = -16384");
        if (status < 0) return status;
        db->has_cache = 1;
    }
    int status = glimpse_db_run(db, "BEGIN IMMEDIATE", "");
    if (status == GLIMPSE_OK) db->writing = 1;
    return status;
}

int glimpse_db_commit(glimpse_db *db) {
    if (!db->writing) return glimpse_fail(GLIMPSE_E_INVALID, "%s: no transaction", db->path);
    if (db->damaged) {
        glimpse_db_rollback(db);
        return damaged(db, "damage was found while writing");
    }
    int status = glimpse_db_run(db, "COMMIT", "");
    if (status == GLIMPSE_OK) db->writing = 0;
    return status;
}

void glimpse_db_rollback(glimpse_db *db) {
    if (!db->writing) return;
    /* SQLite may have rolled back by itself (disk full), then this only says so. */
    (void)sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    db->writing = 0;
}

int glimpse_db_writing(const glimpse_db *db) {
    return db->writing;
}

char *glimpse_column_path(sqlite3_stmt *row, int column) {
    const void *bytes = sqlite3_column_blob(row, column);
    int size = sqlite3_column_bytes(row, column);
    char *path = malloc((size_t)size + 1);
    if (!path) return NULL;
    if (size > 0) memcpy(path, bytes, (size_t)size);
    path[size] = '\0';
    return path;
}

const char *glimpse_column_text(sqlite3_stmt *row, int column) {
    const char *text = (const char *)sqlite3_column_text(row, column);
    return text ? text : "";
}

int glimpse_column_hash(glimpse_hash *out, sqlite3_stmt *row, int column) {
    *out = (glimpse_hash){{0}};
    if (sqlite3_column_bytes(row, column) != GLIMPSE_HASH_BYTES) return 0;
    memcpy(out->bytes, sqlite3_column_blob(row, column), GLIMPSE_HASH_BYTES);
    return 1;
}
