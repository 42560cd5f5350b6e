/*
 * vectors_shared.c - loaded vectors that several handles of a process share.
 */
#include "vectors_shared.h"

#include "core/error.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct entry {
    char name[40];
    glimpse_vectors *vectors;
    struct entry *next;
} entry;

struct glimpse_vectors_shared {
    atomic_uint references;
    pthread_mutex_t mutex; /* around all that follows */
    entry *entries;
};

int glimpse_vectors_shared_create(glimpse_vectors_shared **out) {
    *out = NULL;
    glimpse_vectors_shared *shared = calloc(1, sizeof *shared);
    if (!shared) return glimpse_fail_nomem(sizeof *shared, "shared vectors");
    if (pthread_mutex_init(&shared->mutex, NULL) != 0) {
        free(shared);
        return glimpse_fail(GLIMPSE_E_INTERNAL, "cannot set up a lock");
    }
    atomic_init(&shared->references, 1);
    *out = shared;
    return GLIMPSE_OK;
}

glimpse_vectors_shared *glimpse_vectors_shared_retain(glimpse_vectors_shared *shared) {
    (void)atomic_fetch_add(&shared->references, 1);
    return shared;
}

void glimpse_vectors_shared_release(glimpse_vectors_shared *shared) {
    if (!shared || atomic_fetch_sub(&shared->references, 1) != 1) return;
    glimpse_vectors_shared_clear(shared);
    (void)pthread_mutex_destroy(&shared->mutex);
    free(shared);
}

void glimpse_vectors_shared_enter(glimpse_vectors_shared *shared) {
    (void)pthread_mutex_lock(&shared->mutex);
}

void glimpse_vectors_shared_leave(glimpse_vectors_shared *shared) {
    (void)pthread_mutex_unlock(&shared->mutex);
}

static entry *find(const glimpse_vectors_shared *shared, const char *name) {
    entry *e = shared->entries;
    while (e && strcmp(e->name, name) != 0)
        e = e->next;
    return e;
}

glimpse_vectors *glimpse_vectors_shared_get(const glimpse_vectors_shared *shared,
                                            const char *name) {
    const entry *e = find(shared, name);
    return e ? e->vectors : NULL;
}

glimpse_vectors *glimpse_vectors_shared_remove(glimpse_vectors_shared *shared, const char *name) {
    entry *e = find(shared, name);
    if (!e) return NULL;
    glimpse_vectors *vectors = e->vectors;
    e->vectors = NULL;
    return vectors;
}

void glimpse_vectors_shared_insert(glimpse_vectors_shared *shared, const char *name,
                                   glimpse_vectors *vectors) {
    entry *e = find(shared, name);
    if (!e) {
        e = calloc(1, sizeof *e);
        if (!e) return;
        (void)snprintf(e->name, sizeof e->name, "%s", name);
        e->next = shared->entries;
        shared->entries = e;
    }
    if (e->vectors == vectors) return;
    if (e->vectors &&
        glimpse_vectors_generation(e->vectors) > glimpse_vectors_generation(vectors)) {
        return;
    }
    glimpse_vectors_release(e->vectors);
    e->vectors = glimpse_vectors_retain(vectors);
}

void glimpse_vectors_shared_clear(glimpse_vectors_shared *shared) {
    while (shared->entries) {
        entry *next = shared->entries->next;
        glimpse_vectors_release(shared->entries->vectors);
        free(shared->entries);
        shared->entries = next;
    }
}
