/*
 * output.h - the results of a search in every form the command knows.
 */
#ifndef GLIMPSE_TOOLS_OUTPUT_H
#define GLIMPSE_TOOLS_OUTPUT_H

#include "options.h"

#include <glimpse/library.h>
#include <glimpse/session_search.h>

typedef struct output_options {
    int json, tsv, paths, nul;
    const char *open, *preview; /* NULL: not asked for; "" without a value */
    const char *html;
} output_options;

#define OUTPUT_OPTIONS(o)                                                                    \
 OPTIONS_LIST_OUTPUT(                                                                        \
     o, "rank, score, path, width, height, taken, id; with tabs, \\t \\n \\r \\\\ escaped"), \
     CLI_TEXT("html", 0, &(o).html, "FILE", "also write a contact sheet as one HTML file"),  \
     CLI_OPTIONAL("preview", 0, &(o).preview, "kitty|iterm|sixel",                           \
                  "show the pictures in the terminal, where it can"),                        \
     CLI_OPTIONAL("open", 0, &(o).open, "N", "open the best N (5) in the desktop viewer")

/* Checks the options: CLI_RUN, or an exit code after saying what is wrong. */
int output_check(const output_options *o, const cli_command *command);

/* What a vision-language model made of one result (glimpse/session_search.h). */
typedef struct output_second {
    double probability; /* that the query describes the picture; NaN: it gave none, or the
                           picture was not among the best that were looked at */
    double blended;     /* NaN without one */
    const char *reason; /* why it gave none, else NULL */
} output_second;

/* Results in the order to show. */
typedef struct output_list {
    const char *query, *model, *fingerprint;
    const glimpse_result **results; /* [count] */
    const output_second *seconds;   /* [count], or NULL: not re-ranked */
    size_t count;
    int captions; /* 1: also ranked by captions */
    /* Of a re-ranked list. */
    const char *second_model;
    double weight;
    size_t depth, failed; /* pictures the model was to look at; those it gave no score for */
    /* Of several models: scores are fused then. */
    const glimpse_hits_model *models; /* [model_count] */
    size_t model_count;
    const glimpse_hit_rank **ranks; /* [count], of [model_count] each */
    int has_no_scores;              /* 1: pictures in an order of their own, for html_write() */
} output_list;

/* Prints a list and does what else was asked for. Returns EXIT_FOUND, EXIT_NOTHING when there is
 * nothing, or EXIT_FAILED. */
int output_print(const output_options *o, const output_list *list);

/* The same for what a session found. */
int output_hits(const output_options *o, const char *query, const glimpse_hits *hits);

/* Of several models: a note when they do not cover the same number of pictures. */
void output_note_models(const glimpse_hits *hits);

/* The contact sheet alone (html.c). 0, or -1 after saying why. */
int html_write(const char *file, const output_list *list);

#endif
