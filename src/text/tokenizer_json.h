/*
 * text/tokenizer_json.h - tokenizer.json of a character-level BPE with byte fallback (Gemma), and
 * of what was a SentencePiece model (see spiece_json.c).
 *
 * A real file has 256,000 tokens and 580,000 merges in up to 34 MB, or 900,000 tokens. Building a
 * document tree of that takes seconds, so the two large parts are scanned where they stand; jansson
 * reads the small ones.
 */
#ifndef GLIMPSE_TEXT_TOKENIZER_JSON_H
#define GLIMPSE_TEXT_TOKENIZER_JSON_H

#include "text/added_tokens.h"
#include "text/vocabulary.h"

/* One step of the normaliser. */
typedef enum glimpse_normal_kind {
    GLIMPSE_NORMAL_REPLACE,
    GLIMPSE_NORMAL_PREPEND,
    GLIMPSE_NORMAL_LOWER,
    GLIMPSE_NORMAL_NFC
} glimpse_normal_kind;
typedef struct glimpse_normal_step {
    glimpse_normal_kind kind;
    const char *from, *to; /* REPLACE: every `from` by `to`; PREPEND: `to`. In json. */
} glimpse_normal_step;
enum { GLIMPSE_NORMAL_STEPS = 16 };

typedef struct glimpse_tokenizer_json {
    glimpse_vocabulary vocabulary;
    json_t *normalizer;    /* what the steps' strings point into */
    json_t *pre_tokenizer; /* of a SentencePiece model, whose normaliser has no steps here */
    float *scores;         /* [vocabulary.count] of a unigram model; NULL: BPE */
    size_t scored, scores_capacity;
    glimpse_normal_step steps[GLIMPSE_NORMAL_STEPS];
    size_t step_count;
    glimpse_added_tokens added; /* not sorted yet */
    int byte_fallback, fuse_unknown, ignore_merges;
    int32_t unknown_id; /* -1: unknown characters vanish */
} glimpse_tokenizer_json;

/* On failure `json` is released. */
int glimpse_tokenizer_json_read(glimpse_tokenizer_json *json, const char *path);
/* Of a SentencePiece model: model.type is "Unigram" or "BPE", and what happens to a text first is
 * the caller's to read. */
int glimpse_tokenizer_json_read_spiece(glimpse_tokenizer_json *json, const char *path);
void glimpse_tokenizer_json_release(glimpse_tokenizer_json *json);

/* What tells the families apart. All 0 when the file cannot be scanned; fails only when out of
 * memory. */
typedef struct glimpse_tokenizer_json_facts {
    int byte_fallback;  /* model.byte_fallback is true */
    int unigram, bpe;   /* model.type */
    int fairseq;        /* the token with id 3 is unknown, as in XLM-R and NLLB */
    int flores_english; /* "eng_Latn" is an added token */
} glimpse_tokenizer_json_facts;
int glimpse_tokenizer_json_look(glimpse_tokenizer_json_facts *out, const char *directory);

#endif
