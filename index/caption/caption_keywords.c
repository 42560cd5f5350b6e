/*
 * caption_keywords.c - the words of a keyword caption.
 */
#include "core/error.h"

#include <glimpse/captions.h>

#include <stdlib.h>
#include <string.h>

void glimpse_caption_keywords_free(char **words, size_t count) {
    for (size_t i = 0; i < count; i++)
        free(words[i]);
    free(words);
}

int glimpse_caption_keywords(char ***words, size_t *count, const char *text) {
    size_t places = 1;
    if (words) *words = NULL;
    if (count) *count = 0;
    if (!words || !count || !text) return glimpse_fail_null(__func__);
    for (const char *c = text; *c; c++)
        places += strchr(",;\n", *c) != NULL;
    char **list = calloc(places, sizeof *list);
    if (!list) return glimpse_fail_nomem(places * sizeof *list, "keywords");
    for (size_t used = 0; *text;) {
        size_t length = strcspn(text, ",;\n"), end = length;
        const char *start = text;
        while (end > 0 && (*start == ' ' || *start == '\t'))
            start++, end--;
        while (end > 0 && (start[end - 1] == ' ' || start[end - 1] == '\r'))
            end--;
        if (end > 0 && !(list[used] = strndup(start, end))) {
            glimpse_caption_keywords_free(list, used);
            *count = 0;
            return glimpse_fail_nomem(end, "keywords");
        }
        used += end > 0;
        *count = used;
        text += length;
        if (*text) text++;
    }
    *words = list;
    return GLIMPSE_OK;
}
