/*
 * text/wordpiece_decode.h - from the ids of a WordPiece tokenizer back to text.
 */
#ifndef GLIMPSE_TEXT_WORDPIECE_DECODE_H
#define GLIMPSE_TEXT_WORDPIECE_DECODE_H

#include <glimpse/sys/tokenizer.h>

/* The vocabulary by id. */
typedef struct glimpse_wordpiece_words {
    const char *const *tokens;    /* [count] */
    const unsigned char *special; /* [count] 1: a special token, which a text leaves out */
    size_t count;
} glimpse_wordpiece_words;

/* As glimpse_tokenizer_decode(); the arguments have been checked. */
int glimpse_wordpiece_decode(char *out, size_t capacity, size_t *length,
                             const glimpse_wordpiece_words *words, const int32_t *ids, size_t count,
                             unsigned flags);

#endif
