/*
 * vectors.c - the FAISS index of a model, kept in step with the catalogue.
 *
 * Queries go to the flat index inside the IDMap, which answers with positions; the map gives the
 * content of each. That way the position is at hand for reading the row again, without the hash
 * table that an IDMap2 builds when it is loaded.
 *
 * FAISS opens an OpenMP region even for one query or one row. A team of threads cannot help there,
 * and waiting for it on a busy machine took 15 s where one thread took 0.05 s (1000 results of
 * 100,000 rows, 2 cores). So FAISS gets one thread, by a setting of the calling thread alone that
 * is put back afterwards.
 */
#include "catalog_private.h"
#include "core/error.h"
#include "math/half.h"
#include "vectors_private.h"

#include <faiss/c_api/MetaIndexes_c.h>
#include <faiss/c_api/error_c.h>
#include <faiss/c_api/index_factory_c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_ROWS = 1024 };

/* Of whatever OpenMP library FAISS brings along; absent from a FAISS without one. */
extern int omp_get_max_threads(void) __attribute__((weak));
extern void omp_set_num_threads(int) __attribute__((weak));

static int enter_faiss(void) {
    if (!omp_get_max_threads || !omp_set_num_threads) return 0;
    int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    return threads;
}

static void leave_faiss(int threads) {
    if (threads > 0) omp_set_num_threads(threads);
}

int glimpse_faiss_fail(const char *what) {
    char text[512];
    const char *said = faiss_get_last_error();
    (void)snprintf(text, sizeof text, "%s", said ? said : "no message");
    if (strstr(text, "bad_alloc")) {
        return glimpse_fail(GLIMPSE_E_NOMEM, "%s: out of memory in FAISS", what);
    }
    return glimpse_fail(GLIMPSE_E_INTERNAL, "%s: FAISS: %s", what, text);
}

int glimpse_vectors_adopt(glimpse_vectors *vectors, FaissIndex *index) {
    faiss_Index_free(vectors->index);
    free(vectors->by_content);
    vectors->index = index;
    vectors->by_content = NULL;
    vectors->contents = NULL;
    vectors->count = 0;
    FaissIndexIDMap *map = faiss_IndexIDMap_cast(index);
    if (!map || (size_t)faiss_Index_d(index) != vectors->dim ||
        faiss_Index_metric_type(index) != METRIC_INNER_PRODUCT) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "a vector index of another kind");
    }
    vectors->rows = faiss_IndexIDMap_sub_index(map);
    idx_t *ids = NULL;
    size_t count = 0;
    faiss_IndexIDMap_id_map(map, &ids, &count);
    if ((idx_t)count != faiss_Index_ntotal(index) ||
        faiss_Index_ntotal(vectors->rows) != faiss_Index_ntotal(index)) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "a vector index without an id for each row");
    }
    vectors->contents = ids;
    vectors->count = count;
    return GLIMPSE_OK;
}

int glimpse_vectors_create(glimpse_vectors **out, size_t dim) {
    *out = NULL;
    glimpse_vectors *vectors = calloc(1, sizeof *vectors);
    if (!vectors) return glimpse_fail_nomem(sizeof *vectors, "a vector index");
    vectors->dim = dim;
    FaissIndex *index = NULL;
    int status = GLIMPSE_OK;
    if (faiss_index_factory(&index, (int)dim, "IDMap,SQfp16", METRIC_INNER_PRODUCT) != 0) {
        status = glimpse_faiss_fail("making a vector index");
    } else {
        status = glimpse_vectors_adopt(vectors, index);
    }
    if (status < 0) {
        glimpse_vectors_free(vectors);
        return status;
    }
    *out = vectors;
    return GLIMPSE_OK;
}

void glimpse_vectors_free(glimpse_vectors *vectors) {
    if (!vectors) return;
    faiss_Index_free(vectors->index); /* owns the rows */
    free(vectors->by_content);
    free(vectors);
}

size_t glimpse_vectors_count(const glimpse_vectors *vectors) {
    return vectors->count;
}

size_t glimpse_vectors_dim(const glimpse_vectors *vectors) {
    return vectors->dim;
}

int glimpse_vectors_current(const glimpse_vectors *vectors, const glimpse_model_info *model) {
    return vectors->count == model->embedded && vectors->digest == model->digest &&
           vectors->dim == model->dim;
}

int glimpse_vectors_search(const glimpse_vectors *vectors, const float *query, size_t k,
                           int64_t *positions, float *scores) {
    if (k == 0) return GLIMPSE_OK;
    int threads = enter_faiss();
    int failed = faiss_Index_search(vectors->rows, 1, query, (idx_t)k, scores, positions);
    leave_faiss(threads);
    if (failed) return glimpse_faiss_fail("searching the vector index");
    for (size_t i = 0; i < k; i++) {
        if (positions[i] < 0 || (size_t)positions[i] >= vectors->count) {
            return glimpse_fail(GLIMPSE_E_INTERNAL, "FAISS found a row that is not there");
        }
    }
    return GLIMPSE_OK;
}

double glimpse_vectors_error_bound(size_t dim) {
    /* Sums of n products in any order: n u / (1 - n u) x (sum of |products|), and that sum is at
     * most the product of the two lengths (Cauchy-Schwarz), 1 but for the rounding to f16. */
    double n = ((double)dim + 16.0) / 16777216.0;
    return 1.01 * n / (1.0 - n);
}

