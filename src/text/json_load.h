/*
 * text/json_load.h - json_loadb() for a machine that may run out of memory.
 *
 * jansson (2.14) does not survive that while it parses: it asserts, follows a null pointer, or
 * calls the text invalid at line -1. Here its allocations are watched, and the first that fails
 * ends the parsing on the spot; what it had allocated by then is lost.
 */
#ifndef GLIMPSE_TEXT_JSON_LOAD_H
#define GLIMPSE_TEXT_JSON_LOAD_H

#include <jansson.h>
#include <stddef.h>

/* As json_loadb(), to which `flags` go. NULL with glimpse_json_is_nomem(error) when memory ran out.
 * `error` must not be NULL. Any thread. */
json_t *glimpse_json_load(const void *text, size_t size, size_t flags, json_error_t *error);
int glimpse_json_is_nomem(const json_error_t *error);
/* After NULL: GLIMPSE_E_NOMEM, or GLIMPSE_E_FORMAT with "NAME: line 3: what is wrong". */
int glimpse_json_failed(const json_error_t *error, const char *name);

#endif
