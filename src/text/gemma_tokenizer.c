/*
 * text/gemma_tokenizer.c - the tokenizer of SigLIP 2: Gemma's, of lower-cased text.
 *
 *   added tokens cut out -> lower case -> the normaliser of tokenizer.json (space to U+2581)
 *   -> normalised added tokens cut out -> characters, those without a token as bytes <0xNN>
 *   -> merged by rank -> "<eos>"
 *
 * The published tokenizer.json does not lower-case, although tokenizer_config.json says
 * do_lower_case: true and the model was trained on lower-cased text. Training is followed.
 *
 * There are no words: merging runs over the whole text, in O(n log n).
 */
#include "core/error.h"
#include "core/utf8.h"
#include "text/bpe.h"
#include "text/bytes.h"
#include "text/tokenizer_json.h"
#include "text/tokenizer_kinds.h"
#include "text/tokenizer_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct gemma_tokenizer {
    glimpse_tokenizer base;
    glimpse_tokenizer_json json;
    glimpse_added_tokens raw, normal; /* looked for before and after normalising */
    int32_t byte_ids[256];            /* -1: no such token */
    int lower;
} gemma_tokenizer;

/* The state of one encode call. */
typedef struct encoder {
    const gemma_tokenizer *tokenizer;
    glimpse_tokens *tokens;
    glimpse_points points, other;
    glimpse_bytes text, spare;
    int32_t *symbols;
    size_t symbols_capacity;
    int32_t inside[GLIMPSE_BPE_INLINE];
    glimpse_bpe_scratch scratch;
} encoder;

static int replace_all(glimpse_bytes *out, const glimpse_bytes *in, const char *from,
                       const char *to) {
    size_t from_length = strlen(from), to_length = strlen(to), kept = 0;
    int status = GLIMPSE_OK;
    out->count = 0;
    for (size_t i = 0; i < in->count && status == GLIMPSE_OK;) {
        if (in->data[i] != from[0] || in->count - i < from_length ||
            memcmp(in->data + i, from, from_length) != 0) {
            i++;
            continue;
        }
        status = glimpse_bytes_append(out, in->data + kept, i - kept);
        if (status == GLIMPSE_OK) status = glimpse_bytes_append(out, to, to_length);
        i += from_length;
        kept = i;
        if (out->count > (size_t)16 * GLIMPSE_TOKENIZER_TEXT_LIMIT) {
            return glimpse_fail(GLIMPSE_E_LIMIT, "a text that its normaliser makes too long");
        }
    }
    if (status < 0) return status;
    return glimpse_bytes_append(out, in->data + kept, in->count - kept);
}

static int copy_bytes(glimpse_bytes *out, const glimpse_bytes *in) {
    out->count = 0;
    return glimpse_bytes_append(out, in->data, in->count);
}

/* One step on `text`, by way of the others. */
static int merge_step(encoder *e, const glimpse_normal_step *step) {
    glimpse_bytes *text = &e->text, *spare = &e->spare;
    int status = GLIMPSE_OK;
    switch (step->kind) {
    case GLIMPSE_NORMAL_REPLACE: status = replace_all(spare, text, step->from, step->to); break;
    case GLIMPSE_NORMAL_PREPEND:
        if (text->count == 0) return GLIMPSE_OK;
        spare->count = 0;
        status = glimpse_bytes_append(spare, step->to, strlen(step->to));
        if (status == GLIMPSE_OK) status = glimpse_bytes_append(spare, text->data, text->count);
        break;
    case GLIMPSE_NORMAL_LOWER:
    case GLIMPSE_NORMAL_NFC:
        status = glimpse_points_decode(&e->points, text->data, text->count);
        if (status < 0) return status;
        status = step->kind == GLIMPSE_NORMAL_LOWER
                     ? glimpse_points_lower_each(&e->other, &e->points)
                     : glimpse_points_nfc(&e->other, &e->points);
        if (status < 0) return status;
        spare->count = 0;
        status = glimpse_bytes_append_points(spare, e->other.data, e->other.count);
        break;
    }
    return status < 0 ? status : copy_bytes(text, spare);
}

