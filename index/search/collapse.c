/*
 * collapse.c - which pictures are the same over again, and groups of them around leaders.
 *
 * Most pairs differ in their embeddings, which are in memory: what the store knows of a picture is
 * looked up when these are near.
 */
#include "collapse.h"

#include "core/error.h"
#include "product.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The largest difference of near-duplicates, and the smallest likeness; chosen on data. */
static const double SHAPE = 0.03;          /* of the logarithms of the aspect ratios */
static const double COSINE = 0.85;         /* both kinds; of bursts more */
static const double SAME_COSINE = 0.99999; /* what rounding to f16 leaves of equal embeddings */
static const double CORRELATION = 0.995;   /* near-duplicates: of all cells, */
static const double LARGEST = 16.0;        /* of any cell, */
static const double MEAN = 3.0;            /* of the usual cell, */
static const double CONTRAST = 2.0;        /* and of the whole */
static const double BRIGHTNESS = 64.0;
static const double COLOUR = 10.0;
static const double BURST_COSINE = 0.9; /* bursts */
static const double BURST_CORRELATION = 0.7;
static const double BURST_COLOUR = 20.0;

static int same_shape(const glimpse_store_likeness *a, const glimpse_store_likeness *b) {
    if (a->width == 0 || a->height == 0 || b->width == 0 || b->height == 0) return 0;
    return fabs(log((double)a->width * b->height / ((double)a->height * b->width))) <= SHAPE;
}

/* 0 for what is no date. */
static int read_time(time_t *out, const char *taken) {
    struct tm at = {0};
    if (sscanf(taken, "%4d-%2d-%2dT%2d:%2d:%2d", &at.tm_year, &at.tm_mon, &at.tm_mday, &at.tm_hour,
               &at.tm_min, &at.tm_sec) != 6) {
        return 0;
    }
    at.tm_year -= 1900;
    at.tm_mon -= 1;
    *out = timegm(&at);
    return 1;
}

static int same_burst(const glimpse_store_likeness *a, const glimpse_store_likeness *b) {
    time_t of_a, of_b;
    if (!*a->camera || strcmp(a->camera, b->camera) != 0) return 0;
    if (!read_time(&of_a, a->taken) || !read_time(&of_b, b->taken)) return 0;
    return fabs(difftime(of_a, of_b)) <= GLIMPSE_BURST_SECONDS;
}

int glimpse_is_near(const glimpse_store_likeness *a, const glimpse_store_likeness *b,
                    double cosine) {
    glimpse_signature_difference d;
    if (!(cosine >= COSINE) || !same_shape(a, b)) return 0;
    if (!a->has_signature || !b->has_signature) return cosine >= SAME_COSINE;
    glimpse_signature_compare(&d, &a->signature, &b->signature);
    if (d.correlation >= CORRELATION && d.largest <= LARGEST && d.mean <= MEAN &&
        d.contrast <= CONTRAST && d.brightness <= BRIGHTNESS && d.colour <= COLOUR) {
        return 1;
    }
    return cosine >= BURST_COSINE && d.correlation >= BURST_CORRELATION &&
           d.colour <= BURST_COLOUR && same_burst(a, b);
}

/*
 * Groups.
 */
typedef struct member {
    int64_t picture;
    int is_known; /* likeness is set */
    glimpse_store_likeness likeness;
    float *rows[GLIMPSE_COLLAPSE_MODELS]; /* embeddings; NULL: none of that model */
    double lengths[GLIMPSE_COLLAPSE_MODELS];
} member;

struct glimpse_collapse {
    glimpse_store *store;
    const glimpse_vectors *vectors[GLIMPSE_COLLAPSE_MODELS];
    size_t dims[GLIMPSE_COLLAPSE_MODELS], vector_count;
    member *leaders;
    size_t count, capacity;
};

int glimpse_collapse_create(glimpse_collapse **out, glimpse_store *store,
                            const glimpse_vectors *const *vectors, const size_t *dims,
                            size_t count) {
    glimpse_collapse *c = calloc(1, sizeof *c);
    *out = c;
    if (!c) return glimpse_fail_nomem(sizeof *c, "groups of results");
    c->store = store;
    c->vector_count = count;
    for (size_t i = 0; i < count; i++) {
        c->vectors[i] = vectors[i];
        c->dims[i] = dims[i];
    }
    return GLIMPSE_OK;
}

static void clear(member *m) {
    for (size_t i = 0; i < GLIMPSE_COLLAPSE_MODELS; i++)
        free(m->rows[i]);
    *m = (member){0};
}

void glimpse_collapse_free(glimpse_collapse *c) {
    if (!c) return;
    for (size_t i = 0; i < c->count; i++)
        clear(&c->leaders[i]);
    free(c->leaders);
    free(c);
}

