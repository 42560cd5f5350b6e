/*
 * text.h - bytes that came from outside (paths, messages) made fit for a terminal, JSON and HTML.
 *
 * Paths are bytes, not text: they may hold newlines, escape sequences and invalid UTF-8.
 */
#ifndef GLIMPSE_TOOLS_TEXT_H
#define GLIMPSE_TOOLS_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* For people: control characters, invalid bytes and characters that turn the writing direction
 * are written as \n, \t, \x1b, \u202e. Free with free(). */
char *text_display(const char *bytes);
/* Columns on a terminal of UTF-8 text. */
size_t text_width(const char *text);
/* `text` shortened in the middle to at most `columns`; a copy when it fits. Free with free(). */
char *text_fit(const char *text, size_t columns);
/* Prints `text` and pads with spaces to `columns`. */
void text_print_padded(const char *text, size_t columns);
/* 1 when the locale's character set is UTF-8. */
int text_terminal_is_utf8(void);
/* Columns of the terminal on file descriptor `fd`, 0 when it is none. COLUMNS wins over nothing
 * else than an unknown size. */
size_t text_terminal_columns(int fd);

/* Bytes as part of a URI: all but letters, digits and / - _ . ~ as %XX. Free with free(). */
char *text_percent(const char *bytes);

/* `path` as seen from the current directory when that is shorter; borrowed from `path` when not,
 * and always one of the two. `storage` receives what has to be built: free it. */
const char *text_near_path(const char *path, char **storage);

/* "2,345", "1 file" or "2,345 files", "1.4 MB", "1:02:03"; static storage, eight in turn. */
const char *text_count(uint64_t number);
const char *text_counted(uint64_t number, const char *one, const char *many);
const char *text_bytes(uint64_t bytes);
const char *text_duration(double seconds);

/* How far apart two words are (insertions, deletions, changes, swaps of neighbours). */
size_t text_distance(const char *a, const char *b);
/* The closest of `names` (NULL-terminated), or NULL when none is close. */
const char *text_closest(const char *word, const char *const *names);

#endif
