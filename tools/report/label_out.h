/*
 * label_out.h - what glimpse label writes: a table, CSV, JSON lines, data sets, sidecars, a report.
 *
 *     label_out_options o = LABEL_OUT_OPTIONS_INIT;
 *     const cli_option options[] = {..., LABEL_OUT_OPTIONS(o), CLI_END};
 *     if ((code = label_out_check(&o, &cmd_label)) != CLI_RUN) ...
 *     label_out *out = NULL;
 *     if ((code = label_out_open(&out, &o, &set)) != CLI_RUN) ...
 *     for each picture, in order: code = label_out_put(out, &result);
 *     code = label_out_finish(out, &totals);
 *     label_out_free(out);
 *
 * Every call returns CLI_RUN, or an exit code after saying why. EXIT_PARTIAL from
 * label_out_finish: everything is written except for pictures the format has no way to name or
 * place, each of them told on stderr.
 *
 * Whole or not there: CSV and JSON lines on stdout come as they are made, and sidecars as well. All
 * other files and folders appear under their name only at the end of a complete run
 * (label_totals.complete).
 */
#ifndef GLIMPSE_TOOLS_LABEL_OUT_H
#define GLIMPSE_TOOLS_LABEL_OUT_H

#include "cli.h"
#include "label_result.h"

typedef enum label_out_format {
    LABEL_OUT_TABLE = 0, /* for people, on stdout */
    LABEL_OUT_CSV,
    LABEL_OUT_JSONL,
    LABEL_OUT_COCO,
    LABEL_OUT_IMAGEFOLDER,
    LABEL_OUT_HF,
    LABEL_OUT_LABELSTUDIO,
    LABEL_OUT_FIFTYONE,
    LABEL_OUT_XMP
} label_out_format;

typedef struct label_out_options {
    int format;              /* label_out_format; label_out_check settles it from --csv, --json */
    int csv, json;           /* --csv is --format csv, --json is --format jsonl, on stdout */
    const char *output;      /* --output; NULL or "-": stdout, for table, CSV and JSON lines */
    int place;               /* how pictures come into a tree: label_out_place */
    const char *relative_to; /* coco, labelstudio, and xmp with an output folder */
    const char *url_prefix;  /* labelstudio */
    const char *report;      /* --report: the HTML report, beside the format */
    const char *truth;       /* --truth: what is right, for the report */
} label_out_options;

typedef enum label_out_place {
    LABEL_PLACE_SYMLINK = 0,
    LABEL_PLACE_HARDLINK,
    LABEL_PLACE_COPY,
    LABEL_PLACE_MOVE /* only when asked for */
} label_out_place;

#define LABEL_OUT_OPTIONS_INIT \
 { 0 }

extern const char *const label_out_formats[]; /* names, NULL-terminated */
extern const char *const label_out_places[];

/* Rows of the option table, with their heading. */
#define LABEL_OUT_OPTIONS(o)                                                                     \
 CLI_HEADING("Output (a table when none is chosen)"),                                            \
     CLI_FLAG("csv", 0, &(o).csv, "path,rank,class,probability,score,abstained"),                \
     CLI_FLAG("json", 'j', &(o).json, "one JSON object a line"),                                 \
     CLI_CHOICE("format", 'f', &(o).format, NULL, "what to write", label_out_formats),           \
     CLI_TEXT("output", 'o', &(o).output, "PATH",                                                \
              "the file or folder to write; csv and jsonl go to stdout without it, xmp beside "  \
              "the pictures"),                                                                   \
     CLI_CHOICE("place", 0, &(o).place, NULL,                                                    \
                "how pictures come into the folders of imagefolder and hf", label_out_places),   \
     CLI_TEXT("relative-to", 0, &(o).relative_to, "DIR",                                         \
              "write the paths of coco, labelstudio and xmp as seen from DIR"),                  \
     CLI_TEXT("url-prefix", 0, &(o).url_prefix, "URL",                                           \
              "what labelstudio puts before paths (default: /data/local-files/?d=)"),            \
     CLI_TEXT("report", 0, &(o).report, "FILE.html",                                             \
              "also a report with pictures: classes, most and least certain, what is confused"), \
     CLI_TEXT("truth", 0, &(o).truth, "DIR|CSV",                                                 \
              "what is right (one folder a class, or columns path and class), for the report")

typedef struct label_out label_out;

/* After parsing: CLI_RUN, or an exit code after explaining what does not go together. */
int label_out_check(label_out_options *o, const cli_command *command);

/* Nothing of `o` and `set` is copied: both must outlive the output. */
int label_out_open(label_out **out, const label_out_options *o, const label_set *set);
int label_out_put(label_out *out, const label_result *result);
int label_out_finish(label_out *out, const label_totals *totals);
void label_out_free(label_out *out);

/* 1 when labels are printed on stdout, where a progress line must be cleared first. Sizes of
 * pictures that a label_result leaves 0 are read from the file by the formats that need them. */
int label_out_goes_to_stdout(const label_out_options *o);

#endif
