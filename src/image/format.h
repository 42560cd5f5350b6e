/*
 * image/format.h - what the engine and index/ ask about formats, beside glimpse/sys/image.h.
 *
 * Nothing outside src/image/decode lists formats or switches over them: each is a row of one table
 * (decode/decoder.h says how one is added), and these calls look into it.
 */
#ifndef GLIMPSE_IMAGE_FORMAT_H
#define GLIMPSE_IMAGE_FORMAT_H

#include "core/hash.h"

#include <glimpse/sys/image.h>
#include <glimpse/sys/metadata.h>

#include <stddef.h>
#include <stdint.h>

/* 1 when the format has a signature; 0 when its files are only plausible (TGA), so that a file
 * whose name is not a picture's should not be taken for one. 0 for GLIMPSE_FORMAT_UNKNOWN. */
int glimpse_format_is_certain(glimpse_image_format format);

/* 1 when a file of this format keeps every pixel as it was, judged by its bytes where files of the
 * format differ (WebP). 0 for "no" and for "cannot be told". */
int glimpse_format_is_lossless(glimpse_image_format format, const uint8_t *data, size_t size);

/* 0 when the mark that ends a picture of this format is missing, although every pixel may be there:
 * the file was cut, and what else it held is lost. 1 also where it cannot be told. */
int glimpse_format_is_whole(glimpse_image_format format, const uint8_t *data, size_t size);

/* 1 when the decoder may leave out pixels, as glimpse_decode_options.short_side asks. */
int glimpse_format_is_reducible(glimpse_image_format format);

/* "image/jpeg" for the formats that every server which takes pictures understands, else NULL. */
const char *glimpse_format_media_type(glimpse_image_format format);

/* 1 when decoding with `composite` found something to lay over a background. */
int glimpse_image_was_transparent(const glimpse_image *image);

/* What the header of a file announces. It decides nothing about a picture: it sizes reservations
 * of memory. Wrong figures make a bound looser or a run slower, never a picture different. */
typedef struct glimpse_declared {
    uint64_t width, height;   /* 0 when there is nothing to decode */
    unsigned bytes_per_pixel; /* that decoding holds at its peak */
    int unknown;              /* no size was found where this code looks */
} glimpse_declared;

glimpse_declared glimpse_format_declared(const uint8_t *data, size_t size);

/* The identity of the picture that is coded in the bytes of a file: what decides its pixels, and
 * its colour profiles. Editing metadata (ratings, captions, dates, places, thumbnails) does not
 * change it, turning the picture does. Nothing is decoded where the container tells coded pixels
 * from the rest; of other formats it is that of the decoded pixels. Files of one identity decode to
 * the same pixels.
 *
 * `metadata` is what the bytes say, with sidecars or without; NULL: it is read here. 1: the
 * identity is the picture's; 0: of all bytes, because the file is not as its format says;
 * GLIMPSE_E_NOMEM, without a message. */
int glimpse_image_identity(glimpse_hash *identity, const glimpse_metadata *metadata,
                           const uint8_t *data, size_t size);

/* 1 when glimpse_image_identity() would decode the file. Who needs its pixels as well, or minds the
 * memory, decodes it once with glimpse_image_decode_identified(), which gives the same identity;
 * where that fails, glimpse_image_identity_of_bytes() is what it would have been. */
int glimpse_image_identity_decodes(const uint8_t *data, size_t size);
int glimpse_image_decode_identified(glimpse_image **out, glimpse_hash *identity,
                                    const uint8_t *data, size_t size, const char *name,
                                    const glimpse_decode_options *options);
/* GLIMPSE_E_NOMEM, without a message, is its only failure. */
int glimpse_image_identity_of_bytes(glimpse_hash *identity, const uint8_t *data, size_t size);

/* The identity of a page of a TIFF (0: the first) as it is seen: its size, its colours turned
 * upright and its opacities. GLIMPSE_E_NOT_FOUND when there is no such page, else what decoding
 * says. `pixels` [1]: how many it has. */
int glimpse_image_page_hash(glimpse_hash *identity, uint64_t *pixels, const void *data, size_t size,
                            uint32_t page, uint64_t max_pixels);

/* Decodes `source` as picture->meta.format says, which glimpse_image_sniff() set and which is not
 * GLIMPSE_FORMAT_UNKNOWN. What a decoder reserved is released by the caller, on failure too. */
struct glimpse_source;
int glimpse_format_decode(glimpse_image *picture, const struct glimpse_source *source);

#endif
