/*
 * model/weights_cache.h - prepared weights on disk, so that a process that starts converts nothing.
 *
 * What a backend makes of weights - blocked for oneDNN, quantised, rounded to bf16 - is written
 * once beneath ${XDG_CACHE_HOME:-~/.cache}/glimpse/weights and mapped by later processes. Weights
 * that are used as the model's file has them (f32 through OpenBLAS) are not prepared and not kept.
 *
 * One file per model, tower and way of computing:
 *      0  "glimpsew"                      24  key [256]: fingerprint, tower, backend and what
 *      8  u32 format version                  decides its layouts, precision, version of glimpse
 *     12  u32 number of entries          280  XXH3-128 of everything up to the first entry, taken
 *     16  u64 bytes of the file               with these 16 bytes zero
 *    296  entries: u64 offset, u64 bytes, XXH3-128 of the bytes
 *         then the data of each, 64-byte aligned; numbers as this machine writes them
 *
 * Nothing is believed: key, length, table and the hash of every entry are checked each time (8 to
 * 10 GB/s, and the pages would be read anyway); what does not fit is prepared as if there were no
 * file. A file is written under another name and renamed, without waiting for the disk - a damaged
 * one is noticed. Processes may do this at the same time, and files may be deleted at any time. A
 * disk that is full or read-only means no cache, and the same numbers.
 *
 * GLIMPSE_WEIGHTS_CACHE in the environment: 0 switches it off, another number is the limit in MB
 * (4096). When a file is written, those used longest ago go until what is left is within the limit.
 */
#ifndef GLIMPSE_MODEL_WEIGHTS_CACHE_H
#define GLIMPSE_MODEL_WEIGHTS_CACHE_H

#include "core/file.h"
#include "math/linear.h"
#include "math/prepared_weights.h"

enum { GLIMPSE_WEIGHTS_KEY = 256 };

typedef struct glimpse_weights_cache {
    char *path; /* NULL: no cache */
    char key[GLIMPSE_WEIGHTS_KEY];
    glimpse_mapping mapping;
    glimpse_prepared_weights prepared; /* for the tower that is opened next */
} glimpse_weights_cache;

/* Never fails: without a usable file they are collected, without a directory it does nothing.
 * `tower` is "text" or "image". */
void glimpse_weights_open(glimpse_weights_cache *cache, const char *fingerprint, const char *tower,
                          const glimpse_math *math);
/* After the tower was opened: writes what was collected, when that is worth a file. */
void glimpse_weights_store(glimpse_weights_cache *cache);
/* After the tower was closed; a zeroed one is fine. */
void glimpse_weights_close(glimpse_weights_cache *cache);

#endif
