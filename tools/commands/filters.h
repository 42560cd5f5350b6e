/*
 * filters.h - the options that say which pictures of a library a command is about, in one group.
 *
 *     filters f = {0};
 *     const cli_option options[] = {FILTER_OPTIONS(f), ..., CLI_END};
 *     ...
 *     if ((code = filters_read(&f, &search, &cmd_search)) != CLI_RUN) goto done;
 *     ...
 *     filters_free(&f);
 */
#ifndef GLIMPSE_TOOLS_FILTERS_H
#define GLIMPSE_TOOLS_FILTERS_H

#include "options.h"

#include <glimpse/library.h>
#include <glimpse/listing.h>

typedef struct filters {
    const char *after, *before, *where;
    cli_list within, labels, cameras, lenses, keywords, people, formats, has, tags, albums;
    const char *iso, *near, *rating;
    int landscape, portrait, square;
    char *expression; /* all of it, made by filters_read */
} filters;

/* Of commands that have a --format of their own; `where format = ...` asks for the same there. */
#define FILTER_ROWS(f)                                                                           \
 OPTION_IN((f).within, "only pictures below this folder; may be repeated"),                      \
     CLI_TEXT("after", 0, &(f).after, "DATE",                                                    \
              "only pictures taken on or after 2021, 2021-05, 2021-05-30 or with T14:00:00"),    \
     CLI_TEXT("before", 0, &(f).before, "DATE", "only pictures taken before"),                   \
     CLI_LIST("label", 0, &(f).labels, "NAME",                                                   \
              "only pictures with this stored label (glimpse label --store); may be repeated"),  \
     CLI_TEXT("where", 0, &(f).where, "EXPR",                                                    \
              "only pictures for which this holds, as in \"camera ~ 'R5' and iso > 800 and not " \
              "keyword = draft\"; glimpse list --fields lists what can be asked for"),           \
     CLI_LIST("camera", 0, &(f).cameras, "TEXT",                                                 \
              "a part of make and model; repeated: one of them"),                                \
     CLI_LIST("lens", 0, &(f).lenses, "TEXT", "a part of its name; repeated: one of them"),      \
     CLI_TEXT("iso", 0, &(f).iso, "N", "ISO speed: 100, 100..400 or 800.."),                     \
     CLI_TEXT("near", 0, &(f).near, "PLACE",                                                     \
              "taken near LAT,LON,KM or a town, as in Lisbon (25 km) or Lisbon,10"),             \
     CLI_TEXT("rating", 0, &(f).rating, "N", "stars: 4, 4.. or 0..2"),                           \
     CLI_LIST("keyword", 0, &(f).keywords, "NAME",                                               \
              "with this keyword; repeated: with all of them"),                                  \
     CLI_LIST("person", 0, &(f).people, "NAME", "with this person; repeated: with all of them"), \
     CLI_LIST("tag", 0, &(f).tags, "NAME",                                                       \
              "with this tag of yours (glimpse tag); repeated: with all of them"),               \
     CLI_LIST("album", 0, &(f).albums, "NAME", "in this album; repeated: in all of them"),       \
     CLI_FLAG("landscape", 0, &(f).landscape, "wider than high"),                                \
     CLI_FLAG("portrait", 0, &(f).portrait, "higher than wide"),                                 \
     CLI_FLAG("square", 0, &(f).square, "as high as wide"),                                      \
     CLI_LIST("has", 0, &(f).has, "LIST", "with something in these fields: gps,rating")
#define FILTER_OPTIONS(f)                       \
 CLI_HEADING("Which pictures"), FILTER_ROWS(f), \
     CLI_LIST("format", 0, &(f).formats, "LIST", "one of these: jpeg,heic,raw")

#define OPTION_MIN_SCORE(search) \
 CLI_NUMBER("min-score", 0, &(search).min_score, "S", "only results with at least this score")

extern const char *const filter_sorts[]; /* as glimpse_sort; the first is what happens otherwise */
#define OPTIONS_SORT(sort, reverse, help)                  \
 CLI_CHOICE("sort", 0, &(sort), NULL, help, filter_sorts), \
     CLI_FLAG("reverse", 0, &(reverse), "that order from its end")

/* Sets within, after, before, labels and where of `search`: CLI_RUN, or an exit code after
 * saying what is wrong. They point into `f`. */
int filters_read(filters *f, glimpse_search_options *search, const cli_command *command);
/* 1 when one of them was given. */
int filters_are_given(const filters *f);
void filters_free(filters *f);

#endif
