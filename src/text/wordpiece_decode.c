/*
 * text/wordpiece_decode.c - from the ids of a WordPiece tokenizer back to text: what transformers'
 * decode() does.
 *
 * Tokens are joined by spaces, "##" joins without one; then the spaces before punctuation and
 * inside contractions go, by the replacements below, one after the other over the whole text.
 */
#include "text/wordpiece_decode.h"

#include "core/error.h"
#include "text/bytes.h"

#include <string.h>

static const struct {
    const char *from, *to;
} clean_up[] = {
    {" .", "."},     {" ?", "?"},   {" !", "!"},   {" ,", ","},     {" ' ", "'"},
    {" n't", "n't"}, {" 'm", "'m"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
};

/* Every occurrence, left to right, in place: what replaces is never longer. */
static size_t replace(char *text, size_t length, const char *from, const char *to) {
    size_t from_length = strlen(from), to_length = strlen(to), used = 0;
    for (size_t i = 0; i < length;) {
        if (length - i >= from_length && memcmp(text + i, from, from_length) == 0) {
            memcpy(text + used, to, to_length);
            used += to_length;
            i += from_length;
        } else {
            text[used++] = text[i++];
        }
    }
    return used;
}

int glimpse_wordpiece_decode(char *out, size_t capacity, size_t *length,
                             const glimpse_wordpiece_words *words, const int32_t *ids, size_t count,
                             unsigned flags) {
    glimpse_bytes text;
    glimpse_bytes_init(&text);
    int status = GLIMPSE_OK, first = 1;
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        if (ids[i] < 0 || (size_t)ids[i] >= words->count) continue; /* such as BLIP's [DEC] */
        if (words->special[ids[i]] && !(flags & GLIMPSE_DECODE_KEEP_SPECIAL)) continue;
        const char *token = words->tokens[ids[i]];
        if (!first && strncmp(token, "##", 2) == 0) {
            token += 2;
        } else if (!first) {
            status = glimpse_bytes_append(&text, " ", 1);
        }
        if (status == GLIMPSE_OK) status = glimpse_bytes_append(&text, token, strlen(token));
        first = 0;
    }
    if (status < 0) goto done;
    for (size_t i = 0; i < sizeof clean_up / sizeof clean_up[0]; i++) {
        text.count = replace(text.data, text.count, clean_up[i].from, clean_up[i].to);
    }
    *length = text.count;
    if (text.count >= capacity) {
        status = glimpse_fail(GLIMPSE_E_LIMIT, "a text of %zu bytes and room for %zu", text.count,
                              capacity);
        goto done;
    }
    memcpy(out, text.data, text.count);
    out[text.count] = '\0';
done:
    glimpse_bytes_release(&text);
    return status;
}
