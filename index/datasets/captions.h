/*
 * captions.h - pictures and texts that describe them.
 *
 * A table (CSV, TSV) with the columns image (or path, file, filename, file_name, filepath) and
 * caption (or text, title), a row for each caption. Or JSON: COCO captions ("images" with id and
 * file_name, "annotations" with image_id and caption), or an array or lines of objects with the
 * same keys as the columns, where caption, captions or text is a string or an array of strings.
 *
 * Rows of one picture are one picture with several captions; captions that are equal byte for byte
 * are one text that fits all their pictures, because no model can tell them apart. Rows without a
 * caption are counted and left out.
 */
#ifndef GLIMPSE_TOOLS_CAPTIONS_H
#define GLIMPSE_TOOLS_CAPTIONS_H

#include <glimpse/evaluate.h>

typedef struct captions {
    char **images;       /* [image_count] where they are, in order of first mention */
    char **texts;        /* [text_count] in order of first mention */
    glimpse_pair *pairs; /* [pair_count] no pair twice */
    size_t image_count, text_count, pair_count;
    size_t without; /* rows without a caption */
} captions;

/* Relative names begin at `folder` (NULL: the file's own). NULL after saying why. */
captions *captions_read(const char *file, const char *folder);
void captions_free(captions *c);
/* Leaves out the pictures with drop[i] != 0, and texts that then fit none. */
void captions_drop(captions *c, const unsigned char *drop);

#endif
