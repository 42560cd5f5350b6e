/*
 * query_terms.h - terms of a query that are not what was written.
 */
#ifndef GLIMPSE_INDEX_SEARCH_QUERY_TERMS_H
#define GLIMPSE_INDEX_SEARCH_QUERY_TERMS_H

#include <glimpse/query.h>

/* From now on term `i`, an address, is the picture in `path`, a copy of which is kept. */
int glimpse_query_set_file(glimpse_query *query, size_t i, const char *path);

#endif
