/*
 * captions_private.h - captions as the search and verify see them.
 */
#ifndef GLIMPSE_INDEX_CAPTIONS_PRIVATE_H
#define GLIMPSE_INDEX_CAPTIONS_PRIVATE_H

#include "db.h"

/* The words of a text as an FTS5 expression that always parses, malloc'ed; *out is NULL when there
 * is none. Whatever the text holds, operators and quotes of FTS5 included, is words. Each word is a
 * string of its own, joined by OR; a part "in quotes" is one string, to be found as a phrase; a
 * word with * behind it stands for all that begin so. At most 64, none twice.
 *
 * Words that more than half of all captions have tell nothing, but would give every picture a rank
 * among the captions: they are left out as long as another word occurs at all. */
int glimpse_captions_expression(glimpse_db *db, const char *text, char **out);

/* Calls `visit` for each caption that matches, best first; equal scores in no particular order.
 * A positive return ends it without a failure. */
typedef int (*glimpse_caption_match_fn)(void *user, int64_t content, int64_t caption, double score);
int glimpse_captions_match(glimpse_db *db, const char *text, glimpse_caption_match_fn visit,
                           void *user);

/* Compares the text index with one that is made from the captions on the spot. Calls `report` with
 * each problem (a few of them). Only reads. */
typedef void (*glimpse_captions_problem_fn)(void *user, const char *problem);
int glimpse_captions_check(glimpse_db *db, glimpse_captions_problem_fn report, void *user);

#endif
