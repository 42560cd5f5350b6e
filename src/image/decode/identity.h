/*
 * image/decode/identity.h - what a format's `identify` does. Private to this directory; who asks
 * for an identity calls glimpse_image_identity() (image/format.h).
 *
 * Formats that are decoded and have none are known by their pixels, which takes decoding them and
 * nothing else: a walker is for formats with metadata, and makes recognising a file cheap.
 *
 * A walker goes through the container and adds all that decides a pixel, and what else belongs to
 * the picture (colour profiles), in an order that editing metadata does not change. It leaves out
 * metadata, and what moves when metadata grows: offsets, flags that say which blocks there are.
 * What it does not know, it adds. The caller adds the orientation.
 *
 * Whenever something is not as the format says, a walker returns 0, and the identity is that of all
 * bytes: a file that is taken for another one of its picture is the one mistake that must not
 * happen; one that is not recognised costs an encoding.
 */
#ifndef GLIMPSE_IMAGE_DECODE_IDENTITY_H
#define GLIMPSE_IMAGE_DECODE_IDENTITY_H

#include "image/decode/decoder.h"

#include "core/hash.h"

struct glimpse_identifier {
    glimpse_hasher *hasher;
    uint64_t left; /* bytes that may still be added: parts of a file can overlap */
    int failed;    /* more were */
};

/* A part: its length and its bytes. */
void glimpse_identify_bytes(glimpse_identifier *to, const void *data, size_t size);
void glimpse_identify_number(glimpse_identifier *to, uint64_t number);

/* 1: all was added; 0: the container is not understood. Those of JPEG and ISO media read the
 * metadata as well; the others leave that to their decoders, which have what it takes. */
int glimpse_identify_jpeg(glimpse_identifier *to, const uint8_t *data, size_t size);
int glimpse_identify_png(glimpse_identifier *to, const uint8_t *data, size_t size);
int glimpse_identify_webp(glimpse_identifier *to, const uint8_t *data, size_t size);
int glimpse_identify_gif(glimpse_identifier *to, const uint8_t *data, size_t size);
int glimpse_identify_psd(glimpse_identifier *to, const uint8_t *data, size_t size);
int glimpse_identify_tiff(glimpse_identifier *to, const uint8_t *data, size_t size);
int glimpse_identify_iso(glimpse_identifier *to, const uint8_t *data, size_t size);

#endif