int64_t glimpse_vectors_content(const glimpse_vectors *vectors, size_t position) {
    return vectors->contents[position];
}

static int compare_contents(const void *a, const void *b, void *user) {
    const int64_t *contents = user;
    int64_t x = contents[*(const size_t *)a], y = contents[*(const size_t *)b];
    return (x > y) - (x < y);
}

int glimpse_vectors_find(glimpse_vectors *vectors, int64_t content, int64_t *position) {
    *position = -1;
    if (!vectors->by_content && vectors->count > 0) {
        size_t *order = malloc(vectors->count * sizeof *order);
        if (!order) return glimpse_fail_nomem(vectors->count * sizeof *order, "an order of ids");
        int sorted = 1;
        for (size_t i = 0; i < vectors->count; i++) {
            order[i] = i;
            if (i > 0 && vectors->contents[i - 1] >= vectors->contents[i]) sorted = 0;
        }
        /* Nearly always sorted as it is: pictures are embedded in the order they are found. */
        if (!sorted) {
            qsort_r(order, vectors->count, sizeof *order, compare_contents,
                    (void *)(uintptr_t)vectors->contents);
        }
        vectors->by_content = order;
    }
    size_t low = 0, high = vectors->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int64_t here = vectors->contents[vectors->by_content[middle]];
        if (here == content) {
            *position = (int64_t)vectors->by_content[middle];
            break;
        }
        if (here < content) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return GLIMPSE_OK;
}

int glimpse_vectors_rows(const glimpse_vectors *vectors, size_t first, size_t count, float *rows) {
    if (count == 0) return GLIMPSE_OK;
    int threads = enter_faiss();
    int failed = faiss_Index_reconstruct_n(vectors->rows, (idx_t)first, (idx_t)count, rows);
    leave_faiss(threads);
    return failed ? glimpse_faiss_fail("reading the vector index") : GLIMPSE_OK;
}

/* FAISS moves its memory when it grows. */
static int add(glimpse_vectors *vectors, const int64_t *contents, const float *rows, size_t count) {
    if (count == 0) return GLIMPSE_OK;
    int threads = enter_faiss();
    int failed = faiss_Index_add_with_ids(vectors->index, (idx_t)count, rows, contents);
    leave_faiss(threads);
    if (failed) return glimpse_faiss_fail("adding to the vector index");
    FaissIndex *index = vectors->index;
    vectors->index = NULL;
    return glimpse_vectors_adopt(vectors, index);
}

/* Appends the embeddings behind vectors->last_row. */
static int append(glimpse_vectors *vectors, glimpse_db *db, const glimpse_model_info *model,
                  size_t *added) {
    sqlite3_stmt *row = NULL;
    size_t dim = model->dim, used = 0;
    *added = 0;
    float *rows = malloc(BATCH_ROWS * dim * sizeof *rows);
    int64_t *contents = malloc(BATCH_ROWS * sizeof *contents);
    int status = GLIMPSE_OK;
    if (!rows || !contents) {
        status = glimpse_fail_nomem(BATCH_ROWS * dim * sizeof *rows, "a batch of embeddings");
        goto done;
    }
    status = glimpse_db_query(db, &row,
                              "SELECT content_id, vector, sum, id FROM embedding"
                              " WHERE model_id = ?1 AND id > ?2 ORDER BY id",
                              "ii", model->id, vectors->last_row);
    while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0) {
        const uint8_t *bytes = NULL;
        status = glimpse_embedding_read(db, row, 0, model->id, dim, &contents[used], &bytes);
        if (status < 0) break;
        glimpse_f16_load(rows + used * dim, bytes, dim);
        vectors->digest ^= (uint64_t)sqlite3_column_int64(row, 2);
        vectors->last_row = sqlite3_column_int64(row, 3);
        if (++used == BATCH_ROWS) {
            status = add(vectors, contents, rows, used);
            *added += used;
            used = 0;
        }
    }
    if (status == GLIMPSE_OK) status = add(vectors, contents, rows, used);
    *added += used;
done:
    glimpse_db_reset(row);
    free(contents);
    free(rows);
    return status;
}

int glimpse_vectors_refresh(glimpse_vectors **vectors, glimpse_catalog *catalog,
                            const glimpse_model_info *model, int *changed) {
    glimpse_db *db = catalog->db;
    size_t added = 0;
    int status = GLIMPSE_OK;
    *changed = 0;
    if (*vectors && glimpse_vectors_current(*vectors, model)) {
        (*vectors)->generation = model->generation;
        return GLIMPSE_OK;
    }
    *changed = 1;
    /* What may be missing is at the end. When more embeddings are here than there, some went. */
    int fresh = !*vectors || (*vectors)->dim != model->dim;
    for (int attempt = 0; attempt < 2; attempt++) {
        if (fresh || attempt > 0) {
            glimpse_vectors_free(*vectors);
            *vectors = NULL;
            status = glimpse_vectors_create(vectors, model->dim);
        }
        if (status == GLIMPSE_OK) status = append(*vectors, db, model, &added);
        if (status < 0) break;
        if (glimpse_vectors_current(*vectors, model)) {
            (*vectors)->generation = model->generation;
            return GLIMPSE_OK;
        }
        if (fresh) break;
    }
    glimpse_vectors_free(*vectors);
    *vectors = NULL;
    if (status < 0) return status;
    return glimpse_db_damaged(db, "the embeddings of model %s are not the %llu it should have",
                              model->fingerprint, (unsigned long long)model->embedded);
}
