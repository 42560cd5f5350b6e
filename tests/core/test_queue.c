/*
 * test_queue.c - the bounded queue between threads: nothing lost, nothing twice, nobody left
 * waiting.
 */
#include "support/test.h"

#include "core/queue.h"

#include <pthread.h>
#include <sched.h>
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

static void several_go_in_and_come_out_in_order(void **state) {
    (void)state;
    glimpse_queue *queue = make_queue(5);
    int items[4];
    void *in[4], *out[8];
    for (int i = 0; i < 4; i++)
        in[i] = &items[i];
    for (int round = 0; round < 6; round++) { /* around the ring */
        assert_int_equal(glimpse_queue_has_items(queue), 0);
        assert_int_equal(glimpse_queue_push_all(queue, in, 4), 4);
        assert_int_equal(glimpse_queue_length(queue), 4);
        assert_int_equal(glimpse_queue_has_items(queue), 1);
        assert_int_equal(glimpse_queue_pop_some(queue, out, 1, 1, 0), 1);
        assert_int_equal(glimpse_queue_pop_some(queue, out + 1, 7, 1, 0), 3);
        for (int i = 0; i < 4; i++)
            assert_ptr_equal(out[i], in[i]);
    }
    assert_int_equal(glimpse_queue_push_all(queue, in, 0), 0);
    assert_int_equal(glimpse_queue_length(queue), 0);
    glimpse_queue_free(queue);
}

static void what_is_there_is_shared(void **state) {
    (void)state;
    glimpse_queue *queue = make_queue(8);
    int items[8];
    void *in[8], *out[8];
    for (int i = 0; i < 8; i++)
        in[i] = &items[i];
    assert_int_equal(glimpse_queue_push_all(queue, in, 8), 8);
    assert_int_equal(glimpse_queue_pop_some(queue, out, 8, 3, 0), 3); /* of 8, rounded up */
    assert_int_equal(glimpse_queue_pop_some(queue, out + 3, 2, 1, 0),
                     2); /* no more than asked for */
    assert_int_equal(glimpse_queue_pop_some(queue, out + 5, 3, 100, 0), 1); /* one at least */
    assert_int_equal(glimpse_queue_pop_some(queue, out + 6, 2, 2, 0), 1);
    assert_int_equal(glimpse_queue_pop_some(queue, out + 7, 1, 2, 0), 1);
    for (int i = 0; i < 8; i++)
        assert_ptr_equal(out[i], in[i]);
    assert_int_equal(glimpse_queue_pop_some(queue, out, 8, 3, 0), -1);
    glimpse_queue_close(queue);
    assert_int_equal(glimpse_queue_pop_some(queue, out, 8, 3, 1000), 0);
    assert_int_equal(glimpse_queue_push_all(queue, in, 8), 0);
    glimpse_queue_free(queue);
}

typedef struct pushing {
    glimpse_queue *queue;
    void *items[7];
    size_t taken;
} pushing;

static void *push_all(void *argument) {
    pushing *p = argument;
    p->taken = glimpse_queue_push_all(p->queue, p->items, sizeof p->items / sizeof p->items[0]);
    return NULL;
}

