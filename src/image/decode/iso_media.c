/*
 * image/decode/iso_media.c - brands and announced sizes in ISO media files.
 */
#include "image/decode/iso_media.h"

enum { BRANDS_WITHIN = 64 }; /* bytes in which the brands are looked for */

/* "ftyp" box: major brand at 8, compatible brands from 16 on. A file may call itself just "mif1"
 * and name its codec among the compatible brands. */
glimpse_iso_kind glimpse_iso_media_kind(const uint8_t *p, size_t size) {
    if (size > BRANDS_WITHIN) size = BRANDS_WITHIN;
    if (size < 12 || memcmp(p + 4, "ftyp", 4) != 0) return GLIMPSE_ISO_OTHER;
    const size_t box = glimpse_u32be(p);
    const size_t end = box < size ? box : size;
    int general = 0;
    for (size_t at = 8; at + 4 <= end || at == 8; at += at == 8 ? 8 : 4) {
        const char *brand = (const char *)p + at;
        if (memcmp(brand, "crx ", 4) == 0) return GLIMPSE_ISO_CR3;
        if (memcmp(brand, "avif", 4) == 0 || memcmp(brand, "avis", 4) == 0) return GLIMPSE_ISO_AVIF;
        if (memcmp(brand, "hei", 3) == 0 || memcmp(brand, "hev", 3) == 0) return GLIMPSE_ISO_HEIF;
        if (memcmp(brand, "mif", 3) == 0 || memcmp(brand, "msf1", 4) == 0 ||
            memcmp(brand, "miaf", 4) == 0) {
            general = 1;
        }
    }
    return general ? GLIMPSE_ISO_HEIF : GLIMPSE_ISO_OTHER;
}

glimpse_declared glimpse_iso_media_declared(const uint8_t *p, size_t size) {
    glimpse_declared found = {.bytes_per_pixel = 16, .unknown = 1};
    const size_t end = size < (1u << 20) ? size : 1u << 20;
    for (size_t at = 4; at + 16 <= end; at++) {
        if (p[at] != 'i' || memcmp(p + at, "ispe", 4) != 0) continue;
        const uint64_t width = glimpse_u32be(p + at + 8), height = glimpse_u32be(p + at + 12);
        found.unknown = 0;
        if (found.width == 0 || width * height > found.width * found.height) {
            found.width = width;
            found.height = height;
        }
    }
    return found;
}
