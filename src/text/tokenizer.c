/*
 * text/tokenizer.c - the public calls, and which kind of tokenizer a model directory has.
 */
#include <glimpse/sys/tokenizer.h>

#include "core/error.h"
#include "core/file.h"
#include "text/tokenizer_kinds.h"
#include "text/tokenizer_settings.h"
#include "text/wordpiece_decode.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int has(const char *folder, const char *name, int *out) {
    char *path = glimpse_path_join(folder, name);
    if (!path) return glimpse_fail_nomem(strlen(folder) + strlen(name), "a file name");
    *out = access(path, F_OK) == 0;
    free(path);
    return GLIMPSE_OK;
}

/* By the class that tokenizer_config.json names; AUTO when that says nothing. */
static glimpse_tokenizer_kind kind_of_class(const char *class) {
    static const struct {
        const char *class;
        glimpse_tokenizer_kind kind;
    } classes[] = {
        {"CLIPTokenizer", GLIMPSE_TOKENIZER_CLIP_HF},
        {"CLIPTokenizerFast", GLIMPSE_TOKENIZER_CLIP_HF},
        {"SiglipTokenizer", GLIMPSE_TOKENIZER_SIGLIP},
        {"GemmaTokenizer", GLIMPSE_TOKENIZER_GEMMA},
        {"GemmaTokenizerFast", GLIMPSE_TOKENIZER_GEMMA},
        {"Siglip2Tokenizer", GLIMPSE_TOKENIZER_GEMMA},
        {"BertTokenizer", GLIMPSE_TOKENIZER_WORDPIECE},
        {"BertTokenizerFast", GLIMPSE_TOKENIZER_WORDPIECE},
    };
    for (size_t i = 0; class && i < sizeof classes / sizeof classes[0]; i++) {
        if (strcmp(class, classes[i].class) == 0) return classes[i].kind;
    }
    return GLIMPSE_TOKENIZER_AUTO;
}

static int find_kind(const char *folder, glimpse_tokenizer_kind *kind) {
    enum { OPENCLIP_CONFIG, VOCAB_JSON, MERGES, SPIECE, VOCAB_TXT, TOKENIZER_JSON, FILES };
    static const char *const names[FILES] = {
        "open_clip_config.json", "vocab.json", "merges.txt",
        "spiece.model",          "vocab.txt",  "tokenizer.json"};
    int there[FILES] = {0};
    for (size_t i = 0; i < FILES; i++) {
        int status = has(folder, names[i], &there[i]);
        if (status < 0) return status;
    }
    *kind = GLIMPSE_TOKENIZER_CLIP_OPENCLIP;
    if (there[OPENCLIP_CONFIG]) return GLIMPSE_OK;

    glimpse_tokenizer_settings settings;
    json_t *config = NULL;
    int status = glimpse_tokenizer_settings_read(&settings, folder);
    if (status < 0) goto done;
    *kind = kind_of_class(json_string_value(json_object_get(settings.own, "tokenizer_class")));
    if (*kind != GLIMPSE_TOKENIZER_AUTO) goto done;
    status = glimpse_json_object_read(&config, folder, "config.json");
    if (status < 0) goto done;
    const char *type = json_string_value(json_object_get(config, "model_type"));
    int siglip = type && (strcmp(type, "siglip") == 0 || strcmp(type, "siglip2") == 0);
    if (type && strcmp(type, "blip") == 0) {
        *kind = GLIMPSE_TOKENIZER_WORDPIECE;
    } else if (type && strcmp(type, "clip") == 0) {
        *kind = GLIMPSE_TOKENIZER_CLIP_HF;
    } else if (there[VOCAB_JSON] && there[MERGES]) {
        *kind = GLIMPSE_TOKENIZER_CLIP_HF;
    } else if (there[SPIECE]) {
        *kind = GLIMPSE_TOKENIZER_SIGLIP;
    } else if (siglip) {
        *kind = there[TOKENIZER_JSON] ? GLIMPSE_TOKENIZER_GEMMA : GLIMPSE_TOKENIZER_SIGLIP;
    } else if (there[VOCAB_TXT]) {
        *kind = GLIMPSE_TOKENIZER_WORDPIECE;
    } else {
        int gemma = 0;
        if (there[TOKENIZER_JSON]) status = glimpse_gemma_looks_like(&gemma, folder);
        *kind = gemma ? GLIMPSE_TOKENIZER_GEMMA : GLIMPSE_TOKENIZER_CLIP_HF;
    }
done:
    json_decref(config);
    glimpse_tokenizer_settings_release(&settings);
    return status;
}

