/*
 * label_out.h - what glimpse label writes: a table for people, the data sets of
 * <glimpse/dataset_writer.h>, and beside them a report.
 *
 *     label_out_options o = LABEL_OUT_OPTIONS_INIT;
 *     const cli_option options[] = {..., LABEL_OUT_OPTIONS(o), CLI_END};
 *     if ((code = label_out_check(&o, &cmd_label)) != CLI_RUN) ...
 *     label_out *out = NULL;
 *     if ((code = label_out_open(&out, &o, set)) != CLI_RUN) ...
 *     for each picture, in order: status = label_out_add(out, &picture);
 *     code = label_out_finish(out, &totals, complete);
 *     label_out_free(out);
 */
#ifndef GLIMPSE_TOOLS_LABEL_OUT_H
#define GLIMPSE_TOOLS_LABEL_OUT_H

#include "options.h"

#include <glimpse/labelling.h>

typedef struct label_out_options {
    int format;    /* place in label_out_formats; label_out_check decides it from --csv, --json */
    int csv, json; /* --csv is --format csv, --json is --format jsonl, on stdout */
    const char *output;      /* --output; NULL or "-": stdout, for table, CSV and JSON lines */
    int place;               /* glimpse_dataset_place */
    const char *relative_to; /* for the formats with GLIMPSE_DATASET_RELATIVE */
    const char *url_prefix;  /* for those with GLIMPSE_DATASET_URLS */
    const char *report;      /* --report: the HTML report, beside the format */
    const char *truth;       /* --truth: what is right, for the report */
} label_out_options;

#define LABEL_OUT_OPTIONS_INIT \
 { 0 }

/* "table", then the names of the library's formats; NULL-terminated. */
const char *const *label_out_formats(void);
extern const char *const label_out_places[];

/* Rows of the option table, with their heading. */
#define LABEL_OUT_OPTIONS(o)                                                                     \
 OPTION_OUTPUT_HEADING,                                                                          \
     CLI_FLAG("csv", 0, &(o).csv, "path,rank,class,probability,score,abstained"),                \
     OPTION_JSON((o).json, "one JSON object a line"),                                            \
     CLI_CHOICE("format", 'f', &(o).format, NULL, "what to write", label_out_formats()),         \
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

/* CLI_RUN, or an exit code after saying why. Nothing of `o` and `set` is copied: both must outlive
 * the output. */
int label_out_open(label_out **out, const label_out_options *o, const glimpse_label_set *set);
/* A status of the library. Not yet said: the run that it ends fails with it. */
int label_out_add(label_out *out, const glimpse_labelled *picture);
/* CLI_RUN, or an exit code after saying why. EXIT_PARTIAL: everything is written except for
 * pictures the format has no way to name or place, each of them told on stderr. */
int label_out_finish(label_out *out, const glimpse_label_totals *totals, int complete);
void label_out_free(label_out *out);

/* 1 when labels are printed on stdout, where a progress line must be cleared first. */
int label_out_goes_to_stdout(const label_out_options *o);
/* 1 when they are JSON lines. */
int label_out_is_json(const label_out_options *o);

#endif
