/*
 * vectors.c - the FAISS index of a model in memory.
 *
 * Queries go to the flat index inside the IDMap, which answers with positions; the map gives the
 * content of each. That way the position is at hand for reading the row again, without the hash
 * table that an IDMap2 builds when it is loaded.
 */
#include "core/error.h"
#include "vectors_private.h"

#include <faiss/c_api/MetaIndexes_c.h>
#include <faiss/c_api/error_c.h>
#include <faiss/c_api/index_factory_c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COPY_ROWS = 1024, FEW_HITS = 256 };

/* Of whatever OpenMP library FAISS brings along; absent from a FAISS without one. */
extern int omp_get_max_threads(void) __attribute__((weak));
extern void omp_set_num_threads(int) __attribute__((weak));

int glimpse_faiss_enter(void) {
    if (!omp_get_max_threads || !omp_set_num_threads) return 0;
    int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    return threads;
}

void glimpse_faiss_leave(int threads) {
    if (threads > 0) omp_set_num_threads(threads);
}

int glimpse_faiss_fail(const char *what) {
    char text[512];
    (void)snprintf(text, sizeof text, "%s",
                   glimpse_foreign_message(faiss_get_last_error(), "no message"));
    if (strstr(text, "bad_alloc")) {
        return glimpse_fail(GLIMPSE_E_NOMEM, "%s: out of memory in FAISS", what);
    }
    return glimpse_fail(GLIMPSE_E_INTERNAL, "%s: FAISS: %s", what, text);
}

