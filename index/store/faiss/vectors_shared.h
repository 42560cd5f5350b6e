/*
 * vectors_shared.h - loaded vectors of one library that several handles in a process share.
 *
 * For each model there is at most one index here, the latest that any of the handles has seen. A
 * handle keeps a reference to the one that it uses, and goes on using it whatever becomes of this:
 * an index that somebody else holds is never changed. One handle at a time, inside
 * glimpse_vectors_shared_enter and _leave, looks whether what it needs is there, and puts what it
 * had to make.
 */
#ifndef GLIMPSE_INDEX_VECTORS_SHARED_H
#define GLIMPSE_INDEX_VECTORS_SHARED_H

#include "vectors.h"

typedef struct glimpse_vectors_shared glimpse_vectors_shared;

int glimpse_vectors_shared_create(glimpse_vectors_shared **out); /* one reference */
glimpse_vectors_shared *glimpse_vectors_shared_retain(glimpse_vectors_shared *shared);
void glimpse_vectors_shared_release(glimpse_vectors_shared *shared); /* NULL is fine */

void glimpse_vectors_shared_enter(glimpse_vectors_shared *shared);
void glimpse_vectors_shared_leave(glimpse_vectors_shared *shared);

/* `name`: of vectors, less than 40 bytes; each model has up to two kinds.
 * Inside: the latest of that name, borrowed, or NULL. */
glimpse_vectors *glimpse_vectors_shared_get(const glimpse_vectors_shared *shared, const char *name);
/* Inside: takes the latest of a model out, which is then the caller's reference; NULL when there is
 * none. */
glimpse_vectors *glimpse_vectors_shared_remove(glimpse_vectors_shared *shared, const char *name);
/* Inside: puts `vectors` in the place of what is there unless that is of a later generation. The
 * caller keeps its reference. That memory runs out means only that it is not shared. */
void glimpse_vectors_shared_insert(glimpse_vectors_shared *shared, const char *name,
                                   glimpse_vectors *vectors);
/* Inside: of all models. */
void glimpse_vectors_shared_clear(glimpse_vectors_shared *shared);

#endif
