/*
 * tiles.h - which tiles a picture is embedded in (glimpse_tile_box has where they are).
 */
#ifndef GLIMPSE_INDEX_TILES_H
#define GLIMPSE_INDEX_TILES_H

#include <glimpse/library.h>

#include <stdint.h>

/* How much finer than a whole picture the smallest tile is looked at: its side is at least this
 * part of the picture's shorter one. */
enum { GLIMPSE_TILES_FINEST = 3 };

/* The tiles of such a picture whose sides are at least `min_side`, as bits: 1 << tile. */
uint32_t glimpse_tiles_of(uint32_t width, uint32_t height, uint32_t min_side);
/* How many there are. */
uint32_t glimpse_tiles_count(uint32_t tiles);

#endif
