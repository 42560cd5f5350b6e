/*
 * table_in.h - CSV and TSV files that came from outside, and whole text files.
 *
 *     table_in *t = table_in_read("truth.csv");
 *     int path = table_in_column(t, "path|file|image");
 *     for (size_t i = 0; i < t->row_count; i++) puts(table_in_cell(t, i, path));
 *     table_in_free(t);
 *
 * CSV is RFC 4180: quoted fields may hold commas, doubled quotes and line ends; LF and CRLF both
 * end a row. TSV (by the ending .tsv, or a header with tabs and no commas) has no quoting. The
 * first row names the columns. A byte order mark is dropped, blank lines are left out.
 */
#ifndef GLIMPSE_TOOLS_TABLE_IN_H
#define GLIMPSE_TOOLS_TABLE_IN_H

#include <stddef.h>

typedef struct table_in {
    const char *file; /* for messages; the caller's */
    char *text;       /* what the cells point into */
    const char **header;
    size_t column_count;
    const char **cells; /* [row_count][column_count]; missing ones at the end of a row are "" */
    size_t *lines;      /* [row_count] where each row begins, from 1 */
    size_t row_count;
} table_in;

/* NULL after saying why not. */
table_in *table_in_read(const char *file);
void table_in_free(table_in *table);

/* The first column with one of the names (separated by |, upper and lower case alike, earlier names
 * first), or -1. */
int table_in_column(const table_in *table, const char *names);
const char *table_in_cell(const table_in *table, size_t row, int column); /* "" for column -1 */

/* The whole file ("-": stdin), NUL-terminated; NULL after saying why. At most 1 GiB. Free it. */
char *text_file_read(const char *file, size_t *size);

#endif
