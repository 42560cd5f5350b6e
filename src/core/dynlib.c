/*
 * core/dynlib.c - loads a library and its symbols, once, and remembers why it could not.
 */
#include "core/dynlib.h"

#include "core/error.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

enum { NOT_TRIED, USABLE, UNUSABLE };

/* Copies a symbol's address without the cast between data and function pointers that C lacks. */
static int load_symbols(glimpse_dynlib *library, void *handle) {
    for (const glimpse_dynlib_symbol *s = library->symbols; s->name; s++) {
        void *symbol = dlsym(handle, s->name);
        memcpy(s->to, &symbol, sizeof symbol);
        if (symbol || s->optional) continue;
        (void)snprintf(library->reason, sizeof library->reason, "%s",
                       glimpse_foreign_message(dlerror(), "it lacks a function"));
        return 0;
    }
    return 1;
}

static int is_new_enough(glimpse_dynlib *library) {
    const unsigned *min = library->min_version;
    unsigned found[3] = {0, 0, 0};
    if (!library->version) return 1;
    library->version(found);
    for (size_t i = 0; i < 3; i++) {
        if (found[i] > min[i]) return 1;
        if (found[i] == min[i]) continue;
        (void)snprintf(library->reason, sizeof library->reason,
                       "version %u.%u.%u is older than %u.%u.%u", found[0], found[1], found[2],
                       min[0], min[1], min[2]);
        return 0;
    }
    return 1;
}

static int is_started(glimpse_dynlib *library) {
    const char *why = library->start ? library->start() : NULL;
    if (why) (void)snprintf(library->reason, sizeof library->reason, "%s", why);
    return !why;
}

static int load(glimpse_dynlib *library) {
    void *handle = NULL;
    for (size_t i = 0; i < GLIMPSE_DYNLIB_FILES && library->files[i] && !handle; i++) {
        handle = dlopen(library->files[i], RTLD_NOW | RTLD_LOCAL);
        if (handle) break;
        const char *why = glimpse_foreign_message(dlerror(), "it cannot be loaded");
        /* The first name is the one that is usually there. */
        if (i == 0) {
            (void)snprintf(library->reason, sizeof library->reason, "%s", why);
        }
    }
    if (!handle) return 0;
    if (load_symbols(library, handle) && is_new_enough(library) && is_started(library)) return 1;
    (void)dlclose(handle);
    return 0;
}

int glimpse_dynlib_load(glimpse_dynlib *library) {
    int state = atomic_load_explicit(&library->state, memory_order_acquire);
    if (state == NOT_TRIED) {
        (void)pthread_mutex_lock(&library->mutex);
        state = atomic_load_explicit(&library->state, memory_order_relaxed);
        if (state == NOT_TRIED) {
            state = load(library) ? USABLE : UNUSABLE;
            atomic_store_explicit(&library->state, state, memory_order_release);
        }
        (void)pthread_mutex_unlock(&library->mutex);
    }
    return state == USABLE;
}

int glimpse_dynlib_fail(const glimpse_dynlib *library, const char *who_needs) {
    return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "%s %s, which cannot be used here: %s; install %s",
                        who_needs, library->name, library->reason, library->package);
}
