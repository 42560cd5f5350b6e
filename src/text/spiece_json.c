/*
 * text/spiece_json.c - a SentencePiece model out of tokenizer.json. See spiece_json.h.
 *
 * Unigram: pieces and scores are written out. BPE: the file has merges instead of scores; the
 * converter wrote them in order of what they make, so the first merge that makes a piece is its
 * score. A piece of several characters that no merge makes can never be reached there, nor here.
 *
 * The normaliser's rules are the bytes that the .model file has, in base64.
 */
#include "text/spiece_json.h"

#include "core/error.h"
#include "core/utf8.h"
#include "text/tokenizer_json.h"

#include <stdlib.h>
#include <string.h>

static const char space_symbol[] = "\xE2\x96\x81"; /* U+2581 */

static int digit_of(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* How many bytes base64 digits become, in `out` with room for length / 4 * 3; 0 when they are not
 * base64. */
static size_t decode_base64(unsigned char *out, const char *text, size_t length) {
    size_t used = 0, padding = 0;
    if (length == 0 || length % 4 != 0) return 0;
    while (padding < 2 && text[length - 1 - padding] == '=')
        padding++;
    for (size_t i = 0; i < length; i += 4) {
        uint32_t group = 0;
        for (size_t k = 0; k < 4; k++) {
            int digit = i + k >= length - padding ? 0 : digit_of(text[i + k]);
            if (digit < 0) return 0;
            group = group << 6 | (uint32_t)digit;
        }
        out[used++] = (unsigned char)(group >> 16);
        out[used++] = (unsigned char)(group >> 8);
        out[used++] = (unsigned char)group;
    }
    return used - padding;
}

static int read_rules(glimpse_spiece_model *model, const char *path, const json_t *step) {
    const json_t *text = json_object_get(step, "precompiled_charsmap");
    const size_t length = json_string_length(text);
    if (model->rules) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "%s: two normalizers of type Precompiled", path);
    }
    if (json_is_string(text) && length == 0) return GLIMPSE_OK;
    model->rules = malloc(length / 4 * 3 + 1);
    if (!model->rules) return glimpse_fail_nomem(length, path);
    size_t size = decode_base64(model->rules, json_string_value(text), length);
    if (size == 0) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: \"precompiled_charsmap\" is not base64", path);
    }
    return glimpse_spiece_read_rules(model, path, model->rules, size);
}

/* Whether the type of a step is `name`. */
static int is_type(const json_t *step, const char *name) {
    const char *type = json_string_value(json_object_get(step, "type"));
    return type && strcmp(type, name) == 0;
}

static int is_string(const json_t *value, const char *text) {
    return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

/* SentencePiece drops spaces at the ends and all but one in between; the converters say so with
 * these two. */
static int removes_spaces(const json_t *step) {
    if (is_type(step, "Strip")) return 1;
    const json_t *content = json_object_get(step, "content");
    return is_type(step, "Replace") &&
           is_string(json_object_get(json_object_get(step, "pattern"), "Regex"), " {2,}") &&
           (is_string(content, " ") || is_string(content, space_symbol));
}

static int refuse(const char *path, const char *what, const json_t *step) {
    const char *type = json_string_value(json_object_get(step, "type"));
    return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                        "%s: not a SentencePiece tokenizer: the %s %s is none of its steps", path,
                        what, type ? type : "without a type");
}

static int read_normalizer(glimpse_spiece_model *model, const char *path, const json_t *step) {
    const json_t *list = json_object_get(step, "normalizers");
    if (!step) return GLIMPSE_OK;
    if (is_type(step, "Precompiled")) return read_rules(model, path, step);
    if (removes_spaces(step)) return GLIMPSE_OK;
    if (!is_type(step, "Sequence")) return refuse(path, "normalizer", step);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *inner = json_array_get(list, i);
        if (is_type(inner, "Sequence")) return refuse(path, "normalizer", inner);
        int status = read_normalizer(model, path, inner);
        if (status < 0) return status;
    }
    return GLIMPSE_OK;
}

/* A Metaspace with a space in front, behind a split at white space or not. */
static int check_pre_tokenizer(const char *path, const json_t *step) {
    const json_t *list = json_object_get(step, "pretokenizers");
    const json_t *found = is_type(step, "Metaspace") ? step : NULL;
    for (size_t i = 0; is_type(step, "Sequence") && i < json_array_size(list); i++) {
        const json_t *inner = json_array_get(list, i);
        if (is_type(inner, "Metaspace") && !found) {
            found = inner;
        } else if (!is_type(inner, "WhitespaceSplit")) {
            return refuse(path, "pre_tokenizer", inner);
        }
    }
    if (!found) return refuse(path, "pre_tokenizer", step);
    if (!is_string(json_object_get(found, "replacement"), space_symbol) ||
        json_is_false(json_object_get(found, "add_prefix_space")) ||
        is_string(json_object_get(found, "prepend_scheme"), "never")) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                            "%s: a Metaspace without U+2581 in front of texts is not supported",
                            path);
    }
    return GLIMPSE_OK;
}

