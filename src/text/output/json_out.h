/*
 * text/output/json_out.h - JSON text written as it comes, compact, always valid UTF-8.
 *
 *     json_out j = {stdout, 0};
 *     jout_open(&j, '{');
 *     jout_key(&j, "rank"), jout_uint(&j, 1);
 *     jout_path(&j, "path", path);
 *     jout_close(&j, '}');
 *     jout_end(&j);
 *
 * Floats are written with nine digits, which is enough to read the same float back. Write errors
 * stay in the stream, for who closes it.
 */
#ifndef GLIMPSE_TEXT_JSON_OUT_H
#define GLIMPSE_TEXT_JSON_OUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef struct json_out {
    FILE *to;
    int comma; /* the next value or key needs one before it */
} json_out;

void jout_open(json_out *j, char bracket);  /* { or [ */
void jout_close(json_out *j, char bracket); /* } or ] */
void jout_key(json_out *j, const char *name);
void jout_string(json_out *j, const char *bytes);             /* invalid UTF-8 becomes U+FFFD */
void jout_bytes(json_out *j, const char *bytes, size_t size); /* the same, NUL bytes included */
void jout_number(json_out *j, double value);                  /* null when not finite */
void jout_uint(json_out *j, uint64_t value);
void jout_int(json_out *j, int64_t value);
void jout_bool(json_out *j, int value);
void jout_null(json_out *j);
void jout_raw(json_out *j, const char *json); /* a value that is JSON already, of one line */
/* "name":string, and when `bytes` is not UTF-8 also "name_bytes":"hexadecimal digits". */
void jout_path(json_out *j, const char *name, const char *bytes);
/* "name":string */
void jout_pair(json_out *j, const char *name, const char *text);
/* "name":string, null when `text` is NULL or empty. */
void jout_text_or_null(json_out *j, const char *name, const char *text);
/* "name":[string, ...] */
void jout_names(json_out *j, const char *name, const char *const *texts, size_t count);
void jout_end(json_out *j); /* the newline behind a value */

#endif
