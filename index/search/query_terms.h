/*
 * query_terms.h - terms of a query that are not what was written, and its texts in other wordings.
 */
#ifndef GLIMPSE_INDEX_SEARCH_QUERY_TERMS_H
#define GLIMPSE_INDEX_SEARCH_QUERY_TERMS_H

#include <glimpse/query.h>

/* From now on term `i`, an address, is the picture in `path`, a copy of which is kept. */
int glimpse_query_set_file(glimpse_query *query, size_t i, const char *path);

/* As glimpse_query_embed; `wordings` [E] is the mean of the vectors of the query in several
 * wordings ("a dog", "a photo of a dog", ...), the first of which is as it was written. It is
 * shorter than 1 where they do not agree. */
int glimpse_query_embed_wordings(float *vector, float *wordings, int *truncated,
                                 const glimpse_query *query, glimpse_encoder *encoder,
                                 const glimpse_model *model);

#endif
