/*
 * build.c - see glimpse/build.h: the store says what it is made with.
 */
#include <glimpse/build.h>

#include "store.h"

const glimpse_build_part *glimpse_build_parts(size_t *count) {
    return glimpse_store_backend(NULL)->parts(count);
}
