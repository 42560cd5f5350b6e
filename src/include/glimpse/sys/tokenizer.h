/*
 * glimpse/sys/tokenizer.h - from text to the token ids of a model.
 *
 *     glimpse_tokenizer *tokenizer = NULL;
 *     glimpse_tokenizer_load(&tokenizer, "models/clip-vit-base-patch32", GLIMPSE_TOKENIZER_AUTO);
 *     int32_t ids[77];
 *     glimpse_tokens tokens = {ids, 77, 0, 0};
 *     glimpse_tokenizer_encode(&tokens, tokenizer, "a dog", 5);   // 49406 320 1929 49407
 *
 * CLIP's byte-level BPE (openai/CLIP, clip/simple_tokenizer.py) in two flavours that differ in
 * what happens to the text first, and the tokenizers of the other families:
 *
 *   CLIP_HF       as the Hugging Face tokenizers library: NFC, runs of white space to one space,
 *                 lower-casing per code point, case-sensitive splitting pattern. "<|startoftext|>"
 *                 and "<|endoftext|>" anywhere in the text, in any case, are those tokens.
 *   CLIP_OPENCLIP as openai/CLIP and open_clip without ftfy: HTML entities unescaped twice, white
 *                 space collapsed and stripped, Python's str.lower(), case-insensitive pattern.
 *                 "<start_of_text>" and "<end_of_text>" standing as a word are the special tokens.
 *   SIGLIP        google/sentencepiece's unigram model in spiece.model, behind big_vision's
 *                 canonicalisation: lower case, ASCII punctuation deleted, white space collapsed.
 *                 No start token; "</s>" at the end, which is also the padding.
 *   GEMMA         SigLIP 2: the BPE over characters in tokenizer.json, with byte fallback, of text
 *                 lower-cased per code point. No start token; "<eos>" at the end.
 *   WORDPIECE     BLIP and Chinese-CLIP: BERT's tokenizer and vocab.txt. [CLS] first, [SEP] last.
 *   XLMR          MetaCLIP 2, M-CLIP and the XLM-R towers of OpenCLIP: the unigram model of
 *                 sentencepiece.bpe.model or tokenizer.json, its ids behind those of the special
 *                 tokens. "<s>" first, "</s>" last.
 *   NLLB          NLLB-CLIP: the same with a BPE model. The first token is the language of the
 *                 text, the last one "</s>".
 *
 * Texts that contain a special token of any but CLIP's literally get that token, as from the
 * reference implementations. Where open_clip_config.json names a tokenizer of transformers
 * ("hf_tokenizer_name"), texts are first cleaned as it asks for: HTML entities unescaped twice and
 * white space collapsed, and what "tokenizer_kwargs" says.
 *
 * ftfy's repairs (mojibake, curly quotes, ligatures) are not made. Invalid UTF-8 is replaced by
 * U+FFFD as Python's errors="replace" does. NUL bytes are ordinary characters.
 *
 * Threads: a tokenizer is immutable after opening; share it freely.
 */
#ifndef GLIMPSE_TOKENIZER_H
#define GLIMPSE_TOKENIZER_H

#include <glimpse/status.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct glimpse_tokenizer glimpse_tokenizer;

/* The kinds: constant and name of each, in the order of their numbers. A new one goes to the end.
 */
#define GLIMPSE_TOKENIZER_KINDS(X) \
 X(CLIP_HF, clip_hf)               \
 X(CLIP_OPENCLIP, clip_openclip)   \
 X(SIGLIP, siglip)                 \
 X(GEMMA, gemma)                   \
 X(WORDPIECE, wordpiece)           \
 X(XLMR, xlmr)                     \
 X(NLLB, nllb)

typedef enum glimpse_tokenizer_kind {
    /* The first that applies: CLIP_OPENCLIP when the directory has an open_clip_config.json that
     * names no other tokenizer; the class that tokenizer_config.json names; the tokenizer that
     * open_clip_config.json names; the model type in config.json; the files that are there. */
    GLIMPSE_TOKENIZER_AUTO = 0,
#define GLIMPSE_TOKENIZER_ENUMERATE(constant, name) GLIMPSE_TOKENIZER_##constant,
    GLIMPSE_TOKENIZER_KINDS(GLIMPSE_TOKENIZER_ENUMERATE)
#undef GLIMPSE_TOKENIZER_ENUMERATE
} glimpse_tokenizer_kind;

/* "clip-hf"; NULL for AUTO and for a number that is no kind, so that counting up from 1 to the
 * first NULL names them all. Static storage. */
GLIMPSE_API const char *glimpse_tokenizer_kind_name(glimpse_tokenizer_kind kind);

/* A longer text (bytes) is not a query: encoding one takes up to 100 times as much memory. */
enum { GLIMPSE_TOKENIZER_TEXT_LIMIT = 4 << 20 };

/* Where ids go. The caller sets `ids` and `capacity`; encode sets the rest. */
typedef struct glimpse_tokens {
    int32_t *ids;    /* [capacity] */
    size_t capacity; /* at least 2: room for the start and the end token */
    size_t count;    /* ids written, start and end included; the rest is left alone (pad it with
                      * glimpse_tokenizer_pad_id() where the model needs that: SigLIP does) */
    int truncated;   /* 1 when the text was longer: the last id is then the end token */
} glimpse_tokens;

