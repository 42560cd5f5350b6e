/*
 * text/tokenizer_json.c - reads the vocabulary and the merges out of tokenizer.json.
 *
 * The parts may come in any order, and merges need the vocabulary: one pass finds where each part
 * is, then each is read.
 */
#include "text/tokenizer_json.h"

#include "core/download.h"
#include "core/error.h"
#include "core/file.h"
#include "core/utf8.h"
#include "text/json_load.h"
#include "text/json_scan.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_LIMIT = 128 << 20, SMALL_LIMIT = 8 << 20 };

typedef struct part {
    const char *name;
    size_t start, end, items; /* end 0: absent */
} part;

enum { MODEL, ADDED, NORMALIZER, PRE_TOKENIZER, TOP_PARTS };
enum {
    VOCAB,
    MERGES,
    TYPE,
    UNKNOWN,
    UNKNOWN_ID,
    BYTE_FALLBACK,
    FUSE_UNKNOWN,
    IGNORE_MERGES,
    PREFIX,
    SUFFIX,
    DROPOUT,
    MODEL_PARTS
};

typedef struct document {
    char *text;
    size_t size;
    const char *path;
    part top[TOP_PARTS], model[MODEL_PARTS];
} document;

static glimpse_json_scan scan_part(const document *d, const part *p) {
    glimpse_json_scan scan;
    glimpse_json_scan_begin(&scan, d->text, p->end, d->path);
    scan.at = p->start;
    return scan;
}

/* Finds the members of the object that `scan` is at, and those of its first part (`model`) in
 * `inner`, which may be NULL: the file is gone through once. */
static int find_parts(glimpse_json_scan *scan, part *parts, size_t count, part *inner) {
    int status = glimpse_json_scan_enter(scan, '{'), more;
    if (status < 0) return status;
    for (int first = 1; (more = glimpse_json_scan_more(scan, '}', first)) > 0; first = 0) {
        char *key;
        size_t length, start, items;
        status = glimpse_json_scan_key(scan, &key, &length);
        if (status < 0) return status;
        if (inner && length == strlen(parts[0].name) && memcmp(key, parts[0].name, length) == 0) {
            start = scan->at;
            items = 0;
            status = find_parts(scan, inner, MODEL_PARTS, NULL);
        } else {
            status = glimpse_json_scan_skip(scan, &start, &items);
        }
        if (status < 0) return status;
        for (size_t i = 0; i < count; i++) {
            if (strlen(parts[i].name) != length || memcmp(parts[i].name, key, length) != 0) {
                continue;
            }
            if (parts[i].end > 0) {
                return glimpse_fail(GLIMPSE_E_FORMAT, "%s: \"%s\" occurs twice", scan->name,
                                    parts[i].name);
            }
            parts[i].start = start;
            parts[i].end = scan->at;
            parts[i].items = items;
        }
    }
    return more;
}

static int find_all_parts(document *d) {
    static const part top[TOP_PARTS] = {{"model", 0, 0, 0},
                                        {"added_tokens", 0, 0, 0},
                                        {"normalizer", 0, 0, 0},
                                        {"pre_tokenizer", 0, 0, 0}};
    static const part model[MODEL_PARTS] = {{"vocab", 0, 0, 0},
                                            {"merges", 0, 0, 0},
                                            {"type", 0, 0, 0},
                                            {"unk_token", 0, 0, 0},
                                            {"unk_id", 0, 0, 0},
                                            {"byte_fallback", 0, 0, 0},
                                            {"fuse_unk", 0, 0, 0},
                                            {"ignore_merges", 0, 0, 0},
                                            {"continuing_subword_prefix", 0, 0, 0},
                                            {"end_of_word_suffix", 0, 0, 0},
                                            {"dropout", 0, 0, 0}};
    memcpy(d->top, top, sizeof top);
    memcpy(d->model, model, sizeof model);
    glimpse_json_scan scan;
    glimpse_json_scan_begin(&scan, d->text, d->size, d->path);
    int status = find_parts(&scan, d->top, TOP_PARTS, d->model);
    if (status < 0) return status;
    if (glimpse_json_scan_peek(&scan) != '\0' || scan.at < scan.length) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: something behind the object (byte %zu)", d->path,
                            scan.at);
    }
    if (d->top[MODEL].end == 0) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: \"model\" is missing", d->path);
    }
    return GLIMPSE_OK;
}

