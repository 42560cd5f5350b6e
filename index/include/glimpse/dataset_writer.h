/*
 * glimpse/dataset_writer.h - labels and captions written as others read them: CSV, JSON lines,
 * COCO, ImageFolder, Hugging Face, Label Studio, FiftyOne, XMP sidecars, alt texts.
 *
 *     glimpse_dataset_options options = GLIMPSE_DATASET_OPTIONS_INIT;
 *     options.format = "coco";
 *     options.output = "labels.json";
 *     glimpse_dataset_writer *writer = NULL;
 *     glimpse_dataset_writer_open(&writer, glimpse_labeller_set(labeller), &options);
 *     for each picture, in order: glimpse_dataset_writer_add(writer, &picture);
 *     glimpse_dataset_writer_finish(writer, 1);
 *     glimpse_dataset_writer_close(writer);
 *
 * Whole or not there: what goes to a stream comes as it is made, and sidecars as well. All other
 * files and directories appear under their name only when a complete run is finished.
 *
 * Threads: a writer belongs to one thread at a time.
 */
#ifndef GLIMPSE_DATASET_WRITER_H
#define GLIMPSE_DATASET_WRITER_H

#include <glimpse/captions.h>
#include <glimpse/label.h>
#include <glimpse/library.h>
#include <glimpse/messages.h>

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What a labelled picture is.
 */
typedef struct glimpse_label_class {
    const char *id;          /* stable key: as given in the class file, else the name */
    const char *name;        /* "dog", or with its place in a hierarchy "animal/dog/terrier" */
    const char *description; /* "" when there is none */
} glimpse_label_class;

/* What all pictures of a run share. */
typedef struct glimpse_label_set {
    const glimpse_label_class *classes; /* [count] */
    size_t count;
    int multi_label;
    int each_alone; /* probabilities do not sum to 1: the model's are sigmoids */
    const char *model_name, *model_fingerprint; /* NULL: not known */
    const char *classifier_id; /* 32 hex digits over model, classes, prompts, examples; or NULL */
    double temperature;        /* logits are divided by it; 1 when not calibrated */
    double offset;             /* and it is added, by a sigmoid; 0 when not calibrated */
    /* Limits in force; a limit that is not is -1 (probability, margin) or NULL. */
    double min_probability, min_margin;
    const double *class_thresholds; /* [count] of multi_label, on probabilities */
} glimpse_label_set;

/* One picture. `labels` holds the best `count` classes, best first. Who wants only what is claimed
 * takes labels[i].accepted; a picture with `abstained` has none that is. With one label a picture
 * only labels[0] can be accepted; with multi_label any of them. */
typedef struct glimpse_labelled {
    const glimpse_label_set *set; /* what class_index means; NULL from who has no need to say */
    const char *path;
    const char *problem; /* not NULL: why it could not be labelled, without the path; then nothing
                            below is set */
    const char *id;      /* content id, 32 hex digits; "" when the library does not know it */
    uint32_t width, height; /* upright; 0 when not known: formats that need them read the file */
    uint64_t bytes;         /* 0 when not known */
    const glimpse_label *labels; /* [count] */
    size_t count;
    int abstained;
    glimpse_abstention reason;
    double margin;     /* probability of the best minus that of the second best; 1 with one class */
    double background; /* probability of "none of these"; -1 when it is not part of the run */
} glimpse_labelled;

/*
 * Formats, a row each.
 */
enum {
    GLIMPSE_DATASET_STREAM = 1,    /* goes to a stream without an output */
    GLIMPSE_DATASET_BESIDE = 2,    /* goes beside the pictures without an output */
    GLIMPSE_DATASET_DIRECTORY = 4, /* the output is a directory, else a file */
    GLIMPSE_DATASET_PLACES = 8,    /* options.place matters */
    GLIMPSE_DATASET_RELATIVE = 16, /* options.relative_to matters */
    GLIMPSE_DATASET_URLS = 32      /* options.url_prefix matters */
};

typedef struct glimpse_dataset_format {
    const char *name;   /* "coco" */
    const char *ending; /* of its files, ".json"; "" for a directory of its own kind */
    unsigned needs;     /* the bits above */
} glimpse_dataset_format;

GLIMPSE_API size_t glimpse_dataset_format_count(void);
GLIMPSE_API const glimpse_dataset_format *glimpse_dataset_format_get(size_t i);
/* By name; NULL when there is none. */
GLIMPSE_API const glimpse_dataset_format *glimpse_dataset_format_find(const char *name);

