/*
 * test_queue.c - the bounded queue between threads: nothing lost, nothing twice, nobody left
 * waiting.
 */
#include "support/test.h"

#include "core/queue.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

static glimpse_queue *make_queue(size_t capacity) {
    glimpse_queue *queue = NULL;
    assert_ok(glimpse_queue_create(&queue, capacity));
    return queue;
}

static void first_in_is_first_out(void **state) {
    (void)state;
    glimpse_queue *queue = make_queue(3);
    int items[9];
    size_t in = 0, out = 0;
    for (int round = 0; round < 3; round++) { /* around the ring */
        for (int i = 0; i < 3; i++) {
            assert_int_equal(glimpse_queue_push(queue, &items[in++]), 1);
        }
        assert_int_equal(glimpse_queue_length(queue), 3);
        for (int i = 0; i < 3; i++) {
            void *item;
            assert_int_equal(glimpse_queue_pop(queue, &item), 1);
            assert_ptr_equal(item, &items[out++]);
        }
        assert_int_equal(glimpse_queue_length(queue), 0);
    }
    glimpse_queue_free(queue);
    glimpse_queue_free(NULL);
}

static void a_closed_queue_refuses_and_drains(void **state) {
    (void)state;
    glimpse_queue *queue = make_queue(4);
    int a, b;
    void *item;
    assert_int_equal(glimpse_queue_push(queue, &a), 1);
    assert_int_equal(glimpse_queue_push(queue, &b), 1);
    glimpse_queue_close(queue);
    glimpse_queue_close(queue);
    assert_int_equal(glimpse_queue_push(queue, &a), 0);
    assert_int_equal(glimpse_queue_pop(queue, &item), 1);
    assert_ptr_equal(item, &a);
    assert_int_equal(glimpse_queue_pop_timed(queue, &item, 1000), 1);
    assert_ptr_equal(item, &b);
    assert_int_equal(glimpse_queue_pop(queue, &item), 0);
    assert_int_equal(glimpse_queue_pop_timed(queue, &item, 1000), 0);
    assert_int_equal(glimpse_queue_pop_timed(queue, &item, 0), 0);
    glimpse_queue_free(queue);
}

