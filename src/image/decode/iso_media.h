/*
 * image/decode/iso_media.h - which kind of picture an ISO media file (HEIF's container) holds.
 */
#ifndef GLIMPSE_IMAGE_DECODE_ISO_MEDIA_H
#define GLIMPSE_IMAGE_DECODE_ISO_MEDIA_H

#include "image/decode/decoder.h"

typedef enum glimpse_iso_kind {
    GLIMPSE_ISO_OTHER = 0, /* a film, or no such file */
    GLIMPSE_ISO_HEIF,
    GLIMPSE_ISO_AVIF,
    GLIMPSE_ISO_CR3 /* camera raw */
} glimpse_iso_kind;

/* What a kind is worth as glimpse_format.sniff counts: "ftyp" and a brand. */
enum { GLIMPSE_ISO_PROOF = 8 };

glimpse_iso_kind glimpse_iso_media_kind(const uint8_t *data, size_t size);

/* The largest "ispe" property near the front; tiles and thumbnails have their own. */
glimpse_declared glimpse_iso_media_declared(const uint8_t *data, size_t size);

#endif
