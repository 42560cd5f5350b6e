/*
 * text/wordpiece_tokenizer.c - BERT's tokenizer, which BLIP and Chinese-CLIP use
 * (google-research/bert, tokenization.py; the order of the steps is that of the Hugging Face
 * tokenizers library).
 *
 *   special tokens cut out -> controls dropped, white space to spaces, spaces around Han
 *   characters -> NFD without accents -> lower case -> words, each punctuation mark one
 *   -> the longest tokens of the vocabulary, from left to right, "##" before all but the first
 *
 * A word that cannot be made of tokens, or of more than 100 characters, is [UNK] as a whole.
 */
#include "core/download.h"
#include "core/error.h"
#include "core/utf8.h"
#include "text/added_tokens.h"
#include "text/bytes.h"
#include "text/tokenizer_kinds.h"
#include "text/tokenizer_settings.h"
#include "text/wordpiece_decode.h"

#include <stdlib.h>
#include <string.h>

enum { LONGEST_WORD = 100, FILE_LIMIT = 64 << 20, TOKENS_LIMIT = 1 << 20 };

typedef struct wordpiece_tokenizer {
    glimpse_tokenizer base;
    char *file;                         /* vocab.txt, a NUL behind each line */
    const char **tokens;                /* [vocab_size] */
    unsigned char *special;             /* [vocab_size] */
    glimpse_prefix_table words, pieces; /* tokens; those that begin with "##", without it */
    glimpse_added_tokens added;
    int lower, strip_accents, space_han;
    int ended; /* the last line of vocab.txt has its line break */
} wordpiece_tokenizer;

