/*
 * vectors_private.h - what vectors.c (in memory) and vectors_file.c (on disk) share.
 */
#ifndef GLIMPSE_INDEX_VECTORS_PRIVATE_H
#define GLIMPSE_INDEX_VECTORS_PRIVATE_H

#include "vectors.h"

#include <faiss/c_api/Index_c.h>
#include <pthread.h>
#include <stdatomic.h>

struct glimpse_vectors {
    FaissIndex *index;       /* IDMap around `rows` */
    FaissIndex *rows;        /* borrowed from it: searched by position */
    const int64_t *contents; /* borrowed from it: [count], content ids by position */
    size_t count, dim;
    uint64_t digest;
    int64_t last_row; /* of the table of embeddings */
    atomic_uint_fast64_t generation;
    atomic_uint references;
    pthread_mutex_t mutex;        /* around making by_content */
    _Atomic(size_t *) by_content; /* positions in the order of content ids; NULL until needed */
};

/* Without an index yet; one reference. */
int glimpse_vectors_allocate(glimpse_vectors **out, size_t dim);

/* Takes an index over and looks up its parts; GLIMPSE_E_FORMAT when it is of another kind. */
int glimpse_vectors_adopt(glimpse_vectors *vectors, FaissIndex *index);

/* FAISS opens an OpenMP region even for one query or one row. A team of threads cannot help there,
 * and waiting for it on a busy machine took 15 s where one thread took 0.05 s (1000 results of
 * 100,000 rows, 2 cores). So FAISS gets one thread, by a setting of the calling thread alone that
 * is put back afterwards. */
int glimpse_faiss_enter(void);
void glimpse_faiss_leave(int threads);

/* FAISS's last failure as a status of ours, its text copied. */
int glimpse_faiss_fail(const char *what);

#endif