/* `text` to e->text, valid UTF-8 and normalised. */
static int normalise(encoder *e, const char *text, size_t length) {
    const glimpse_tokenizer_json *json = &e->tokenizer->json;
    int status = glimpse_points_decode(&e->points, text, length);
    const glimpse_points *ready = &e->points;
    /* open_clip takes the file literally: what lower-cases is its cleaning. */
    const int lower = e->tokenizer->lower && !e->tokenizer->base.cleaning.text;
    if (status == GLIMPSE_OK && lower) {
        status = glimpse_points_lower_each(&e->other, &e->points);
        ready = &e->other;
    }
    if (status < 0) return status;
    e->text.count = 0;
    status = glimpse_bytes_append_points(&e->text, ready->data, ready->count);
    for (size_t i = 0; i < json->step_count && status == GLIMPSE_OK; i++) {
        status = merge_step(e, &json->steps[i]);
    }
    return status;
}

/* The token of each character, or those of its bytes. Unknown ones wait for the next known one,
 * as in the tokenizers library: bytes overtake them. */
static size_t first_symbols(const gemma_tokenizer *tokenizer, int32_t *symbols, const char *text,
                            size_t length) {
    const glimpse_tokenizer_json *json = &tokenizer->json;
    size_t count = 0, taken;
    int waiting = 0;
    for (size_t i = 0; i < length; i += taken) {
        uint32_t unused;
        taken = glimpse_utf8_decode(&unused, text + i, length - i, NULL);
        int32_t id = glimpse_vocabulary_find(&json->vocabulary, text + i, taken);
        int bytes = id < 0 && json->byte_fallback;
        for (size_t k = 0; k < taken && bytes; k++) {
            bytes = tokenizer->byte_ids[(unsigned char)text[i + k]] >= 0;
        }
        if (id >= 0) {
            if (waiting) symbols[count++] = json->unknown_id;
            waiting = 0;
            symbols[count++] = id;
        } else if (bytes) {
            for (size_t k = 0; k < taken; k++) {
                symbols[count++] = tokenizer->byte_ids[(unsigned char)text[i + k]];
            }
        } else if (json->unknown_id >= 0) {
            if (waiting && !json->fuse_unknown) symbols[count++] = json->unknown_id;
            waiting = 1;
        }
    }
    if (waiting) symbols[count++] = json->unknown_id;
    return count;
}

/* Text without added tokens in it. */
static int add_text(encoder *e, const char *text, size_t length) {
    const glimpse_vocabulary *vocabulary = &e->tokenizer->json.vocabulary;
    if (length == 0) return GLIMPSE_OK;
    if (e->tokenizer->json.ignore_merges) {
        int32_t id = glimpse_vocabulary_find(vocabulary, text, length);
        if (id >= 0) {
            glimpse_tokens_add(e->tokens, id);
            return GLIMPSE_OK;
        }
    }
    if (length > e->symbols_capacity) {
        int32_t *symbols = malloc(length * sizeof *symbols);
        if (!symbols) return glimpse_fail_nomem(length * sizeof *symbols, "a text");
        if (e->symbols != e->inside) free(e->symbols);
        e->symbols = symbols;
        e->symbols_capacity = length;
    }
    size_t count = first_symbols(e->tokenizer, e->symbols, text, length);
    int status = glimpse_bpe_merge(vocabulary, e->symbols, &count, GLIMPSE_BPE_ONE, &e->scratch);
    for (size_t i = 0; i < count && status == GLIMPSE_OK && !e->tokens->truncated; i++) {
        glimpse_tokens_add(e->tokens, e->symbols[i]);
    }
    return status;
}

