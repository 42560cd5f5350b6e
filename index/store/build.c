/*
 * build.c - what this build of the library was made with: reports the versions of SQLite, FAISS and
 * the other parts.
 */
#include <glimpse/build.h>

#include "store.h"

const glimpse_build_part *glimpse_build_parts(size_t *count) {
    return glimpse_store_backend(NULL)->parts(count);
}
