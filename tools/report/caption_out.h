/*
 * caption_out.h - captions as lines, JSON, JSON lines, CSV, alt texts for a web page, XMP sidecars.
 */
#ifndef GLIMPSE_TOOLS_CAPTION_OUT_H
#define GLIMPSE_TOOLS_CAPTION_OUT_H

#include "cli.h"

#include <glimpse/captions.h>

#include <stddef.h>

typedef struct caption_item {
    const char *path;
    char id[33];         /* content id, "" when not known */
    const char *text;    /* NULL: none */
    const char *model;   /* who wrote it; NULL: the model of this run */
    const char *problem; /* why there is none */
} caption_item;

typedef enum caption_format {
    CAPTION_LINES = 0, /* path, a tab, the caption */
    CAPTION_JSON,      /* an array of objects; of alt texts one object {"path": "alt"} */
    CAPTION_JSONL,
    CAPTION_CSV
} caption_format;
extern const char *const caption_formats[];

typedef struct caption_output {
    int format;       /* caption_format */
    int style;        /* glimpse_caption_style */
    const char *file; /* NULL or "-": stdout. A file appears under its name when it is whole */
    const char *relative_to; /* write paths as seen from this folder; NULL: as they are */
    const char *xmp;         /* sidecars: "" beside the pictures, else below this folder; or NULL */
    const char *model;
} caption_output;

/* The format a file name asks for; -1 when its ending says nothing. */
int caption_format_of(const char *file);

/* Writes `items` [count], in their order. CLI_RUN, or an exit code after a message; EXIT_PARTIAL
 * when sidecars of others were in the way. */
int caption_write(const caption_output *o, const caption_item *items, size_t count);

/* The keywords in "dog, snow,  winter sun", malloc'ed, trimmed, none empty. */
char **caption_keywords(const char *text, size_t *count);
void caption_keywords_free(char **words, size_t count);

#endif
