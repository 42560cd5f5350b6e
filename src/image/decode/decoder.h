/*
 * image/decode/decoder.h - a format of pictures, and what the decoders share. Private to this
 * directory: everybody else asks through image/format.h and glimpse/sys/image.h.
 *
 * Adding a format takes three places:
 *
 *     decode_xyz.c          ends in `const glimpse_format glimpse_format_xyz = {.name = ...};`
 *     glimpse/sys/image.h   X(XYZ, xyz) at the end of GLIMPSE_IMAGE_FORMATS: the value of the
 *                           public enumeration, and the row of the table
 *     CMakeLists.txt        the name of the file, and its library if it has one
 *
 * Names, endings, `glimpse doctor`, the walk over directories and the reservation of memory follow
 * from the row. A format whose library a build may lack keeps its row there, without `decode`; so
 * does one that is only recognised, to be refused by its name (recognised.c).
 *
 * A decoder gets the bytes of a file and an empty picture. It finds the declared size, calls
 * glimpse_picture_reserve(), fills `pixels`, and notes what it knows in `meta` and `turn`. It
 * returns a status whose message does not name the file.
 */
#ifndef GLIMPSE_IMAGE_DECODE_DECODER_H
#define GLIMPSE_IMAGE_DECODE_DECODER_H

#ifndef GLIMPSE_IMAGE_DECODE
# error "image/decode/decoder.h belongs to src/image/decode; others include image/format.h"
#endif

#include "image/format.h"
#include "image/picture.h"

#include <string.h>

typedef struct glimpse_identifier glimpse_identifier;

typedef struct glimpse_format {
    const char *name;       /* "JPEG"; people see it, and catalogues keep it */
    const char *endings;    /* of file names, lower case: "jpg jpeg jpe" */
    const char *media_type; /* see glimpse_format_media_type(); usually NULL */
    /* How many bytes of the beginning prove the format; 0: it is another. The format with the most
     * wins, so that a camera raw file that begins as a TIFF is one. 1 is for "plausible". At least
     * GLIMPSE_SNIFF_BYTES bytes are there unless the file is shorter. */
    unsigned (*sniff)(const uint8_t *data, size_t size);
    int reducible;      /* `decode` heeds source->short_side */
    int only_plausible; /* no signature: see glimpse_format_is_certain() */
    /* NULL: recognised, but not decoded by this build. `source` was sniffed as this format. */
    int (*decode)(glimpse_image *picture, const glimpse_source *source);
    /* Whether `decode` can work on this machine; NULL: always. For libraries found at run time. */
    int (*available)(void);
    /* See image/format.h; NULL: the size cannot be told, or never lossless. */
    glimpse_declared (*declared)(const uint8_t *data, size_t size);
    int (*lossless)(const uint8_t *data, size_t size);
    /* See decode/identity.h; NULL: the identity is that of the decoded pixels. */
    int (*identify)(glimpse_identifier *to, const uint8_t *data, size_t size);
    int has_end; /* a mark ends a picture, and `identify` takes no file without it */
} glimpse_format;

/* 1 for formats that are decoded and have no `identify`. */
int glimpse_format_is_identified_by_pixels(glimpse_image_format format);
/* See image/format.h. 0 also for formats that cannot do it. */
int glimpse_format_identify(glimpse_image_format format, glimpse_identifier *to,
                            const uint8_t *data, size_t size);

#define GLIMPSE_FORMAT_ROW(VALUE, name) extern const glimpse_format glimpse_format_##name;
GLIMPSE_IMAGE_FORMATS(GLIMPSE_FORMAT_ROW)
#undef GLIMPSE_FORMAT_ROW

/* For `sniff`: how many bytes of the literal `text` are at `offset`: all, or 0. */
#define glimpse_has(data, size, offset, text) \
 glimpse_has_bytes(data, size, offset, text, sizeof(text) - 1)
static inline unsigned glimpse_has_bytes(const uint8_t *data, size_t size, size_t offset,
                                         const char *text, size_t length) {
    const int equal = size >= offset + length && memcmp(data + offset, text, length) == 0;
    return equal ? (unsigned)length : 0;
}

/* For `lossless`: formats that never lose anything. */
static inline int glimpse_always_lossless(const uint8_t *data, size_t size) {
    (void)data;
    (void)size;
    return 1;
}

/* For `declared`, when a file is too short for a header: then it is too short for everything. */
static inline glimpse_declared glimpse_declares_nothing(void) {
    return (glimpse_declared){.bytes_per_pixel = 8};
}

/* Pillow's CMYK (0 = no ink) to RGB: (255-c)(255-k)/255, rounded. */
static inline uint8_t glimpse_cmyk_channel(unsigned c, unsigned k) {
    unsigned light = 255 - k;
    unsigned product = c * light + 128;
    return (uint8_t)(light - (((product >> 8) + product) >> 8));
}

static inline uint32_t glimpse_u16le(const uint8_t *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}
static inline uint32_t glimpse_u32le(const uint8_t *p) {
    return glimpse_u16le(p) | glimpse_u16le(p + 2) << 16;
}
static inline uint32_t glimpse_u16be(const uint8_t *p) {
    return (uint32_t)p[0] << 8 | (uint32_t)p[1];
}
static inline uint32_t glimpse_u32be(const uint8_t *p) {
    return glimpse_u16be(p) << 16 | glimpse_u16be(p + 2);
}

#endif
