/*
 * text/json_load.c - see json_load.h.
 *
 * jansson's allocator is one for the whole process. Ours is put around the one that is there, and
 * does nothing else than that one unless the calling thread is inside glimpse_json_load(); memory
 * is freed as before, so that it does not matter who allocated it when.
 */
#include "text/json_load.h"

#include "core/error.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static json_malloc_t allocate_as_before;
static _Thread_local jmp_buf *way_out; /* NULL: not parsing */

static void *allocate(size_t size) {
    void *memory = allocate_as_before(size);
    if (!memory && size > 0 && way_out) longjmp(*way_out, 1);
    return memory;
}

static void put_around(void) {
    json_free_t release;
    json_get_alloc_funcs(&allocate_as_before, &release);
    json_set_alloc_funcs(allocate, release);
}

json_t *glimpse_json_load(const void *text, size_t size, size_t flags, json_error_t *error) {
    jmp_buf here;
    (void)pthread_once(&once, put_around);
    memset(error, 0, sizeof *error);
    if (setjmp(here) != 0) {
        way_out = NULL;
        memset(error, 0, sizeof *error);
        (void)snprintf(error->text, sizeof error->text, "out of memory");
        error->text[sizeof error->text - 1] = (char)json_error_out_of_memory;
        return NULL;
    }
    way_out = &here;
    json_t *root = json_loadb(text, size, flags, error);
    way_out = NULL;
    return root;
}

int glimpse_json_is_nomem(const json_error_t *error) {
    return json_error_code(error) == json_error_out_of_memory;
}

int glimpse_json_failed(const json_error_t *error, const char *name) {
    if (glimpse_json_is_nomem(error)) {
        return glimpse_fail(GLIMPSE_E_NOMEM, "out of memory (reading %s)", name);
    }
    return glimpse_fail(GLIMPSE_E_FORMAT, "%s: line %d: %s", name, error->line, error->text);
}
