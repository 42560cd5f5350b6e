/*
 * writer_internal.h - what the formats share. A format is a glimpse_dataset_kind in a file of its
 * own, and a row of the table in writer.c. Private.
 */
#ifndef GLIMPSE_INDEX_WRITER_INTERNAL_H
#define GLIMPSE_INDEX_WRITER_INTERNAL_H

#include <glimpse/dataset_writer.h>

#include <stdio.h>

typedef struct glimpse_dataset_kind {
    glimpse_dataset_format format;
    int (*open)(glimpse_dataset_writer *w); /* may be NULL */
    int (*add)(glimpse_dataset_writer *w, const glimpse_labelled *picture);
    int (*finish)(glimpse_dataset_writer *w); /* only after a complete run; may be NULL */
    void (*close)(glimpse_dataset_writer *w); /* always, also when open failed; may be NULL */
    int problems; /* pictures that could not be labelled are added as well */
    int file;     /* writes `to`: the output file, else the stream */
} glimpse_dataset_kind;

struct glimpse_dataset_writer {
    glimpse_dataset_options o;
    const glimpse_label_set *set;
    const glimpse_dataset_kind *kind;
    FILE *to;
    char *temporary; /* what `to` writes until it is whole; NULL for the stream */
    void *state;     /* of the kind */
    size_t left_out;
};

extern const glimpse_dataset_kind glimpse_dataset_csv, glimpse_dataset_jsonl, glimpse_dataset_coco,
    glimpse_dataset_imagefolder, glimpse_dataset_hf, glimpse_dataset_labelstudio,
    glimpse_dataset_fiftyone, glimpse_dataset_xmp;

/* Says why a picture is not in the output and counts it. */
void glimpse_dataset_leave_out(glimpse_dataset_writer *w, const char *path, const char *why);

/* Upright width and height, from the picture's record or its file. */
int glimpse_dataset_picture_size(uint32_t *width, uint32_t *height,
                                 const glimpse_labelled *picture);

/* A file that appears under its name only when it is whole. Commit closes and frees everything,
 * also when it fails. */
int glimpse_output_open(FILE **file, char **temporary, const char *path);
int glimpse_output_commit(FILE *file, char *temporary, const char *path);
void glimpse_output_abandon(FILE *file, char *temporary);
/* What to say when something failed on it (ferror). */
int glimpse_output_fail(FILE *file, const char *path);
/* Appends what was written to a temporary stream. */
int glimpse_output_append(FILE *to, FILE *from);

#endif
