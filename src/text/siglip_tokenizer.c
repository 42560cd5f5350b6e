/*
 * text/siglip_tokenizer.c - the tokenizer of SigLIP, as transformers' SiglipTokenizer.
 *
 *   lower case -> special tokens cut out -> ASCII punctuation deleted, white space collapsed and
 *   stripped -> the unigram model of spiece.model -> "</s>"
 *
 * transformers puts U+2581 before the text and "<unk>" before each piece of it, and drops the
 * latter's ids afterwards, so that only the beginning of the text counts as the beginning of a
 * word. What lies behind a special token follows it without a space: the same is done here.
 */
#include "core/error.h"
#include "core/file.h"
#include "text/added_tokens.h"
#include "text/cleaning.h"
#include "text/spiece_json.h"
#include "text/tokenizer_json.h"
#include "text/tokenizer_kinds.h"
#include "text/tokenizer_settings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SPACE_SYMBOL = 0x2581 };

typedef struct siglip_tokenizer {
    glimpse_tokenizer base;
    glimpse_spiece_model model;
    glimpse_added_tokens added;
    char *prefix; /* "<unk>" */
    size_t prefix_length, prefix_ids;
    int lower;
} siglip_tokenizer;

/* In place; what is deleted leaves no space behind. */
static void canonicalize(glimpse_points *text) {
    size_t kept = 0;
    for (size_t i = 0; i < text->count; i++) {
        uint32_t c = text->data[i];
        if (!glimpse_unicode_is_ascii_punctuation(c)) text->data[kept++] = c;
    }
    text->count = kept;
    glimpse_text_collapse_spaces(text);
}

typedef struct sink {
    glimpse_tokens *tokens; /* NULL: only count */
    size_t skip, count;
} sink;

static int emit(void *context, int32_t id) {
    sink *s = context;
    if (s->count++ < s->skip || !s->tokens) return 0;
    glimpse_tokens_add(s->tokens, id);
    return s->tokens->truncated;
}

static int add_piece(const siglip_tokenizer *tokenizer, const char *text, size_t length,
                     glimpse_points *points, glimpse_bytes *bytes, glimpse_tokens *tokens) {
    int status = glimpse_points_decode(points, text, length);
    if (status < 0) return status;
    /* Under open_clip the tokenizer is that of T5, which has no steps of its own. */
    if (!tokenizer->base.cleaning.text) canonicalize(points);
    bytes->count = 0;
    status = glimpse_bytes_append(bytes, tokenizer->prefix, tokenizer->prefix_length);
    if (status < 0) return status;
    status = glimpse_bytes_append_points(bytes, points->data, points->count);
    if (status < 0) return status;
    sink s = {tokens, tokenizer->prefix_ids, 0};
    return glimpse_spiece_encode(&tokenizer->model, bytes->data, bytes->count, emit, &s);
}

static int encode(glimpse_tokens *tokens, const glimpse_tokenizer *base, const char *text,
                  size_t length) {
    const siglip_tokenizer *tokenizer = (const siglip_tokenizer *)base;
    glimpse_points points, lower;
    glimpse_bytes whole, piece;
    glimpse_points_init(&points);
    glimpse_points_init(&lower);
    glimpse_bytes_init(&whole);
    glimpse_bytes_init(&piece);
    static const uint32_t symbol = SPACE_SYMBOL;
    const glimpse_points *ready = &points;
    int status = glimpse_points_decode(&points, text, length);
    if (status < 0) goto done;
    for (size_t i = 0; i < points.count; i++) {
        if (points.data[i] == SPACE_SYMBOL) points.data[i] = ' ';
    }
    if (tokenizer->lower && !base->cleaning.text) {
        status = glimpse_points_lower_each(&lower, &points);
        if (status < 0) goto done;
        ready = &lower;
    }
    status = glimpse_bytes_append_points(&whole, &symbol, 1);
    if (status < 0) goto done;
    status = glimpse_bytes_append_points(&whole, ready->data, ready->count);
    if (status < 0) goto done;
    const glimpse_added_token *token = NULL;
    for (size_t at = 0, from, to; at < whole.count && !tokens->truncated;) {
        token = glimpse_added_tokens_next(&tokenizer->added, whole.data, whole.count, &at, token,
                                          &from, &to);
        if (from < to) {
            status = add_piece(tokenizer, whole.data + from, to - from, &points, &piece, tokens);
            if (status < 0) goto done;
        }
        if (token && !tokens->truncated) glimpse_tokens_add(tokens, token->id);
    }
    /* A text that ends in the end token gets no second one. */
    if (tokens->count == 0 || tokens->ids[tokens->count - 1] != base->end_id) {
        tokens->ids[tokens->count++] = base->end_id;
    }
done:
    glimpse_bytes_release(&piece);
    glimpse_bytes_release(&whole);
    glimpse_points_release(&lower);
    glimpse_points_release(&points);
    return status;
}

static const char *token_text(const glimpse_tokenizer *base, int32_t id) {
    return ((const siglip_tokenizer *)base)->model.pieces[id].text;
}

static void release(glimpse_tokenizer *base) {
    siglip_tokenizer *tokenizer = (siglip_tokenizer *)base;
    glimpse_added_tokens_release(&tokenizer->added);
    glimpse_spiece_model_release(&tokenizer->model);
    free(tokenizer->prefix);
    free(tokenizer);
}