/* A small part as a document; NULL in *out when it is absent or null. */
static int load_small(const document *d, const part *p, json_t **out) {
    *out = NULL;
    if (p->end == 0) return GLIMPSE_OK;
    if (p->end - p->start > SMALL_LIMIT) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "%s: \"%s\" has %zu bytes, more than %d", d->path,
                            p->name, p->end - p->start, SMALL_LIMIT);
    }
    json_error_t error;
    json_t *value =
        glimpse_json_load(d->text + p->start, p->end - p->start, JSON_DECODE_ANY, &error);
    if (!value && glimpse_json_is_nomem(&error)) return glimpse_json_failed(&error, d->path);
    if (!value) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: \"%s\": line %d of it: %s", d->path, p->name,
                            error.line, glimpse_foreign_message(error.text, "not JSON"));
    }
    if (json_is_null(value)) {
        json_decref(value);
        value = NULL;
    }
    *out = value;
    return GLIMPSE_OK;
}

static int read_flag(const document *d, const part *p, int *out) {
    json_t *value;
    int status = load_small(d, p, &value);
    if (status < 0) return status;
    *out = json_is_true(value);
    if (value && !json_is_boolean(value)) {
        status =
            glimpse_fail(GLIMPSE_E_FORMAT, "%s: \"%s\" must be true or false", d->path, p->name);
    }
    json_decref(value);
    return status;
}

/* Refuses a setting that is there and neither null nor the string `only` (nor "" when that is
 * NULL). */
static int expect_string(const document *d, const part *p, const char *only, const char *family) {
    json_t *value;
    int status = load_small(d, p, &value);
    if (status < 0 || !value) return status;
    const char *text = json_string_value(value);
    if (!text || strcmp(text, only) != 0) {
        status = glimpse_fail(GLIMPSE_E_UNSUPPORTED, "%s: not a %s tokenizer: \"%s\" is %s",
                              d->path, family, p->name, text ? text : "not what that has");
    }
    json_decref(value);
    return status;
}

static int add_step(glimpse_tokenizer_json *json, const char *path, json_t *step) {
    const char *type = json_string_value(json_object_get(step, "type"));
    if (json->step_count == GLIMPSE_NORMAL_STEPS) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "%s: more than %d steps of normalisation", path,
                            GLIMPSE_NORMAL_STEPS);
    }
    glimpse_normal_step *out = &json->steps[json->step_count];
    if (type && strcmp(type, "Replace") == 0) {
        out->kind = GLIMPSE_NORMAL_REPLACE;
        out->from = json_string_value(json_object_get(json_object_get(step, "pattern"), "String"));
        out->to = json_string_value(json_object_get(step, "content"));
        if (!out->from || !*out->from || !out->to) {
            return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                                "%s: a normalizer that replaces what is not a string", path);
        }
    } else if (type && strcmp(type, "Prepend") == 0) {
        out->kind = GLIMPSE_NORMAL_PREPEND;
        out->to = json_string_value(json_object_get(step, "prepend"));
        if (!out->to) return glimpse_fail(GLIMPSE_E_FORMAT, "%s: prepends nothing", path);
    } else if (type && strcmp(type, "Lowercase") == 0) {
        out->kind = GLIMPSE_NORMAL_LOWER;
    } else if (type && strcmp(type, "NFC") == 0) {
        out->kind = GLIMPSE_NORMAL_NFC;
    } else {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "%s: the normalizer %s is not supported", path,
                            type ? type : "without a type");
    }
    json->step_count++;
    return GLIMPSE_OK;
}

