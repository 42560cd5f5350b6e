/*
 * metadata/bytes.h - numbers of either byte order out of a block.
 */
#ifndef GLIMPSE_METADATA_BYTES_H
#define GLIMPSE_METADATA_BYTES_H

#include <stdint.h>

static inline uint32_t glimpse_get16(const uint8_t *p, int big) {
    return big ? (uint32_t)p[0] << 8 | p[1] : (uint32_t)p[1] << 8 | p[0];
}
static inline uint32_t glimpse_get32(const uint8_t *p, int big) {
    return big ? glimpse_get16(p, 1) << 16 | glimpse_get16(p + 2, 1)
               : glimpse_get16(p + 2, 0) << 16 | glimpse_get16(p, 0);
}
static inline uint64_t glimpse_get64be(const uint8_t *p) {
    return (uint64_t)glimpse_get32(p, 1) << 32 | glimpse_get32(p + 4, 1);
}

#endif
