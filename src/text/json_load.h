/*
 * text/json_load.h - json_loadb() and json_dumps() for a machine that may run out of memory, and
 * for programs that use jansson themselves.
 *
 * jansson (2.14) does not survive the former while it parses: it asserts, follows a null pointer,
 * or calls the text invalid at line -1. So texts are parsed here; the values are jansson's, built
 * with its public calls, which report it. What json_dumps() returns belongs to jansson's allocator,
 * which is the program's to choose; what glimpse_json_dump() returns is always free()d.
 */
#ifndef GLIMPSE_TEXT_JSON_LOAD_H
#define GLIMPSE_TEXT_JSON_LOAD_H

#include <jansson.h>
#include <stddef.h>

/* As json_loadb(), with the flags JSON_REJECT_DUPLICATES, JSON_DECODE_ANY, JSON_DECODE_INT_AS_REAL
 * and JSON_ALLOW_NUL: the same texts are accepted, and give the same values. NULL with
 * glimpse_json_is_nomem(error) when memory ran out. `error` must not be NULL; its text quotes
 * nothing of the text. The thread's last error is left alone. */
json_t *glimpse_json_load(const void *text, size_t size, size_t flags, json_error_t *error);
int glimpse_json_is_nomem(const json_error_t *error);
/* After NULL: GLIMPSE_E_NOMEM, or GLIMPSE_E_FORMAT with "NAME: line 3: what is wrong". */
int glimpse_json_failed(const json_error_t *error, const char *name);

/* The number that `text` [length] is, such as "-2.5e3"; it must be followed by a byte that belongs
 * to no number. 0 when it is none. */
int glimpse_json_number(double *out, const char *text, size_t length);

/* The JSON object in the file at `path`; glimpse_json_failed() and GLIMPSE_E_FORMAT for anything
 * else, GLIMPSE_E_LIMIT above `max_bytes`. */
int glimpse_json_object_load(json_t **out, const char *path, size_t max_bytes, size_t flags);
/* Calls `each` with the value of every line of `text` that is not blank, until one fails. *wrong,
 * which `each` may set, says what is wrong with the value: GLIMPSE_E_FORMAT, as for a line that is
 * no JSON, with "NAME, line 3: what is wrong". */
typedef int (*glimpse_json_line_fn)(void *user, const json_t *value, const char **wrong);
int glimpse_json_lines(const char *text, size_t size, size_t flags, const char *name,
                       glimpse_json_line_fn each, void *user);

/* As json_dumps(), but free() it. NULL for NULL and when memory ran out. */
char *glimpse_json_dump(const json_t *value, size_t flags);

#endif
