/*
 * tiles.c - where the tiles of a picture lie.
 *
 * Tiles are squares, because models look at squares: of anything longer, those that crop would not
 * see the ends. Of n x n tiles n lie beside each other along the longer side; along the shorter one
 * they are spread evenly, and overlap. What a border of the one grid cuts lies inside a tile of the
 * other, so that along the longer side an overlap finds no more (benchmarks/bench_tiles.c has
 * tried) and would make what is small smaller. A picture that is longer than n times its shorter
 * side has gaps between them.
 */
#include "tiles.h"

/* Of tile 1 to GLIMPSE_TILES: n of its n x n, its column and its row. */
static unsigned locate(unsigned *column, unsigned *row, unsigned tile) {
    const unsigned n = tile <= 4 ? 2 : 3, i = tile <= 4 ? tile - 1 : tile - 5;
    *column = i % n;
    *row = i / n;
    return n;
}

static glimpse_box place(unsigned tile, uint32_t width, uint32_t height) {
    unsigned column, row;
    const unsigned n = locate(&column, &row, tile);
    const uint32_t longer = width > height ? width : height;
    const uint32_t shorter = width > height ? height : width;
    const uint32_t wanted = longer / n + (longer % n != 0);
    const uint32_t side = wanted < shorter ? wanted : shorter;
    return (glimpse_box){(uint32_t)((uint64_t)(width - side) * column / (n - 1)),
                         (uint32_t)((uint64_t)(height - side) * row / (n - 1)), side, side};
}

static int is_same(const glimpse_box *a, const glimpse_box *b) {
    return a->x == b->x && a->y == b->y && a->width == b->width && a->height == b->height;
}

int glimpse_tile_box(glimpse_box *box, unsigned tile, uint32_t width, uint32_t height) {
    const glimpse_box none = {0, 0, 0, 0}, whole = {0, 0, width, height};
    *box = none;
    if (tile < 1 || tile > GLIMPSE_TILES || width == 0 || height == 0) return 0;
    const glimpse_box own = place(tile, width, height);
    if (own.width == 0 || is_same(&own, &whole)) return 0;
    for (unsigned earlier = 1; earlier < tile; earlier++) {
        const glimpse_box other = place(earlier, width, height);
        if (is_same(&own, &other)) return 0;
    }
    *box = own;
    return 1;
}

uint32_t glimpse_tiles_of(uint32_t width, uint32_t height, uint32_t min_side) {
    uint32_t tiles = 0;
    for (unsigned tile = 1; tile <= GLIMPSE_TILES; tile++) {
        glimpse_box box;
        if (glimpse_tile_box(&box, tile, width, height) && box.width >= min_side) {
            tiles |= UINT32_C(1) << tile;
        }
    }
    return tiles;
}

uint32_t glimpse_tiles_count(uint32_t tiles) {
    uint32_t count = 0;
    for (; tiles; tiles &= tiles - 1)
        count++;
    return count;
}