static int add_normalised(encoder *e, const char *text, size_t length) {
    const glimpse_added_token *token = NULL;
    int status = normalise(e, text, length);
    if (status < 0) return status;
    for (size_t at = 0, from, to; at < e->text.count && !e->tokens->truncated;) {
        token = glimpse_added_tokens_next(&e->tokenizer->normal, e->text.data, e->text.count, &at,
                                          token, &from, &to);
        if (from < to) status = add_text(e, e->text.data + from, to - from);
        if (status < 0) return status;
        if (token && !e->tokens->truncated) glimpse_tokens_add(e->tokens, token->id);
    }
    return GLIMPSE_OK;
}

static int encode(glimpse_tokens *tokens, const glimpse_tokenizer *base, const char *text,
                  size_t length) {
    encoder e;
    e.tokenizer = (const gemma_tokenizer *)base;
    e.tokens = tokens;
    e.symbols = e.inside;
    e.symbols_capacity = GLIMPSE_BPE_INLINE;
    glimpse_points_init(&e.points);
    glimpse_points_init(&e.other);
    glimpse_bytes_init(&e.text);
    glimpse_bytes_init(&e.spare);
    glimpse_bpe_scratch_init(&e.scratch);
    int status = GLIMPSE_OK;
    const glimpse_added_token *token = NULL;
    if (base->start_id >= 0) tokens->ids[tokens->count++] = base->start_id;
    for (size_t at = 0, from, to; at < length && !tokens->truncated;) {
        token = glimpse_added_tokens_next(&e.tokenizer->raw, text, length, &at, token, &from, &to);
        if (from < to) status = add_normalised(&e, text + from, to - from);
        if (status < 0) break;
        if (token && !tokens->truncated) glimpse_tokens_add(tokens, token->id);
    }
    if (status == GLIMPSE_OK) tokens->ids[tokens->count++] = base->end_id;
    glimpse_bpe_scratch_release(&e.scratch);
    if (e.symbols != e.inside) free(e.symbols);
    glimpse_bytes_release(&e.spare);
    glimpse_bytes_release(&e.text);
    glimpse_points_release(&e.other);
    glimpse_points_release(&e.points);
    return status;
}

static const char *token_text(const glimpse_tokenizer *base, int32_t id) {
    return ((const gemma_tokenizer *)base)->json.vocabulary.tokens[id].text;
}

static void release(glimpse_tokenizer *base) {
    gemma_tokenizer *tokenizer = (gemma_tokenizer *)base;
    glimpse_added_tokens_release(&tokenizer->raw);
    glimpse_added_tokens_release(&tokenizer->normal);
    glimpse_tokenizer_json_release(&tokenizer->json);
    free(tokenizer);
}

/* Those looked for in normalised text are normalised themselves. */
static int sort_added(gemma_tokenizer *tokenizer) {
    const glimpse_added_tokens *all = &tokenizer->json.added;
    int status = GLIMPSE_OK;
    encoder e = {.tokenizer = tokenizer};
    glimpse_points_init(&e.points);
    glimpse_points_init(&e.other);
    glimpse_bytes_init(&e.text);
    glimpse_bytes_init(&e.spare);
    for (size_t i = 0; i < all->count && status == GLIMPSE_OK; i++) {
        glimpse_added_token token = all->tokens[i];
        if (!token.normalized) {
            status = glimpse_added_tokens_add(&tokenizer->raw, &token);
            continue;
        }
        status = normalise(&e, token.text, token.length);
        token.text = e.text.data;
        token.length = e.text.count;
        if (status == GLIMPSE_OK) status = glimpse_added_tokens_add(&tokenizer->normal, &token);
    }
    glimpse_bytes_release(&e.spare);
    glimpse_bytes_release(&e.text);
    glimpse_points_release(&e.other);
    glimpse_points_release(&e.points);
    glimpse_added_tokens_sort(&tokenizer->raw);
    glimpse_added_tokens_sort(&tokenizer->normal);
    return status;
}

