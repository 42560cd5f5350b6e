/*
 * text/clip_tokenizer.c - CLIP's tokenizers: what happens to a text, in order.
 *
 *   HF        bytes -> code points -> NFC -> lower case -> special tokens -> words -> BPE
 *   OPENCLIP  bytes -> code points -> HTML unescaped twice -> stripped -> lower case as Python's
 *             -> words, special tokens among them -> BPE
 *
 * Both references also turn runs of white space into one space. That is left out: the splitting
 * pattern drops white space, however much there is of it, and nothing in between can tell.
 *
 * The pattern, tried from left to right at each position (the special strings first in OPENCLIP):
 *
 *   's | 't | 're | 've | 'm | 'll | 'd | \p{L}+ | \p{N} | [^\s\p{L}\p{N}]+
 */
#include "core/error.h"
#include "core/utf8.h"
#include "text/bpe.h"
#include "text/html.h"
#include "text/tokenizer_kinds.h"
#include "text/tokenizer_settings.h"
#include "text/unicode.h"
#include "text/vocabulary.h"

#include <stdlib.h>
#include <string.h>

/* What ignoring case does to the pattern of OPENCLIP, besides capitals, which are gone by then:
 * - LONG_S, not lower-cased, is an s;
 * - YPOGEGRAMMENI, a mark, has the case variant iota, a letter. That keeps it out of the negated
 *   set, and being no letter itself it is out of \p{L} as well: it is dropped like white space. */
enum { LONG_S = 0x17F, YPOGEGRAMMENI = 0x345 };

typedef struct clip_tokenizer {
    glimpse_tokenizer base;
    glimpse_vocabulary vocabulary;
    int openclip;
    const char *special[2]; /* how a text writes the start and the end token */
    size_t special_length[2];
} clip_tokenizer;

/* The state of one encode call. */
typedef struct encoder {
    const clip_tokenizer *tokenizer;
    glimpse_tokens *tokens;
    int32_t *symbols; /* of one word; `inside` unless it is long */
    size_t symbols_capacity;
    int32_t inside[GLIMPSE_BPE_INLINE];
    glimpse_bpe_scratch scratch;
    int full; /* a token found no room: nothing else matters */
} encoder;

static void add_id(encoder *e, int32_t id) {
    if (e->tokens->count + 1 >= e->tokens->capacity) { /* the last place is the end token's */
        e->full = 1;
        return;
    }
    e->tokens->ids[e->tokens->count++] = id;
}

/* One word of the pattern, `points` [count], count >= 1. */
static int add_word(encoder *e, const uint32_t *points, size_t count) {
    const glimpse_vocabulary *vocabulary = &e->tokenizer->vocabulary;
    size_t needed = count * GLIMPSE_UTF8_MAX_BYTES;
    if (needed > e->symbols_capacity) {
        int32_t *symbols = malloc(needed * sizeof *symbols);
        if (!symbols) return glimpse_fail_nomem(needed * sizeof *symbols, "a long word");
        if (e->symbols != e->inside) free(e->symbols);
        e->symbols = symbols;
        e->symbols_capacity = needed;
    }
    size_t symbols = 0;
    for (size_t i = 0; i < count; i++) {
        char bytes[GLIMPSE_UTF8_MAX_BYTES];
        size_t length = glimpse_utf8_encode(bytes, points[i]);
        for (size_t k = 0; k < length; k++) {
            int last = i + 1 == count && k + 1 == length;
            e->symbols[symbols++] = vocabulary->byte_ids[(uint8_t)bytes[k]][last];
        }
    }
    int status =
        glimpse_bpe_merge(vocabulary, e->symbols, &symbols,
                          e->tokenizer->openclip ? GLIMPSE_BPE_ALL : GLIMPSE_BPE_ONE, &e->scratch);
    if (status < 0) return status;
    for (size_t i = 0; i < symbols && !e->full; i++) {
        add_id(e, e->symbols[i]);
    }
    return GLIMPSE_OK;
}

