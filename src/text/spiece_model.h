/*
 * text/spiece_model.h - a SentencePiece unigram model (google/sentencepiece, spiece.model).
 *
 * Taku Kudo, "Subword Regularization", ACL 2018: every piece has a log probability, and a text is
 * cut into the pieces with the highest sum.
 */
#ifndef GLIMPSE_TEXT_SPIECE_MODEL_H
#define GLIMPSE_TEXT_SPIECE_MODEL_H

#include "text/bytes.h"
#include "text/prefix_table.h"

enum {
    GLIMPSE_SPIECE_PIECES_LIMIT = 1 << 20,
    GLIMPSE_SPIECE_BYTES_LIMIT = 1024 /* of one piece: the work for each byte of a text */
};

/* SentencePiece.Type of sentencepiece_model.proto. */
typedef enum glimpse_spiece_type {
    GLIMPSE_SPIECE_NORMAL = 1,
    GLIMPSE_SPIECE_UNKNOWN,
    GLIMPSE_SPIECE_CONTROL,
    GLIMPSE_SPIECE_USER_DEFINED,
    GLIMPSE_SPIECE_UNUSED,
    GLIMPSE_SPIECE_BYTE
} glimpse_spiece_type;

typedef struct glimpse_spiece {
    char *text; /* with a NUL behind it */
    uint32_t length;
    float score;
    uint8_t type;
} glimpse_spiece;

typedef struct glimpse_spiece_model {
    char *file;
    glimpse_spiece *pieces; /* [count], by id */
    size_t count, capacity;
    char *text; /* what they point into */
    int32_t unknown_id;
    int32_t byte_ids[256];
    float lowest, highest;             /* score of a normal piece */
    glimpse_prefix_table table;        /* pieces that texts are made of */
    glimpse_prefix_table user_defined; /* those that the normaliser leaves alone */
    int byte_fallback;                 /* unknown characters become <0xNN> */
    int add_dummy_prefix, remove_extra_whitespaces, escape_whitespaces, space_is_suffix;
    uint32_t *trie; /* [trie_count] units of the normaliser's double array; NULL: no rules */
    size_t trie_count;
    const char *replacements; /* NUL-terminated strings, one behind the other */
    size_t replacements_size;
} glimpse_spiece_model;

/* On failure the model is released. */
int glimpse_spiece_model_read(glimpse_spiece_model *model, const char *path);
void glimpse_spiece_model_release(glimpse_spiece_model *model);

/* The model's normaliser (normalizer.cc). `text` is valid UTF-8. */
int glimpse_spiece_normalize(const glimpse_spiece_model *model, glimpse_bytes *out,
                             const char *text, size_t length);

/* Checks the rules and takes them over: trie, trie_count, replacements. `blob` must stay. */
int glimpse_spiece_read_rules(glimpse_spiece_model *model, const char *path,
                              const unsigned char *blob, size_t size);

/* Normalises and cuts; `take` gets each id in order until it returns other than 0. A run of
 * unknown pieces is one unknown id. */
int glimpse_spiece_encode(const glimpse_spiece_model *model, const char *text, size_t length,
                          int (*emit)(void *context, int32_t id), void *context);

#endif
