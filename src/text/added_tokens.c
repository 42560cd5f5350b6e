/*
 * text/added_tokens.c - finds the tokens that are cut out of a text before anything else is done to
 * it.
 */
#include "text/added_tokens.h"

#include "core/error.h"
#include "core/utf8.h"
#include "text/unicode.h"

#include <stdlib.h>
#include <string.h>

int glimpse_added_tokens_add(glimpse_added_tokens *added, const glimpse_added_token *token) {
    if (token->length == 0) return GLIMPSE_OK;
    for (size_t i = 0; i < added->count; i++) {
        const glimpse_added_token *other = &added->tokens[i];
        if (other->length == token->length &&
            memcmp(other->text, token->text, token->length) == 0) {
            return GLIMPSE_OK;
        }
    }
    if (added->count >= GLIMPSE_ADDED_TOKENS_LIMIT) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "more than %d added tokens",
                            GLIMPSE_ADDED_TOKENS_LIMIT);
    }
    if (token->length > GLIMPSE_ADDED_TOKEN_BYTES) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "an added token of %zu bytes, more than %d",
                            token->length, GLIMPSE_ADDED_TOKEN_BYTES);
    }
    if (added->count == added->capacity) {
        size_t capacity = added->capacity ? 2 * added->capacity : 16;
        glimpse_added_token *tokens = realloc(added->tokens, capacity * sizeof *tokens);
        if (!tokens) return glimpse_fail_nomem(capacity * sizeof *tokens, "the added tokens");
        added->tokens = tokens;
        added->capacity = capacity;
    }
    char *text = malloc(token->length + 1);
    if (!text) return glimpse_fail_nomem(token->length + 1, "an added token");
    memcpy(text, token->text, token->length);
    text[token->length] = '\0';
    glimpse_added_token *copy = &added->tokens[added->count];
    *copy = *token;
    copy->text = text;
    added->count++;
    return glimpse_prefix_table_add(&added->table, text, token->length,
                                    (int32_t)(added->count - 1));
}

static int flag(const json_t *entry, const char *key) {
    return json_is_true(json_object_get(entry, key));
}

int glimpse_added_token_read(glimpse_added_token *out, const json_t *entry, int64_t id,
                             const char *name, const char *key) {
    const json_t *content = json_object_get(entry, "content");
    if (!json_is_string(content)) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: added token %s has no content", name, key);
    }
    if (id < 0 || id > INT32_MAX) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: added token %s has the id %lld", name, key,
                            (long long)id);
    }
    if (flag(entry, "single_word")) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                            "%s: added token %s: \"single_word\": true is not supported", name,
                            key);
    }
    *out = (glimpse_added_token){.text = json_string_value(content),
                                 .length = json_string_length(content),
                                 .id = (int32_t)id,
                                 .strip_left = flag(entry, "lstrip"),
                                 .strip_right = flag(entry, "rstrip"),
                                 .normalized = flag(entry, "normalized"),
                                 .special = flag(entry, "special")};
    return GLIMPSE_OK;
}

void glimpse_added_tokens_sort(glimpse_added_tokens *added) {
    const glimpse_prefix *twice;
    glimpse_prefix_table_sort(&added->table, &twice); /* add() lets no text in twice */
}

void glimpse_added_tokens_release(glimpse_added_tokens *added) {
    for (size_t i = 0; i < added->count; i++) {
        free((void *)added->tokens[i].text);
    }
    free(added->tokens);
    glimpse_prefix_table_release(&added->table);
    memset(added, 0, sizeof *added);
}

/* The length of the white space character at the beginning or, backwards, at the end; 0 if it is
 * none. */
static size_t space_at(const char *text, size_t length) {
    uint32_t c;
    if (length == 0) return 0;
    size_t taken = glimpse_utf8_decode(&c, text, length, NULL);
    return glimpse_unicode_is_python_space(c) ? taken : 0;
}

static size_t space_before(const char *text, size_t length) {
    size_t start = length;
    while (start > 0 && length - start < GLIMPSE_UTF8_MAX_BYTES) {
        start--;
        if (((unsigned char)text[start] & 0xC0) != 0x80) break;
    }
    size_t taken = space_at(text + start, length - start);
    return taken == length - start ? taken : 0;
}

const glimpse_added_token *glimpse_added_tokens_next(const glimpse_added_tokens *added,
                                                     const char *text, size_t length, size_t *at,
                                                     const glimpse_added_token *before,
                                                     size_t *from, size_t *to) {
    const glimpse_added_token *found = NULL;
    size_t i = *at, taken = 0;
    *from = *at;
    for (; i < length && added->count > 0; i++) {
        int32_t index = glimpse_prefix_table_longest(&added->table, text + i, length - i, &taken);
        if (index >= 0) {
            found = &added->tokens[index];
            break;
        }
    }
    if (!found) i = length;
    *to = i;
    *at = found ? i + taken : length;
    size_t space;
    while (before && before->strip_right && *from < *to &&
           (space = space_at(text + *from, *to - *from)) > 0) {
        *from += space;
    }
    while (found && found->strip_left && *from < *to &&
           (space = space_before(text + *from, *to - *from)) > 0) {
        *to -= space;
    }
    return found;
}
