/*
 * core/queue.h - a bounded queue of pointers between threads: what joins the stages of ingest.
 *
 * Many producers, many consumers, first in first out. A full queue makes producers wait, so the
 * memory between two stages is bounded by the capacity. Closing wakes everyone: further pushes
 * are refused, pops drain what is left and then return 0.
 */
#ifndef GLIMPSE_CORE_QUEUE_H
#define GLIMPSE_CORE_QUEUE_H

#include <stddef.h>

typedef struct glimpse_queue glimpse_queue;

int glimpse_queue_create(glimpse_queue **out, size_t capacity);
void glimpse_queue_free(glimpse_queue *queue); /* items still inside are the caller's problem */

/* Waits for room. 1 when taken in, 0 when the queue is closed (the item stays the caller's). */
int glimpse_queue_push(glimpse_queue *queue, void *item);
/* The same for several, in order, with one lock for as many as there is room for: how many were
 * taken in, fewer only when the queue is closed. */
size_t glimpse_queue_push_all(glimpse_queue *queue, void *const *items, size_t count);
/* Waits for an item. 1 with *item set, 0 when the queue is closed and empty. */
int glimpse_queue_pop(glimpse_queue *queue, void **item);
/* As pop, but gives up after `milliseconds`: 1 item, 0 closed and empty, -1 nothing came. 0 ms
 * polls. */
int glimpse_queue_pop_timed(glimpse_queue *queue, void **item, long milliseconds);
/* The same for several: what is there, divided among `sharing` (1: all of it) and `max` at most.
 * How many, or 0 and -1 as above. */
int glimpse_queue_pop_some(glimpse_queue *queue, void **items, size_t max, size_t sharing,
                           long milliseconds);
/* Whether there are any, at some moment just now; without the lock. */
int glimpse_queue_has_items(const glimpse_queue *queue);
/* Shows `look` the item that `ahead` pops will pass over, when there is one. It is called under the
 * queue's lock, so that nobody takes the item away meanwhile: copy what is needed, and be quick. */
void glimpse_queue_look(glimpse_queue *queue, size_t ahead, void (*look)(void *user, void *item),
                        void *user);
void glimpse_queue_close(glimpse_queue *queue);
size_t glimpse_queue_length(glimpse_queue *queue);

#endif