/* By id: the rank of the first merge that makes a token, UINT32_MAX for none. */
static uint32_t *first_ranks(const glimpse_vocabulary *vocabulary, const char *path) {
    uint32_t *ranks = malloc((vocabulary->count + 1) * sizeof *ranks);
    if (!ranks) {
        (void)glimpse_fail_nomem(vocabulary->count * sizeof *ranks, path);
        return NULL;
    }
    memset(ranks, 0xFF, (vocabulary->count + 1) * sizeof *ranks);
    for (size_t i = 0; i <= vocabulary->merge_mask; i++) {
        const glimpse_merge *merge = &vocabulary->merges[i];
        if (merge->key != UINT64_MAX && merge->rank < ranks[merge->id]) {
            ranks[merge->id] = merge->rank;
        }
    }
    return ranks;
}

static int is_one_character(const glimpse_token *token) {
    return token->length > 0 &&
           token->length == glimpse_spiece_character((unsigned char)token->text[0]);
}

/* The pieces: what a text is made of is NORMAL, the rest is never found in one. */
static int convert_tokens(glimpse_spiece_model *model, const char *path,
                          const glimpse_tokenizer_json *json) {
    const glimpse_vocabulary *vocabulary = &json->vocabulary;
    uint32_t *ranks = json->scores ? NULL : first_ranks(vocabulary, path);
    int status = json->scores || ranks ? GLIMPSE_OK : GLIMPSE_E_NOMEM;
    for (size_t id = 0; id < vocabulary->count && status == GLIMPSE_OK; id++) {
        const glimpse_token *token = &vocabulary->tokens[id];
        glimpse_spiece piece = {token->text, token->length, 0, GLIMPSE_SPIECE_NORMAL};
        if (token->length == 0 || token->length > GLIMPSE_SPIECE_BYTES_LIMIT ||
            strlen(token->text) != token->length) {
            status = glimpse_fail(GLIMPSE_E_FORMAT,
                                  "%s: token %zu has %u bytes, not 1 to %d without NUL", path, id,
                                  (unsigned)token->length, GLIMPSE_SPIECE_BYTES_LIMIT);
            break;
        }
        if (ranks && ranks[id] != UINT32_MAX) {
            piece.score = -(float)ranks[id];
        } else if (ranks && !is_one_character(token)) {
            piece.type = GLIMPSE_SPIECE_CONTROL;
        } else if (!ranks && id < json->scored) {
            piece.score = json->scores[id];
        }
        if (json->byte_fallback && glimpse_spiece_byte(token->text) >= 0) {
            piece.type = GLIMPSE_SPIECE_BYTE;
        }
        status = glimpse_spiece_append(model, path, &piece);
    }
    free(ranks);
    return status;
}

static int convert(glimpse_spiece_model *model, glimpse_added_tokens *added, const char *path,
                   glimpse_tokenizer_json *json) {
    int status = read_normalizer(model, path, json->normalizer);
    if (status == GLIMPSE_OK) status = check_pre_tokenizer(path, json->pre_tokenizer);
    if (status == GLIMPSE_OK) status = convert_tokens(model, path, json);
    if (status < 0) return status;
    model->bpe = json->scores == NULL;
    model->byte_fallback = json->byte_fallback;
    model->file = json->vocabulary.text; /* the tokens, by now the model's pieces */
    json->vocabulary.text = NULL;
    for (size_t i = 0; i < json->added.count && status == GLIMPSE_OK; i++) {
        const glimpse_added_token *token = &json->added.tokens[i];
        model->pieces[token->id].type = GLIMPSE_SPIECE_CONTROL;
        if (added) status = glimpse_added_tokens_add(added, token);
    }
    if (status < 0) return status;
    if (json->unknown_id < 0) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: \"unk_token\" is missing", path);
    }
    model->pieces[json->unknown_id].type = GLIMPSE_SPIECE_UNKNOWN;
    return glimpse_spiece_index(model, path);
}

int glimpse_spiece_json_read(glimpse_spiece_model *model, glimpse_added_tokens *added,
                             const char *path) {
    glimpse_tokenizer_json json;
    glimpse_spiece_model_begin(model);
    int status = glimpse_tokenizer_json_read_spiece(&json, path);
    if (status < 0) return status;
    status = convert(model, added, path, &json);
    glimpse_tokenizer_json_release(&json);
    if (status < 0) glimpse_spiece_model_release(model);
    return status;
}
