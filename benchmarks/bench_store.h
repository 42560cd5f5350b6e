/*
 * bench_store.h - libraries of made-up pictures, for benchmarks.
 */
#ifndef GLIMPSE_BENCH_STORE_H
#define GLIMPSE_BENCH_STORE_H

#include "core/hash.h"
#include "store.h"

#include <math.h>
#include <stdio.h>

/* A direction of unit length; `state` is the generator's. */
static inline void bench_random_row(float *row, size_t dim, uint64_t *state) {
    double sum = 0.0;
    for (size_t d = 0; d < dim; d++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        row[d] = (float)((double)(*state >> 40) / 16777216.0 - 0.5);
        sum += (double)row[d] * (double)row[d];
    }
    const float scale = (float)(1.0 / sqrt(sum));
    for (size_t d = 0; d < dim; d++)
        row[d] *= scale;
}

/* Picture `i` with its embedding, inside a transaction. */
static inline int bench_add_picture(glimpse_store *store, int64_t model, size_t i, const float *row,
                                    size_t dim) {
    const glimpse_content_meta meta = {.hash = glimpse_hash_bytes(&i, sizeof i),
                                       .size = i + 1,
                                       .width = 640,
                                       .height = 480,
                                       .orientation = 1,
                                       .format = "JPEG",
                                       .taken = "",
                                       .camera = ""};
    const glimpse_file_stamp stamp = {i + 1, 0, i, 0};
    int64_t content = 0;
    char path[64];
    (void)snprintf(path, sizeof path, "/pictures/%07zu.jpg", i);
    int status = store->ops->contents.write(&content, store, &meta);
    if (status == GLIMPSE_OK) {
        status = store->ops->contents.write_embedding(store, model, content, row, dim);
    }
    if (status == GLIMPSE_OK) {
        status = store->ops->files.bind(store, path, &stamp, &meta.hash, meta.size);
    }
    return status;
}

#endif
