/*
 * text/tokenizer.c - the calls on an open tokenizer; what is the same for all kinds is checked
 * here.
 */
#include <glimpse/sys/tokenizer.h>

#include "core/error.h"
#include "text/cleaning.h"
#include "text/tokenizer_kinds.h"
#include "text/tokenizer_settings.h"

#include <string.h>

void glimpse_tokenizer_free(glimpse_tokenizer *tokenizer) {
    if (tokenizer) tokenizer->type->free(tokenizer);
}

/* The text as the model's own code hands it to the tokenizer. */
static int encode_cleaned(glimpse_tokens *tokens, const glimpse_tokenizer *tokenizer,
                          const char *text, size_t length) {
    if (tokenizer->cleaning.text == GLIMPSE_CLEANING_NONE) {
        return tokenizer->type->encode(tokens, tokenizer, text, length);
    }
    glimpse_bytes cleaned;
    glimpse_bytes_init(&cleaned);
    int status = glimpse_text_clean(&cleaned, tokenizer->cleaning.text, text, length);
    if (status == GLIMPSE_OK) {
        status = tokenizer->type->encode(tokens, tokenizer, cleaned.data, cleaned.count);
    }
    glimpse_bytes_release(&cleaned);
    return status;
}

int glimpse_tokenizer_encode(glimpse_tokens *tokens, const glimpse_tokenizer *tokenizer,
                             const char *text, size_t length) {
    return glimpse_tokenizer_encode_as(tokens, tokenizer, -1, text, length);
}

int glimpse_tokenizer_encode_as(glimpse_tokens *tokens, const glimpse_tokenizer *tokenizer,
                                int32_t language, const char *text, size_t length) {
    const glimpse_tokenizer_type *type = tokenizer->type;
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
    if (language != -1 && !(type->is_language && type->is_language(tokenizer, language))) {
        return glimpse_fail(GLIMPSE_E_INVALID, "id %d is no language of a %s tokenizer",
                            (int)language, type->name);
    }
    int status = encode_cleaned(tokens, tokenizer, text, length);
    if (status < 0) {
        tokens->count = 0;
        return status;
    }
    if (language != -1) tokens->ids[0] = language;
    for (size_t i = 0; tokenizer->cleaning.strip_end && i < tokens->count; i++) {
        if (tokens->ids[i] == tokenizer->end_id) tokens->ids[i] = 0;
    }
    return GLIMPSE_OK;
}

int glimpse_tokenizer_language(int32_t *id, const glimpse_tokenizer *tokenizer, const char *name) {
    *id = -1;
    if (!name) return glimpse_fail_null(__func__);
    if (!tokenizer->type->language) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                            "the tokenizer (%s) has no languages to choose from",
                            tokenizer->type->name);
    }
    return tokenizer->type->language(id, tokenizer, name);
}

int glimpse_tokenizer_decode(char *out, size_t capacity, size_t *length,
                             const glimpse_tokenizer *tokenizer, const int32_t *ids, size_t count,
                             unsigned flags) {
    size_t unused;
    if (!length) length = &unused;
    *length = 0;
    if (capacity > 0) out[0] = '\0';
    if (!tokenizer->type->decode) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                            "a %s tokenizer does not turn ids back into text",
                            tokenizer->type->name);
    }
    if (flags & ~(unsigned)GLIMPSE_DECODE_KEEP_SPECIAL) {
        return glimpse_fail(GLIMPSE_E_INVALID, "unknown flags for decoding (%u)", flags);
    }
    return tokenizer->type->decode(out, capacity, length, tokenizer, ids, count, flags);
}

glimpse_tokenizer_kind glimpse_tokenizer_kind_of(const glimpse_tokenizer *tokenizer) {
    return tokenizer->kind;
}

size_t glimpse_tokenizer_usual_context(const glimpse_tokenizer *tokenizer) {
    return tokenizer->type->usual_context;
}

int glimpse_tokenizer_read_context(size_t *out, const glimpse_tokenizer *tokenizer,
                                   const char *path) {
    enum { MAX_CONTEXT = 1 << 20 };
    static const struct {
        const char *file, *section[2], *key;
        size_t unless_said; /* 0: the usual one */
    } places[] = {
        {"open_clip_config.json", {"model_cfg", "text_cfg"}, "context_length", 77},
        {"config.json", {"text_config", NULL}, "max_position_embeddings", 0},
    };
    const glimpse_kept_error before = glimpse_error_keep();
    *out = glimpse_tokenizer_usual_context(tokenizer);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        json_t *root = NULL;
        int status = glimpse_json_object_read(&root, path, places[i].file);
        if (status == GLIMPSE_E_NOMEM) return status;
        const json_t *from = root;
        for (size_t k = 0; k < 2 && places[i].section[k]; k++)
            from = json_object_get(from, places[i].section[k]);
        json_int_t number = json_integer_value(json_object_get(from, places[i].key));
        int found = root != NULL;
        if (found && places[i].unless_said) *out = places[i].unless_said;
        if (number >= 2 && number <= MAX_CONTEXT) *out = (size_t)number;
        json_decref(root);
        if (found) break;
    }
    glimpse_error_restore(&before);
    return GLIMPSE_OK;
}

size_t glimpse_tokenizer_min_rows(const glimpse_tokenizer *tokenizer) {
    return tokenizer->min_rows ? tokenizer->min_rows : tokenizer->vocab_size;
}

int glimpse_tokenizer_check(const glimpse_tokenizer *tokenizer, const char *directory,
                            size_t rows) {
    /* Tables are padded to a multiple of 64 or 128. */
    enum { MAX_PADDING = 128 };
    size_t min = glimpse_tokenizer_min_rows(tokenizer);
    if (min > rows || tokenizer->vocab_size + MAX_PADDING < rows) {
        return glimpse_fail(GLIMPSE_E_FORMAT,
                            "%s: the tokenizer has %zu tokens, the model %zu (\"vocab_size\"); "
                            "files of different models are mixed, or one was cut short",
                            directory, tokenizer->vocab_size, rows);
    }
    return tokenizer->type->check ? tokenizer->type->check(tokenizer, directory) : GLIMPSE_OK;
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
    return tokenizer->type->token(tokenizer, id);
}

int32_t glimpse_tokenizer_find(const glimpse_tokenizer *tokenizer, const char *name) {
    for (size_t id = 0; id < tokenizer->vocab_size; id++) {
        const char *text = tokenizer->type->token(tokenizer, (int32_t)id);
        if (text && strcmp(text, name) == 0) return (int32_t)id;
    }
    return -1;
}