static double seconds(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void a_timed_pop_gives_up_in_time(void **state) {
    (void)state;
    glimpse_queue *queue = make_queue(1);
    void *item;
    assert_int_equal(glimpse_queue_pop_timed(queue, &item, 0), -1);
    double start = seconds();
    assert_int_equal(glimpse_queue_pop_timed(queue, &item, 1050), -1); /* over a second's carry */
    double took = seconds() - start;
    assert_true(took > 1.0);
    int a;
    assert_int_equal(glimpse_queue_push(queue, &a), 1);
    assert_int_equal(glimpse_queue_pop_timed(queue, &item, 0), 1);
    assert_ptr_equal(item, &a);
    glimpse_queue_free(queue);
}

static void impossible_capacities_are_refused(void **state) {
    (void)state;
    glimpse_queue *queue;
    assert_int_equal(glimpse_queue_create(&queue, 0), GLIMPSE_E_INVALID);
    assert_null(queue);
    assert_int_equal(glimpse_queue_create(&queue, SIZE_MAX / 8), GLIMPSE_E_NOMEM);
    assert_null(queue);
}

static void *push_one(void *argument) {
    static int item;
    return glimpse_queue_push(argument, &item) ? NULL : argument;
}

static void *pop_one(void *argument) {
    void *item;
    return glimpse_queue_pop(argument, &item) ? NULL : argument;
}

static void closing_wakes_everyone_who_waits(void **state) {
    (void)state;
    enum { WAITERS = 4 };
    glimpse_queue *full = make_queue(1), *empty = make_queue(1);
    int item;
    assert_int_equal(glimpse_queue_push(full, &item), 1);
    pthread_t pushers[WAITERS], poppers[WAITERS];
    for (int i = 0; i < WAITERS; i++) {
        assert_int_equal(pthread_create(&pushers[i], NULL, push_one, full), 0);
        assert_int_equal(pthread_create(&poppers[i], NULL, pop_one, empty), 0);
    }
    struct timespec moment = {0, 20000000};
    (void)nanosleep(&moment, NULL); /* so that most of them really wait */
    glimpse_queue_close(full);
    glimpse_queue_close(empty);
    for (int i = 0; i < WAITERS; i++) {
        void *refused;
        assert_int_equal(pthread_join(pushers[i], &refused), 0);
        assert_ptr_equal(refused, full);
        assert_int_equal(pthread_join(poppers[i], &refused), 0);
        assert_ptr_equal(refused, empty);
    }
    assert_int_equal(glimpse_queue_length(full), 1); /* the item is still there to drain */
    glimpse_queue_free(full);
    glimpse_queue_free(empty);
}

enum { PRODUCERS = 5, CONSUMERS = 4, ITEMS = 4000 };

typedef struct crowd {
    glimpse_queue *queue;
    atomic_int next_producer;
    atomic_uchar seen[PRODUCERS * ITEMS]; /* times each item arrived */
    atomic_int out_of_order;
} crowd;

static void *produce(void *argument) {
    crowd *c = argument;
    int producer = atomic_fetch_add(&c->next_producer, 1);
    for (int i = 0; i < ITEMS; i++) {
        if (!glimpse_queue_push(c->queue, &c->seen[producer * ITEMS + i])) return argument;
    }
    return NULL;
}

static void *consume(void *argument) {
    crowd *c = argument;
    long last[PRODUCERS];
    for (int i = 0; i < PRODUCERS; i++) {
        last[i] = -1;
    }
    for (long orientation = 0;; orientation++) {
        void *item;
        int got = orientation % 3 ? glimpse_queue_pop(c->queue, &item)
                                  : glimpse_queue_pop_timed(c->queue, &item, orientation % 2);
        if (got < 0) continue;
        if (got == 0) return NULL;
        long index = (atomic_uchar *)item - c->seen;
        atomic_fetch_add(&c->seen[index], 1);
        /* what one consumer gets from one producer comes in the order it was sent */
        if (index <= last[index / ITEMS]) atomic_store(&c->out_of_order, 1);
        last[index / ITEMS] = index;
    }
}

static void every_item_arrives_once_through_a_crowd(void **state) {
    (void)state;
    static const size_t capacities[] = {1, 2, 64};
    for (size_t round = 0; round < sizeof capacities / sizeof capacities[0]; round++) {
        crowd *c = calloc(1, sizeof *c);
        assert_non_null(c);
        c->queue = make_queue(capacities[round]);
        pthread_t producers[PRODUCERS], consumers[CONSUMERS];
        for (int i = 0; i < CONSUMERS; i++) {
            assert_int_equal(pthread_create(&consumers[i], NULL, consume, c), 0);
        }
        for (int i = 0; i < PRODUCERS; i++) {
            assert_int_equal(pthread_create(&producers[i], NULL, produce, c), 0);
        }
        void *failed;
        for (int i = 0; i < PRODUCERS; i++) {
            assert_int_equal(pthread_join(producers[i], &failed), 0);
            assert_null(failed);
        }
        glimpse_queue_close(c->queue);
        for (int i = 0; i < CONSUMERS; i++) {
            assert_int_equal(pthread_join(consumers[i], &failed), 0);
        }
        for (size_t i = 0; i < PRODUCERS * ITEMS; i++) {
            assert_int_equal(atomic_load(&c->seen[i]), 1);
        }
        assert_int_equal(atomic_load(&c->out_of_order), 0);
        glimpse_queue_free(c->queue);
        free(c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_in_is_first_out),
        cmocka_unit_test(a_closed_queue_refuses_and_drains),
        cmocka_unit_test(a_timed_pop_gives_up_in_time),
        cmocka_unit_test(impossible_capacities_are_refused),
        cmocka_unit_test(closing_wakes_everyone_who_waits),
        cmocka_unit_test(every_item_arrives_once_through_a_crowd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
