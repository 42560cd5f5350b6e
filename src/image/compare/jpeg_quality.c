/*
 * image/compare/jpeg_quality.c - the quality setting that a JPEG was written with, from its tables.
 *
 * libjpeg scales the tables of ITU-T T.81 annex K by s = 5000/q percent for q < 50 and 200 - 2q
 * otherwise (jpeg_quality_scaling) and clips to 1..255. The estimate is the q whose scaled
 * luminance table is nearest to the one in the file, which is exact for libjpeg's own tables and
 * near for others'. A table's order in the file is zigzag, and so is the one below.
 */
#include <glimpse/sys/fingerprint.h>

#include <stdlib.h>

static const uint8_t luminance[64] = {16,  11, 12, 14,  12,  10,  16,  14,  13, 14,  18,  17,  16,
                                      19,  24, 40, 26,  24,  22,  22,  24,  49, 35,  37,  29,  40,
                                      58,  51, 61, 60,  57,  51,  56,  55,  64, 72,  92,  78,  64,
                                      68,  87, 69, 55,  56,  80,  109, 81,  87, 95,  98,  103, 104,
                                      103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99};

static int nearest_quality(const unsigned table[64]) {
    long min = -1;
    int best = 0;
    for (int q = 1; q <= 100; q++) {
        long scale = q < 50 ? 5000 / q : 200 - 2 * q, distance = 0;
        for (int i = 0; i < 64; i++) {
            long value = (luminance[i] * scale + 50) / 100;
            value = value < 1 ? 1 : value > 255 ? 255 : value;
            distance += labs(value - (long)table[i]);
        }
        if (min < 0 || distance < min) min = distance, best = q;
    }
    return best;
}

int glimpse_jpeg_quality(const void *data, size_t size) {
    const uint8_t *p = data;
    if (size < 4 || p[0] != 0xFF || p[1] != 0xD8) return 0;
    size_t at = 2;
    while (at + 4 <= size) {
        if (p[at] != 0xFF) return 0;
        unsigned marker = p[at + 1];
        if (marker == 0xFF) {
            at++;
            continue;
        }
        if (marker == 0xD9 || marker == 0xDA) return 0;
        if (marker == 0x01 || (marker >= 0xD0 && marker <= 0xD7)) {
            at += 2;
            continue;
        }
        size_t length = (size_t)p[at + 2] << 8 | p[at + 3], end = at + 2 + length;
        if (length < 2 || end > size) return 0;
        for (size_t i = at + 4; marker == 0xDB && i < end;) {
            unsigned wide = p[i] >> 4, id = p[i] & 15U;
            size_t bytes = wide ? 128 : 64;
            if (wide > 1 || i + 1 + bytes > end) return 0;
            if (id == 0) {
                unsigned table[64];
                for (size_t k = 0; k < 64; k++) {
                    table[k] =
                        wide ? (unsigned)(p[i + 1 + 2 * k] << 8 | p[i + 2 + 2 * k]) : p[i + 1 + k];
                }
                return nearest_quality(table);
            }
            i += 1 + bytes;
        }
        at = end;
    }
    return 0;
}
