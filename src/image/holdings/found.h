/*
 * image/holdings/found.h - what the readers of containers find; holdings.c makes one list of it.
 * Private to this directory.
 */
#ifndef GLIMPSE_IMAGE_HOLDINGS_FOUND_H
#define GLIMPSE_IMAGE_HOLDINGS_FOUND_H

#include "metadata/bytes.h"
#include "metadata/iso_boxes.h"

#include <glimpse/sys/holdings.h>

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct glimpse_found_parts {
    uint64_t *items;
    size_t count, capacity;
    double amount;
    uint64_t order; /* of the parts, and what else belongs to all of them together */
    int present, is_weak;
} glimpse_found_parts;

typedef struct glimpse_found {
    glimpse_found_parts kinds[GLIMPSE_HOLDING_COUNT];
    size_t part_count;    /* of all kinds */
    uint64_t page_pixels; /* that were decoded for the identity of pages */
    uint64_t max_pixels;  /* of which there may be so many, all pages together */
    int nomem;
    int may_be_transparent, may_be_deep; /* the header says so: decoding tells */
} glimpse_found;

/* A part; its bytes decide its identity. The kind is there afterwards. */
void glimpse_found_add(glimpse_found *to, glimpse_holding_kind kind, const void *data, size_t size);
void glimpse_found_add_text(glimpse_found *to, glimpse_holding_kind kind, const char *text);
/* The same and one more, or so much more, of it. */
void glimpse_found_count(glimpse_found *to, glimpse_holding_kind kind, double amount);

/* What tells files with the same parts of this kind apart: their order, the times of frames. Does
 * not make the kind be there. */
void glimpse_found_order(glimpse_found *to, glimpse_holding_kind kind, const void *data,
                         size_t size);

/* Readers. Each takes a whole file of its format. */
void glimpse_found_in_jpeg(glimpse_found *to, const uint8_t *data, size_t size);
void glimpse_found_in_png(glimpse_found *to, const uint8_t *data, size_t size);
void glimpse_found_in_gif(glimpse_found *to, const uint8_t *data, size_t size);
void glimpse_found_in_webp(glimpse_found *to, const uint8_t *data, size_t size);
void glimpse_found_in_tiff(glimpse_found *to, const uint8_t *data, size_t size);
void glimpse_found_in_psd(glimpse_found *to, const uint8_t *data, size_t size);
void glimpse_found_in_iso(glimpse_found *to, const uint8_t *data, size_t size);

/* What follows the end of a picture: films, sound, other pictures, or whatever. */
void glimpse_found_behind(glimpse_found *to, const uint8_t *data, size_t size);
/* A JPEG at `data`: where it ends; 0: there is none, or it has no end. */
size_t glimpse_jpeg_length(const uint8_t *data, size_t size);
/* A film from its bytes. */
void glimpse_found_film(glimpse_found *to, const uint8_t *data, size_t size);
/* An ICC profile, unless it is one of sRGB. */
void glimpse_found_profile(glimpse_found *to, const uint8_t *icc, size_t size);
/* What Photoshop keeps of layers: the layer and mask section, without its length. */
void glimpse_found_layers(glimpse_found *to, const uint8_t *section, size_t size);
/* Resources of Photoshop, of its own files and of JPEG. */
void glimpse_found_resources(glimpse_found *to, const uint8_t *data, size_t size);
/* The metadata, and what is beside the file. */
void glimpse_found_in_metadata(glimpse_found *to, const uint8_t *data, size_t size,
                               const char *path);
void glimpse_found_beside(glimpse_found *to, const char *path);
/* All that EXIF, IPTC and XMP of a picture file say; that a sidecar says. */
void glimpse_found_statements(glimpse_found *to, const uint8_t *data, size_t size);
void glimpse_found_sidecar(glimpse_found *to, const uint8_t *data, size_t size);
/* A date of the shot, as it may be written. */
void glimpse_found_date(glimpse_found *to, const char *text);
/* A caption, unless a program or a camera wrote it of itself. */
void glimpse_found_comment(glimpse_found *to, const uint8_t *text, size_t size);

static inline int glimpse_begins(const uint8_t *data, size_t size, const char *text) {
    const size_t length = strlen(text);
    return size >= length && memcmp(data, text, length) == 0;
}

#endif
