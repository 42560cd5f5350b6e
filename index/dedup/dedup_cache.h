/*
 * index/dedup/dedup_cache.h - what a scan finds out about a picture, kept in the catalogue of a
 * library (schema step 5 -> 6), so that the next scan decodes nothing.
 *
 * Rows belong to pictures: what is kept stays right wherever a file goes, and when its metadata are
 * edited. What the bytes themselves say (date, camera, size) is kept with the content that it is
 * of, and read again from a file of the picture that has others. A file whose size, time and inode
 * are those that the catalogue knows is taken to have the bytes it had, as when indexing; of any
 * other the bytes are read and hashed first. Rows of another GLIMPSE_DEDUP_CACHE_VERSION, and such
 * that do not match their checksum, are as good as none.
 *
 * It is a convenience: that the library is read-only, or busy, means only that nothing is kept.
 */
#ifndef GLIMPSE_INDEX_DEDUP_CACHE_H
#define GLIMPSE_INDEX_DEDUP_CACHE_H

#include "dedup_private.h"

#include <sys/stat.h>

/* To be raised whenever any of it is worked out in another way. */
enum { GLIMPSE_DEDUP_CACHE_VERSION = 7 };

/* 1 when the libraries know the file, as `info` describes it, and what is in it: `item` is filled,
 * but for its label, time and embedding. Otherwise 0. Any thread. */
int glimpse_dedup_cache_find_file(const glimpse_dedup *dedup, glimpse_dedup_item *item,
                                  const struct stat *info);
/* The same for the content with this id (hexadecimal) and size. */
int glimpse_dedup_cache_find_content(const glimpse_dedup *dedup, glimpse_dedup_item *item,
                                     const char *id, uint64_t size);
/* The same of another item with equal bytes. */
int glimpse_dedup_cache_copy(glimpse_dedup_item *item, const glimpse_dedup_item *from);
/* Keeps what was found out about these items, as far as the libraries know their contents. */
void glimpse_dedup_cache_write(const glimpse_dedup *dedup, const uint32_t *items, size_t count);

/* Thumbnails, of which only those are kept that were looked at. */
int glimpse_dedup_cache_find_thumb(const glimpse_dedup *dedup, const glimpse_dedup_item *item,
                                   glimpse_thumb *thumb);
void glimpse_dedup_cache_write_thumb(const glimpse_dedup *dedup, const glimpse_dedup_item *item,
                                     const glimpse_thumb *thumb);
/* Those of all items with a candidate. */
void glimpse_dedup_cache_write_thumbs(const glimpse_dedup *dedup);

#endif
