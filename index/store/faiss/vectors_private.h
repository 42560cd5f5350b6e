/*
 * vectors_private.h - what vectors.c (in memory) and vectors_file.c (on disk) share.
 */
#ifndef GLIMPSE_INDEX_VECTORS_PRIVATE_H
#define GLIMPSE_INDEX_VECTORS_PRIVATE_H

#include "vectors.h"

#include <faiss/c_api/Index_c.h>

struct glimpse_vectors {
    FaissIndex *index;       /* IDMap around `rows` */
    FaissIndex *rows;        /* borrowed from it: searched by position */
    const int64_t *contents; /* borrowed from it: [count], content ids by position */
    size_t count, dim;
    uint64_t generation, digest;
    int64_t last_row;   /* of the table of embeddings */
    size_t *by_content; /* positions in the order of their content ids; NULL until needed */
};

/* Takes an index over and looks up its parts; GLIMPSE_E_FORMAT when it is of another kind. */
int glimpse_vectors_adopt(glimpse_vectors *vectors, FaissIndex *index);

/* FAISS's last failure as a status of ours, its text copied. */
int glimpse_faiss_fail(const char *what);

#endif
