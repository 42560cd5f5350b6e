/*
 * text/prefix_table.h - strings sorted so that all of them that begin a text are found at once.
 *
 * A walk narrows the range of entries that share the bytes read so far, one byte a step. That is
 * a trie without nodes: the table is one array, which 250,000 pieces need at opening time.
 */
#ifndef GLIMPSE_TEXT_PREFIX_TABLE_H
#define GLIMPSE_TEXT_PREFIX_TABLE_H

#include <stddef.h>
#include <stdint.h>

typedef struct glimpse_prefix {
    const char *text; /* borrowed */
    uint32_t length;  /* at least 1 */
    int32_t id;
} glimpse_prefix;

typedef struct glimpse_prefix_table {
    glimpse_prefix *entries;
    size_t count, capacity;
    size_t first[257]; /* where the entries of each first byte begin, after sort() */
} glimpse_prefix_table;

/* A zeroed table is empty. add() in any order, then sort() once, which finds texts that occur
 * twice: *twice is then one of their entries, else NULL. */
int glimpse_prefix_table_add(glimpse_prefix_table *table, const char *text, size_t length,
                             int32_t id);
void glimpse_prefix_table_sort(glimpse_prefix_table *table, const glimpse_prefix **twice);
void glimpse_prefix_table_release(glimpse_prefix_table *table);

/* The entries [from, to) begin with the `depth` bytes read so far. */
typedef struct glimpse_prefix_walk {
    size_t from, to, depth;
} glimpse_prefix_walk;
enum { GLIMPSE_PREFIX_END = -2, GLIMPSE_PREFIX_NONE = -1 };

/* Reads one byte, the first with a zeroed walk. The id of the entry that ends here, NONE when none
 * does, END when nothing goes on from here. */
int32_t glimpse_prefix_table_step(const glimpse_prefix_table *table, glimpse_prefix_walk *walk,
                                  unsigned char byte);

/* The id of the entry that is `text` as a whole, or NONE. */
int32_t glimpse_prefix_table_find(const glimpse_prefix_table *table, const char *text,
                                  size_t length);

/* The longest entry at the beginning of `text`: its id, and its length in *taken; or NONE. */
int32_t glimpse_prefix_table_longest(const glimpse_prefix_table *table, const char *text,
                                     size_t length, size_t *taken);

#endif
