/*
 * vectors.h - the embeddings of one model in memory, searchable: a FAISS index and where it stands.
 *
 * The index is FAISS's "IDMap,SQfp16" with inner product: a flat (exhaustive, exact) scan over
 * half-precision rows, each bound to its content's row id. The catalogue stores f16, so nothing is
 * lost, and against f32 rows ("Flat") file, memory and loading time are halved at the same speed of
 * search. Memory: count x (2 x dim + 8) bytes.
 *
 * On disk (all numbers little-endian):
 *      0  "glimpsev"                     64  u64 count
 *      8  u32 format version, 1          72  u64 last embedding row in it
 *     12  u32 dim                        80  u64 payload bytes
 *     16  fingerprint, 32 hex digits     88  XXH3-128 of the payload
 *     48  u64 generation                104  8 zero bytes
 *     56  u64 digest                    112  XXH3-128 of bytes 0..111
 *    128  payload: the index as faiss_write_index leaves it, to the end of the file
 *
 * A file is used only when all of that is right, so FAISS never parses damaged bytes. It is up to
 * date when digest and count are those of the catalogue's model row: the digest is the XOR of a
 * hash of every (model, content, vector), so no other set of embeddings has it. The generation is
 * for people; numbers alone would be fooled by a catalogue restored from a backup.
 */
#ifndef GLIMPSE_INDEX_VECTORS_H
#define GLIMPSE_INDEX_VECTORS_H

#include "catalog.h"

typedef struct glimpse_vectors glimpse_vectors;

int glimpse_vectors_create(glimpse_vectors **out, size_t dim);
void glimpse_vectors_free(glimpse_vectors *vectors);

size_t glimpse_vectors_count(const glimpse_vectors *vectors);
size_t glimpse_vectors_dim(const glimpse_vectors *vectors);
/* 1 when it holds exactly the embeddings that the catalogue has for the model. */
int glimpse_vectors_current(const glimpse_vectors *vectors, const glimpse_model_info *model);

/* The `k` best positions for `query` [dim] by FAISS's f32 inner product, best first; k is at most
 * the count. `positions` and `scores` [k]. */
int glimpse_vectors_search(const glimpse_vectors *vectors, const float *query, size_t k,
                           int64_t *positions, float *scores);
/* How far FAISS's f32 score of unit vectors can be from the exact inner product. */
double glimpse_vectors_error_bound(size_t dim);

/* The content bound to a position, and the position of a content (-1: none). */
int64_t glimpse_vectors_content(const glimpse_vectors *vectors, size_t position);
int glimpse_vectors_find(glimpse_vectors *vectors, int64_t content, int64_t *position);
/* Rows `first`...`first + count - 1` into `rows` [count][dim]: the stored f16 values, exactly. */
int glimpse_vectors_rows(const glimpse_vectors *vectors, size_t first, size_t count, float *rows);

/* Brings *vectors (NULL: none yet) up to date with the catalogue: appends what came since, or
 * starts again from nothing when that does not end at the catalogue's digest. *changed is set to 1
 * when the index is not what it was. GLIMPSE_E_CORRUPT when the catalogue's own embeddings do not
 * have the digest that the catalogue says. Call it inside one read transaction with the look-up of
 * `model`. */
int glimpse_vectors_refresh(glimpse_vectors **vectors, glimpse_catalog *catalog,
                            const glimpse_model_info *model, int *changed);

/*
 * Files.
 */
typedef enum glimpse_vectors_state {
    GLIMPSE_VECTORS_OK = 0, /* header (and, when loaded, payload) are right */
    GLIMPSE_VECTORS_MISSING,
    GLIMPSE_VECTORS_DAMAGED
} glimpse_vectors_state;

/* Replaces the file atomically. */
int glimpse_vectors_save(const glimpse_vectors *vectors, const char *path, const char *fingerprint);

/* Loads a file. A missing or damaged one is no failure: *out is NULL, *state says which and
 * `problem` [problem_size] (may be NULL) what is wrong. Failures are those of memory and reading.
 */
int glimpse_vectors_load(glimpse_vectors **out, const char *path, const char *fingerprint,
                         size_t dim, glimpse_vectors_state *state, char *problem,
                         size_t problem_size);

/* Looks at header and length only. *current: 1 when it is up to date with the catalogue. */
int glimpse_vectors_peek(const char *path, const glimpse_model_info *model,
                         glimpse_vectors_state *state, int *current);

#endif
