/*
 * known.c - lists of what the library knows (backends, formats, providers), for help and messages.
 */
#include "known.h"

#include "memory.h"

#include <glimpse/sys/tokenizer.h>
#include <glimpse/sys/vlm.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* malloc'ed item `i` of a list, or NULL behind its end; *skip: this one does not belong to it. */
typedef char *(*list)(size_t i, int *skip);

static char *remote_model(size_t i, int *skip) {
    const glimpse_vlm_provider *provider = glimpse_vlm_provider_get(i);
    if (provider) *skip = !provider->remote;
    return provider ? xstrdup(provider->spec) : NULL;
}

static char *remote_name(size_t i, int *skip) {
    const glimpse_vlm_provider *provider = glimpse_vlm_provider_get(i);
    if (provider) *skip = !provider->remote;
    return provider ? xprintf("%s:", provider->name) : NULL;
}

static char *remote_key(size_t i, int *skip) {
    const glimpse_vlm_provider *provider = glimpse_vlm_provider_get(i);
    if (provider) *skip = !provider->key;
    return provider ? xstrdup(provider->key ? provider->key : "") : NULL;
}

static char *tokenizer(size_t i, int *skip) {
    const char *name = glimpse_tokenizer_kind_name((glimpse_tokenizer_kind)(i + 1));
    (void)skip;
    return name ? xstrdup(name) : NULL;
}

static const struct {
    const char *mark;
    list items;
} lists[] = {{"{remote models}", remote_model},
             {"{remote names}", remote_name},
             {"{remote keys}", remote_key},
             {"{tokenizers}", tokenizer}};

/* "a, b or c", malloc'ed. */
static char *join(list items) {
    char *text = xstrdup(""), *last = NULL, *item;
    int skip = 0;
    for (size_t i = 0; (item = items(i, &skip)); i++, skip = 0) {
        if (skip) {
            free(item);
            continue;
        }
        if (last) {
            char *longer = xprintf("%s%s%s", text, *text ? ", " : "", last);
            free(text);
            free(last);
            text = longer;
        }
        last = item;
    }
    char *whole = xprintf("%s%s%s", text, *text ? " or " : "", last ? last : "");
    free(text);
    free(last);
    return whole;
}

char *known_fill(const char *text) {
    char *filled = xstrdup(text);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        const char *mark = lists[i].mark;
        for (char *at = filled; (at = strstr(at, mark));) {
            size_t before = (size_t)(at - filled);
            char *words = join(lists[i].items);
            char *longer = xprintf("%.*s%s%s", (int)before, filled, words, at + strlen(mark));
            at = longer + before + strlen(words);
            free(words);
            free(filled);
            filled = longer;
        }
    }
    return filled;
}