static int is_han(uint32_t c) {
    return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
           (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B73F) ||
           (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B820 && c <= 0x2CEAF) ||
           (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

static int is_punctuation(uint32_t c) {
    return c < 0x80 ? glimpse_unicode_is_ascii_punctuation(c) : glimpse_unicode_is_punctuation(c);
}

static int is_space(uint32_t c) {
    return glimpse_unicode_class(c) == GLIMPSE_CLASS_SPACE;
}

/* Drops controls and U+FFFD, and sets Han characters apart. */
static int clean(const wordpiece_tokenizer *tokenizer, glimpse_points *out,
                 const glimpse_points *in) {
    out->count = 0;
    for (size_t i = 0; i < in->count; i++) {
        uint32_t c = in->data[i];
        int status = glimpse_points_reserve(out, out->count + 3);
        if (status < 0) return status;
        if (c == '\t' || c == '\n' || c == '\r') c = ' ';
        if (c >= 0x20 && c < 0x7F) {
            out->data[out->count++] = c;
        } else if (c == GLIMPSE_UTF8_REPLACEMENT || glimpse_unicode_is_other(c)) {
            continue;
        } else if (tokenizer->space_han && is_han(c)) {
            out->data[out->count++] = ' ';
            out->data[out->count++] = c;
            out->data[out->count++] = ' ';
        } else {
            out->data[out->count++] = is_space(c) ? ' ' : c;
        }
    }
    return GLIMPSE_OK;
}

/* From `text` to `text`, by way of the others. */
static int normalise(const wordpiece_tokenizer *tokenizer, glimpse_points *text,
                     glimpse_points *other, glimpse_points *scratch) {
    int status = clean(tokenizer, other, text);
    if (status < 0) return status;
    glimpse_points *now = other, *next = text;
    if (tokenizer->strip_accents) {
        status = glimpse_points_nfd(next, now, scratch);
        if (status < 0) return status;
        size_t kept = 0;
        for (size_t i = 0; i < next->count; i++) {
            if (!glimpse_unicode_is_nonspacing_mark(next->data[i])) {
                next->data[kept++] = next->data[i];
            }
        }
        next->count = kept;
        now = text, next = other;
    }
    if (tokenizer->lower) {
        status = glimpse_points_lower_each(next, now);
        if (status < 0) return status;
        now = next;
    }
    if (now == text) return GLIMPSE_OK;
    status = glimpse_points_reserve(text, other->count);
    if (status < 0) return status;
    memcpy(text->data, other->data, other->count * sizeof *text->data);
    text->count = other->count;
    return GLIMPSE_OK;
}

static void add_word(const wordpiece_tokenizer *tokenizer, const uint32_t *points, size_t count,
                     glimpse_tokens *tokens) {
    char word[LONGEST_WORD * GLIMPSE_UTF8_MAX_BYTES];
    int32_t ids[LONGEST_WORD * GLIMPSE_UTF8_MAX_BYTES];
    size_t length = 0, used = 0;
    if (count > LONGEST_WORD) {
        glimpse_tokens_add(tokens, tokenizer->base.unknown_id);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        length += glimpse_utf8_encode(word + length, points[i]);
    }
    for (size_t at = 0, taken; at < length; at += taken) {
        ids[used] = glimpse_prefix_table_longest(at == 0 ? &tokenizer->words : &tokenizer->pieces,
                                                 word + at, length - at, &taken);
        if (ids[used++] < 0) {
            ids[0] = tokenizer->base.unknown_id;
            used = 1;
            break;
        }
    }
    for (size_t i = 0; i < used && !tokens->truncated; i++) {
        glimpse_tokens_add(tokens, ids[i]);
    }
}

static void add_words(const wordpiece_tokenizer *tokenizer, const glimpse_points *text,
                      glimpse_tokens *tokens) {
    for (size_t i = 0, end; i < text->count && !tokens->truncated; i = end) {
        end = i + 1;
        if (is_space(text->data[i])) continue;
        if (!is_punctuation(text->data[i])) {
            while (end < text->count && !is_space(text->data[end]) &&
                   !is_punctuation(text->data[end])) {
                end++;
            }
        }
        add_word(tokenizer, text->data + i, end - i, tokens);
    }
}

static int encode(glimpse_tokens *tokens, const glimpse_tokenizer *base, const char *text,
                  size_t length) {
    const wordpiece_tokenizer *tokenizer = (const wordpiece_tokenizer *)base;
    glimpse_points points, other, scratch;
    glimpse_points_init(&points);
    glimpse_points_init(&other);
    glimpse_points_init(&scratch);
    int status = GLIMPSE_OK;
    tokens->ids[tokens->count++] = base->start_id;
    const glimpse_added_token *token = NULL;
    for (size_t at = 0, from, to; at < length && !tokens->truncated;) {
        token = glimpse_added_tokens_next(&tokenizer->added, text, length, &at, token, &from, &to);
        status = glimpse_points_decode(&points, text + from, to - from);
        if (status < 0) goto done;
        status = normalise(tokenizer, &points, &other, &scratch);
        if (status < 0) goto done;
        add_words(tokenizer, &points, tokens);
        if (token && !tokens->truncated) glimpse_tokens_add(tokens, token->id);
    }
    tokens->ids[tokens->count++] = base->end_id;
done:
    glimpse_points_release(&scratch);
    glimpse_points_release(&other);
    glimpse_points_release(&points);
    return status;
}

static const char *token_text(const glimpse_tokenizer *base, int32_t id) {
    return ((const wordpiece_tokenizer *)base)->tokens[id];
}

static int decode(char *out, size_t capacity, size_t *length, const glimpse_tokenizer *base,
                  const int32_t *ids, size_t count, unsigned flags) {
    const wordpiece_tokenizer *tokenizer = (const wordpiece_tokenizer *)base;
    const glimpse_wordpiece_words words = {tokenizer->tokens, tokenizer->special, base->vocab_size};
    return glimpse_wordpiece_decode(out, capacity, length, &words, ids, count, flags);
}

/* A token that lost its end looks like any other; only the missing line break shows it. */
static int check(const glimpse_tokenizer *base, const char *directory) {
    if (((const wordpiece_tokenizer *)base)->ended) return GLIMPSE_OK;
    return glimpse_fail(
        GLIMPSE_E_FORMAT,
        "%s/vocab.txt: no line break behind the last token, \"%s\" in line %zu; the "
        "file was cut short (if it is whole, end the line)",
        directory, base->vocab_size ? token_text(base, (int32_t)base->vocab_size - 1) : "",
        base->vocab_size);
}

static void release(glimpse_tokenizer *base) {
    wordpiece_tokenizer *tokenizer = (wordpiece_tokenizer *)base;
    glimpse_added_tokens_release(&tokenizer->added);
    glimpse_prefix_table_release(&tokenizer->pieces);
    glimpse_prefix_table_release(&tokenizer->words);
    free(tokenizer->special);
    free(tokenizer->tokens);
    free(tokenizer->file);
    free(tokenizer);
}

static int add_token(wordpiece_tokenizer *tokenizer, const char *path, char *line, size_t length) {
    size_t id = tokenizer->base.vocab_size;
    if (id >= TOKENS_LIMIT) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "%s: more than %d tokens", path, TOKENS_LIMIT);
    }
    if (memchr(line, '\0', length) || !glimpse_utf8_is_valid(line, length)) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: line %zu is not UTF-8 text", path, id + 1);
    }
    line[length] = '\0';
    tokenizer->tokens[id] = line;
    tokenizer->base.vocab_size++;
    if (length == 0) return GLIMPSE_OK; /* a token that no text has */
    int status = glimpse_prefix_table_add(&tokenizer->words, line, length, (int32_t)id);
    if (status == GLIMPSE_OK && length > 2 && line[0] == '#' && line[1] == '#') {
        status = glimpse_prefix_table_add(&tokenizer->pieces, line + 2, length - 2, (int32_t)id);
    }
    return status;
}

