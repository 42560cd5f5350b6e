/*
 * vlm/blip/blip_tokens.c - texts to the ids that each side of the model expects, and ids back to
 * text.
 */
#include "core/error.h"
#include "text/tokenizer_kinds.h"
#include "vlm/blip/blip_internal.h"

#include <stdlib.h>
#include <string.h>

/* The published directories hold BERT's plain vocabulary: [DEC] and [ENC] are the two rows of the
 * embeddings behind it, the first of which the configuration names. */
int glimpse_blip_open_tokenizer(glimpse_blip *model) {
    const glimpse_blip_config *c = &model->config;
    int status =
        glimpse_tokenizer_load(&model->tokenizer, model->path, GLIMPSE_TOKENIZER_WORDPIECE);
    if (status < 0) return status;
    status = glimpse_tokenizer_check(model->tokenizer, model->path, c->vocabulary);
    if (status < 0) return status;
    size_t ids = glimpse_tokenizer_vocab_size(model->tokenizer);
    int32_t dec = glimpse_tokenizer_find(model->tokenizer, "[DEC]");
    model->enc_id = glimpse_tokenizer_find(model->tokenizer, "[ENC]");
    if (dec < 0 && model->enc_id < 0) {
        dec = (int32_t)ids;
        if (ids + 1 < c->vocabulary) model->enc_id = dec + 1;
    }
    if (dec != c->dec_id) {
        return glimpse_fail(
            GLIMPSE_E_FORMAT,
            "%s/vocab.txt: %zu tokens, by which [DEC] is %d, but \"bos_token_id\" in "
            "config.json is %d; the file was cut short, or belongs to another model",
            model->path, ids, (int)dec, (int)c->dec_id);
    }
    if (c->kind != GLIMPSE_BLIP_MATCH && c->sep_id != glimpse_tokenizer_end_id(model->tokenizer)) {
        return glimpse_fail(GLIMPSE_E_FORMAT,
                            "%s/config.json: \"sep_token_id\" is %d, but the tokenizer ends texts "
                            "with %d",
                            model->path, (int)c->sep_id,
                            (int)glimpse_tokenizer_end_id(model->tokenizer));
    }
    return GLIMPSE_OK;
}

int glimpse_blip_encode(glimpse_tokens *tokens, const glimpse_blip *model, glimpse_blip_role role,
                        const char *text, size_t length) {
    size_t capacity = tokens->capacity;
    int32_t first = role == GLIMPSE_BLIP_TEXT_ENC ? model->enc_id : model->config.dec_id;
    if (role == GLIMPSE_BLIP_TEXT_ENC && first < 0) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "%s: the vocabulary has no [ENC]; use [CLS]",
                            model->path);
    }
    if (capacity > model->config.context) tokens->capacity = model->config.context;
    int status = glimpse_tokenizer_encode(tokens, model->tokenizer, text, length);
    tokens->capacity = capacity;
    if (status < 0) return status;
    if (role != GLIMPSE_BLIP_TEXT_CLS) tokens->ids[0] = first;
    if (role == GLIMPSE_BLIP_TEXT_PROMPT) tokens->count--;
    return GLIMPSE_OK;
}

int glimpse_blip_decode(const glimpse_blip *model, const int32_t *ids, size_t count, char **out) {
    *out = NULL;
    /* [DEC] need not be known to the tokenizer as a special token. */
    if (count > 0 && ids[0] == model->config.dec_id) ids++, count--;
    char few[256];
    size_t length = 0;
    int status =
        glimpse_tokenizer_decode(few, sizeof few, &length, model->tokenizer, ids, count, 0);
    if (status < 0 && status != GLIMPSE_E_LIMIT) return status;
    char *text = malloc(length + 1);
    if (!text) return glimpse_fail_nomem(length + 1, "a text");
    if (status == GLIMPSE_OK) {
        memcpy(text, few, length + 1);
    } else {
        status = glimpse_tokenizer_decode(text, length + 1, NULL, model->tokenizer, ids, count, 0);
        if (status < 0) {
            free(text);
            return status;
        }
    }
    *out = text;
    return GLIMPSE_OK;
}
