/*
 * json_out.c - writes JSON text as it comes, always as valid UTF-8.
 */
#include "json_out.h"

#include "core/utf8.h"

#include <math.h>
#include <string.h>

static void before_value(json_out *j) {
    if (j->comma) (void)fputc(',', j->to);
    j->comma = 1;
}

void jout_open(json_out *j, char bracket) {
    before_value(j);
    (void)fputc(bracket, j->to);
    j->comma = 0;
}

void jout_close(json_out *j, char bracket) {
    (void)fputc(bracket, j->to);
    j->comma = 1;
}

/* `bytes` must have a NUL behind its `size` bytes. */
static void write_string(json_out *j, const char *bytes, size_t size) {
    const char *end = bytes + size;
    (void)fputc('"', j->to);
    while (bytes < end) {
        if (*bytes == '\0') {
            (void)fputs("\\u0000", j->to);
            bytes++;
            continue;
        }
        const char *start = bytes;
        int valid = 1;
        uint32_t c = 0;
        bytes += glimpse_utf8_decode(&c, bytes, (size_t)(end - bytes), &valid);
        if (c == '"' || c == '\\') {
            (void)fprintf(j->to, "\\%c", (char)c);
        } else if (c == '\n') {
            (void)fputs("\\n", j->to);
        } else if (c == '\t') {
            (void)fputs("\\t", j->to);
        } else if (c < 0x20 || c == 0x7F) {
            (void)fprintf(j->to, "\\u%04x", (unsigned)c);
        } else if (!valid) {
            (void)fputs("\xEF\xBF\xBD", j->to);
        } else {
            (void)fwrite(start, 1, (size_t)(bytes - start), j->to);
        }
    }
    (void)fputc('"', j->to);
}

void jout_key(json_out *j, const char *name) {
    before_value(j);
    write_string(j, name, strlen(name));
    (void)fputc(':', j->to);
    j->comma = 0;
}

void jout_string(json_out *j, const char *bytes) {
    before_value(j);
    write_string(j, bytes, strlen(bytes));
}

void jout_bytes(json_out *j, const char *bytes, size_t size) {
    before_value(j);
    write_string(j, bytes, size);
}

void jout_number(json_out *j, double value) {
    before_value(j);
    if (!isfinite(value)) {
        (void)fputs("null", j->to);
    } else {
        (void)fprintf(j->to, "%.9g", value);
    }
}

void jout_uint(json_out *j, uint64_t value) {
    before_value(j);
    (void)fprintf(j->to, "%llu", (unsigned long long)value);
}

void jout_int(json_out *j, int64_t value) {
    before_value(j);
    (void)fprintf(j->to, "%lld", (long long)value);
}

void jout_bool(json_out *j, int value) {
    before_value(j);
    (void)fputs(value ? "true" : "false", j->to);
}

void jout_null(json_out *j) {
    before_value(j);
    (void)fputs("null", j->to);
}

void jout_raw(json_out *j, const char *json) {
    before_value(j);
    (void)fputs(json, j->to);
    j->comma = 1;
}

void jout_path(json_out *j, const char *name, const char *bytes) {
    jout_key(j, name);
    jout_string(j, bytes);
    if (glimpse_utf8_is_valid(bytes, strlen(bytes))) return;
    before_value(j);
    (void)fprintf(j->to, "\"%s_bytes\":\"", name);
    for (; *bytes; bytes++)
        (void)fprintf(j->to, "%02x", (unsigned)(unsigned char)*bytes);
    (void)fputc('"', j->to);
}

void jout_pair(json_out *j, const char *name, const char *text) {
    jout_key(j, name);
    jout_string(j, text);
}

void jout_text_or_null(json_out *j, const char *name, const char *text) {
    jout_key(j, name);
    if (text && *text) {
        jout_string(j, text);
    } else {
        jout_null(j);
    }
}

void jout_names(json_out *j, const char *name, const char *const *texts, size_t count) {
    jout_key(j, name);
    jout_open(j, '[');
    for (size_t i = 0; i < count; i++)
        jout_string(j, texts[i]);
    jout_close(j, ']');
}

void jout_end(json_out *j) {
    (void)fputc('\n', j->to);
    j->comma = 0;
}