static int read_normalizer(glimpse_tokenizer_json *json, const document *d) {
    int status = load_small(d, &d->top[NORMALIZER], &json->normalizer);
    if (status < 0 || !json->normalizer) return status;
    const char *type = json_string_value(json_object_get(json->normalizer, "type"));
    if (!type || strcmp(type, "Sequence") != 0) return add_step(json, d->path, json->normalizer);
    json_t *list = json_object_get(json->normalizer, "normalizers");
    for (size_t i = 0; i < json_array_size(list) && status == GLIMPSE_OK; i++) {
        status = add_step(json, d->path, json_array_get(list, i));
    }
    return status;
}

/* Gemma splits at spaces, of which the normaliser has left none. */
static int check_pre_tokenizer(const document *d) {
    json_t *value;
    int status = load_small(d, &d->top[PRE_TOKENIZER], &value);
    if (status < 0 || !value) return status;
    const char *type = json_string_value(json_object_get(value, "type"));
    const char *at =
        json_string_value(json_object_get(json_object_get(value, "pattern"), "String"));
    if (!type || strcmp(type, "Split") != 0 || !at || strcmp(at, " ") != 0) {
        status = glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                              "%s: not a Gemma tokenizer: the pre_tokenizer is %s, not a Split at "
                              "spaces",
                              d->path, type ? type : "without a type");
    }
    json_decref(value);
    return status;
}

static int read_vocab(glimpse_tokenizer_json *json, const document *d) {
    glimpse_json_scan scan = scan_part(d, &d->model[VOCAB]);
    for (;;) {
        char *token;
        size_t length;
        int64_t id;
        int status = glimpse_json_scan_next(&scan, &token, &length, &id);
        if (status <= 0) return status;
        status = glimpse_vocabulary_add(&json->vocabulary, d->path, token, length, id);
        if (status < 0) return status;
    }
}

/* One ["token", score] of a unigram model; its id is its place in the list. */
static int read_scored(glimpse_tokenizer_json *json, const document *d, glimpse_json_scan *scan) {
    char *token = NULL;
    size_t length = 0, start = 0;
    double score = 0;
    int status = glimpse_json_scan_enter(scan, '['), more;
    for (int i = 0; i < 2 && status == GLIMPSE_OK; i++) {
        more = glimpse_json_scan_more(scan, ']', i == 0);
        if (more <= 0) {
            return more < 0 ? more : glimpse_fail(GLIMPSE_E_FORMAT, "not a token and its score");
        }
        status = i == 0 ? glimpse_json_scan_string(scan, &token, &length)
                        : glimpse_json_scan_skip(scan, &start, NULL);
    }
    if (status < 0) return status;
    if (!glimpse_json_number(&score, scan->text + start, scan->at - start) ||
        !(score >= -FLT_MAX && score <= FLT_MAX)) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "the score is not a number");
    }
    more = glimpse_json_scan_more(scan, ']', 0);
    if (more != 0) {
        return more < 0 ? more : glimpse_fail(GLIMPSE_E_FORMAT, "more than a token and its score");
    }
    if (json->scored == json->scores_capacity) {
        size_t capacity = json->scores_capacity ? 2 * json->scores_capacity : 4096;
        float *scores = realloc(json->scores, capacity * sizeof *scores);
        if (!scores) return glimpse_fail_nomem(capacity * sizeof *scores, d->path);
        json->scores = scores;
        json->scores_capacity = capacity;
    }
    json->scores[json->scored] = (float)score;
    return glimpse_vocabulary_add(&json->vocabulary, d->path, token, length,
                                  (int64_t)json->scored++);
}

static int read_scored_vocab(glimpse_tokenizer_json *json, const document *d) {
    glimpse_json_scan scan = scan_part(d, &d->model[VOCAB]);
    int status = glimpse_json_scan_enter(&scan, '['), more;
    if (status < 0) return status;
    for (int first = 1; (more = glimpse_json_scan_more(&scan, ']', first)) > 0; first = 0) {
        size_t number = json->scored;
        status = read_scored(json, d, &scan);
        if (status < 0) return glimpse_fail_context(status, "%s: token %zu", d->path, number);
    }
    return more;
}

