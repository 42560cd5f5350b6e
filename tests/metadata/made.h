/*
 * made.h - small files with metadata, made in memory: the inputs of these tests.
 */
#ifndef GLIMPSE_TESTS_METADATA_MADE_H
#define GLIMPSE_TESTS_METADATA_MADE_H

#include <stddef.h>
#include <stdint.h>

enum { MADE_BYTES = 1 << 16 };

typedef struct made {
    uint8_t bytes[MADE_BYTES];
    size_t size;
} made;

typedef enum made_directory { IN_IFD0, IN_EXIF, IN_GPS } made_directory;

/* A tag of text (its NUL is added), or with `text` NULL of `count` unsigned rationals. */
typedef struct made_tag {
    made_directory where;
    unsigned tag;
    const char *text;
    const uint32_t *rationals;
    unsigned count;
    unsigned number; /* a SHORT, with text and rationals NULL */
} made_tag;

/* An EXIF block: a TIFF structure of either byte order. */
made made_exif(const made_tag *tags, size_t count, int big_endian);
/* The one-tag block of most of these tests. */
made made_exif_text(made_directory where, unsigned tag, const char *text);

/* Files without a picture. */
made made_jpeg(const made *exif, const char *xmp, const made *iptc);
made made_png(const made *exif, const char *xmp);
made made_png_raw_profile(const made *exif); /* as ImageMagick writes it, uncompressed */
/* A chunk of text: "tEXt", "zTXt" or "iTXt". */
made made_png_text(const char *chunk, const char *keyword, const char *text);
made made_webp(const made *exif, const char *xmp);
made made_heif(const made *exif, const char *xmp);

/* A packet whose rdf:Description has these attributes and elements. */
const char *made_xmp(const char *attributes, const char *elements);
void made_add_iptc(made *iptc, unsigned set, const char *text);

#endif
