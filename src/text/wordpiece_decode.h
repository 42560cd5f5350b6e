/*
 * text/wordpiece_decode.h - from the ids of a WordPiece tokenizer back to text.
 */
#ifndef GLIMPSE_TEXT_WORDPIECE_DECODE_H
#define GLIMPSE_TEXT_WORDPIECE_DECODE_H

#include <glimpse/sys/tokenizer.h>

/* As glimpse_tokenizer_decode(); the arguments have been checked. */
int glimpse_wordpiece_decode(const glimpse_tokenizer *tokenizer, const int32_t *ids, size_t count,
                             unsigned flags, char *out, size_t capacity, size_t *length);

/* Whether the id is one of the special tokens, which a text leaves out. */
int glimpse_wordpiece_is_special(const glimpse_tokenizer *tokenizer, int32_t id);

#endif