/* How many code points of a contraction stand at text[0], an apostrophe; 0 for none. */
static size_t contraction(const uint32_t *text, size_t count, int ignore_case) {
    if (count < 2) return 0;
    switch (text[1]) {
    case 's':
    case 't':
    case 'm':
    case 'd': return 2;
    case LONG_S: return ignore_case ? 2 : 0;
    default: break;
    }
    if (count < 3) return 0;
    uint32_t a = text[1], b = text[2];
    return (a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l') ? 3 : 0;
}

typedef enum match { MATCH_NONE, MATCH_SPECIAL, MATCH_WORD } match;

/* Whether special string `which` stands at text[0]. The pattern of OPENCLIP ignores case and so
 * finds the string also with a long s in it; what it found is then an ordinary word. */
static match match_special(const clip_tokenizer *tokenizer, int which, const uint32_t *text,
                           size_t count) {
    const char *name = tokenizer->special[which];
    match result = MATCH_SPECIAL;
    if (count < tokenizer->special_length[which]) return MATCH_NONE;
    for (size_t i = 0; name[i]; i++) {
        if (text[i] == (uint8_t)name[i]) continue;
        if (!tokenizer->openclip || text[i] != LONG_S || name[i] != 's') return MATCH_NONE;
        result = MATCH_WORD;
    }
    return result;
}

static int32_t special_id(const clip_tokenizer *tokenizer, int which) {
    return which == 0 ? tokenizer->vocabulary.start_id : tokenizer->vocabulary.end_id;
}

static glimpse_class class_of(const clip_tokenizer *tokenizer, uint32_t code_point) {
    if (code_point == YPOGEGRAMMENI && tokenizer->openclip) return GLIMPSE_CLASS_SPACE;
    return glimpse_unicode_class(code_point);
}

/* The length of the word that begins at text[0], which is not white space. */
static size_t word_length(const encoder *e, const uint32_t *text, size_t count) {
    if (text[0] == '\'') {
        size_t length = contraction(text, count, e->tokenizer->openclip);
        if (length > 0) return length;
    }
    glimpse_class class = class_of(e->tokenizer, text[0]);
    size_t length = 1;
    while (class != GLIMPSE_CLASS_NUMBER && length < count &&
           class_of(e->tokenizer, text[length]) == class) {
        length++;
    }
    return length;
}

/* Splits `text` [count] by the pattern. */
static int add_words(encoder *e, const uint32_t *text, size_t count) {
    const clip_tokenizer *tokenizer = e->tokenizer;
    for (size_t i = 0; i < count && !e->full;) {
        if (class_of(tokenizer, text[i]) == GLIMPSE_CLASS_SPACE) {
            i++;
            continue;
        }
        match found = MATCH_NONE;
        size_t length = 0;
        for (int which = 0; tokenizer->openclip && text[i] == '<' && which < 2 && !found; which++) {
            found = match_special(tokenizer, which, text + i, count - i);
            length = tokenizer->special_length[which];
            if (found == MATCH_SPECIAL) add_id(e, special_id(tokenizer, which));
        }
        if (!found) length = word_length(e, text + i, count - i);
        if (found != MATCH_SPECIAL) {
            int status = add_word(e, text + i, length);
            if (status < 0) return status;
        }
        i += length;
    }
    return GLIMPSE_OK;
}

/* Hugging Face cuts the text at the special tokens before anything is split into words. */
static int add_text_with_specials(encoder *e, const uint32_t *text, size_t count) {
    const clip_tokenizer *tokenizer = e->tokenizer;
    size_t from = 0;
    for (size_t i = 0; i < count && !e->full; i++) {
        for (int which = 0; text[i] == '<' && which < 2; which++) {
            if (!match_special(tokenizer, which, text + i, count - i)) continue;
            int status = add_words(e, text + from, i - from);
            if (status < 0) return status;
            if (!e->full) add_id(e, special_id(tokenizer, which));
            i += tokenizer->special_length[which];
            from = i;
            i--; /* the loop adds it again */
            break;
        }
    }
    return e->full ? GLIMPSE_OK : add_words(e, text + from, count - from);
}

/* Python's str.strip(). It can be told from no stripping at all only by U+001C to U+001F, which
 * str.isspace() counts as white space and the pattern does not. */
static void strip(const glimpse_points *points, size_t *from, size_t *to) {
    *from = 0;
    *to = points->count;
    while (*from < *to && glimpse_unicode_is_python_space(points->data[*from])) {
        (*from)++;
    }
    while (*from < *to && glimpse_unicode_is_python_space(points->data[*to - 1])) {
        (*to)--;
    }
}

/* Both normalisations end with the text in `text`; `other` is scratch. */
static int normalise(const clip_tokenizer *tokenizer, glimpse_points *text, glimpse_points *other) {
    if (!tokenizer->openclip) {
        int status = glimpse_points_nfc(other, text);
        return status < 0 ? status : glimpse_points_lower_each(text, other);
    }
    size_t from, to;
    glimpse_html_unescape(text);
    glimpse_html_unescape(text);
    strip(text, &from, &to);
    int status = glimpse_points_reserve(other, to - from);
    if (status < 0) return status;
    memcpy(other->data, text->data + from, (to - from) * sizeof *text->data);
    other->count = to - from;
    return glimpse_points_lower_python(text, other);
}

static int encode(glimpse_tokens *tokens, const glimpse_tokenizer *base, const char *text,
                  size_t length) {
    const clip_tokenizer *tokenizer = (const clip_tokenizer *)base;
    encoder e;
    e.tokenizer = tokenizer;
    e.tokens = tokens;
    e.symbols = e.inside;
    e.symbols_capacity = GLIMPSE_BPE_INLINE;
    e.full = 0;
    glimpse_bpe_scratch_init(&e.scratch);
    glimpse_points points, other;
    glimpse_points_init(&points);
    glimpse_points_init(&other);

    tokens->ids[tokens->count++] = tokenizer->vocabulary.start_id;
    int status = glimpse_points_decode(&points, text, length);
    if (status < 0) goto done;
    status = normalise(tokenizer, &points, &other);
    if (status < 0) goto done;
    status = tokenizer->openclip ? add_words(&e, points.data, points.count)
                                 : add_text_with_specials(&e, points.data, points.count);
    if (status < 0) goto done;
    tokens->ids[tokens->count++] = tokenizer->vocabulary.end_id;
    tokens->truncated = e.full;
done:
    glimpse_points_release(&other);
    glimpse_points_release(&points);
    glimpse_bpe_scratch_release(&e.scratch);
    if (e.symbols != e.inside) free(e.symbols);
    return status;
}

static const char *token_text(const glimpse_tokenizer *base, int32_t id) {
    return ((const clip_tokenizer *)base)->vocabulary.tokens[id].text;
}

/* Every vocabulary of CLIP is the bytes, what each merge makes of them, and the special tokens. */
static int check(const glimpse_tokenizer *base, const char *directory) {
    const glimpse_vocabulary *vocabulary = &((const clip_tokenizer *)base)->vocabulary;
    if (vocabulary->unmade < 0) return GLIMPSE_OK;
    const glimpse_token *token = &vocabulary->tokens[vocabulary->unmade];
    char quoted[GLIMPSE_UTF8_QUOTED];
    return glimpse_fail(GLIMPSE_E_FORMAT,
                        "%s: none of the %zu merges (merges.txt or tokenizer.json) makes the token "
                        "%s, id %d; the file was cut short or belongs to another vocabulary",
                        directory, vocabulary->merge_count,
                        glimpse_utf8_quote(quoted, token->text, token->length),
                        (int)vocabulary->unmade);
}

static void release(glimpse_tokenizer *base) {
    clip_tokenizer *tokenizer = (clip_tokenizer *)base;
    glimpse_vocabulary_release(&tokenizer->vocabulary);
    free(tokenizer);
}

static int load(glimpse_tokenizer **out, const char *directory, const glimpse_tokenizer_type *type,
                int openclip) {
    clip_tokenizer *tokenizer = calloc(1, sizeof *tokenizer);
    if (!tokenizer) return glimpse_fail_nomem(sizeof *tokenizer, "a tokenizer");
    const glimpse_vocabulary *vocabulary = &tokenizer->vocabulary;
    int status = glimpse_vocabulary_read(&tokenizer->vocabulary, directory);
    if (status < 0) {
        release(&tokenizer->base);
        return status;
    }
    tokenizer->openclip = openclip;
    /* open_clip names the special tokens itself; its published vocab.json uses the other names. */
    tokenizer->special[0] = openclip ? "<start_of_text>" : vocabulary->start_name;
    tokenizer->special[1] = openclip ? "<end_of_text>" : vocabulary->end_name;
    tokenizer->special_length[0] = strlen(tokenizer->special[0]);
    tokenizer->special_length[1] = strlen(tokenizer->special[1]);
    tokenizer->base.type = type;
    tokenizer->base.vocab_size = vocabulary->count;
    tokenizer->base.start_id = vocabulary->start_id;
    tokenizer->base.end_id = tokenizer->base.unknown_id = vocabulary->end_id;
    /* What follows the end token is never looked at; both references fill up with 0 or with the
     * end token, openai/CLIP with 0. */
    tokenizer->base.pad_id = 0;
    *out = &tokenizer->base;
    return GLIMPSE_OK;
}

static int load_hf(glimpse_tokenizer **out, const char *directory) {
    return load(out, directory, &glimpse_tokenizer_type_clip_hf, 0);
}

static int load_openclip(glimpse_tokenizer **out, const char *directory) {
    return load(out, directory, &glimpse_tokenizer_type_clip_openclip, 1);
}

static const glimpse_tokenizer_sign signs_of_hf[] = {
    {.strength = GLIMPSE_SIGN_CLASS, .name = "CLIPTokenizer"},
    {.strength = GLIMPSE_SIGN_CLASS, .name = "CLIPTokenizerFast"},
    {.strength = GLIMPSE_SIGN_MODEL_TYPE, .name = "clip"},
    {.strength = GLIMPSE_SIGN_OWN_FILES, .files = {"vocab.json", "merges.txt"}},
    {.strength = GLIMPSE_SIGN_ANY},
    {.strength = GLIMPSE_SIGN_NONE},
};

const glimpse_tokenizer_type glimpse_tokenizer_type_clip_hf = {
    .name = "clip-hf",
    .signs = signs_of_hf,
    .usual_context = 77, /* CLIPTextConfig */
    .load = load_hf,
    .encode = encode,
    .token = token_text,
    .free = release,
    .check = check,
};

/* open_clip's own tokenizer, unless the configuration names another; also when it is damaged. */
static int names_no_tokenizer(int *out, const char *directory) {
    const glimpse_kept_error before = glimpse_error_keep();
    json_t *root = NULL;
    int status = glimpse_json_object_read(&root, directory, "open_clip_config.json");
    if (status == GLIMPSE_E_NOMEM) return status;
    const json_t *text = json_object_get(json_object_get(root, "model_cfg"), "text_cfg");
    *out = !json_is_string(json_object_get(text, "hf_tokenizer_name"));
    json_decref(root);
    glimpse_error_restore(&before);
    return GLIMPSE_OK;
}

static const glimpse_tokenizer_sign signs_of_openclip[] = {
    {.strength = GLIMPSE_SIGN_MARKER,
     .files = {"open_clip_config.json"},
     .contents = names_no_tokenizer},
    {.strength = GLIMPSE_SIGN_NONE},
};

const glimpse_tokenizer_type glimpse_tokenizer_type_clip_openclip = {
    .name = "clip-openclip",
    .signs = signs_of_openclip,
    .usual_context = 77,
    .load = load_openclip,
    .encode = encode,
    .token = token_text,
    .free = release,
    .check = check,
};