int glimpse_tokenizer_load(glimpse_tokenizer **out, const char *path, glimpse_tokenizer_kind kind) {
    *out = NULL;
    if (!path) return glimpse_fail(GLIMPSE_E_INVALID, "a tokenizer needs a model directory");
    if (kind == GLIMPSE_TOKENIZER_AUTO) {
        int status = find_kind(path, &kind);
        if (status < 0) return status;
    }
    switch (kind) {
    case GLIMPSE_TOKENIZER_CLIP_HF: return glimpse_clip_tokenizer_open(out, path, 0);
    case GLIMPSE_TOKENIZER_CLIP_OPENCLIP: return glimpse_clip_tokenizer_open(out, path, 1);
    case GLIMPSE_TOKENIZER_SIGLIP: return glimpse_siglip_tokenizer_open(out, path);
    case GLIMPSE_TOKENIZER_GEMMA: return glimpse_gemma_tokenizer_open(out, path);
    case GLIMPSE_TOKENIZER_WORDPIECE: return glimpse_wordpiece_tokenizer_open(out, path);
    case GLIMPSE_TOKENIZER_AUTO: break;
    }
    return glimpse_fail(GLIMPSE_E_INVALID, "unknown kind of tokenizer (%d)", (int)kind);
}

void glimpse_tokenizer_free(glimpse_tokenizer *tokenizer) {
    if (tokenizer) tokenizer->class->free(tokenizer);
}

int glimpse_tokenizer_encode(glimpse_tokens *tokens, const glimpse_tokenizer *tokenizer,
                             const char *text, size_t length) {
    tokens->count = 0;
    tokens->truncated = 0;
    if (tokens->capacity < 2) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "room for %zu token ids; the start and the end token alone take 2",
                            tokens->capacity);
    }
    if (length > GLIMPSE_TOKENIZER_TEXT_LIMIT) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "a text of %zu bytes, more than the limit of %d",
                            length, GLIMPSE_TOKENIZER_TEXT_LIMIT);
    }
    int status = tokenizer->class->encode(tokenizer, text, length, tokens);
    if (status < 0) tokens->count = 0;
    return status;
}

int glimpse_tokenizer_decode(char *out, size_t capacity, size_t *length,
                             const glimpse_tokenizer *tokenizer, const int32_t *ids, size_t count,
                             unsigned flags) {
    size_t unused;
    if (!length) length = &unused;
    *length = 0;
    if (capacity > 0) out[0] = '\0';
    if (tokenizer->kind != GLIMPSE_TOKENIZER_WORDPIECE) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                            "only a WordPiece tokenizer (BLIP) turns ids back into text");
    }
    if (flags & ~(unsigned)GLIMPSE_DECODE_KEEP_SPECIAL) {
        return glimpse_fail(GLIMPSE_E_INVALID, "unknown flags for decoding (%u)", flags);
    }
    return glimpse_wordpiece_decode(tokenizer, ids, count, flags, out, capacity, length);
}

glimpse_tokenizer_kind glimpse_tokenizer_kind_of(const glimpse_tokenizer *tokenizer) {
    return tokenizer->kind;
}

size_t glimpse_tokenizer_vocab_size(const glimpse_tokenizer *tokenizer) {
    return tokenizer->vocab_size;
}

int32_t glimpse_tokenizer_start_id(const glimpse_tokenizer *tokenizer) {
    return tokenizer->start_id;
}

int32_t glimpse_tokenizer_end_id(const glimpse_tokenizer *tokenizer) {
    return tokenizer->end_id;
}

int32_t glimpse_tokenizer_pad_id(const glimpse_tokenizer *tokenizer) {
    return tokenizer->pad_id;
}

int32_t glimpse_tokenizer_unknown_id(const glimpse_tokenizer *tokenizer) {
    return tokenizer->unknown_id;
}

const char *glimpse_tokenizer_token(const glimpse_tokenizer *tokenizer, int32_t id) {
    if (id < 0 || (size_t)id >= tokenizer->vocab_size) return NULL;
    return tokenizer->class->token(tokenizer, id);
}

int32_t glimpse_tokenizer_find(const glimpse_tokenizer *tokenizer, const char *name) {
    for (size_t id = 0; id < tokenizer->vocab_size; id++) {
        const char *text = tokenizer->class->token(tokenizer, (int32_t)id);
        if (text && strcmp(text, name) == 0) return (int32_t)id;
    }
    return -1;
}
