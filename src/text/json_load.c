/*
 * text/json_load.c - parses JSON on a machine that may run out of memory.
 *
 * jansson's allocator is one for the whole process. Ours is put around the one that is there, and
 * does nothing else than that one unless the calling thread is inside glimpse_json_load(): then it
 * keeps a list of what was allocated and not freed again, so that a parse that is left half-way
 * leaves nothing behind. jansson frees what it has only just allocated, or what it grows a few
 * times (buffers, tables), so the list is searched from its end.
 */
#include "text/json_load.h"

#include "core/error.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct parse {
    jmp_buf way_out;
    void **made; /* [count] */
    size_t count, capacity;
} parse;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static json_malloc_t allocate_as_before;
static json_free_t release_as_before;
static _Thread_local parse *parsing; /* NULL: not parsing */

static void *allocate(size_t size) {
    void *memory = allocate_as_before(size);
    parse *p = parsing;
    if (!p || (!memory && size == 0)) return memory;
    if (memory && p->count == p->capacity) {
        size_t capacity = p->capacity ? 2 * p->capacity : 256;
        void **made = realloc(p->made, capacity * sizeof *made);
        if (made) {
            p->made = made;
            p->capacity = capacity;
        } else {
            release_as_before(memory);
            memory = NULL;
        }
    }
    if (!memory) longjmp(p->way_out, 1);
    p->made[p->count++] = memory;
    return memory;
}

static void release(void *memory) {
    parse *p = parsing;
    for (size_t i = p && memory ? p->count : 0; i > 0; i--) {
        if (p->made[i - 1] != memory) continue;
        p->made[i - 1] = p->made[--p->count];
        break;
    }
    release_as_before(memory);
}

static void put_around(void) {
    json_get_alloc_funcs(&allocate_as_before, &release_as_before);
    json_set_alloc_funcs(allocate, release);
}

json_t *glimpse_json_load(const void *text, size_t size, size_t flags, json_error_t *error) {
    parse p;
    (void)pthread_once(&once, put_around);
    memset(error, 0, sizeof *error);
    p.made = NULL;
    p.count = p.capacity = 0;
    if (setjmp(p.way_out) != 0) {
        const parse *failed = parsing; /* what is at `p` now, whatever a register still holds */
        parsing = NULL;
        for (size_t i = 0; i < failed->count; i++)
            release_as_before(failed->made[i]);
        free(failed->made);
        memset(error, 0, sizeof *error);
        (void)snprintf(error->text, sizeof error->text, "out of memory");
        error->text[sizeof error->text - 1] = (char)json_error_out_of_memory;
        return NULL;
    }
    parsing = &p;
    json_t *root = json_loadb(text, size, flags, error);
    parsing = NULL;
    free(p.made);
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
