/*
 * index/ingest/ingest_tiles.c - which known pictures lack tiles.
 *
 * Tiles of a picture are committed together, so that it has all of them or none; still they are
 * counted, since a model may look at more pixels than the tiles of an earlier version had.
 */
#include "ingest_internal.h"

#include "core/error.h"
#include "tiles.h"

#include <stdlib.h>

typedef struct search_untiled {
    glimpse_ingest *ingest;
    size_t capacity;
    uint32_t side;
} search_untiled;

static int look(void *user, const glimpse_store_parts *picture) {
    search_untiled *s = user;
    glimpse_ingest *ingest = s->ingest;
    const uint32_t tiles = glimpse_tiles_of(picture->width, picture->height, s->side);
    if (glimpse_tiles_count(tiles) <= picture->parts) return GLIMPSE_OK;
    if (ingest->untiled_count == s->capacity) {
        const size_t capacity = s->capacity ? 2 * s->capacity : 1024;
        int64_t *grown = realloc(ingest->untiled, capacity * sizeof *grown);
        if (!grown) return glimpse_fail_nomem(capacity * sizeof *grown, "pictures without tiles");
        ingest->untiled = grown;
        s->capacity = capacity;
    }
    ingest->untiled[ingest->untiled_count++] = picture->picture;
    return GLIMPSE_OK;
}

static int compare(const void *a, const void *b) {
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int glimpse_ingest_find_untiled(glimpse_ingest *ingest) {
    search_untiled s = {ingest, 0, glimpse_engine_tile_side(ingest->engine)};
    int wanted = 0;
    for (size_t i = 0; i < ingest->root_count; i++)
        wanted |= ingest->roots[i].tiles;
    if (!wanted || !ingest->engine->crop) return GLIMPSE_OK;
    int status = ingest->store->ops->picture_parts.list(ingest->store, ingest->model, look, &s);
    if (status == GLIMPSE_OK && ingest->untiled_count > 1) {
        qsort(ingest->untiled, ingest->untiled_count, sizeof *ingest->untiled, compare);
    }
    return status;
}

int glimpse_ingest_is_untiled(const glimpse_ingest *ingest, int64_t picture) {
    return ingest->untiled_count > 0 && bsearch(&picture, ingest->untiled, ingest->untiled_count,
                                                sizeof picture, compare) != NULL;
}