static int read_vocabulary(glimpse_tokenizer *base, const char *path) {
    wordpiece_tokenizer *tokenizer = (wordpiece_tokenizer *)base;
    void *data = NULL;
    size_t size = 0, lines = 1;
    int status = glimpse_download_read(&data, &size, path, FILE_LIMIT);
    if (status < 0) return status;
    tokenizer->file = data;
    for (size_t i = 0; i < size; i++) {
        lines += tokenizer->file[i] == '\n';
    }
    tokenizer->tokens = calloc(lines, sizeof *tokenizer->tokens);
    tokenizer->special = calloc(lines, 1);
    if (!tokenizer->tokens || !tokenizer->special) {
        return glimpse_fail_nomem(lines * sizeof *tokenizer->tokens, path);
    }
    char last = size > 0 ? tokenizer->file[size - 1] : '\0';
    for (size_t at = 0; at < size;) {
        char *line = tokenizer->file + at, *end = memchr(line, '\n', size - at);
        size_t length = end ? (size_t)(end - line) : size - at;
        at += length + (end ? 1 : 0);
        if (length > 0 && line[length - 1] == '\r') length--;
        status = add_token(tokenizer, path, line, length);
        if (status < 0) return status;
    }
    tokenizer->ended = size > 0 && last == '\n';
    const glimpse_prefix *twice, *ignored;
    glimpse_prefix_table_sort(&tokenizer->words, &twice);
    glimpse_prefix_table_sort(&tokenizer->pieces, &ignored); /* twice there is twice in words */
    if (twice) {
        char quoted[GLIMPSE_UTF8_QUOTED];
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: token %s occurs twice (line %d)", path,
                            glimpse_utf8_quote(quoted, twice->text, twice->length), twice->id + 1);
    }
    return GLIMPSE_OK;
}

/* A special token by the name that the settings give it. Those that a text may contain are also
 * cut out of it. */
static int find_special(wordpiece_tokenizer *tokenizer, const char *path,
                        const glimpse_tokenizer_settings *settings, const char *key,
                        const char *fallback, int needed, int32_t *out) {
    const char *name = glimpse_tokenizer_settings_name(settings, key, fallback);
    size_t length = strlen(name), taken;
    int32_t id = glimpse_prefix_table_longest(&tokenizer->words, name, length, &taken);
    *out = taken == length ? id : -1;
    if (*out < 0) {
        return needed ? glimpse_fail(GLIMPSE_E_FORMAT, "%s: the token %s is missing", path, name)
                      : GLIMPSE_OK;
    }
    tokenizer->special[*out] = 1;
    glimpse_added_token token = {name, length, *out, 0, 0, 0, 1};
    return glimpse_added_tokens_add(&tokenizer->added, &token);
}

