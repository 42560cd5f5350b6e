/*
 * output.h - the results of a search in every form the command knows.
 */
#ifndef GLIMPSE_TOOLS_OUTPUT_H
#define GLIMPSE_TOOLS_OUTPUT_H

#include "options.h"
#include "preview.h"

#include <glimpse/library.h>
#include <glimpse/session_search.h>

typedef struct output_options {
    int json, tsv, paths, nul;
    const char *open, *preview; /* NULL: not asked for; "" without a value */
    const char *html;
} output_options;

#define OUTPUT_OPTIONS(o)                                                                        \
 OPTIONS_LIST_OUTPUT(                                                                            \
     o,                                                                                          \
     "rank, score, path, width, height, taken, id, ..., tile, relevance, alike; with tabs, \\t " \
     "\\n \\r \\\\ escaped"),                                                                    \
     CLI_TEXT("html", 0, &(o).html, "FILE", "also write a contact sheet as one HTML file"),      \
     CLI_OPTIONAL("preview", 0, &(o).preview, "kitty|iterm|sixel|blocks",                        \
                  "show the pictures in the terminal; alone it finds out how"),                  \
     CLI_OPTIONAL("open", 0, &(o).open, "N",                                                     \
                  "open the results, or the best N: one in a viewer, several as a folder of "    \
                  "links; alone with --html the contact sheet")

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
    const char *const *warnings; /* [warning_count] */
    size_t warning_count;
    int captions; /* 1: also ranked by captions */
    int is_quiet; /* 1: no note where there is nothing */
    /* Of a re-ranked list. */
    const char *second_model;
    double weight;
    size_t depth, failed; /* pictures the model was to look at; those it gave no score for */
    /* Of several models: scores are fused then. */
    const glimpse_hits_model *models; /* [model_count] */
    size_t model_count;
    const glimpse_hit_rank **ranks;      /* [count], of [model_count] each */
    size_t before;                       /* results on the pages before */
    const char *next_page;               /* token, or NULL */
    const double *relevances;            /* [count] NaN where it cannot be told; NULL: none is */
    const glimpse_hits_summary *summary; /* of the search, or NULL */
    int collapsed;                       /* 1: near-duplicates and bursts are one result */
    int diverse;                         /* 1: in the order of maximal marginal relevance, with */
    double lambda;                       /* this */
    int has_no_scores; /* 1: pictures in an order of their own, for html_write() */
} output_list;

/* Prints a list and does what else was asked for. Returns EXIT_FOUND, EXIT_NOTHING when there is
 * nothing, or EXIT_FAILED. */
int output_print(const output_options *o, const output_list *list);

/* The same for what a session found. */
int output_hits(const output_options *o, const char *query, const glimpse_hits *hits);
/* The same without a note where there is nothing. */
int output_hits_quietly(const output_options *o, const char *query, const glimpse_hits *hits);

/* Sets what --no-collapse and --diverse (NULL: not asked for) say. CLI_RUN, or an exit code after
 * saying what is wrong. */
int output_read_stages(glimpse_search_options *search, int all, const char *diverse,
                       const cli_command *command);

/* What --page-token `token` means to the library: NULL for "first", and without the option. */
const char *output_page_token(const char *token);
/* Where pages were asked for: a note how to get the next one, or that this was the last. */
void output_note_page(const char *token, const glimpse_hits *hits);
/* Notes on what was left out for its relevance, and why nothing was. `by_others`: what else had a
 * part in the order ("captions"), or NULL; `all_scores`: it was asked for that nothing is. */
void output_note_cutoff(const glimpse_hits *hits, int all_scores, const char *by_others);

/* Of several models: a note when they do not cover the same number of pictures. */
void output_note_models(const glimpse_hits *hits);

/* One path and `end`: the exact bytes; on a terminal, where nobody reads them back, made harmless,
 * unless `end` is NUL. */
void output_path(const char *path, char end);

/* The table alone (result_table.c), with previews. */
void output_table(const output_list *list, preview_protocol preview);

/* The contact sheet alone (html.c). 0, or -1 after saying why. */
int html_write(const char *file, const output_list *list);

#endif
