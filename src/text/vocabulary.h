/*
 * text/vocabulary.h - the tokens and merges of a BPE tokenizer.
 *
 * In CLIP's, which are byte-level, tokens are written in the alphabet of GPT-2 and CLIP: each of
 * the 256 byte values is one printable character ("a" is 0x61, "Ġ" is a space, ...), and a token
 * that ends a word ends in "</w>". A vocabulary is built in this order:
 *
 *     begin -> add (every token) -> index_clip -> add_merge (in order of rank) -> finish
 *
 * Others are built with index() and pack() instead; then find() works for as long as they live.
 *
 * The tokens given to add() lie in `text`, one buffer that the vocabulary owns. Whatever fails
 * leaves an object that release() can take.
 */
#ifndef GLIMPSE_TEXT_VOCABULARY_H
#define GLIMPSE_TEXT_VOCABULARY_H

#include <stddef.h>
#include <stdint.h>

enum { GLIMPSE_VOCABULARY_LIMIT = 1 << 20 }; /* tokens; CLIP has 49,408, Gemma 256,000 */

typedef struct glimpse_token {
    char *text;
    uint32_t length;
    int32_t id; /* -1 when it cannot be right */
} glimpse_token;

/* What a pair of neighbouring tokens becomes. Open addressing; `key` is left id << 32 | right id,
 * all ones when the slot is free. */
typedef struct glimpse_merge {
    uint64_t key;
    uint32_t rank; /* lower merges first */
    int32_t id;
} glimpse_merge;

typedef struct glimpse_vocabulary {
    size_t count;
    int32_t start_id, end_id;
    const char *start_name; /* as the vocabulary writes it; static storage */
    const char *end_name;
    /* [byte][ends the word]: the token of one byte. A byte that the vocabulary lacks is the end
     * token, which is also CLIP's unknown token. */
    int32_t byte_ids[256][2];
    glimpse_merge *merges;
    size_t merge_mask, merge_count;
    uint64_t seed;         /* of both hash tables: a hostile file cannot aim at a slot */
    glimpse_token *tokens; /* [count], by id after index() */
    int32_t unmade; /* CLIP: a token that is no byte, no special one, and that no merge makes; -1 */
    char *text; /* what they point into; after finish() each is the bytes it stands for and a NUL */

    struct glimpse_vocabulary_build *build; /* names to ids; NULL after finish() */
} glimpse_vocabulary;

int glimpse_vocabulary_begin(glimpse_vocabulary *vocabulary);
void glimpse_vocabulary_release(glimpse_vocabulary *vocabulary);

/* `token` lies in vocabulary->text and has room for one more byte behind it. `name` (the file) is
 * for messages. Most checks of the id wait for index(), which knows the count. */
int glimpse_vocabulary_add(glimpse_vocabulary *vocabulary, const char *name, char *token,
                           size_t length, int64_t id);

/* After the last token: ids must be 0 to count - 1, each once, and no token may occur twice. Makes
 * room for `merges` merges. */
int glimpse_vocabulary_index(glimpse_vocabulary *vocabulary, const char *name, size_t merges);
/* The same, and finds CLIP's special tokens and the single bytes. */
int glimpse_vocabulary_index_clip(glimpse_vocabulary *vocabulary, const char *name, size_t merges);

/* The id of a token, or -1. From index() on, and until finish() or forget_names(). */
int32_t glimpse_vocabulary_find(const glimpse_vocabulary *vocabulary, const char *text,
                                size_t length);

/* The next merge in order of rank; `where` (such as "line 7") is for messages. When a pair occurs
 * twice the later rank holds, as in the reference implementations. */
int glimpse_vocabulary_add_merge(glimpse_vocabulary *vocabulary, const char *name, size_t entry,
                                 const char *left, size_t left_length, const char *right,
                                 size_t right_length);

/* CLIP: tokens become the bytes they stand for, and names are forgotten. */
int glimpse_vocabulary_finish(glimpse_vocabulary *vocabulary);
void glimpse_vocabulary_forget_names(glimpse_vocabulary *vocabulary);

/* Copies the tokens out of what they were read from. They need no room behind them for that. */
int glimpse_vocabulary_pack(glimpse_vocabulary *vocabulary, const char *name);

/* NULL when the pair does not merge. */
static inline const glimpse_merge *glimpse_vocabulary_merge(const glimpse_vocabulary *vocabulary,
                                                            int32_t left, int32_t right) {
    uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    uint64_t hash = (key ^ vocabulary->seed) * 0x9E3779B97F4A7C15u;
    for (size_t i = (size_t)(hash >> 32);; i++) {
        const glimpse_merge *slot = &vocabulary->merges[i & vocabulary->merge_mask];
        if (slot->key == key) return slot;
        if (slot->key == UINT64_MAX) return NULL;
    }
}

/* Reads vocab.json and merges.txt, or tokenizer.json where one of them is absent, from a model
 * directory. The vocabulary is begun and finished inside; on failure it is released. */
int glimpse_vocabulary_read(glimpse_vocabulary *vocabulary, const char *directory);

#endif
