/*
 * search_batch.h - glimpse search --queries FILE: a query a line, an object of JSON a line.
 */
#ifndef GLIMPSE_TOOLS_SEARCH_BATCH_H
#define GLIMPSE_TOOLS_SEARCH_BATCH_H

#include "session.h"

#include <glimpse/session_search.h>

/* Answers every line of `file`, "-" for standard input, in its order, each as soon as it is there.
 * A query that fails becomes an object with its error, and the others go on. Returns an exit code:
 * EXIT_FOUND when any line found something, EXIT_NOTHING, EXIT_PARTIAL when any failed. */
int search_batch(const session *s, const char *file, const glimpse_find_options *find);

#endif
