/*
 * models_compare.h - glimpse models --compare.
 */
#ifndef GLIMPSE_TOOLS_MODELS_COMPARE_H
#define GLIMPSE_TOOLS_MODELS_COMPARE_H

#include "session.h"

typedef struct models_compare_options {
    int compare;
    const char *queries, *html;
    cli_list within; /* free it */
    uint64_t k;
} models_compare_options;

#define MODELS_COMPARE_OPTIONS(o)                                                               \
 CLI_HEADING("Comparing"),                                                                      \
     CLI_FLAG("compare", 0, &(o).compare,                                                       \
              "compare MODEL MODEL... on the queries of --queries in the library"),             \
     CLI_TEXT("queries", 0, &(o).queries, "FILE",                                               \
              "a query a line; behind it, after tabs, the pictures that fit (ids or paths)"),   \
     OPTION_COUNT((o).k, "with --compare: how many results of each (default: 10)"),             \
     OPTION_IN((o).within, "with --compare: only pictures below this folder; may be repeated"), \
     CLI_TEXT("html", 0, &(o).html, "FILE", "with --compare: also write a page with thumbnails")

/* CLI_RUN, or an exit code after saying what is wrong. */
int models_compare_check(const models_compare_options *o, const cli_command *command,
                         const cli_arguments *arguments);
/* The exit code. */
int models_compare(const models_compare_options *o, session *s, const cli_arguments *models,
                   int json);

#endif
