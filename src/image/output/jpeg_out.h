/*
 * image/output/jpeg_out.h - pixels as a JPEG, for what leaves this machine and for pages with
 * pictures.
 */
#ifndef GLIMPSE_IMAGE_JPEG_OUT_H
#define GLIMPSE_IMAGE_JPEG_OUT_H

#include <stddef.h>
#include <stdint.h>

/* A JPEG of `rgb` [height][width][3]; free() *out. `exif`: an APP1 segment that goes along as it
 * is; NULL and 0: none. Fails when memory runs out, or with GLIMPSE_E_INTERNAL for sides that no
 * JPEG has (0, or above 65500). */
int glimpse_jpeg_encode(uint8_t **out, size_t *size, const uint8_t *rgb, uint32_t width,
                        uint32_t height, int quality, const uint8_t *exif, size_t exif_size);

#endif
