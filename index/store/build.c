/*
 * build.c - see glimpse/build.h. FAISS's C API cannot say its version, so the build does.
 */
#include <glimpse/build.h>

#include <sqlite3.h>

#ifndef GLIMPSE_FAISS_VERSION
# define GLIMPSE_FAISS_VERSION "installed"
#endif

const glimpse_build_part *glimpse_build_parts(size_t *count) {
    static const glimpse_build_part parts[] = {
        {"SQLite", SQLITE_VERSION},
        {"FAISS", GLIMPSE_FAISS_VERSION},
    };
    *count = sizeof parts / sizeof *parts;
    return parts;
}
