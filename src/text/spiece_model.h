/*
 * text/spiece_model.h - a SentencePiece model (google/sentencepiece, spiece.model).
 *
 * Unigram (Taku Kudo, "Subword Regularization", ACL 2018): every piece has a log probability, and a
 * text is cut into the pieces with the highest sum. BPE: its characters are merged, the two whose
 * piece has the highest score first.
 *
 *     spiece_model.c      the file, the pieces, unigram
 *     spiece_bpe.c        BPE
 *     spiece_normalize.c  what happens to a text first
 *     spiece_json.c       the same model as tokenizer.json has it
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
    const char *text; /* with a NUL behind it */
    uint32_t length;
    float score;
    uint8_t type;
} glimpse_spiece;

typedef struct glimpse_spiece_model {
    char *file;             /* what the pieces and the rules point into */
    unsigned char *rules;   /* NULL, or what the rules point into instead */
    glimpse_spiece *pieces; /* [count], by id */
    size_t count, capacity;
    int bpe; /* 0: unigram */
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

/* The same in two steps, between which ids can be changed: the file, with pieces by their numbers
 * there; then all that is found by piece. index() leaves the releasing to the caller. */
int glimpse_spiece_parse(glimpse_spiece_model *model, const char *path);
int glimpse_spiece_index(glimpse_spiece_model *model, const char *path);
/* What a model is before anything is read into it. */
void glimpse_spiece_model_begin(glimpse_spiece_model *model);
/* One piece more; its text is borrowed. `path` is for messages. */
int glimpse_spiece_append(glimpse_spiece_model *model, const char *path,
                          const glimpse_spiece *piece);
/* 0 to 255 for "<0x00>" to "<0xFF>", -1 for anything else. */
int glimpse_spiece_byte(const char *text);

enum { GLIMPSE_SPIECE_UNIGRAM = 1, GLIMPSE_SPIECE_BPE = 2 };
/* *out is the model_type that the file says, 0 when it cannot be read. Fails only when out of
 * memory. */
int glimpse_spiece_type_of_file(int *out, const char *path);
/* Refuses a model that is not of that type; `family` is for the message. */
int glimpse_spiece_expect_type(const glimpse_spiece_model *model, const char *path, int type,
                               const char *family);

/* The model's normaliser (normalizer.cc). `text` is valid UTF-8. */
int glimpse_spiece_normalize(const glimpse_spiece_model *model, glimpse_bytes *out,
                             const char *text, size_t length);

/* Checks the rules and takes them over: trie, trie_count, replacements. `blob` must stay. */
int glimpse_spiece_read_rules(glimpse_spiece_model *model, const char *path,
                              const unsigned char *blob, size_t size);

/* Normalises and cuts; `emit` gets each id in order until it returns other than 0. A run of
 * unknown pieces is one unknown id. */
int glimpse_spiece_encode(const glimpse_spiece_model *model, const char *text, size_t length,
                          int (*emit)(void *context, int32_t id), void *context);

/* How many bytes the character has that begins with this byte. */
static inline size_t glimpse_spiece_character(unsigned char lead) {
    return lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

/* BPE: cuts text that is normalised; `piece` gets each piece in order until it returns other than
 * 0. */
int glimpse_spiece_merge(const glimpse_spiece_model *model, const char *text, size_t size,
                         int (*piece)(void *context, int32_t id, const char *text, size_t length),
                         void *context);

#endif
