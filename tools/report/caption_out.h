/*
 * caption_out.h - captions as the options of glimpse caption ask for them; the formats are those of
 * <glimpse/dataset_writer.h>.
 */
#ifndef GLIMPSE_TOOLS_CAPTION_OUT_H
#define GLIMPSE_TOOLS_CAPTION_OUT_H

#include "cli.h"

#include <glimpse/dataset_writer.h>

#include <stddef.h>

typedef struct caption_item {
    char *path;
    char id[33];    /* content id, "" when not known */
    char *text;     /* NULL: none (yet) */
    char *model;    /* who wrote it; NULL: the model of this run */
    char *problem;  /* why there is none */
    int unsent;     /* it was not asked at all: the cost limit, an open breaker, a dry run */
    int was_stored; /* its text comes from the library */
} caption_item;

typedef struct caption_output {
    int format;       /* glimpse_caption_format */
    int style;        /* glimpse_caption_style */
    const char *file; /* NULL or "-": stdout. A file appears under its name when it is whole */
    const char *relative_to; /* write paths as seen from this folder; NULL: as they are */
    const char *xmp;         /* sidecars: "" beside the pictures, else below this folder; or NULL */
    const char *model;
} caption_output;

/* Writes `items` [count], in their order. CLI_RUN, or an exit code after a message; EXIT_PARTIAL
 * when sidecars of others were in the way. */
int caption_write(const caption_output *o, const caption_item *items, size_t count);

/* The keywords in "dog, snow,  winter sun": glimpse_caption_keywords_free. */
char **caption_keywords(const char *text, size_t *count);

#endif
