/*
 * pictures.h - picture files of a test's own: binary PPM, which every build reads, PNG for
 * what is transparent; and the pictures inside of pages that were written.
 */
#ifndef GLIMPSE_TESTS_PICTURES_H
#define GLIMPSE_TESTS_PICTURES_H

#include "support/test.h"

/* `rgb` has width * height * 3 bytes. */
void write_ppm(const char *path, unsigned width, unsigned height, const void *rgb);
/* `rgba` has width * height * 4 bytes; a PNG with opacities. */
void write_rgba(const char *path, unsigned width, unsigned height, const void *rgba);
/* A gradient and noise that depend on `seed`. */
void write_picture(const char *path, unsigned width, unsigned height, unsigned seed);

struct glimpse_image;
/* The number `index` of the pictures that are inside of an HTML page as data; NULL after the last.
 * glimpse_image_free() it. */
struct glimpse_image *picture_in_page(const char *page, size_t index);
/* What a picture's pixels are nearest to, at a place in fractions of its sides. */
unsigned grey_at(const struct glimpse_image *image, double x, double y);

#endif