/* The special tokens: those that tokenizer_config.json lists, else the usual three. */
static int read_added(siglip_tokenizer *tokenizer, const glimpse_tokenizer_settings *settings,
                      const char *const names[3], const int32_t ids[3]) {
    const char *key;
    json_t *entry;
    int status;
    json_object_foreach(json_object_get(settings->own, "added_tokens_decoder"), key, entry) {
        glimpse_added_token token;
        status =
            glimpse_added_token_read(&token, entry, strtol(key, NULL, 10), settings->path, key);
        if (status < 0) return status;
        status = glimpse_added_tokens_add(&tokenizer->added, &token);
        if (status < 0) return status;
    }
    for (size_t i = 0; i < 3; i++) {
        if (ids[i] < 0) continue;
        glimpse_added_token token = {names[i], strlen(names[i]), ids[i], 1, 1, 0, 1};
        status = glimpse_added_tokens_add(&tokenizer->added, &token);
        if (status < 0) return status;
    }
    glimpse_added_tokens_sort(&tokenizer->added);
    return GLIMPSE_OK;
}

static int read_settings(glimpse_tokenizer *base, const char *path,
                         const glimpse_tokenizer_settings *settings) {
    siglip_tokenizer *tokenizer = (siglip_tokenizer *)base;
    int status = glimpse_tokenizer_settings_flag(settings, "do_lower_case", 1, &tokenizer->lower);
    if (status < 0) return status;
    if (json_is_true(json_object_get(json_object_get(settings->own, "sp_model_kwargs"),
                                     "enable_sampling"))) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "%s: \"enable_sampling\" is not supported",
                            settings->path);
    }
    const char *const names[3] = {glimpse_tokenizer_settings_name(settings, "eos_token", "</s>"),
                                  glimpse_tokenizer_settings_name(settings, "unk_token", "<unk>"),
                                  glimpse_tokenizer_settings_name(settings, "pad_token", "</s>")};
    int32_t ids[3];
    for (size_t i = 0; i < 3; i++) {
        ids[i] = glimpse_tokenizer_find(base, names[i]);
    }
    if (ids[0] < 0) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: the end token %s is missing", path, names[0]);
    }
    base->end_id = ids[0];
    base->pad_id = ids[2] >= 0 ? ids[2] : ids[0];
    /* The multilingual SigLIP has 250000 embeddings for 250100 pieces: the "<extra_id_N>" at the
     * end are never used. A text that does say one is refused when it is encoded. */
    base->min_rows = (size_t)(base->end_id > base->pad_id ? base->end_id : base->pad_id) + 1;
    tokenizer->prefix_length = strlen(names[1]);
    tokenizer->prefix = malloc(tokenizer->prefix_length + 1);
    if (!tokenizer->prefix) return glimpse_fail_nomem(tokenizer->prefix_length + 1, path);
    memcpy(tokenizer->prefix, names[1], tokenizer->prefix_length + 1);
    sink s = {NULL, 0, 0};
    status = glimpse_spiece_encode(&tokenizer->model, tokenizer->prefix, tokenizer->prefix_length,
                                   emit, &s);
    if (status < 0) return status;
    tokenizer->prefix_ids = s.count;
    return read_added(tokenizer, settings, names, ids);
}

static int read_model(glimpse_tokenizer *base, const char *path) {
    siglip_tokenizer *tokenizer = (siglip_tokenizer *)base;
    const char *extension = strrchr(path, '.');
    int status = extension && strcmp(extension, ".json") == 0
                     ? glimpse_spiece_json_read(&tokenizer->model, NULL, path)
                     : glimpse_spiece_model_read(&tokenizer->model, path);
    if (status < 0) return status;
    status = glimpse_spiece_expect_type(&tokenizer->model, path, GLIMPSE_SPIECE_UNIGRAM, "SigLIP");
    if (status < 0) return status;
    base->vocab_size = tokenizer->model.count;
    base->start_id = base->end_id = base->pad_id = -1;
    base->unknown_id = tokenizer->model.unknown_id;
    return GLIMPSE_OK;
}

static int load(glimpse_tokenizer **out, const char *directory) {
    static const glimpse_tokenizer_source source = {.type = &glimpse_tokenizer_type_siglip,
                                                    .size = sizeof(siglip_tokenizer),
                                                    .file = "spiece.model",
                                                    .other = "tokenizer.json",
                                                    .read_file = read_model,
                                                    .read_settings = read_settings};
    return glimpse_tokenizer_open(out, directory, &source);
}

/* Whether tokenizer.json is of this family; 0 also when it is damaged. */
static int looks_like(int *out, const char *directory) {
    glimpse_tokenizer_json_facts facts;
    int status = glimpse_tokenizer_json_look(&facts, directory);
    *out = facts.unigram && !facts.fairseq;
    return status;
}

static const glimpse_tokenizer_sign signs[] = {
    {.strength = GLIMPSE_SIGN_CLASS, .name = "SiglipTokenizer"},
    {.strength = GLIMPSE_SIGN_NAME, .name = "siglip", .files = {"spiece.model"}},
    {.strength = GLIMPSE_SIGN_NAME, .name = "siglip", .contents = looks_like},
    {.strength = GLIMPSE_SIGN_OWN_FILES, .files = {"spiece.model"}},
    {.strength = GLIMPSE_SIGN_FAMILY, .name = "siglip"},
    {.strength = GLIMPSE_SIGN_FAMILY, .name = "siglip2"},
    {.strength = GLIMPSE_SIGN_NONE},
};

const glimpse_tokenizer_type glimpse_tokenizer_type_siglip = {
    .name = "siglip",
    .signs = signs,
    .usual_context = 64, /* SiglipTextConfig */
    .load = load,
    .encode = encode,
    .token = token_text,
    .free = release,
};
