/*
 * pictures.h - picture files of a test's own: binary PPM, which every build reads.
 */
#ifndef GLIMPSE_TESTS_PICTURES_H
#define GLIMPSE_TESTS_PICTURES_H

#include "support/test.h"

/* `rgb` has width * height * 3 bytes. */
void write_ppm(const char *path, unsigned width, unsigned height, const void *rgb);
/* A gradient and noise that depend on `seed`. */
void write_picture(const char *path, unsigned width, unsigned height, unsigned seed);

#endif
