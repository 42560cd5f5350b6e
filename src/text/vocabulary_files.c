/*
 * text/vocabulary_files.c - the files a vocabulary is read from.
 *
 *   vocab.json      {"token": id, ...}
 *   merges.txt      "#version: 0.2", then one merge a line: two tokens and a space between them
 *   tokenizer.json  the same inside {"model": {"type": "BPE", "vocab": {...}, "merges": [...]}},
 *                   a merge being "a b" or ["a", "b"]; read when one of the others is absent
 */
#include "core/download.h"
#include "core/error.h"
#include "core/file.h"
#include "core/utf8.h"
#include "text/json_load.h"
#include "text/json_scan.h"
#include "text/vocabulary.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_LIMIT = 64 << 20 }; /* bytes; the largest real one has 2.2 million */

static int read_vocab_json(glimpse_vocabulary *vocabulary, const char *path) {
    void *data = NULL;
    size_t size = 0;
    int status = glimpse_download_read(&data, &size, path, FILE_LIMIT);
    if (status < 0) return status;
    vocabulary->text = data;
    glimpse_json_scan scan;
    glimpse_json_scan_begin(&scan, data, size, path);
    for (;;) {
        char *token;
        size_t length;
        int64_t id;
        status = glimpse_json_scan_next(&scan, &token, &length, &id);
        if (status <= 0) return status;
        status = glimpse_vocabulary_add(vocabulary, path, token, length, id);
        if (status < 0) return status;
    }
}

static size_t count_lines(const char *text, size_t size) {
    size_t lines = 1;
    for (const char *at = text, *end = text + size;
         (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++) {
        lines++;
    }
    return lines;
}

/* One "left right" with exactly one space. */
static int add_merge_text(glimpse_vocabulary *vocabulary, const char *path, size_t entry,
                          const char *line, size_t length) {
    const char *space = length ? memchr(line, ' ', length) : NULL;
    size_t left = space ? (size_t)(space - line) : 0;
    if (!space || memchr(space + 1, ' ', length - left - 1)) {
        char quoted[GLIMPSE_UTF8_QUOTED];
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: %zu: %s is not two tokens with a space between",
                            path, entry, glimpse_utf8_quote(quoted, line, length));
    }
    return glimpse_vocabulary_add_merge(vocabulary, path, entry, line, left, space + 1,
                                        length - left - 1);
}

static int read_merges_txt(glimpse_vocabulary *vocabulary, const char *path, const char *text,
                           size_t size) {
    static const char version[] = "#version";
    size_t at = 0;
    for (size_t line = 1; at < size; line++) {
        const char *start = text + at;
        const char *end = memchr(start, '\n', size - at);
        size_t length = end ? (size_t)(end - start) : size - at;
        at += length + (end ? 1 : 0);
        if (length > 0 && start[length - 1] == '\r') length--;
        if (line == 1 && length >= sizeof version - 1 &&
            memcmp(start, version, sizeof version - 1) == 0) {
            continue;
        }
        if (length == 0 && at >= size) break; /* a blank last line */
        int status = add_merge_text(vocabulary, path, line, start, length);
        if (status < 0) return status;
    }
    return GLIMPSE_OK;
}

static int read_pair_of_files(glimpse_vocabulary *vocabulary, const char *vocab_path,
                              const char *merges_path) {
    void *merges = NULL;
    size_t size = 0;
    int status = read_vocab_json(vocabulary, vocab_path);
    if (status < 0) return status;
    status = glimpse_download_read(&merges, &size, merges_path, FILE_LIMIT);
    if (status < 0) goto done;
    status = glimpse_vocabulary_index_clip(vocabulary, vocab_path, count_lines(merges, size));
    if (status < 0) goto done;
    status = read_merges_txt(vocabulary, merges_path, merges, size);
    if (status < 0) goto done;
    status = glimpse_vocabulary_finish(vocabulary);
done:
    free(merges);
    return status;
}

static int add_json_merge(glimpse_vocabulary *vocabulary, const char *path, size_t entry,
                          const json_t *merge) {
    if (json_is_string(merge)) {
        return add_merge_text(vocabulary, path, entry, json_string_value(merge),
                              json_string_length(merge));
    }
    const json_t *left = json_array_get(merge, 0), *right = json_array_get(merge, 1);
    if (json_array_size(merge) != 2 || !json_is_string(left) || !json_is_string(right)) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: merge %zu is neither \"a b\" nor [\"a\", \"b\"]",
                            path, entry);
    }
    return glimpse_vocabulary_add_merge(vocabulary, path, entry, json_string_value(left),
                                        json_string_length(left), json_string_value(right),
                                        json_string_length(right));
}

