/*
 * math/shelf.c - prepared weights in the order in which layers ask for them, out of a cache or for
 * one.
 */
#include "math/shelf.h"

#include "core/error.h"

#include <stdlib.h>

const void *glimpse_shelf_find(glimpse_shelf *shelf, size_t bytes) {
    if (!shelf || !shelf->reading) return NULL;
    if (shelf->next < shelf->count && shelf->entries[shelf->next].bytes == bytes) {
        return shelf->entries[shelf->next++].data;
    }
    shelf->reading = 0;
    return NULL;
}

int glimpse_shelf_keep(glimpse_shelf *shelf, const void *data, size_t bytes) {
    if (!shelf || !shelf->collecting) return GLIMPSE_OK;
    if (shelf->count == shelf->room) {
        size_t room = shelf->room ? 2 * shelf->room : 64;
        glimpse_shelf_entry *entries = realloc(shelf->entries, room * sizeof *entries);
        if (!entries) return glimpse_fail_nomem(room * sizeof *entries, "a list of weights");
        shelf->entries = entries;
        shelf->room = room;
    }
    shelf->entries[shelf->count++] = (glimpse_shelf_entry){data, bytes};
    return GLIMPSE_OK;
}

void glimpse_shelf_release(glimpse_shelf *shelf) {
    free(shelf->entries);
    *shelf = (glimpse_shelf){.entries = NULL};
}