/* Reads the vocabulary from the model directory `path`. CLIP: vocab.json + merges.txt, or what is
 * inside tokenizer.json when one of them is absent; SIGLIP: spiece.model, XLMR and NLLB:
 * sentencepiece.bpe.model, these three tokenizer.json where that is absent; GEMMA: tokenizer.json;
 * WORDPIECE: vocab.txt; and, for all but CLIP, the settings in tokenizer_config.json and
 * special_tokens_map.json where they are there. GLIMPSE_E_NOT_FOUND when a file is missing,
 * GLIMPSE_E_FORMAT when they are damaged or contradict each other or themselves (the message names
 * file and entry), GLIMPSE_E_LIMIT when they are too large, GLIMPSE_E_UNSUPPORTED when they ask for
 * what is not implemented or are of another family. */
GLIMPSE_API int glimpse_tokenizer_load(glimpse_tokenizer **out, const char *path,
                                       glimpse_tokenizer_kind kind);
GLIMPSE_API void glimpse_tokenizer_free(glimpse_tokenizer *tokenizer);

/* `length` bytes of text, need not end in NUL. Fails only for capacity < 2 (GLIMPSE_E_INVALID), a
 * text over the limit (GLIMPSE_E_LIMIT) or out of memory, with count 0. Work and memory are linear
 * in the text, except inside one "word" (no white space), where merging is O(n log n). Short texts
 * need no allocation. */
GLIMPSE_API int glimpse_tokenizer_encode(glimpse_tokens *tokens, const glimpse_tokenizer *tokenizer,
                                         const char *text, size_t length);

/* The language of texts, for NLLB: the id that stands for the one called `name`, to hand to
 * glimpse_tokenizer_encode_as(). Names are those of FLORES-200 ("deu_Latn", in any case); without
 * the script, or as the two letters of ISO 639-1 ("deu", "de"), where only one language has them.
 * GLIMPSE_E_INVALID for any other, naming the nearest; GLIMPSE_E_UNSUPPORTED when texts have no
 * language. *id is -1 then. */
GLIMPSE_API int glimpse_tokenizer_language(int32_t *id, const glimpse_tokenizer *tokenizer,
                                           const char *name);
/* As glimpse_tokenizer_encode(), of a text in that language; -1: in the tokenizer's own, which is
 * what glimpse_tokenizer_encode() takes (English unless the model says another).
 * GLIMPSE_E_INVALID for an id that is no language. */
GLIMPSE_API int glimpse_tokenizer_encode_as(glimpse_tokens *tokens,
                                            const glimpse_tokenizer *tokenizer, int32_t language,
                                            const char *text, size_t length);

GLIMPSE_API size_t glimpse_tokenizer_vocab_size(const glimpse_tokenizer *tokenizer);
GLIMPSE_API glimpse_tokenizer_kind glimpse_tokenizer_kind_of(const glimpse_tokenizer *tokenizer);

/* Ids of a text, start and end included, in the models of this kind that do not say it: 77 for
 * CLIP, 64 for SigLIP, 512 for BERT, XLM-R and NLLB. */
GLIMPSE_API size_t glimpse_tokenizer_usual_context(const glimpse_tokenizer *tokenizer);
/* The same as the configuration in the directory `path` says it, and the usual one where there is
 * no configuration, or none that says it. Fails only when memory runs out. */
GLIMPSE_API int glimpse_tokenizer_read_context(size_t *out, const glimpse_tokenizer *tokenizer,
                                               const char *path);

/* -1 where the tokenizer has no such token: SIGLIP and GEMMA begin with none. NLLB's start is its
 * own language. */
GLIMPSE_API int32_t glimpse_tokenizer_start_id(const glimpse_tokenizer *tokenizer);
GLIMPSE_API int32_t glimpse_tokenizer_end_id(const glimpse_tokenizer *tokenizer);
GLIMPSE_API int32_t glimpse_tokenizer_pad_id(const glimpse_tokenizer *tokenizer);
GLIMPSE_API int32_t glimpse_tokenizer_unknown_id(const glimpse_tokenizer *tokenizer);

/* The bytes a token stands for (with a trailing space where the token ends a word), for display:
 * not always whole UTF-8 characters. The two tokens that contain byte 0 show as "". Borrowed, NULL
 * when `id` is out of range. The tokenizers other than CLIP's show a token as its file writes it,
 * with U+2581 for a space or "##" at the beginning. */
GLIMPSE_API const char *glimpse_tokenizer_token(const glimpse_tokenizer *tokenizer, int32_t id);

/* The id of the token that glimpse_tokenizer_token() shows as `name`, such as "[SEP]" or "[DEC]";
 * -1 when there is none. Looks at every token: keep the result. */
GLIMPSE_API int32_t glimpse_tokenizer_find(const glimpse_tokenizer *tokenizer, const char *name);

/* From ids back to text, as transformers' decode(ids, skip_special_tokens=True) with its clean-up
 * of spaces; GLIMPSE_E_UNSUPPORTED for all kinds but WORDPIECE. Ids outside the vocabulary are
 * skipped. The text goes to `out` with a NUL behind it; *length (may be NULL) is its bytes.
 * GLIMPSE_E_LIMIT when it does not fit `capacity`, with *length set and `out` empty. */
enum { GLIMPSE_DECODE_KEEP_SPECIAL = 1 };
GLIMPSE_API int glimpse_tokenizer_decode(char *out, size_t capacity, size_t *length,
                                         const glimpse_tokenizer *tokenizer, const int32_t *ids,
                                         size_t count, unsigned flags);

#ifdef __cplusplus
}
#endif
#endif
