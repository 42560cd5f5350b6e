/*
 * vfs.c - asks for the pages of a log's index before SQLite writes to them.
 *
 * The index of SQLite's log (-shm) is a file that is mapped and written through the mapping. SQLite
 * writes a byte in each page of it before, which gets the page its blocks where a block is a page.
 * Where blocks are smaller, or are given only when they are written to, a disk that is full then
 * ends the program by SIGBUS. So every page is asked for here, by a call that can fail.
 *
 * A layer of another name in front of the default one: who else uses SQLite in this process keeps
 * what they have.
 */
#include "vfs.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__linux__) && !defined(MADV_POPULATE_WRITE)
# define MADV_POPULATE_WRITE 23 /* Linux 5.14; older ones answer EINVAL */
#endif

/* The methods of the default layer, which has a table for each kind of locking, and ours. */
enum { MAX_TABLES = 16 };
static struct {
    const sqlite3_io_methods *base;
    sqlite3_io_methods own;
} tables[MAX_TABLES];
static size_t table_count;
static pthread_mutex_t tables_mutex = PTHREAD_MUTEX_INITIALIZER;
static sqlite3_vfs layer, *base_layer;

static const sqlite3_io_methods *base_of(const sqlite3_io_methods *own) {
    for (size_t i = 0; i < MAX_TABLES; i++) {
        if (&tables[i].own == own) return tables[i].base;
    }
    return NULL;
}

/* 0, or -1 with errno. */
static int make_sure_of(const volatile void *memory, size_t size) {
#ifdef MADV_POPULATE_WRITE
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), at = (uintptr_t)memory;
    const uintptr_t begin = at / page * page;
    if (madvise((void *)begin, (size_t)(at - begin) + size, MADV_POPULATE_WRITE) == 0) return 0;
    if (errno != EFAULT) return 0; /* not known to this kernel, or a mapping for reading only */
    errno = ENOSPC;                /* where it would have been SIGBUS */
    return -1;
#else
    (void)memory, (void)size;
    return 0;
#endif
}

static int map_shared(sqlite3_file *file, int region, int size, int extend,
                      void volatile **memory) {
    int code = base_of(file->pMethods)->xShmMap(file, region, size, extend, memory);
    if (code != SQLITE_OK || !*memory || make_sure_of(*memory, (size_t)size) == 0) return code;
    *memory = NULL;
    return SQLITE_IOERR_SHMMAP;
}

/* SQLite's own record of it is made later, when the transaction is rolled back already. */
static _Thread_local int write_error;

static int write_some(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset) {
    int code = base_of(file->pMethods)->xWrite(file, data, size, offset);
    if (code != SQLITE_OK) write_error = errno;
    return code;
}

int glimpse_vfs_write_error(void) {
    int error = write_error;
    write_error = 0;
    return error;
}

static const sqlite3_io_methods *own_methods(const sqlite3_io_methods *base) {
    const sqlite3_io_methods *own = base; /* more tables than there should be: without us */
    (void)pthread_mutex_lock(&tables_mutex);
    size_t i = 0;
    while (i < table_count && tables[i].base != base)
        i++;
    if (i < MAX_TABLES) {
        if (i == table_count) {
            tables[i].base = base;
            tables[i].own = *base;
            tables[i].own.xShmMap = map_shared;
            tables[i].own.xWrite = write_some;
            table_count++;
        }
        own = &tables[i].own;
    }
    (void)pthread_mutex_unlock(&tables_mutex);
    return own;
}

static int open_file(sqlite3_vfs *self, const char *name, sqlite3_file *file, int flags,
                     int *out_flags) {
    int code = base_layer->xOpen(self, name, file, flags, out_flags);
    if (code == SQLITE_OK && file->pMethods && file->pMethods->iVersion >= 2 &&
        file->pMethods->xShmMap) {
        file->pMethods = own_methods(file->pMethods);
    }
    return code;
}

static void set_up(void) {
    sqlite3_vfs *found = sqlite3_vfs_find(NULL);
    if (!found) return;
    base_layer = found;
    layer = *found;
    layer.pNext = NULL;
    layer.zName = "glimpse";
    layer.xOpen = open_file;
    if (sqlite3_vfs_register(&layer, 0) != SQLITE_OK) base_layer = NULL;
}

const char *glimpse_vfs(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, set_up);
    return base_layer ? layer.zName : NULL;
}
