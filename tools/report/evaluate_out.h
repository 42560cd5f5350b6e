/*
 * evaluate_out.h - what the parts of glimpse evaluate share.
 */
#ifndef GLIMPSE_TOOLS_EVALUATE_OUT_H
#define GLIMPSE_TOOLS_EVALUATE_OUT_H

#include "json_out.h"
#include "options.h"

#include <glimpse/evaluate.h>

extern const cli_command evaluate_labels, evaluate_retrieval;

/* "name":value, null when it is not determined. */
void evaluate_key(json_out *j, const char *name, double value);

/* A figure by its usual name, for the table and for "intervals". */
typedef struct named_figure {
    const char *key, *name; /* "top1", "top-1 accuracy" */
    glimpse_figure figure;
    int percent;
} named_figure;

/* The keys and values, and "intervals":{"top1":[low,high],...}. */
void evaluate_json_figures(json_out *j, const named_figure *figures, size_t count);
/* A line each, those that are not determined left out. */
void evaluate_print_figures(const named_figure *figures, size_t count);

/* Two classes that were confused; `guess` is the number of classes where nothing was claimed. */
typedef struct evaluate_confused {
    size_t truth, guess, count;
} evaluate_confused;
/* The most frequent first; NULL, and *count 0, without a confusion matrix. Free with free(). */
evaluate_confused *evaluate_list_confused(const size_t *confusion, size_t class_count,
                                          size_t *count);

#define EVALUATE_SAMPLE_OPTIONS(samples, seed)                                                    \
 CLI_SIZE("samples", 0, &(samples), "N", "bootstrap samples (default: 1000; 0: no intervals)", 0, \
          100000),                                                                                \
     CLI_SIZE("seed", 0, &(seed), "N", "of the bootstrap (default: 2026)", 0, UINT64_MAX)

#endif
