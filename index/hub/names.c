/*
 * names.c - names that come from people and from the hub.
 *
 * Nothing of what a hub says becomes a path before it was looked at here.
 */
#include "hub.h"

#include "core/hex.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._";

static int is_part(const char *text, size_t length) {
    if (length == 0 || length > 96 || text[0] == '.' || text[0] == '-') return 0;
    for (size_t i = 0; i < length; i++) {
        if (!text[i] || !strchr(plain, text[i])) return 0;
        /* The hub has neither; "--" separates ORG from NAME in names of directories. */
        if (i > 0 && text[i] == text[i - 1] && (text[i] == '.' || text[i] == '-')) return 0;
    }
    return 1;
}

int glimpse_hub_is_repository(const char *text, size_t length) {
    const char *slash = memchr(text, '/', length);
    if (!slash) return 0;
    size_t first = (size_t)(slash - text);
    return is_part(text, first) && is_part(slash + 1, length - first - 1);
}

int glimpse_hub_is_revision(const char *text) {
    size_t length = strlen(text);
    if (length == 0 || length > 200 || text[0] == '/' || text[0] == '-' || text[0] == '.') return 0;
    if (text[length - 1] == '/' || strstr(text, "..") || strstr(text, "//")) return 0;
    for (size_t i = 0; i < length; i++) {
        if (!strchr(plain, text[i]) && text[i] != '/' && text[i] != '+') return 0;
    }
    return 1;
}

int glimpse_hub_is_commit(const char *text) {
    size_t length = 0;
    while (glimpse_hex_digit(text[length]) >= 0)
        length++;
    return length == 40 && text[40] == '\0';
}

int glimpse_hub_is_file_name(const char *text) {
    size_t length = strlen(text);
    return length > 0 && length <= 200 && text[0] != '.' && text[0] != '-' &&
           strspn(text, plain) == length && strcmp(text, HUB_RECORD) != 0;
}

int glimpse_hub_is_placed_name(const char *text) {
    static const char below[] = HUB_IMAGE "/";
    if (strncmp(text, below, sizeof below - 1) == 0) text += sizeof below - 1;
    return glimpse_hub_is_file_name(text);
}

char *glimpse_hub_format(const char *format, ...) {
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int length = vasprintf(&text, format, args);
    va_end(args);
    return length < 0 ? NULL : text;
}

char *glimpse_hub_escape(const char *text) {
    static const char digits[] = "0123456789ABCDEF";
    char *out = malloc(3 * strlen(text) + 1), *to = out;
    if (!out) return NULL;
    for (; *text; text++) {
        if (strchr(plain, *text) || *text == '~') {
            *to++ = *text;
        } else {
            *to++ = '%';
            *to++ = digits[(unsigned char)*text >> 4];
            *to++ = digits[*text & 15];
        }
    }
    *to = '\0';
    return out;
}
