/*
 * text/tokenizer_kinds.h - what the tokenizers have in common, behind glimpse/sys/tokenizer.h.
 *
 * Each kind is a struct that begins with `base` and is made by an open function of its own;
 * tokenizer.c picks the kind and checks the arguments that mean the same for all.
 */
#ifndef GLIMPSE_TEXT_TOKENIZER_KINDS_H
#define GLIMPSE_TEXT_TOKENIZER_KINDS_H

#include <glimpse/sys/tokenizer.h>

typedef struct glimpse_tokenizer_class {
    /* tokens->count and ->truncated are 0 and there is room for two ids; the caller resets the
     * count after a failure. */
    int (*encode)(const glimpse_tokenizer *tokenizer, const char *text, size_t length,
                  glimpse_tokens *tokens);
    const char *(*token)(const glimpse_tokenizer *tokenizer, int32_t id); /* id is in range */
    void (*free)(glimpse_tokenizer *tokenizer);
} glimpse_tokenizer_class;

struct glimpse_tokenizer {
    const glimpse_tokenizer_class *class;
    glimpse_tokenizer_kind kind; /* never AUTO */
    size_t vocab_size;
    int32_t start_id, end_id, pad_id, unknown_id; /* -1: there is none */
};

int glimpse_clip_tokenizer_open(glimpse_tokenizer **out, const char *folder, int openclip);
int glimpse_siglip_tokenizer_open(glimpse_tokenizer **out, const char *folder);
int glimpse_gemma_tokenizer_open(glimpse_tokenizer **out, const char *folder);
/* Whether folder/tokenizer.json is of that family; 0 also when it is damaged. */
int glimpse_gemma_looks_like(int *out, const char *folder);
int glimpse_wordpiece_tokenizer_open(glimpse_tokenizer **out, const char *folder);

/* Appends `id` unless only the end token's place is left: then `truncated` is set. */
static inline void glimpse_tokens_add(glimpse_tokens *tokens, int32_t id) {
    if (tokens->count + 1 >= tokens->capacity) {
        tokens->truncated = 1;
    } else {
        tokens->ids[tokens->count++] = id;
    }
}

#endif
