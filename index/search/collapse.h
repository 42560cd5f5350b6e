/*
 * collapse.h - results that are the same picture over again become one.
 *
 * Near are two pictures when they are
 *   - near-duplicates: coded anew, scaled, lightly edited. Their signatures
 *     (glimpse/sys/signature.h) agree cell by cell, up to brightness and contrast;
 *   - of one burst: taken by one camera within GLIMPSE_BURST_SECONDS, with signatures that are
 *     alike;
 * and their shapes and embeddings are, too: models and signatures fail in different ways. A picture
 * that was embedded before there were signatures is near one with the same embedding.
 *
 * Pictures come in the order of a ranking. One that is near a leader joins the first such one, the
 * others become leaders: no chains, and every member was compared with what is shown for it.
 */
#ifndef GLIMPSE_INDEX_COLLAPSE_H
#define GLIMPSE_INDEX_COLLAPSE_H

#include "library_private.h"

enum { GLIMPSE_BURST_SECONDS = 3, GLIMPSE_COLLAPSE_MODELS = 8 /* at most */ };

/* By what is known of both and the cosine of their embeddings; NaN: they have none of one model. */
int glimpse_is_near(const glimpse_store_likeness *a, const glimpse_store_likeness *b,
                    double cosine);

typedef struct glimpse_collapse glimpse_collapse;

/* In a read transaction, which it must not outlive. Pictures are compared by the first of `vectors`
 * [count] that has both; each is [dims[i]]. */
int glimpse_collapse_create(glimpse_collapse **out, glimpse_store *store,
                            const glimpse_vectors *const *vectors, const size_t *dims,
                            size_t count);
void glimpse_collapse_free(glimpse_collapse *collapse); /* NULL is fine */
/* The next picture: *leader is the number of the one that it joins, from 0, and *is_new 0; or it
 * becomes the leader of that number. With `only_joins` it becomes none: *leader is how many there
 * are. */
int glimpse_collapse_add(size_t *leader, int *is_new, glimpse_collapse *collapse, int64_t picture,
                         int only_joins);

/* A list of pictures by their ids, best first, with several models: leaders[i] is the position of
 * the leader of ids[i], among the first `limit` leaders; SIZE_MAX for what is near none of them. */
int glimpse_library_collapse_ids(size_t *leaders, glimpse_library *library,
                                 const glimpse_model_key *keys, size_t key_count,
                                 const char *const *ids, size_t count, size_t limit);

#endif
