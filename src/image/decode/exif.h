/*
 * image/decode/exif.h - date, camera, place and orientation from an EXIF block. Private to this
 * directory.
 */
#ifndef GLIMPSE_IMAGE_DECODE_EXIF_H
#define GLIMPSE_IMAGE_DECODE_EXIF_H

#include "image/decode/decoder.h"

/* Reads an EXIF block, with or without the leading "Exif\0\0", into the fields of `meta` that it
 * has. Damaged blocks are not an error: what can be read is taken, the picture matters more. */
void glimpse_exif_read(glimpse_image_meta *meta, const uint8_t *data, size_t size);

/* The pieces, for containers that store tags in their own way (TIFF). */
void glimpse_exif_set_taken(glimpse_image_meta *meta, const char *text, size_t length);
void glimpse_exif_set_camera(glimpse_image_meta *meta, const char *make, size_t make_length,
                             const char *model, size_t model_length);
/* degrees, minutes, seconds; refs are 'N', 'S', 'E', 'W' */
void glimpse_exif_set_place(glimpse_image_meta *meta, const double latitude[3], char latitude_ref,
                            const double longitude[3], char longitude_ref);

#endif
