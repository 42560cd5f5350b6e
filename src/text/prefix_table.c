/*
 * text/prefix_table.c - strings sorted so that all of them that begin a text are found at once.
 */
#include "text/prefix_table.h"

#include "core/error.h"

#include <stdlib.h>
#include <string.h>

int glimpse_prefix_table_add(glimpse_prefix_table *table, const char *text, size_t length,
                             int32_t id) {
    if (length == 0 || length > UINT32_MAX) {
        return glimpse_fail(GLIMPSE_E_INTERNAL, "a token of %zu bytes in a prefix table", length);
    }
    if (table->count == table->capacity) {
        size_t capacity = table->capacity ? 2 * table->capacity : 64;
        glimpse_prefix *entries = realloc(table->entries, capacity * sizeof *entries);
        if (!entries) return glimpse_fail_nomem(capacity * sizeof *entries, "a table of tokens");
        table->entries = entries;
        table->capacity = capacity;
    }
    table->entries[table->count++] = (glimpse_prefix){text, (uint32_t)length, id};
    return GLIMPSE_OK;
}

void glimpse_prefix_table_release(glimpse_prefix_table *table) {
    free(table->entries);
    memset(table, 0, sizeof *table);
}

static int compare(const void *left, const void *right) {
    const glimpse_prefix *a = left, *b = right;
    int order = memcmp(a->text, b->text, a->length < b->length ? a->length : b->length);
    if (order != 0) return order;
    return a->length < b->length ? -1 : a->length > b->length;
}

void glimpse_prefix_table_sort(glimpse_prefix_table *table, const glimpse_prefix **twice) {
    *twice = NULL;
    if (table->count > 1) qsort(table->entries, table->count, sizeof *table->entries, compare);
    for (size_t i = 1; i < table->count && !*twice; i++) {
        if (compare(&table->entries[i - 1], &table->entries[i]) == 0) *twice = &table->entries[i];
    }
    size_t at = 0;
    for (size_t byte = 0; byte < 256; byte++) {
        table->first[byte] = at;
        while (at < table->count && (unsigned char)table->entries[at].text[0] == byte) {
            at++;
        }
    }
    table->first[256] = at;
}

/* The first entry of [from, to) whose byte at `depth` is at least `least`. */
static size_t lower_bound(const glimpse_prefix *entries, size_t from, size_t to, size_t depth,
                          unsigned min) {
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if ((unsigned char)entries[middle].text[depth] < min) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

int32_t glimpse_prefix_table_step(const glimpse_prefix_table *table, glimpse_prefix_walk *walk,
                                  unsigned char byte) {
    const glimpse_prefix *entries = table->entries;
    if (walk->depth == 0) {
        walk->from = table->first[byte];
        walk->to = table->first[byte + 1];
    } else {
        if (walk->from < walk->to && entries[walk->from].length == walk->depth) walk->from++;
        walk->from = lower_bound(entries, walk->from, walk->to, walk->depth, byte);
        walk->to = lower_bound(entries, walk->from, walk->to, walk->depth, byte + 1u);
    }
    if (walk->from == walk->to) return GLIMPSE_PREFIX_END;
    walk->depth++;
    const glimpse_prefix *shortest = &entries[walk->from];
    return shortest->length == walk->depth ? shortest->id : GLIMPSE_PREFIX_NONE;
}

int32_t glimpse_prefix_table_find(const glimpse_prefix_table *table, const char *text,
                                  size_t length) {
    int32_t id = GLIMPSE_PREFIX_NONE;
    glimpse_prefix_walk walk = {0, 0, 0};
    for (size_t i = 0; i < length && id != GLIMPSE_PREFIX_END; i++) {
        id = glimpse_prefix_table_step(table, &walk, (unsigned char)text[i]);
    }
    return id < 0 ? GLIMPSE_PREFIX_NONE : id;
}

int32_t glimpse_prefix_table_longest(const glimpse_prefix_table *table, const char *text,
                                     size_t length, size_t *taken) {
    int32_t found = GLIMPSE_PREFIX_NONE;
    glimpse_prefix_walk walk = {0, 0, 0};
    *taken = 0;
    for (size_t i = 0; i < length; i++) {
        int32_t id = glimpse_prefix_table_step(table, &walk, (unsigned char)text[i]);
        if (id == GLIMPSE_PREFIX_END) break;
        if (id >= 0) {
            found = id;
            *taken = i + 1;
        }
    }
    return found;
}