/* How pictures come into a tree. */
typedef enum glimpse_dataset_place {
    GLIMPSE_PLACE_SYMLINK = 0,
    GLIMPSE_PLACE_HARDLINK,
    GLIMPSE_PLACE_COPY,
    GLIMPSE_PLACE_MOVE
} glimpse_dataset_place;
/* "symlink", "hardlink", "copy", "move"; NULL for anything else. */
GLIMPSE_API const char *glimpse_dataset_place_name(int place);

typedef struct glimpse_dataset_options {
    size_t size; /* GLIMPSE_DATASET_OPTIONS_INIT sets it */
    const char *format;
    const char *output;         /* file or directory; NULL: the stream, or beside the pictures */
    FILE *stream;               /* for the formats that go to one; stays open */
    int place;                  /* glimpse_dataset_place */
    const char *relative_to;    /* write paths as seen from this directory */
    const char *url_prefix;     /* before paths; NULL: "/data/local-files/?d=" */
    glimpse_message_fn message; /* pictures that are left out, each with its reason; may be NULL */
    glimpse_progress_fn progress; /* of the placing of pictures; non-zero takes all of it back */
    void *user;
} glimpse_dataset_options;

static inline glimpse_dataset_options glimpse_dataset_options_init(void) {
    glimpse_dataset_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    return options;
}
#define GLIMPSE_DATASET_OPTIONS_INIT glimpse_dataset_options_init()

typedef struct glimpse_dataset_writer glimpse_dataset_writer;

/* `set` and the strings of `options` must outlive the writer. GLIMPSE_E_INVALID for an unknown
 * format and one without what it needs. */
GLIMPSE_API int glimpse_dataset_writer_open(glimpse_dataset_writer **out,
                                            const glimpse_label_set *set,
                                            const glimpse_dataset_options *options);
/* A picture the format has no way to name or place is left out, counted and noted; that is no
 * failure. */
GLIMPSE_API int glimpse_dataset_writer_add(glimpse_dataset_writer *writer,
                                           const glimpse_labelled *picture);
/* `complete` 0: the run was stopped or failed half-way; what would look whole is not written, and
 * that is noted. */
GLIMPSE_API int glimpse_dataset_writer_finish(glimpse_dataset_writer *writer, int complete);
GLIMPSE_API size_t glimpse_dataset_writer_left_out(const glimpse_dataset_writer *writer);
/* Without a finish nothing is left behind. */
GLIMPSE_API void glimpse_dataset_writer_close(glimpse_dataset_writer *writer);

/*
 * Captions.
 */
typedef struct glimpse_caption_record {
    const char *path;
    const char *id;      /* content id, "" when not known */
    const char *text;    /* NULL: none */
    const char *model;   /* who wrote it; NULL: that of the options */
    const char *problem; /* why there is none, without the path; or NULL */
} glimpse_caption_record;

typedef enum glimpse_caption_format {
    GLIMPSE_CAPTION_LINES = 0, /* path, a tab, the caption, for people */
    GLIMPSE_CAPTION_JSON,      /* an array of objects; of alt texts one object {"path": "alt"} */
    GLIMPSE_CAPTION_JSONL,
    GLIMPSE_CAPTION_CSV
} glimpse_caption_format;
/* The format a file name asks for; -1 when its ending says nothing. */
GLIMPSE_API int glimpse_caption_format_of(const char *path);

typedef struct glimpse_caption_write_options {
    size_t size;        /* GLIMPSE_CAPTION_WRITE_OPTIONS_INIT sets it */
    int format;         /* glimpse_caption_format */
    int style;          /* glimpse_caption_style */
    const char *output; /* a file, which appears under its name when it is whole; NULL: `stream` */
    FILE *stream;       /* stays open; NULL as well: sidecars only */
    const char *relative_to; /* write paths as seen from this directory */
    const char *xmp; /* sidecars: "" beside the pictures, else below this directory; NULL: none */
    const char *model;
    glimpse_message_fn message; /* sidecars that are left as they are; may be NULL */
    void *user;
} glimpse_caption_write_options;

static inline glimpse_caption_write_options glimpse_caption_write_options_init(void) {
    glimpse_caption_write_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    return options;
}
#define GLIMPSE_CAPTION_WRITE_OPTIONS_INIT glimpse_caption_write_options_init()

/* Writes `records` [count], in their order. *left_out (may be NULL): sidecars of others that were
 * in the way, or that could not be written. */
GLIMPSE_API int glimpse_captions_write(size_t *left_out, const glimpse_caption_record *records,
                                       size_t count, const glimpse_caption_write_options *options);

#ifdef __cplusplus
}
#endif
#endif