static int32_t find(const gemma_tokenizer *tokenizer, const char *name) {
    return glimpse_vocabulary_find(&tokenizer->json.vocabulary, name, strlen(name));
}

static int read_settings(glimpse_tokenizer *base, const char *path,
                         const glimpse_tokenizer_settings *settings) {
    gemma_tokenizer *tokenizer = (gemma_tokenizer *)base;
    int bos = 0;
    int status = glimpse_tokenizer_settings_flag(settings, "do_lower_case", 1, &tokenizer->lower);
    if (status == GLIMPSE_OK) {
        status = glimpse_tokenizer_settings_flag(settings, "add_bos_token", 0, &bos);
    }
    if (status < 0) return status;
    const char *end = glimpse_tokenizer_settings_name(settings, "eos_token", "<eos>");
    const char *start = glimpse_tokenizer_settings_name(settings, "bos_token", "<bos>");
    base->end_id = find(tokenizer, end);
    base->start_id = bos ? find(tokenizer, start) : -1;
    base->pad_id = find(tokenizer, glimpse_tokenizer_settings_name(settings, "pad_token", "<pad>"));
    base->unknown_id = tokenizer->json.unknown_id;
    if (base->end_id < 0 || (bos && base->start_id < 0)) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: the token %s is missing", path,
                            base->end_id < 0 ? end : start);
    }
    for (unsigned byte = 0; byte < 256; byte++) {
        char name[8];
        (void)snprintf(name, sizeof name, "<0x%02X>", byte);
        tokenizer->byte_ids[byte] = find(tokenizer, name);
    }
    return sort_added(tokenizer);
}

static int read_json(glimpse_tokenizer *base, const char *path) {
    gemma_tokenizer *tokenizer = (gemma_tokenizer *)base;
    int status = glimpse_tokenizer_json_read(&tokenizer->json, path);
    base->vocab_size = tokenizer->json.vocabulary.count;
    return status;
}

static int load(glimpse_tokenizer **out, const char *directory) {
    static const glimpse_tokenizer_source source = {.type = &glimpse_tokenizer_type_gemma,
                                                    .size = sizeof(gemma_tokenizer),
                                                    .file = "tokenizer.json",
                                                    .read_file = read_json,
                                                    .read_settings = read_settings};
    return glimpse_tokenizer_open(out, directory, &source);
}

/* Whether tokenizer.json is of this family; 0 also when it is damaged. */
static int looks_like(int *out, const char *directory) {
    glimpse_tokenizer_json_facts facts;
    int status = glimpse_tokenizer_json_look(&facts, directory);
    *out = facts.byte_fallback && !facts.unigram;
    return status;
}

static const glimpse_tokenizer_sign signs[] = {
    {.strength = GLIMPSE_SIGN_CLASS, .name = "GemmaTokenizer"},
    {.strength = GLIMPSE_SIGN_CLASS, .name = "GemmaTokenizerFast"},
    {.strength = GLIMPSE_SIGN_CLASS, .name = "Siglip2Tokenizer"},
    {.strength = GLIMPSE_SIGN_NAME, .name = "siglip2"},
    {.strength = GLIMPSE_SIGN_FAMILY_FILES, .name = "siglip", .files = {"tokenizer.json"}},
    {.strength = GLIMPSE_SIGN_FAMILY_FILES, .name = "siglip2", .files = {"tokenizer.json"}},
    {.strength = GLIMPSE_SIGN_CONTENTS, .files = {"tokenizer.json"}, .contents = looks_like},
    {.strength = GLIMPSE_SIGN_NONE},
};

const glimpse_tokenizer_type glimpse_tokenizer_type_gemma = {
    .name = "gemma",
    .signs = signs,
    .usual_context = 64, /* as SigLIP's */
    .load = load,
    .encode = encode,
    .token = token_text,
    .free = release,
};
