/*
 * metadata/blocks.h - where in a file its blocks of metadata are. Private to this directory.
 */
#ifndef GLIMPSE_METADATA_BLOCKS_H
#define GLIMPSE_METADATA_BLOCKS_H

#include "metadata/fields.h"

#include <stddef.h>
#include <stdint.h>

/* Metadata of more bytes is no one's; it bounds what is inflated and put together, too. */
#define GLIMPSE_MAX_BLOCK ((size_t)16 << 20)

typedef struct glimpse_block {
    const uint8_t *data;
    size_t size;
    glimpse_tiff_kind kind; /* of EXIF */
} glimpse_block;

enum { GLIMPSE_MAX_BLOCKS = 4, GLIMPSE_MAX_OWNED = 16 };

typedef struct glimpse_block_list {
    glimpse_block items[GLIMPSE_MAX_BLOCKS];
    size_t count;
} glimpse_block_list;

typedef struct glimpse_blocks {
    glimpse_block_list exif, xmp, iptc; /* those of one kind in the order in which they count */
    glimpse_block_list created;         /* texts that say when a PNG was made */
    uint8_t *owned[GLIMPSE_MAX_OWNED];  /* what was not in one piece in the file */
    size_t owned_count;
    int nomem;
} glimpse_blocks;

/* Never fails; `nomem` says when something had to be left out. The blocks point into `data`. */
void glimpse_blocks_find(glimpse_blocks *blocks, const uint8_t *data, size_t size);
void glimpse_blocks_free(glimpse_blocks *blocks);

/* For the files that walk through containers. */
void glimpse_blocks_add(glimpse_block_list *list, const uint8_t *data, size_t size);
/* EXIF with or without "Exif\0\0" in front. */
void glimpse_blocks_add_exif(glimpse_blocks *blocks, const uint8_t *data, size_t size,
                             glimpse_tiff_kind kind);
/* Memory that goes with the blocks; NULL when there is none. */
uint8_t *glimpse_blocks_alloc(glimpse_blocks *blocks, size_t size);
/* Photoshop's image resources: IPTC, and in its own files EXIF and XMP. */
void glimpse_blocks_resources(glimpse_blocks *blocks, const uint8_t *data, size_t size);

void glimpse_blocks_jpeg(glimpse_blocks *blocks, const uint8_t *data, size_t size);
void glimpse_blocks_png(glimpse_blocks *blocks, const uint8_t *data, size_t size);
void glimpse_blocks_iso(glimpse_blocks *blocks, const uint8_t *data, size_t size);

#endif
