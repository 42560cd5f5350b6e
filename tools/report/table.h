/*
 * table.h - a table of files on a terminal of any width, or in a pipe.
 *
 *     table *t = table_create();
 *     table_add_column(t, "score", TABLE_RIGHT, 6, TERMINAL_ACCENT);
 *     table_add_column(t, "path", TABLE_PATH, 0, TERMINAL_PLAIN);
 *     for (...) {
 *         table_add_row(t, path, "");
 *         table_add_cell(t, xprintf("%.3f", score));
 *         table_add_line(t, remark);
 *     }
 *     table_print(t, NULL, NULL);
 *     table_free(t);
 *
 * No path is ever cut. Where the rows do not fit into the terminal, each path has a line of its
 * own below the other cells, which go on below each other where they are wider as well; only a path
 * that is wider than the terminal is broken, by the terminal itself, at its edge, so that it can be
 * copied whole. A pipe has no width.
 */
#ifndef GLIMPSE_TOOLS_TABLE_H
#define GLIMPSE_TOOLS_TABLE_H

#include "terminal.h"

#include <stddef.h>

typedef enum table_kind {
    TABLE_LEFT,
    TABLE_RIGHT,
    TABLE_PATH /* one of the columns: where the paths stand */
} table_kind;

typedef struct table table;

table *table_create(void);
/* Left to right; before the first row. */
void table_add_column(table *t, const char *title, table_kind kind, size_t min_width,
                      terminal_style style);
/* A row about the file `path`, as it is on the disk, shown as seen from here; `remark`, as in
 * " (offline)", stands behind it. Both are copied. */
void table_add_row(table *t, const char *path, const char *remark);
/* The next cell of the row, but for the path's; text for a terminal, which the table frees. NULL:
 * a dash. */
void table_add_cell(table *t, char *text);
/* A line below the row, of any bytes, copied; wrapped at words. */
void table_add_line(table *t, const char *text);
/* Prints it all, nothing when there are no rows. `after`, if any, is called behind every row. */
void table_print(const table *t, void (*after)(void *user, size_t row), void *user);
void table_free(table *t);

/* Prints text for a terminal below something: indented, wrapped at words. */
void table_print_line(const char *text, terminal_style style);
/* 1 when a line of so many columns fits into the terminal, if it is one. */
int table_fits(size_t columns);

/* Prints a path for people: as seen from here, control characters made visible, as a link where
 * the terminal has them, the name of the file in `style`. */
void table_print_path(const char *path, terminal_style style);

#endif
