/*
 * core/queue.c - a ring under one mutex with two condition variables.
 */
#include "core/queue.h"

#include "core/error.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

struct glimpse_queue {
    pthread_mutex_t mutex;
    pthread_cond_t not_empty, not_full;
    size_t capacity, first, count;
    int closed;
    atomic_int has_items; /* count > 0, for who looks without the lock */
    void *items[];
};

int glimpse_queue_create(glimpse_queue **out, size_t capacity) {
    *out = NULL;
    if (capacity == 0) return glimpse_fail(GLIMPSE_E_INVALID, "a queue needs room for an item");
    if (capacity > SIZE_MAX / 2 / sizeof(void *)) return glimpse_fail_nomem(SIZE_MAX, "a queue");
    glimpse_queue *queue = calloc(1, sizeof *queue + capacity * sizeof queue->items[0]);
    if (!queue) return glimpse_fail_nomem(capacity * sizeof(void *), "a queue");
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0) {
        free(queue);
        return glimpse_fail(GLIMPSE_E_INTERNAL, "cannot set up a condition variable");
    }
    /* The monotonic clock: a change of the wall clock must not stretch a timed wait. */
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    int failed = pthread_mutex_init(&queue->mutex, NULL) != 0 ||
                 pthread_cond_init(&queue->not_empty, &attributes) != 0 ||
                 pthread_cond_init(&queue->not_full, &attributes) != 0;
    (void)pthread_condattr_destroy(&attributes);
    if (failed) {
        free(queue);
        return glimpse_fail(GLIMPSE_E_INTERNAL, "cannot set up a queue's lock");
    }
    queue->capacity = capacity;
    *out = queue;
    return GLIMPSE_OK;
}

void glimpse_queue_free(glimpse_queue *queue) {
    if (!queue) return;
    (void)pthread_cond_destroy(&queue->not_full);
    (void)pthread_cond_destroy(&queue->not_empty);
    (void)pthread_mutex_destroy(&queue->mutex);
    free(queue);
}

int glimpse_queue_push(glimpse_queue *queue, void *item) {
    return glimpse_queue_push_all(queue, &item, 1) == 1;
}

size_t glimpse_queue_push_all(glimpse_queue *queue, void *const *items, size_t count) {
    size_t done = 0;
    (void)pthread_mutex_lock(&queue->mutex);
    while (done < count) {
        while (queue->count == queue->capacity && !queue->closed) {
            (void)pthread_cond_wait(&queue->not_full, &queue->mutex);
        }
        if (queue->closed) break;
        const size_t before = done;
        for (; done < count && queue->count < queue->capacity; done++, queue->count++)
            queue->items[(queue->first + queue->count) % queue->capacity] = items[done];
        atomic_store_explicit(&queue->has_items, 1, memory_order_relaxed);
        if (done - before > 1) {
            (void)pthread_cond_broadcast(&queue->not_empty);
        } else {
            (void)pthread_cond_signal(&queue->not_empty);
        }
    }
    (void)pthread_mutex_unlock(&queue->mutex);
    return done;
}

/* Up to `max` items. Whoever waits for room is woken when half of it is free: not once for each
 * item, each time to fill one place and to wait again. */
static size_t pop(glimpse_queue *queue, void **items, size_t max) {
    size_t got = 0;
    for (; got < max && queue->count > 0; got++, queue->count--) {
        items[got] = queue->items[queue->first];
        queue->first = (queue->first + 1) % queue->capacity;
    }
    if (queue->count == 0) atomic_store_explicit(&queue->has_items, 0, memory_order_relaxed);
    if (got > 0 && queue->count <= queue->capacity / 2) {
        if (got > 1) {
            (void)pthread_cond_broadcast(&queue->not_full);
        } else {
            (void)pthread_cond_signal(&queue->not_full);
        }
    }
    return got;
}

int glimpse_queue_pop(glimpse_queue *queue, void **item) {
    (void)pthread_mutex_lock(&queue->mutex);
    while (queue->count == 0 && !queue->closed) {
        (void)pthread_cond_wait(&queue->not_empty, &queue->mutex);
    }
    int got = pop(queue, item, 1) == 1;
    (void)pthread_mutex_unlock(&queue->mutex);
    return got;
}

int glimpse_queue_pop_timed(glimpse_queue *queue, void **item, long milliseconds) {
    return glimpse_queue_pop_some(queue, item, 1, 1, milliseconds);
}

int glimpse_queue_pop_some(glimpse_queue *queue, void **items, size_t max, size_t sharing,
                           long milliseconds) {
    struct timespec until;
    (void)pthread_mutex_lock(&queue->mutex);
    if (queue->count == 0 && !queue->closed && milliseconds > 0) {
        int waiting = 1;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += milliseconds / 1000;
        until.tv_nsec += milliseconds % 1000 * 1000000L;
        if (until.tv_nsec >= 1000000000L) {
            until.tv_sec++;
            until.tv_nsec -= 1000000000L;
        }
        while (waiting && queue->count == 0 && !queue->closed) {
            waiting = pthread_cond_timedwait(&queue->not_empty, &queue->mutex, &until) == 0;
        }
    }
    const size_t share = (queue->count + sharing - 1) / sharing;
    int got = (int)pop(queue, items, share < max ? share : max);
    if (!got && !queue->closed) got = -1;
    (void)pthread_mutex_unlock(&queue->mutex);
    return got;
}

int glimpse_queue_has_items(const glimpse_queue *queue) {
    return atomic_load_explicit(&queue->has_items, memory_order_relaxed);
}

void glimpse_queue_look(glimpse_queue *queue, size_t ahead, void (*look)(void *user, void *item),
                        void *user) {
    (void)pthread_mutex_lock(&queue->mutex);
    if (ahead < queue->count) {
        look(user, queue->items[(queue->first + ahead) % queue->capacity]);
    }
    (void)pthread_mutex_unlock(&queue->mutex);
}

void glimpse_queue_close(glimpse_queue *queue) {
    (void)pthread_mutex_lock(&queue->mutex);
    queue->closed = 1;
    (void)pthread_cond_broadcast(&queue->not_empty);
    (void)pthread_cond_broadcast(&queue->not_full);
    (void)pthread_mutex_unlock(&queue->mutex);
}

size_t glimpse_queue_length(glimpse_queue *queue) {
    (void)pthread_mutex_lock(&queue->mutex);
    size_t count = queue->count;
    (void)pthread_mutex_unlock(&queue->mutex);
    return count;
}
