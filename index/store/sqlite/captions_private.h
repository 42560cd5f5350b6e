/*
 * captions_private.h - captions and their text index, from the inside.
 */
#ifndef GLIMPSE_INDEX_CAPTIONS_PRIVATE_H
#define GLIMPSE_INDEX_CAPTIONS_PRIVATE_H

#include "sqlite_store.h"

/* The words of a text as an FTS5 expression that always parses, malloc'ed; *out is NULL when there
 * is none. Whatever the text holds, operators and quotes of FTS5 included, is words. Each word is a
 * string of its own, joined by OR; a part "in quotes" is one string, to be found as a phrase; a
 * word with * behind it stands for all that begin so. At most 64, none twice.
 *
 * Words that more than half of all captions have tell nothing, but would give every picture a rank
 * among the captions: they are left out as long as another word occurs at all. */
int glimpse_captions_expression(glimpse_db *db, const char *text, char **out);

/* As in the table of the store. */
int glimpse_captions_insert(size_t *stored, glimpse_store *store, const glimpse_caption *captions,
                            size_t count, const char *created);
int glimpse_captions_forget(uint64_t *forgotten, glimpse_store *store,
                            const glimpse_store_caption_filter *filter);
int glimpse_captions_list(glimpse_store *store, const glimpse_store_caption_filter *filter,
                          glimpse_caption_fn visit, void *user);
int glimpse_captions_match(glimpse_store *store, const char *text, glimpse_caption_match_fn visit,
                           void *user);
int glimpse_captions_text(const char **text, glimpse_store *store, glimpse_strings *strings,
                          int64_t caption);

/* Compares the text index with one that is made from the captions on the spot. Calls `report` with
 * each problem (a few of them). Only reads. */
typedef void (*glimpse_captions_problem_fn)(void *user, const char *problem);
int glimpse_captions_check(glimpse_db *db, glimpse_captions_problem_fn report, void *user);

#endif
