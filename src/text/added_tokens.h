/*
 * text/added_tokens.h - tokens that are cut out of a text before anything else is done to it, such
 * as "<eos>" or "[SEP]". The leftmost match counts, and the longest of those at one place.
 */
#ifndef GLIMPSE_TEXT_ADDED_TOKENS_H
#define GLIMPSE_TEXT_ADDED_TOKENS_H

#include "text/prefix_table.h"

#include <jansson.h>

/* More or longer ones than real models have make matching slow. */
enum { GLIMPSE_ADDED_TOKENS_LIMIT = 1 << 14, GLIMPSE_ADDED_TOKEN_BYTES = 1024 };

typedef struct glimpse_added_token {
    const char *text; /* owned by the list it is in */
    size_t length;
    int32_t id;
    int strip_left, strip_right; /* white space beside it goes with it */
    int normalized;              /* looked for in the normalised text */
    int special;                 /* left out when ids become text */
} glimpse_added_token;

typedef struct glimpse_added_tokens {
    glimpse_added_token *tokens;
    size_t count, capacity;
    glimpse_prefix_table table; /* text to position in `tokens` */
} glimpse_added_tokens;

/* A zeroed one is empty. A text that is there already is left alone; an empty one is ignored. */
int glimpse_added_tokens_add(glimpse_added_tokens *added, const glimpse_added_token *token);

/* An entry of tokenizer.json's added_tokens or of tokenizer_config.json's added_tokens_decoder.
 * The text is borrowed from `entry`. `name` and `key` are for messages. */
int glimpse_added_token_read(glimpse_added_token *out, const json_t *entry, int64_t id,
                             const char *name, const char *key);

void glimpse_added_tokens_sort(glimpse_added_tokens *added);
void glimpse_added_tokens_release(glimpse_added_tokens *added);

/* The next piece of text [*at, length): the text before the next token at [*from, *to), stripped
 * as that token and `before` (the token that this call found last; NULL at first) ask for, and the
 * token, or NULL when the text ends. *at moves behind the token. */
const glimpse_added_token *glimpse_added_tokens_next(const glimpse_added_tokens *added,
                                                     const char *text, size_t length, size_t *at,
                                                     const glimpse_added_token *before,
                                                     size_t *from, size_t *to);

#endif
