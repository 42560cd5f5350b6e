/*
 * vlm_fill.c - prompt files: comments out, `{}` filled in.
 */
#include "core/error.h"

#include <glimpse/sys/vlm.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 1 << 24 };

/* Writes the filled prompt to `to` (or counts, when NULL); *taken is how many {} there were. */
static size_t expand(char *to, const char *prompt, const char *text, size_t text_size,
                     size_t *taken) {
    size_t used = 0;
    int at_start = 1;
    *taken = 0;
    for (const char *p = prompt; *p;) {
        if (at_start && *p == '#') {
            p += strcspn(p, "\n");
            if (*p) p++;
            continue;
        }
        at_start = *p == '\n';
        if (p[0] == '{' && p[1] == '}') {
            if (to) memcpy(to + used, text, text_size);
            used += text_size;
            (*taken)++;
            p += 2;
            continue;
        }
        if ((p[0] == '{' && p[1] == '{') || (p[0] == '}' && p[1] == '}')) p++;
        if (to) to[used] = *p;
        used++;
        p++;
    }
    return used;
}

int glimpse_vlm_fill(char **out, const char *prompt, const char *text) {
    if (out) *out = NULL;
    if (!out || !prompt) return glimpse_fail(GLIMPSE_E_INVALID, "no prompt");
    size_t text_size = text ? strlen(text) : 0, taken = 0;
    if (text_size > MAX_BYTES || strlen(prompt) > MAX_BYTES) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "a prompt of more than %d bytes", MAX_BYTES);
    }
    size_t size = expand(NULL, prompt, text ? text : "", text_size, &taken);
    if (size > 4 * (size_t)MAX_BYTES) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "a prompt of more than %d bytes", 4 * MAX_BYTES);
    }
    char *filled = malloc(size + text_size + 2);
    if (!filled) return glimpse_fail_nomem(size + text_size + 2, "a prompt");
    size = expand(filled, prompt, text ? text : "", text_size, &taken);
    while (size > 0 && isspace((unsigned char)filled[size - 1]))
        size--;
    size_t start = 0;
    while (start < size && isspace((unsigned char)filled[start]))
        start++;
    memmove(filled, filled + start, size - start);
    size -= start;
    if (taken == 0 && text_size > 0) {
        if (size > 0) filled[size++] = '\n';
        memcpy(filled + size, text, text_size);
        size += text_size;
    }
    filled[size] = '\0';
    *out = filled;
    return GLIMPSE_OK;
}
