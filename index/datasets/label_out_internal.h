/*
 * label_out_internal.h - what the formats share. Each is a label_writer in a file of its kind:
 * label_out.c (table, CSV, JSON lines), label_out_json.c (COCO, Label Studio, FiftyOne),
 * label_out_tree.c (ImageFolder, Hugging Face), label_out_xmp.c.
 */
#ifndef GLIMPSE_TOOLS_LABEL_OUT_INTERNAL_H
#define GLIMPSE_TOOLS_LABEL_OUT_INTERNAL_H

#include "label_out.h"
#include "label_report.h"

#include <stdio.h>

typedef struct label_writer {
    int (*open)(label_out *out);                            /* may be NULL */
    int (*put)(label_out *out, const label_result *result); /* not for problems unless `problems` */
    int (*finish)(label_out *out); /* only after a complete run; may be NULL */
    void (*close)(label_out *out); /* always; may be NULL */
    int problems;                  /* pictures that could not be labelled are put as well */
    int file; /* writes `to`: --output, else stdout where `standard` allows it */
    int standard;
} label_writer;

struct label_out {
    const label_out_options *o;
    const label_set *set;
    const label_writer *writer;
    FILE *to;
    char *temporary; /* what `to` writes until it is whole; NULL on stdout */
    void *state;     /* of the writer */
    size_t left_out; /* pictures the format could not take */
    label_report *report;
};

extern const label_writer label_out_coco, label_out_labelstudio, label_out_fiftyone,
    label_out_imagefolder, label_out_hf, label_out_xmp;

/* Says why a picture is not in the output and counts it. */
void label_out_leave_out(label_out *out, const char *path, const char *why);

/* A file that appears under its name only when it is whole. new_file_open returns NULL after saying
 * why; new_file_commit an exit code. */
FILE *new_file_open(const char *path, char **temporary);
int new_file_commit(FILE *file, char *temporary, const char *path); /* frees `temporary` */
void new_file_abandon(FILE *file, char *temporary);

/* Upright width and height, from the result or the file; -1 with the library's message set. */
int label_out_size(const label_result *result, uint32_t *width, uint32_t *height);

/* The path as the output names it: seen from --relative-to when that is given and contains the
 * picture, else as it was given. Free it. */
char *label_out_path(const label_out *out, const char *path);

/* RFC 4180: quoted where needed, quotes doubled. */
void csv_field(FILE *to, const char *text);

/* As the content or a quoted attribute of XML 1.0; what XML cannot hold becomes U+FFFD. */
void xml_text(FILE *to, const char *text);

/* The last part of a hierarchical name, and the part before it (NULL at the top; free it). */
const char *class_leaf(const char *name);
char *class_parent(const char *name);

#endif