/* Copies one token of the document into vocabulary->text at *at. */
static int add_json_token(glimpse_vocabulary *vocabulary, const char *path, size_t *at,
                          const char *token, size_t length, const json_t *id) {
    if (!json_is_integer(id)) {
        char quoted[GLIMPSE_UTF8_QUOTED];
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: the id of token %s is not an integer", path,
                            glimpse_utf8_quote(quoted, token, length));
    }
    char *copy = vocabulary->text + *at;
    memcpy(copy, token, length + 1);
    *at += length + 1;
    return glimpse_vocabulary_add(vocabulary, path, copy, length, json_integer_value(id));
}

/* The tokens of the model, and those that only the list of added ones knows. `size` is that of the
 * file, which is more than its strings need: each had two quotes around it. */
static int add_json_tokens(glimpse_vocabulary *vocabulary, const char *path, size_t size,
                           json_t *vocab, const json_t *added) {
    vocabulary->text = malloc(size + 1);
    if (!vocabulary->text) return glimpse_fail_nomem(size + 1, path);
    size_t at = 0;
    const char *token;
    json_t *id;
    json_object_foreach(vocab, token, id) {
        int status = add_json_token(vocabulary, path, &at, token, strlen(token), id);
        if (status < 0) return status;
    }
    for (size_t i = 0; i < json_array_size(added); i++) {
        const json_t *entry = json_array_get(added, i);
        const json_t *content = json_object_get(entry, "content");
        if (!json_is_string(content)) {
            return glimpse_fail(GLIMPSE_E_FORMAT, "%s: added token %zu has no content", path,
                                i + 1);
        }
        if (json_object_get(vocab, json_string_value(content))) continue;
        int status = add_json_token(vocabulary, path, &at, json_string_value(content),
                                    json_string_length(content), json_object_get(entry, "id"));
        if (status < 0) return status;
    }
    return GLIMPSE_OK;
}

static int read_tokenizer_json(glimpse_vocabulary *vocabulary, const char *path) {
    void *data = NULL;
    size_t size = 0;
    json_t *root = NULL;
    int status = glimpse_download_read(&data, &size, path, FILE_LIMIT);
    if (status < 0) goto done;
    json_error_t error;
    root = glimpse_json_load(data, size, JSON_REJECT_DUPLICATES, &error);
    if (!root) {
        status = glimpse_json_failed(&error, path);
        goto done;
    }
    json_t *model = json_object_get(root, "model");
    json_t *vocab = json_object_get(model, "vocab");
    const json_t *merges = json_object_get(model, "merges");
    const json_t *type = json_object_get(model, "type");
    const json_t *suffix = json_object_get(model, "end_of_word_suffix");
    if ((type && (!json_is_string(type) || strcmp(json_string_value(type), "BPE") != 0)) ||
        !json_is_string(suffix) || strcmp(json_string_value(suffix), "</w>") != 0) {
        status =
            glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                         "%s: not a CLIP tokenizer (BPE with end_of_word_suffix \"</w>\")", path);
        goto done;
    }
    if (!json_is_object(vocab) || !json_is_array(merges)) {
        status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: model.vocab or model.merges is missing", path);
        goto done;
    }
    status = add_json_tokens(vocabulary, path, size, vocab, json_object_get(root, "added_tokens"));
    if (status < 0) goto done;
    status = glimpse_vocabulary_index_clip(vocabulary, path, json_array_size(merges));
    for (size_t i = 0; status == GLIMPSE_OK && i < json_array_size(merges); i++) {
        status = add_json_merge(vocabulary, path, i + 1, json_array_get(merges, i));
    }
    if (status == GLIMPSE_OK) status = glimpse_vocabulary_finish(vocabulary);
done:
    json_decref(root);
    free(data);
    return status;
}

static int exists(const char *path) {
    return access(path, F_OK) == 0;
}

int glimpse_vocabulary_read(glimpse_vocabulary *vocabulary, const char *directory) {
    char *vocab = glimpse_path_join(directory, "vocab.json");
    char *merges = glimpse_path_join(directory, "merges.txt");
    char *tokenizer = glimpse_path_join(directory, "tokenizer.json");
    int status = glimpse_vocabulary_begin(vocabulary);
    if (status < 0) goto done;
    if (!vocab || !merges || !tokenizer) {
        status = glimpse_fail_nomem(strlen(directory) + sizeof "/tokenizer.json", "a file name");
        goto done;
    }
    if (exists(vocab) && exists(merges)) {
        status = read_pair_of_files(vocabulary, vocab, merges);
    } else if (exists(tokenizer)) {
        status = read_tokenizer_json(vocabulary, tokenizer);
    } else if (!exists(directory)) {
        status = glimpse_fail(GLIMPSE_E_NOT_FOUND, "%s: no such model directory", directory);
    } else {
        status =
            glimpse_fail(GLIMPSE_E_NOT_FOUND,
                         "%s: has neither vocab.json and merges.txt nor tokenizer.json", directory);
    }
done:
    if (status < 0) glimpse_vocabulary_release(vocabulary);
    free(tokenizer);
    free(merges);
    free(vocab);
    return status;
}