static int read_merge(glimpse_json_scan *scan, char *halves[2], size_t lengths[2]) {
    int status, more;
    if (glimpse_json_scan_peek(scan) == '"') {
        status = glimpse_json_scan_string(scan, &halves[0], &lengths[0]);
        if (status < 0) return status;
        char *space = lengths[0] ? memchr(halves[0], ' ', lengths[0]) : NULL;
        if (!space) return glimpse_fail(GLIMPSE_E_FORMAT, "without a space");
        halves[1] = space + 1;
        lengths[1] = lengths[0] - (size_t)(space - halves[0]) - 1;
        lengths[0] = (size_t)(space - halves[0]);
        if (lengths[1] && memchr(halves[1], ' ', lengths[1])) {
            return glimpse_fail(GLIMPSE_E_FORMAT, "with more than one space");
        }
        return GLIMPSE_OK;
    }
    status = glimpse_json_scan_enter(scan, '[');
    for (int i = 0; i < 2 && status == GLIMPSE_OK; i++) {
        more = glimpse_json_scan_more(scan, ']', i == 0);
        if (more < 0) return more;
        if (more == 0) return glimpse_fail(GLIMPSE_E_FORMAT, "of fewer than two tokens");
        status = glimpse_json_scan_string(scan, &halves[i], &lengths[i]);
    }
    if (status < 0) return status;
    more = glimpse_json_scan_more(scan, ']', 0);
    return more > 0 ? glimpse_fail(GLIMPSE_E_FORMAT, "of more than two tokens") : more;
}

static int read_merges(glimpse_tokenizer_json *json, const document *d) {
    glimpse_json_scan scan = scan_part(d, &d->model[MERGES]);
    int status = glimpse_json_scan_enter(&scan, '['), more;
    if (status < 0) return status;
    for (size_t number = 1; (more = glimpse_json_scan_more(&scan, ']', number == 1)) > 0;
         number++) {
        char *halves[2] = {NULL, NULL};
        size_t lengths[2] = {0, 0};
        status = read_merge(&scan, halves, lengths);
        if (status < 0) return glimpse_fail_context(status, "%s: merge %zu", d->path, number);
        status = glimpse_vocabulary_add_merge(&json->vocabulary, d->path, number, halves[0],
                                              lengths[0], halves[1], lengths[1]);
        if (status < 0) return status;
    }
    return more;
}

/* Added tokens that the vocabulary lacks become part of it; `list` must stay until it is packed. */
static int read_added(glimpse_tokenizer_json *json, const document *d, const json_t *list) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i), *id = json_object_get(entry, "id");
        char number[32];
        (void)snprintf(number, sizeof number, "%zu", i + 1);
        if (!json_is_integer(id)) {
            return glimpse_fail(GLIMPSE_E_FORMAT, "%s: added token %s has no id", d->path, number);
        }
        glimpse_added_token token;
        int status =
            glimpse_added_token_read(&token, entry, json_integer_value(id), d->path, number);
        if (status == GLIMPSE_OK) status = glimpse_added_tokens_add(&json->added, &token);
        if (status < 0) return status;
    }
    return GLIMPSE_OK;
}

static int index_vocabulary(glimpse_tokenizer_json *json, const document *d) {
    glimpse_vocabulary *vocabulary = &json->vocabulary;
    size_t count = vocabulary->count, more = 0;
    for (size_t i = 0; i < json->added.count; i++) {
        more += (size_t)json->added.tokens[i].id >= count;
    }
    /* Ids from 0 without gaps: what is behind the model's own tokens are the added ones. */
    for (size_t i = 0; i < json->added.count && more > 0; i++) {
        glimpse_added_token *token = &json->added.tokens[i];
        if ((size_t)token->id < count) continue;
        int status = glimpse_vocabulary_add(vocabulary, d->path, (char *)(void *)token->text,
                                            token->length, token->id);
        if (status < 0) return status;
    }
    int status = glimpse_vocabulary_index(vocabulary, d->path, d->model[MERGES].items);
    for (size_t i = 0; i < json->added.count && status == GLIMPSE_OK; i++) {
        const glimpse_added_token *token = &json->added.tokens[i];
        if (glimpse_vocabulary_find(vocabulary, token->text, token->length) == token->id) continue;
        char quoted[GLIMPSE_UTF8_QUOTED];
        status = glimpse_fail(
            GLIMPSE_E_FORMAT, "%s: added token %s has id %d, and another one in the vocabulary",
            d->path, glimpse_utf8_quote(quoted, token->text, token->length), token->id);
    }
    return status;
}

