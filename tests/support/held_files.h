/*
 * held_files.h - pairs of files with the same first picture, of which one holds exactly one thing
 * more than the other. Needs tests/metadata/made.c, zlib and libwebp.
 */
#ifndef GLIMPSE_TESTS_HELD_FILES_H
#define GLIMPSE_TESTS_HELD_FILES_H

#include <glimpse/sys/holdings.h>

#include <stddef.h>

typedef struct held_pair {
    const char *thing; /* what it is, for messages */
    glimpse_holding_kind kind;
    const char *more_ending, *less_ending; /* ".jpg" */
    int other_pixels; /* the pictures are only alike (opacities): the richer one stays all the same
                       */
    const void *how;  /* of held_files.c */
} held_pair;

size_t held_pair_count(void);
const held_pair *held_pair_at(size_t i);

/* Writes STEM and the endings, and what belongs beside them. Each pair has a picture of its own. */
void held_pair_write(size_t i, const char *more_stem, const char *less_stem);

/* A PNG of a shape (0: disc, 1: ring, 2: cross, 3: stripes) in one grey. `behind` 0..255: on that
 * grey; negative: on nothing, where the colour is the drawing's own. */
void held_drawing_write(const char *path, int shape, int grey, int behind);

/* A TIFF of `pages` pages: the cover, and others that `inside` decides. */
void held_document_write(const char *path, unsigned cover, unsigned inside, unsigned pages);
/* Its pages behind the cover in the opposite order. */
void held_document_reversed_write(const char *path, unsigned cover, unsigned inside,
                                  unsigned pages);

/* A picture in colours; the same three times as large, in grey. */
void held_colours_write(const char *path, unsigned seed);
void held_large_grey_write(const char *path, unsigned seed);

/* A JPEG of one camera and second, and the parts of the second. */
void held_shot_write(const char *path, unsigned seed, const char *subseconds);

#endif
