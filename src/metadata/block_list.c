/*
 * metadata/block_list.c - the blocks that were found, and what they need in memory.
 */
#include "metadata/blocks.h"
#include "metadata/bytes.h"

#include <stdlib.h>
#include <string.h>

void glimpse_blocks_add(glimpse_block_list *list, const uint8_t *data, size_t size) {
    if (size == 0 || size > GLIMPSE_MAX_BLOCK || list->count == GLIMPSE_MAX_BLOCKS) return;
    list->items[list->count++] = (glimpse_block){data, size, GLIMPSE_TIFF_WHOLE};
}

void glimpse_blocks_add_exif(glimpse_blocks *blocks, const uint8_t *data, size_t size,
                             glimpse_tiff_kind kind) {
    glimpse_block_list *list = &blocks->exif;
    if (size >= 6 && memcmp(data, "Exif\0", 5) == 0) {
        data += 6;
        size -= 6;
    }
    /* A TIFF file is such a block: no limit but the file. */
    if (size < 8 || list->count == GLIMPSE_MAX_BLOCKS) return;
    list->items[list->count++] = (glimpse_block){data, size, kind};
}

uint8_t *glimpse_blocks_alloc(glimpse_blocks *blocks, size_t size) {
    if (blocks->owned_count == GLIMPSE_MAX_OWNED) return NULL;
    uint8_t *memory = malloc(size ? size : 1);
    if (memory)
        blocks->owned[blocks->owned_count++] = memory;
    else
        blocks->nomem = 1;
    return memory;
}

void glimpse_blocks_free(glimpse_blocks *blocks) {
    for (size_t i = 0; i < blocks->owned_count; i++)
        free(blocks->owned[i]);
    blocks->owned_count = 0;
}

void glimpse_blocks_resources(glimpse_blocks *blocks, const uint8_t *data, size_t size) {
    /* "8BIM", id, name as a Pascal string padded to even, size, data padded to even */
    for (size_t at = 0; at + 12 <= size;) {
        if (memcmp(data + at, "8BIM", 4) != 0) return;
        const unsigned id = glimpse_get16(data + at + 4, 1);
        const size_t name = ((size_t)data[at + 6] + 2) & ~(size_t)1;
        at += 6 + name;
        if (at > size || size - at < 4) return;
        size_t length = glimpse_get32(data + at, 1);
        at += 4;
        if (length > size - at) length = size - at;
        if (id == 0x0404) glimpse_blocks_add(&blocks->iptc, data + at, length);
        if (id == 0x0422) glimpse_blocks_add_exif(blocks, data + at, length, GLIMPSE_TIFF_WHOLE);
        if (id == 0x0424) glimpse_blocks_add(&blocks->xmp, data + at, length);
        at += length + (length & 1);
    }
}
