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
 * hash of every (model, content, part, vector), so no other set of embeddings has it. The
 * generation is for people; numbers alone would be fooled by a catalogue restored from a backup.
 */
#ifndef GLIMPSE_INDEX_VECTORS_H
#define GLIMPSE_INDEX_VECTORS_H

#include "store.h"

int glimpse_vectors_create(glimpse_vectors **out, size_t dim);
/* Another index with the same rows. */
int glimpse_vectors_copy(glimpse_vectors **out, const glimpse_vectors *vectors);

/* Shared by reference: what others may hold is not changed any more (glimpse_vectors_is_shared). */
glimpse_vectors *glimpse_vectors_retain(glimpse_vectors *vectors);
void glimpse_vectors_release(glimpse_vectors *vectors); /* NULL is fine */
int glimpse_vectors_is_shared(const glimpse_vectors *vectors);

size_t glimpse_vectors_count(const glimpse_vectors *vectors);
size_t glimpse_vectors_dim(const glimpse_vectors *vectors);
/* The last row of the table of embeddings that is in it. */
int64_t glimpse_vectors_last_row(const glimpse_vectors *vectors);
uint64_t glimpse_vectors_generation(const glimpse_vectors *vectors);
/* 1 when it holds exactly the embeddings that the catalogue has for the model. */
int glimpse_vectors_current(const glimpse_vectors *vectors, const glimpse_model_info *model);
/* The generation at which it was found current: any thread. */
void glimpse_vectors_set_generation(glimpse_vectors *vectors, uint64_t generation);

/* Appends `rows` [count][dim] of these contents; `sums` is the XOR of what the catalogue keeps as
 * their checksums, `last_row` the last one's place in its table. */
int glimpse_vectors_append(glimpse_vectors *vectors, const int64_t *contents, const float *rows,
                           size_t count, uint64_t sums, int64_t last_row);

/* As in the store's table; hits carry positions as rows. */
int glimpse_vectors_search(glimpse_vector_hit *hits, const glimpse_vectors *vectors,
                           const float *query, size_t k);
double glimpse_vectors_error_bound(size_t dim);
int glimpse_vectors_find(int64_t *row, const glimpse_vectors *vectors, int64_t content);
int glimpse_vectors_row(float *values, const glimpse_vectors *vectors, int64_t row);
/* As parts.rows in the table. */
int glimpse_vectors_part_rows(const glimpse_vectors *vectors, int64_t picture,
                              int (*visit)(void *user, uint32_t part, int64_t row), void *user);

/* nearest.c */
int glimpse_faiss_nearest(const glimpse_nearest_job *job);

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
