/*
 * core/cancel.c - the flag that stops what runs, and glimpse_free.
 *
 * Compiler builtins instead of <stdatomic.h>: the public struct is a plain int, which C++ programs
 * can hold as well.
 */
#include <glimpse/status.h>

#include <stdlib.h>

#if __GCC_ATOMIC_INT_LOCK_FREE != 2
# error "a signal handler could not raise the flag"
#endif

void glimpse_cancel_raise(glimpse_cancel *cancel) {
    if (cancel) __atomic_store_n(&cancel->raised, 1, __ATOMIC_RELEASE);
}

void glimpse_cancel_clear(glimpse_cancel *cancel) {
    if (cancel) __atomic_store_n(&cancel->raised, 0, __ATOMIC_RELEASE);
}

int glimpse_cancel_raised(const glimpse_cancel *cancel) {
    return cancel && __atomic_load_n(&cancel->raised, __ATOMIC_ACQUIRE) != 0;
}

void glimpse_free(void *memory) {
    free(memory);
}