static int read_unknown(glimpse_tokenizer_json *json, const document *d) {
    json_t *value;
    int status = load_small(d, &d->model[UNKNOWN], &value);
    json->unknown_id = -1;
    if (status < 0 || !value) return status;
    if (json_is_string(value)) {
        json->unknown_id = glimpse_vocabulary_find(&json->vocabulary, json_string_value(value),
                                                   json_string_length(value));
    }
    json_decref(value);
    if (json->unknown_id >= 0) return GLIMPSE_OK;
    return glimpse_fail(GLIMPSE_E_FORMAT, "%s: \"unk_token\" is no token of the vocabulary",
                        d->path);
}

static int read_unknown_id(glimpse_tokenizer_json *json, const document *d) {
    json_t *value;
    int status = load_small(d, &d->model[UNKNOWN_ID], &value);
    json_int_t id = json_is_integer(value) ? json_integer_value(value) : -1;
    json_decref(value);
    if (status < 0) return status;
    if (id < 0 || (size_t)id >= json->scored) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: \"unk_id\" is none of the %zu tokens", d->path,
                            json->scored);
    }
    json->unknown_id = (int32_t)id;
    return GLIMPSE_OK;
}

/* The settings of the model that both families have. */
static int read_model_settings(glimpse_tokenizer_json *json, const document *d,
                               const char *family) {
    int status;
    if ((status = expect_string(d, &d->model[PREFIX], "", family)) < 0 ||
        (status = expect_string(d, &d->model[SUFFIX], "", family)) < 0 ||
        (status = read_flag(d, &d->model[BYTE_FALLBACK], &json->byte_fallback)) < 0 ||
        (status = read_flag(d, &d->model[FUSE_UNKNOWN], &json->fuse_unknown)) < 0) {
        return status;
    }
    return read_flag(d, &d->model[IGNORE_MERGES], &json->ignore_merges);
}

static int read_tokens(glimpse_tokenizer_json *json, document *d, int unigram) {
    json_t *added = NULL;
    int status;
    if (d->model[VOCAB].end == 0 || (d->model[MERGES].end == 0 && !unigram)) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: model.vocab or model.merges is missing",
                            d->path);
    }
    if ((status = load_small(d, &d->top[ADDED], &added)) < 0 ||
        (status = read_added(json, d, added)) < 0 ||
        (status = unigram ? read_scored_vocab(json, d) : read_vocab(json, d)) < 0 ||
        (status = index_vocabulary(json, d)) < 0 ||
        /* before the merges, whose look-ups find the tokens closer together then */
        (status = glimpse_vocabulary_pack(&json->vocabulary, d->path)) < 0 ||
        (status = unigram ? GLIMPSE_OK : read_merges(json, d)) < 0) {
        goto done;
    }
    status = unigram ? read_unknown_id(json, d) : read_unknown(json, d);
done:
    json_decref(added);
    return status;
}

static int read_gemma(glimpse_tokenizer_json *json, document *d) {
    static const char family[] = "Gemma";
    int status;
    if ((status = find_all_parts(d)) < 0 ||
        (status = expect_string(d, &d->model[TYPE], "BPE", family)) < 0 ||
        (status = read_model_settings(json, d, family)) < 0 ||
        (status = check_pre_tokenizer(d)) < 0 || (status = read_normalizer(json, d)) < 0) {
        return status;
    }
    return read_tokens(json, d, 0);
}

static int read_spiece(glimpse_tokenizer_json *json, document *d) {
    static const char family[] = "SentencePiece";
    json_t *type = NULL;
    int status;
    if ((status = find_all_parts(d)) < 0 || (status = load_small(d, &d->model[TYPE], &type)) < 0) {
        return status;
    }
    const char *name = json_string_value(type);
    const int unigram = name && strcmp(name, "Unigram") == 0;
    json_decref(type);
    if (!unigram && (status = expect_string(d, &d->model[TYPE], "BPE", family)) < 0) return status;
    if ((status = read_model_settings(json, d, family)) < 0 ||
        (status = load_small(d, &d->top[NORMALIZER], &json->normalizer)) < 0 ||
        (status = load_small(d, &d->top[PRE_TOKENIZER], &json->pre_tokenizer)) < 0) {
        return status;
    }
    return read_tokens(json, d, unigram);
}