static int load(member *m, const glimpse_collapse *c, int64_t picture) {
    const struct glimpse_vectors_ops *ops = &c->store->ops->vectors;
    *m = (member){.picture = picture};
    for (size_t i = 0; i < c->vector_count; i++) {
        int64_t row = -1;
        int status = ops->find(&row, c->vectors[i], picture);
        if (status < 0) return status;
        if (row < 0) continue;
        m->rows[i] = malloc(c->dims[i] * sizeof(float));
        if (!m->rows[i]) return glimpse_fail_nomem(c->dims[i] * sizeof(float), "an embedding");
        status = ops->row(m->rows[i], c->vectors[i], row);
        if (status < 0) return status;
        m->lengths[i] = sqrt(glimpse_product(m->rows[i], m->rows[i], c->dims[i]));
    }
    return GLIMPSE_OK;
}

static double cosine_of(const glimpse_collapse *c, const member *a, const member *b) {
    for (size_t i = 0; i < c->vector_count; i++) {
        if (!a->rows[i] || !b->rows[i]) continue;
        return glimpse_product(a->rows[i], b->rows[i], c->dims[i]) /
               (a->lengths[i] * b->lengths[i]);
    }
    return NAN;
}

static int look_up(member *m, glimpse_store *store) {
    if (m->is_known) return GLIMPSE_OK;
    int status = store->ops->signatures.likeness(&m->likeness, store, m->picture);
    if (status == GLIMPSE_E_NOT_FOUND) status = GLIMPSE_OK; /* gone: near nothing */
    m->is_known = status == GLIMPSE_OK;
    return status;
}

static int find_leader(size_t *leader, glimpse_collapse *c, member *m) {
    for (*leader = 0; *leader < c->count; (*leader)++) {
        member *other = &c->leaders[*leader];
        const double cosine = cosine_of(c, other, m);
        if (!(cosine >= COSINE)) continue;
        int status = look_up(m, c->store);
        if (status == GLIMPSE_OK) status = look_up(other, c->store);
        if (status < 0) return status;
        if (glimpse_is_near(&other->likeness, &m->likeness, cosine)) return GLIMPSE_OK;
    }
    return GLIMPSE_OK;
}

static int add_leader(glimpse_collapse *c, const member *m) {
    if (c->count == c->capacity) {
        const size_t capacity = c->capacity ? 2 * c->capacity : 64;
        member *grown = realloc(c->leaders, capacity * sizeof *grown);
        if (!grown) return glimpse_fail_nomem(capacity * sizeof *grown, "groups of results");
        c->leaders = grown;
        c->capacity = capacity;
    }
    c->leaders[c->count++] = *m;
    return GLIMPSE_OK;
}

int glimpse_collapse_add(size_t *leader, int *is_new, glimpse_collapse *c, int64_t picture,
                         int only_joins) {
    member m;
    int status = load(&m, c, picture);
    *is_new = 0;
    if (status == GLIMPSE_OK) status = find_leader(leader, c, &m);
    if (status == GLIMPSE_OK && *leader == c->count && !only_joins) {
        status = add_leader(c, &m);
        *is_new = status == GLIMPSE_OK;
    }
    if (!*is_new) clear(&m);
    return status;
}

/*
 * Lists of several models.
 */
static int collapse_ids(size_t *leaders, glimpse_store *store, const glimpse_model_key *keys,
                        size_t key_count, const char *const *ids, size_t count, size_t limit) {
    const glimpse_vectors *vectors[GLIMPSE_COLLAPSE_MODELS];
    size_t dims[GLIMPSE_COLLAPSE_MODELS], known = 0;
    glimpse_collapse *collapse = NULL;
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < key_count && status == GLIMPSE_OK; i++, known++) {
        glimpse_model_info model;
        dims[i] = keys[i].dim;
        status = glimpse_store_find_model(&model, store, &keys[i]);
        if (status == GLIMPSE_OK) status = store->ops->vectors.get(&vectors[i], store, &model);
    }
    size_t found = 0, *positions = calloc(count + 1, sizeof *positions); /* by their numbers */
    if (status == GLIMPSE_OK && !positions) {
        status = glimpse_fail_nomem(count * sizeof *positions, "groups of results");
    }
    if (status == GLIMPSE_OK) {
        status = glimpse_collapse_create(&collapse, store, vectors, dims, known);
    }
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        int64_t picture = 0;
        size_t leader = 0;
        int is_new = 0;
        status = glimpse_store_content_of(&picture, store, ids[i]);
        leaders[i] = SIZE_MAX;
        if (status == GLIMPSE_E_NOT_FOUND) { /* gone since */
            status = GLIMPSE_OK;
            continue;
        }
        if (status == GLIMPSE_OK) {
            status = glimpse_collapse_add(&leader, &is_new, collapse, picture, found == limit);
        }
        if (status < 0) break;
        if (is_new) positions[found++] = i;
        if (leader < found) leaders[i] = positions[leader];
    }
    glimpse_collapse_free(collapse);
    free(positions);
    return status;
}

int glimpse_library_collapse_ids(size_t *leaders, glimpse_library *library,
                                 const glimpse_model_key *keys, size_t key_count,
                                 const char *const *ids, size_t count, size_t limit) {
    glimpse_store *store = glimpse_library_store(library);
    int status = store->ops->begin_read(store);
    if (status < 0) return status;
    status = collapse_ids(leaders, store, keys, key_count, ids, count, limit);
    store->ops->end_read(store);
    return status;
}
