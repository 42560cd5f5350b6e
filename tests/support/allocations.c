/*
 * allocations.c - stands in front of malloc, calloc and realloc.
 */
#include "support/allocations.h"

#include <stddef.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static int armed, failed;
static long countdown; /* allocations that still succeed */

static int must_fail(void) {
    if (!armed || countdown-- > 0) return 0;
    failed = 1;
    return 1;
}

void *__wrap_malloc(size_t size) {
    return must_fail() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
    return must_fail() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size) {
    return must_fail() ? NULL : __real_realloc(old, size);
}

void fail_allocations_after(long count) {
    countdown = count;
    failed = 0;
    armed = 1;
}

int let_allocations_succeed(void) {
    armed = 0;
    return failed;
}
