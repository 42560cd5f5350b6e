/*
 * allocations.h - allocations of the engine that fail on demand. The test is linked with WRAP
 * malloc calloc realloc; those inside shared libraries are not seen.
 */
#ifndef GLIMPSE_TESTS_ALLOCATIONS_H
#define GLIMPSE_TESTS_ALLOCATIONS_H

/* From now on the first `count` succeed, and none after them. */
void fail_allocations_after(long count);
/* All succeed again; whether one failed since. */
int let_allocations_succeed(void);

#endif
