/*
 * options.h - rows of option tables that several commands have, so that an option has one name, one
 * letter and one text everywhere. A letter stands for the same thing in every command:
 *
 *     -0 --print0     -a --all       -c --classes   -e --examples   -f --format   -h --help
 *     -i --image      -j --json      -k --count and --top           -l --library  -m --model
 *     -n --dry-run    -o --output    -p --paths     -q --quiet      -Q --question -r --rerank
 *     -s --same-picture              -t --text      -v --vlm        -w --weight   -x --exclude
 *     -y --yes
 *
 * Rows about the library and the models are in commands/session.h and commands/vlm_session.h.
 */
#ifndef GLIMPSE_TOOLS_OPTIONS_H
#define GLIMPSE_TOOLS_OPTIONS_H

#include "cli.h"

/* Results and messages. */
#define OPTION_JSON(json, help) CLI_FLAG("json", 'j', &(json), help)
#define OPTION_QUIET(quiet)     CLI_FLAG("quiet", 'q', &(quiet), "no notes on stderr, only errors")
#define OPTION_OUTPUT_HEADING   CLI_HEADING("Output (a table when none is chosen)")
/* The forms of a list of pictures; `o` has json, tsv, paths and nul. */
#define OPTIONS_LIST_OUTPUT(o, tsv_help)                                           \
 OPTION_OUTPUT_HEADING, OPTION_JSON((o).json, "one JSON object with all results"), \
     CLI_FLAG("tsv", 0, &(o).tsv, tsv_help),                                       \
     CLI_FLAG("paths", 'p', &(o).paths, "only paths, one a line"),                 \
     CLI_FLAG("print0", '0', &(o).nul, "only paths, each ended by a NUL byte")

/* Which pictures: commands/filters.h has the others. */
#define OPTION_COUNT(count, help) CLI_SIZE("count", 'k', &(count), "N", help, 1, 1000000)
#define OPTION_IN(within, help)   CLI_LIST("in", 0, &(within), "DIR", help)
/* A cli_list, to be freed. */
/* Pages: `token` is NULL, or what page_token() makes page_token of. */
#define OPTION_PAGE_TOKEN(token)                                                                \
 CLI_TEXT("page-token", 0, &(token), "TOKEN",                                                   \
          "the page behind the one that gave TOKEN (next_page in JSON); \"first\" begins, and " \
          "every page says how to get the next")
#define OPTION_NETWORK(network)     \
 CLI_FLAG("network", 0, &(network), \
          "fetch pictures of the query that are addresses (http://..., https://...)")
#define OPTION_NO_TILES(search)                \
 CLI_FLAG("no-tiles", 0, &(search).whole_only, \
          "look at whole pictures only, not at the tiles of those that have some")
/* What is left out for its relevance (glimpse/session_search.h). */
#define OPTIONS_RELEVANCE(find)                                        \
 CLI_NUMBER("relevance", 0, &(find).relevance, "R",                    \
            "leave out what is less relevant, 0 to 1 (default: 0.5)"), \
     CLI_FLAG("all-scores", 0, &(find).all_scores, "leave nothing out for its relevance")
/* What is the same over again, and an order that does not repeat itself: output_read_stages(). */
#define OPTIONS_STAGES(all, diverse)                                                             \
 CLI_FLAG("no-collapse", 0, &(all),                                                              \
          "show near-duplicates and bursts one by one, not as one result with a count"),         \
     CLI_OPTIONAL("diverse", 0, &(diverse), "LAMBDA",                                            \
                  "results that are unlike each other: 1 is the order by score, 0 goes by what " \
                  "is unlike alone (default: 0.7)")
/* What a walk through directories leaves out, beside what every walk does. */
#define OPTIONS_WALK(exclude, follow_links, nomedia)                                          \
 CLI_LIST("exclude", 'x', &(exclude), "PATTERN",                                              \
          "leave out names or paths below DIR that fit, as in '*.tmp.jpg'; may be repeated"), \
     CLI_FLAG("follow-links", 0, &(follow_links), "go into folders behind symbolic links"),   \
     CLI_FLAG("include-nomedia", 0, &(nomedia),                                               \
              "go into folders with a .nomedia or .noimage file")

/* How files are read and judged. */
#define OPTION_JOBS(jobs, max) \
 CLI_SIZE("jobs", 0, &(jobs), "N", "worker threads (default: one per core)", 1, max)
extern const char *const option_decodings[]; /* fast, exact: 1 is exact */
#define OPTION_DECODE(exact)                                                               \
 CLI_CHOICE("decode", 0, &(exact), NULL,                                                   \
            "fast decodes large JPEG and WebP files at a reduced size, exact every pixel", \
            option_decodings)

/* A re-ranking at results. */
#define OPTION_RERANK_DEPTH(depth) \
 CLI_SIZE("rerank-depth", 0, &(depth), "K", "how many it looks at (default: 50)", 1, 100000)
#define OPTION_RERANK_WEIGHT(weight)            \
 CLI_NUMBER("rerank-weight", 0, &(weight), "W", \
            "0 is the first order, 1 the model's (default: 0.7)")
#define OPTION_CAPTIONS_WEIGHT(weight)            \
 CLI_NUMBER("captions-weight", 0, &(weight), "W", \
            "0 is the order by score, 1 that by captions (default: 0.5)")

#endif