/* More than there is room for: the rest waits for it, and comes back when the queue is closed. */
static void what_does_not_fit_waits_in_order(void **state) {
    (void)state;
    enum { CAPACITY = 3 };
    for (int closing = 0; closing < 2; closing++) {
        int items[7];
        pushing p = {.queue = make_queue(CAPACITY)};
        pthread_t thread;
        const int expected = closing ? CAPACITY : 7;
        for (int i = 0; i < 7; i++)
            p.items[i] = &items[i];
        assert_int_equal(pthread_create(&thread, NULL, push_all, &p), 0);
        while (glimpse_queue_length(p.queue) < CAPACITY)
            (void)sched_yield();
        if (closing) glimpse_queue_close(p.queue);
        for (int i = 0; i < expected; i++) {
            void *item = NULL;
            assert_int_equal(glimpse_queue_pop(p.queue, &item), 1);
            assert_ptr_equal(item, &items[i]);
        }
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(p.taken, expected);
        assert_int_equal(glimpse_queue_has_items(p.queue), 0);
        glimpse_queue_free(p.queue);
    }
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

static void several_that_leave_make_room_for_as_many(void **state) {
    (void)state;
    enum { CAPACITY = 2 };
    glimpse_queue *queue = make_queue(CAPACITY);
    int items[CAPACITY];
    void *in[CAPACITY] = {&items[0], &items[1]}, *out[CAPACITY], *refused;
    pthread_t pushers[CAPACITY];
    assert_int_equal(glimpse_queue_push_all(queue, in, CAPACITY), CAPACITY);
    for (int i = 0; i < CAPACITY; i++)
        assert_int_equal(pthread_create(&pushers[i], NULL, push_one, queue), 0);
    struct timespec moment = {0, 20000000};
    (void)nanosleep(&moment, NULL); /* so that they really wait */
    assert_int_equal(glimpse_queue_pop_some(queue, out, CAPACITY, 1, 0), CAPACITY);
    for (int i = 0; i < CAPACITY; i++) {
        assert_int_equal(pthread_join(pushers[i], &refused), 0);
        assert_null(refused);
    }
    assert_int_equal(glimpse_queue_length(queue), CAPACITY);
    glimpse_queue_free(queue);
}

enum { PRODUCERS = 5, CONSUMERS = 4, ITEMS = 4000 };

typedef struct crowd {
    glimpse_queue *queue;
    int together; /* push_all and pop_some */
    atomic_int next_producer;
    atomic_uchar seen[PRODUCERS * ITEMS]; /* times each item arrived */
    atomic_int out_of_order;
} crowd;

static void *produce(void *argument) {
    crowd *c = argument;
    int producer = atomic_fetch_add(&c->next_producer, 1);
    for (int i = 0; c->together && i < ITEMS;) {
        void *items[9];
        size_t count = 0;
        for (; count < 1 + (size_t)(i % 9) && i + (int)count < ITEMS; count++)
            items[count] = &c->seen[producer * ITEMS + i + (int)count];
        if (glimpse_queue_push_all(c->queue, items, count) != count) return argument;
        i += (int)count;
    }
    for (int i = 0; !c->together && i < ITEMS; i++) {
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
        void *items[6];
        int got = c->together
                      ? glimpse_queue_pop_some(c->queue, items, 6, CONSUMERS, orientation % 2)
                  : orientation % 3 ? glimpse_queue_pop(c->queue, items)
                                    : glimpse_queue_pop_timed(c->queue, items, orientation % 2);
        if (got == 0) return NULL;
        for (int i = 0; i < got; i++) {
            long index = (atomic_uchar *)items[i] - c->seen;
            atomic_fetch_add(&c->seen[index], 1);
            /* what one consumer gets from one producer comes in the order it was sent */
            if (index <= last[index / ITEMS]) atomic_store(&c->out_of_order, 1);
            last[index / ITEMS] = index;
        }
    }
}

static void every_item_arrives_once_through_a_crowd(void **state) {
    (void)state;
    static const size_t capacities[] = {1, 2, 64};
    for (size_t round = 0; round < 2 * sizeof capacities / sizeof capacities[0]; round++) {
        crowd *c = calloc(1, sizeof *c);
        assert_non_null(c);
        c->queue = make_queue(capacities[round / 2]);
        c->together = round % 2 != 0;
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
        cmocka_unit_test(several_go_in_and_come_out_in_order),
        cmocka_unit_test(what_is_there_is_shared),
        cmocka_unit_test(what_does_not_fit_waits_in_order),
        cmocka_unit_test(a_timed_pop_gives_up_in_time),
        cmocka_unit_test(impossible_capacities_are_refused),
        cmocka_unit_test(closing_wakes_everyone_who_waits),
        cmocka_unit_test(several_that_leave_make_room_for_as_many),
        cmocka_unit_test(every_item_arrives_once_through_a_crowd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