static int read_file(glimpse_tokenizer_json *json, const char *path,
                     int (*read_parts)(glimpse_tokenizer_json *json, document *d)) {
    void *data = NULL;
    document d = {.path = path};
    memset(json, 0, sizeof *json);
    int status = glimpse_download_read(&data, &d.size, path, FILE_LIMIT);
    if (status < 0) return status;
    d.text = data;
    status = glimpse_vocabulary_begin(&json->vocabulary);
    if (status == GLIMPSE_OK) status = read_parts(json, &d);
    if (status < 0) glimpse_tokenizer_json_release(json);
    free(data);
    return status;
}

int glimpse_tokenizer_json_read(glimpse_tokenizer_json *json, const char *path) {
    return read_file(json, path, read_gemma);
}

int glimpse_tokenizer_json_read_spiece(glimpse_tokenizer_json *json, const char *path) {
    return read_file(json, path, read_spiece);
}

void glimpse_tokenizer_json_release(glimpse_tokenizer_json *json) {
    glimpse_added_tokens_release(&json->added);
    glimpse_vocabulary_release(&json->vocabulary);
    json_decref(json->normalizer);
    json_decref(json->pre_tokenizer);
    free(json->scores);
    memset(json, 0, sizeof *json);
}

static void find_facts(glimpse_tokenizer_json_facts *out, const json_t *type, const json_t *unknown,
                       const json_t *added) {
    const char *name = json_string_value(type);
    out->unigram = name && strcmp(name, "Unigram") == 0;
    out->bpe = name && strcmp(name, "BPE") == 0;
    out->fairseq = json_is_integer(unknown) && json_integer_value(unknown) == 3;
    for (size_t i = 0; i < json_array_size(added); i++) {
        const json_t *entry = json_array_get(added, i);
        const char *text = json_string_value(json_object_get(entry, "content"));
        json_int_t id = json_integer_value(json_object_get(entry, "id"));
        if (text && strcmp(text, "eng_Latn") == 0) out->flores_english = 1;
        if (text && strcmp(text, "<unk>") == 0 && id == 3) out->fairseq = 1;
    }
}

static int look(glimpse_tokenizer_json_facts *out, document *d) {
    json_t *type = NULL, *unknown = NULL, *added = NULL;
    int status;
    if ((status = find_all_parts(d)) == GLIMPSE_OK &&
        (status = load_small(d, &d->model[TYPE], &type)) == GLIMPSE_OK &&
        (status = load_small(d, &d->model[UNKNOWN_ID], &unknown)) == GLIMPSE_OK &&
        (status = load_small(d, &d->top[ADDED], &added)) == GLIMPSE_OK &&
        (status = read_flag(d, &d->model[BYTE_FALLBACK], &out->byte_fallback)) == GLIMPSE_OK) {
        find_facts(out, type, unknown, added);
    }
    json_decref(added);
    json_decref(unknown);
    json_decref(type);
    return status;
}

int glimpse_tokenizer_json_look(glimpse_tokenizer_json_facts *out, const char *directory) {
    const glimpse_kept_error before = glimpse_error_keep();
    void *data = NULL;
    memset(out, 0, sizeof *out);
    char *path = glimpse_path_join(directory, "tokenizer.json");
    if (!path) return glimpse_fail_nomem(strlen(directory), "a file name");
    document d = {.path = path};
    int status = glimpse_download_read(&data, &d.size, path, FILE_LIMIT);
    d.text = data;
    if (status == GLIMPSE_OK) status = look(out, &d);
    free(data);
    free(path);
    if (status == GLIMPSE_E_NOMEM) return status;
    if (status < 0) memset(out, 0, sizeof *out);
    glimpse_error_restore(&before);
    return GLIMPSE_OK;
}