/* Further ones that tokenizer_config.json lists by id. */
static int read_added(wordpiece_tokenizer *tokenizer, const glimpse_tokenizer_settings *settings) {
    const char *key;
    json_t *entry;
    json_object_foreach(json_object_get(settings->own, "added_tokens_decoder"), key, entry) {
        glimpse_added_token token;
        int status =
            glimpse_added_token_read(&token, entry, strtol(key, NULL, 10), settings->path, key);
        if (status < 0) return status;
        status = glimpse_added_tokens_add(&tokenizer->added, &token);
        if (status < 0) return status;
        if (token.special && (size_t)token.id < tokenizer->base.vocab_size) {
            tokenizer->special[token.id] = 1;
        }
    }
    return GLIMPSE_OK;
}

static int read_settings(glimpse_tokenizer *base, const char *path,
                         const glimpse_tokenizer_settings *settings) {
    wordpiece_tokenizer *tokenizer = (wordpiece_tokenizer *)base;
    int status, basic;
    const json_t *never = json_object_get(settings->own, "never_split");
    if ((status = glimpse_tokenizer_settings_flag(settings, "do_lower_case", 1,
                                                  &tokenizer->lower)) < 0 ||
        (status = glimpse_tokenizer_settings_flag(settings, "strip_accents", tokenizer->lower,
                                                  &tokenizer->strip_accents)) < 0 ||
        (status = glimpse_tokenizer_settings_flag(settings, "tokenize_chinese_chars", 1,
                                                  &tokenizer->space_han)) < 0 ||
        (status = glimpse_tokenizer_settings_flag(settings, "do_basic_tokenize", 1, &basic)) < 0) {
        return status;
    }
    if (!basic || json_array_size(never) > 0) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "%s: %s is not supported", settings->path,
                            basic ? "\"never_split\"" : "\"do_basic_tokenize\": false");
    }
    int32_t mask;
    if ((status = read_added(tokenizer, settings)) < 0 ||
        (status = find_special(tokenizer, path, settings, "cls_token", "[CLS]", 1,
                               &base->start_id)) < 0 ||
        (status = find_special(tokenizer, path, settings, "sep_token", "[SEP]", 1, &base->end_id)) <
            0 ||
        (status = find_special(tokenizer, path, settings, "unk_token", "[UNK]", 1,
                               &base->unknown_id)) < 0 ||
        (status = find_special(tokenizer, path, settings, "pad_token", "[PAD]", 0, &base->pad_id)) <
            0 ||
        (status = find_special(tokenizer, path, settings, "mask_token", "[MASK]", 0, &mask)) < 0) {
        return status;
    }
    glimpse_added_tokens_sort(&tokenizer->added);
    /* BLIP's own, where vocab.txt has them: special when ids become text, plain text otherwise. */
    static const char *const own[] = {"[DEC]", "[ENC]"};
    for (size_t i = 0; i < 2; i++) {
        int32_t id = glimpse_tokenizer_find(base, own[i]);
        if (id >= 0) tokenizer->special[id] = 1;
    }
    return GLIMPSE_OK;
}

static int load(glimpse_tokenizer **out, const char *directory) {
    static const glimpse_tokenizer_source source = {.type = &glimpse_tokenizer_type_wordpiece,
                                                    .size = sizeof(wordpiece_tokenizer),
                                                    .file = "vocab.txt",
                                                    .read_file = read_vocabulary,
                                                    .read_settings = read_settings};
    return glimpse_tokenizer_open(out, directory, &source);
}

static const glimpse_tokenizer_sign signs[] = {
    {.strength = GLIMPSE_SIGN_CLASS, .name = "BertTokenizer"},
    {.strength = GLIMPSE_SIGN_CLASS, .name = "BertTokenizerFast"},
    {.strength = GLIMPSE_SIGN_NAME, .name = "bert-base-uncased"},
    {.strength = GLIMPSE_SIGN_MODEL_TYPE, .name = "blip"},
    {.strength = GLIMPSE_SIGN_MODEL_TYPE, .name = "chinese_clip"},
    {.strength = GLIMPSE_SIGN_COMMON_FILES, .files = {"vocab.txt"}},
    {.strength = GLIMPSE_SIGN_NONE},
};

static const char *const files[] = {"vocab.txt", NULL};

const glimpse_tokenizer_type glimpse_tokenizer_type_wordpiece = {
    .name = "wordpiece",
    .signs = signs,
    .files = files,
    .usual_context = 512, /* BlipTextConfig */
    .load = load,
    .encode = encode,
    .decode = decode,
    .token = token_text,
    .free = release,
    .check = check,
};