int glimpse_vectors_adopt(glimpse_vectors *vectors, FaissIndex *index) {
    faiss_Index_free(vectors->index);
    free(atomic_exchange(&vectors->by_content, NULL));
    vectors->index = index;
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

int glimpse_vectors_allocate(glimpse_vectors **out, size_t dim) {
    *out = NULL;
    glimpse_vectors *vectors = calloc(1, sizeof *vectors);
    if (!vectors) return glimpse_fail_nomem(sizeof *vectors, "a vector index");
    if (pthread_mutex_init(&vectors->mutex, NULL) != 0) {
        free(vectors);
        return glimpse_fail(GLIMPSE_E_INTERNAL, "cannot set up a lock");
    }
    vectors->dim = dim;
    atomic_init(&vectors->references, 1);
    *out = vectors;
    return GLIMPSE_OK;
}

int glimpse_vectors_create(glimpse_vectors **out, size_t dim) {
    glimpse_vectors *vectors = NULL;
    *out = NULL;
    int status = glimpse_vectors_allocate(&vectors, dim);
    if (status < 0) return status;
    FaissIndex *index = NULL;
    if (faiss_index_factory(&index, (int)dim, "IDMap,SQfp16", METRIC_INNER_PRODUCT) != 0) {
        status = glimpse_faiss_fail("making a vector index");
    } else {
        status = glimpse_vectors_adopt(vectors, index);
    }
    if (status < 0) {
        glimpse_vectors_release(vectors);
        return status;
    }
    *out = vectors;
    return GLIMPSE_OK;
}

glimpse_vectors *glimpse_vectors_retain(glimpse_vectors *vectors) {
    (void)atomic_fetch_add(&vectors->references, 1);
    return vectors;
}

void glimpse_vectors_release(glimpse_vectors *vectors) {
    if (!vectors || atomic_fetch_sub(&vectors->references, 1) != 1) return;
    faiss_Index_free(vectors->index); /* owns the rows */
    free(atomic_load(&vectors->by_content));
    (void)pthread_mutex_destroy(&vectors->mutex);
    free(vectors);
}

int glimpse_vectors_is_shared(const glimpse_vectors *vectors) {
    return atomic_load(&vectors->references) > 1;
}

size_t glimpse_vectors_count(const glimpse_vectors *vectors) {
    return vectors->count;
}

size_t glimpse_vectors_dim(const glimpse_vectors *vectors) {
    return vectors->dim;
}

int64_t glimpse_vectors_last_row(const glimpse_vectors *vectors) {
    return vectors->last_row;
}

uint64_t glimpse_vectors_generation(const glimpse_vectors *vectors) {
    return atomic_load(&vectors->generation);
}

void glimpse_vectors_set_generation(glimpse_vectors *vectors, uint64_t generation) {
    atomic_store(&vectors->generation, generation);
}

int glimpse_vectors_current(const glimpse_vectors *vectors, const glimpse_model_info *model) {
    return vectors->count == model->embedded && vectors->digest == model->digest &&
           vectors->dim == model->dim;
}

int glimpse_vectors_search(glimpse_vector_hit *hits, const glimpse_vectors *vectors,
                           const float *query, size_t k) {
    int64_t few_positions[FEW_HITS], *positions = few_positions;
    float few_scores[FEW_HITS], *scores = few_scores;
    int status = GLIMPSE_OK;
    if (k == 0) return GLIMPSE_OK;
    if (k > FEW_HITS) {
        positions = malloc(k * sizeof *positions);
        scores = malloc(k * sizeof *scores);
        if (!positions || !scores) {
            status = glimpse_fail_nomem(k * 12, "candidates");
            goto done;
        }
    }
    int threads = glimpse_faiss_enter();
    int failed = faiss_Index_search(vectors->rows, 1, query, (idx_t)k, scores, positions);
    glimpse_faiss_leave(threads);
    if (failed) {
        status = glimpse_faiss_fail("searching the vector index");
        goto done;
    }
    for (size_t i = 0; i < k; i++) {
        if (positions[i] < 0 || (size_t)positions[i] >= vectors->count) {
            status = glimpse_fail(GLIMPSE_E_INTERNAL, "FAISS found a row that is not there");
            goto done;
        }
        hits[i] = (glimpse_vector_hit){vectors->contents[positions[i]], positions[i], scores[i]};
    }
done:
    if (positions != few_positions) free(positions);
    if (scores != few_scores) free(scores);
    return status;
}

double glimpse_vectors_error_bound(size_t dim) {
    /* Sums of n products in any order: n u / (1 - n u) x (sum of |products|), and that sum is at
     * most the product of the two lengths (Cauchy-Schwarz), 1 but for the rounding to f16. */
    double n = ((double)dim + 16.0) / 16777216.0;
    return 1.01 * n / (1.0 - n);
}

static int compare_contents(const void *a, const void *b, void *user) {
    const int64_t *contents = user;
    int64_t x = contents[*(const size_t *)a], y = contents[*(const size_t *)b];
    return (x > y) - (x < y);
}

/* Nearly always sorted as it is: pictures are embedded in the order they are found. */
static size_t *sort_by_content(const glimpse_vectors *vectors) {
    size_t *order = malloc(vectors->count * sizeof *order);
    if (!order) return NULL;
    int sorted = 1;
    for (size_t i = 0; i < vectors->count; i++) {
        order[i] = i;
        if (i > 0 && vectors->contents[i - 1] >= vectors->contents[i]) sorted = 0;
    }
    if (!sorted) {
        qsort_r(order, vectors->count, sizeof *order, compare_contents,
                (void *)(uintptr_t)vectors->contents);
    }
    return order;
}

/* Made by the first that needs it, whatever thread that is. */
static const size_t *by_content(const glimpse_vectors *constant) {
    glimpse_vectors *vectors = (glimpse_vectors *)(uintptr_t)constant;
    size_t *order = atomic_load(&vectors->by_content);
    if (order) return order;
    (void)pthread_mutex_lock(&vectors->mutex);
    order = atomic_load(&vectors->by_content);
    if (!order) {
        order = sort_by_content(vectors);
        atomic_store(&vectors->by_content, order);
    }
    (void)pthread_mutex_unlock(&vectors->mutex);
    return order;
}

/* *first: in the order of ids, of the first that is at least `content`. *order NULL: there is none
 * at all. */
static int find_first(const size_t **order, size_t *first, const glimpse_vectors *vectors,
                      int64_t content) {
    size_t low = 0, high = vectors->count;
    *order = NULL;
    *first = 0;
    if (vectors->count == 0) return GLIMPSE_OK;
    *order = by_content(vectors);
    if (!*order) return glimpse_fail_nomem(vectors->count * sizeof **order, "an order of ids");
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (vectors->contents[(*order)[middle]] < content) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *first = low;
    return GLIMPSE_OK;
}

int glimpse_vectors_find(int64_t *row, const glimpse_vectors *vectors, int64_t content) {
    const size_t *order = NULL;
    size_t first = 0;
    *row = -1;
    int status = find_first(&order, &first, vectors, content);
    if (status < 0 || first == vectors->count) return status;
    if (vectors->contents[order[first]] == content) *row = (int64_t)order[first];
    return GLIMPSE_OK;
}

int glimpse_vectors_part_rows(const glimpse_vectors *vectors, int64_t picture,
                              int (*visit)(void *user, uint32_t part, int64_t row), void *user) {
    const size_t *order = NULL;
    size_t i = 0;
    int status = find_first(&order, &i, vectors, glimpse_part_key(picture, 0));
    for (; status == GLIMPSE_OK && i < vectors->count; i++) {
        const int64_t key = vectors->contents[order[i]];
        if (glimpse_part_key_picture(key) != picture) break;
        status = visit(user, glimpse_part_key_part(key), (int64_t)order[i]);
    }
    return status;
}

static int read_rows(const glimpse_vectors *vectors, size_t first, size_t count, float *rows) {
    int threads = glimpse_faiss_enter();
    int failed = faiss_Index_reconstruct_n(vectors->rows, (idx_t)first, (idx_t)count, rows);
    glimpse_faiss_leave(threads);
    return failed ? glimpse_faiss_fail("reading the vector index") : GLIMPSE_OK;
}

int glimpse_vectors_row(float *values, const glimpse_vectors *vectors, int64_t row) {
    return read_rows(vectors, (size_t)row, 1, values);
}

int glimpse_vectors_append(glimpse_vectors *vectors, const int64_t *contents, const float *rows,
                           size_t count, uint64_t sums, int64_t last_row) {
    if (count == 0) return GLIMPSE_OK;
    int threads = glimpse_faiss_enter();
    int failed = faiss_Index_add_with_ids(vectors->index, (idx_t)count, rows, contents);
    glimpse_faiss_leave(threads);
    if (failed) return glimpse_faiss_fail("adding to the vector index");
    /* FAISS moves its memory when it grows. */
    FaissIndex *index = vectors->index;
    vectors->index = NULL;
    int status = glimpse_vectors_adopt(vectors, index);
    if (status < 0) return status;
    vectors->digest ^= sums;
    vectors->last_row = last_row;
    return GLIMPSE_OK;
}

int glimpse_vectors_copy(glimpse_vectors **out, const glimpse_vectors *vectors) {
    glimpse_vectors *copy = NULL;
    float *rows = NULL;
    *out = NULL;
    int status = glimpse_vectors_create(&copy, vectors->dim);
    if (status < 0) return status;
    rows = malloc(COPY_ROWS * vectors->dim * sizeof *rows);
    if (!rows) status = glimpse_fail_nomem(COPY_ROWS * vectors->dim * sizeof *rows, "vectors");
    /* f16 to f32 and back loses nothing. */
    for (size_t i = 0; i < vectors->count && status == GLIMPSE_OK; i += COPY_ROWS) {
        size_t n = vectors->count - i < COPY_ROWS ? vectors->count - i : COPY_ROWS;
        status = read_rows(vectors, i, n, rows);
        if (status == GLIMPSE_OK) {
            status = glimpse_vectors_append(copy, vectors->contents + i, rows, n, 0, 0);
        }
    }
    free(rows);
    if (status < 0) {
        glimpse_vectors_release(copy);
        return status;
    }
    copy->digest = vectors->digest;
    copy->last_row = vectors->last_row;
    atomic_store(&copy->generation, atomic_load(&vectors->generation));
    *out = copy;
    return GLIMPSE_OK;
}
